/* Tables, lines and JSON: see conf_show.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf_show.h"
#include "msg.h"
#include "when.h"

struct show {
	const char *const *column;
	size_t columns;
	json_t **cell;	   /* row after row */
	struct buf *words; /* of those that people read otherwise */
	size_t cells;
	const char *mark; /* or NULL */
};

struct show *
show_new(const char *const *column)
{
	struct show *s = xcalloc(1, sizeof(*s));

	s->column = column;
	while (column[s->columns] != NULL)
		s->columns++;
	return s;
}

void
show_free(struct show *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->cells; i++) {
		json_decref(s->cell[i]);
		buf_free(&s->words[i]);
	}
	free(s->cell);
	free(s->words);
	free(s);
}

/* The cell's value, whose reference is taken over; words for people may follow. */
static void
show_json(struct show *s, json_t *v)
{
	if (v == NULL)
		xnomem();
	s->cell = xrealloc(s->cell, (s->cells + 1) * sizeof(json_t *));
	s->words = xrealloc(s->words, (s->cells + 1) * sizeof(*s->words));
	memset(&s->words[s->cells], 0, sizeof(*s->words));
	s->cell[s->cells++] = v;
}

void
show_null(struct show *s)
{
	show_json(s, json_null());
}

void
show_text(struct show *s, const char *p)
{
	struct buf clean = {0};
	json_t *v = p == NULL ? json_null() : json_string(p);

	if (v == NULL && p != NULL) { /* no UTF-8, then */
		msg_harmless(&clean, p, strlen(p));
		v = json_string(buf_text(&clean));
	}
	show_json(s, v);
	buf_free(&clean);
}

void
show_mark(struct show *s, const char *mark)
{
	s->mark = mark;
}

void
show_lines(struct show *s, const char *text)
{
	json_t *list = json_array();
	const char *p = text;
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == '\n')) {
		n = strcspn(p, "\n");
		if (json_array_append_new(list, json_stringn(p, n)) == -1)
			xnomem();
	}
	show_json(s, list);
	msg_harmless(&s->words[s->cells - 1], text, strlen(text));
}

void
show_int(struct show *s, int64_t v)
{
	show_json(s, json_integer(v));
}

static void
show_real(struct show *s, double v)
{
	show_json(s, json_real(v));
	buf_printf(&s->words[s->cells - 1], "%.1f", v);
}

void
show_flag(struct show *s, int v)
{
	show_json(s, json_boolean(v));
	buf_adds(&s->words[s->cells - 1], v ? "yes" : "no");
}

void
show_time(struct show *s, int64_t t)
{
	char text[WHEN_SIZE] = "";
	time_t clock = (time_t)t;
	struct tm tm;
	char local[40];

	if (t < WHEN_MIN || t > WHEN_MAX) {
		show_null(s);
		return;
	}
	when_format(t, text);
	show_text(s, text);
	if (isatty(STDOUT_FILENO) && localtime_r(&clock, &tm) != NULL &&
	    strftime(local, sizeof(local), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		buf_adds(&s->words[s->cells - 1], local);
}

void
show_span(struct show *s, int64_t v)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};
	size_t i;

	show_int(s, v);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (v != 0 && v % units[i].seconds == 0) {
			buf_printf(&s->words[s->cells - 1], "%lld%c",
			    (long long)(v / units[i].seconds), units[i].unit);
			return;
		}
	buf_printf(&s->words[s->cells - 1], "%llds", (long long)v);
}

void
show_column(struct show *s, sqlite3_stmt *stmt, int column, enum show_as as)
{
	if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
		show_null(s);
	else if (as == SHOW_TEXT)
		show_text(s, (const char *)sqlite3_column_text(stmt, column));
	else if (as == SHOW_INT)
		show_int(s, sqlite3_column_int64(stmt, column));
	else if (as == SHOW_REAL)
		show_real(s, sqlite3_column_double(stmt, column));
	else if (as == SHOW_FLAG)
		show_flag(s, sqlite3_column_int(stmt, column));
	else if (as == SHOW_TIME)
		show_time(s, sqlite3_column_int64(stmt, column));
	else
		show_span(s, sqlite3_column_int64(stmt, column));
}

struct show *
show_statement(
    struct conf *c, sqlite3_stmt *stmt, const char *const *column, const enum show_as *as)
{
	struct show *s;
	size_t i;
	int rc;

	if (stmt == NULL)
		return NULL;
	s = show_new(column);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		for (i = 0; i < s->columns; i++)
			show_column(s, stmt, (int)i, as[i]);
	if (rc != SQLITE_DONE) {
		settings_failed(c->s, "reading it");
		show_free(s);
		s = NULL;
	}
	sqlite3_finalize(stmt);
	return s;
}

int
show_query(struct conf *c, const char *sql, const char *const *column, const enum show_as *as)
{
	struct show *s = show_statement(c, settings_prepare(c->s, sql), column, as);

	return s == NULL ? EX_IOERR : show_rows(s, c);
}

