/* Bytes of a document to clean UTF-8: see decode.h. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "decode.h"
#include "utf8.h"
#include "vector.h"

/* Nobody writes a reference longer than &#x0010FFFF; on purpose. */
#define MAX_REFERENCE 64
/* Bytes that must be there to tell what "<!" begins: "<![CDATA[" */
#define MARKUP_AHEAD 9

/*
 * How many bytes from p on are plain: printable ASCII, TAB, LF, CR, and not
 * the first of a pair that means something where we are.  Looks one byte
 * past what it passes over, so it stops before the last byte.
 */
static size_t
plain(const unsigned char *p, size_t n, enum decode_inside inside)
{
	size_t i = 0;
	unsigned first;

	while (n - i > VECTOR) {
		vector a = vector_load(p + i), b = vector_load(p + i + 1), odd;

		odd = (vector)(a >= 0x80) |
		    ((vector)(a < 0x20) & ~((vector)(a == '\n') | (vector)(a == '\t') |
		    (vector)(a == '\r')));
		switch (inside) {
		case DECODE_CONTENT:
			odd |= (vector)(a == '<') & ((vector)(b == '!') | (vector)(b == '?'));
			odd |= (vector)(a == '&') & (vector)(b == '#');
			break;
		case DECODE_CDATA:
			odd |= (vector)(a == ']') & (vector)(b == ']');
			break;
		case DECODE_COMMENT:
			odd |= (vector)(a == '-') & (vector)(b == '-');
			break;
		case DECODE_PI:
			odd |= (vector)(a == '?') & (vector)(b == '>');
			break;
		}
		if ((first = vector_first(odd)) < VECTOR)
			return i + first;
		i += VECTOR;
	}
	return i;
}

static int
begins(const unsigned char *p, size_t n, const char *text)
{
	size_t len = strlen(text);

	return n >= len && memcmp(p, text, len) == 0;
}

/*
 * The length of the character reference at p, with its value; 0 when it is
 * none, so that the parser may say so; -1 when more bytes are needed.
 */
static int
reference(const unsigned char *p, size_t n, int final, uint32_t *value)
{
	int hex = n > 2 && p[2] == 'x';
	size_t i = hex ? 3 : 2, first = i;
	uint32_t v = 0;

	for (; i < n && i < MAX_REFERENCE; i++) {
		unsigned char c = p[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10u;
		else if (c == ';' && i > first) {
			*value = v;
			return (int)i + 1;
		} else
			return 0;
		/* Past the last character it stays there. */
		if (v <= 0x10ffff)
			v = v * (hex ? 16 : 10) + digit;
	}
	return i < MAX_REFERENCE && !final ? -1 : 0;
}

static void
replace(struct decoder *d, struct buf *out)
{
	if (d->replaced != NULL)
		d->replaced(d->arg, out->n);
	buf_adds(out, UTF8_REPLACEMENT);
}

/*
 * One byte or more at p that plain() did not pass.  Returns how many of them
 * were dealt with, 0 when more are needed to tell.
 */
static size_t
one(struct decoder *d, const unsigned char *p, size_t n, int final, struct buf *out)
{
	unsigned char c = *p;
	uint32_t v;
	int len;

	if (c >= 0x80) {
		/* A character that the end of the bytes cuts is not bad yet. */
		if (!final && n < 4 && utf8_length(p, n) == -(int)n && c >= 0xc2)
			return 0;
		len = utf8_decode(p, n, &v);
		if (len > 0 && utf8_xml_char(v)) {
			buf_add(out, p, (size_t)len);
			return (size_t)len;
		}
		replace(d, out);
		return (size_t)(len < 0 ? -len : len);
	}
	if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
		replace(d, out);
		return 1;
	}
	switch (d->inside) {
	case DECODE_CONTENT:
		if (c != '&' && c != '<')
			break;
		if (n < 2 && !final)
			return 0;
		if (c == '&' && n > 1 && p[1] == '#') {
			len = reference(p, n, final, &v);
			if (len == -1)
				return 0;
			if (len > 0 && !utf8_xml_char(v)) {
				replace(d, out);
				return (size_t)len;
			}
		} else if (c == '<' && n > 1 && p[1] == '?')
			d->inside = DECODE_PI;
		else if (c == '<' && n > 1 && p[1] == '!') {
			if (n < MARKUP_AHEAD && !final)
				return 0;
			if (begins(p, n, "<!--")) {
				d->inside = DECODE_COMMENT;
				buf_adds(out, "<!--");
				return 4;
			}
			if (begins(p, n, "<![CDATA[")) {
				d->inside = DECODE_CDATA;
				buf_adds(out, "<![CDATA[");
				return 9;
			}
		}
		break;
	case DECODE_CDATA:
	case DECODE_COMMENT:
		if (c != (d->inside == DECODE_CDATA ? ']' : '-'))
			break;
		if (n < 3 && !final)
			return 0;
		if (begins(p, n, d->inside == DECODE_CDATA ? "]]>" : "-->")) {
			d->inside = DECODE_CONTENT;
			buf_add(out, p, 3);
			return 3;
		}
		break;
	case DECODE_PI:
		if (c != '?')
			break;
		if (n < 2 && !final)
			return 0;
		if (begins(p, n, "?>")) {
			d->inside = DECODE_CONTENT;
			buf_add(out, p, 2);
			return 2;
		}
		break;
	}
	buf_addc(out, (char)c);
	return 1;
}

