/* Small files that processes share: see fetch.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "fetch.h"
#include "file.h"
#include "msg.h"
#include "secret.h"

#define CACHE_NAME 64
#define MAX_BYTES  ((size_t)256 * 1024)

/* Open BASE/praic, which must be this user's alone.  -1: there is none. */
static int
open_below(const char *base, int *unsafe)
{
	char *path = xasprintf("%s/praic", base);
	struct stat st;
	int fd;

	(void)mkdir(base, 0700); /* ~/.cache need not be there yet */
	(void)mkdir(path, 0700);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1 &&
	    (fstat(fd, &st) == -1 || st.st_uid != geteuid() || (st.st_mode & 022) != 0)) {
		msg_warn("%s: it is not yours alone: chmod 700 it, or remove it", path);
		*unsafe = 1;
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

static int
open_dir(int *unsafe)
{
	static const char *const names[] = {
	    "XDG_RUNTIME_DIR", "CACHE_DIRECTORY", "XDG_CACHE_HOME", NULL};
	const char *base;
	char *path;
	int i, fd;

	for (i = 0; names[i] != NULL; i++) {
		base = getenv(names[i]);
		if (base == NULL || *base != '/')
			continue;
		/* systemd may name several, parted by colons. */
		path = xstrndup(base, strcspn(base, ":"));
		fd = open_below(path, unsafe);
		free(path);
		if (fd != -1 || *unsafe)
			return fd;
	}
	base = getenv("HOME");
	if (base == NULL || *base != '/')
		return -1;
	path = xasprintf("%s/.cache", base);
	fd = open_below(path, unsafe);
	free(path);
	return fd;
}

/*
 * The name is "token-" and a hash of host, client id and secret.  A process with
 * a wrong secret thus does not find the token that the right one got.
 */
static void
name_of(const struct site *s, const char *what, char out[CACHE_NAME])
{
	struct sha256 *h = sha256_new();
	char hex[SHA256_HEX];

	sha256_add(h, s->url, strlen(s->url));
	sha256_add(h, "\n", 1);
	sha256_add(h, s->basic, strlen(s->basic)); /* client id and secret */
	sha256_hex(h, hex);
	sha256_free(h);
	snprintf(out, CACHE_NAME, "%.15s-%.32s", what, hex);
}

int
cache_open(const struct site *s, const char *what, int *out)
{
	char name[CACHE_NAME];
	struct stat st;
	int dir, fd, unsafe = 0;

	*out = -1;
	dir = open_dir(&unsafe);
	if (unsafe)
		return EX_CONFIG;
	if (dir == -1) {
		msg_tell(1, "%s: no directory for the %s's cache", s->name, what);
		return 0;
	}
	name_of(s, what, name);
	/* O_NONBLOCK: somebody may have put a pipe there. */
	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	close(dir);
	if (fd == -1) {
		msg_errno("%s: the %s's cache (%s)", s->name, what, name);
		return EX_CANTCREAT;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0 || st.st_nlink != 1) {
		msg_warn("%s: the %s's cache (%s) is not a file of yours alone: remove it", s->name,
		    what, name);
		close(fd);
		return EX_CONFIG;
	}
	*out = fd;
	return 0;
}

json_t *
cache_read(int fd)
{
	json_t *o = NULL;
	char *text;
	ssize_t n;

	if (fd != -1) {
		text = xmalloc(MAX_BYTES);
		n = lseek(fd, 0, SEEK_SET) == -1 ? -1 : file_read(fd, text, MAX_BYTES);
		if (n > 0)
			o = json_loadb(text, (size_t)n, 0, NULL);
		explicit_bzero(text, MAX_BYTES);
		free(text);
	}
	if (!json_is_object(o)) {
		json_decref(o);
		o = json_object();
	}
	return o;
}

void
cache_write(const struct site *s, int fd, const json_t *o)
{
	char *text;

	if (fd == -1)
		return;
	text = json_dumps(o, JSON_COMPACT);
	/* Not synced: after a crash a new token is asked for. */
	if (text == NULL || ftruncate(fd, 0) == -1 || lseek(fd, 0, SEEK_SET) == -1 ||
	    file_write(fd, text, strlen(text)) == -1) {
		msg_errno("%s: the cache cannot be written", s->name);
		(void)!ftruncate(fd, 0);
	}
	secret_free(text);
}
