/*
 * The spool of one transfer: see sched_spool.h.  All names are made here, of
 * numbers and kinds; nothing that came from an appliance is one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "sched_log.h"
#include "sched_spool.h"
#include "sha256.h"

#define DIGITS	10
#define REFUSED "refused\n" /* what stands in done/ of such a recording */

char *
tspool_path(const char *spool, int64_t transfer)
{
	return xasprintf("%s/%lld", spool, (long long)transfer);
}

static DIR *
open_dir(struct transfer_spool *t, const char *name)
{
	int fd = openat(t->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;

	if (d == NULL) {
		msg_errno("%s/%s", t->path, name);
		if (fd != -1)
			close(fd);
	}
	return d;
}

/* A directory of the spool, its entries on disk.  0, or a code. */
static int
sync_dir(struct transfer_spool *t, const char *name)
{
	int fd = openat(t->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int bad = fd == -1 || file_sync_dir(fd) == -1;

	if (bad)
		msg_errno("%s/%s", t->path, name);
	if (fd != -1)
		close(fd);
	return bad ? EX_IOERR : 0;
}

/*
 * Durable at once, up to the transfer's own: what is put into them must not
 * hang in the air.  Each time, since whoever made them may have died before.
 */
static int
make_dirs(struct transfer_spool *t)
{
	static const char *const names[] = {"tmp", "new", "files", "done", "failed"};
	char name[64];
	size_t i;
	int k;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mkdirat(t->dir, names[i], 0700) == -1 && errno != EEXIST) {
			msg_errno("%s/%s", t->path, names[i]);
			return EX_CANTCREAT;
		}
	for (k = 0; k < SETTINGS_DATA; k++) {
		snprintf(name, sizeof(name), "new/%s", settings_data_name[k]);
		if (mkdirat(t->dir, name, 0700) == -1 && errno != EEXIST) {
			msg_errno("%s/%s", t->path, name);
			return EX_CANTCREAT;
		}
	}
	if (sync_dir(t, "new") != 0 || sync_dir(t, ".") != 0 || sync_dir(t, "..") != 0)
		return EX_IOERR;
	return 0;
}

static void
clear_tmp(struct transfer_spool *t)
{
	DIR *d = open_dir(t, "tmp");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && unlinkat(dirfd(d), e->d_name, 0) == -1)
			msg_errno("%s/tmp/%s", t->path, e->d_name);
	if (d != NULL)
		closedir(d);
}

/* What root would leave there could not be read by whose it is. */
static int
is_mine(const char *spool)
{
	struct stat st;

	if (stat(spool, &st) == -1)
		return 1; /* to be made, or to be complained about */
	if (st.st_uid == geteuid() && (st.st_mode & 022) == 0)
		return 1;
	msg_warn("%s: it %s", spool,
	    st.st_uid != geteuid() ? "belongs to another user: run "
				     "praic-sched as that one" :
				     "can be written to by others: chmod go-w it");
	return 0;
}

