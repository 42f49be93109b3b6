/*
 * What is shown: rows of cells; on a terminal as a table, in a pipe with TABs
 * between the cells and no head, with --json as JSON.  Text is made harmless
 * (msg.h).
 */
#ifndef CONF_SHOW_H
#define CONF_SHOW_H

#include <sqlite3.h>
#include <stdint.h>

#include "conf.h"

/* How a cell is shown, besides the forms of fields. */
enum { SHOW_TIME = 100, SHOW_REAL };

struct show;

struct show *show_new(void);
void show_free(struct show *);
/* The next cell of the row, under this name (copied); NULL: there is none. */
void show_cell(struct show *, const char *name, int form, const char *text);
void show_int(struct show *, const char *name, int form, int64_t);
/* A row is complete. */
void show_end(struct show *);
/* The row that a statement found.  A column is called NAME, or NAME:FORM with a
 * form of count, span, flag, time, real or secret. */
void show_row(struct show *, sqlite3_stmt *);
/* All rows of a statement, which is finalized; NULL after a message. */
struct show *show_query(struct conf *, sqlite3_stmt *);

enum show_how {
	SHOW_TABLE,
	SHOW_LIST,  /* one row, a cell a line */
	SHOW_BLOCKS /* each row a paragraph of at most 80 columns, its reason apart */
};
/* Print it and free it.  mark: what each line begins with in a pipe, or NULL. */
int show_print(struct conf *, struct show *, enum show_how, const char *mark);
/* The rows as a JSON array, for a part of something greater; frees. */
void show_json(struct buf *, struct show *);
int show_out(const struct buf *);

#endif
