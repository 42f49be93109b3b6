/* A row on its way to the record stream: see row.h. */
#include "num.h"
#include "row.h"
#include "when.h"

/* A huge value's memory is given back with the next row. */
#define KEEP_BYTES 65536

void
row_reset(struct row *r, enum table_id table)
{
	r->table = table;
	buf_trim(&r->bytes, KEEP_BYTES);
	memset(r->cell, 0, sizeof(r->cell));
}

void
row_free(struct row *r)
{
	buf_free(&r->bytes);
}

void
row_set(struct row *r, int column, const char *p, size_t n)
{
	r->cell[column].at = r->bytes.n;
	r->cell[column].n = n;
	r->cell[column].there = 1;
	buf_add(&r->bytes, p, n);
}

void
row_set_int(struct row *r, int column, int64_t v)
{
	char text[NUM_SIZE];

	row_set(r, column, text, (size_t)num_format(v, text));
}

void
row_clear(struct row *r, int column)
{
	r->cell[column].there = 0;
}

struct rec_value
row_get(const struct row *r, int column)
{
	struct rec_value v = {NULL, 0};

	if (r->cell[column].there) {
		v.n = r->cell[column].n;
		v.p = v.n > 0 ? r->bytes.p + r->cell[column].at : "";
	}
	return v;
}

int
row_filled(const struct row *r, int column)
{
	return r->cell[column].there && r->cell[column].n > 0;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct rec_value
row_trim(struct rec_value v)
{
	while (v.n > 0 && is_blank(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n > 0 && is_blank(v.p[v.n - 1]))
		v.n--;
	return v;
}

void
row_set_time(struct row *r, int column, struct rec_value stamp, struct rec_value text,
    row_complaint *complain, void *arg)
{
	const char *name = table_list[r->table].column[column].name;
	struct rec_value s = row_trim(stamp), t = row_trim(text);
	char out[WHEN_SIZE];
	int64_t when;

	if (s.n > 0 && when_parse_unix(s.p, s.n, &when) == 0)
		;
	else if (t.n > 0 && when_parse_iso(t.p, t.n, &when) == 0) {
		if (s.n > 0)
			complain(arg, name, "no UNIX seconds; its text is taken", s);
	} else {
		if (s.n > 0 || t.n > 0)
			complain(arg, name, "no time", s.n > 0 ? s : t);
		return;
	}
	when_format(when, out);
	row_set(r, column, out, WHEN_SIZE - 1);
}

static int
is_text(struct rec_value v, const char *text)
{
	return v.n == strlen(text) && memcmp(v.p, text, v.n) == 0;
}

static void
write_typed(const struct row *r, int c, struct buf *b, row_complaint *complain, void *arg)
{
	const struct table_column *column = &table_list[r->table].column[c];
	struct rec_value v = row_get(r, c), t;
	int64_t number;

	if (v.p == NULL) {
		rec_null(b);
		return;
	}
	if (column->type == TABLE_TEXT || column->type == TABLE_TIME) {
		rec_text(b, v.p, v.n);
		return;
	}
	t = row_trim(v);
	if (column->type == TABLE_INT && num_parse(t.p, t.n, &number) == 0) {
		rec_int(b, number);
		return;
	}
	if (column->type == TABLE_BOOL && (is_text(t, "1") || is_text(t, "true"))) {
		rec_int(b, 1);
		return;
	}
	if (column->type == TABLE_BOOL && (is_text(t, "0") || is_text(t, "false"))) {
		rec_int(b, 0);
		return;
	}
	rec_null(b);
	if (t.n > 0)
		complain(arg, column->name, column->type == TABLE_INT ?
		    "no number of 64 bits" : "neither 1 nor 0", t);
}

void
row_write(const struct row *r, struct buf *b, row_complaint *complain, void *arg)
{
	int c;

	rec_row(b, r->table);
	for (c = 0; c < table_list[r->table].columns; c++)
		write_typed(r, c, b, complain, arg);
	rec_end_row(b);
}
