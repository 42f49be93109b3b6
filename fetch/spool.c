/* The spool directory: see fetch.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/xattr.h>
#endif

#include "code.h"
#include "fetch.h"
#include "file.h"
#include "msg.h"
#include "num.h"

#define TMP_PREFIX   ".praic-fetch-"
#define LONGEST_PART 100 /* of host or lsid in a name; beyond: a hash */
#define NOTE	     "user.praic"
#define NOTE_BYTES   4096 /* of a note: ext4 and others have one block for it */
#define READ_BYTES   ((size_t)1 << 18)

/* What a file may be, where only its base is known. */
static const char *const extensions[] = {
    "flv", "mp4", "zip", "gz", "mkv", "ogg", "avi", "nsb", "bin", "cast", "txt", "webm", NULL};

/* Remove temporary files that no process has locked: their makers were killed. */
static void
sweep(struct spool *s)
{
	int dir = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	DIR *d = dir != -1 ? fdopendir(dir) : NULL;
	struct dirent *e;

	if (d == NULL) {
		if (dir != -1)
			close(dir);
		return;
	}
	while ((e = readdir(d)) != NULL) {
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
	struct stat st;

	memset(s, 0, sizeof(*s));
	s->path = path;
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir == -1) {
		msg_errno("-d %s", path);
		return EX_NOINPUT;
	}
	if (faccessat(s->dir, ".", W_OK | X_OK, AT_EACCESS) == -1) {
		msg_errno(
		    "-d %s: this user (%ld) must be able to write there", path, (long)geteuid());
		close(s->dir);
		return EX_CANTCREAT;
	}
	/* A file of ours, renamed by another user, would be trusted as another's. */
	if (fstat(s->dir, &st) == -1 || ((st.st_mode & 02) != 0 && (st.st_mode & S_ISVTX) == 0)) {
		msg_warn("-d %s: everybody may rename files there: chmod o-w it", path);
		close(s->dir);
		return EX_CONFIG;
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

/* Is this a file that no other user can have made, and none can change? */
static int
is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 022) == 0 &&
	    st->st_nlink == 1;
}

/*
 * Notes: the digest as bytes, then text.  One that fits into what an inode
 * has to spare costs no block.
 */

static void
write_note(int fd, const char *p, size_t n)
{
#ifdef __linux__
	/* Where there is no room for it, or no such thing, there is no note. */
	(void)!fsetxattr(fd, NOTE, p, n, 0);
#else
	(void)fd, (void)p, (void)n;
#endif
}

static void
remove_note(int fd)
{
#ifdef __linux__
	(void)!fremovexattr(fd, NOTE);
#else
	(void)fd;
#endif
}

/* Its length; 0: none.  It is ended by NUL. */
static size_t
read_note(int fd, char out[NOTE_BYTES + 1])
{
	ssize_t n = -1;

#ifdef __linux__
	n = fgetxattr(fd, NOTE, out, NOTE_BYTES);
#else
	(void)fd;
#endif
	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* "sha256 BYTES EXTENSION TYPE" */
static void
note_whole(int fd, const struct spool_file *f)
{
	struct buf b = {0};
	unsigned byte;
	size_t i;

	for (i = 0; i < SHA256_BYTES; i++)
		if (sscanf(f->sha256 + 2 * i, "%2x", &byte) == 1)
			buf_addc(&b, (char)byte);
	buf_printf(&b, "%llu %s ", (unsigned long long)f->bytes, f->extension);
	buf_add(&b, f->type.p, f->type.n < 200 ? f->type.n : 200);
	write_note(fd, b.p, b.n);
	buf_free(&b);
}

/* 1 if there is such a note; extension and type may be NULL. */
static int
noted_whole(int fd, uint64_t *bytes, char sha256[SHA256_HEX], char *extension, struct buf *type)
{
	char note[NOTE_BYTES + 1], word[SPOOL_EXTENSION];
	unsigned long long count;
	size_t n = read_note(fd, note), i;
	int at = 0;

	if (n <= SHA256_BYTES ||
	    sscanf(note + SHA256_BYTES, "%20llu %7[a-z0-9] %n", &count, word, &at) != 2 || at == 0)
		return 0;
	for (i = 0; i < SHA256_BYTES; i++)
		snprintf(sha256 + 2 * i, 3, "%02x", (unsigned char)note[i]);
	*bytes = count;
	if (extension != NULL)
		memcpy(extension, word, sizeof(word));
	buf_reset(type);
	buf_adds(type, note + SHA256_BYTES + at);
	return 1;
}

/* "SYNCED LENGTH FETCHED_AT EXTENSION", and lines with ETag, date and type */
static void
note_part(int fd, struct spool_part *p)
{
	struct buf b = {0};

	buf_printf(&b, "%llu %lld %lld %s\n%s\n%s\n%s", (unsigned long long)p->size,
	    (long long)p->length, (long long)p->fetched_at, p->extension, buf_text(&p->etag),
	    buf_text(&p->modified), buf_text(&p->type));
	write_note(fd, b.p, b.n);
	buf_free(&b);
}

/* 1, and p->size is what was synced of it. */
static int
noted_part(int fd, struct spool_part *p)
{
	struct buf *text[] = {&p->etag, &p->modified, &p->type};
	char note[NOTE_BYTES + 1], *rest = note, *line;
	unsigned long long size;
	long long length, fetched_at;
	size_t i;

	(void)read_note(fd, note);
	line = strsep(&rest, "\n");
	if (sscanf(line, "%20llu %20lld %20lld %7[a-z0-9]", &size, &length, &fetched_at,
		p->extension) != 4)
		return 0;
	p->size = size;
	p->length = length;
	p->fetched_at = fetched_at;
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		line = strsep(&rest, "\n");
		buf_reset(text[i]);
		buf_adds(text[i], line != NULL ? line : "");
	}
	return 1;
}

