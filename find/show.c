/*
 * What was found, from the store: a table for people, lines with TABs for
 * programs.  FTS5 itself says which part of a text to show, in a table in
 * memory that has this one text; a text that it does not find there has been
 * changed by hand in the store, and is not shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "find.h"
#include "msg.h"

enum { TIME, SESSION, USER, ENDPOINT, TEXT, COLUMNS };

/* For a table: as many lines have to wait until it is known how wide it is. */
#define PAGE 200

struct page {
	struct buf cell[PAGE][COLUMNS];
	size_t rows, width[COLUMNS];
	int people;
};

/*
 * Who did it: that user by his login; if the endpoint or the appliance did,
 * in parentheses whose session it was.
 */
static const char row_sql[] =
    "SELECT replace(v.event_time, ' ', 'T') || 'Z', s.lsid, coalesce("
    " (SELECT coalesce(nullif(u.user_name, ''), u.display_name) FROM \"user\" AS u"
    "  WHERE u.session_id = s.id AND v.performed_by_type = 'representative'"
    "  AND u.gs_number = v.performed_by_gs_number LIMIT 1),"
    " CASE WHEN v.performed_by_type = 'representative' THEN v.performed_by END,"
    " (SELECT '(' || coalesce(nullif(u.user_name, ''), u.display_name) || ')' FROM \"user\" AS u"
    "  WHERE u.session_id = s.id ORDER BY u.is_primary DESC, u.id LIMIT 1)),"
    " (SELECT coalesce(nullif(c.host_name, ''), c.display_name) FROM customer AS c"
    "  WHERE c.session_id = s.id LIMIT 1), " FIND_TEXT
    " FROM session_event AS v JOIN session AS s ON s.id = v.session_id WHERE v.id = ?1";

/* How many characters it takes on a terminal; wide ones count once. */
static size_t
width(const struct buf *b)
{
	size_t n = 0, i;

	for (i = 0; i < b->n; i++)
		n += ((unsigned char)b->p[i] & 0xc0) != 0x80;
	return n;
}

static void
print_cell(struct page *p, const struct buf *b, int column)
{
	size_t n;

	fwrite(b->p, 1, b->n, stdout);
	if (column == COLUMNS - 1)
		putchar('\n');
	else if (!p->people)
		putchar('\t');
	else
		for (n = width(b); n < p->width[column] + 2; n++)
			putchar(' ');
}

static void
print_page(struct page *p)
{
	size_t r, n;
	int c;

	for (r = 0; r < p->rows; r++)
		for (c = 0; c < COLUMNS; c++)
			if ((n = width(&p->cell[r][c])) > p->width[c])
				p->width[c] = n;
	for (r = 0; r < p->rows; r++)
		for (c = 0; c < COLUMNS; c++) {
			print_cell(p, &p->cell[r][c], c);
			buf_trim(&p->cell[r][c], 4096);
		}
	p->rows = 0;
}

/* The text to the table in memory, for part.  0, or a code. */
static int
put_text(sqlite3 *scratch, sqlite3_stmt *put, const char *text, int n)
{
	static struct buf copy;
	size_t i;

	/* snippet() ends at U+0000, which separates words just as a blank does. */
	buf_reset(&copy);
	buf_add(&copy, text, (size_t)n);
	for (i = 0; i < copy.n; i++)
		if (copy.p[i] == '\0')
			copy.p[i] = ' ';
	sqlite3_bind_text(put, 1, copy.p, (int)copy.n, SQLITE_STATIC);
	sqlite3_step(put);
	return sqlite3_reset(put) == SQLITE_OK ? 0 : find_failed(scratch, "memory", "writing");
}

static void
add_cell(struct page *p, int column, sqlite3_stmt *q, int from)
{
	const char *text = (const char *)sqlite3_column_text(q, from);

	if (text != NULL)
		msg_harmless(
		    &p->cell[p->rows][column], text, (size_t)sqlite3_column_bytes(q, from));
}

