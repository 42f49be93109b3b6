/* The state of an archive: see tohtml.h. */
#include <stdarg.h>
#include <stdlib.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "tohtml.h"

#define APPLICATION_ID 0x70725448 /* prTH */
#define VERSION	       3

/* session.bare: over, and without a recording.  month has a row for each month's index;
 * it is dirty while sessions in it are newer.  file has the lines of praic-tofs's ledger,
 * and ledger the place up to which it was read.  stale has the sessions with files that
 * came after their pages were made. */
static const char schema[] =
    "CREATE TABLE session(host TEXT,lsid TEXT,month TEXT,name TEXT,start TEXT,end TEXT,type TEXT,"
    "who TEXT,people TEXT,endpoint TEXT,key TEXT,grp TEXT,duration TEXT,expected TEXT,over INT,"
    "events INT,commands INT,chats INT,files INT,stored INT,bare INT,"
    "UNIQUE(host,lsid));"
    "CREATE INDEX by_month ON session(host,month,start);"
    "CREATE INDEX by_start ON session(start);"
    "CREATE INDEX by_open ON session(start) WHERE over=0;"
    "CREATE INDEX by_bare ON session(start) WHERE bare=1;"
    "CREATE TABLE month(host TEXT,month TEXT,sessions INT,open INT,bare INT,dirty INT,"
    "PRIMARY KEY(host,month)) WITHOUT ROWID;"
    "CREATE TABLE file(name TEXT PRIMARY KEY,host TEXT,lsid TEXT,kind TEXT,instance TEXT,"
    "bytes TEXT,sha256 TEXT) WITHOUT ROWID;"
    "CREATE INDEX by_session ON file(host,lsid);"
    "CREATE TABLE ledger(at INT,chain TEXT);"
    "CREATE TABLE stale(host TEXT,lsid TEXT,PRIMARY KEY(host,lsid)) WITHOUT ROWID;";

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
state_query(struct state *s, const char *sql, int n, ...)
{
	sqlite3_stmt *q;
	va_list ap;
	int i;

	for (i = 0; s->statement[i].sql != NULL && s->statement[i].sql != sql; i++)
		;
	if (s->code == 0 && s->statement[i].q == NULL) {
		if (sqlite3_prepare_v2(s->db, sql, -1, &s->statement[i].q, NULL) != SQLITE_OK)
			failed(s);
		else
			s->statement[i].sql = sql;
	}
	if (s->code != 0)
		return NULL;
	q = s->statement[i].q;
	sqlite3_reset(q);
	va_start(ap, n);
	for (i = 0; i < n && s->code == 0; i++)
		if (sqlite3_bind_text(q, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT) !=
		    SQLITE_OK)
			failed(s);
	va_end(ap);
	return s->code == 0 ? q : NULL;
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
	if (rc != SQLITE_ROW)
		sqlite3_reset(q);
	return rc == SQLITE_ROW;
}

int64_t
state_number(struct state *s, sqlite3_stmt *q)
{
	int64_t n = 0;

	if (state_step(s, q)) {
		n = sqlite3_column_int64(q, 0);
		sqlite3_reset(q);
	}
	return n;
}

int64_t
state_put(struct state *s, sqlite3_stmt *q, struct buf *b)
{
	int64_t n = 0;

	for (; state_step(s, q); n++)
		if (sqlite3_column_type(q, 0) != SQLITE_NULL)
			buf_adds(b, (const char *)sqlite3_column_text(q, 0));
	return n;
}

/* For SQL that writes HTML. */
static const struct function {
	const char *name;
	void (*add)(struct buf *, const char *, size_t);
} functions[] = {{"h", html_text}, {"u", html_path}, {"t", html_time}, {"size", html_size}};

static void
call(sqlite3_context *c, int n, sqlite3_value **v)
{
	const struct function *f = sqlite3_user_data(c);
	const char *text = (const char *)sqlite3_value_text(v[0]);
	struct buf b = {0};

	(void)n;
	if (text != NULL)
		f->add(&b, text, (size_t)sqlite3_value_bytes(v[0]));
	(void)buf_text(&b);
	sqlite3_result_text(c, b.p, (int)b.n, free);
}

static int
set_up(struct state *s)
{
	int64_t id = state_number(s, state_query(s, "PRAGMA application_id", 0));
	int64_t version = state_number(s, state_query(s, "PRAGMA user_version", 0));
	char *sql;
	size_t i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		sqlite3_create_function(s->db, functions[i].name, 1,
		    SQLITE_UTF8 | SQLITE_DETERMINISTIC, (void *)&functions[i], call, NULL, NULL);
	if (s->code != 0)
		return s->code;
	if (id == 0 && version == 0 &&
	    state_number(s, state_query(s, "SELECT count(*) FROM sqlite_master", 0)) == 0) {
		sql = sqlite3_mprintf(
		    "BEGIN; PRAGMA application_id=%d; PRAGMA user_version=%d; %s COMMIT",
		    APPLICATION_ID, VERSION, schema);
		(void)state_run(s, sql);
		sqlite3_free(sql);
	} else if (id != APPLICATION_ID || version != VERSION) {
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
	/* SQLite's temporary files go to the same directory as all others. */
	sqlite3_temp_directory = sqlite3_mprintf("%s", file_scratch_dir());
	s->path = xstrdup(path != NULL ? path : "temporary file");
	if (sqlite3_open_v2(path != NULL ? path : "", &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		return failed(s);
	if (state_run(s,
		"PRAGMA synchronous=FULL; PRAGMA locking_mode=EXCLUSIVE;"
		"PRAGMA journal_mode=TRUNCATE; PRAGMA cache_size=-8000") != 0 ||
	    /* in memory: the rows of a batch; a temporary database may be large */
	    (path != NULL && state_run(s, "PRAGMA temp_store=MEMORY") != 0))
		return s->code;
	return set_up(s);
}

void
state_close(struct state *s)
{
	for (int i = 0; s->statement[i].sql != NULL; i++)
		sqlite3_finalize(s->statement[i].q);
	sqlite3_close(s->db);
	free(s->path);
}
