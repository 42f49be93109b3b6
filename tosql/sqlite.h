/* Between sqlite.c, sqlite_rows.c and sqlite_schema.c. */
#ifndef TOSQL_SQLITE_H
#define TOSQL_SQLITE_H

#include <sqlite3.h>

#include "tosql.h"

/* "PRst": this is praic's storage database, and no other one. */
#define SQLITE_APPLICATION_ID 0x50527374

/* What a transaction is about to insert. */
struct sqlite_load {
	const struct db_options *o;
	struct batch *batch;
	size_t from, to;
	/* the id last used of each table */
	int64_t last_id[BATCH_TABLES];
};

/*
 * Makes the sessions of a load that are new or replaced visible as tables
 * batch_session, batch_user, ..., with the columns of the storage database
 * and the ids that their rows are to have.  load is kept.  An SQLite code.
 */
int sqlite_rows_register(sqlite3 *, struct sqlite_load *);

/* The whole schema as text. */
void sqlite_schema(struct buf *);

/* What a database lacks of the schema. */
struct sqlite_lack {
	struct buf sql;	  /* the statements that make it */
	struct buf names; /* for a message: "table team, index session_key" */
	int rows;	  /* tables or columns: what was in them is lost */
	/* A table that rows of another one point to: it cannot be made anew,
	 * for its rows' numbers would be given to others.  NULL: none. */
	const char *gone, *points;
};

/* buf_free both when it is done.  An SQLite code. */
int sqlite_lacks(sqlite3 *, struct sqlite_lack *);

/* Within a transaction: make what is missing, of which gone is none.  An SQLite
 * code. */
int sqlite_upgrade(sqlite3 *);

/* One number out of the database; 0 where there is none.  An SQLite code. */
int sqlite_ask(sqlite3 *, const char *sql, int64_t *answer);

#endif