/* A cell as people and pipes read it. */
static void
cell_words(struct buf *out, const struct show *s, size_t i)
{
	const json_t *v = s->cell[i];
	const char *text;
	char *dump;

	if (s->words[i].n > 0)
		buf_add(out, s->words[i].p, s->words[i].n);
	else if ((text = json_string_value(v)) != NULL)
		msg_harmless(out, text, json_string_length(v));
	else if (!json_is_null(v)) {
		dump = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		if (dump == NULL)
			xnomem();
		buf_adds(out, dump);
		free(dump);
	}
}

static void
head_words(struct buf *out, const char *name)
{
	for (; *name != '\0'; name++)
		buf_addc(out, *name == '_' ? ' ' : *name);
}

/* Characters, as a terminal counts most of them. */
static size_t
width(const struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->n; i++)
		n += ((unsigned char)b->p[i] & 0xc0) != 0x80;
	return n;
}

static int
out(const struct buf *b)
{
	if ((b->n > 0 && fwrite(b->p, b->n, 1, stdout) != 1) || fflush(stdout) == EOF) {
		msg_errno("standard output");
		return EX_IOERR;
	}
	return 0;
}

/* Left, padded to the column's width unless it is the last one. */
static void
add_padded(struct buf *page, const struct buf *cell, size_t column_width, int last)
{
	size_t n = width(cell);

	buf_add(page, cell->p, cell->n);
	for (; !last && n < column_width + 2; n++)
		buf_addc(page, ' ');
}

static void
table(struct buf *page, const struct show *s)
{
	size_t columns = s->columns > 0 ? s->columns : 1, rows = s->cells / columns, i, c;
	struct buf *text = xcalloc(s->cells + columns, sizeof(*text));
	size_t *wide = xcalloc(columns, sizeof(*wide));

	for (i = 0; i < s->cells + columns; i++) {
		c = i % columns;
		if (i < columns)
			head_words(&text[i], s->column[c]);
		else
			cell_words(&text[i], s, i - columns);
		if (text[i].n == 0)
			buf_addc(&text[i], '-');
		if (width(&text[i]) > wide[c])
			wide[c] = width(&text[i]);
	}
	for (i = 0; i <= rows; i++) {
		for (c = 0; c < columns; c++)
			add_padded(page, &text[i * columns + c], wide[c], c + 1 == columns);
		buf_addc(page, '\n');
	}
	for (i = 0; i < s->cells + columns; i++)
		buf_free(&text[i]);
	free(text);
	free(wide);
}

static json_t *
object(const struct show *s, size_t row)
{
	json_t *o = json_object();
	size_t c;

	for (c = 0; c < s->columns; c++)
		if (json_object_set(o, s->column[c], s->cell[row * s->columns + c]) == -1)
			xnomem();
	return o;
}

json_t *
show_array(struct show *s)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i * s->columns < s->cells; i++)
		if (json_array_append_new(list, object(s, i)) == -1)
			xnomem();
	show_free(s);
	return list;
}

int
show_print(json_t *v)
{
	char *text = json_dumps(v, JSON_INDENT(2));
	struct buf page = {0};
	int code;

	if (text == NULL)
		xnomem();
	buf_adds(&page, text);
	buf_addc(&page, '\n');
	code = out(&page);
	buf_free(&page);
	free(text);
	json_decref(v);
	return code;
}

int
show_rows(struct show *s, const struct conf *c)
{
	struct buf page = {0};
	size_t i;
	int code;

	if (c->json)
		return show_print(show_array(s));
	if (isatty(STDOUT_FILENO) && s->cells > 0)
		table(&page, s);
	else
		for (i = 0; s->columns > 0 && i < s->cells; i++) {
			if (i % s->columns == 0 && s->mark != NULL)
				buf_printf(&page, "%s\t", s->mark);
			cell_words(&page, s, i);
			buf_addc(&page, (i + 1) % s->columns == 0 ? '\n' : '\t');
		}
	code = out(&page);
	buf_free(&page);
	show_free(s);
	return code;
}

int
show_row(struct show *s, const struct conf *c)
{
	int people = isatty(STDOUT_FILENO), code;
	struct buf page = {0}, name = {0};
	size_t i, wide = 0;

	if (c->json) {
		code = show_print(object(s, 0));
		show_free(s);
		return code;
	}
	for (i = 0; i < s->cells; i++)
		if (strlen(s->column[i]) > wide)
			wide = strlen(s->column[i]);
	for (i = 0; i < s->cells; i++) {
		if (json_is_null(s->cell[i]))
			continue;
		buf_reset(&name);
		if (people)
			head_words(&name, s->column[i]);
		else
			buf_adds(&name, s->column[i]);
		add_padded(&page, &name, wide, !people);
		if (!people)
			buf_addc(&page, '\t');
		cell_words(&page, s, i);
		buf_addc(&page, '\n');
	}
	code = out(&page);
	buf_free(&page);
	buf_free(&name);
	show_free(s);
	return code;
}
