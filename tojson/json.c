/* Values of the record stream as JSON: see json.h. */
#include <stdio.h>

#include "json.h"
#include "num.h"
#include "vector.h"

/*
 * The characters that JSON does not allow in a text as they are: quotation
 * marks, backslashes, and those below U+0020.  All else is UTF-8, which the
 * reader has checked.
 */
static void
add_escape(struct buf *b, unsigned char c)
{
	static const char name[] = "\tt\nn\rr\"\"\\\\";
	const char *p;

	for (p = name; *p != '\0'; p += 2)
		if ((unsigned char)*p == c) {
			buf_addc(b, '\\');
			buf_addc(b, p[1]);
			return;
		}
	buf_printf(b, "\\u%04x", c);
}

/* How many bytes from p on can stand as they are. */
static size_t
plain(const char *p, size_t n)
{
	size_t i = 0;
	unsigned first;
	vector v;

	for (; n - i >= VECTOR; i += VECTOR) {
		v = vector_load(p + i);
		first = vector_first((vector)((v < 0x20) | (v == '"') | (v == '\\')));
		if (first < VECTOR)
			return i + first;
	}
	for (; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == '"' || p[i] == '\\')
			break;
	return i;
}

/* A text, or a part of one. */
static void
add_part(struct buf *b, const char *p, size_t n)
{
	size_t part;

	for (;;) {
		part = plain(p, n);
		buf_add(b, p, part);
		if (part == n)
			return;
		add_escape(b, (unsigned char)p[part]);
		p += part + 1;
		n -= part + 1;
	}
}

void
json_text(struct buf *b, const char *p, size_t n)
{
	buf_addc(b, '"');
	add_part(b, p, n);
	buf_addc(b, '"');
}

/* The stream allows leading zeros and -0, JSON does not. */
static void
add_number(struct buf *b, struct rec_value v)
{
	char text[NUM_SIZE];
	int64_t number;

	if (v.p[0] >= '1' && v.p[0] <= '9')
		buf_add(b, v.p, v.n);
	else if (num_parse(v.p, v.n, &number) == 0)
		buf_add(b, text, (size_t)num_format(number, text));
}

void
json_value(struct buf *b, enum table_type type, struct rec_value v)
{
	if (v.p == NULL)
		buf_add(b, "null", 4);
	else if (type == TABLE_INT)
		add_number(b, v);
	else if (type == TABLE_BOOL)
		buf_adds(b, v.p[0] == '1' ? "true" : "false");
	else
		json_text(b, v.p, v.n);
}

void
json_member(struct buf *b, const char *name, enum table_type type, struct rec_value v)
{
	buf_add(b, ",\"", 2);
	buf_adds(b, name);
	buf_add(b, "\":", 2);
	json_value(b, type, v);
}

void
json_add_value(struct strands *all, struct strand *s, enum table_type type, struct rec_value v)
{
	size_t piece;

	if (v.n <= STRAND_PIECE) {
		json_value(&s->tail, type, v);
		return;
	}
	buf_addc(&s->tail, '"');
	for (; v.n > 0; v.p += piece, v.n -= piece) {
		piece = v.n < STRAND_PIECE ? v.n : STRAND_PIECE;
		add_part(&s->tail, v.p, piece);
		strand_check(all, s);
	}
	buf_addc(&s->tail, '"');
}

void
json_add_columns(
    struct strands *all, struct strand *s, enum table_id t, const struct rec_value *value, int from)
{
	const struct table_column *column = table_list[t].column;
	int c;

	for (c = from; c < table_list[t].columns; c++) {
		buf_adds(&s->tail, c == from ? "\"" : ",\"");
		buf_adds(&s->tail, column[c].name);
		buf_add(&s->tail, "\":", 2);
		json_add_value(all, s, column[c].type, value[c]);
	}
	strand_check(all, s);
}
