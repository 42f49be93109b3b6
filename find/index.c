/*
 * The index: a file of its own, with an FTS5 table of the words of events and
 * how far it goes.  It holds no text: what it points at is read in the store.
 *
 * praic-tosql gives rising numbers to events, and never gives a number again:
 * a session that is replaced gets events with new numbers.  So what is new
 * since the last time is what has a greater number, whatever happened; and
 * what the index says of events that are gone points at nothing.  Nothing in
 * it is ever changed or removed, and it is right for any state of the store
 * up to the number that it goes to.
 *
 * One praic-find at a time has the index, by flock(2).  It is brought up to
 * date in pieces, a transaction each: what was killed goes on there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "find.h"
#include "msg.h"

#define APPLICATION_ID 0x70724678 /* prFx */
#define VERSION	       1

/* Event numbers in a transaction: some seconds of work. */
#define PIECE 200000
/* From here on making the index takes so long that people want to know. */
#define MANY 500000

/*
 * contentless, since the store has the texts; without the sizes of documents,
 * which only ranking needs.  What FTS5 gathers in memory before it writes:
 * more than its 1 MiB makes less to merge.
 */
static const char make_sql[] =
    "BEGIN IMMEDIATE; DROP TABLE IF EXISTS state; DROP TABLE IF EXISTS find;"
    "CREATE TABLE state (store INTEGER NOT NULL, last INTEGER NOT NULL);"
    "INSERT INTO state VALUES (%lld, 0);"
    "CREATE VIRTUAL TABLE find USING fts5(text, content='', columnsize=0, " FIND_TOKENIZE ");"
    "INSERT INTO find (find, rank) VALUES ('hashsize', 33554432);"
    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT";

/* What the store's newest event is, or was if that one is gone. */
static const char newest_sql[] =
    "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'session_event'), 0),"
    " coalesce((SELECT max(id) FROM session_event), 0))";

static const char text_sql[] =
    "SELECT v.id, " FIND_TEXT " FROM session_event AS v WHERE v.id > ?1 AND v.id <= ?2";

/* An event with these words: its time and session, if it is asked for. */
static const char asked_sql[] =
    "SELECT coalesce(v.event_time, ''), v.session_id FROM session_event AS v WHERE v.id = ?1"
    " AND (?2 IS NULL OR v.event_time >= ?2) AND (?3 IS NULL OR v.event_time < ?3)"
    " AND (?4 IS NULL OR lower(v.type) GLOB lower(?4))"
    " AND (?5 IS NULL OR EXISTS (SELECT 1 FROM \"user\" AS u WHERE u.session_id = v.session_id"
    "  AND (lower(u.user_name) GLOB lower(?5) OR lower(u.display_name) GLOB lower(?5)"
    "   OR lower(u.public_display_name) GLOB lower(?5))))"
    " AND (?6 IS NULL OR EXISTS (SELECT 1 FROM customer AS c WHERE c.session_id = v.session_id"
    "  AND (lower(c.host_name) GLOB lower(?6) OR lower(c.display_name) GLOB lower(?6))))";

static int
ask(struct find *f, const char *sql, int64_t *answer)
{
	return find_ask(f->index, f->index_path, sql, answer);
}

/* Is it an index of this store?  Otherwise it is made, or made anew. */
static int
check(struct find *f, int64_t newest, int64_t *last)
{
	int64_t application = 0, version = 0, tables = 0, store = 0;
	struct stat st;
	char *sql;
	int code;

	if (stat(f->store_path, &st) == -1) {
		msg_errno("%s", f->store_path);
		return EX_NOINPUT;
	}
	if ((code = ask(f, "PRAGMA application_id", &application)) != 0 ||
	    (code = ask(f, "PRAGMA user_version", &version)) != 0 ||
	    (code = ask(f, "SELECT count(*) FROM sqlite_schema", &tables)) != 0)
		return code;
	if (application != APPLICATION_ID && (application != 0 || tables > 0)) {
		msg_warn("%s: this is another program's database, and no index of praic-find",
		    f->index_path);
		return EX_CONFIG;
	}
	*last = 0;
	if (version == VERSION &&
	    ((code = ask(f, "SELECT store FROM state", &store)) != 0 ||
		(code = ask(f, "SELECT last FROM state", last)) != 0))
		return code;
	/* A store that was put back from a backup gives numbers once more. */
	if (version == VERSION && store == (int64_t)st.st_ino && *last <= newest)
		return 0;
	if (tables > 0)
		msg_tell(1, "%s: it is of another store: making it anew", f->index_path);
	*last = 0;
	sql = xasprintf(make_sql, (long long)st.st_ino, APPLICATION_ID, VERSION);
	code = find_run(f->index, f->index_path, sql);
	free(sql);
	return code;
}

/* The file, for its lock; -1 after a message. */
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

