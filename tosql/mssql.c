/*
 * SQL Server: a batch goes to staging tables of the connection by bulk copy,
 * and from there into the database by a handful of statements, in one short
 * transaction under an application lock, so that loaders take turns.  Unchanged
 * sessions are found first, and never copied.
 *
 * All of it can be repeated: after a deadlock on the same connection, after
 * a loss of the connection (even in COMMIT) on a new one.
 */
#include <stdlib.h>
#include <time.h>

#include "code.h"
#include "msg.h"
#include "mssql.h"
#include "secret.h"

/* Statements cost a round trip each, whatever they move. */
#define BATCH ((size_t)8 << 20)
#define TRIES 5
/* Results of sp_getapplock; 0 and 1 are good, and -2 and -3 may be so next time. */
#define LOCK_TIMED_OUT (-1)
#define LOCK_REFUSED   (-999)

struct db {
	const struct db_options *o;
	struct connstr c;
	char *name; /* host/database */
	struct link link;
	int linked; /* link_init was called */
	struct mssql_rooms rooms;
	int old_schema; /* a dry run makes it in each transaction */
	int unmade;	/* its tables wait for something to put there */
	int staged;	/* this connection has its staging tables */
	int was_there;	/* the server has been reached */

	/* of the batch at hand */
	struct batch *b;
	size_t from, to;
	uint64_t *rows[BATCH_TABLES];
};

static int
run_table(struct db *db, enum mssql_statement statement, int t,
    void (*row)(void *, const int64_t *, int), void *arg, int64_t *count)
{
	struct buf sql = {0};
	const char *what = mssql_sql(&sql, statement, (enum table_id)t, &db->rooms, db->o);
	int bad = link_run(&db->link, what, buf_text(&sql), row, arg, count);

	/* No session is at fault before the first statement that reads one. */
	if (bad && db->link.failure == LINK_DATA && statement < MSSQL_UNCHANGED) {
		db->link.failure = LINK_FINAL;
		db->link.code = EX_CONFIG;
	}
	buf_free(&sql);
	return bad;
}

static int
run(struct db *db, enum mssql_statement statement, void (*row)(void *, const int64_t *, int))
{
	return run_table(db, statement, 0, row, db, NULL);
}

static void
take_unchanged(void *arg, const int64_t *v, int n)
{
	struct db *db = arg;

	if (n < 1 || v[0] < 0 || v[0] >= (int64_t)(db->to - db->from))
		return;
	db->b->session[db->from + (size_t)v[0]].fate = FATE_UNCHANGED;
}

static void
take_fate(void *arg, const int64_t *v, int n)
{
	struct db *db = arg;

	if (n < 2 || v[0] < 0 || v[0] >= (int64_t)(db->to - db->from) || v[1] < FATE_NEW ||
	    v[1] > FATE_OLDER)
		return;
	db->b->session[db->from + (size_t)v[0]].fate = (enum fate)v[1];
}

/* How many rows of a table the transaction must insert. */
static int64_t
wanted(const struct db *db, int t, enum fate also)
{
	size_t i;
	int64_t n = 0;

	for (i = db->from; i < db->to; i++)
		if (db->b->session[i].fate == FATE_NEW || db->b->session[i].fate == also)
			n += (int64_t)db->rows[t][i - db->from];
	return n;
}

static int
insert(struct db *db, int t, enum fate also)
{
	int64_t count, want = wanted(db, t, also);

	if (want == 0)
		return 0;
	if (run_table(db, MSSQL_INSERT, t, NULL, NULL, &count) == -1)
		return -1;
	if (count == want || count == -1)
		return 0;
	return link_refuse(&db->link, LINK_FINAL, EX_IOERR,
	    "inserting into %s: %lld rows instead of %lld: has somebody made a trigger?",
	    table_list[t].name, (long long)count, (long long)want);
}

