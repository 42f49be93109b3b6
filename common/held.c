/* Bytes that are held back: see held.h. */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "held.h"
#include "msg.h"

/* A read or a write should be worth its system call. */
#define PIECE ((size_t)64 << 10)

void
held_open(struct held *h, size_t limit)
{
	memset(h, 0, sizeof(*h));
	h->limit = limit;
	h->fd = -1;
}

void
held_open_output(struct held *h, int fd, const char *name)
{
	held_open(h, PIECE);
	h->fd = fd;
	h->name = name;
	file_widen_pipe(fd);
}

void
held_close(struct held *h)
{
	if (h->name == NULL && h->fd != -1)
		close(h->fd);
	buf_free(&h->mem);
	buf_free(&h->piece);
}

static void
fail(struct held *h, int code)
{
	if (h->code != 0)
		return;
	h->code = code;
	h->reader_gone = h->name != NULL && errno == EPIPE;
	if (h->name == NULL)
		msg_errno("temporary file in %s", file_scratch_dir());
	else if (!h->reader_gone)
		msg_errno("%s", h->name);
}

static void
write_file(struct held *h, const char *p, size_t n)
{
	if (h->fd == -1 && h->code == 0 && (h->fd = file_scratch()) == -1)
		fail(h, EX_CANTCREAT);
	if (h->code == 0 && file_write(h->fd, p, n) == -1)
		fail(h, EX_IOERR);
	h->in_file += (off_t)n;
}

void
held_flush(struct held *h)
{
	if (h->mem.n > 0)
		write_file(h, h->mem.p, h->mem.n);
	/* Give memory back after a long value. */
	buf_trim(&h->mem, 2 * h->limit);
}

void
held_add(struct held *h, const char *p, size_t n)
{
	if (h->mem.n + n > h->limit)
		held_flush(h);
	if (n > h->limit)
		write_file(h, p, n);
	else
		buf_add(&h->mem, p, n);
}

void
held_reset(struct held *h)
{
	buf_trim(&h->mem, 2 * h->limit);
	buf_free(&h->piece);
	if (h->in_file > 0 && h->code == 0 &&
	    (lseek(h->fd, 0, SEEK_SET) == -1 || ftruncate(h->fd, 0) == -1))
		fail(h, EX_IOERR);
	h->in_file = 0;
}

const char *
held_at(struct held *h, off_t at, size_t *n)
{
	off_t there = at < h->in_file ? h->in_file - at : held_size(h) - at;
	ssize_t got;

	if (there < (off_t)*n)
		*n = (size_t)there;
	if (at >= h->in_file)
		return *n > 0 && h->code == 0 ? h->mem.p + (at - h->in_file) : NULL;
	if (h->code != 0)
		return NULL;
	buf_reset(&h->piece);
	buf_reserve(&h->piece, PIECE);
	if (*n > PIECE)
		*n = PIECE;
	while ((got = pread(h->fd, h->piece.p, *n, at)) == -1 && errno == EINTR)
		;
	if (got == 0)
		errno = EIO;
	if (got <= 0) {
		fail(h, EX_IOERR);
		return NULL;
	}
	*n = (size_t)got;
	return h->piece.p;
}

int
held_get(struct held *h, off_t at, void *to, size_t n)
{
	const char *p;
	char *out = to;
	size_t some;

	for (; n > 0; n -= some) {
		some = n;
		if ((p = held_at(h, at, &some)) == NULL)
			return -1;
		memcpy(out, p, some);
		out += some;
		at += (off_t)some;
	}
	return 0;
}

void
held_move(struct held *to, struct held *from)
{
	const char *p;
	off_t at;
	size_t n = SSIZE_MAX;

	for (at = 0; (p = held_at(from, at, &n)) != NULL; at += (off_t)n, n = SSIZE_MAX)
		held_add(to, p, n);
	held_reset(from);
}