int
tspool_open(struct transfer_spool *t, const char *spool, int64_t transfer)
{
	int code;

	if (!is_mine(spool))
		return EX_CONFIG;
	t->path = tspool_path(spool, transfer);
	t->dir = t->lock = -1;
	if (file_make_dirs(t->path) == -1 ||
	    (t->dir = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    /* Not close-on-exec: as long as a stage runs, it is held. */
	    (t->lock = openat(t->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600)) == -1) {
		msg_errno("%s", t->path);
		tspool_close(t);
		return EX_CANTCREAT;
	}
	if (flock(t->lock, LOCK_EX | LOCK_NB) == -1) {
		code = errno == EWOULDBLOCK ? -1 : EX_IOERR;
		if (code != -1)
			msg_errno("%s/lock", t->path);
		tspool_close(t);
		return code;
	}
	code = make_dirs(t);
	if (code != 0)
		tspool_close(t);
	else
		clear_tmp(t);
	return code;
}

void
tspool_close(struct transfer_spool *t)
{
	/* Given up, for a command may have left somebody behind who has it. */
	if (t->lock != -1) {
		(void)flock(t->lock, LOCK_UN);
		close(t->lock);
	}
	if (t->dir != -1)
		close(t->dir);
	t->lock = t->dir = -1;
	free(t->path);
	t->path = NULL;
}

int
tspool_create(struct transfer_spool *t, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "tmp/%s", name);
	fd = openat(t->dir, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		msg_errno("%s/%s", t->path, path);
	return fd;
}

int
tspool_finish(struct transfer_spool *t, int fd, const char *name)
{
	int bad = fsync(fd) == -1;

	if (close(fd) == -1)
		bad = 1;
	if (bad)
		msg_errno("%s/tmp/%s", t->path, name);
	return bad ? EX_IOERR : 0;
}

void
tspool_drop(struct transfer_spool *t, int fd, const char *name)
{
	char path[64];

	close(fd);
	snprintf(path, sizeof(path), "tmp/%s", name);
	(void)tspool_remove(t, path);
}

void
tspool_name(char out[64], enum settings_data kind, int64_t number, const char *extension)
{
	snprintf(out, 64, "new/%s/%0*lld.%s", settings_data_name[kind], DIGITS, (long long)number,
	    extension);
}

int
tspool_publish(struct transfer_spool *t, const char *name, unsigned kinds, int64_t number,
    const char *extension)
{
	char from[64], to[64];
	int k, code = 0;

	snprintf(from, sizeof(from), "tmp/%s", name);
	for (k = 0; k < SETTINGS_DATA && code == 0; k++) {
		if ((kinds & (1u << k)) == 0)
			continue;
		tspool_name(to, (enum settings_data)k, number, extension);
		if (linkat(t->dir, from, t->dir, to, 0) == -1) {
			msg_errno("%s/%s", t->path, to);
			code = EX_IOERR;
		} else {
			snprintf(to, sizeof(to), "new/%s", settings_data_name[k]);
			code = sync_dir(t, to);
		}
	}
	if (unlinkat(t->dir, from, 0) == -1 && code == 0) {
		msg_errno("%s/%s", t->path, from);
		code = EX_IOERR;
	}
	return code;
}

/* NUMBER.EXTENSION: the number, or 0. */
static int64_t
number_of(const char *name, const char *extension)
{
	const char *dot = strchr(name, '.');
	uint64_t n;

	if (dot == NULL || (extension != NULL && strcmp(dot + 1, extension) != 0) ||
	    num_parse_count(name, (size_t)(dot - name), INT64_MAX, &n) == -1)
		return 0;
	return (int64_t)n;
}

int64_t
tspool_first(
    struct transfer_spool *t, enum settings_data kind, const char *extension, int64_t after)
{
	int64_t first = 0, n;
	struct dirent *e;
	char name[64];
	DIR *d;

	snprintf(name, sizeof(name), "new/%s", settings_data_name[kind]);
	if ((d = open_dir(t, name)) == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		n = number_of(e->d_name, extension);
		if (n > after && (first == 0 || n < first))
			first = n;
	}
	closedir(d);
	return first;
}

int64_t
tspool_last(struct transfer_spool *t)
{
	int64_t last = 0, n;
	struct dirent *e;
	char name[64];
	DIR *d;
	int k;

	for (k = 0; k < SETTINGS_DATA; k++) {
		snprintf(name, sizeof(name), "new/%s", settings_data_name[k]);
		if ((d = open_dir(t, name)) == NULL)
			continue;
		while ((e = readdir(d)) != NULL)
			if ((n = number_of(e->d_name, NULL)) > last)
				last = n;
		closedir(d);
	}
	return last;
}

int
tspool_rename(struct transfer_spool *t, const char *name, const char *to)
{
	char dir[64];

	if (renameat(t->dir, name, t->dir, to) == -1) {
		msg_errno("%s/%s", t->path, to);
		return EX_IOERR;
	}
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(to, '/') - to), to);
	return sync_dir(t, dir);
}

