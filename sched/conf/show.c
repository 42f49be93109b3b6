/* Tables, lines and JSON: see conf.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "conf.h"
#include "msg.h"
#include "num.h"
#include "utf8.h"
#include "when.h"

#define COLUMNS 80

struct cell {
	int form;
	char *text; /* or NULL */
};

struct show {
	char **name; /* of the columns, from the first row */
	struct cell *cell;
	size_t columns, cells, rows;
};

struct show *
show_new(void)
{
	return xcalloc(1, sizeof(struct show));
}

static void
show_free(struct show *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->columns; i++)
		free(s->name[i]);
	for (i = 0; i < s->cells; i++)
		free(s->cell[i].text);
	free(s->name);
	free(s->cell);
	free(s);
}

void
show_cell(struct show *s, const char *name, int form, const char *text)
{
	if (s->rows == 0) {
		s->name = xrealloc(s->name, (s->columns + 1) * sizeof(*s->name));
		s->name[s->columns++] = xstrdup(name);
	}
	s->cell = xrealloc(s->cell, (s->cells + 1) * sizeof(*s->cell));
	s->cell[s->cells].form = form;
	s->cell[s->cells++].text = text != NULL ? xstrdup(text) : NULL;
}

void
show_int(struct show *s, const char *name, int form, int64_t v)
{
	char text[NUM_SIZE];

	num_format(v, text);
	show_cell(s, name, form, text);
}

void
show_end(struct show *s)
{
	s->rows++;
}

static int
form_of(const char *word)
{
	static const struct {
		const char *word;
		int form;
	} forms[] = {{"count", SETTINGS_COUNT}, {"span", SETTINGS_SPAN}, {"flag", SETTINGS_FLAG},
	    {"time", SHOW_TIME}, {"real", SHOW_REAL}, {"secret", SETTINGS_SECRET}};
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].word, word) == 0)
			return forms[i].form;
	return SETTINGS_TEXT;
}

struct show *
show_query(struct conf *c, sqlite3_stmt *stmt)
{
	struct show *s = show_new();
	char *name, *form;
	int i;

	while (db_row(c->db, stmt)) {
		for (i = 0; i < sqlite3_column_count(stmt); i++) {
			name = xstrdup(sqlite3_column_name(stmt, i));
			if ((form = strchr(name, ':')) != NULL)
				*form++ = '\0';
			show_cell(s, name, form != NULL ? form_of(form) : SETTINGS_TEXT,
			    (const char *)sqlite3_column_text(stmt, i));
			free(name);
		}
		show_end(s);
	}
	if (c->db->code == 0)
		return s;
	show_free(s);
	return NULL;
}

static void
add_span(struct buf *out, int64_t v)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};
	size_t i;

	for (i = 0; i < 3; i++)
		if (v != 0 && v % units[i].seconds == 0) {
			buf_printf(out, "%lld%c", (long long)(v / units[i].seconds), units[i].unit);
			return;
		}
	buf_printf(out, "%llds", (long long)v);
}

