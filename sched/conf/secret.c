/* Secrets as people give them: see conf.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf.h"
#include "file.h"
#include "msg.h"
#include "secret.h"

/*
 * One line, byte by byte: what follows may be another secret.  0; -1 at the
 * end of input without a line, or after a message.
 */
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

/* No echo, and no end of the program while there is none. */
static int
prompt(int tty, const char *words, const char *what, char line[SECRET_MAX + 1])
{
	struct termios was, quiet;
	sigset_t all, before;
	int bad;

	if (tcgetattr(tty, &was) == -1) {
		msg_errno("%s: terminal", what);
		return -1;
	}
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | ISIG);
	quiet.c_lflag |= ICANON;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	bad = tcsetattr(tty, TCSAFLUSH, &quiet) == -1;
	if (bad)
		msg_errno("%s: terminal", what);
	else {
		bad =
		    file_write(tty, words, strlen(words)) == -1 || read_line(tty, what, line) == -1;
		tcsetattr(tty, TCSAFLUSH, &was);
		(void)!file_write(tty, "\n", 1);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return bad ? -1 : 0;
}

static int
ask(const char *what, char line[SECRET_MAX + 1])
{
	char *words = xasprintf("%s: ", what), *again = xasprintf("%s, once more: ", what);
	char second[SECRET_MAX + 1];
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), bad;

	if (tty == -1)
		msg_errno("%s: /dev/tty", what);
	bad = tty == -1 || prompt(tty, words, what, line) == -1 ||
	    prompt(tty, again, what, second) == -1;
	if (!bad && strcmp(line, second) != 0) {
		msg_warn("%s: these two are not the same; nothing was changed", what);
		bad = 1;
	}
	explicit_bzero(second, sizeof(second));
	if (tty != -1)
		close(tty);
	free(words);
	free(again);
	return bad ? -1 : 0;
}

/* env:NAME, credential:NAME: could there be one? */
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

/* A file may come later, or be another user's: so this is a word only. */
static void
try_file(const char *what, const char *given)
{
	char *secret;
	int code;

	if (strncmp(given, "file:", 5) != 0)
		return;
	secret = secret_get(given, what, &code);
	if (secret == NULL)
		msg_warn("%s: the reference is stored, though it leads nowhere now", what);
	secret_free(secret);
}

int
secret_read(const char *what, const char *given, char **stored)
{
	char line[SECRET_MAX + 1];
	int bad;

	*stored = NULL;
	if (strncmp(given, "file:", 5) == 0 || strncmp(given, "env:", 4) == 0 ||
	    strncmp(given, "credential:", 11) == 0) {
		if (strncmp(given, "file:", 5) == 0 && given[5] != '/') {
			msg_warn("%s %s: give the whole path: the scheduler has a working "
				 "directory of its own",
			    what, given);
			return EX_USAGE;
		}
		if (strchr(given, ':')[1] == '\0') {
			msg_warn("%s %s: the reference names nothing", what, given);
			return EX_USAGE;
		}
		if (!is_name(given)) {
			msg_warn("%s %s: no name that there could be", what, given);
			return EX_USAGE;
		}
		try_file(what, given);
		*stored = xstrdup(given);
		return 0;
	}
	if (strcmp(given, "-") != 0) {
		msg_warn(
		    "%s: no secret is taken from an argument, which everybody on this machine "
		    "can read; if this was one, change it. A dash asks for it, or reads a line of "
		    "standard input; else give file:PATH, env:NAME or credential:NAME",
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
