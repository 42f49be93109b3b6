/* The spool directory: names, and whole files.  See spool.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>

#include <jansson.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "spool.h"
#include "spoolinfo.h"

#define TMP_PREFIX   ".praic-fetch-"
#define LONGEST_PART 100 /* of host or lsid in a name; beyond: a hash */

/* What a file may be, where only its base is known. */
static const char *const extensions[] = {
    "flv", "mp4", "zip", "gz", "mkv", "ogg", "avi", "nsb", "bin", "cast", "txt", "webm", NULL};

/*
 * Temporary files that nobody holds: their makers were killed.  And is any
 * whole file there?
 */
static void
sweep(struct spool *s)
{
	int dir = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	DIR *d = dir != -1 ? fdopendir(dir) : NULL;
	struct dirent *e;

	s->had_files = d == NULL;
	if (d == NULL) {
		if (dir != -1)
			close(dir);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		s->had_files |= e->d_name[0] != '.';
		if (strncmp(e->d_name, TMP_PREFIX, strlen(TMP_PREFIX)) != 0)
			continue;
		fd = openat(s->dir, e->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd == -1)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(s->dir, e->d_name, 0);
		close(fd);
	}
	closedir(d);
}

int
spool_open(struct spool *s, const char *path)
{
	memset(s, 0, sizeof(*s));
	s->path = path;
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir == -1) {
		msg_errno("-d %s", path);
		return EX_NOINPUT;
	}
	sweep(s);
	return 0;
}

void
spool_close(struct spool *s)
{
	close(s->dir);
}

void
spool_file_free(struct spool_file *f)
{
	buf_free(&f->type);
}

void
spool_escape(struct buf *b, const char *p, size_t n, const char *also)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.";
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != '\0' && (strchr(plain, p[i]) != NULL || strchr(also, p[i]) != NULL) &&
		    !(i == 0 && p[i] == '.'))
			buf_addc(b, p[i]);
		else
			buf_printf(b, "_%02X", (unsigned char)p[i]);
}

/*
 * A value in a name.  Capitals are escaped, too, for file systems that do
 * not tell them from small letters; "__" begins no escape, so a hash cannot
 * be taken for a value.
 */
static void
add_part(struct buf *b, const char *p, size_t n, const char *also)
{
	struct buf part = {0};
	char hex[SHA256_HEX];
	struct sha256 *h;

	spool_escape(&part, p, n, also);
	if (part.n > LONGEST_PART) {
		h = sha256_new();
		sha256_add(h, p, n);
		sha256_hex(h, hex);
		sha256_free(h);
		buf_reset(&part);
		buf_printf(&part, "__%s", hex);
	}
	buf_add(b, part.p, part.n);
	buf_free(&part);
}

void
spool_base(char out[SPOOL_NAME], const char *host, const char *lsid, size_t lsid_n,
    const char *kind, const char *instance)
{
	struct buf b = {0};

	/* Neither lsid nor kind nor instance has a dash: read from behind,
	 * the name falls apart in one way only. */
	add_part(&b, host, strlen(host), "-");
	if (lsid_n > 0) {
		buf_addc(&b, '-');
		add_part(&b, lsid, lsid_n, "");
	}
	buf_printf(&b, "-%s", kind);
	if (instance != NULL) {
		buf_addc(&b, '-');
		add_part(&b, instance, strlen(instance), "");
	}
	snprintf(out, SPOOL_NAME, "%s", buf_text(&b));
	buf_free(&b);
}

/* A regular file, and no link to elsewhere: its size, or -1. */
static int64_t
size_of(const struct spool *s, const char *name)
{
	struct stat st;

	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
		return -1;
	return (int64_t)st.st_size;
}

