/*
 * The index: a file with an FTS5 table of the words of events, and the number of the
 * last event in it.  It holds no text: that is read in the store.
 *
 * praic-tosql gives rising numbers to events and never uses a number twice: a session
 * that is replaced gets events with new numbers.  So the new events are those with a
 * greater number than the last one.  Entries of events that are gone point at nothing.
 * Nothing in the index is ever changed or removed.
 *
 * One praic-find at a time uses the index, by flock(2).  It is updated in pieces, a
 * transaction each: after a kill the next run goes on behind the last piece.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "find.h"
#include "file.h"
#include "msg.h"

#define APPLICATION_ID 0x70724678 /* prFx */
#define VERSION	       2

/* Event numbers in a transaction: some seconds of work. */
#define PIECE 200000
/* For more events than this, tell the user that the index is being made. */
#define MANY 500000

/*
 * The table is contentless, since the store has the texts, and without the sizes of
 * documents, which only ranking needs.  With more than its usual 1 MiB of memory
 * (hashsize) FTS5 has less to merge.
 */
static const char make_sql[] =
    "DROP TABLE IF EXISTS own.state; DROP TABLE IF EXISTS own.find;"
    "CREATE TABLE own.state (store INTEGER NOT NULL, last INTEGER NOT NULL, what TEXT);"
    "INSERT INTO own.state VALUES (%lld, 0, NULL);"
    "CREATE VIRTUAL TABLE own.find USING fts5(text, content='', columnsize=0, " FIND_TOKENIZE ");"
    "INSERT INTO own.find (find, rank) VALUES ('hashsize', 33554432);"
    "PRAGMA own.application_id = %d; PRAGMA own.user_version = %d";

#define STORE_APPLICATION_ID 0x50527374 /* PRst: praic-storage(5) */

/*
 * The text of the event v: its values, in order.  Sizes and instance numbers are left
 * out: they would be most of the index, and are not searched for.
 */
#define TEXT                                                               \
	"(SELECT group_concat(value, ' | ') FROM store.session_event_data" \
	" WHERE session_event_id = v.id AND name NOT IN ('filesize', 'instance'))"

/* The number of the newest event that the store has or had. */
static const char newest_sql[] =
    "SELECT max(ifnull((SELECT seq FROM store.sqlite_sequence WHERE name = 'session_event'), 0),"
    " ifnull((SELECT max(id) FROM store.session_event), 0))";

/* Which event has this number. */
#define WHAT(id)                                                                        \
	"(SELECT s.lsid || ' ' || v.type || ifnull(' ' || v.event_time, '')"            \
	" FROM store.session_event AS v JOIN store.session AS s ON s.id = v.session_id" \
	" WHERE v.id = " id ")"

/* A store that was restored from a backup gives numbers again, to other events. */
static const char changed_sql[] =
    "SELECT what <> " WHAT("last") " FROM own.state WHERE what IS NOT NULL";

static const char add_sql[] = "INSERT INTO own.find (rowid, text) SELECT v.id, " TEXT
			      " FROM store.session_event AS v WHERE v.id > %lld AND v.id <= %lld;"
			      "UPDATE own.state SET last = %lld, what = " WHAT("%lld") "; COMMIT";

/* The events with the words ?1, within the limits ?2 to ?6. */
#define FOUND                                                                                     \
	" FROM own.find AS find CROSS JOIN store.session_event AS v ON v.id = find.rowid"         \
	" CROSS JOIN store.session AS s ON s.id = v.session_id WHERE find MATCH ?1"               \
	" AND (?2 IS NULL OR v.event_time >= ?2) AND (?3 IS NULL OR v.event_time < ?3)"           \
	" AND (?4 IS NULL OR lower(v.type) GLOB lower(?4))"                                       \
	" AND (?5 IS NULL OR EXISTS (SELECT 1 FROM store.\"user\" AS u WHERE u.session_id = s.id" \
	"  AND (lower(u.user_name) GLOB lower(?5) OR lower(u.display_name) GLOB lower(?5)"        \
	"   OR lower(u.public_display_name) GLOB lower(?5))))"                                    \
	" AND (?6 IS NULL OR EXISTS (SELECT 1 FROM store.customer AS c WHERE c.session_id = s.id" \
	"  AND (lower(c.host_name) GLOB lower(?6) OR lower(c.display_name) GLOB lower(?6))))"

static const char sessions_sql[] = "INSERT INTO temp.hit (lsid) SELECT s.lsid" FOUND
				   " GROUP BY s.id ORDER BY min(ifnull(v.event_time, '')), s.id";

/*
 * The user: the login of the one who did it; if the endpoint or the appliance did it,
 * that of the session's primary user in parentheses.
 */
