/*
 * SQLite: one file, in WAL mode with synchronous=FULL, so that readers see
 * whole batches and never wait, and what was committed outlives a power cut.
 *
 * Writers take an flock(2) of the file before they begin, besides SQLite's
 * own locks (which are of another kind and do not meet it).  It makes
 * waiting cheap; and it keeps two loaders from checkpointing at once, which
 * in SQLite 3.7.0 to 3.51.2 can, rarely, damage a database in WAL mode.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "msg.h"
#include "sqlite.h"

/* For the pages that a batch touches again and again; the rest comes from
 * the system's cache.  In KiB. */
#define CACHE_KIB "4096"

/* Short: the other end of the pipe works on meanwhile, as far as it can. */
#define BATCH ((size_t)2 << 20)

enum statement {
	FIND,
	LAST_IDS,
	BEGIN,
	COMMIT,
	ROLLBACK,
	DELETE_FIRST,
	INSERT_FIRST = DELETE_FIRST + BATCH_TABLES,
	STATEMENTS = INSERT_FIRST + BATCH_TABLES
};

struct db {
	const struct db_options *o;
	const char *path;
	int fd; /* for the lock; -1 for a database in memory */
	sqlite3 *h;
	sqlite3_stmt *stmt[STATEMENTS];
	struct sqlite_load load;
	int old_schema; /* a dry run must bring it up to date anew each time */
};

/* The exit code for an SQLite result. */
static int
code_of(int rc)
{
	static const unsigned char code[] = {
	    [SQLITE_BUSY] = EX_TEMPFAIL,
	    [SQLITE_LOCKED] = EX_TEMPFAIL,
	    [SQLITE_NOMEM] = EX_TEMPFAIL,
	    [SQLITE_CANTOPEN] = EX_CANTCREAT,
	    [SQLITE_READONLY] = EX_CANTCREAT,
	    [SQLITE_PERM] = EX_NOPERM,
	    [SQLITE_AUTH] = EX_NOPERM,
	    [SQLITE_NOTADB] = EX_CONFIG,
	    [SQLITE_SCHEMA] = EX_CONFIG,
	    [SQLITE_ERROR] = EX_CONFIG,
	    [SQLITE_TOOBIG] = EX_DATAERR,
	    [SQLITE_CONSTRAINT] = EX_DATAERR,
	    [SQLITE_MISMATCH] = EX_DATAERR,
	    [SQLITE_MISUSE] = EX_SOFTWARE,
	    [SQLITE_INTERNAL] = EX_SOFTWARE,
	    [SQLITE_RANGE] = EX_SOFTWARE,
	};
	size_t i = (size_t)(rc & 0xff);

	return i < sizeof(code) && code[i] != 0 ? code[i] : EX_IOERR;
}

/* Is it for locks or shared memory, which a network file system lacks? */
static int
is_for_sharing(sqlite3 *h)
{
	switch (sqlite3_extended_errcode(h)) {
	case SQLITE_PROTOCOL:
	case SQLITE_IOERR_LOCK:
	case SQLITE_IOERR_UNLOCK:
	case SQLITE_IOERR_RDLOCK:
	case SQLITE_IOERR_CHECKRESERVEDLOCK:
	case SQLITE_IOERR_SHMOPEN:
	case SQLITE_IOERR_SHMSIZE:
	case SQLITE_IOERR_SHMLOCK:
	case SQLITE_IOERR_SHMMAP:
		return 1;
	}
	return 0;
}

