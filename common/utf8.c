/* UTF-8: see utf8.h. */
#include <string.h>

#include "utf8.h"

int
utf8_decode(const unsigned char *p, size_t n, uint32_t *c)
{
	unsigned char b = p[0], low = 0x80, high = 0xbf;
	int len, i;
	uint32_t v;

	if (b < 0x80) {
		*c = b;
		return 1;
	}
	if (b < 0xc2 || b > 0xf4)
		return -1;
	if (b < 0xe0) {
		len = 2;
		v = b & 0x1fu;
	} else if (b < 0xf0) {
		len = 3;
		v = b & 0x0fu;
		if (b == 0xe0)
			low = 0xa0; /* shorter forms exist */
		else if (b == 0xed)
			high = 0x9f; /* surrogates */
	} else {
		len = 4;
		v = b & 0x07u;
		if (b == 0xf0)
			low = 0x90;
		else if (b == 0xf4)
			high = 0x8f; /* past U+10FFFF */
	}
	for (i = 1; i < len; i++) {
		if ((size_t)i >= n || p[i] < low || p[i] > high)
			return -i;
		v = v << 6 | (p[i] & 0x3fu);
		low = 0x80;
		high = 0xbf;
	}
	*c = v;
	return len;
}

int
utf8_length(const unsigned char *p, size_t n)
{
	uint32_t c;

	return utf8_decode(p, n, &c);
}

int
utf8_encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Both checks in one pass; xml: stop at characters that XML forbids.  Most text is
 * ASCII, and compilers can vectorise the loops over blocks. */
static inline size_t
scan(const unsigned char *p, size_t n, int xml)
{
	unsigned char high, any, control = 0;
	size_t i = 0, k;
	int len;

	while (i < n) {
		while (n - i >= 32) {
			for (k = high = any = 0; k < 32; k++) {
				high |= p[i + k];
				any |= (unsigned char)((p[i + k] < 0x20) & (p[i + k] != '\t'));
			}
			if (high >= 0x80)
				break;
			control |= any;
			i += 32;
		}
		for (; i < n && p[i] < 0x80; i++)
			control |= (unsigned char)((p[i] < 0x20) & (p[i] != '\t'));
		while (i < n && p[i] >= 0x80) {
			if ((len = utf8_length(p + i, n - i)) < 0)
				break;
			/* U+FFFE and U+FFFF */
			if (xml && len == 3 && p[i] == 0xef && p[i + 1] == 0xbf && p[i + 2] >= 0xbe)
				break;
			i += (size_t)len;
		}
		if (i < n && p[i] >= 0x80)
			break;
	}
	if (!xml || !control)
		return i;
	for (n = i, i = 0; i < n && (p[i] >= 0x80 || utf8_xml_char(p[i])); i++)
		;
	return i;
}

size_t
utf8_valid(const char *p, size_t n)
{
	return scan((const unsigned char *)p, n, 0);
}

size_t
utf8_xml_valid(const char *p, size_t n)
{
	return scan((const unsigned char *)p, n, 1);
}

size_t
utf8_floor(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t back;

	/* Look for an incomplete character whose lead byte is among the last three. */
	for (back = 1; back <= 3 && back <= n; back++) {
		unsigned char b = p[n - back];

		if ((b & 0xc0) == 0x80)
			continue;
		if ((b >= 0xf0 && back < 4) || (b >= 0xe0 && back < 3) || (b >= 0xc0 && back < 2))
			return n - back;
		break;
	}
	return n;
}