static const char events_sql[] =
    "INSERT INTO temp.hit SELECT replace(v.event_time, ' ', 'T') || 'Z', s.lsid, coalesce("
    " (SELECT coalesce(nullif(u.user_name, ''), u.display_name) FROM store.\"user\" AS u"
    "  WHERE u.session_id = s.id AND v.performed_by_type = 'representative'"
    "  AND u.gs_number = v.performed_by_gs_number LIMIT 1),"
    " CASE WHEN v.performed_by_type = 'representative' THEN v.performed_by END,"
    " (SELECT '(' || coalesce(nullif(u.user_name, ''), u.display_name) || ')'"
    "  FROM store.\"user\" AS u WHERE u.session_id = s.id"
    "  ORDER BY u.is_primary DESC, u.id LIMIT 1)),"
    " (SELECT coalesce(nullif(c.host_name, ''), c.display_name) FROM store.customer AS c"
    "  WHERE c.session_id = s.id LIMIT 1), " TEXT FOUND " ORDER BY ifnull(v.event_time, ''), v.id";

/* The first number of the first row, or 0.  0, or a code after a message. */
static int
ask(struct find *f, const char *sql, int64_t *answer)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(f->db, sql, -1, &q, NULL), code = 0;

	*answer = 0;
	if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW)
		*answer = sqlite3_column_int64(q, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = find_failed(f, f->index_path, "reading it");
	sqlite3_finalize(q);
	return code;
}

