/* What is known of the pages: see state.h. */
#include <stdlib.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "state.h"

#define APPLICATION_ID 0x70725448 /* prTH */
#define VERSION	       1

#define COLUMNS                                                                              \
	"host,lsid,month,name,start,end,type,who,people,endpoint,key,grp,duration,expected," \
	"digest,bytes,over,bare,events,commands,chats,files,stored"

const char state_columns[] = COLUMNS;

/* Sums are rows that come and go with the sessions that they count. */
#define COUNT(table, column, value)                                     \
	"INSERT INTO " table " SELECT " value ",1 WHERE " value "<>'' " \
	"ON CONFLICT(" column ") DO UPDATE SET n=n+1;"
#define DISCOUNT(table, column, value)                           \
	"UPDATE " table " SET n=n-1 WHERE " column "=" value ";" \
	"DELETE FROM " table " WHERE " column "=" value " AND n<=0;"

static const char schema[] =
    "CREATE TABLE session(host TEXT,lsid TEXT,month TEXT,name TEXT,start TEXT,end TEXT,type TEXT,"
    "who TEXT,people TEXT,endpoint TEXT,key TEXT,grp TEXT,duration TEXT,expected TEXT,digest TEXT,"
    "bytes INT,over INT,bare INT,events INT,commands INT,chats INT,files INT,stored INT,"
    "UNIQUE(host,lsid));"
    "CREATE INDEX by_month ON session(host,month,start);"
    "CREATE INDEX by_open ON session(start) WHERE over=0;"
    "CREATE INDEX by_bare ON session(start) WHERE bare=1;"
    "CREATE TABLE month(host TEXT,month TEXT,sessions INT,open INT,bare INT,dirty INT,"
    "PRIMARY KEY(host,month)) WITHOUT ROWID;"
    "CREATE TABLE day(day TEXT PRIMARY KEY,n INT) WITHOUT ROWID;"
    "CREATE TABLE person(name TEXT PRIMARY KEY,n INT) WITHOUT ROWID;"
    "CREATE INDEX busy_person ON person(n);"
    "CREATE TABLE place(name TEXT PRIMARY KEY,n INT) WITHOUT ROWID;"
    "CREATE INDEX busy_place ON place(n);"
    "CREATE TRIGGER added AFTER INSERT ON session BEGIN "
    "INSERT INTO month VALUES(new.host,new.month,1,1-new.over,new.bare,1) "
    "ON CONFLICT(host,month) DO UPDATE SET sessions=sessions+1,open=open+1-new.over,"
    "bare=bare+new.bare,dirty=1;" COUNT("day", "day", "substr(new.start,1,10)") COUNT(
	"person", "name", "new.who") COUNT("place", "name",
	"new.endpoint") "END;"
			"CREATE TRIGGER removed AFTER DELETE ON session BEGIN "
			"UPDATE month SET "
			"sessions=sessions-1,open=open-1+old.over,bare=bare-old.bare,dirty=1 "
			"WHERE host=old.host AND month=old.month;" DISCOUNT(
			    "day", "day", "substr(old.start,1,10)") DISCOUNT("person", "name",
			    "old.who") DISCOUNT("place", "name",
			    "old.endpoint") "END;"
					    /* pages that are to be removed */
					    "CREATE TABLE gone(path TEXT PRIMARY KEY) WITHOUT "
					    "ROWID;"
					    /* what the ledger of praic-tofs says, and how far it was read */
					    "CREATE TABLE file(name TEXT PRIMARY KEY,host "
					    "TEXT,lsid TEXT,kind TEXT,instance INT,bytes INT,"
					    "sha256 TEXT) WITHOUT ROWID;"
					    "CREATE INDEX by_session ON file(host,lsid);"
					    "CREATE TABLE ledger(at INT,chain TEXT);"
					    /* sessions of which it said something after their pages were made */
					    "CREATE TABLE stale(host TEXT,lsid TEXT,PRIMARY "
					    "KEY(host,lsid)) WITHOUT ROWID;";

static int
failed(struct state *s)
{
	int rc = sqlite3_errcode(s->db) & 0xff;

	if (s->code != 0)
		return s->code;
	if (rc == SQLITE_NOTADB)
		msg_warn("%s: this is no state of praic-tohtml", s->path);
	else
		msg_warn("%s: %s", s->path, sqlite3_errmsg(s->db));
	s->code = rc == SQLITE_BUSY || rc == SQLITE_NOMEM  ? EX_TEMPFAIL :
	    rc == SQLITE_NOTADB				   ? EX_CONFIG :
	    rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY ? EX_CANTCREAT :
							     EX_IOERR;
	return s->code;
}

