/*
 * praic-find: the words in the events of a store of praic-tosql.
 *
 *	words.c		what a person asks for, as FTS5 wants it
 *	index.c		the index, and which events have these words
 *	main.c		options, and what was found, to people and pipes
 *
 * One connection has the store as store, the index as own, and what was found
 * in a temporary table, so that nobody waits while it is shown.
 */
#ifndef PRAIC_FIND_H
#define PRAIC_FIND_H

#include <sqlite3.h>
#include <stdint.h>

#include "buf.h"

/* How FTS5 takes text apart. */
#define FIND_TOKENIZE "tokenize=\"unicode61 remove_diacritics 2\""

struct find {
	const char *store_path, *index_path;
	const char *user, *endpoint, *type; /* patterns, or NULL */
	char *since, *until;		    /* as the store has times, or NULL */
	int sessions_only;		    /* -l */
	struct buf words;
	sqlite3 *db;
	/* For locks; never closed: that would take SQLite's own locks along. */
	int store_fd, index_fd;
};

/* Returns a code after a message. */
int find_failed(struct find *, const char *path, const char *doing);

/* Adds words of the command line to a query of FTS5. */
void words_add(struct buf *query, const char *words);
/* Is it one?  0, or EX_USAGE after a message. */
int words_check(const char *query);

/* Opens store and index, which is made if it is not there, adds to it what is
 * new in the store, and puts what was found into the temporary table hit. */
int index_find(struct find *);

#endif
