/*
 * What the H lines of a record stream say: which tables it has, and in which
 * field of its rows each column stands.  For recread.c alone.
 */
#ifndef PRAIC_RECCOLUMNS_H
#define PRAIC_RECCOLUMNS_H

#include "recfield.h"

/* Tables that this program does not know: a later version may have some. */
#define COLUMNS_MAX_OTHERS 64

struct columns {
	/* for each table, whether it is in the stream, how many columns it
	 * has there, and which field a column of ours stands in (from 2;
	 * -1 when the stream has none) */
	int declared[TABLES];
	int columns[TABLES];
	int field[TABLES][TABLE_MAX_COLUMNS];
	/* of tables of other versions: the names in others, one behind the
	 * other, and how many columns each has */
	struct buf others;
	struct {
		size_t name, n;
		int columns;
	} other[COLUMNS_MAX_OTHERS];
	int other_n;
};

void columns_reset(struct columns *);
void columns_free(struct columns *);

/* Take in an H line: its table, TABLES for one of a later version, or -1
 * when it is not what an H line must be. */
int columns_add(struct columns *, const char *line, size_t n);

/*
 * The table that a row names, and how many values it must have: TABLES for
 * one of a later version, -1 where no H line names it.
 */
int columns_table(const struct columns *, struct rec_value name, int *columns);

/* The name of the column in a field, for messages. */
const char *columns_name(const struct columns *, int table, int field);

#endif