/* What went wrong with the database, in words; its code. */
static int
complain(struct db *db, int rc, const char *doing)
{
	const char *said = sqlite3_errmsg(db->h);

	errno = sqlite3_system_errno(db->h);
	if (is_for_sharing(db->h)) {
		msg_warn("%s: %s: %s: locks or shared memory do not work there, as on a network "
			 "file system (NFS, SMB): keep the database on a disk of this machine",
		    db->path, doing, said);
		return EX_IOERR;
	}
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		msg_warn("%s: another program has kept it locked for %d seconds; try again later",
		    db->path, db->o->timeout);
		break;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		msg_warn("%s: %s: %s: the file and its folder must be writable: SQLite keeps files "
			 "beside it",
		    db->path, doing, said);
		break;
	case SQLITE_FULL:
		msg_warn("%s: %s: the disk is full", db->path, doing);
		break;
	case SQLITE_CORRUPT:
		msg_warn("%s: %s: the database is damaged (%s); sqlite3's \".recover\" or a backup "
			 "may help",
		    db->path, doing, said);
		break;
	case SQLITE_NOTADB:
		msg_warn("%s: this is no SQLite database", db->path);
		break;
	default:
		if ((rc & 0xff) == SQLITE_IOERR && errno != 0)
			msg_errno("%s: %s: %s", db->path, doing, said);
		else
			msg_warn("%s: %s: %s", db->path, doing, said);
	}
	return code_of(rc);
}

static void
unlock(struct db *db)
{
	if (db->fd != -1)
		flock(db->fd, LOCK_UN);
}

