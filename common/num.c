/* Decimal numbers: see num.h. */
#include <string.h>

#include "num.h"

int
num_parse_count(const char *p, size_t n, uint64_t max, uint64_t *v)
{
	uint64_t t = 0;
	size_t i;

	if (n == 0)
		return -1;
	/* No division where no number is too great for 64 bits. */
	for (i = 0; i < n && n < NUM_SIZE - 2; i++) {
		unsigned digit = (unsigned)((unsigned char)p[i] - '0');

		if (digit > 9)
			return -1;
		t = t * 10 + digit;
	}
	for (; i < n; i++) {
		unsigned digit = (unsigned)((unsigned char)p[i] - '0');

		if (digit > 9 || t > (max - digit) / 10 || digit > max)
			return -1;
		t = t * 10 + digit;
	}
	if (t > max)
		return -1;
	*v = t;
	return 0;
}

int
num_parse(const char *p, size_t n, int64_t *v)
{
	int negative = n > 0 && p[0] == '-';
	uint64_t t;

	if (n > 0 && (p[0] == '-' || p[0] == '+')) {
		p++;
		n--;
	}
	if (num_parse_count(p, n, (uint64_t)INT64_MAX + (negative ? 1 : 0), &t) == -1)
		return -1;
	*v = negative ? (int64_t)(0 - t) : (int64_t)t;
	return 0;
}

int
num_parse_size(const char *text, int64_t *v)
{
	static const char units[] = "KMGT";
	size_t n = strlen(text);
	const char *unit = n > 0 ? strchr(units, text[n - 1]) : NULL;
	uint64_t count;
	int shift = 0;

	if (unit != NULL) {
		shift = 10 * (int)(unit - units + 1);
		n--;
	}
	if (num_parse_count(text, n, (uint64_t)INT64_MAX >> shift, &count) == -1)
		return -1;
	*v = (int64_t)(count << shift);
	return 0;
}

int
num_format(int64_t v, char out[NUM_SIZE])
{
	uint64_t t = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, ten;
	int negative = v < 0, len = negative + 1, i;

	for (ten = 10; t >= ten; ten *= 10)
		len++;
	out[i = len] = '\0';
	do {
		out[--i] = (char)('0' + t % 10);
		t /= 10;
	} while (t != 0);
	if (negative)
		out[0] = '-';
	return len;
}