/* Run SQL without results.  0, or a code after a message. */
static int __attribute__((format(printf, 2, 3))) run(struct find *f, const char *text, ...)
{
	int code = 0;
	va_list ap;
	char *sql;

	va_start(ap, text);
	sql = sqlite3_vmprintf(text, ap);
	va_end(ap);
	if (sql == NULL)
		xnomem();
	if (sqlite3_exec(f->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		code = find_failed(f, f->index_path, "writing to it");
	sqlite3_free(sql);
	return code;
}

/* If it is not an index of this store, make it anew. */
static int
check(struct find *f, int64_t newest, int64_t *last)
{
	int64_t application = 0, version = 0, tables = 0, store = 0, changed = 0;
	struct stat st;
	int code;

	if (stat(f->store_path, &st) == -1) {
		msg_errno("%s", f->store_path);
		return EX_NOINPUT;
	}
	if ((code = ask(f, "PRAGMA own.application_id", &application)) != 0 ||
	    (code = ask(f, "PRAGMA own.user_version", &version)) != 0 ||
	    (code = ask(f, "SELECT count(*) FROM own.sqlite_schema", &tables)) != 0)
		return code;
	if (application != APPLICATION_ID && (application != 0 || tables > 0)) {
		msg_warn("%s: this is another program's database, and no index of praic-find",
		    f->index_path);
		return EX_CONFIG;
	}
	*last = 0;
	if (version == VERSION &&
	    ((code = ask(f, "SELECT store FROM own.state", &store)) != 0 ||
		(code = ask(f, "SELECT last FROM own.state", last)) != 0 ||
		(code = ask(f, changed_sql, &changed)) != 0))
		return code;
	if (version == VERSION && store == (int64_t)st.st_ino && *last <= newest && !changed)
		return 0;
	if (tables > 0)
		msg_tell(
		    1, "%s: this is the index of another store: making it anew", f->index_path);
	*last = 0;
	return run(f, make_sql, (long long)st.st_ino, APPLICATION_ID, VERSION);
}

/* Open the index's file, for its lock.  -1 after a message. */
static int
open_file(struct find *f)
{
	int fd = open(f->index_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st, store;

	if (fd == -1) {
		msg_errno("%s: the index cannot be written; --index FILE keeps one elsewhere",
		    f->index_path);
		return -1;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		msg_warn("%s: not a regular file", f->index_path);
		close(fd);
		return -1;
	}
	/* What root makes, the store's owner must be able to use. */
	if (st.st_size == 0 && geteuid() == 0 && stat(f->store_path, &store) == 0)
		(void)!fchown(fd, store.st_uid, store.st_gid);
	return fd;
}

/* Returns SQLite's code. */
static int
attach(struct find *f, const char *path, const char *how, const char *name)
{
	struct buf b = {0};
	int rc;

	buf_adds(&b, *path == '/' ? "ATTACH 'file://" : "ATTACH 'file:./");
	for (; *path != '\0'; path++)
		if (strchr("%?#'", *path) != NULL)
			buf_printf(&b, "%%%02x", (unsigned char)*path);
		else
			buf_addc(&b, *path);
	buf_printf(&b, "?%s' AS %s; SELECT 1 FROM %s.sqlite_schema", how, name, name);
	rc = sqlite3_exec(f->db, buf_text(&b), NULL, NULL, NULL);
	buf_free(&b);
	return rc;
}

/*
 * In a folder that is not writable, SQLite cannot make the files that readers and
 * writers share.  The lock that each praic-tosql takes before it writes keeps writers
 * out instead.
 */
static int
attach_alone(struct find *f)
{
	char *log = xasprintf("%s-wal", f->store_path);
	struct stat st;
	int rc = SQLITE_CANTOPEN;

	msg_tell(
	    1, "%s: its folder is not writable: praic-tosql waits until this ends", f->store_path);
	while (flock(f->store_fd, LOCK_SH) == -1 && errno == EINTR)
		;
	/* Sessions in the log of a loader that died are readable only with it. */
	if (stat(log, &st) == -1 || st.st_size == 0) {
		(void)sqlite3_exec(f->db, "DETACH store", NULL, NULL, NULL);
		rc = attach(f, f->store_path, "immutable=1", "store");
	}
	free(log);
	return rc;
}

static int
open_store(struct find *f)
{
	int64_t application = 0;
	int rc, code;

	if ((f->store_fd = open(f->store_path, O_RDONLY | O_CLOEXEC)) == -1) {
		msg_errno("%s", f->store_path);
		return EX_NOINPUT;
	}
	sqlite3_temp_directory = sqlite3_mprintf("%s", file_scratch_dir());
	rc = sqlite3_open_v2(
	    "", &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL);
	sqlite3_busy_timeout(f->db, 30000);
	if (rc == SQLITE_OK)
		rc = attach(f, f->store_path, "mode=ro", "store");
	if (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY)
		rc = attach_alone(f);
	if (rc != SQLITE_OK)
		return find_failed(f, f->store_path, "opening it");
	sqlite3_db_config(f->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(f->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	code = ask(f, "PRAGMA store.application_id", &application);
	if (code == 0 && application != STORE_APPLICATION_ID) {
		msg_warn("%s: this is no database of praic-tosql", f->store_path);
		code = EX_CONFIG;
	}
	return code;
}

/* Open the index and lock it. */
static int
open_index(struct find *f)
{
	if ((f->index_fd = open_file(f)) == -1)
		return EX_CANTCREAT;
	if (flock(f->index_fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK) {
		msg_tell(1, "%s: waiting for another praic-find", f->index_path);
		while (flock(f->index_fd, LOCK_EX) == -1 && errno == EINTR)
			;
	}
	if (attach(f, f->index_path, "mode=rw", "own") != SQLITE_OK)
		return find_failed(f, f->index_path, "opening it");
	/* The cache holds the pages that a merge uses. */
	return run(f, "PRAGMA own.synchronous = NORMAL; PRAGMA own.cache_size = -32768");
}

/* Update the index, and stay in a transaction.  Each piece has a transaction of its own:
 * a long one would keep praic-tosql's log from being emptied. */
static int
update(struct find *f)
{
	int64_t last = 0, newest = 0, to, first = -1;
	int code;

	for (;;) {
		code = run(f, "BEGIN IMMEDIATE");
		if (code == 0)
			code = ask(f, newest_sql, &newest);
		if (code == 0)
			code = check(f, newest, &last);
		if (code != 0 || last == newest)
			return code;
		if (first == -1) {
			first = last;
			if (msg_level > 0 || (newest - last > MANY && isatty(STDERR_FILENO)))
				msg_warn("%s: adding %lld events to the index", f->index_path,
				    (long long)(newest - last));
		}
		to = last + PIECE < newest ? last + PIECE : newest;
		code =
		    run(f, add_sql, (long long)last, (long long)to, (long long)to, (long long)to);
		if (code != 0)
			return code;
	}
}

static int
match(struct find *f)
{
	const char *bound[] = {
	    buf_text(&f->words), f->since, f->until, f->type, f->user, f->endpoint};
	sqlite3_stmt *q = NULL;
	int code, rc;
	size_t i;

	code = run(f, "CREATE TEMP TABLE hit (time, lsid, user, endpoint, text)");
	if (code != 0)
		return code;
	rc = sqlite3_prepare_v2(f->db, f->sessions_only ? sessions_sql : events_sql, -1, &q, NULL);
	for (i = 0; i < sizeof(bound) / sizeof(bound[0]); i++)
		sqlite3_bind_text(q, (int)i + 1, bound[i], -1, SQLITE_STATIC);
	if (rc != SQLITE_OK || sqlite3_step(q) != SQLITE_DONE)
		code = find_failed(f, f->index_path, "looking for the words");
	sqlite3_finalize(q);
	return code != 0 ? code : run(f, "COMMIT");
}

int
index_find(struct find *f)
{
	int code;

	if ((code = open_store(f)) == 0 && (code = open_index(f)) == 0 && (code = update(f)) == 0)
		code = match(f);
	if (code == 0)
		flock(f->index_fd, LOCK_UN);
	return code;
}
