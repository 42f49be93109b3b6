/*
 * What praic-tosql asks of a database: one struct of functions for each
 * kind, in a file (or a few) of its own.
 */
#ifndef TOSQL_DB_H
#define TOSQL_DB_H

#include "batch.h"

/* A destination, filled from options. */
struct db_options {
	const char *target;   /* the file; of SQL Server, that or a connection string */
	int is_string;	      /* the latter */
	const char *password; /* a reference; NULL: the connection string has it */
	const char *ca_file;  /* who vouches for the server; NULL: the system's */
	int timeout;	      /* seconds to wait for another's lock */
	int dry_run;	      /* do it all, then roll back */
	int force;	      /* what knows less replaces what knows more */
	int list;	      /* only see what would be done: of a dry run */
	int existing;	      /* its tables must be there: else EX_CANTCREAT */
	/* called now and then while a batch is written */
	void (*meanwhile)(void *);
	void *meanwhile_arg;
};

struct db;

struct db_ops {
	const char *name; /* as --schema has it */
	size_t batch;	  /* bytes of rows that are worth a transaction */

	/*
	 * Connect; create or upgrade what is missing of the schema, though
	 * what is empty may stay so until it is written to.  The options are
	 * kept.  NULL after a message, and *code.
	 */
	struct db *(*open)(const struct db_options *, int *code);

	/* Of an empty one, too: there was nothing to be written, and all was
	 * well.  0, or a code after a message.  NULL: open does it. */
	int (*make)(struct db *);

	/* Has the database room for this session's values?  0; else EX_DATAERR,
	 * and why.  NULL: for all of any length. */
	int (*fits)(struct db *, const struct batch *, size_t i, struct buf *reason);

	/*
	 * Store sessions [from, to) of the batch, but those that are settled, in
	 * one transaction and note their fates.  0; or nothing was stored:
	 *
	 * EX_DATAERR	it is for one of the sessions; why is in *reason, and
	 *		no message was written.  The others may go in without it
	 * any other	after a message; there is no use in going on
	 */
	int (*write)(struct db *, struct batch *, size_t from, size_t to, struct buf *reason);

	/* NULL is fine.  0, or a code after a message. */
	int (*close)(struct db *);

	/* The schema as text, ready to be run by the database's own shell. */
	void (*schema)(struct buf *);
};

extern const struct db_ops db_sqlite, db_mssql;

#endif
