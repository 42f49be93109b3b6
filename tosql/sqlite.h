/* Between sqlite.c and sqlite_rows.c. */
#ifndef TOSQL_SQLITE_H
#define TOSQL_SQLITE_H

#include <sqlite3.h>

#include "db.h"

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

#endif
