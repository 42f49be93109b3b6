/* A secret as a person gives it: see conf.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf.h"
#include "msg.h"
#include "secret.h"

/* One line, byte by byte, because the next line may be another secret.  0, or -1
 * after a message. */
static int
read_line(int fd, const char *what, char line[SECRET_MAX + 1])
{
	size_t n = 0;
	ssize_t got;
	char c;

	for (;;) {
		got = read(fd, &c, 1);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1) {
			msg_errno("%s", what);
			return -1;
		}
		if (got == 0 || c == '\n')
			break;
		if (c == '\0' || n == SECRET_MAX) {
			msg_warn("%s: %s", what,
			    c == '\0' ? "there is a NUL in it" : "it is longer than 4096 bytes");
			return -1;
		}
		line[n++] = c;
	}
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	if (n > 0)
		return 0;
	msg_warn("%s: %s", what, got == 0 ? "standard input has no line for it" : "it is empty");
	return -1;
}

/* From the terminal, without echo, twice. */
static int
ask(const char *what, char line[SECRET_MAX + 1])
{
	char *words = xasprintf("%s: ", what), *again = xasprintf("%s, once more: ", what);
	char *typed = getpass(words);
	int bad = -1;

	if (typed == NULL)
		msg_errno("%s: terminal", what);
	else if (*typed == '\0' || strlen(typed) > SECRET_MAX)
		msg_warn("%s: it is %s", what, *typed == '\0' ? "empty" : "longer than 4096 bytes");
	else {
		strcpy(line, typed);
		bad = 0;
	}
	if (bad == 0 && ((typed = getpass(again)) == NULL || strcmp(line, typed) != 0)) {
		msg_warn("%s: the two are not the same; nothing was changed", what);
		bad = -1;
	}
	if (typed != NULL)
		explicit_bzero(typed, strlen(typed));
	free(words);
	free(again);
	return bad;
}

/* Is the name in env:NAME or credential:NAME possible? */
static int
is_name(const char *given)
{
	const char *name = strchr(given, ':') + 1;

	if (strncmp(given, "env:", 4) == 0)
		return strcspn(name, "0123456789") > 0 &&
		    strspn(name,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
	return strncmp(given, "credential:", 11) != 0 ||
	    (strchr(name, '/') == NULL && name[0] != '.');
}

static int
read_reference(const char *what, const char *given)
{
	const char *wrong = NULL;
	char *secret;
	int code, file = strncmp(given, "file:", 5) == 0;

	if (file && given[5] != '/')
		wrong = "give the whole path: the scheduler has a working directory of its own";
	else if (strchr(given, ':')[1] == '\0')
		wrong = "the reference names nothing";
	else if (!is_name(given))
		wrong = "the name is not possible";
	if (wrong != NULL) {
		msg_warn("%s %s: %s", what, given, wrong);
		return EX_USAGE;
	}
	/* Only a warning: the file may come later, or belong to another user. */
	if (file) {
		if ((secret = secret_get(given, what, &code)) == NULL)
			msg_warn(
			    "%s: the reference is stored, but it cannot be followed now", what);
		secret_free(secret);
	}
	return 0;
}

int
secret_read(const char *what, const char *given, char **stored)
{
	char line[SECRET_MAX + 1];
	int bad;

	*stored = NULL;
	if (strncmp(given, "file:", 5) == 0 || strncmp(given, "env:", 4) == 0 ||
	    strncmp(given, "credential:", 11) == 0) {
		if ((bad = read_reference(what, given)) == 0)
			*stored = xstrdup(given);
		return bad;
	}
	if (strcmp(given, "-") != 0) {
		msg_warn("%s: give file:PATH, env:NAME or credential:NAME, or - to be asked or to "
			 "read a line of standard input; everybody on this machine can read an "
			 "argument: if this was a secret, change it",
		    what);
		return EX_USAGE;
	}
	secret_guard();
	bad = isatty(STDIN_FILENO) ? ask(what, line) : read_line(STDIN_FILENO, what, line);
	if (bad == 0) {
		msg_hide(line);
		*stored = xasprintf(SETTINGS_PLAIN "%s", line);
	}
	explicit_bzero(line, sizeof(line));
	return bad == 0 ? 0 : EX_NOINPUT;
}
