/* Values of the record stream as JSON (RFC 8259). */
#include <stdio.h>

#include "num.h"
#include "tojson.h"
#include "vector.h"

/* Long values are added in pieces, with a check of the limit after each. */
#define PIECE ((ptrdiff_t)64 << 10)

static void
add_escape(struct buf *b, char c)
{
	buf_addc(b, '\\');
	buf_addc(b, c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c);
}

/*
 * JSON forbids unescaped quotation marks, backslashes and characters below U+0020.  The
 * reader has checked the UTF-8, and that of the latter there are only TAB, LF and CR.
 */
static void
add_text(struct buf *b, const char *p, const char *end)
{
	vector v, special;
	char *out;

	while (p < end) {
		/* Nearly all text needs no escapes. */
		if (b->cap - b->n < (size_t)(end - p))
			buf_reserve(b, (size_t)(end - p));
		out = b->p + b->n;
		for (; end - p >= VECTOR; p += VECTOR, out += VECTOR) {
			v = vector_load(p);
			vector_store(out, v);
			special = (vector)((v < 0x20) | (v == '"') | (v == '\\'));
			if (!vector_none(special)) {
				p += vector_first(special);
				out += vector_first(special);
				break;
			}
		}
		while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
			*out++ = *p++;
		b->n = (size_t)(out - b->p);
		if (p < end)
			add_escape(b, *p++);
	}
}

void
json_text(struct held *h, struct rec_value v)
{
	const char *end = v.p + v.n;

	buf_addc(&h->mem, '"');
	for (; end - v.p > PIECE; v.p += PIECE) {
		add_text(&h->mem, v.p, v.p + PIECE);
		held_check(h);
	}
	add_text(&h->mem, v.p, end);
	buf_addc(&h->mem, '"');
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
json_value(struct held *h, enum table_type type, struct rec_value v)
{
	if (v.p == NULL)
		buf_add(&h->mem, "null", 4);
	else if (type == TABLE_INT)
		add_number(&h->mem, v);
	else if (type == TABLE_BOOL)
		buf_adds(&h->mem, v.p[0] == '1' ? "true" : "false");
	else
		json_text(h, v);
}

void
json_columns(struct held *h, enum table_id t, const struct rec_value *value, int from)
{
	/* ,"name": of each column, made at the first use. */
	static struct {
		char text[32];
		size_t n;
	} member[TABLES][TABLE_MAX_COLUMNS];
	const struct table_column *column = table_list[t].column;
	int c, skip = 1; /* the first comma */

	if (member[t][0].n == 0)
		for (c = 0; c < table_list[t].columns; c++)
			member[t][c].n = (size_t)snprintf(member[t][c].text,
			    sizeof(member[t][c].text), ",\"%s\":", column[c].name);
	for (c = from; c < table_list[t].columns; c++, skip = 0) {
		buf_add(&h->mem, member[t][c].text + skip, member[t][c].n - (size_t)skip);
		json_value(h, column[c].type, value[c]);
	}
	held_check(h);
}
