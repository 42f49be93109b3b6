/* Bytes that have to wait: see spool.h. */
#include <errno.h>
#include <unistd.h>

#include "file.h"
#include "msg.h"
#include "spool.h"

#define IN_MEMORY ((size_t)256 << 10)
#define PIECE	  65536

void
spool_close(struct spool *s)
{
	if (s->tail.n < IN_MEMORY || s->failed)
		return;
	if (file_write(s->fd, s->tail.p, s->tail.n) == -1) {
		msg_errno("temporary file");
		s->failed = 1;
		return;
	}
	s->size += (off_t)s->tail.n;
	buf_trim(&s->tail, 2 * IN_MEMORY);
}

void
spool_add(struct spool *s, const char *p, size_t n)
{
	buf_add(&s->tail, p, n);
	spool_close(s);
}

void
spool_adds(struct spool *s, const char *text)
{
	spool_add(s, text, strlen(text));
}

int
spool_empty(const struct spool *s)
{
	return s->size == 0 && s->tail.n == 0;
}

void
spool_reset(struct spool *s)
{
	buf_trim(&s->tail, 2 * IN_MEMORY);
	if (s->size > 0 && (ftruncate(s->fd, 0) == -1 || lseek(s->fd, 0, SEEK_SET) == -1)) {
		msg_errno("temporary file");
		s->failed = 1;
	}
	s->size = 0;
}

void
spool_drain(struct spool *s, void (*take)(void *, const char *, size_t), void *arg)
{
	char piece[PIECE];
	off_t left = s->size;
	ssize_t n;

	if (left > 0 && lseek(s->fd, 0, SEEK_SET) == -1) {
		msg_errno("temporary file");
		s->failed = 1;
	}
	while (left > 0 && !s->failed) {
		n = file_read(s->fd, piece, left < PIECE ? (size_t)left : PIECE);
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			msg_errno("temporary file");
			s->failed = 1;
			break;
		}
		take(arg, piece, (size_t)n);
		left -= n;
	}
	take(arg, s->tail.p, s->tail.n);
	spool_reset(s);
}
