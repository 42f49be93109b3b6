/*
 * Between the files of SQL Server, by FreeTDS's db-lib: the connection
 * (mssql_link.c), its tables (mssql_schema.c), the statements of a load
 * (mssql_sql.c), rows to the staging tables (mssql_bulk.c); mssql.c has the
 * transactions and what is tried again.
 */
#ifndef TOSQL_MSSQL_H
#define TOSQL_MSSQL_H

#include <sybfront.h>
#include <sybdb.h>

#include "connstr.h"
#include "tosql.h"

/* ---- mssql_link.c: one connection ------------------------------------------- */

/*
 * db-lib has one set of handlers for all connections, so there is one connection
 * at a time.  Every failure is sorted by what is to be done about it.
 */
enum link_failure {
	LINK_WELL,
	LINK_DATA,  /* the server refuses the values that were sent */
	LINK_AGAIN, /* a deadlock or the like: repeat the work */
	LINK_LOST,  /* repeat the work on a new connection */
	LINK_FINAL  /* give up: the code says why */
};

struct link {
	const struct connstr *c;
	const char *name; /* host/database, for messages */
	int timeout;	  /* seconds to wait for a lock */
	int most;	  /* seconds that a statement may take */
	const char *ca_file;
	int conf; /* our freetds.conf */
	char *conf_name;
	DBPROCESS *p; /* NULL: not connected */

	/* of the last failure */
	enum link_failure failure;
	int code;   /* exit code, if it cannot be mended */
	int number; /* the server's, or db-lib's */
	int severity;
	int in_trigger;	 /* a trigger or procedure of the database raised it */
	struct buf text; /* what was being done, and what was said */
};

#define LINK_NULL INT64_MIN

/*
 * Does not connect.  c, name and ca_file are kept; ca_file NULL: the system's.  0, or
 * a code after a message.
 */
int link_init(
    struct link *, const struct connstr *c, const char *name, const char *ca_file, int timeout);
void link_free(struct link *);

/* Connect, verify, set the session's options.  0, or -1 and the failure. */
int link_connect(struct link *);
void link_disconnect(struct link *);

/*
 * Run a batch of statements.  what says what it does ("inserting users").
 * row, if not NULL, is given each row of the results, as numbers (LINK_NULL
 * for NULL).  *count, if not NULL, is how many rows the last statement
 * changed, or -1.  0, or -1 and the failure.
 */
int link_run(struct link *, const char *what, const char *sql,
    void (*row)(void *arg, const int64_t *v, int n), void *arg, int64_t *count);
/* For row: arg is int64_t[LINK_KEPT], which gets the first numbers of the last row. */
#define LINK_KEPT 3
void link_keep(void *arg, const int64_t *v, int n);

/*
 * Around db-lib calls other than link_run's: forget the last failure, and break the
 * calls off when they take too long.  link_moves begins the time anew.
 */
void link_begin(struct link *);
void link_moves(void);
void link_end(void);
/* Note the failure of one of them.  Returns -1. */
int link_failed(struct link *, const char *what);
/* mssql_error.c: failure and code from number and severity; what may help, or
 * NULL. */
const char *link_sort(struct link *);
/* mssql_browser.c: the port of a named instance.  0, or -1 and the failure. */
int link_browse(struct link *, int *port);
/* mssql_probe.c: add what is wrong with the server's TLS, if anything is. */
void link_probe(const struct link *, int port, struct buf *why);
/* Is it db-lib's number, not the server's? */
int link_is_dblib(int number);
/* Note a failure of another kind.  Returns -1. */
int link_refuse(struct link *, enum link_failure, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Keys are compared byte by byte, whatever the database's collation. */
#define BYTEWISE " COLLATE Latin1_General_BIN2"

/* ---- mssql_schema.c ----------------------------------------------------------- */

/* The statements that make the schema, each harmless where its thing is there
 * already: for sqlcmd. */
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

/* ---- mssql_sql.c: the statements of a load ----------------------------------- */

/* Staging tables are called #praic_NAME; ord is a session's number in the batch, n a
 * row's. */
enum mssql_statement {
	MSSQL_STAGE,	     /* makes the staging tables */
	MSSQL_CLEAR,	     /* empties them */
	MSSQL_LOCK,	     /* waits for other loaders: >= 0 when it is ours */
	MSSQL_UNCHANGED,     /* removes unchanged sessions from them, and names these: ord */
	MSSQL_DECIDE,	     /* fates of the rest ... */
	MSSQL_DECIDED,	     /* ... ord, fate */
	MSSQL_UPDATE,	     /* sessions replaced */
	MSSQL_FIND_SESSIONS, /* the ids of those that are new */
	MSSQL_DELETE,	     /* a table's rows of sessions replaced */
	MSSQL_INSERT	     /* a table's rows */
};

/*
 * Add the statement; the table is of the last two.  Nothing may be sent to staging tables
 * that mssql_fits has not seen with these rooms: FreeTDS would cut it.  Returns what it
 * does, for messages.
 */
const char *mssql_sql(struct buf *, enum mssql_statement, enum table_id, const struct mssql_rooms *,
    const struct db_options *);

/* ---- mssql_bulk.c: rows to the staging tables -------------------------------- */

/* What bulk copy needs to know. */
struct mssql_bulk {
	struct link *l;
	const struct db_options *o;
	const struct mssql_rooms *rooms;
	struct batch *b;
	size_t from, to; /* of the batch's sessions, those with FATE_NEW */
};

/* Has each text of session i room?  0; else EX_DATAERR, and why. */
int mssql_fits(struct mssql_rooms *, struct batch *, size_t i, struct buf *reason);

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
