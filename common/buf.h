/*
 * A growing string of bytes, and allocation that never fails.  When memory
 * runs out the program ends with EX_TEMPFAIL and a message: it may succeed
 * later, and none of praic's programs leaves anything half done behind.
 */
#ifndef PRAIC_BUF_H
#define PRAIC_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

void xnomem(void) __attribute__((noreturn));
void *xmalloc(size_t);
void *xcalloc(size_t, size_t);
void *xrealloc(void *, size_t);
char *xstrdup(const char *);
char *xstrndup(const char *, size_t);
char *xasprintf(const char *, ...) __attribute__((format(printf, 1, 2)));

/* All zero is an empty one.  p may be NULL while n is 0. */
struct buf {
	char *p;
	size_t n;
	size_t cap;
};

/* Room for this many more bytes, so that b->p + b->n may be written to. */
void buf_reserve(struct buf *, size_t);
void buf_free(struct buf *);
/* Keep the bytes from the given offset on. */
void buf_drop(struct buf *, size_t);
void buf_printf(struct buf *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
/* The text, ended by NUL (which is not counted in n). */
const char *buf_text(struct buf *);

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (b->cap - b->n < n)
		buf_reserve(b, n);
	if (n != 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void
buf_addc(struct buf *b, char c)
{
	if (b->cap == b->n)
		buf_reserve(b, 1);
	b->p[b->n++] = c;
}

static inline void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_reset(struct buf *b)
{
	b->n = 0;
}

/* Empty again; a buffer that one huge value blew up is given back. */
void buf_trim(struct buf *, size_t keep);

#endif
