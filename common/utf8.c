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

size_t
utf8_valid(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0;
	uint64_t eight, more[4];
	int len;

	while (i < n) {
		while (n - i >= sizeof(more)) {
			memcpy(more, p + i, sizeof(more));
			if ((more[0] | more[1] | more[2] | more[3]) & 0x8080808080808080u)
				break;
			i += sizeof(more);
		}
		/* Eight bytes of ASCII at a time: most text is. */
		while (n - i >= sizeof(eight)) {
			memcpy(&eight, p + i, sizeof(eight));
			if (eight & 0x8080808080808080u)
				break;
			i += sizeof(eight);
		}
		while (i < n && p[i] < 0x80)
			i++;
		while (i < n && p[i] >= 0x80) {
			if ((len = utf8_length(p + i, n - i)) < 0)
				return i;
			i += (size_t)len;
		}
	}
	return n;
}

size_t
utf8_floor(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t back;

	/* Look for the lead byte among the last three: is its character whole? */
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
