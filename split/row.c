/* A row on its way to the record stream: see row.h. */
#include "blank.h"
#include "num.h"
#include "row.h"
#include "when.h"

/* A huge value's memory is given back with the next row. */
#define KEEP_BYTES 65536

void
row_begin(struct row *r, enum table_id table)
{
	r->table = table;
	r->column = table_list[table].column;
	buf_trim(&r->text, KEEP_BYTES);
	memset(r->cell, 0, (size_t)table_list[table].columns * sizeof(r->cell[0]));
}

void
row_free(struct row *r)
{
	buf_free(&r->text);
}

void
row_set_text(struct row *r, int column, const char *p, size_t n)
{
	struct row_cell *c = &r->cell[column];

	c->is = ROW_TEXT;
	c->at = r->text.n;
	c->n = n;
	buf_add(&r->text, p, n);
}

void
row_set_number(struct row *r, int column, int64_t v)
{
	r->cell[column].is = ROW_NUMBER;
	r->cell[column].number = v;
}

void
row_clear(struct row *r, int column)
{
	r->cell[column].is = ROW_NOTHING;
}

void
row_copy(struct row *r, int to, int from)
{
	r->cell[to] = r->cell[from];
}

struct rec_value
row_trim(struct rec_value v)
{
	while (v.n > 0 && blank_is(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n > 0 && blank_is(v.p[v.n - 1]))
		v.n--;
	return v;
}

static int
is_text(struct rec_value v, const char *text)
{
	return v.n == strlen(text) && memcmp(v.p, text, v.n) == 0;
}

const char *
row_set(struct row *r, int column, struct rec_value v)
{
	struct row_cell *c = &r->cell[column];

	if (v.p == NULL)
		return NULL;
	switch (r->column[column].type) {
	case TABLE_TEXT:
	case TABLE_TIME:
		row_set_text(r, column, v.p, v.n);
		return NULL;
	case TABLE_INT:
		v = row_trim(v);
		c->is = ROW_NUMBER;
		if (num_parse(v.p, v.n, &c->number) == 0)
			return NULL;
		c->is = ROW_NOTHING;
		return v.n > 0 ? "no number of 64 bits" : NULL;
	case TABLE_BOOL:
		v = row_trim(v);
		c->is = ROW_NUMBER;
		c->number = is_text(v, "1") || is_text(v, "true");
		if (c->number == 1 || is_text(v, "0") || is_text(v, "false"))
			return NULL;
		c->is = ROW_NOTHING;
		return v.n > 0 ? "neither 1 nor 0" : NULL;
	}
	return NULL;
}

/* UNIX seconds; a fraction is cut. */
static int
read_stamp(struct rec_value v, int64_t *t)
{
	const char *point = memchr(v.p, '.', v.n);
	uint64_t fraction;
	size_t n = v.n;

	if (point != NULL) {
		n = (size_t)(point - v.p);
		if (num_parse_count(point + 1, v.n - n - 1, UINT64_MAX, &fraction) == -1)
			return -1;
	}
	return when_parse_unix(v.p, n, t);
}

const char *
row_set_time(struct row *r, int column, struct rec_value stamp, struct rec_value text,
    struct rec_value *wrong)
{
	struct rec_value s = row_trim(stamp), t = row_trim(text);
	char out[WHEN_SIZE];
	int64_t when;
	int by_text = 0;

	*wrong = s.n > 0 ? s : t;
	if (s.n == 0 || read_stamp(s, &when) == -1) {
		by_text = t.n > 0 && when_parse_iso(t.p, t.n, &when) == 0;
		if (!by_text) {
			r->cell[column].is = ROW_NOTHING;
			return wrong->n > 0 ? "no time" : NULL;
		}
	}
	when_format(when, out);
	row_set_text(r, column, out, WHEN_SIZE - 1);
	return by_text && s.n > 0 ? "no UNIX seconds; its text is taken" : NULL;
}

void
row_write(const struct row *r, struct buf *b)
{
	int c, columns = table_list[r->table].columns;

	rec_row(b, r->table);
	for (c = 0; c < columns; c++)
		switch (r->cell[c].is) {
		case ROW_ABSENT:
		case ROW_NOTHING:
			rec_null(b);
			break;
		case ROW_TEXT:
			/* A row may be without any text: then text.p is NULL. */
			rec_text(
			    b, r->cell[c].n > 0 ? r->text.p + r->cell[c].at : "", r->cell[c].n);
			break;
		case ROW_NUMBER:
			rec_int(b, r->cell[c].number);
			break;
		}
	rec_end_row(b);
}
