/* Byte strings in bounded memory: see strand.h. */
#include <errno.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "strand.h"

/* An empty tail keeps this much memory: there may be some 250 strands. */
#define KEEP ((size_t)32 << 10)

/* Stands before the bytes of a chunk. */
struct chunk {
	off_t next; /* the strand's next chunk, or -1 */
	off_t n;
};

void
strands_open(struct strands *all)
{
	memset(all, 0, sizeof(*all));
	all->fd = -1;
}

void
strands_close(struct strands *all)
{
	struct strand *s;

	for (s = all->list; s != NULL; s = s->next)
		buf_free(&s->tail);
	if (all->fd != -1)
		close(all->fd);
}

void
strand_open(struct strands *all, struct strand *s)
{
	s->first = s->last = -1;
	s->next = all->list;
	all->list = s;
}

static void
fail(struct strands *all, int code)
{
	msg_errno("temporary file in %s", file_scratch_dir());
	all->code = code;
}

static void
write_at(struct strands *all, const void *data, size_t n, off_t at)
{
	const char *p = data;
	ssize_t done;

	while (n > 0 && all->code == 0) {
		done = pwrite(all->fd, p, n, at);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1) {
			fail(all, EX_IOERR);
			return;
		}
		p += done;
		n -= (size_t)done;
		at += done;
	}
}

static void
read_at(struct strands *all, void *data, size_t n, off_t at)
{
	char *p = data;
	ssize_t done;

	while (n > 0 && all->code == 0) {
		done = pread(all->fd, p, n, at);
		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0) {
			errno = done == 0 ? EIO : errno;
			fail(all, EX_IOERR);
			return;
		}
		p += done;
		n -= (size_t)done;
		at += done;
	}
}

/* The tail of a strand becomes a chunk of the file. */
static void
move_tail(struct strands *all, struct strand *s)
{
	struct chunk c = {-1, (off_t)s->tail.n};

	if (s->tail.n == 0 || s->is_read)
		return;
	write_at(all, &c, sizeof(c), all->end);
	write_at(all, s->tail.p, s->tail.n, all->end + (off_t)sizeof(c));
	if (s->last == -1)
		s->first = all->end;
	else
		write_at(all, &all->end, sizeof(all->end), s->last);
	s->last = all->end;
	all->end += (off_t)sizeof(c) + c.n;
	all->held -= s->counted;
	s->counted = 0;
	buf_trim(&s->tail, KEEP);
}

void
strand_check(struct strands *all, struct strand *s)
{
	all->held += s->tail.n - s->counted;
	s->counted = s->tail.n;
	if (all->held < STRANDS_HELD || all->code != 0)
		return;
	if (all->fd == -1 && (all->fd = file_scratch()) == -1) {
		fail(all, EX_CANTCREAT);
		return;
	}
	for (s = all->list; s != NULL; s = s->next)
		move_tail(all, s);
}

void
strand_add(struct strands *all, struct strand *s, const char *p, size_t n)
{
	size_t piece;

	for (; n > 0; p += piece, n -= piece) {
		piece = n < STRAND_PIECE ? n : STRAND_PIECE;
		buf_add(&s->tail, p, piece);
		strand_check(all, s);
	}
}

void
strand_reset(struct strands *all, struct strand *s)
{
	all->held -= s->counted;
	s->counted = 0;
	s->first = s->last = -1;
	s->is_read = 0;
	buf_trim(&s->tail, KEEP);
}

void
strands_reset(struct strands *all)
{
	struct strand *s;

	for (s = all->list; s != NULL; s = s->next)
		strand_reset(all, s);
	if (all->end > 0 && ftruncate(all->fd, 0) == -1)
		fail(all, EX_IOERR);
	all->end = 0;
}

int
strand_empty(const struct strand *s)
{
	return s->first == -1 && s->tail.n == 0;
}

void
strand_read(struct strands *all, struct strand *s, struct strand_cursor *c)
{
	c->in = all;
	c->strand = s;
	c->p = c->piece;
	c->n = 0;
	c->left = 0;
	c->next = s->first;
	c->tail_at = 0;
	s->is_read = 1;
}

int
strand_next(struct strand_cursor *c)
{
	struct strand *s = c->strand;
	struct chunk head;

	if (c->left == 0 && c->next != -1) {
		read_at(c->in, &head, sizeof(head), c->next);
		c->at = c->next + (off_t)sizeof(head);
		c->left = head.n;
		c->next = head.next;
	}
	if (c->in->code != 0) {
		c->n = 0;
		return -1;
	}
	if (c->left > 0) {
		c->n = c->left < (off_t)STRAND_PIECE ? (size_t)c->left : STRAND_PIECE;
		c->p = c->piece;
		read_at(c->in, c->piece, c->n, c->at);
		c->at += (off_t)c->n;
		c->left -= (off_t)c->n;
		return c->in->code == 0 ? 0 : -1;
	}
	c->p = s->tail.p + c->tail_at;
	c->n = s->tail.n - c->tail_at;
	if (c->n > STRAND_PIECE)
		c->n = STRAND_PIECE;
	c->tail_at += c->n;
	if (c->n > 0)
		return 0;
	s->is_read = 0;
	return -1;
}
