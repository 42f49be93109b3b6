/* What an answer says, when it is no report: JSON, a packed error, a text. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

#include "answer.h"
#include "utf8.h"

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *const keys[] = {"error", "message", "error_description", "hint", NULL};

/* What a JSON answer says, if it says that something is wrong. */
void
answer_end_json(struct answer *a)
{
	json_t *o = json_loadb(a->small.p, a->small.n, 0, NULL), *v;
	const char *error = json_string_value(json_object_get(o, "error"));
	int i;

	if (json_object_get(o, "error") != NULL ||
	    (json_object_get(o, "message") != NULL && json_object_size(o) <= 3)) {
		a->error = 1;
		for (i = 0; keys[i] != NULL; i++) {
			v = json_object_get(o, keys[i]);
			if (!json_is_string(v))
				continue;
			if (a->said.n > 0)
				buf_adds(&a->said, ": ");
			buf_adds(&a->said, json_string_value(v));
		}
	}
	a->denied = error != NULL &&
	    (strcmp(error, "access_denied") == 0 || strcmp(error, "invalid_token") == 0 ||
		strcmp(error, "expired_token") == 0);
	json_decref(o);
}

void
answer_only_errors(struct buf *said)
{
	const char *p = said->p != NULL ? said->p : "";
	json_t *o = json_loadb(p, said->n, 0, NULL);
	struct buf errors = {0};
	const char *text;
	int i;

	/* A page of a proxy, say, may be shown; what was cut, or is like a
	 * token's answer, may not. */
	if (o == NULL && memmem(p, said->n, "token", 5) == NULL)
		return;
	for (i = 0; keys[i] != NULL; i++)
		if ((text = json_string_value(json_object_get(o, keys[i]))) != NULL)
			buf_printf(&errors, "%s%s", errors.n > 0 ? ": " : "", text);
	json_decref(o);
	buf_free(said);
	*said = errors;
}

/* A small gzip may hold an error document: archives' errors come packed. */
void
answer_end_gzip(struct answer *a)
{
	z_stream z = {0};
	struct answer inner = {0};
	unsigned char out[8192];
	int r;

	if (a->bytes > ANSWER_SMALL || inflateInit2(&z, 15 + 16) != Z_OK)
		return;
	z.next_in = (unsigned char *)a->small.p;
	z.avail_in = (unsigned)a->small.n;
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		r = inflate(&z, Z_NO_FLUSH);
		answer_add(&inner, (char *)out, sizeof(out) - z.avail_out);
	} while (r == Z_OK && inner.bytes < ANSWER_SMALL);
	inflateEnd(&z);
	if (r == Z_STREAM_END) {
		answer_end(&inner);
		if (inner.kind == ANSWER_XML && inner.error && inner.whole) {
			a->kind = ANSWER_XML;
			a->error = a->whole = 1;
			buf_add(&a->said, inner.said.p, inner.said.n);
		}
	}
	answer_free(&inner);
}

size_t
answer_reference(const char *p, size_t n, char out[4], size_t *out_n)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {
	    {"&amp;", '&'},
	    {"&lt;", '<'},
	    {"&gt;", '>'},
	    {"&quot;", '"'},
	    {"&apos;", '\''},
	};
	const char *semicolon = memchr(p, ';', n < 12 ? n : 12);
	unsigned long c;
	char *end, digits[12];
	size_t i, len;

	if (semicolon == NULL)
		return 0;
	len = (size_t)(semicolon - p) + 1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == len && memcmp(p, names[i].name, len) == 0) {
			out[0] = names[i].c;
			*out_n = 1;
			return len;
		}
	if (len < 4 || p[1] != '#')
		return 0;
	memcpy(digits, p + 2, len - 3);
	digits[len - 3] = '\0';
	c = (digits[0] | ' ') == 'x' ? strtoul(digits + 1, &end, 16) : strtoul(digits, &end, 10);
	if (*end != '\0' || c > 0x10ffff || !utf8_xml_char((uint32_t)c))
		return 0;
	*out_n = (size_t)utf8_encode((uint32_t)c, out);
	return len;
}

/* What is no UTF-8 is Latin-1, as far as one may know. */
void
answer_to_utf8(struct buf *b)
{
	struct buf out = {0};
	char c[4];
	size_t i, valid = utf8_valid(b->p, b->n);

	if (b->n >= ANSWER_SAID && b->n - valid < 4)
		b->n = valid;
	if (valid == b->n)
		return;
	for (i = 0; i < b->n; i++)
		buf_add(&out, c, (size_t)utf8_encode((unsigned char)b->p[i], c));
	buf_free(b);
	*b = out;
}

void
answer_normalise(struct buf *b)
{
	struct buf out = {0};
	size_t i = 0, k, len, n;
	char c[4];
	int blank = 0;

	while (i < b->n) {
		if (is_blank(b->p[i])) {
			blank = out.n > 0;
			i++;
			continue;
		}
		n = 1;
		c[0] = b->p[i];
		len = b->p[i] == '&' ? answer_reference(b->p + i, b->n - i, c, &n) : 0;
		if (blank)
			buf_addc(&out, ' ');
		blank = 0;
		for (k = 0; k < n; k++)
			buf_addc(&out, c[k]);
		i += len > 0 ? len : 1;
	}
	buf_free(b);
	*b = out;
}
