/*
 * Between the files of SQL Server: mssql.c (transactions and what is tried
 * again), mssql_schema.c (its tables), mssql_sql.c (the statements of a load),
 * mssql_bulk.c (rows to the staging tables), and mssql_link.c (the connection).
 */
#ifndef TOSQL_MSSQL_H
#define TOSQL_MSSQL_H

#include "db.h"
#include "mssql_link.h"
#include "schema.h"

/*
 * The statements that make the schema, each harmless where its thing is there
 * already, in order; view is the last one, and may be left out.
 */
void mssql_schema_each(
    void (*take)(void *arg, const char *what, const char *sql, int is_view), void *arg);
/* The same as text, for sqlcmd. */
void mssql_schema(struct buf *);

/* How many characters each text column of the database takes; -1: any number;
 * by the column numbers of tables.h. */
struct mssql_rooms {
	int room[BATCH_TABLES][TABLE_MAX_COLUMNS];
	/* texts of it have been longer than MSSQL_USUAL_ROOM */
	char wide[BATCH_TABLES][TABLE_MAX_COLUMNS];
	char widened; /* just now: the staging tables must be made anew */
};

/* What a text of a staging table gets until a longer one comes: the server
 * sorts rows in memory that it reckons from the room of their columns. */
#define MSSQL_USUAL_ROOM 450

/* What a database has of the schema. */
enum mssql_state {
	MSSQL_EMPTY,   /* none of its tables, or others than ours */
	MSSQL_LACKING, /* an older version, or what the vendor's client makes */
	MSSQL_READY
};

/* 0, or -1 and the link's failure. */
int mssql_schema_inspect(struct link *, enum mssql_state *);
/* May rows be stored in those of its tables that are there? */
int mssql_schema_check(struct link *);
/* Within a transaction: make all but the view. */
int mssql_schema_make(struct link *);
/* Outside of one.  That it may not be made is no failure, but a message. */
int mssql_schema_make_view(struct link *);
/* Of a database that has it all. */
int mssql_schema_rooms(struct link *, struct mssql_rooms *);

/*
 * The statements of a load.  Staging tables are called #praic_NAME; ord is a
 * session's number in the batch, n a row's.
 */
enum mssql_statement {
	MSSQL_STAGE,	      /* makes the staging tables */
	MSSQL_CLEAR,	      /* empties them */
	MSSQL_MARK_UNCHANGED, /* finds them by their content hash... */
	MSSQL_UNCHANGED,      /* ... and names them: ord */
	MSSQL_LOCK,	      /* waits for other loaders: >= 0 when it is ours */
	MSSQL_DECIDE,	      /* fates of the rest ... */
	MSSQL_DECIDED,	      /* ... ord, fate */
	MSSQL_UPDATE,	      /* sessions replaced */
	MSSQL_INSERT_SESSIONS,
	MSSQL_FIND_SESSIONS,			    /* the ids of those that are new */
	MSSQL_DELETE,				    /* + table: rows of sessions replaced */
	MSSQL_INSERT = MSSQL_DELETE + BATCH_TABLES, /* + table */
	MSSQL_STATEMENTS = MSSQL_INSERT + BATCH_TABLES
};

struct mssql_sql {
	char *text[MSSQL_STATEMENTS];
	const char *what[MSSQL_STATEMENTS]; /* for messages */
};

/* lock_timeout in seconds; force: what knows less replaces what knows more. */
void mssql_sql_make(struct mssql_sql *, int lock_timeout, int force);
/*
 * MSSQL_STAGE alone, for texts as long as these rooms.  Nothing may be sent
 * that mssql_fits has not seen: FreeTDS would cut it.
 */
void mssql_sql_stage(struct mssql_sql *, const struct mssql_rooms *);
void mssql_sql_free(struct mssql_sql *);

/* What bulk copy needs to know. */
struct mssql_bulk {
	struct link *l;
	const struct db_options *o;
	const struct mssql_rooms *rooms;
	const struct batch *b;
	size_t from, to;  /* of the batch's sessions, but ... */
	const char *skip; /* ... those with skip[i - from]; NULL: none */
};

/* Has each text of session i room?  0; else EX_DATAERR, and why. */
int mssql_fits(struct mssql_rooms *, const struct batch *, size_t i, struct buf *reason);

/*
 * Copy rows to the staging table.  rows[i - from] is how many they are of
 * each session.  0, or -1 and the link's failure.
 */
int mssql_bulk(const struct mssql_bulk *, enum table_id, uint64_t rows[]);

/* UTF-8 to UTF-16LE at the end of a buffer; how many code units. */
size_t mssql_utf16(struct buf *, const char *p, size_t n);

/* The column "guarded" of a staging table has this bit for each text, by the
 * column numbers of tables.h, that has a dot behind it which is not its own. */
#define MSSQL_GUARDED(column) (1 << (column))

#endif