/* For people in local time, with the name of its zone; else in UTC. */
static void
add_time(struct buf *out, int64_t t, int people)
{
	time_t clock = (time_t)t;
	char text[64];
	struct tm tm;

	if (t < WHEN_MIN || t > WHEN_MAX)
		return;
	if (people && localtime_r(&clock, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M %Z", &tm) > 0) {
		buf_adds(out, text);
		return;
	}
	when_format(t, text);
	buf_adds(out, text);
}

/* A cell as people (with local times) and pipes read it. */
static void
add_words(struct buf *out, const struct cell *cell, int people)
{
	int64_t v = cell->text != NULL ? strtoll(cell->text, NULL, 10) : 0;

	if (cell->text == NULL)
		return;
	switch (cell->form) {
	case SETTINGS_FLAG:
		buf_adds(out, v != 0 ? "yes" : "no");
		break;
	case SETTINGS_SPAN:
		add_span(out, v);
		break;
	case SETTINGS_CLOCK:
		buf_printf(out, "%02d:%02d", (int)(v / 60), (int)(v % 60));
		break;
	case SETTINGS_SECRET:
		if (strncmp(cell->text, SETTINGS_PLAIN, strlen(SETTINGS_PLAIN)) == 0)
			buf_adds(out, "set");
		else
			msg_harmless(out, cell->text, strlen(cell->text));
		break;
	case SHOW_TIME:
		add_time(out, v, people);
		break;
	case SHOW_REAL:
		buf_printf(out, "%.1f", strtod(cell->text, NULL));
		break;
	default:
		msg_harmless(out, cell->text, strlen(cell->text));
	}
}

static void
json_text(struct buf *out, const char *p, size_t n)
{
	struct buf clean = {0};
	size_t i;

	if (utf8_valid(p, n) != n) {
		msg_harmless(&clean, p, n);
		p = clean.p;
		n = clean.n;
	}
	buf_addc(out, '"');
	for (i = 0; i < n; i++)
		if (p[i] == '"' || p[i] == '\\')
			buf_printf(out, "\\%c", p[i]);
		else if ((unsigned char)p[i] < 0x20)
			buf_printf(out, "\\u%04x", p[i]);
		else
			buf_addc(out, p[i]);
	buf_addc(out, '"');
	buf_free(&clean);
}

static void
json_value(struct buf *out, const struct cell *cell)
{
	struct buf words = {0};
	const char *p = cell->text;
	size_t n;

	if (p == NULL)
		buf_adds(out, "null");
	else if (cell->form == SETTINGS_FLAG)
		buf_adds(out, *p != '0' ? "true" : "false");
	else if (cell->form == SETTINGS_COUNT || cell->form == SETTINGS_SIZE ||
	    cell->form == SETTINGS_SPAN || cell->form == SHOW_REAL)
		buf_adds(out, p);
	else if (cell->form == SETTINGS_LIST) {
		buf_addc(out, '[');
		for (; *p != '\0'; p += n + (p[n] == '\n')) {
			n = strcspn(p, "\n");
			if (p != cell->text)
				buf_adds(out, ", ");
			json_text(out, p, n);
		}
		buf_addc(out, ']');
	} else if (cell->form == SETTINGS_TEXT)
		json_text(out, p, strlen(p));
	else {
		add_words(&words, cell, 0);
		json_text(out, words.p != NULL ? words.p : "", words.n);
		buf_free(&words);
	}
}

static void
json_row(struct buf *out, const struct show *s, size_t row)
{
	size_t i;
	char *p;

	buf_addc(out, '{');
	for (i = 0; i < s->columns; i++) {
		for (p = s->name[i]; *p != '\0'; p++)
			if (*p == '-')
				*p = '_';
		buf_printf(out, "%s\"%s\": ", i > 0 ? ", " : "", s->name[i]);
		json_value(out, &s->cell[row * s->columns + i]);
	}
	buf_addc(out, '}');
}

void
show_json(struct buf *out, struct show *s)
{
	size_t i;

	buf_addc(out, '[');
	for (i = 0; i < s->rows; i++) {
		buf_adds(out, i > 0 ? ",\n  " : "\n  ");
		json_row(out, s, i);
	}
	buf_addc(out, ']');
	show_free(s);
}

/* Characters, as a terminal counts most of them. */
static size_t
width(const char *p, size_t n)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++)
		count += ((unsigned char)p[i] & 0xc0) != 0x80;
	return count;
}

static void
add_head(struct buf *out, const char *name)
{
	for (; *name != '\0'; name++)
		buf_addc(out, *name == '_' || *name == '-' ? ' ' : *name);
}

/* Two passes: how wide, and then the text. */
static void
table(struct buf *out, const struct show *s)
{
	size_t *wide = xcalloc(s->columns + 1, sizeof(*wide)), row, i, n;
	struct buf text = {0};
	int pass;

	for (pass = 0; pass < 2; pass++)
		for (row = 0; row <= s->rows; row++) {
			for (i = 0; i < s->columns; i++) {
				buf_reset(&text);
				if (row == 0)
					add_head(&text, s->name[i]);
				else
					add_words(&text, &s->cell[(row - 1) * s->columns + i], 1);
				if (text.n == 0)
					buf_addc(&text, '-');
				n = width(text.p, text.n);
				if (pass == 0) {
					wide[i] = n > wide[i] ? n : wide[i];
					continue;
				}
				buf_add(out, text.p, text.n);
				for (; i + 1 < s->columns && n < wide[i] + 2; n++)
					buf_addc(out, ' ');
			}
			if (pass == 1)
				buf_addc(out, '\n');
		}
	buf_free(&text);
	free(wide);
}

