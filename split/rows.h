/*
 * The rows of a session on their way from XML to the record stream: a row's
 * values by column, each of its column's type, whatever order they come in;
 * and when the row goes out.
 *
 * A row goes out as soon as nothing in it can change: most at once, an
 * event's data after the event's own row, users and teams at the end of the
 * session, which tells who the primary one was.  What has to wait is held in
 * memory, up to a limit.
 */
#ifndef PRAIC_ROWS_H
#define PRAIC_ROWS_H

#include "rec.h"

enum row_is {
	ROW_ABSENT,
	ROW_NOTHING, /* it was there, but is NULL: empty, or unreadable */
	ROW_TEXT,
	ROW_NUMBER,
	ROW_AT_END /* is_primary: rows_finish() tells */
};

struct row {
	enum table_id table;
	const struct table_column *column; /* the table's */
	struct buf text;
	struct row_cell {
		enum row_is is;
		int64_t number;
		size_t at, n; /* in text */
	} cell[TABLE_MAX_COLUMNS];
};

void row_begin(struct row *, enum table_id);
void row_free(struct row *);

/*
 * Set a column, by what its type makes of the value (p == NULL: nothing is
 * done).  NULL, or why the value cannot be read and the column is NULL.
 */
const char *row_set(struct row *, int column, struct rec_value);
void row_set_text(struct row *, int column, const char *p, size_t n);
void row_set_number(struct row *, int column, int64_t);
void row_clear(struct row *, int column);
/* Set one column to what another of the same type is. */
void row_copy(struct row *, int to, int from);

/*
 * A time: the attribute if it can be read as UNIX seconds, else the text
 * with its offset; either may be NULL.  NULL, or what was wrong, and with
 * which of the two.
 */
const char *row_set_time(struct row *, int column, struct rec_value stamp, struct rec_value text,
    struct rec_value *wrong);

/* Was it there? */
static inline int
row_has(const struct row *r, int column)
{
	return r->cell[column].is != ROW_ABSENT;
}

/* Has it a text that is not empty? */
static inline int
row_filled(const struct row *r, int column)
{
	return r->cell[column].is == ROW_TEXT && r->cell[column].n > 0;
}

/* The row as a line, at the end of a buffer. */
void row_write(const struct row *, struct buf *);

/* Without the white space at both ends. */
struct rec_value row_trim(struct rec_value);

/* ---- on their way out ------------------------------------------------ */

struct rows;

enum rows_order {
	ROWS_NOW,
	ROWS_OF_EVENT, /* not before the row of the event that is open */
	ROWS_AT_END
};

/* Called before rows are handed on: what belongs before them goes first. */
typedef void rows_go(void *arg);

/* *refusal becomes which limit was passed, when one was. */
struct rows *rows_new(struct rec_writer *, rows_go *, void *arg, const char **refusal);
void rows_free(struct rows *);

/* A session begins. */
void rows_begin(struct rows *);

/*
 * A row in two steps: where to write its line, and that it was written; or
 * in one.
 */
struct buf *rows_open(struct rows *, enum rows_order);
void rows_close(struct rows *);
void rows_add(struct rows *, enum rows_order, const struct row *);

/* An event begins; its own row, when it is complete. */
void rows_event_open(struct rows *);
void rows_event(struct rows *, const struct row *);
/* Did the row of the event go out? */
int rows_event_out(const struct rows *);

/* The session's end: users and teams, then its own row.  Either key of the
 * primary ones may be empty. */
void rows_finish(struct rows *, struct rec_value primary_user, struct rec_value primary_team,
    const struct row *session);

#endif
