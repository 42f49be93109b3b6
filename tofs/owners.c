/* What the ledger has of each thing: see owners.h. */
#include <stdlib.h>

#include <sqlite3.h>

#include "code.h"
#include "ledger.h"
#include "msg.h"
#include "num.h"
#include "owners.h"
#include "rec.h"

struct owners {
	sqlite3 *h;
	sqlite3_stmt *put, *remove, *find;
	struct buf key;
};

static int
complain(const struct owners *o)
{
	msg_warn("temporary database in $TMPDIR or /var/tmp: %s", sqlite3_errmsg(o->h));
	return -1;
}

/* The last line of a name counts.  Host, kind, lsid and instance stand beside
 * one another in it: these bytes are the key. */
static int
take_line(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct owners *o = arg;
	struct ledger_line l;
	sqlite3_stmt *s;
	int rc;

	if (offset == 0 || ledger_parse(&l, p, n) == -1)
		return 0;
	s = l.removed ? o->remove : o->put;
	sqlite3_bind_blob(s, 1, l.field[LEDGER_NAME], (int)l.n[LEDGER_NAME], SQLITE_STATIC);
	if (!l.removed) {
		const char *end = l.field[LEDGER_INSTANCE] + l.n[LEDGER_INSTANCE];

		sqlite3_bind_blob(
		    s, 2, l.field[LEDGER_HOST], (int)(end - l.field[LEDGER_HOST]), SQLITE_STATIC);
		sqlite3_bind_text(
		    s, 3, l.field[LEDGER_SHA256], (int)l.n[LEDGER_SHA256], SQLITE_STATIC);
	}
	rc = sqlite3_step(s);
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? 0 : complain(o);
}

static int
read_ledger(struct owners *o, const struct options *opt)
{
	struct ledger *l = NULL;
	struct stat st;
	uint64_t from = 0;
	int code = 0;
	struct tree *t = tree_open(opt->directory, opt->mode, &code);

	if (t != NULL && (opt->existing || tree_stat(t, TREE_LEDGER, &st) == 0)) {
		l = ledger_open(t, opt, 0, &code);
		if (l == NULL && opt->existing)
			code = EX_CANTCREAT;
	}
	if (l != NULL && ledger_each(l, &from, take_line, o) != 0)
		code = EX_IOERR;
	ledger_close(l);
	if (t != NULL)
		tree_close(t);
	return code;
}

static int
prepare(struct owners *o, const char *sql, sqlite3_stmt **s)
{
	return sqlite3_prepare_v2(o->h, sql, -1, s, NULL);
}

struct owners *
owners_open(const struct options *opt, int *code)
{
	struct owners *o = xcalloc(1, sizeof(*o));

	/* Without a name it is a file that is gone when it is closed. */
	if (sqlite3_open_v2("", &o->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
		SQLITE_OK &&
	    sqlite3_exec(o->h,
		"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
		"CREATE TABLE line (name BLOB PRIMARY KEY, owner BLOB, sha256 TEXT) WITHOUT ROWID;"
		"CREATE INDEX owner ON line (owner, sha256); BEGIN",
		NULL, NULL, NULL) == SQLITE_OK &&
	    prepare(o, "REPLACE INTO line VALUES (?1, ?2, ?3)", &o->put) == SQLITE_OK &&
	    prepare(o, "DELETE FROM line WHERE name = ?1", &o->remove) == SQLITE_OK &&
	    prepare(o, "SELECT count(*), total(sha256 = ?2) FROM line WHERE owner = ?1",
		&o->find) == SQLITE_OK)
		*code = read_ledger(o, opt);
	else {
		complain(o);
		*code = EX_IOERR;
	}
	if (*code == 0)
		return o;
	owners_close(o);
	return NULL;
}

void
owners_close(struct owners *o)
{
	if (o == NULL)
		return;
	sqlite3_finalize(o->put);
	sqlite3_finalize(o->remove);
	sqlite3_finalize(o->find);
	sqlite3_close(o->h);
	buf_free(&o->key);
	free(o);
}

const char *
owners_state(struct owners *o, const struct owner *w, const char *sha256)
{
	char number[NUM_SIZE];
	const char *state = NULL;

	buf_reset(&o->key);
	rec_escape(&o->key, w->host, w->host_n);
	buf_printf(&o->key, "\t%s\t", kind_name[w->kind]);
	rec_escape(&o->key, w->lsid, w->lsid_n);
	num_format(w->instance, number);
	buf_printf(&o->key, "\t%s", w->instance < 0 ? "\\N" : number);
	sqlite3_bind_blob(o->find, 1, o->key.p, (int)o->key.n, SQLITE_STATIC);
	sqlite3_bind_text(o->find, 2, sha256, -1, SQLITE_STATIC);
	if (sqlite3_step(o->find) == SQLITE_ROW) {
		if (sqlite3_column_int64(o->find, 0) == 0)
			state = "new";
		else if (sha256 == NULL || sqlite3_column_int64(o->find, 1) > 0)
			state = "same";
		else
			state = "newer";
	} else
		complain(o);
	sqlite3_reset(o->find);
	return state;
}
