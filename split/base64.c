/* Bodies in base64: see base64.h. */
#include <stdint.h>

#include "base64.h"
#include "blank.h"
#include "rec.h"
#include "utf8.h"

/* Decoded, but not yet written: some at a time, for a body may be huge. */
#define PIECE 3072

/* One more than the value of a digit; 0 for what is none. */
/* clang-format off */
static const unsigned char digit[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	    19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
	    42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['/'] = 64,
};
/* clang-format on */

static inline int
four_digits(const char *text, uint32_t *bits)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t a = digit[p[0]], b = digit[p[1]], c = digit[p[2]], d = digit[p[3]];

	if (a == 0 || b == 0 || c == 0 || d == 0)
		return 0;
	*bits = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
	return 1;
}

int
base64_check(const char *p, size_t n)
{
	size_t digits = 0, padding = 0, i;
	uint32_t bits;

	while (n - digits >= 4 && four_digits(p + digits, &bits))
		digits += 4;
	for (i = digits; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (digit[c] > 0 && padding == 0)
			digits++;
		else if (c == '=')
			padding++;
		else if (!blank_is(c))
			return -1;
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
		if (p[i] >= 0x20 && p[i] < 0x80) {
			i++;
			continue;
		}
		if (!final && n - i < 4 && utf8_length(p + i, n - i) == -(int)(n - i))
			break; /* a character that is cut here, it may be */
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
	uint32_t bits = 0, v;
	int have = 0;
	size_t i = 0, at = 0, done;

	while (i < n) {
		/* Four digits without a blank, nearly always. */
		if (have == 0 && n - i >= 4 && four_digits(p + i, &bits))
			i += 4;
		else {
			if ((v = digit[(unsigned char)p[i++]]) == 0)
				continue;
			bits = bits << 6 | (v - 1);
			if (++have < 4)
				continue;
			have = 0;
		}
		bytes[at++] = (unsigned char)(bits >> 16);
		bytes[at++] = (unsigned char)(bits >> 8);
		bytes[at++] = (unsigned char)bits;
		if (at < PIECE)
			continue;
		done = add_text(bytes, at, 0, line);
		at -= done;
		memmove(bytes, bytes + done, at);
		if (line->n > REC_MAX_LINE)
			return; /* too long already: the caller sees it */
	}
	if (have >= 2)
		bytes[at++] = (unsigned char)(bits >> (have == 2 ? 4 : 10));
	if (have == 3)
		bytes[at++] = (unsigned char)(bits >> 2);
	add_text(bytes, at, 1, line);
}
