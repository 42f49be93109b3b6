/* Bodies in base64: see base64.h. */
#include <stdint.h>

#include "base64.h"
#include "blank.h"
#include "rec.h"
#include "utf8.h"

/* Decoded, but not yet written: some at a time, for a body may be huge. */
#define PIECE 3072

static int
sextet(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int
base64_check(const char *p, size_t n)
{
	size_t digits = 0, padding = 0, i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '=')
			padding++;
		else if (!blank_is(c)) {
			if (padding > 0 || sextet(c) == -1)
				return -1;
			digits++;
		}
	}
	return digits % 4 != 1 && padding <= 2 && (digits + padding) % 4 == 0 ? 0 : -1;
}

/*
 * As much text as is whole; all of it when final.  Returns how many bytes
 * that was.
 */
static size_t
add_text(const unsigned char *p, size_t n, int final, struct buf *line)
{
	size_t i = 0, plain = 0;
	uint32_t c;
	int len;

	while (i < n) {
		if (!final && n - i < 4 && utf8_length(p + i, n - i) == -(int)(n - i))
			break;	/* a character that is cut here, it may be */
		len = utf8_decode(p + i, n - i, &c);
		if (len > 0 && utf8_xml_char(c)) {
			i += (size_t)len;
			continue;
		}
		rec_escape(line, (const char *)p + plain, i - plain);
		buf_adds(line, UTF8_REPLACEMENT);
		i += (size_t)(len < 0 ? -len : len);
		plain = i;
	}
	rec_escape(line, (const char *)p + plain, i - plain);
	return i;
}

void
base64_text(const char *p, size_t n, struct buf *line)
{
	unsigned char bytes[PIECE + 4];
	uint32_t bits = 0;
	int have = 0, v;
	size_t i, at = 0, done;

	for (i = 0; i < n; i++) {
		if ((v = sextet((unsigned char)p[i])) == -1)
			continue;
		bits = bits << 6 | (uint32_t)v;
		if (++have < 4)
			continue;
		have = 0;
		bytes[at++] = (unsigned char)(bits >> 16);
		bytes[at++] = (unsigned char)(bits >> 8);
		bytes[at++] = (unsigned char)bits;
		if (at < PIECE)
			continue;
		done = add_text(bytes, at, 0, line);
		at -= done;
		memmove(bytes, bytes + done, at);
		if (line->n > REC_MAX_LINE)
			return;		/* too long already: the caller sees it */
	}
	if (have >= 2)
		bytes[at++] = (unsigned char)(bits >> (have == 2 ? 4 : 10));
	if (have == 3)
		bytes[at++] = (unsigned char)(bits >> 2);
	add_text(bytes, at, 1, line);
}
