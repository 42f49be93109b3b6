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

struct show {
	int json, people; /* people: on a terminal, with local times */
	char **name;	  /* of the columns, from the first row */
	char **cell;	  /* as they are shown; NULL: nothing */
	size_t columns, cells, rows;
};

struct show *
show_new(struct conf *c)
{
	struct show *s = xcalloc(1, sizeof(*s));

	s->json = c->json;
	s->people = !c->json && isatty(STDOUT_FILENO);
	return s;
}

static void
show_free(struct show *s)
{
	size_t i;

	for (i = 0; i < s->columns; i++)
		free(s->name[i]);
	for (i = 0; i < s->cells; i++)
		free(s->cell[i]);
	free(s->name);
	free(s->cell);
	free(s);
}

/*
 * Cells.
 */

static void
add_span(struct buf *out, int64_t v)
{
	static const int64_t seconds[] = {86400, 3600, 60, 1};
	size_t i;

	for (i = 0; i < 3 && (v == 0 || v % seconds[i] != 0); i++)
		;
	buf_printf(out, "%lld%c", (long long)(v / seconds[i]), "dhms"[i]);
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
	if (!people || localtime_r(&clock, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M %Z", &tm) == 0)
		when_format(t, text);
	buf_adds(out, text);
}

/* As people and pipes read it. */
static void
add_words(struct buf *out, int form, const char *text, int people)
{
	int64_t v = strtoll(text, NULL, 10);

	if (form == SETTINGS_FLAG)
		buf_adds(out, v != 0 ? "yes" : "no");
	else if (form == SETTINGS_SPAN)
		add_span(out, v);
	else if (form == SETTINGS_CLOCK)
		buf_printf(out, "%02d:%02d", (int)(v / 60), (int)(v % 60));
	else if (form == SETTINGS_SECRET &&
	    strncmp(text, SETTINGS_PLAIN, strlen(SETTINGS_PLAIN)) == 0)
		buf_adds(out, "set");
	else if (form == SHOW_TIME)
		add_time(out, v, people);
	else if (form == SHOW_REAL)
		buf_printf(out, "%.1f", strtod(text, NULL));
	else
		msg_harmless(out, text, strlen(text));
}

static void
add_json_text(struct buf *out, const char *p, size_t n)
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
add_json(struct buf *out, int form, const char *text)
{
	struct buf words = {0};
	const char *p = text;
	size_t n;

	if (form == SETTINGS_FLAG)
		buf_adds(out, *p != '0' ? "true" : "false");
	else if (form == SETTINGS_COUNT || form == SETTINGS_SIZE || form == SETTINGS_SPAN ||
	    form == SHOW_REAL)
		buf_adds(out, p);
	else if (form == SETTINGS_LIST) {
		buf_addc(out, '[');
		for (; *p != '\0'; p += n + (p[n] == '\n')) {
			n = strcspn(p, "\n");
			buf_adds(out, p != text ? ", " : "");
			add_json_text(out, p, n);
		}
		buf_addc(out, ']');
	} else if (form == SETTINGS_TEXT)
		add_json_text(out, p, strlen(p));
	else {
		add_words(&words, form, text, 0);
		add_json_text(out, buf_text(&words), words.n);
		buf_free(&words);
	}
}

void
show_cell(struct show *s, const char *name, int form, const char *text)
{
	struct buf cell = {0};

	if (s->rows == 0) {
		s->name = xrealloc(s->name, (s->columns + 1) * sizeof(*s->name));
		s->name[s->columns++] = xstrdup(name);
	}
	s->cell = xrealloc(s->cell, (s->cells + 1) * sizeof(*s->cell));
	if (text != NULL && s->json)
		add_json(&cell, form, text);
	else if (text != NULL)
		add_words(&cell, form, text, s->people);
	s->cell[s->cells++] = text != NULL ? xstrdup(buf_text(&cell)) : NULL;
	buf_free(&cell);
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
	struct show *s = show_new(c);
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

/*
 * Rows.
 */

static void
json_row(struct buf *out, const struct show *s, size_t row)
{
	size_t i;
	char *p, *cell;

	buf_addc(out, '{');
	for (i = 0; i < s->columns; i++) {
		for (p = s->name[i]; *p != '\0'; p++)
			if (*p == '-')
				*p = '_';
		cell = s->cell[row * s->columns + i];
		buf_printf(out, "%s\"%s\": %s", i > 0 ? ", " : "", s->name[i],
		    cell != NULL ? cell : "null");
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

static void
table(struct buf *out, const struct show *s)
{
	size_t *wide = xcalloc(s->columns + 1, sizeof(*wide)), row, i, n;
	const char *cell;

	for (i = 0; i < s->columns; i++)
		wide[i] = strlen(s->name[i]);
	for (i = 0; i < s->cells; i++) {
		n = s->cell[i] != NULL ? width(s->cell[i], strlen(s->cell[i])) : 0;
		if (n > wide[i % s->columns])
			wide[i % s->columns] = n;
	}
	for (row = 0; row <= s->rows; row++) {
		for (i = 0; i < s->columns; i++) {
			cell = row == 0 ? s->name[i] : s->cell[(row - 1) * s->columns + i];
			if (cell == NULL || *cell == '\0')
				cell = "-";
			if (row == 0)
				add_head(out, cell);
			else
				buf_adds(out, cell);
			for (n = width(cell, strlen(cell)); i + 1 < s->columns && n < wide[i] + 2;
			     n++)
				buf_addc(out, ' ');
		}
		buf_addc(out, '\n');
	}
	free(wide);
}

static void
list(struct buf *out, const struct show *s)
{
	size_t i, n, wide = 0;

	for (i = 0; i < s->columns; i++)
		wide = strlen(s->name[i]) > wide ? strlen(s->name[i]) : wide;
	for (i = 0; i < s->columns; i++) {
		if (s->cell[i] == NULL)
			continue;
		if (s->people)
			add_head(out, s->name[i]);
		else
			buf_printf(out, "%s\t", s->name[i]);
		for (n = strlen(s->name[i]); s->people && n < wide + 2; n++)
			buf_addc(out, ' ');
		buf_printf(out, "%s\n", s->cell[i]);
	}
}

/* Words, broken between them where the line would be too long. */
static void
add_wrapped(struct buf *out, const char *p, size_t *column, size_t indent)
{
	size_t word;

	for (; *p != '\0'; p += word + (p[word] == ' ')) {
		word = strcspn(p, " ");
		if (*column > indent && *column + 1 + width(p, word) > COLUMNS) {
			buf_printf(out, "\n%*s", (int)indent, "");
			*column = indent;
		} else if (*column > indent) {
			buf_addc(out, ' ');
			++*column;
		}
		buf_add(out, p, word);
		*column += width(p, word);
	}
}

/* NAME: column value, column value; and the reason on a line of its own. */
static void
block(struct buf *out, const struct show *s, size_t row)
{
	char *const *cell = s->cell + row * s->columns, *reason = NULL;
	size_t i, column = 0;
	char separator = ':';

	for (i = 0; i < s->columns; i++)
		if (cell[i] != NULL && strcmp(s->name[i], "reason") == 0)
			reason = cell[i];
		else if (cell[i] != NULL) {
			struct buf text = {0};

			if (i > 0) {
				buf_addc(out, separator);
				separator = ',';
				column++;
				add_head(&text, s->name[i]);
				buf_addc(&text, ' ');
			}
			buf_adds(&text, cell[i]);
			add_wrapped(out, buf_text(&text), &column, i == 0 ? 0 : 4);
			buf_free(&text);
		}
	buf_addc(out, '\n');
	if (reason != NULL) {
		buf_adds(out, "    ");
		column = 4;
		add_wrapped(out, reason, &column, 4);
		buf_addc(out, '\n');
	}
}

/* TABs between the cells. */
static void
line(struct buf *out, const struct show *s, size_t row, const char *mark)
{
	size_t i;
	const char *cell;

	buf_printf(out, "%s%s", mark != NULL ? mark : "", mark != NULL ? "\t" : "");
	for (i = 0; i < s->columns; i++) {
		cell = s->cell[row * s->columns + i];
		buf_printf(out, "%s%s", i > 0 ? "\t" : "", cell != NULL ? cell : "");
	}
	buf_addc(out, '\n');
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
show_print(struct show *s, enum show_how how, const char *mark)
{
	struct buf out = {0};
	size_t i;
	int code;

	if (s == NULL)
		return EX_IOERR;
	if (s->json && how != SHOW_LIST) {
		show_json(&out, s);
		s = NULL;
		buf_addc(&out, '\n');
	} else if (s->json) {
		json_row(&out, s, 0);
		buf_addc(&out, '\n');
	} else if (how == SHOW_LIST)
		list(&out, s);
	else if (s->people && how == SHOW_TABLE && s->rows > 0)
		table(&out, s);
	else
		for (i = 0; i < s->rows; i++)
			if (s->people)
				block(&out, s, i);
			else
				line(&out, s, i, mark);
	if (s != NULL)
		show_free(s);
	code = show_out(&out);
	buf_free(&out);
	return code;
}