/*
 * Files that are there.
 */

/* Read it from its beginning: its hash and size.  0, or -1. */
static int
read_whole(int fd, struct spool_file *f)
{
	struct sha256 *h = sha256_new();
	char *block = xmalloc(READ_BYTES);
	ssize_t n;

	f->bytes = 0;
	while ((n = file_read(fd, block, READ_BYTES)) > 0) {
		sha256_add(h, block, (size_t)n);
		f->bytes += (uint64_t)n;
	}
	free(block);
	sha256_hex(h, f->sha256);
	sha256_free(h);
	return n == 0 ? 0 : -1;
}

/* A directory takes a name that a file needs. */
static int
blocked(const struct spool *s, const char *name)
{
	msg_warn("%s/%s: a directory has the name of a file: remove it", s->path, name);
	return SPOOL_BLOCKED;
}

/* A file of this base and extension: as spool_find; 0 also when it is no good. */
static int
know(struct spool *s, int fd, struct spool_file *f)
{
	char noted[SHA256_HEX];
	struct stat st;
	uint64_t bytes = 0;
	int note;

	if (fstat(fd, &st) == -1)
		return -1;
	if (S_ISDIR(st.st_mode))
		return blocked(s, f->name);
	if (!is_ours(&st)) {
		msg_warn(
		    "%s/%s: another user may have put it there (see its owner, mode and links): "
		    "it is fetched again",
		    s->path, f->name);
		return 0;
	}
	f->fetched_at = (int64_t)st.st_mtime; /* set so when it was finished */
	buf_reset(&f->type);
	note = noted_whole(fd, &bytes, noted, NULL, &f->type);
	if (note && !s->verify) {
		memcpy(f->sha256, noted, sizeof(noted));
		f->bytes = (uint64_t)st.st_size;
	} else if (read_whole(fd, f) == -1)
		return -1;
	/* An empty file is what a crash leaves on some file systems. */
	if (f->bytes == 0 || (note && (f->bytes != bytes || strcmp(f->sha256, noted) != 0))) {
		msg_warn("%s/%s: it was changed: it is fetched again", s->path, f->name);
		return 0;
	}
	return 1;
}

int
spool_find(struct spool *s, const char *base, struct spool_file *f)
{
	int i, fd, is;

	for (i = 0; extensions[i] != NULL; i++) {
		snprintf(f->name, sizeof(f->name), "%.240s.%s", base, extensions[i]);
		fd = openat(s->dir, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd == -1) /* whatever else is there: a rename takes its place */
			continue;
		snprintf(f->extension, sizeof(f->extension), "%s", extensions[i]);
		is = know(s, fd, f);
		if (is == -1)
			msg_errno("%s/%s", s->path, f->name);
		close(fd);
		if (is != 0)
			return is;
	}
	return 0;
}

/*
 * Files on their way.  The lock is on the part's own inode, which becomes the
 * whole file: after the lock, the name must still mean that inode.
 */

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
	p->extension[0] = p->sha256[0] = '\0';
	buf_reset(&p->etag);
	buf_reset(&p->modified);
	buf_reset(&p->type);
}

