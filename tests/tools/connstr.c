/*
 * Parses a file as a connection string and prints its fields or "refused".
 */
#include <stdio.h>
#include <string.h>

#include "connstr.h"
#include "msg.h"
#include "secret.h"

static const char *
text(const char *s)
{
	return s == NULL ? "-" : s;
}

int
main(int argc, char **argv)
{
	struct connstr c;
	char *whole;
	int code;

	msg_start(argv[0]);
	whole = argc == 2 ? secret_file(argv[1], "connection string", &code) : NULL;
	if (whole == NULL || connstr_parse(whole, strlen(whole), "line", NULL, &c) != 0) {
		puts("refused");
		return 0;
	}
	printf("[%s] [%s] %d [%s] [%s] [%s] [%s]%s%s%s %d\n", c.host, text(c.instance), c.port,
	    text(c.database), text(c.user), text(c.password), text(c.application),
	    c.integrated ? " integrated" : "", c.encrypt ? " encrypt" : "", c.trust ? " trust" : "",
	    c.timeout);
	connstr_free(&c);
	secret_free(whole);
	return fflush(stdout) == EOF;
}
