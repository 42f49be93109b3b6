/*
 * What praic-tohtml knows of the pages in DIRECTORY: a SQLite database with a
 * row for each session, of which the indexes are made, and sums that triggers
 * keep, so that a session costs the same however many there are.  Whoever
 * opens it holds DIRECTORY's lock.
 */
#ifndef TOHTML_STATE_H
#define TOHTML_STATE_H

#include <sqlite3.h>
#include <stdint.h>

#include "page.h"

enum row_text {
	ROW_HOST,
	ROW_LSID,
	ROW_MONTH, /* 2026/01, or undated */
	ROW_NAME,  /* of the page, in the folder of its month */
	ROW_START,
	ROW_END,
	ROW_TYPE,
	ROW_WHO,
	ROW_PEOPLE,
	ROW_ENDPOINT,
	ROW_KEY,
	ROW_GROUP,
	ROW_DURATION,
	ROW_EXPECTED,
	ROW_DIGEST, /* SHA-256 of the page */
	ROW_TEXTS
};
enum row_number {
	ROW_BYTES,
	ROW_OVER,
	ROW_BARE, /* 1: over, and without a recording */
	ROW_EVENTS,
	ROW_COMMANDS,
	ROW_CHATS,
	ROW_FILES,
	ROW_STORED, /* recordings of praic-tofs */
	ROW_NUMBERS
};
/* The columns of a row, in this order, for SQL. */
extern const char state_columns[];

struct row {
	char *text[ROW_TEXTS]; /* never NULL in a row that is set */
	int64_t number[ROW_NUMBERS];
};

void row_free(struct row *);

struct state {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *find, *insert, *delete, *fresh, *gone;
	int code; /* the first failure, after its message */
};

/* path NULL: a temporary one.  0, or a code after a message. */
int state_open(struct state *, const char *path);
void state_close(struct state *);

/* SQL without results.  0, or the code. */
int state_run(struct state *, const char *sql);
/* A statement; NULL after a failure. */
sqlite3_stmt *state_prepare(struct state *, const char *sql);
/* One more row?  1 or 0; failures stick in code. */
int state_step(struct state *, sqlite3_stmt *);
/* Step a statement that gives no rows, and make it ready again. */
void state_do(struct state *, sqlite3_stmt *);
int64_t state_number(struct state *, const char *sql);

/* The row that a statement stands on, from this column on, is copied. */
void row_load(struct row *, sqlite3_stmt *, int column);
/* 1 and the row, or 0. */
int state_find(struct state *, const char *host, const char *lsid, struct row *);
/* Within a transaction: the row takes the place of the one of its key; the
 * page of that one is to go, if it is another. */
void state_put(struct state *, const struct row *);

#endif