static int
bulk(struct db *db, int t)
{
	struct mssql_bulk k = {&db->link, db->o, &db->rooms, db->b, db->from, db->to};

	return mssql_bulk(&k, (enum table_id)t, db->rows[t]);
}

/* Is there a session with this fate? */
static int
has(const struct db *db, enum fate fate)
{
	size_t i;

	for (i = db->from; i < db->to && db->b->session[i].fate != fate; i++)
		;
	return i < db->to;
}

/* Copy the sessions, then the other rows of those that have changed.  1: none has. */
static int
stage(struct db *db)
{
	size_t i;
	int t;

	/* If the server then tells no fate of one, fewer rows than wanted are inserted. */
	for (i = db->from; i < db->to; i++)
		if (db->b->session[i].fate != FATE_SETTLED)
			db->b->session[i].fate = FATE_NEW;
	if (run(db, MSSQL_CLEAR, NULL) == -1 || bulk(db, TABLE_SESSION) == -1 ||
	    run(db, MSSQL_UNCHANGED, take_unchanged) == -1)
		return -1;
	if (!has(db, FATE_NEW))
		return 1;
	for (t = TABLE_SESSION + 1; t < BATCH_TABLES; t++)
		if (bulk(db, t) == -1)
			return -1;
	return 0;
}

/* Sessions that are replaced lose their rows. */
static int
replace(struct db *db)
{
	int t;

	if (!has(db, FATE_REPLACED))
		return 0;
	if (run(db, MSSQL_UPDATE, NULL) == -1)
		return -1;
	/* Rows that point to others go first: the vendor's tables may have no cascade. */
	for (t = BATCH_TABLES - 1; t > TABLE_SESSION; t--)
		if (run_table(db, MSSQL_DELETE, t, NULL, NULL, NULL) == -1)
			return -1;
	return 0;
}

/* Within the transaction, under the lock. */
static int
store(struct db *db)
{
	int t;

	if (run(db, MSSQL_DECIDE, NULL) == -1 || run(db, MSSQL_DECIDED, take_fate) == -1)
		return -1;
	if (db->o->list)
		return 0;
	if (replace(db) == -1)
		return -1;
	if (insert(db, TABLE_SESSION, FATE_NEW) == -1 || run(db, MSSQL_FIND_SESSIONS, NULL) == -1)
		return -1;
	for (t = TABLE_SESSION + 1; t < BATCH_TABLES; t++)
		if (insert(db, t, FATE_REPLACED) == -1)
			return -1;
	return 0;
}

static int
begin(struct db *db)
{
	return link_run(
	    &db->link, "beginning a transaction", "BEGIN TRANSACTION", NULL, NULL, NULL);
}

static int
take_lock(struct db *db)
{
	int64_t said[LINK_KEPT] = {LINK_NULL};

	if (run_table(db, MSSQL_LOCK, 0, link_keep, said, NULL) == -1)
		return -1;
	if (said[0] >= 0)
		return 0;
	if (said[0] == LOCK_TIMED_OUT)
		return link_refuse(&db->link, LINK_FINAL, EX_TEMPFAIL,
		    "another loader has been writing to it for %d seconds; try again later",
		    db->o->timeout);
	return link_refuse(&db->link, said[0] > LOCK_REFUSED ? LINK_AGAIN : LINK_FINAL,
	    said[0] > LOCK_REFUSED ? EX_TEMPFAIL : EX_SOFTWARE,
	    "waiting for other loaders: sp_getapplock says %lld", (long long)said[0]);
}

static int
end(struct db *db, int commit)
{
	return commit ? link_run(&db->link, "committing", "COMMIT TRANSACTION", NULL, NULL, NULL) :
			link_run(&db->link, "rolling back",
			    "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", NULL, NULL, NULL);
}

/* One transaction of something.  0, or -1 and the failure. */
static int
transact(struct db *db, int (*work)(struct db *), int commit)
{
	if (begin(db) == 0 && take_lock(db) == 0 && work(db) == 0)
		return end(db, commit);
	return -1;
}