/* Wait for other loaders.  0, or -1 when the time is over. */
static int
try_lock(struct db *db)
{
	struct timespec nap = {0, 20000000};
	int naps = db->o->timeout * 50;

	if (db->fd == -1)
		return 0;
	while (flock(db->fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return 0; /* a file system without: SQLite's own locks do */
		if (naps-- <= 0)
			return -1;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int
lock(struct db *db)
{
	return try_lock(db) == 0 ? 0 : complain(db, SQLITE_BUSY, "");
}

static int
prepare(struct db *db, int which, const char *sql)
{
	if (db->stmt[which] != NULL)
		return SQLITE_OK;
	return sqlite3_prepare_v3(
	    db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &db->stmt[which], NULL);
}

/* Run a statement without results to its end. */
static int
run(struct db *db, int which)
{
	int rc = sqlite3_step(db->stmt[which]);

	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		rc = sqlite3_extended_errcode(db->h);
	else
		rc = SQLITE_OK;
	sqlite3_reset(db->stmt[which]);
	return rc;
}

/* Of a session, not of an event of it. */
static int
is_child(int t)
{
	return t != TABLE_SESSION && schema_parent((enum table_id)t) == TABLE_SESSION;
}

static int
prepare_table(struct db *db, int t)
{
	const char *name = table_list[t].name;
	struct buf sql = {0};
	int rc;

	/* OR ROLLBACK: a batch with a failed statement is given up, so SQLite need not
	 * save what the statement has changed. */
	buf_printf(&sql, "INSERT OR ROLLBACK INTO \"%s\" (", name);
	schema_list(&sql, (enum table_id)t, 0, "\"~\"");
	buf_printf(&sql, ") SELECT * FROM \"batch_%s\"", name);
	if (t == TABLE_SESSION) {
		buf_adds(&sql, " WHERE true ON CONFLICT (id) DO UPDATE SET ");
		schema_list(&sql, TABLE_SESSION, 1, "\"~\" = excluded.\"~\"");
	}
	rc = prepare(db, INSERT_FIRST + t, buf_text(&sql));
	buf_reset(&sql);
	buf_printf(&sql, "DELETE FROM \"%s\" WHERE session_id = ?1", name);
	if (rc == SQLITE_OK && is_child(t))
		rc = prepare(db, DELETE_FIRST + t, buf_text(&sql));
	buf_free(&sql);
	return rc;
}

/*
 * The last ids: those that AUTOINCREMENT remembers, or the greatest ones, where
 * somebody has copied rows back.
 */
static int
prepare_last_ids(struct db *db)
{
	struct buf sql = {0};
	int t, rc;

	for (t = 0; t < BATCH_TABLES; t++)
		buf_printf(&sql,
		    "%sSELECT %d, max((SELECT coalesce(max(seq), 0) FROM "
		    "sqlite_sequence WHERE name = '%s'), (SELECT coalesce(max(id), 0) FROM "
		    "\"%s\"))",
		    t > 0 ? " UNION ALL " : "", t, table_list[t].name, table_list[t].name);
	rc = prepare(db, LAST_IDS, buf_text(&sql));
	buf_free(&sql);
	return rc;
}

/* The statements that need the tables. */
static int
prepare_all(struct db *db)
{
	int rc, t;

	if (db->stmt[STATEMENTS - 1] != NULL)
		return SQLITE_OK;
	rc = prepare(db, FIND,
	    "SELECT id, end_time IS NOT NULL, CASE WHEN content_hash = ?3 THEN NULL ELSE "
	    "(SELECT count(*) FROM session_event WHERE session_id = s.id) END "
	    "FROM session AS s WHERE host_name = ?1 AND lsid = ?2");
	if (rc == SQLITE_OK)
		rc = prepare_last_ids(db);
	for (t = 0; t < BATCH_TABLES && rc == SQLITE_OK; t++)
		rc = prepare_table(db, t);
	return rc;
}

/* A failed statement may have rolled back already. */
static void
roll_back(struct db *db)
{
	if (!sqlite3_get_autocommit(db->h))
		run(db, ROLLBACK);
}

/* Is it ours, and of a version that we know?  0 and *version, or a code. */
static int
check_owner(struct db *db, int64_t *version, int64_t *tables)
{
	int64_t application = 0;
	int rc;

	rc = sqlite_ask(db->h, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = sqlite_ask(db->h, "PRAGMA user_version", version);
	if (rc == SQLITE_OK)
		rc = sqlite_ask(db->h, "SELECT count(*) FROM sqlite_schema", tables);
	if (rc != SQLITE_OK)
		return complain(db, rc, "reading it");
	if (application != SQLITE_APPLICATION_ID && (*tables > 0 || application != 0)) {
		msg_warn("%s: this is another program's database; give praic a file of its own",
		    db->path);
		return EX_CONFIG;
	}
	if (*version > SCHEMA_VERSION) {
		msg_warn("%s: its schema is version %lld, and this praic-tosql knows up to %d: "
			 "install the newer praic",
		    db->path, (long long)*version, SCHEMA_VERSION);
		return EX_CONFIG;
	}
	return 0;
}

/* Does it lack a part of the schema: *needed.  0, or a code. */
static int
check_lack(struct db *db, int64_t version, int *needed)
{
	struct sqlite_lack lack;
	int rc = sqlite_lacks(db->h, &lack), code = 0;

	*needed = version < SCHEMA_VERSION || lack.names.n > 0;
	if (rc != SQLITE_OK)
		code = complain(db, rc, "reading it");
	else if (lack.gone != NULL) {
		msg_warn(
		    "%s: its table %s is gone, and rows of %s belong to it: put it back from a "
		    "backup",
		    db->path, lack.gone, lack.points);
		code = EX_CONFIG;
	} else if (version == SCHEMA_VERSION && lack.names.n > 0)
		msg_warn("%s: somebody has removed %s: making that anew%s", db->path,
		    buf_text(&lack.names),
		    lack.rows ? ", to be filled by what is loaded again" : "");
	buf_free(&lack.sql);
	buf_free(&lack.names);
	return code;
}

/* In one transaction: another loader may have been faster. */
static int
make_tables(struct db *db)
{
	int64_t version, tables;
	int code = 0, rc;

	msg_tell(1, "%s: making its tables, version %d", db->path, SCHEMA_VERSION);
	rc = run(db, BEGIN);
	if (rc == SQLITE_OK && (code = check_owner(db, &version, &tables)) == 0)
		rc = sqlite_upgrade(db->h);
	if (rc == SQLITE_OK && code == 0)
		rc = run(db, COMMIT);
	if (rc != SQLITE_OK)
		code = complain(db, rc, "making its tables");
	roll_back(db);
	return code == EX_DATAERR ? EX_CONFIG : code;
}

static int
bring_up(struct db *db)
{
	int64_t version = 0, tables = 0, session = 1;
	int needed = 1, rc, code;

	code = check_owner(db, &version, &tables);
	if (code == 0 && db->o->existing) {
		rc = sqlite_ask(db->h,
		    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'session'",
		    &session);
		if (rc != SQLITE_OK)
			code = complain(db, rc, "reading it");
		else if (session == 0) {
			msg_warn("%s: its tables are not there, and --existing demands them: is "
				 "its share mounted?",
			    db->path);
			code = EX_CANTCREAT;
		}
	}
	if (code == 0 && tables > 0)
		code = check_lack(db, version, &needed);
	if (code != 0)
		return code;
	/* Where WAL cannot be had, a rollback journal is as safe. */
	if (!db->o->dry_run &&
	    (rc = sqlite3_exec(db->h, "PRAGMA journal_mode = WAL", NULL, NULL, NULL)) != SQLITE_OK)
		return complain(db, rc, "setting its journal mode");
	if (!needed)
		return 0;
	if (db->o->dry_run && db->fd != -1) {
		db->old_schema = 1;
		return 0;
	}
	return make_tables(db);
}

static int
set_up(struct db *db)
{
	int rc;

	sqlite3_extended_result_codes(db->h, 1);
	sqlite3_busy_timeout(db->h, db->o->timeout * 1000);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	rc = sqlite_rows_register(db->h, &db->load);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->h,
		    "PRAGMA cache_size = -" CACHE_KIB ";"
		    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
		    NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = prepare(db, BEGIN, "BEGIN IMMEDIATE");
	if (rc == SQLITE_OK)
		rc = prepare(db, COMMIT, "COMMIT");
	if (rc == SQLITE_OK)
		rc = prepare(db, ROLLBACK, "ROLLBACK");
	return rc;
}

static int close_db(struct db *);

/* Can a file be made in the folder of this one?  0, or -1 and errno. */
static int
can_make(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path) + 1);
	int can = access(folder, W_OK | X_OK);

	free(folder);
	return can;
}

/* The file, made if need be, open for the lock; -1 after a message. */
static int
open_file(const struct db_options *o, int *code)
{
	int fd =
	    open(o->target, O_RDWR | O_CLOEXEC | (o->dry_run || o->existing ? 0 : O_CREAT), 0600);
	struct stat st;

	if (fd == -1 && errno == ENOENT && o->existing)
		msg_warn("%s: it is not there, and --existing demands it: is its share mounted?",
		    o->target);
	else if (fd == -1 && errno == ENOENT && can_make(o->target) == -1)
		msg_errno("%s: its folder", o->target);
	else if (fd == -1)
		msg_errno("%s", o->target);
	if (fd == -1) {
		*code = EX_CANTCREAT;
		return -1;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		msg_warn("%s: not a regular file", o->target);
		close(fd);
		*code = EX_CANTCREAT;
		return -1;
	}
	return fd;
}

int
sqlite_is_new(const struct db_options *o)
{
	return !o->existing && access(o->target, F_OK) == -1 && errno == ENOENT &&
	    can_make(o->target) == 0;
}

static struct db *
open_db(const struct db_options *o, int *code)
{
	struct db *db = xcalloc(1, sizeof(*db));
	int in_memory = o->dry_run && sqlite_is_new(o);
	char *name;
	int rc;

	*code = 0;
	db->o = db->load.o = o;
	db->path = o->target;
	db->fd = -1;
	if (!in_memory && (db->fd = open_file(o, code)) == -1) {
		free(db);
		return NULL;
	}
	if ((*code = lock(db)) == 0) {
		/* A name such as ":memory:" has no special meaning here. */
		name = in_memory ? xstrdup(":memory:") :
				   xasprintf("%s%s", *db->path == '/' ? "" : "./", db->path);
		rc = sqlite3_open_v2(name, &db->h, SQLITE_OPEN_READWRITE, NULL);
		free(name);
		if (rc == SQLITE_OK)
			rc = set_up(db);
		if (rc != SQLITE_OK)
			*code = complain(db, rc, "opening it");
	}
	if (*code == 0)
		*code = bring_up(db);
	if (*code != 0) {
		close_db(db);
		return NULL;
	}
	unlock(db);
	return db;
}

static int
close_db(struct db *db)
{
	int i;

	if (db == NULL)
		return 0;
	/* The last one to close moves the WAL into the database.  Without the
	 * lock it stays, which is as good. */
	if (db->h != NULL && try_lock(db) == -1)
		sqlite3_db_config(db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(db->stmt[i]);
	sqlite3_close(db->h);
	if (db->fd != -1)
		close(db->fd); /* last: it would take SQLite's locks along */
	free(db);
	return 0;
}

/* The last id of each table. */
static int
read_last_ids(struct db *db)
{
	sqlite3_stmt *stmt = db->stmt[LAST_IDS];
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		db->load.last_id[sqlite3_column_int(stmt, 0)] = sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
delete_rows(struct db *db, int64_t session_id)
{
	int t, rc = SQLITE_OK;

	/* Rows that belong to an event are deleted by their foreign key. */
	for (t = 0; t < BATCH_TABLES && rc == SQLITE_OK; t++) {
		if (!is_child(t))
			continue;
		sqlite3_bind_int64(db->stmt[DELETE_FIRST + t], 1, session_id);
		rc = run(db, DELETE_FIRST + t);
	}
	return rc;
}

static int
decide(struct db *db, const struct batch *b, struct batch_session *s)
{
	sqlite3_stmt *find = db->stmt[FIND];
	int rc;

	sqlite3_bind_text(find, 1, batch_host(b, s).p, (int)s->host_n, SQLITE_STATIC);
	sqlite3_bind_text(find, 2, batch_lsid(b, s).p, (int)s->lsid_n, SQLITE_STATIC);
	sqlite3_bind_text(find, 3, s->hash, SHA256_HEX - 1, SQLITE_STATIC);
	rc = sqlite3_step(find);
	if (rc == SQLITE_DONE) {
		s->fate = FATE_NEW;
		s->id = ++db->load.last_id[TABLE_SESSION];
	} else if (rc == SQLITE_ROW) {
		s->id = sqlite3_column_int64(find, 0);
		s->fate = sqlite3_column_type(find, 2) == SQLITE_NULL ?
		    FATE_UNCHANGED :
		    batch_weigh(s, sqlite3_column_int(find, 1),
			(uint64_t)sqlite3_column_int64(find, 2), db->o->force);
	}
	sqlite3_reset(find);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		return rc;
	return s->fate == FATE_REPLACED && !db->o->list ? delete_rows(db, s->id) : SQLITE_OK;
}

static int
write_batch(struct db *db, struct batch *b, size_t from, size_t to, struct buf *reason)
{
	size_t i, stored = 0;
	int code, rc, t;

	db->load.batch = b;
	db->load.from = from;
	db->load.to = to;
	if ((code = lock(db)) != 0)
		return code;
	rc = run(db, BEGIN);
	if (rc == SQLITE_OK && db->old_schema)
		rc = sqlite_upgrade(db->h);
	if (rc == SQLITE_OK)
		rc = prepare_all(db);
	if (rc == SQLITE_OK)
		rc = read_last_ids(db);
	for (i = from; i < to && rc == SQLITE_OK; i++) {
		if (b->session[i].fate == FATE_SETTLED)
			continue;
		rc = decide(db, b, &b->session[i]);
		stored += b->session[i].fate == FATE_NEW || b->session[i].fate == FATE_REPLACED;
	}
	for (t = 0; t < BATCH_TABLES && rc == SQLITE_OK && stored > 0 && !db->o->list; t++)
		rc = run(db, INSERT_FIRST + t);
	if (rc == SQLITE_OK)
		rc = run(db, db->o->dry_run || stored == 0 ? ROLLBACK : COMMIT);
	if (rc != SQLITE_OK) {
		code = code_of(rc);
		if (code == EX_DATAERR)
			buf_adds(reason, sqlite3_errmsg(db->h));
		else
			complain(db, rc, "writing to it");
		roll_back(db);
	}
	unlock(db);
	return code;
}

const struct db_ops db_sqlite = {
    .batch = BATCH,
    .open = open_db,
    .write = write_batch,
    .close = close_db,
    .schema = sqlite_schema,
};
