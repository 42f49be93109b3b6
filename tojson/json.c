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

static int
is_special(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

static vector
special(vector v)
{
	return (vector)((v < 0x20) | (v == '"') | (v == '\\'));
}

/* 4 to 15 bytes, as sixteen. */
static vector
load_short(const char *p, size_t n)
{
	uint32_t a, b;
	uint64_t both;

	if (n >= 8)
		return vector_load_short(p, n);
	memcpy(&a, p, 4);
	memcpy(&b, p + n - 4, 4);
	both = (uint64_t)a << 32 | b;
	return vector_of(both, both);
}

/* How many bytes from p on can stand as they are. */
static size_t
plain(const char *p, size_t n)
{
	size_t i = 0;
	unsigned first;

	/* Most values are short and have nothing to escape. */
	if (n >= 4 && n < VECTOR && vector_none(special(load_short(p, n))))
		return n;
	for (; n - i >= VECTOR; i += VECTOR) {
		first = vector_first(special(vector_load(p + i)));
		if (first < VECTOR)
			return i + first;
	}
	if (i > 0 && vector_none(special(vector_load(p + n - VECTOR))))
		return n;
	for (; i < n; i++)
		if (is_special((unsigned char)p[i]))
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

/* Each column's ,"name": made once. */
static struct {
	char text[32];
	size_t n;
} member[TABLES][TABLE_MAX_COLUMNS];

void
json_start(void)
{
	int t, c;

	for (t = 0; t < TABLES; t++)
		for (c = 0; c < table_list[t].columns; c++)
			member[t][c].n = (size_t)snprintf(member[t][c].text,
			    sizeof(member[t][c].text), ",\"%s\":", table_list[t].column[c].name);
}

void
json_add_columns(
    struct strands *all, struct strand *s, enum table_id t, const struct rec_value *value, int from)
{
	const struct table_column *column = table_list[t].column;
	int c, skip = 1; /* the first comma */

	for (c = from; c < table_list[t].columns; c++, skip = 0) {
		buf_add(&s->tail, member[t][c].text + skip, member[t][c].n - (size_t)skip);
		if (value[c].n <= STRAND_PIECE)
			json_value(&s->tail, column[c].type, value[c]);
		else
			json_add_value(all, s, column[c].type, value[c]);
	}
	strand_check(all, s);
}