int
tspool_remove(struct transfer_spool *t, const char *name)
{
	if (unlinkat(t->dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	msg_errno("%s/%s", t->path, name);
	return EX_IOERR;
}

int
tspool_end(int fd, struct frame *f, off_t *at)
{
	char tail[FRAME_SIZE], *line;
	off_t size = lseek(fd, 0, SEEK_END), from;
	ssize_t n = -1;

	from = size > (off_t)sizeof(tail) ? size - (off_t)sizeof(tail) : 0;
	if (size > 0)
		do
			n = pread(fd, tail, sizeof(tail), from);
		while (n == -1 && errno == EINTR);
	if (n < 1 || tail[n - 1] != '\n')
		return -1;
	line = memrchr(tail, '\n', (size_t)n - 1);
	line = line != NULL ? line + 1 : tail;
	*at = from + (line - tail);
	return frame_parse(line, (size_t)(tail + n - 1 - line), f) == FRAME_IS_END ? 0 : -1;
}

/*
 * A sum of what is in it.  The end mark of a report is no part of that: it
 * says when it was asked for, and two that differ in nothing else are one.
 */
static int
content_of(struct transfer_spool *t, const char *name, char sum[SHA256_HEX])
{
	int fd = openat(t->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct sha256 *h = sha256_new();
	static char block[1 << 16];
	off_t mark = 0;
	struct frame end;
	ssize_t n = 0;

	if (fd != -1) {
		if (tspool_end(fd, &end, &mark) == -1)
			mark = lseek(fd, 0, SEEK_END);
		n = mark == -1 || lseek(fd, 0, SEEK_SET) == -1 ? -1 : 0;
	}
	while (fd != -1 && n != -1 && mark > 0 &&
	    (n = file_read(fd, block, mark < (off_t)sizeof(block) ? (size_t)mark : sizeof(block))) >
		0) {
		sha256_add(h, block, (size_t)n);
		mark -= n;
	}
	sha256_hex(h, sum);
	sha256_free(h);
	if (fd == -1 || n == -1)
		msg_errno("%s/%s", t->path, name);
	if (fd != -1)
		close(fd);
	return fd == -1 || n == -1 ? EX_IOERR : 0;
}

/* Has failed/ a file whose name begins like this? */
static int
has_failed(struct transfer_spool *t, const char *begin)
{
	DIR *d = open_dir(t, "failed");
	struct dirent *e;
	int found = 0;

	while (d != NULL && !found && (e = readdir(d)) != NULL)
		found = strncmp(e->d_name, begin, strlen(begin)) == 0;
	if (d != NULL)
		closedir(d);
	return found;
}

int
tspool_fail(struct transfer_spool *t, const char *name, uint64_t complaint, const char *extension,
    char as[TSPOOL_NAME], int *is_new)
{
	char sum[SHA256_HEX];
	int code = content_of(t, name, sum);

	if (code != 0)
		return code;
	snprintf(as, TSPOOL_NAME, "failed/%016llx-", (unsigned long long)complaint);
	*is_new = !has_failed(t, as + strlen("failed/"));
	snprintf(as, TSPOOL_NAME, "failed/%016llx-%.32s.%s", (unsigned long long)complaint, sum,
	    extension);
	if (linkat(t->dir, name, t->dir, as, 0) == -1 && errno != EEXIST) {
		msg_errno("%s/%s", t->path, as);
		return EX_IOERR;
	}
	return sync_dir(t, "failed");
}

/*
 * Recordings.
 */

static int
one_done(struct transfer_spool *t, struct rec_value name, int refused)
{
	char path[NAME_MAX + 16];
	int fd, bad;

	/* It is praic-fetch's own name; and yet it shall lead nowhere else. */
	if (name.p == NULL || name.n == 0 || name.n > NAME_MAX - 8 || name.p[0] == '.' ||
	    memchr(name.p, '/', name.n) != NULL || memchr(name.p, '\0', name.n) != NULL)
		return 0;
	snprintf(path, sizeof(path), "done/%.*s", (int)name.n, name.p);
	fd = openat(t->dir, path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* Empty, as a power cut might leave it, it would look stored. */
	bad = fd == -1 ||
	    (refused && (file_write(fd, REFUSED, sizeof(REFUSED) - 1) == -1 || fsync(fd) == -1));
	if (fd != -1)
		bad |= close(fd) == -1;
	if (bad)
		msg_errno("%s/%s", t->path, path);
	return bad ? EX_IOERR : 0;
}

int
tspool_done(struct transfer_spool *t, const char *name, int refused)
{
	int fd = openat(t->dir, name, O_RDONLY | O_CLOEXEC), code = 0;
	struct rec_reader *r;
	enum rec_event e;

	if (fd == -1) {
		msg_errno("%s/%s", t->path, name);
		return EX_IOERR;
	}
	r = rec_open(fd, name);
	while ((e = rec_next(r)) != REC_EOF && code == 0)
		if (e == REC_ROW && r->table == TABLE_FILE)
			code = one_done(t, r->value[FILE_NAME], refused);
	rec_close(r);
	close(fd);
	return code == 0 && refused ? sync_dir(t, "done") : code;
}

/* Is a file of files/ stored?  Then done/ has an empty one of its name. */
static int
is_done(struct transfer_spool *t, const char *name)
{
	char path[NAME_MAX + 16];
	struct stat st;

	snprintf(path, sizeof(path), "done/%s", name);
	return fstatat(t->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size == 0;
}

void
tspool_clean(struct transfer_spool *t)
{
	char info[NAME_MAX + 16];
	struct dirent *e;
	DIR *d;
	int k;

	/* Two reports may name the same recording: as long as one waits... */
	for (k = 0; k < SETTINGS_DATA; k++)
		if (tspool_first(t, (enum settings_data)k, "rec", 0) != 0)
			return;
	d = open_dir(t, "files");
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || !is_done(t, e->d_name))
			continue;
		(void)unlinkat(dirfd(d), e->d_name, 0);
		/* .BASE.info, praic-fetch's note of it */
		snprintf(info, sizeof(info), ".%s", e->d_name);
		if (strrchr(info, '.') > info) {
			strcpy(strrchr(info, '.'), ".info");
			(void)unlinkat(dirfd(d), info, 0);
		}
	}
	if (d != NULL)
		closedir(d);
}

void
tspool_forget(struct transfer_spool *t, int64_t before)
{
	DIR *d = open_dir(t, "done");
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
		    (int64_t)st.st_mtime < before)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
}

/*
 * How much there is.
 */

static void
add_dir(struct transfer_spool *t, const char *name, struct backlog *b)
{
	DIR *d = open_dir(t, name);
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode))
			continue;
		b->files++;
		/* Shared by several kinds, it is there once. */
		b->bytes += (int64_t)(st.st_size / (st.st_nlink > 0 ? (off_t)st.st_nlink : 1));
		if (b->since == 0 || (int64_t)st.st_mtime < b->since)
			b->since = (int64_t)st.st_mtime;
	}
	if (d != NULL)
		closedir(d);
}