/* After a failure: end the transaction, or else the connection.  The failure is kept. */
static void
give_up(struct db *db)
{
	struct link saved = db->link;

	if (db->link.p == NULL)
		return;
	memset(&db->link.text, 0, sizeof(db->link.text));
	if (dbdead(db->link.p) || saved.failure == LINK_LOST || end(db, 0) == -1)
		link_disconnect(&db->link);
	buf_free(&db->link.text);
	saved.p = db->link.p;
	db->link = saved;
}

/*
 * Check the database, and make what it lacks, in a transaction.  All checks come
 * first, so that nothing is changed in a database that is refused.
 */
static int
make_schema(struct db *db)
{
	enum mssql_state state;

	/* Another loader may have been faster. */
	if (mssql_schema_inspect(&db->link, &state) == -1 || mssql_schema_check(&db->link) == -1 ||
	    (state != MSSQL_READY && mssql_schema_make(&db->link) == -1))
		return -1;
	return mssql_schema_rooms(&db->link, &db->rooms);
}

static int
make_staging(struct db *db)
{
	if (run(db, MSSQL_STAGE, NULL) == -1)
		return -1;
	db->staged = 1;
	db->rooms.widened = 0;
	return 0;
}

/* A dry run of a database that lacks something: all of it is undone. */
static int
make_and_store(struct db *db)
{
	return make_schema(db) == -1 || make_staging(db) == -1 || stage(db) == -1 ? -1 : store(db);
}

static int
try_write(struct db *db)
{
	int done;

	if (db->old_schema)
		return transact(db, make_and_store, 0);
	if ((!db->staged || db->rooms.widened) && make_staging(db) == -1)
		return -1;
	done = stage(db);
	if (done != 0)
		return done == 1 ? 0 : -1;
	return transact(db, store, !db->o->dry_run);
}

static int
try_make(struct db *db)
{
	enum mssql_state state;

	if (mssql_schema_inspect(&db->link, &state) == -1)
		return -1;
	if (state != MSSQL_READY) {
		msg_tell(1, "%s: making its tables, version %d", db->name, SCHEMA_VERSION);
		if (transact(db, make_schema, 1) == -1 || mssql_schema_make_view(&db->link) == -1)
			return -1;
	} else if (make_schema(db) == -1)
		return -1;
	db->unmade = 0;
	return 0;
}

/*
 * Before anything is read.  An empty database stays empty until sessions come, but its
 * tables are made and rolled back, so that a missing permission is noticed before
 * hours are spent on the input.
 */
static int
try_prepare(struct db *db)
{
	enum mssql_state state;

	if (mssql_schema_inspect(&db->link, &state) == -1)
		return -1;
	if (state == MSSQL_EMPTY && db->o->existing)
		return link_refuse(&db->link, LINK_FINAL, EX_CANTCREAT,
		    "its tables are not there, and --existing demands them: is this the right "
		    "database?");
	db->old_schema = state != MSSQL_READY && db->o->dry_run;
	db->unmade = state == MSSQL_EMPTY && !db->o->dry_run;
	if (db->unmade || db->old_schema)
		return transact(db, make_schema, 0);
	return try_make(db);
}

static void
wait_before(int try, enum link_failure failure)
{
	/* A random part: loaders that met once would meet again. */
	long ms = (failure == LINK_LOST ? 1000L : 100L) << try;
	struct timespec t;

	ms += random() % ms;
	t.tv_sec = ms / 1000;
	t.tv_nsec = ms % 1000 * 1000000;
	nanosleep(&t, NULL);
}

static int
connect(struct db *db)
{
	if (db->link.p != NULL)
		return 0;
	db->staged = 0;
	if (link_connect(&db->link) == -1)
		return -1;
	db->was_there = 1;
	return 0;
}

/*
 * Repeat the work until it succeeds, or cannot succeed.  0, or a
 * code: EX_DATAERR without a message, any other after one.
 */
