/* The header of an answer: see header.h. */
#include <string.h>
#include <strings.h>

#include "header.h"
#include "num.h"

#define MAX_HEADER 1024 /* of one header's value */

/* A header's value, if it is one that may be sent back or shown. */
static void
keep(struct buf *b, const char *p, size_t n)
{
	size_t i;

	buf_reset(b);
	for (i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return;
	if (n <= MAX_HEADER)
		buf_add(b, p, n);
}

void
header_forget(struct call *c)
{
	buf_reset(&c->type);
	buf_reset(&c->etag);
	buf_reset(&c->modified);
	buf_reset(&c->disposition);
	buf_reset(&c->location);
	c->date = 0;
	c->retry_after = c->length = c->range_first = c->range_total = -1;
	c->encoded = c->chunked = 0;
}

static int64_t
parse_date(const char *p, size_t n)
{
	char text[64];
	time_t t;

	if (n >= sizeof(text))
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	t = curl_getdate(text, NULL);
	return t > 0 ? (int64_t)t : 0;
}

/* "bytes 100-199/200" */
static void
parse_range(struct call *c, const char *p, size_t n)
{
	const char *dash, *slash;
	uint64_t first, last, total;

	if (n < 6 || strncasecmp(p, "bytes ", 6) != 0)
		return;
	p += 6;
	n -= 6;
	dash = memchr(p, '-', n);
	slash = memchr(p, '/', n);
	if (dash == NULL || slash == NULL || slash < dash ||
	    num_parse_count(p, (size_t)(dash - p), INT64_MAX, &first) == -1 ||
	    num_parse_count(dash + 1, (size_t)(slash - dash - 1), INT64_MAX, &last) == -1 ||
	    num_parse_count(slash + 1, (size_t)(p + n - slash - 1), INT64_MAX, &total) == -1)
		return;
	/* A part that does not reach to the end was not asked for. */
	if (first > last || last + 1 != total)
		return;
	c->range_first = (int64_t)first;
	c->range_total = (int64_t)total;
}

void
header_one(struct call *c, const char *name, size_t name_n, const char *p, size_t n)
{
	uint64_t v;

#define IS(text) (name_n == sizeof(text) - 1 && strncasecmp(name, text, name_n) == 0)
	if (IS("date"))
		c->date = parse_date(p, n);
	else if (IS("retry-after")) {
		/* Seconds, or a date: against the Date beside it, for no
		 * clock here is that of the appliance. */
		if (num_parse_count(p, n, INT32_MAX, &v) == 0)
			c->retry_after = (int64_t)v;
		else
			c->retry_after = -parse_date(p, n) - 2;
	} else if (IS("content-type"))
		keep(&c->type, p, n);
	else if (IS("content-length")) {
		/* One that cannot be is not one that was not said. */
		c->length = num_parse_count(p, n, INT64_MAX, &v) == 0 ? (int64_t)v : INT64_MAX;
	} else if (IS("transfer-encoding")) /* the last coding counts */
		c->chunked = n >= 7 && strncasecmp(p + n - 7, "chunked", 7) == 0;
	else if (IS("content-range"))
		parse_range(c, p, n);
	else if (IS("content-encoding"))
		c->encoded = n > 0 && (n != 8 || strncasecmp(p, "identity", 8) != 0);
	else if (IS("content-disposition"))
		keep(&c->disposition, p, n);
	else if (IS("etag"))
		keep(&c->etag, p, n);
	else if (IS("last-modified"))
		keep(&c->modified, p, n);
	else if (IS("location"))
		keep(&c->location, p, n);
#undef IS
}

void
header_settle(struct call *c)
{
	/* RFC 9112, 6.3: chunks override a length. */
	if (c->chunked)
		c->length = -1;
	if (c->retry_after < -1) { /* a date; see header_one */
		c->retry_after = -(c->retry_after + 2) - c->date;
		if (c->date == 0 || c->retry_after < 0)
			c->retry_after = -1;
	}
}
