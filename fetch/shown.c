/*
 * What an appliance said, made fit for a message: see site.h.
 *
 * It may say our secrets back to us, as they were sent or as JSON, HTML or a
 * URL would write them, and only the beginning, or the end, of one.
 */
#include <ctype.h>
#include <string.h>

#include "answer.h"
#include "site.h"
#include "token.h"
#include "utf8.h"

/* What of an answer is worth a message's room. */
#define SHOWN 200
/* So much of a secret, anywhere in it, is too much of it; a shorter one has
 * to be there as a whole. */
#define TOO_MUCH 8

static int
hex(const char *p, size_t n, size_t digits, int *value)
{
	size_t i;

	*value = 0;
	if (n < digits)
		return 0;
	for (i = 0; i < digits; i++) {
		int c;

		if (!isxdigit((unsigned char)p[i]))
			return 0;
		c = (unsigned char)p[i];
		*value = *value * 16 + (isdigit(c) ? c - '0' : (c | ' ') - 'a' + 10);
	}
	return 1;
}

/* The character at p, however it is written, and how long that is. */
static size_t
character(const char *p, size_t n, int *c)
{
	size_t len, n_out;
	char out[4];

	if (*p == '\\' && n >= 2 && memchr("/\"\\", p[1], 3) != NULL) {
		*c = (unsigned char)p[1];
		return 2;
	}
	if (*p == '\\' && n >= 6 && p[1] == 'u' && hex(p + 2, n - 2, 4, c))
		return 6;
	if (*p == '%' && hex(p + 1, n - 1, 2, c))
		return 3;
	if (*p == '&' && (len = answer_reference(p, n, out, &n_out)) > 0 && n_out == 1) {
		*c = (unsigned char)out[0];
		return len;
	}
	*c = (unsigned char)*p;
	return 1;
}

/* How much of the secret, from its byte at, stands at p: *bytes of the text. */
static size_t
matches(const char *secret, size_t len, const char *p, size_t n, size_t *bytes)
{
	size_t i, used = 0, unit;
	int c;

	for (i = 0; i < len && used < n; i++) {
		/* As it is, before what it may stand for. */
		if (p[used] == secret[i]) {
			used++;
			continue;
		}
		unit = character(p + used, n - used, &c);
		if (c != (unsigned char)secret[i])
			break;
		used += unit;
	}
	*bytes = used;
	return i;
}

/* The length of what at p is a secret of this site, or too much of one. */
static size_t
secret_at(const struct site *s, const char *p, size_t n)
{
	const char *secrets[] = {
	    s->basic, s->secret, token_text(s), s->key_password, s->proxy_user, s->backup_password};
	size_t i, at, len, bytes, longest = 0;

	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		len = secrets[i] != NULL ? strlen(secrets[i]) : 0;
		for (at = 0; at < len && (at == 0 || len - at >= TOO_MUCH); at++) {
			size_t same = matches(secrets[i] + at, len - at, p, n, &bytes);

			if (bytes > longest &&
			    (same >= TOO_MUCH || (at == 0 && same == len && len >= 4)))
				longest = bytes;
		}
	}
	return longest;
}

/* The secrets go before the cut: half a secret is not one that msg_hide
 * would know again. */
const char *
site_show(const struct site *s, const char *p, size_t n, char *out)
{
	size_t i = 0, o = 0, len;
	int blank = 0, unit;

	while (i < n) {
		if (isspace((unsigned char)p[i])) {
			blank = o > 0;
			i++;
			continue;
		}
		unit = utf8_length((const unsigned char *)p + i, n - i);
		if (unit < 0)
			unit = 1; /* msg.c shows it as it is */
		len = secret_at(s, p + i, n - i);
		if (o + (size_t)blank + (len > 0 ? 3 : (size_t)unit) > SHOWN) {
			memcpy(out + o, "...", 3);
			o += 3;
			break;
		}
		if (blank)
			out[o++] = ' ';
		blank = 0;
		if (len > 0) {
			memcpy(out + o, "***", 3);
			o += 3;
			i += len;
		} else {
			memcpy(out + o, p + i, (size_t)unit);
			o += (size_t)unit;
			i += (size_t)unit;
		}
	}
	out[o] = '\0';
	return out;
}
