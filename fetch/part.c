/*
 * Files of the spool that are on their way: see spool.h.
 *
 * The lock is on the part's own inode, which becomes the whole file: whoever
 * waited for it must look whether the name still means that inode.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "msg.h"
#include "spool.h"
#include "spoolinfo.h"

static void
name_part(char out[SPOOL_NAME], const char *base)
{
	snprintf(out, SPOOL_NAME, ".%.240s.part", base);
}

static void
forget(struct spool_part *p)
{
	p->size = 0;
	p->length = -1;
	p->fetched_at = 0;
	p->extension[0] = '\0';
	buf_reset(&p->etag);
	buf_reset(&p->modified);
	buf_reset(&p->type);
}

/* Open and lock; 0, 1 when it is locked, -1. */
static int
open_locked(struct spool *s, const char *name, int *out)
{
	struct stat mine, named;
	int fd, busy;

	for (;;) {
		fd = openat(
		    s->dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		if (fd == -1)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
			busy = errno == EWOULDBLOCK;
			close(fd);
			return busy ? 1 : -1;
		}
		if (fstat(fd, &mine) == -1) {
			close(fd);
			return -1;
		}
		if (!S_ISREG(mine.st_mode) || mine.st_uid != geteuid()) {
			close(fd);
			errno = EPERM;
			return -1;
		}
		/* It may have become the whole file in between. */
		if (fstatat(s->dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		    named.st_ino == mine.st_ino && named.st_dev == mine.st_dev) {
			*out = fd;
			return 0;
		}
		close(fd);
	}
}

/* Is the whole file there that a note tells of, whatever is in it? */
static int
is_there(struct spool *s, const char *base)
{
	struct spool_file whole = {.type = {0}};
	struct stat st;
	int there = info_read_file(s, base, &whole) &&
	    fstatat(s->dir, whole.name, &st, AT_SYMLINK_NOFOLLOW) == 0;

	spool_file_free(&whole);
	return there;
}

int
spool_part_open(struct spool *s, const char *base, struct spool_part *p)
{
	char name[SPOOL_NAME];
	struct stat st;
	uint64_t synced;
	int locked;

	p->fd = -1;
	forget(p);
	name_part(name, base);
	locked = open_locked(s, name, &p->fd);
	if (locked != 0 || fstat(p->fd, &st) == -1) {
		if (locked != 1)
			msg_errno("%s/%s", s->path, name);
		if (p->fd != -1)
			close(p->fd);
		p->fd = -1;
		return locked == 1 ? 1 : -1;
	}
	/* A note of a file that is gone would tell lies about the part to come. */
	if (st.st_size == 0)
		return is_there(s, base) ? 0 : info_remove(s, base);
	if (info_read_part(s, base, p, &synced)) {
		p->size = (uint64_t)st.st_size;
		if (p->size > synced)
			p->size = synced;
		if (p->length >= 0 && p->size > (uint64_t)p->length)
			p->size = 0;
	}
	/* What cannot be trusted goes. */
	if (p->size == 0)
		return spool_part_reset(s, base, p);
	if (ftruncate(p->fd, (off_t)p->size) == -1) {
		msg_errno("%s/%s", s->path, name);
		return -1;
	}
	return 0;
}

int
spool_part_reset(struct spool *s, const char *base, struct spool_part *p)
{
	forget(p);
	if (info_remove(s, base) == -1)
		return -1;
	if (ftruncate(p->fd, 0) == -1 || lseek(p->fd, 0, SEEK_SET) == -1) {
		msg_errno("a part in the spool");
		return -1;
	}
	return 0;
}

int
spool_part_is_whole(struct spool *s, const char *base, const char *sha256)
{
	struct spool_file whole = {.type = {0}};
	int is = !info_read_file(s, base, &whole) || strcmp(whole.sha256, sha256) == 0;

	spool_file_free(&whole);
	return is;
}

void
spool_part_close(struct spool *s, const char *base, struct spool_part *p, int keep)
{
	struct spool_file whole = {.type = {0}};
	char name[SPOOL_NAME];

	if (p->fd != -1) {
		if (!keep) {
			name_part(name, base);
			(void)unlinkat(s->dir, name, 0);
			/* The note may be about the whole, by another process. */
			if (!info_read_file(s, base, &whole))
				(void)info_remove(s, base);
			spool_file_free(&whole);
		}
		close(p->fd);
	}
	p->fd = -1;
	buf_free(&p->etag);
	buf_free(&p->modified);
	buf_free(&p->type);
}

int
spool_part_note(struct spool *s, const char *base, struct spool_part *p)
{
	/* The order matters: a note never says more than what is on disk. */
	if (fdatasync(p->fd) == -1) {
		msg_errno("%s: %s", s->path, base);
		return -1;
	}
	return info_write_part(s, base, p, p->size);
}

int
spool_part_seal(struct spool *s, struct spool_part *p, const struct spool_file *f)
{
	struct timespec times[2] = {{0}};

	/* Its time is when it was fetched, should the note be lost. */
	times[0].tv_nsec = UTIME_NOW;
	times[1].tv_sec = (time_t)f->fetched_at;
	if (f->fetched_at == 0)
		times[1].tv_nsec = UTIME_NOW;
	if (futimens(p->fd, times) == -1) {
		msg_errno("%s", s->path);
		return -1;
	}
	return 0;
}

int
spool_part_finish(struct spool *s, const char *base, struct spool_part *p, struct spool_file *f)
{
	char part[SPOOL_NAME];

	int dated = f->name[0] != '\0';

	name_part(part, base);
	if (!dated)
		snprintf(f->name, sizeof(f->name), "%.240s.%.7s", base, f->extension);
	/* The note first: the name, once there, is never without it. */
	if (!dated && info_write_file(s, base, f) == -1)
		return -1;
	if (renameat(s->dir, part, s->dir, f->name) == -1) {
		msg_errno("%s/%s", s->path, f->name);
		return -1;
	}
	s->unsynced = 1;
	close(p->fd);
	p->fd = -1;
	return 0;
}
