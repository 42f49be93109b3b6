/* Growing strings of bytes: see buf.h. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"

/* Does not use stdio or msg.c, which may allocate. */
void
xnomem(void)
{
	static const char words[] = ": out of memory\n";
	const char *name = msg_program();

	if (write(2, name, strlen(name)) == -1 || write(2, words, sizeof(words) - 1) == -1)
		_exit(EX_TEMPFAIL);
	exit(EX_TEMPFAIL);
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n == 0 ? 1 : n);

	if (p == NULL)
		xnomem();
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);

	if (p == NULL)
		xnomem();
	return p;
}

void *
xrealloc(void *old, size_t n)
{
	void *p = realloc(old, n == 0 ? 1 : n);

	if (p == NULL)
		xnomem();
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
xvasprintf(const char *fmt, va_list ap)
{
	char *p;

	if (vasprintf(&p, fmt, ap) == -1)
		xnomem();
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = xvasprintf(fmt, ap);
	va_end(ap);
	return p;
}

void
buf_reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap;

	if (cap - b->n >= n)
		return;
	if (n > SIZE_MAX / 2 - b->n)
		xnomem();
	/* By half: doubling would waste too much of a program's memory limit. */
	cap += cap / 2;
	if (cap < b->n + n)
		cap = b->n + n;
	if (cap < 64)
		cap = 64;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
}

void
buf_free(struct buf *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}

void
buf_drop(struct buf *b, size_t from)
{
	if (from == 0)
		return;
	memmove(b->p, b->p + from, b->n - from);
	b->n -= from;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		xnomem();
	buf_reserve(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

const char *
buf_text(struct buf *b)
{
	buf_reserve(b, 1);
	b->p[b->n] = '\0';
	return b->p;
}
