/*
 * A growing string of bytes, and allocation that never fails: without memory the program
 * ends with EX_TEMPFAIL and a message.  Every program of praic may end at any time
 * without leaving anything incomplete behind.
 */
#ifndef PRAIC_BUF_H
#define PRAIC_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void xnomem(void) __attribute__((noreturn));
void *xmalloc(size_t);
void *xcalloc(size_t, size_t);
void *xrealloc(void *, size_t);
char *xstrdup(const char *);
char *xstrndup(const char *, size_t);
char *xasprintf(const char *, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *, va_list) __attribute__((format(printf, 1, 0)));

/* An empty one is all zero.  p may be NULL while n is 0. */
struct buf {
	char *p;
	size_t n;
	size_t cap;
};

/* Make room for n more bytes at b->p + b->n. */
void buf_reserve(struct buf *, size_t);
void buf_free(struct buf *);
/* Keep the bytes from the given offset on. */
void buf_drop(struct buf *, size_t);
void buf_printf(struct buf *, const char *, ...) __attribute__((format(printf, 2, 3)));
/* The text, ended by NUL (which is not counted in n). */
const char *buf_text(struct buf *);

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return; /* p may be NULL */
	if (b->cap - b->n < n)
		buf_reserve(b, n);
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

/* Make it empty; free it if its capacity is larger than keep. */
static inline void
buf_trim(struct buf *b, size_t keep)
{
	b->n = 0;
	if (b->cap > keep)
		buf_free(b);
}

#endif
