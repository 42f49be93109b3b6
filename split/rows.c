/* Rows. */
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "split.h"
#include "when.h"

/* A truth value that will be known at the session's end. */
#define ROW_UNDECIDED '?'
/* Lines go out in pieces of this size. */
#define FLUSH_AT 65536
/* A huge value's memory is given back. */
#define KEEP_BYTES 65536
/* The capacity of a buffer that had FLUSH_AT and a usual line. */
#define KEEP_LINES (4 * FLUSH_AT)

void
row_begin(struct row *r, enum table_id table)
{
	r->table = table;
	r->column = table_list[table].column;
	buf_trim(&r->text, KEEP_BYTES);
	memset(r->cell, 0, (size_t)table_list[table].columns * sizeof(r->cell[0]));
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
		case ROW_AT_END:
			buf_addc(b, '\t');
			buf_addc(b, ROW_UNDECIDED);
			break;
		}
	rec_end_row(b);
}

/* ---- output ----------------------------------------------------------- */

void
rows_free(struct rows *r)
{
	int i;

	for (i = 0; i <= ROWS_AT_END; i++)
		buf_free(&r->lines[i].text);
}

void
rows_begin(struct rows *r)
{
	int i;

	for (i = 0; i <= ROWS_AT_END; i++) {
		buf_trim(&r->lines[i].text, KEEP_LINES);
		r->lines[i].n = 0;
	}
	r->longest = 0;
}

static void
put(struct rows *r, struct lines *l)
{
	if (l->n > 0) {
		r->go(r->arg);
		rec_rows(r->out, l->text.p, l->text.n, l->n);
	}
	buf_trim(&l->text, KEEP_LINES);
	l->n = 0;
}

struct buf *
rows_open(struct rows *r, enum rows_order order)
{
	if (order == ROWS_OF_EVENT && r->event_out)
		order = ROWS_NOW;
	r->order = order;
	r->from = r->lines[order].text.n;
	return &r->lines[order].text;
}

/* Check the limits. */
static void
check(struct rows *r, size_t line)
{
	size_t held = r->lines[ROWS_OF_EVENT].text.n + r->lines[ROWS_AT_END].text.n;

	if (line > REC_MAX_LINE)
		r->refusal = "a value longer than a line may be (64 MiB)";
	if (line > r->longest)
		r->longest = line;
	if (held > LIMIT_HELD + r->longest)
		r->refusal = "more than 8 MiB of rows that have to be held back";
}

void
rows_close(struct rows *r)
{
	struct lines *l = &r->lines[r->order];
	size_t line = l->text.n - r->from;

	l->n++;
	if (r->order != ROWS_NOW || line >= FLUSH_AT)
		check(r, line);
	if (r->order == ROWS_NOW && l->text.n >= FLUSH_AT && r->refusal == NULL)
		put(r, l);
}

void
rows_add(struct rows *r, enum rows_order order, const struct row *row)
{
	row_write(row, rows_open(r, order));
	rows_close(r);
}

void
rows_event(struct rows *r, const struct row *row)
{
	struct lines *parts = &r->lines[ROWS_OF_EVENT], *now = &r->lines[ROWS_NOW];

	rows_add(r, ROWS_NOW, row);
	r->event_out = 1;
	if (parts->n == 0 || r->refusal != NULL)
		return;
	if (parts->text.n < FLUSH_AT) {
		buf_add(&now->text, parts->text.p, parts->text.n);
		now->n += parts->n;
		buf_reset(&parts->text);
		parts->n = 0;
	} else {
		put(r, now);
		put(r, parts);
	}
}

/* The next field of a line, behind the TAB. */
static char *
next_field(char *p)
{
	return strchr(p, '\t') + 1;
}

/* Fill in is_primary in the lines of users and teams that do not have it.  The first
 * column is the key. */
static void
set_primary(char *line, struct rec_value user, struct rec_value team)
{
	int is_team = line[2] == 't', column = is_team ? TEAM_IS_PRIMARY : USER_IS_PRIMARY;
	struct rec_value wanted = is_team ? team : user;
	char *key = next_field(line + 2), *flag = key;
	int64_t a, b;

	for (; column > 0; column--)
		flag = next_field(flag);
	if (*flag == ROW_UNDECIDED)
		*flag = num_parse(key, strcspn(key, "\t"), &a) == 0 &&
			num_parse(wanted.p, wanted.n, &b) == 0 && a == b ?
		    '1' :
		    '0';
}

void
rows_finish(struct rows *r, struct rec_value primary_user, struct rec_value primary_team,
    const struct row *session)
{
	struct lines *l = &r->lines[ROWS_AT_END];
	char *line;

	buf_text(&l->text);
	for (line = l->text.p; *line != '\0'; line = strchr(line, '\n') + 1)
		set_primary(line, primary_user, primary_team);
	rows_add(r, ROWS_AT_END, session);
	if (r->refusal != NULL)
		return;
	put(r, &r->lines[ROWS_NOW]);
	put(r, l);
}
