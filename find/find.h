/*
 * praic-find: the words in the events of a store of praic-tosql.
 *
 *	words.c		what a person asks for, as FTS5 wants it
 *	index.c		the index: which events have these words
 *	show.c		the events that are asked for, from the store, to people and pipes
 */
#ifndef PRAIC_FIND_H
#define PRAIC_FIND_H

#include <sqlite3.h>
#include <stdint.h>

#include "buf.h"

/* How all that praic-find makes with FTS5 takes text apart. */
#define FIND_TOKENIZE "tokenize=\"unicode61 remove_diacritics 2\""

/*
 * The text of the event v: its values, in order.  Sizes and instance numbers
 * are left out: nobody searches for them, and they would be most of the index.
 */
#define FIND_TEXT                                                                              \
	"(SELECT group_concat(value, ' | ') FROM session_event_data WHERE session_event_id = " \
	"v.id AND name NOT IN ('filesize', 'instance'))"

struct find {
	const char *store_path, *index_path;
	const char *user, *endpoint, *type; /* patterns, or NULL */
	char *since, *until;		    /* as the store has times, or NULL */
	int sessions_only;		    /* -l */
	struct buf words;
	/* The store is read in one transaction, from index_update() on. */
	sqlite3 *store, *index;
	/* For locks; never closed: that would take SQLite's own locks along. */
	int store_fd, index_fd;
};

/* A connection is told of in messages by path.  Returns a code. */
int find_failed(sqlite3 *, const char *path, const char *doing);
/* Text without results. 0, or a code after a message. */
int find_run(sqlite3 *, const char *path, const char *sql);
/* The first number of the first row, or 0.  0, or a code after a message. */
int find_ask(sqlite3 *, const char *path, const char *sql, int64_t *answer);

/* Adds words of the command line to a query of FTS5. */
void words_add(struct buf *query, const char *words);
/* Is it one?  0, or EX_USAGE after a message. */
int words_check(sqlite3 *scratch, const char *query);

/* Opens the index, made if it is not there, and waits for the lock. */
int index_open(struct find *);
/* Adds to it what is new in the store. */
int index_update(struct find *);
/* Fills the temporary table hit, and gives up the lock. */
int index_match(struct find *);

/* Writes what the table hit names. */
int show(struct find *, sqlite3 *scratch);

#endif