static void
add_heading(struct page *p)
{
	static const char *const heading[] = {"TIME", "SESSION", "USER", "ENDPOINT", "TEXT"};

	for (int c = 0; c < COLUMNS; c++)
		buf_adds(&p->cell[0][c], heading[c]);
	p->rows = 1;
}

static int
show_event(
    struct page *p, sqlite3 *scratch, sqlite3_stmt *row, sqlite3_stmt *put, sqlite3_stmt *part)
{
	const char *text = (const char *)sqlite3_column_text(row, TEXT);
	int code, rc, c;

	if (text == NULL)
		return 0;
	code = put_text(scratch, put, text, sqlite3_column_bytes(row, TEXT));
	if (code != 0)
		return code;
	rc = sqlite3_step(part);
	if (rc == SQLITE_ROW) {
		for (c = 0; c < TEXT; c++)
			add_cell(p, c, row, c);
		add_cell(p, TEXT, part, 0);
		p->rows++;
	} else if (rc != SQLITE_DONE)
		code = find_failed(scratch, "memory", "taking a text apart");
	sqlite3_reset(part);
	if (p->rows == (p->people ? PAGE : 1))
		print_page(p);
	return code;
}

static int
show_session(sqlite3_stmt *row)
{
	struct buf line = {0};

	msg_harmless(
	    &line, (const char *)sqlite3_column_text(row, 0), (size_t)sqlite3_column_bytes(row, 0));
	puts(buf_text(&line));
	buf_free(&line);
	return 0;
}

int
show(struct find *f, sqlite3 *scratch)
{
	static struct page page;
	sqlite3_stmt *hit = NULL, *row = NULL, *put = NULL, *part = NULL;
	int code = 0, rc = SQLITE_ROW;

	if (sqlite3_prepare_v2(scratch, "REPLACE INTO shown (rowid, text) VALUES (1, ?1)", -1, &put,
		NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(scratch,
		"SELECT snippet(shown, 0, '', '', '…', 24) FROM shown WHERE shown MATCH ?1", -1,
		&part, NULL) != SQLITE_OK)
		code = find_failed(scratch, "memory", "preparing");
	sqlite3_bind_text(part, 1, buf_text(&f->words), -1, SQLITE_STATIC);
	if (sqlite3_prepare_v2(f->store,
		f->sessions_only ? "SELECT lsid FROM session WHERE id = ?1" : row_sql, -1, &row,
		NULL) != SQLITE_OK)
		code = find_failed(f->store, f->store_path, "reading its sessions");
	if (sqlite3_prepare_v2(f->index,
		f->sessions_only ?
		    "SELECT session FROM temp.hit GROUP BY session ORDER BY min(time), session" :
		    "SELECT event FROM temp.hit ORDER BY time, event",
		-1, &hit, NULL) != SQLITE_OK)
		code = find_failed(f->index, f->index_path, "reading what was found");
	page.people = isatty(STDOUT_FILENO) && !f->sessions_only;
	while (code == 0 && !ferror(stdout) && (rc = sqlite3_step(hit)) == SQLITE_ROW) {
		if (page.people && page.width[TIME] == 0 && page.rows == 0)
			add_heading(&page);
		sqlite3_bind_int64(row, 1, sqlite3_column_int64(hit, 0));
		rc = sqlite3_step(row);
		if (rc == SQLITE_ROW)
			code = f->sessions_only ? show_session(row) :
						  show_event(&page, scratch, row, put, part);
		else if (rc != SQLITE_DONE)
			code = find_failed(f->store, f->store_path, "reading its sessions");
		sqlite3_reset(row);
	}
	if (code == 0 && rc != SQLITE_DONE && !ferror(stdout))
		code = find_failed(f->index, f->index_path, "reading what was found");
	print_page(&page);
	sqlite3_finalize(hit);
	sqlite3_finalize(row);
	sqlite3_finalize(put);
	sqlite3_finalize(part);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		msg_errno("standard output");
		code = code_worse(code, EX_IOERR);
	}
	return code;
}
