/*
 * What praic-conf shows: rows of cells, on a terminal as a table, in a pipe
 * with TABs between the cells and no head, with --json as JSON.  Text is made
 * harmless (msg.h); JSON has escapes of its own.
 */
#ifndef SCHED_CONF_SHOW_H
#define SCHED_CONF_SHOW_H

#include <jansson.h>
#include <stdint.h>

#include "conf.h"

struct show;

/*
 * The names of the columns, ended by NULL and kept: JSON's keys, and with a
 * blank for _ the head of the table.
 */
struct show *show_new(const char *const *column);
/* In a pipe each line begins with this (kept): for lines of several kinds. */
void show_mark(struct show *, const char *);
void show_free(struct show *);

/* The next cell of the row; p NULL for nothing. */
void show_text(struct show *, const char *p);
void show_int(struct show *, int64_t);
void show_flag(struct show *, int);
void show_null(struct show *);
/* UNIX seconds: local time for people, else as in the record stream. */
void show_time(struct show *, int64_t);
/* Seconds: 15m, 12h, 7d; a number in JSON. */
void show_span(struct show *, int64_t);
/* Texts, one a line: an array in JSON. */
void show_lines(struct show *, const char *);
/* A column of a statement, NULL or as one of the above. */
enum show_as { SHOW_TEXT, SHOW_INT, SHOW_REAL, SHOW_FLAG, SHOW_TIME, SHOW_SPAN };
void show_column(struct show *, sqlite3_stmt *, int column, enum show_as);
/*
 * The rows that a statement finds, which is finalized: a column of the first
 * ones for each of the show's.  NULL after a message.
 */
struct show *show_statement(
    struct conf *, sqlite3_stmt *, const char *const *column, const enum show_as *);
/* All of it: read by a query without parameters, shown.  An exit code. */
int show_query(struct conf *, const char *sql, const char *const *column, const enum show_as *);

/* All rows, one by one.  Frees the show.  0, or EX_IOERR after a message. */
int show_rows(struct show *, const struct conf *);
/* The one row, a line a column (NULLs left out).  The same. */
int show_row(struct show *, const struct conf *);
/* The rows as a JSON array, for a part of something greater; frees the show. */
json_t *show_array(struct show *);
/* Print JSON; the reference is taken over. */
int show_print(json_t *);

#endif
