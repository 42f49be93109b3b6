/*
 * Text of strangers as HTML.  Nothing of it is ever markup, and what a reader
 * would not see, or would see in another place than where it stands, is shown
 * by its number.
 */
#ifndef TOHTML_HTML_H
#define TOHTML_HTML_H

#include "buf.h"
#include "rec.h"

/* For between tags. */
void html_text(struct buf *, const char *p, size_t n);
void html_value(struct buf *, struct rec_value);
/* For attributes in double quotes, and for titles: no element can stand there. */
void html_plain(struct buf *, const char *p, size_t n);
/* A relative path as an URL; no scheme, host or query can come of it. */
void html_path(struct buf *, const char *p, size_t n);
/* 6442450944 as 6.4 GB, after a blank the bytes in parentheses. */
void html_bytes(struct buf *, uint64_t);
/* Seconds as 0:01:23. */
void html_span(struct buf *, int64_t seconds);
/* <time>: a moment of the stream's form as 2024-12-03 15:26:05. */
void html_time(struct buf *, struct rec_value);

/* The head of a page up to <main>, and its end.  The title is plain text. */
void html_head(struct buf *, const char *title, size_t n);
void html_tail(struct buf *);

static inline int
value_is(struct rec_value v, const char *text)
{
	return v.n == strlen(text) && memcmp(v.p, text, v.n) == 0;
}

static inline int
value_starts(struct rec_value v, const char *text)
{
	return v.n >= strlen(text) && memcmp(v.p, text, strlen(text)) == 0;
}

#endif