static void
list(struct buf *out, const struct show *s, int people)
{
	size_t i, n, wide = 0;

	for (i = 0; i < s->columns; i++)
		wide = strlen(s->name[i]) > wide ? strlen(s->name[i]) : wide;
	for (i = 0; i < s->columns; i++) {
		if (s->cell[i].text == NULL)
			continue;
		if (people)
			add_head(out, s->name[i]);
		else
			buf_printf(out, "%s\t", s->name[i]);
		for (n = strlen(s->name[i]); people && n < wide + 2; n++)
			buf_addc(out, ' ');
		add_words(out, &s->cell[i], people);
		buf_addc(out, '\n');
	}
}

/* Words, broken between them where the line would be too long. */
static void
add_wrapped(struct buf *out, const char *p, size_t n, size_t *column, size_t indent)
{
	size_t word, i;

	while (n > 0) {
		for (word = 0; word < n && p[word] != ' '; word++)
			;
		if (*column > indent && *column + 1 + width(p, word) > COLUMNS) {
			buf_addc(out, '\n');
			for (i = 0; i < indent; i++)
				buf_addc(out, ' ');
			*column = indent;
		} else if (*column > indent) {
			buf_addc(out, ' ');
			++*column;
		}
		buf_add(out, p, word);
		*column += width(p, word);
		word += word < n;
		p += word;
		n -= word;
	}
}

/* NAME: column value, column value; and the reason on a line of its own. */
static void
block(struct buf *out, const struct show *s, size_t row)
{
	struct buf text = {0};
	size_t i, column = 0, reason = s->columns;
	char separator = ':';

	for (i = 0; i < s->columns; i++) {
		const struct cell *cell = &s->cell[row * s->columns + i];

		if (cell->text == NULL)
			continue;
		if (strcmp(s->name[i], "reason") == 0) {
			reason = i;
			continue;
		}
		if (i > 0) {
			buf_addc(out, separator);
			separator = ',';
			column++;
			add_head(&text, s->name[i]);
			buf_addc(&text, ' ');
		}
		add_words(&text, cell, 1);
		add_wrapped(out, text.p, text.n, &column, i == 0 ? 0 : 4);
		buf_reset(&text);
	}
	buf_addc(out, '\n');
	if (reason < s->columns) {
		add_words(&text, &s->cell[row * s->columns + reason], 1);
		buf_adds(out, "    ");
		column = 4;
		add_wrapped(out, text.p, text.n, &column, 4);
		buf_addc(out, '\n');
	}
	buf_free(&text);
}

int
show_out(const struct buf *b)
{
	if ((b->n > 0 && fwrite(b->p, b->n, 1, stdout) != 1) || fflush(stdout) == EOF) {
		msg_errno("standard output");
		return EX_IOERR;
	}
	return 0;
}

int
show_print(struct conf *c, struct show *s, enum show_how how, const char *mark)
{
	int people = isatty(STDOUT_FILENO), code;
	struct buf out = {0};
	size_t i;

	if (s == NULL)
		return EX_IOERR;
	if (c->json && how == SHOW_LIST) {
		json_row(&out, s, 0);
		show_free(s);
		buf_addc(&out, '\n');
	} else if (c->json) {
		show_json(&out, s);
		buf_addc(&out, '\n');
	} else {
		if (how == SHOW_LIST)
			list(&out, s, people);
		else if (people && how == SHOW_TABLE && s->rows > 0)
			table(&out, s);
		else
			for (i = 0; i < s->cells; i++) {
				if (people) {
					block(&out, s, i / s->columns);
					i += s->columns - 1;
					continue;
				}
				if (i % s->columns == 0 && mark != NULL)
					buf_printf(&out, "%s\t", mark);
				add_words(&out, &s->cell[i], 0);
				buf_addc(&out, (i + 1) % s->columns == 0 ? '\n' : '\t');
			}
		show_free(s);
	}
	code = show_out(&out);
	buf_free(&out);
	return code;
}
