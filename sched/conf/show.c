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
#define INDENT	4

struct show {
	int json, people; /* people: on a terminal, with local times */
	char **name;	  /* of the columns, from the first row */
	char **cell;	  /* as it is printed, or NULL */
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

/* A column's name: a-name in a pipe, a_name in JSON, "a name" in a table. */
static char *
head_of(const struct show *s, const char *name)
{
	char *head = xstrdup(name), *p;

	for (p = head; *p != '\0'; p++)
		if (*p == '-' && s->json)
			*p = '_';
		else if ((*p == '-' || *p == '_') && s->people)
			*p = ' ';
	return head;
}

void
show_cell(struct show *s, const char *name, int form, const char *text)
{
	struct buf cell = {0};

	if (s->rows == 0) {
		s->name = xrealloc(s->name, (s->columns + 1) * sizeof(*s->name));
		s->name[s->columns++] = head_of(s, name);
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
	    {"time", SHOW_TIME}, {"real", SHOW_REAL}, {"clock", SETTINGS_CLOCK}};
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
			    db_string(stmt, i));
			free(name);
		}
		show_end(s);
	}
	return s;
}

/*
 * Rows.
 */

static void
json_row(const struct show *s, char *const *cell)
{
	size_t i;

	putchar('{');
	for (i = 0; i < s->columns; i++)
		printf("%s\"%s\": %s", i > 0 ? ", " : "", s->name[i],
		    cell[i] != NULL ? cell[i] : "null");
	putchar('}');
}

void
show_json(struct show *s)
{
	size_t i;

	putchar('[');
	for (i = 0; i < s->rows; i++) {
		fputs(i > 0 ? ",\n  " : "\n  ", stdout);
		json_row(s, s->cell + i * s->columns);
	}
	putchar(']');
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
table_row(const struct show *s, char *const *cell, const size_t *wide)
{
	const char *text;
	size_t i;

	for (i = 0; i < s->columns; i++) {
		text = cell[i] != NULL && *cell[i] != '\0' ? cell[i] : "-";
		fputs(text, stdout);
		if (i + 1 < s->columns)
			printf("%*s", (int)(wide[i] + 2 - width(text, strlen(text))), "");
	}
	putchar('\n');
}

static void
table(const struct show *s)
{
	size_t *wide = xcalloc(s->columns + 1, sizeof(*wide)), i, n;

	for (i = 0; i < s->columns; i++)
		wide[i] = strlen(s->name[i]);
	for (i = 0; i < s->cells; i++) {
		n = s->cell[i] != NULL ? width(s->cell[i], strlen(s->cell[i])) : 0;
		if (n > wide[i % s->columns])
			wide[i % s->columns] = n;
	}
	table_row(s, s->name, wide);
	for (i = 0; i < s->rows; i++)
		table_row(s, s->cell + i * s->columns, wide);
	free(wide);
}

static void
list(const struct show *s)
{
	size_t i, wide = 0;

	for (i = 0; i < s->columns; i++)
		wide = strlen(s->name[i]) > wide ? strlen(s->name[i]) : wide;
	for (i = 0; i < s->columns; i++)
		if (s->cell[i] != NULL && s->people)
			printf("%-*s%s\n", (int)wide + 2, s->name[i], s->cell[i]);
		else if (s->cell[i] != NULL)
			printf("%s\t%s\n", s->name[i], s->cell[i]);
}

/* Print words after a column (0: the line is empty), and break long lines, with room for
 * a comma behind each word.  Returns the column after them. */
static size_t
wrap(const char *p, size_t column)
{
	size_t n, wide;

	for (; *p != '\0'; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		wide = width(p, n);
		if (column >= INDENT && column + 1 + wide >= COLUMNS) {
			printf("\n%*s", INDENT - 1, "");
			column = INDENT - 1;
		}
		if (column > 0)
			putchar(' ');
		column += (column > 0) + wide;
		printf("%.*s", (int)n, p);
	}
	return column;
}

/* NAME: column value, column value; and the reason on a line of its own. */
static void
block(const struct show *s, char *const *cell)
{
	const char *reason = NULL, *separator = "";
	size_t i, column = 0;

	for (i = 0; i < s->columns; i++) {
		if (cell[i] == NULL)
			continue;
		if (strcmp(s->name[i], "reason") == 0) {
			reason = cell[i];
			continue;
		}
		if (i > 0) {
			fputs(separator, stdout);
			column = wrap(s->name[i], column + 1);
		}
		column = wrap(cell[i], column);
		separator = i == 0 ? ":" : ",";
	}
	putchar('\n');
	if (reason != NULL) {
		printf("%*s", INDENT - 1, "");
		wrap(reason, INDENT - 1);
		putchar('\n');
	}
}

/* TABs between the cells. */
static void
line(const struct show *s, char *const *cell, const char *mark)
{
	size_t i;

	if (mark != NULL)
		printf("%s\t", mark);
	for (i = 0; i < s->columns; i++)
		printf("%s%s", i > 0 ? "\t" : "", cell[i] != NULL ? cell[i] : "");
	putchar('\n');
}

void
show_print(struct show *s, enum show_how how, const char *mark)
{
	size_t i;

	if (s->json && how != SHOW_LIST) {
		show_json(s);
		putchar('\n');
		return;
	}
	if (s->json) {
		json_row(s, s->cell);
		putchar('\n');
	} else if (how == SHOW_LIST)
		list(s);
	else if (s->people && how == SHOW_TABLE && s->rows > 0)
		table(s);
	else
		for (i = 0; i < s->rows; i++)
			if (s->people)
				block(s, s->cell + i * s->columns);
			else
				line(s, s->cell + i * s->columns, mark);
	show_free(s);
}