int
index_open(struct find *f)
{
	char *name;
	int rc;

	if ((f->index_fd = open_file(f)) == -1)
		return EX_CANTCREAT;
	if (flock(f->index_fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK) {
		msg_tell(1, "%s: waiting for another praic-find", f->index_path);
		while (flock(f->index_fd, LOCK_EX) == -1 && errno == EINTR)
			;
	}
	name = xasprintf("%s%s", *f->index_path == '/' ? "" : "./", f->index_path);
	rc = sqlite3_open_v2(name, &f->index, SQLITE_OPEN_READWRITE, NULL);
	free(name);
	if (rc != SQLITE_OK)
		return find_failed(f->index, f->index_path, "opening it");
	sqlite3_busy_timeout(f->index, 30000);
	/* The pages that a merge touches. */
	return find_run(
	    f->index, f->index_path, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768");
}

/* The events from last + 1 to to. */
static int
add_piece(struct find *f, int64_t last, int64_t to)
{
	sqlite3_stmt *texts = NULL, *add = NULL;
	int code = 0, rc;
	char *sql;

	rc = sqlite3_prepare_v2(f->store, text_sql, -1, &texts, NULL);
	if (rc != SQLITE_OK)
		return find_failed(f->store, f->store_path, "reading its events");
	sqlite3_bind_int64(texts, 1, last);
	sqlite3_bind_int64(texts, 2, to);
	code = find_run(f->index, f->index_path, "BEGIN IMMEDIATE");
	if (code == 0 &&
	    sqlite3_prepare_v2(f->index, "INSERT INTO find (rowid, text) VALUES (?1, ?2)", -1, &add,
		NULL) != SQLITE_OK)
		code = find_failed(f->index, f->index_path, "adding to it");
	while (code == 0 && (rc = sqlite3_step(texts)) == SQLITE_ROW) {
		if (sqlite3_column_type(texts, 1) == SQLITE_NULL)
			continue;
		sqlite3_bind_int64(add, 1, sqlite3_column_int64(texts, 0));
		sqlite3_bind_value(add, 2, sqlite3_column_value(texts, 1));
		if (sqlite3_step(add) != SQLITE_DONE)
			code = find_failed(f->index, f->index_path, "adding to it");
		sqlite3_reset(add);
	}
	if (code == 0 && rc != SQLITE_DONE)
		code = find_failed(f->store, f->store_path, "reading its events");
	sqlite3_finalize(texts);
	sqlite3_finalize(add);
	sql = xasprintf("UPDATE state SET last = %lld; COMMIT", (long long)to);
	if (code == 0)
		code = find_run(f->index, f->index_path, sql);
	free(sql);
	return code;
}

int
index_update(struct find *f)
{
	int64_t last = 0, newest = 0, first = -1;
	int code;

	for (;;) {
		/* Anew for each piece: a long transaction here would keep the
		 * loader's log from being emptied. */
		code = find_run(f->store, f->store_path, "BEGIN");
		if (code == 0)
			code = find_ask(f->store, f->store_path, newest_sql, &newest);
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
		code = add_piece(f, last, last + PIECE < newest ? last + PIECE : newest);
		if (code == 0)
			code = find_run(f->store, f->store_path, "COMMIT");
		if (code != 0)
			return code;
	}
}

/* The event, if it is there and asked for, to the table hit. */
static int
add_hit(struct find *f, sqlite3_stmt *asked, sqlite3_stmt *add, int64_t event)
{
	int rc, code = 0;

	sqlite3_bind_int64(asked, 1, event);
	rc = sqlite3_step(asked);
	if (rc == SQLITE_ROW) {
		sqlite3_bind_value(add, 1, sqlite3_column_value(asked, 0));
		sqlite3_bind_int64(add, 2, event);
		sqlite3_bind_value(add, 3, sqlite3_column_value(asked, 1));
		if (sqlite3_step(add) != SQLITE_DONE)
			code = find_failed(f->index, f->index_path, "keeping what was found");
		sqlite3_reset(add);
	} else if (rc != SQLITE_DONE)
		code = find_failed(f->store, f->store_path, "reading its events");
	sqlite3_reset(asked);
	return code;
}

int
index_match(struct find *f)
{
	const char *bound[] = {f->since, f->until, f->type, f->user, f->endpoint};
	sqlite3_stmt *match = NULL, *asked = NULL, *add = NULL;
	int code, rc = SQLITE_ROW;
	size_t i;

	/* In the order in which they are shown. */
	code = find_run(f->index, f->index_path,
	    "CREATE TEMP TABLE hit (time, event, session, PRIMARY KEY (time, event)) WITHOUT "
	    "ROWID; "
	    "BEGIN");
	if (code != 0)
		return code;
	if (sqlite3_prepare_v2(f->store, asked_sql, -1, &asked, NULL) != SQLITE_OK)
		return find_failed(f->store, f->store_path, "reading its events");
	for (i = 0; i < sizeof(bound) / sizeof(bound[0]); i++)
		sqlite3_bind_text(asked, (int)i + 2, bound[i], -1, SQLITE_STATIC);
	if (sqlite3_prepare_v2(f->index, "SELECT rowid FROM find WHERE find MATCH ?1", -1, &match,
		NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(
		f->index, "INSERT INTO temp.hit VALUES (?1, ?2, ?3)", -1, &add, NULL) != SQLITE_OK)
		code = find_failed(f->index, f->index_path, "reading it");
	sqlite3_bind_text(match, 1, buf_text(&f->words), -1, SQLITE_STATIC);
	while (code == 0 && (rc = sqlite3_step(match)) == SQLITE_ROW)
		code = add_hit(f, asked, add, sqlite3_column_int64(match, 0));
	if (code == 0 && rc != SQLITE_DONE)
		code = find_failed(f->index, f->index_path, "reading it");
	sqlite3_finalize(match);
	sqlite3_finalize(asked);
	sqlite3_finalize(add);
	if (code == 0)
		code = find_run(f->index, f->index_path, "COMMIT");
	flock(f->index_fd, LOCK_UN);
	return code;
}
