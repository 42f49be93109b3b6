/*
 * Between the files of praic-tosql: the storage database (schema.c), sessions
 * gathered for a transaction (batch.c), what is asked of each kind of
 * database, and the load (load.c).
 */
#ifndef TOSQL_H
#define TOSQL_H

#include "held.h"
#include "leftout.h"
#include "rec.h"
#include "sha256.h"

/* ---- schema.c: the storage database, praic-storage(5) ---------------------- */

/*
 * The vendor's tables under the vendor's names, made from the tables of the
 * record stream.  The version grows by one with each change.  Changes are
 * additions only: nullable columns at the end of a table, tables, indexes.  So
 * an older database is brought up to date by adding what it lacks.
 */
#define SCHEMA_VERSION 1

enum schema_type {
	SCHEMA_ID,   /* the row's own number */
	SCHEMA_LINK, /* the number of a row of the parent table */
	SCHEMA_TEXT,
	SCHEMA_INT, /* 64 bits */
	SCHEMA_BOOL,
	SCHEMA_TIME, /* UTC, seconds */
	SCHEMA_HASH  /* SHA-256 in hexadecimal */
};

struct schema_column {
	const char *name;
	enum schema_type type;
	int source; /* column of the record stream, or -1 */
};

#define SCHEMA_MAX_COLUMNS (TABLE_MAX_COLUMNS + 3)

/* The columns of a table of the storage database.  Returns their number. */
int schema_columns(enum table_id, struct schema_column out[SCHEMA_MAX_COLUMNS]);
/* Is this column of the record stream stored? */
int schema_stores(enum table_id, int column);
/* Is it one of the two columns of the key? */
static inline int
schema_is_key(enum table_id t, int column)
{
	return t == TABLE_SESSION && (column == SESSION_HOST_NAME || column == SESSION_LSID);
}
/* Characters of this column of the key: an index of SQL Server 2008 takes 900 bytes
 * for both. */
int schema_room(int column);
/* Is it never NULL? */
int schema_is_always_there(enum table_id, const struct schema_column *);
/* The table that SCHEMA_LINK points to. */
enum table_id schema_parent(enum table_id);
/* Add the text, with this name for each '~'. */
void schema_text(struct buf *, const char *text, const char *name);
/* Add a table's columns from the given one on, each in this form, with commas. */
void schema_list(struct buf *, enum table_id, int from, const char *form);

struct schema_index {
	const char *name;
	enum table_id table;
	const char *column[2]; /* the second may be NULL */
	int unique;
};

#define SCHEMA_INDEXES 11
extern const struct schema_index schema_index[SCHEMA_INDEXES];

/* A view: the guide calls customers endpoints. */
#define SCHEMA_VIEW    "endpoint"
#define SCHEMA_VIEW_OF TABLE_CUSTOMER

/* ---- batch.c: sessions gathered in memory, for one transaction ------------- */

/*
 * Rows are packed into a buffer for each table, in the order in which they
 * came; a session is a range of each buffer.  So a database is fed table by
 * table, and a session that is given up is cut off again.  A session bigger
 * than the limit is a batch by itself, with its rows in temporary files.
 *
 * No key occurs twice in a batch: the copy that a session replaces is always
 * in the database already.
 */

/* The tables of a session report: all that is stored in a database. */
#define BATCH_TABLES TABLE_FILE

/* What became of a session; decided by the database, final on commit. */
enum fate {
	FATE_NEW,
	FATE_REPLACED,
	FATE_UNCHANGED,
	FATE_OLDER,  /* the stored copy knows more */
	FATE_SETTLED /* it is counted already, and must not be written */
};

struct batch_session {
	size_t key; /* offset of the host's name; the lsid follows it */
	size_t host_n, lsid_n;
	size_t next; /* of the same hash: index + 1, or 0 */
	uint64_t events;
	int ended;		/* it has an end time */
	off_t at[BATCH_TABLES]; /* where its rows begin */
	/*
	 * SHA-256 of its content: the same for two copies whose rows mean the same,
	 * in any order of the stream's columns and tables.  NULL counts as absent:
	 * so a later praic that knows more columns takes an old session for changed
	 * only where it has something to add.
	 */
	char hash[SHA256_HEX];

	/* for the database to note */
	enum fate fate;
	int64_t id;
	int64_t first_event; /* id of the event with seq 1 */
};

#define BATCH_BUCKETS 4096

struct batch {
	struct batch_session *session;
	size_t n; /* complete ones; session[n] is the one begun */

	/* the rest is batch.c's own */
	struct held rows[BATCH_TABLES];
	size_t limit;
	struct buf keys;
	size_t room; /* of session[] */
	int begun, spilled;
	size_t bucket[BATCH_BUCKETS]; /* index + 1, or 0 */
	struct sha256 *sum;
};

struct batch *batch_new(size_t bytes);
void batch_free(struct batch *);
/* Is this key in the batch?  Then the batch must be written first. */
int batch_has(const struct batch *, struct rec_value host, struct rec_value lsid);
/* Does it have as many bytes as it may? */
int batch_full(const struct batch *);
void batch_begin(struct batch *, struct rec_value host, struct rec_value lsid);
/* Add a row to the session begun.  NULL, or why the session must be left out. */
const char *batch_row(struct batch *, enum table_id, const struct rec_value *);
/* The session begun is complete.  0, or EX_IOERR after a message. */
int batch_commit(struct batch *);
/* Forget the session begun. */
void batch_drop(struct batch *);
/* Forget the complete sessions; the one begun stays. */
void batch_shift(struct batch *);
/* Move the rows of the session begun, the only one, to temporary files.  0, or a
 * code after a message. */
