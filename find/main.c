/*
 * praic-find: searches a store of praic-tosql for what was typed, said, opened and
 * moved: praic-find(1).  Options and output; see find.h.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "file.h"
#include "find.h"
#include "msg.h"
#include "when.h"

int
find_failed(struct find *f, const char *path, const char *doing)
{
	const char *why = sqlite3_errmsg(f->db);

	switch (sqlite3_errcode(f->db)) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
		msg_warn("%s: %s: %s; try again later", path, doing, why);
		return EX_TEMPFAIL;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		msg_warn("%s: %s: %s: its folder must be writable, for what SQLite keeps beside it",
		    path, doing, why);
		return EX_CANTCREAT;
	case SQLITE_NOTADB:
		msg_warn("%s: this is no SQLite database", path);
		return EX_CONFIG;
	case SQLITE_CORRUPT:
		msg_warn("%s: %s: it is damaged (%s); an index may be removed, and is made anew",
		    path, doing, why);
		return EX_IOERR;
	default:
		msg_warn("%s: %s: %s", path, doing, why);
		return sqlite3_errcode(f->db) == SQLITE_ERROR ? EX_CONFIG : EX_IOERR;
	}
}

/* In the form that the store has. */
static int
set_time(char **to, const char *option, const char *text)
{
	int64_t t;

	if (when_parse_user(text, (int64_t)time(NULL), &t) == -1) {
		msg_warn("%s %s: not a time; 2024-12-03, 2024-12-03T15:26, or a span back from now "
			 "such as 36h or 7d",
		    option, text);
		return EX_USAGE;
	}
	free(*to);
	*to = xmalloc(WHEN_SIZE);
	when_format(t, *to);
	(*to)[10] = ' ';
	(*to)[19] = '\0';
	return 0;
}

static int
take_since(void *f, const char *text)
{
	return set_time(&((struct find *)f)->since, "--since", text);
}

static int
take_until(void *f, const char *text)
{
	return set_time(&((struct find *)f)->until, "--until", text);
}

#define AT(field) offsetof(struct find, field), NULL

static const struct command_option option[] = {
    {'d', "database", "FILE", "the SQLite file", AT(store_path)},
    {'u', "user", "USER", "in sessions of this user; * and ? stand for any text", AT(user)},
    {'e', "endpoint", "ENDPOINT", "on this endpoint; likewise", AT(endpoint)},
    {'t', "type", "EVENT", "events of this type; likewise", AT(type)},
    {0, "since", "TIME", "from this time on", 0, take_since},
    {0, "until", "TIME", "before this time", 0, take_until},
    {'l', "list", NULL, "print the lsids of the sessions, each once", AT(sessions_only)},
    {0, "index", "FILE", "where the index is, instead of FILE.find", AT(index_path)},
    {0, NULL, NULL, NULL, 0, NULL},
};

static const struct command command = {
    "praic-find -d FILE [-lv] [-u USER] [-e ENDPOINT] [-t EVENT]\n"
    "           [--since TIME] [--until TIME] [--index FILE] WORDS",
    "Finds events by their words in a database of praic-tosql: see praic-find(1).\n"
    "WORDS are words, \"phrases\", prefix*; AND, OR, NOT and parentheses.",
    option};

enum { TIME, SESSION, USER, ENDPOINT, TEXT, COLUMNS };

/* A cell.  width: of the column on a terminal, in characters; 0: put a TAB behind it;
 * -1: it is the last of its line. */
static void
print_cell(const char *text, int n, int width)
{
	struct buf b = {0};
	size_t i;

	if (text != NULL)
		msg_harmless(&b, text, (size_t)n);
	fwrite(b.p, 1, b.n, stdout);
	if (width <= 0)
		putchar(width == 0 ? '\t' : '\n');
	else {
		for (i = 0; i < b.n; i++)
			width -= ((unsigned char)b.p[i] & 0xc0) != 0x80;
		printf("%*s", width < 0 ? 2 : width + 2, "");
	}
	buf_free(&b);
}

/* On a terminal: find the widths of the columns and print their names. */
static void
print_heading(sqlite3_stmt *widths, int width[COLUMNS])
{
	static const char *const heading[] = {"TIME", "SESSION", "USER", "ENDPOINT", "TEXT"};
	int c, n;

	for (c = 0; c < TEXT; c++) {
		n = (int)strlen(heading[c]);
		width[c] = sqlite3_column_int(widths, c);
		width[c] = width[c] > n ? width[c] : n;
	}
	for (c = 0; c < COLUMNS; c++)
		print_cell(heading[c], (int)strlen(heading[c]), width[c]);
}