static size_t
sanitise(struct decoder *d, const char *bytes, size_t n, int final, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t i = 0, step, k;

	buf_reserve(out, n);
	while (i < n) {
		step = plain(p + i, n - i, d->inside);
		buf_add(out, p + i, step);
		i += step;
		/* Then past what stopped it: a run of letters that are not
		 * ASCII, often, or the last bytes. */
		for (k = 0; i < n && (k == 0 || (p[i] & 0x80) || n - i <= VECTOR); k++) {
			if ((step = one(d, p + i, n - i, final, out)) == 0)
				return i;
			i += step;
		}
	}
	return i;
}

/* To UTF-8, forbidden characters and all: sanitise takes care of those. */
static size_t
latin1(struct decoder *d, const unsigned char *p, size_t n)
{
	char c[4];
	size_t i;

	for (i = 0; i < n; i++)
		buf_add(&d->utf8, c, (size_t)utf8_encode(p[i], c));
	return n;
}

static size_t
utf16(struct decoder *d, const unsigned char *p, size_t n, int final)
{
	int big = d->encoding == ENCODING_UTF16BE;
	size_t i;
	uint32_t c, low;
	char out[4];

	for (i = 0; i + 1 < n; i += 2) {
		c = (uint32_t)(big ? p[i] << 8 | p[i + 1] : p[i + 1] << 8 | p[i]);
		if (c >= 0xd800 && c <= 0xdbff) {
			if (i + 3 >= n && !final)
				break;
			low = i + 3 >= n ? 0 :
			    (uint32_t)(big ? p[i + 2] << 8 | p[i + 3] : p[i + 3] << 8 | p[i + 2]);
			if (low >= 0xdc00 && low <= 0xdfff) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		if (c >= 0xd800 && c <= 0xdfff)
			buf_addc(&d->utf8, '\xff');	/* half a pair: bad */
		else
			buf_add(&d->utf8, out, (size_t)utf8_encode(c, out));
	}
	if (final && i < n) {
		buf_addc(&d->utf8, '\xff');
		i = n;
	}
	return i;
}

size_t
decode(struct decoder *d, const char *p, size_t n, int final, struct buf *out)
{
	size_t used, done;

	if (d->encoding == ENCODING_UTF8)
		return sanitise(d, p, n, final, out);
	/* What sanitise cannot use yet stays in d->utf8 until next time. */
	used = d->encoding == ENCODING_LATIN1 ? latin1(d, (const unsigned char *)p, n) :
	    utf16(d, (const unsigned char *)p, n, final);
	done = sanitise(d, d->utf8.p, d->utf8.n, final, out);
	if (d->utf8.n > 0)
		buf_drop(&d->utf8, done);
	return used;
}

int
decode_by_name(const char *name, size_t n, enum encoding *e)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} known[] = {
		{"UTF-8", ENCODING_UTF8},
		{"UTF8", ENCODING_UTF8},
		{"US-ASCII", ENCODING_UTF8},
		{"ASCII", ENCODING_UTF8},
		{"ISO-8859-1", ENCODING_LATIN1},
		{"ISO_8859-1", ENCODING_LATIN1},
		{"LATIN1", ENCODING_LATIN1},
		{"LATIN-1", ENCODING_LATIN1},
		{"UTF-16", ENCODING_UTF16LE},
		{"UTF-16LE", ENCODING_UTF16LE},
		{"UTF-16BE", ENCODING_UTF16BE},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == n && strncasecmp(known[i].name, name, n) == 0) {
			*e = known[i].encoding;
			return 0;
		}
	return -1;
}
