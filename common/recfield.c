/* The fields of a line of the record stream: see recfield.h. */
#include "num.h"
#include "recfield.h"
#include "utf8.h"
#include "vector.h"
#include "when.h"

/* Memory for unescaped values that is kept from line to line. */
#define KEEP_SCRATCH ((size_t)1 << 20)

int
field_split(const char *p, size_t length, struct rec_value *field)
{
	const char *end = p + length, *tab;
	int n = 0;

	for (;; p = tab + 1) {
		tab = memchr(p, '\t', (size_t)(end - p));
		if (n < FIELD_MAX) {
			field[n].p = p;
			field[n].n = (size_t)((tab != NULL ? tab : end) - p);
		}
		n++;
		if (tab == NULL)
			return n;
	}
}

void
field_line(struct field_space *s, const char *line, size_t n)
{
	buf_trim(&s->scratch, KEEP_SCRATCH);
	s->escapes = memchr(line, '\\', n) != NULL;
	if (s->escapes)
		buf_reserve(&s->scratch, n);
}

int
field_unescape_any(struct field_space *s, struct rec_value field, struct rec_value *v)
{
	const char *p = field.p;
	size_t n = field.n;
	const char *end = p + n, *slash = memchr(p, '\\', n);
	char *out;

	if (slash == NULL)
		return 0;
	if (n == 2 && p[1] == 'N') {
		v->p = NULL;
		v->n = 0;
		return 0;
	}
	v->p = out = s->scratch.p + s->scratch.n;
	for (;;) {
		memcpy(out, p, (size_t)(slash - p));
		out += slash - p;
		if (slash + 1 == end)
			return -1;
		switch (slash[1]) {
		case 't':
			*out++ = '\t';
			break;
		case 'n':
			*out++ = '\n';
			break;
		case 'r':
			*out++ = '\r';
			break;
		case '\\':
			*out++ = '\\';
			break;
		default:
			return -1;
		}
		p = slash + 2;
		slash = memchr(p, '\\', (size_t)(end - p));
		if (slash == NULL)
			break;
	}
	memcpy(out, p, (size_t)(end - p));
	out += end - p;
	v->n = (size_t)(out - v->p);
	s->scratch.n = (size_t)(out - s->scratch.p);
	return 0;
}

static inline int
is_escape(const char *p, const char *end)
{
	return end - p >= 2 && (p[1] == 'n' || p[1] == '\\' || p[1] == 't' || p[1] == 'r');
}

ssize_t
field_length(struct rec_value field)
{
	const char *p = field.p, *end = p + field.n;
	size_t n = field.n;

	if (n == 2 && p[0] == '\\' && p[1] == 'N')
		return 0;
	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		if (!is_escape(p, end))
			return -1;
		p += 2;
		n--;
	}
	return (ssize_t)n;
}

/* In one pass, for speed: most of a record stream is XML. */
ssize_t
field_text_length(struct rec_value field)
{
	const char *p = field.p, *end = p + field.n;
	size_t n = field.n;
	vector v;
	uint32_t c;
	int length;

	while (p < end) {
		for (; end - p >= VECTOR; p += VECTOR) {
			v = vector_load(p);
			v = (vector)((v >= 0x80) | (v == '\\') | (v < 0x20));
			if (!vector_none(v)) {
				p += vector_first(v);
				break;
			}
		}
		if (p == end)
			break;
		if (*p == '\\') {
			if (!is_escape(p, end))
				return -1;
			p += 2;
			n--;
		} else if ((unsigned char)*p >= 0x80) {
			length = utf8_decode((const unsigned char *)p, (size_t)(end - p), &c);
			if (length < 0 || !utf8_xml_char(c))
				return -1;
			p += length;
		} else if ((unsigned char)*p++ < 0x20 && p[-1] != '\r')
			return -1;
	}
	return (ssize_t)n;
}

int
field_is(struct rec_value v, const char *text)
{
	return v.n == strlen(text) && memcmp(v.p, text, v.n) == 0;
}

int
field_same(struct rec_value a, struct rec_value b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int
field_well_typed(enum table_type type, struct rec_value v)
{
	int64_t t;

	if (v.p == NULL)
		return 1;
	switch (type) {
	case TABLE_INT:
		return v.n > 0 && v.p[0] != '+' && num_parse(v.p, v.n, &t) == 0;
	case TABLE_BOOL:
		return v.n == 1 && (v.p[0] == '0' || v.p[0] == '1');
	case TABLE_TIME:
		return when_parse(v.p, v.n, &t) == 0;
	case TABLE_TEXT:
		break;
	}
	return 1;
}