/* Open and lock: as spool_part_open. */
static int
open_locked(struct spool *s, const char *name, int *out)
{
	struct stat mine, named;
	int fd, busy;

	for (;;) {
		fd = openat(
		    s->dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		/* Another's file, or no file at all, makes room. */
		if (fd == -1 && (errno == ELOOP || errno == EACCES || errno == ENXIO) &&
		    unlinkat(s->dir, name, 0) == 0)
			continue;
		if (fd == -1)
			return errno == EISDIR ? blocked(s, name) : -1;
		if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
			busy = errno == EWOULDBLOCK;
			close(fd);
			return busy ? 1 : -1;
		}
		if (fstat(fd, &mine) == -1) {
			close(fd);
			return -1;
		}
		if (mine.st_nlink > 0 && !is_ours(&mine) && unlinkat(s->dir, name, 0) == -1) {
			close(fd);
			return -1;
		}
		/* It may have become the whole file in between. */
		if (is_ours(&mine) && fstatat(s->dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		    named.st_ino == mine.st_ino && named.st_dev == mine.st_dev) {
			*out = fd;
			return 0;
		}
		close(fd);
	}
}

int
spool_part_open(struct spool *s, const char *base, struct spool_part *p)
{
	char name[SPOOL_NAME];
	struct stat st;
	uint64_t size, bytes;
	int locked;

	p->fd = -1;
	forget(p);
	name_part(name, base);
	locked = open_locked(s, name, &p->fd);
	if (locked == 0 && fstat(p->fd, &st) == -1) {
		close(p->fd);
		p->fd = -1;
		locked = -1;
	}
	if (locked == -1)
		msg_errno("%s/%s", s->path, name);
	if (locked != 0)
		return locked;
	if (st.st_size == 0)
		return 0;
	size = (uint64_t)st.st_size;
	if (noted_whole(p->fd, &bytes, p->sha256, p->extension, &p->type) && bytes == size) {
		p->size = size;
		p->length = (int64_t)size;
		p->fetched_at = (int64_t)st.st_mtime;
	} else if (noted_part(p->fd, p)) {
		p->sha256[0] = '\0';
		if (p->size > size)
			p->size = size;
		if (p->length >= 0 && p->size > (uint64_t)p->length)
			p->size = 0;
	}
	/* What cannot be trusted goes. */
	if (p->size == 0)
		return spool_part_reset(s, p);
	if (ftruncate(p->fd, (off_t)p->size) == -1) {
		msg_errno("%s/%s", s->path, name);
		return -1;
	}
	return 0;
}

int
spool_part_reset(struct spool *s, struct spool_part *p)
{
	forget(p);
	remove_note(p->fd);
	if (ftruncate(p->fd, 0) == -1 || lseek(p->fd, 0, SEEK_SET) == -1) {
		msg_errno("%s: a part", s->path);
		return -1;
	}
	return 0;
}

int
spool_part_hash(struct spool *s, struct spool_part *p, struct sha256 *h)
{
	char *block = xmalloc(READ_BYTES);
	uint64_t at = 0;
	ssize_t n = 1;

	while (at < p->size && n > 0) {
		n = pread(p->fd, block, READ_BYTES, (off_t)at);
		if (n > 0)
			sha256_add(h, block, (size_t)n);
		at += n > 0 ? (uint64_t)n : 0;
	}
	free(block);
	if (at == p->size && lseek(p->fd, (off_t)at, SEEK_SET) != -1)
		return 0;
	msg_errno("%s: a part", s->path);
	return -1;
}

void
spool_part_close(struct spool *s, const char *base, struct spool_part *p, int keep)
{
	char name[SPOOL_NAME];

	if (p->fd != -1) {
		if (!keep) {
			name_part(name, base);
			(void)unlinkat(s->dir, name, 0);
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
	note_part(p->fd, p);
	return 0;
}

int
spool_part_seal(struct spool *s, struct spool_part *p, const struct spool_file *f)
{
	struct timespec times[2] = {{0}};

	times[0].tv_nsec = UTIME_NOW;
	times[1].tv_sec = (time_t)f->fetched_at;
	if (f->fetched_at == 0)
		times[1].tv_nsec = UTIME_NOW;
	if (futimens(p->fd, times) == -1) {
		msg_errno("%s", s->path);
		return -1;
	}
	note_whole(p->fd, f);
	return 0;
}

void
spool_part_write_out(struct spool_part *p)
{
#ifdef SYNC_FILE_RANGE_WRITE
	(void)sync_file_range(p->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
	(void)p;
#endif
}

int
spool_part_finish(struct spool *s, const char *base, struct spool_part *p, struct spool_file *f)
{
	char part[SPOOL_NAME];

	name_part(part, base);
	snprintf(f->name, sizeof(f->name), "%.240s.%.7s", base, f->extension);
	if (fsync(p->fd) == -1 || renameat(s->dir, part, s->dir, f->name) == -1) {
		msg_errno("%s/%s", s->path, f->name);
		return -1;
	}
	s->unsynced = 1;
	close(p->fd);
	p->fd = -1;
	return 0;
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

/*
 * Documents.
 */

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
	msg_warn("%s: too many temporary files: remove .praic-fetch-*", s->path);
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