int
state_run(struct state *s, const char *sql)
{
	if (s->code == 0 && sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return failed(s);
	return s->code;
}

sqlite3_stmt *
state_prepare(struct state *s, const char *sql)
{
	sqlite3_stmt *q = NULL;

	if (s->code == 0 && sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK)
		failed(s);
	return q;
}

int
state_step(struct state *s, sqlite3_stmt *q)
{
	int rc;

	if (s->code != 0)
		return 0;
	rc = sqlite3_step(q);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		failed(s);
	return rc == SQLITE_ROW;
}

void
state_do(struct state *s, sqlite3_stmt *q)
{
	(void)state_step(s, q);
	sqlite3_reset(q);
}

int64_t
state_number(struct state *s, const char *sql)
{
	sqlite3_stmt *q = state_prepare(s, sql);
	int64_t n = 0;

	if (q != NULL && state_step(s, q))
		n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

static int
set_up(struct state *s)
{
	int64_t id = state_number(s, "PRAGMA application_id");
	int64_t version = state_number(s, "PRAGMA user_version");
	char *sql;

	if (s->code != 0)
		return s->code;
	if (id == 0 && version == 0 && state_number(s, "SELECT count(*) FROM sqlite_master") == 0) {
		sql = sqlite3_mprintf(
		    "BEGIN; PRAGMA application_id=%d; PRAGMA user_version=%d; %s COMMIT",
		    APPLICATION_ID, VERSION, schema);
		(void)state_run(s, sql);
		sqlite3_free(sql);
		return s->code;
	}
	if (id != APPLICATION_ID || version != VERSION) {
		msg_warn("%s: %s", s->path,
		    id == APPLICATION_ID ? "made by another version of praic-tohtml" :
					   "a database of another program");
		s->code = EX_CONFIG;
	}
	return s->code;
}

int
state_open(struct state *s, const char *path)
{
	memset(s, 0, sizeof(*s));
	/* What SQLite cannot hold in memory goes where other temporaries go. */
	sqlite3_temp_directory = sqlite3_mprintf("%s", file_scratch_dir());
	s->path = xstrdup(path != NULL ? path : "temporary file");
	if (sqlite3_open_v2(path != NULL ? path : "", &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		return failed(s);
	if (state_run(s,
		"PRAGMA synchronous=FULL; PRAGMA locking_mode=EXCLUSIVE;"
		"PRAGMA journal_mode=TRUNCATE; PRAGMA cache_size=-8000") != 0 ||
	    /* what undoes a statement is small; a temporary database is not */
	    (path != NULL && state_run(s, "PRAGMA temp_store=MEMORY") != 0) || set_up(s) != 0)
		return s->code;
	s->find = state_prepare(s, "SELECT " COLUMNS " FROM session WHERE host=?1 AND lsid=?2");
	s->insert = state_prepare(s,
	    "INSERT INTO session(" COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,"
	    "?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23)");
	s->delete = state_prepare(s, "DELETE FROM session WHERE host=?1 AND lsid=?2");
	s->fresh = state_prepare(s, "DELETE FROM stale WHERE host=?1 AND lsid=?2");
	s->gone = state_prepare(s,
	    "INSERT OR IGNORE INTO gone SELECT host||'/'||month||'/'||name "
	    "FROM session WHERE host=?1 AND lsid=?2 AND month<>?3");
	return s->code;
}

void
state_close(struct state *s)
{
	sqlite3_finalize(s->find);
	sqlite3_finalize(s->insert);
	sqlite3_finalize(s->delete);
	sqlite3_finalize(s->fresh);
	sqlite3_finalize(s->gone);
	sqlite3_close(s->db);
	free(s->path);
}

void
row_free(struct row *r)
{
	int i;

	for (i = 0; i < ROW_TEXTS; i++)
		free(r->text[i]);
	memset(r, 0, sizeof(*r));
}

void
row_load(struct row *r, sqlite3_stmt *q, int column)
{
	const char *text;
	int i;

	for (i = 0; i < ROW_TEXTS; i++) {
		text = (const char *)sqlite3_column_text(q, column + i);
		r->text[i] = xstrdup(text != NULL ? text : "");
	}
	for (i = 0; i < ROW_NUMBERS; i++)
		r->number[i] = sqlite3_column_int64(q, column + ROW_TEXTS + i);
}

static void
bind_key(sqlite3_stmt *q, const char *host, const char *lsid)
{
	sqlite3_bind_text(q, 1, host, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, lsid, -1, SQLITE_STATIC);
}

int
state_find(struct state *s, const char *host, const char *lsid, struct row *r)
{
	int found;

	if (s->code != 0)
		return 0;
	bind_key(s->find, host, lsid);
	found = state_step(s, s->find);
	if (found)
		row_load(r, s->find, 0);
	sqlite3_reset(s->find);
	return found;
}

void
state_put(struct state *s, const struct row *r)
{
	const char *host = r->text[ROW_HOST], *lsid = r->text[ROW_LSID];
	int i;

	if (s->code != 0)
		return;
	bind_key(s->gone, host, lsid);
	sqlite3_bind_text(s->gone, 3, r->text[ROW_MONTH], -1, SQLITE_STATIC);
	state_do(s, s->gone);
	bind_key(s->delete, host, lsid);
	state_do(s, s->delete);
	bind_key(s->fresh, host, lsid);
	state_do(s, s->fresh);
	for (i = 0; i < ROW_TEXTS; i++)
		sqlite3_bind_text(s->insert, 1 + i, r->text[i], -1, SQLITE_STATIC);
	for (i = 0; i < ROW_NUMBERS; i++)
		sqlite3_bind_int64(s->insert, 1 + ROW_TEXTS + i, r->number[i]);
	state_do(s, s->insert);
}
