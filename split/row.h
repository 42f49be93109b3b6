/*
 * A row on its way from XML to the record stream: values by column, typed
 * only when the row is written.
 */
#ifndef PRAIC_ROW_H
#define PRAIC_ROW_H

#include "rec.h"

struct row {
	enum table_id table;
	struct buf bytes;
	struct {
		size_t at, n;
		int there;	/* else NULL */
	} cell[TABLE_MAX_COLUMNS];
};

/* Told of a value that is not of its column's type, and becomes NULL. */
typedef void row_complaint(void *arg, const char *column, const char *why, struct rec_value);

void row_reset(struct row *, enum table_id);
void row_free(struct row *);

/* Set, or set anew.  The bytes are copied. */
void row_set(struct row *, int column, const char *p, size_t n);
void row_set_int(struct row *, int column, int64_t);
void row_clear(struct row *, int column);

/* NULL when not set; valid until the next row_set. */
struct rec_value row_get(const struct row *, int column);
/* Set, and not empty? */
int row_filled(const struct row *, int column);

/*
 * A time: the attribute if it can be read as UNIX seconds, else the text
 * with its offset.  Either may be NULL (p == NULL).
 */
void row_set_time(struct row *, int column, struct rec_value stamp, struct rec_value text,
    row_complaint *, void *arg);

/* The row as a line, at the end of a buffer. */
void row_write(const struct row *, struct buf *, row_complaint *, void *arg);

/* Without the white space at both ends. */
struct rec_value row_trim(struct rec_value);

#endif