/* Read the whole file: its hash, size and time.  0, or -1. */
static int
read_whole(const struct spool *s, const char *name, struct spool_file *f)
{
	int fd = openat(s->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct sha256 *h;
	struct stat st;
	char *block;
	ssize_t n;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -1;
	}
	h = sha256_new();
	block = xmalloc(1 << 18);
	f->bytes = 0;
	while ((n = file_read(fd, block, 1 << 18)) > 0) {
		sha256_add(h, block, (size_t)n);
		f->bytes += (uint64_t)n;
		if (s->meanwhile != NULL)
			s->meanwhile(s->meanwhile_arg);
	}
	free(block);
	sha256_hex(h, f->sha256);
	sha256_free(h);
	close(fd);
	f->fetched_at = (int64_t)st.st_mtime; /* set so when it was finished */
	return n == 0 ? 0 : -1;
}

/* No note says so, but a file of that base may be there, and then it is whole. */
static int
find_by_name(struct spool *s, const char *base, struct spool_file *f)
{
	int i;

	for (i = 0; extensions[i] != NULL; i++) {
		snprintf(f->name, sizeof(f->name), "%.240s.%s", base, extensions[i]);
		if (size_of(s, f->name) == -1)
			continue;
		if (read_whole(s, f->name, f) == -1) {
			msg_errno("%s/%s", s->path, f->name);
			return -1;
		}
		snprintf(f->extension, sizeof(f->extension), "%s", extensions[i]);
		buf_reset(&f->type);
		return info_write_file(s, base, f) == 0 ? 1 : -1;
	}
	return 0;
}

int
spool_find(struct spool *s, const char *base, struct spool_file *f)
{
	struct spool_file again = {.type = {0}};
	int64_t size;

	if (!info_read_file(s, base, f))
		return s->had_files ? find_by_name(s, base, f) : 0;
	size = size_of(s, f->name);
	if (size == -1)
		return 0;
	if ((uint64_t)size == f->bytes && s->verify) {
		if (read_whole(s, f->name, &again) == -1) {
			msg_errno("%s/%s", s->path, f->name);
			return -1;
		}
		if (strcmp(again.sha256, f->sha256) != 0)
			size = -1;
	}
	if (size == -1 || (uint64_t)size != f->bytes) {
		msg_warn("%s/%s: it was changed: it is fetched again", s->path, f->name);
		return 0;
	}
	return 1;
}

int
spool_sync(struct spool *s)
{
	if (!s->unsynced)
		return 0;
	if (file_sync_dir(s->dir) == -1) {
		msg_errno("%s", s->path);
		return EX_IOERR;
	}
	s->unsynced = 0;
	return 0;
}

int
spool_create(struct spool *s, char tmp[SPOOL_NAME])
{
	struct stat st;
	unsigned i;
	int fd;

	for (i = 0; i < 1000; i++) {
		snprintf(tmp, SPOOL_NAME, TMP_PREFIX "%ld-%u.tmp", (long)getpid(), i);
		fd = openat(s->dir, tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd == -1 && errno == EEXIST)
			continue;
		/* Locked, so that another process does not sweep it away; which
		 * one that looked before it was locked may be about to do, or
		 * have done: it has the lock while it does. */
		if (fd != -1 && flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0) {
			if (st.st_nlink > 0)
				return fd;
			close(fd);
			continue;
		}
		msg_errno("%s/%s", s->path, tmp);
		spool_discard(s, fd, tmp);
		return -1;
	}
	msg_warn("%s: there is no name for a temporary file", s->path);
	return -1;
}

void
spool_discard(struct spool *s, int fd, const char *tmp)
{
	if (fd == -1)
		return;
	close(fd);
	(void)unlinkat(s->dir, tmp, 0);
}

int
spool_publish(struct spool *s, int fd, const char *tmp, const char *name)
{
	int bad = fsync(fd) == -1;

	if (bad)
		msg_errno("%s/%s", s->path, name);
	if (close(fd) == -1 && !bad) {
		msg_errno("%s/%s", s->path, name);
		bad = 1;
	}
	if (!bad && file_publish(s->dir, tmp, name) == -1) {
		msg_errno("%s/%s", s->path, name);
		bad = 1;
	}
	if (bad)
		(void)unlinkat(s->dir, tmp, 0);
	return bad ? EX_IOERR : 0;
}