void
tspool_backlog(struct transfer_spool *t, enum settings_data kind, struct backlog *b)
{
	char name[64];

	memset(b, 0, sizeof(*b));
	snprintf(name, sizeof(name), "new/%s", settings_data_name[kind]);
	add_dir(t, name, b);
}

int64_t
tspool_failed(struct transfer_spool *t)
{
	struct backlog b = {0};

	add_dir(t, "failed", &b);
	return b.files;
}

int
tspool_used(struct transfer_spool *t)
{
	static const char *const names[] = {"files", "done", "failed"};
	struct backlog b = {0};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && b.files == 0; i++)
		add_dir(t, names[i], &b);
	return b.files > 0 || tspool_last(t) > 0;
}

/* All files below a directory, as many levels down. */
static void
add_tree(int dir, const char *name, int levels, int64_t *bytes)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;
	struct stat st;

	if (d == NULL && fd != -1)
		close(fd);
	while (d != NULL && (e = readdir(d)) != NULL) {
		/* done/ has many files, and nothing in them */
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, "done") == 0 ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		if (S_ISDIR(st.st_mode) && levels > 0)
			add_tree(fd, e->d_name, levels - 1, bytes);
		else if (S_ISREG(st.st_mode)) /* with several names, it is there once */
			*bytes +=
			    (int64_t)(st.st_size / (off_t)(st.st_nlink > 0 ? st.st_nlink : 1));
	}
	if (d != NULL)
		closedir(d);
}

int
tspool_room(struct transfer_spool *t, int64_t *free_bytes, int64_t *used)
{
	struct statvfs vfs;

	if (fstatvfs(t->dir, &vfs) == -1) {
		msg_errno("%s", t->path);
		return EX_IOERR;
	}
	*free_bytes = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
	*used = 0;
	add_tree(t->dir, "..", 3, used); /* ID/new/KIND/FILE */
	return 0;
}