int batch_spill(struct batch *);
/* How many bytes of rows a session has in a table. */
off_t batch_size(const struct batch *, size_t session, enum table_id);

static inline struct rec_value
batch_host(const struct batch *b, const struct batch_session *s)
{
	return (struct rec_value){b->keys.p + s->key, s->host_n};
}

static inline struct rec_value
batch_lsid(const struct batch *b, const struct batch_session *s)
{
	return (struct rec_value){b->keys.p + s->key + s->host_n, s->lsid_n};
}

/*
 * Does a session replace a stored copy of other content, which has an end time
 * or not, and so many events?  FATE_REPLACED or FATE_OLDER.
 */
enum fate batch_weigh(const struct batch_session *, int ended, uint64_t events, int force);

/*
 * The rows of one table, one session after the other:
 *
 *	batch_rows(&c, b, t);
 *	for each session i wanted:
 *		batch_rows_of(&c, i);
 *		while ((more = batch_next(&c)) == 1)
 *			... c.value[] ...
 *	batch_rows_end(&c);
 */
struct batch_value {
	const char *p; /* NULL for NULL; not for an empty or a numeric one */
	size_t n;
	int64_t i; /* of TABLE_INT and TABLE_BOOL */
};

struct batch_rows {
	/* by the column numbers of tables.h; valid until the next row.  A
	 * time is 19 bytes of text: 2024-12-03 15:26:05 */
	struct batch_value value[TABLE_MAX_COLUMNS];

	struct batch *b;
	enum table_id table;
	const char *p, *end; /* rows that are in memory */
	off_t next, until;   /* rows that must still be read back */
	struct buf piece;    /* what was read back */
};

void batch_rows(struct batch_rows *, struct batch *, enum table_id);
void batch_rows_of(struct batch_rows *, size_t session);
/* 1: a row; 0: the session has no more; -1: read error, after a message. */
int batch_next(struct batch_rows *);
void batch_rows_end(struct batch_rows *);

/* ---- What is asked of a database: a struct of functions for each kind ------ */

struct db_options {
	const char *target;   /* the file; of SQL Server, that or a connection string */
	int is_string;	      /* it is a connection string */
	const char *password; /* a reference; NULL: the connection string has it */
	const char *ca_file;  /* authorities to trust; NULL: the system's */
	int timeout;	      /* seconds to wait for a lock */
	int dry_run;	      /* roll everything back */
	int force;	      /* a copy that knows less replaces one that knows more */
	int list;	      /* of a dry run: only decide what would be done */
	int existing;	      /* its tables must be there: else EX_CANTCREAT */
	/* called now and then while a batch is written */
	void (*meanwhile)(void *);
	void *meanwhile_arg;
};

struct db;

struct db_ops {
	size_t batch; /* bytes of rows that are worth a transaction */

	/*
	 * Connect, and make or upgrade the tables, though an empty database may
	 * stay so until it is written to.  The options are kept.  NULL after a
	 * message, and *code.
	 */
	struct db *(*open)(const struct db_options *, int *code);

	/* Make the tables of an empty database, though there is nothing to write.
	 * 0, or a code after a message.  NULL: open does it. */
	int (*make)(struct db *);

	/* Do the values of this session fit into the columns?  0; else EX_DATAERR,
	 * and why.  NULL: they always do. */
	int (*fits)(struct db *, struct batch *, size_t i, struct buf *reason);

	/*
	 * Store sessions [from, to) of the batch, without the settled ones, in one
	 * transaction, and note their fates.  0; or nothing was stored:
	 *
	 * EX_DATAERR	because of one of the sessions; why is in *reason, and
	 *		no message was written.  The others may go in without it
	 * any other	after a message; nothing more can be stored
	 */
	int (*write)(struct db *, struct batch *, size_t from, size_t to, struct buf *reason);

	/* 0, or a code after a message. */
	int (*close)(struct db *);

	/* The schema as text, ready for the database's own shell. */
	void (*schema)(struct buf *);
};

extern const struct db_ops db_sqlite, db_mssql;

/* Is there no such file, and can it be made? */
int sqlite_is_new(const struct db_options *);

/* ---- load.c: from record streams to a database ------------------------------ */

struct load {
	const struct db_ops *ops;
	const struct db_options *options;
	struct db *db; /* NULL: it is made when the first good input comes */
	struct batch *batch;
	struct buf states;	  /* of -n --list: lines for standard output */
	struct leftout *list;	  /* of --left-out, or NULL */
	struct rec_reader *input; /* being read, or NULL */
	int no_system_information;
	int code; /* the worst so far */
	int stop; /* the database takes no more */

	/* Sessions that were read to their end; read is the sum of the others. */
	uint64_t read, stored, unchanged, older, left_out, not_stored;
};

/* For db_options: reads ahead while a batch is written. */
void load_meanwhile(void *load);
/* Read one input to its end, for command_operands(). */
int load_input(void *load, int fd, const char *name);
/* Write what is still in memory. */
void load_finish(struct load *);
/* The account, for -v. */
void load_report(const struct load *);

#endif
