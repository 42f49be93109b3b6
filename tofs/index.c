/*
 * A hash table on disk: see index.h.  Open addressing; a slot is a key and
 * an offset, 8 bytes each, big-endian.  It is read and written by slots and
 * not mapped, so that it does not count as this program's memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "index.h"

#define MAGIC	   "praicix1"
#define RETIRED	   "praicix-"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)
#define HEAD_SIZE  4096
#define SLOT_SIZE  16
#define CHUNK	   16 /* slots looked at in one read */
#define MIN_SLOTS  4096
#define MARK	   ((uint64_t)1 << 63)

struct index {
	int fd;
	uint64_t slots, used, covered;
	char tail[INDEX_TAIL];
	uint64_t found; /* slot of the last index_find */
};

static void
put64(unsigned char *p, uint64_t v)
{
	int i;

	for (i = 7; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

static uint64_t
get64(const unsigned char *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static int
read_at(int fd, void *p, size_t n, uint64_t at)
{
	ssize_t got;

	do
		got = pread(fd, p, n, (off_t)at);
	while (got == -1 && errno == EINTR);
	if (got >= 0 && (size_t)got < n)
		errno = EINVAL;
	return got == (ssize_t)n ? 0 : -1;
}

static int
write_at(int fd, const void *p, size_t n, uint64_t at)
{
	ssize_t done;

	do
		done = pwrite(fd, p, n, (off_t)at);
	while (done == -1 && errno == EINTR);
	if (done >= 0 && (size_t)done < n)
		errno = ENOSPC;
	return done == (ssize_t)n ? 0 : -1;
}

int
index_store(struct index *x)
{
	unsigned char head[32 + INDEX_TAIL];

	memcpy(head, MAGIC, MAGIC_SIZE);
	put64(head + 8, x->slots);
	put64(head + 16, x->used);
	put64(head + 24, x->covered);
	memcpy(head + 32, x->tail, INDEX_TAIL);
	return write_at(x->fd, head, sizeof(head), 0);
}

int
index_load(struct index *x)
{
	unsigned char head[32 + INDEX_TAIL];
	struct stat st;

	if (read_at(x->fd, head, sizeof(head), 0) == -1 || fstat(x->fd, &st) == -1)
		return -1;
	x->slots = get64(head + 8);
	x->used = get64(head + 16);
	x->covered = get64(head + 24);
	memcpy(x->tail, head + 32, INDEX_TAIL);
	if (memcmp(head, MAGIC, MAGIC_SIZE) == 0 && x->slots >= MIN_SLOTS &&
	    x->slots <= UINT64_MAX / 2 / SLOT_SIZE && (x->slots & (x->slots - 1)) == 0 &&
	    x->used < x->slots && (uint64_t)st.st_size == HEAD_SIZE + x->slots * SLOT_SIZE)
		return 0;
	errno = EINVAL;
	return -1;
}

int
index_retire(struct index *x)
{
	return write_at(x->fd, RETIRED, MAGIC_SIZE, 0);
}

struct index *
index_new(int dir, const char *name, mode_t mode, uint64_t keys)
{
	struct index *x = xcalloc(1, sizeof(*x));

	for (x->slots = MIN_SLOTS; x->slots / 2 < keys; x->slots *= 2)
		;
	x->fd = name == NULL ?
	    file_scratch() :
	    openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	/* A sparse file reads as empty slots. */
	if (x->fd == -1 || ftruncate(x->fd, (off_t)(HEAD_SIZE + x->slots * SLOT_SIZE)) == -1 ||
	    index_store(x) == -1) {
		index_close(x);
		return NULL;
	}
	return x;
}

struct index *
index_open(int dir, const char *name)
{
	struct index *x = xcalloc(1, sizeof(*x));

	x->fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (x->fd == -1 || index_load(x) == -1) {
		index_close(x);
		return NULL;
	}
	return x;
}

void
index_close(struct index *x)
{
	int saved = errno;

	if (x == NULL)
		return;
	if (x->fd != -1)
		close(x->fd);
	free(x);
	errno = saved;
}

uint64_t
index_covered(const struct index *x, char tail[INDEX_TAIL])
{
	memcpy(tail, x->tail, INDEX_TAIL);
	return x->covered;
}

void
index_cover(struct index *x, uint64_t covered, const char tail[INDEX_TAIL])
{
	x->covered = covered;
	memcpy(x->tail, tail, INDEX_TAIL);
}

int
index_full(const struct index *x)
{
	return x->used >= x->slots / 4 * 3;
}

uint64_t
index_keys(const struct index *x)
{
	return x->used;
}

/* The slot that matches: 1; the empty one where the search ended: 0. */
static int
search(
    struct index *x, uint64_t key, index_match *match, void *arg, uint64_t *slot, uint64_t *offset)
{
	unsigned char chunk[CHUNK * SLOT_SIZE];
	uint64_t first = key & (x->slots - 1) & ~(uint64_t)(CHUNK - 1), i, n;
	int r;

	/* Chunks are aligned, so that none wraps around the end. */
	for (n = 0; n < x->slots; n += CHUNK, first = (first + CHUNK) & (x->slots - 1)) {
		if (read_at(x->fd, chunk, sizeof(chunk), HEAD_SIZE + first * SLOT_SIZE) == -1)
			return -1;
		for (i = 0; i < CHUNK; i++) {
			uint64_t k = get64(chunk + i * SLOT_SIZE);

			*slot = first + i;
			*offset = get64(chunk + i * SLOT_SIZE + 8) & ~MARK;
			if (*offset == 0)
				return 0;
			if (k != key)
				continue;
			r = match(arg, *offset);
			if (r != 0)
				return r;
		}
	}
	errno = EINVAL; /* no empty slot at all: this is not our table */
	return -1;
}

int
index_find(struct index *x, uint64_t key, index_match *match, void *arg, uint64_t *offset)
{
	return search(x, key, match, arg, &x->found, offset);
}

int
index_put(struct index *x, uint64_t key, index_match *match, void *arg, uint64_t offset)
{
	unsigned char bytes[SLOT_SIZE];
	uint64_t slot, old;
	int r = search(x, key, match, arg, &slot, &old);

	if (r == -1)
		return -1;
	x->used += r == 0;
	put64(bytes, key);
	put64(bytes + 8, offset);
	return write_at(x->fd, bytes, sizeof(bytes), HEAD_SIZE + slot * SLOT_SIZE);
}

int
index_mark(struct index *x)
{
	unsigned char bytes[8];
	uint64_t at = HEAD_SIZE + x->found * SLOT_SIZE + 8;

	if (read_at(x->fd, bytes, sizeof(bytes), at) == -1)
		return -1;
	bytes[0] |= 0x80;
	return write_at(x->fd, bytes, sizeof(bytes), at);
}

int
index_unmarked(struct index *x, int (*each)(void *, uint64_t), void *arg)
{
	unsigned char chunk[CHUNK * SLOT_SIZE];
	uint64_t slot, i, offset;
	int r;

	for (slot = 0; slot < x->slots; slot += CHUNK) {
		if (read_at(x->fd, chunk, sizeof(chunk), HEAD_SIZE + slot * SLOT_SIZE) == -1)
			return -1;
		for (i = 0; i < CHUNK; i++) {
			offset = get64(chunk + i * SLOT_SIZE + 8);
			if (offset == 0 || (offset & MARK) != 0)
				continue;
			if ((r = each(arg, offset)) != 0)
				return r;
		}
	}
	return 0;
}
