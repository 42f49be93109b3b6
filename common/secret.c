/* Secrets by reference: see secret.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "secret.h"

void
secret_guard(void)
{
	static const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		msg_tell(1, "core files could not be turned off: %s", strerror(errno));
#ifdef PR_SET_DUMPABLE
	/* The limit does not stop a core file that goes to a pipe: core(5). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		msg_tell(1, "core files could not be turned off: %s", strerror(errno));
#endif
}

void
secret_free(char *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, strlen(s));
	free(s);
}

/* The secret in the content of a file, or NULL. */
static char *
text_of(const char *p, size_t n, int whole)
{
	const char *end;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
		p += 3;
		n -= 3;
	}
	end = whole ? NULL : memchr(p, '\n', n);
	if (end != NULL)
		n = (size_t)(end - p);
	while (n > 0 && (p[n - 1] == '\r' || (whole && p[n - 1] == '\n')))
		n--;
	return n > 0 && memchr(p, '\0', n) == NULL ? xstrndup(p, n) : NULL;
}

/* The first line of a file, or the whole of it, without its line end. */
static char *
from_file(const char *path, int private, int whole, const char *what, int *code)
{
	char text[SECRET_MAX + 1], *s;
	const char *part = whole ? "" : "the first line of ";
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*code = EX_NOINPUT;
	if (fd == -1 || fstat(fd, &st) == -1) {
		msg_errno("%s: %s", what, path);
		if (fd != -1)
			close(fd);
		return NULL;
	}
	*code = EX_CONFIG;
	if (!S_ISREG(st.st_mode)) {
		msg_warn("%s: %s is not a regular file", what, path);
		close(fd);
		return NULL;
	}
	if (private && (st.st_mode & 077) != 0) {
		msg_warn("%s: %s may be read by others: chmod 600 it", what, path);
		close(fd);
		return NULL;
	}
	n = file_read(fd, text, sizeof(text));
	if (n == -1) {
		msg_errno("%s: %s", what, path);
		*code = EX_IOERR;
	} else if (n > SECRET_MAX && (whole || memchr(text, '\n', SECRET_MAX) == NULL)) {
		msg_warn("%s: %s%s is longer than %d bytes", what, part, path, SECRET_MAX);
		n = -1;
	}
	close(fd);
	s = n > 0 ? text_of(text, (size_t)n, whole) : NULL;
	if (s == NULL && n != -1)
		msg_warn("%s: %s%s is %s", what, part, path,
		    memchr(text, '\0', (size_t)n) != NULL ? "not text in UTF-8" : "empty");
	explicit_bzero(text, sizeof(text));
	return s;
}

char *
secret_file(const char *path, const char *what, int *code)
{
	char *secret = from_file(path, 1, 1, what, code);

	if (secret != NULL)
		*code = 0;
	return secret;
}

#define HELD "held:"

static struct held {
	char *secret, *reference;
} * held;
static size_t held_n;

static int take_env;

/* reference is taken over. */
static const char *
hold(const char *secret, char *reference)
{
	held = xrealloc(held, (held_n + 1) * sizeof(*held));
	held[held_n].secret = xstrdup(secret);
	held[held_n].reference = reference;
	msg_hide(secret);
	return held[held_n++].reference;
}

const char *
secret_hold(const char *secret)
{
	return hold(secret, xasprintf(HELD "%zu", held_n));
}

/* A copy, or NULL. */
static char *
from_memory(const char *reference)
{
	size_t i;

	for (i = 0; i < held_n; i++)
		if (strcmp(held[i].reference, reference) == 0)
			return xstrdup(held[i].secret);
	return NULL;
}

void
secret_take_env(void)
{
	take_env = 1;
}

/* A copy, or NULL after a message. */
static char *
from_env(const char *reference, const char *what)
{
	const char *name = reference + 4;
	char *secret = from_memory(reference), *value;

	if (secret != NULL)
		return secret;
	value = getenv(name);
	if (value == NULL || *value == '\0') {
		msg_warn("%s: the environment has no %s", what, name);
		return NULL;
	}
	secret = xstrdup(value);
	if (take_env) {
		(void)hold(secret, xstrdup(reference));
		explicit_bzero(value, strlen(value));
		(void)unsetenv(name);
	}
	return secret;
}

char *
secret_get(const char *reference, const char *what, int *code)
{
	const char *dir;
	char *secret = NULL, *path;

	*code = EX_CONFIG;
	if (strncmp(reference, "file:", 5) == 0)
		secret = from_file(reference + 5, 1, 0, what, code);
	else if (strncmp(reference, "env:", 4) == 0)
		secret = from_env(reference, what);
	else if (strncmp(reference, "credential:", 11) == 0) {
		dir = getenv("CREDENTIALS_DIRECTORY");
		if (dir == NULL || *dir == '\0')
			msg_warn("%s: no $CREDENTIALS_DIRECTORY: credential: works below "
				 "systemd, with LoadCredential=",
			    what);
		else if (strchr(reference + 11, '/') != NULL || reference[11] == '.')
			msg_warn("%s: a credential's name has no / and no leading dot", what);
		else {
			path = xasprintf("%s/%s", dir, reference + 11);
			/* systemd guards the directory, not the file's mode. */
			secret = from_file(path, 0, 0, what, code);
			free(path);
		}
	} else if ((secret = from_memory(reference)) == NULL) {
		/* It may be the secret itself: it is not repeated. */
		*code = EX_USAGE;
		msg_warn("%s: give a reference, not the secret: file:PATH, env:NAME or "
			 "credential:NAME",
		    what);
	}
	if (secret != NULL) {
		*code = 0;
		msg_hide(secret);
	}
	return secret;
}
