/*
 * Shows what is made of each line of standard input as a connection string:
 * a line of fields each, or "refused".  For the tests.
 */
#include <stdio.h>
#include <string.h>

#include "connstr.h"
#include "msg.h"

static const char *
text(const char *s)
{
	return s == NULL ? "-" : s;
}

int
main(int argc, char **argv)
{
	struct connstr c;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	(void)argc;
	msg_start(argv[0]);
	while ((n = getline(&line, &room, stdin)) != -1) {
		if (n > 0 && line[n - 1] == '\n')
			n--;
		if (connstr_parse(line, (size_t)n, "line", NULL, &c) != 0)
			puts("refused");
		else
			printf("[%s] [%s] %d [%s] [%s] [%s] [%s]%s%s%s %d\n", c.host,
			    text(c.instance), c.port, text(c.database), text(c.user),
			    text(c.password), text(c.application),
			    c.integrated ? " integrated" : "", c.encrypt ? " encrypt" : "",
			    c.trust ? " trust" : "", c.timeout);
		connstr_free(&c);
	}
	return ferror(stdin) || fflush(stdout) == EOF;
}
