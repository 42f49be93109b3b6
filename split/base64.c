/* Bodies in base64: see base64.h. */
#include <stdint.h>

#include "base64.h"
#include "utf8.h"

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

static int
decode_bytes(const char *p, size_t n, struct buf *out)
{
	uint32_t bits = 0;
	int have = 0, padding = 0, v;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (padding > 0 || (v = sextet(c)) == -1)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		if (++have == 4) {
			buf_addc(out, (char)(bits >> 16));
			buf_addc(out, (char)(bits >> 8));
			buf_addc(out, (char)bits);
			have = 0;
		}
	}
	if (have == 1 || (have > 0 && have + padding != 4) || (have == 0 && padding > 0))
		return -1;
	if (have >= 2)
		buf_addc(out, (char)(bits >> (have == 2 ? 4 : 10)));
	if (have == 3)
		buf_addc(out, (char)(bits >> 2));
	return 0;
}

int
base64_text(const char *p, size_t n, struct buf *out)
{
	struct buf raw = {0};
	size_t i;
	uint32_t c;
	int len;

	buf_reserve(&raw, n / 4 * 3 + 3);
	if (decode_bytes(p, n, &raw) == -1) {
		buf_free(&raw);
		return -1;
	}
	buf_reserve(out, raw.n);
	for (i = 0; i < raw.n; i += (size_t)len) {
		len = utf8_decode((unsigned char *)raw.p + i, raw.n - i, &c);
		if (len > 0 && utf8_xml_char(c))
			buf_add(out, raw.p + i, (size_t)len);
		else
			buf_adds(out, UTF8_REPLACEMENT);
		if (len < 0)
			len = -len;
	}
	buf_free(&raw);
	return 0;
}
