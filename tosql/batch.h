/*
 * Sessions gathered in memory until it is worth writing them: what one
 * transaction takes.  Rows lie packed, a buffer for each table, in the order
 * in which they came; a session is a piece of each buffer.  So a database is
 * fed table by table, and a session that is given up is cut off again.
 *
 * A batch takes about as many bytes as it is told.  Of one session that is
 * bigger the rows go into an unlinked temporary file, and it is a batch by
 * itself.
 *
 * No key occurs twice in a batch: what a session replaces is always in the
 * database already.
 */
#ifndef TOSQL_BATCH_H
#define TOSQL_BATCH_H

#include "rec.h"
#include "sha256.h"

/* The tables of a session report: all that is stored in a database. */
#define BATCH_TABLES TABLE_FILE

/* What became of a session; decided by the database, final on commit. */
enum fate {
	FATE_NEW,
	FATE_REPLACED,
	FATE_UNCHANGED,
	FATE_OLDER,  /* it knows less than what is stored */
	FATE_SETTLED /* it is accounted for, and not to be written */
};

struct batch_session {
	size_t key;	       /* offset of the host's name */
	size_t host_n, lsid_n; /* the lsid follows it */
	uint64_t events;
	int ended;		 /* it has an end time */
	size_t at[BATCH_TABLES]; /* where its rows begin */
	char hash[SHA256_HEX];	 /* of its content: hash.h */

	/* for the database to note */
	enum fate fate;
	int64_t id;
	int64_t first_event; /* id of the event with seq 1 */
};

struct batch {
	struct batch_session *session;
	size_t n; /* complete ones; session[n] is the one begun */
	struct buf rows[BATCH_TABLES];

	/* the rest is batch.c's own */
	size_t limit;
	struct buf keys;
	size_t room; /* of session[] */
	int begun;
	size_t *slot; /* keys, hashed: index + 1, or 0 */
	size_t slots;
	struct batch_spill *spill;
};

struct batch *batch_new(size_t bytes);
void batch_free(struct batch *);

/* Is this key in the batch?  Then it has to be written first. */
int batch_has(const struct batch *, struct rec_value host, struct rec_value lsid);
/* What is gathered takes as much memory as it may. */
int batch_full(const struct batch *);

void batch_begin(struct batch *, struct rec_value host, struct rec_value lsid);
/*
 * A row of the session begun.  NULL, or why the session must be left out
 * (a constant, or valid until the next call).
 */
const char *batch_row(struct batch *, enum table_id, const struct rec_value *);
/* The session begun belongs to the batch.  0, or EX_IOERR after a message. */
int batch_commit(struct batch *);
/* The session begun never was. */
void batch_drop(struct batch *);

/* The complete sessions are written: forget them; the one begun stays. */
void batch_shift(struct batch *);
/*
 * There is nothing but the session begun, and it is too big: move its rows
 * to the temporary file.  0, or EX_IOERR after a message.
 */
int batch_spill(struct batch *);

static inline const char *
batch_host(const struct batch *b, const struct batch_session *s)
{
	return b->keys.p + s->key;
}

static inline const char *
batch_lsid(const struct batch *b, const struct batch_session *s)
{
	return b->keys.p + s->key + s->host_n;
}

/*
 * What becomes of a session whose older copy, of another content, has an end
 * time or not and so many events: an end time beats none; else more events
 * beat fewer.  Equal standing: the newer copy.  Or the newer one, by force.
 */
enum fate batch_weigh(const struct batch_session *, int ended, uint64_t events, int force);

/*
 * The rows of one table, of one session after the other:
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

	const struct batch *b;
	enum table_id table;
	const char *p, *end; /* rows that are in memory */
	size_t extent;	     /* the next one to read back */
	size_t extent_at;
	struct buf piece; /* what was read back */
};

void batch_rows(struct batch_rows *, const struct batch *, enum table_id);
void batch_rows_of(struct batch_rows *, size_t session);
/* 1: a row; 0: the session has no more; -1: read error, after a message. */
int batch_next(struct batch_rows *);
void batch_rows_end(struct batch_rows *);

/*
 * The rows as bytes, for the content hash: pieces of them until n is 0.
 * 0, or -1 after a message.
 */
int batch_bytes(struct batch_rows *, const char **p, size_t *n);
/* How many bytes that will be. */
uint64_t batch_size(const struct batch *, size_t session, enum table_id);

#endif