static int
persist(struct db *db, int (*work)(struct db *))
{
	struct link *l = &db->link;
	int try;

	for (try = 0;; try++) {
		if (connect(db) == 0 && work(db) == 0)
			return 0;
		give_up(db);
		/* The server was there before: it is starting, or recovers the database. */
		if (db->was_there &&
		    (l->number == SYBEFCON || l->number == 4060 || l->number == 911)) {
			l->failure = LINK_LOST;
			l->code = EX_TEMPFAIL;
		}
		if (l->failure == LINK_DATA)
			return EX_DATAERR;
		/* A server that is down when a load begins is the caller's to wait for;
		 * one that goes down during a load may be back soon. */
		if (l->failure == LINK_FINAL || try + 1 == TRIES || !db->was_there)
			break;
		msg_warn("%s: %s: trying again (%d of %d)", db->name, l->text.p, try + 2, TRIES);
		wait_before(try, l->failure);
	}
	msg_warn("%s: %s", db->name, l->text.p);
	return l->code;
}

/* try_make or try_prepare.  0, or a code after a message. */
static int
prepare(struct db *db, int (*work)(struct db *))
{
	int code = persist(db, work);

	if (code != EX_DATAERR)
		return code;
	msg_warn("%s: %s", db->name, db->link.text.p);
	return EX_CONFIG;
}

static int
make_tables(struct db *db)
{
	return db->unmade ? prepare(db, try_make) : 0;
}

static int
fits(struct db *db, struct batch *b, size_t i, struct buf *reason)
{
	return mssql_fits(&db->rooms, b, i, reason);
}

static int
write_batch(struct db *db, struct batch *b, size_t from, size_t to, struct buf *reason)
{
	size_t n = to - from;
	int t, code = make_tables(db);

	if (code != 0)
		return code;
	db->b = b;
	db->from = from;
	db->to = to;
	for (t = 0; t < BATCH_TABLES; t++)
		db->rows[t] = xcalloc(n, sizeof(*db->rows[t]));
	code = persist(db, try_write);
	if (code == EX_DATAERR)
		buf_adds(reason, buf_text(&db->link.text));
	for (t = 0; t < BATCH_TABLES; t++)
		free(db->rows[t]);
	return code;
}

static int
close_db(struct db *db)
{
	if (db == NULL)
		return 0;
	if (db->linked) {
		link_free(&db->link);
		dbexit();
	}
	connstr_free(&db->c);
	free(db->name);
	free(db);
	return 0;
}

/* A connection string in a file is a secret, for it holds a password. */
static int
read_target(struct db *db)
{
	const struct db_options *o = db->o;
	char *text;
	int code = 0;

	secret_guard();
	text =
	    o->is_string ? xstrdup(o->target) : secret_file(o->target, "connection string", &code);
	if (text == NULL)
		return code;
	code = connstr_parse(text, strlen(text), o->is_string ? "connection string" : o->target,
	    o->password, &db->c);
	secret_free(text);
	if (code == 0)
		db->name = xasprintf("%s/%s", db->c.host,
		    db->c.database != NULL ? db->c.database : "(default database)");
	return code;
}

static struct db *
open_db(const struct db_options *o, int *code)
{
	struct db *db = xcalloc(1, sizeof(*db));
	struct timespec now;

	db->o = o;
	if ((*code = read_target(db)) == 0)
		*code = link_init(&db->link, &db->c, db->name, o->ca_file, o->timeout);
	db->linked = *code == 0;
	if (*code == 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		srandom((unsigned)now.tv_nsec);
		*code = prepare(db, try_prepare);
	}
	if (*code == 0)
		return db;
	close_db(db);
	return NULL;
}

const struct db_ops db_mssql = {
    .batch = BATCH,
    .open = open_db,
    .make = make_tables,
    .fits = fits,
    .write = write_batch,
    .close = close_db,
    .schema = mssql_schema,
};
