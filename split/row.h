/*
 * A row on its way from XML to the record stream: its values by column, each
 * of its column's type, whatever order they come in.
 */
#ifndef PRAIC_ROW_H
#define PRAIC_ROW_H

#include "rec.h"

enum row_is {
	ROW_ABSENT,
	ROW_NOTHING, /* it was there, but is NULL: empty, or unreadable */
	ROW_TEXT,
	ROW_NUMBER
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

#endif
