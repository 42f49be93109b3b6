/*
 * praic-find: the words in the events of a store of praic-tosql.
 *
 *	words.c		the words of the command line as a query of FTS5
 *	index.c		the index, and the search in it
 *	main.c		options, and the output for people and pipes
 *
 * One connection has the store as "store" and the index as "own".  What was found goes
 * into a temporary table, so that no lock is held while it is shown.
 */
#ifndef PRAIC_FIND_H
#define PRAIC_FIND_H

#include <sqlite3.h>
#include <stdint.h>

#include "buf.h"

/* How FTS5 splits text into words. */
#define FIND_TOKENIZE "tokenize=\"unicode61 remove_diacritics 2\""

struct find {
	const char *store_path, *index_path;
	const char *user, *endpoint, *type; /* patterns, or NULL */
	char *since, *until;		    /* as the store has times, or NULL */
	int sessions_only;		    /* -l */
	struct buf words;
	sqlite3 *db;
	/* For locks.  Never closed, because that would drop SQLite's own locks. */
	int store_fd, index_fd;
};

/* Returns a code after a message. */
int find_failed(struct find *, const char *path, const char *doing);

/* Add words of the command line to a query of FTS5. */
void words_add(struct buf *query, const char *words);
/* Check the syntax.  0, or EX_USAGE after a message. */
int words_check(const char *query);

/* Open the store and the index, which is made if it is not there; add to it what is new
 * in the store; put what was found into the temporary table hit. */
int index_find(struct find *);

#endif