/*
 * A row of the table hit, with the part of its text that has the words.  FTS5 finds that
 * part, in a table that holds this text only.  A text without the words was changed by
 * hand in the store and is not shown.
 */
static int
show_event(sqlite3_stmt *hit, sqlite3_stmt *put, sqlite3_stmt *part, const int width[COLUMNS])
{
	static struct buf text;
	size_t i;
	int rc, c;

	buf_reset(&text);
	buf_add(&text, sqlite3_column_text(hit, TEXT), (size_t)sqlite3_column_bytes(hit, TEXT));
	/* snippet() stops at U+0000; a blank separates words as well. */
	for (i = 0; i < text.n; i++)
		if (text.p[i] == '\0')
			text.p[i] = ' ';
	sqlite3_bind_text(put, 1, text.p, (int)text.n, SQLITE_STATIC);
	sqlite3_step(put);
	if (sqlite3_reset(put) != SQLITE_OK)
		return -1;
	rc = sqlite3_step(part);
	if (rc == SQLITE_ROW) {
		for (c = 0; c < TEXT; c++)
			print_cell((const char *)sqlite3_column_text(hit, c),
			    sqlite3_column_bytes(hit, c), width[c]);
		print_cell(
		    (const char *)sqlite3_column_text(part, 0), sqlite3_column_bytes(part, 0), -1);
	}
	sqlite3_reset(part);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

static int
show(struct find *f)
{
	static const char *const sql[] = {
	    "SELECT * FROM temp.hit ORDER BY rowid",
	    "REPLACE INTO shown (rowid, text) VALUES (1, ?1)",
	    "SELECT snippet(shown, 0, '', '', '…', 24) FROM shown WHERE shown MATCH ?1",
	    ("SELECT max(length(time)), max(length(lsid)), max(length(user)),"
	     " max(length(endpoint)), count(*) FROM temp.hit"),
	};
	int width[COLUMNS] = {[TEXT] = -1}, code = 0, rc, i;
	sqlite3_stmt *q[4] = {NULL};

	rc = sqlite3_exec(f->db,
	    "ATTACH ':memory:' AS memory;"
	    "CREATE VIRTUAL TABLE memory.shown USING fts5(text, " FIND_TOKENIZE ")",
	    NULL, NULL, NULL);
	for (i = 0; i < 4 && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v2(f->db, sql[i], -1, &q[i], NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(q[2], 1, buf_text(&f->words), -1, SQLITE_STATIC);
	if (rc == SQLITE_OK && isatty(STDOUT_FILENO) && !f->sessions_only &&
	    sqlite3_step(q[3]) == SQLITE_ROW && sqlite3_column_int(q[3], TEXT) > 0)
		print_heading(q[3], width);
	while (rc == SQLITE_OK && !ferror(stdout) && sqlite3_step(q[0]) == SQLITE_ROW)
		if (f->sessions_only)
			print_cell((const char *)sqlite3_column_text(q[0], SESSION),
			    sqlite3_column_bytes(q[0], SESSION), -1);
		else if (show_event(q[0], q[1], q[2], width) == -1)
			break;
	rc = sqlite3_errcode(f->db);
	if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = find_failed(f, "temporary file", "showing what was found");
	for (i = 0; i < 4; i++)
		sqlite3_finalize(q[i]);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		msg_errno("standard output");
		code = code_worse(code, EX_IOERR);
	}
	return code;
}

int
main(int argc, char **argv)
{
	struct find f = {0};
	char *beside;
	int code;

	command_start(argv[0]);
	code = command_options(&command, argc, argv, &f);
	if (code != 0)
		return code;
	if (f.store_path == NULL)
		command_usage(&command, "-d FILE is missing: the database to search");
	if (optind == argc)
		command_usage(&command, "the words to search for are missing");
	while (optind < argc)
		words_add(&f.words, argv[optind++]);
	beside = xasprintf("%s.find", f.store_path);
	if (f.index_path == NULL)
		f.index_path = beside;
	if ((code = words_check(buf_text(&f.words))) == 0 && (code = index_find(&f)) == 0)
		code = show(&f);
	sqlite3_close(f.db);
	free(beside);
	free(f.since);
	free(f.until);
	buf_free(&f.words);
	return code;
}
