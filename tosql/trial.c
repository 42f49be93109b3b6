/* What a dry run would have stored by now: see trial.h. */
#include <stdlib.h>

#include <sqlite3.h>

#include "code.h"
#include "msg.h"
#include "trial.h"

struct trial {
	sqlite3 *h;
	sqlite3_stmt *find, *note;
	int force;
};

static int
complain(const struct trial *t)
{
	msg_warn("temporary database in $TMPDIR or /var/tmp: %s", sqlite3_errmsg(t->h));
	return EX_IOERR;
}

struct trial *
trial_new(int force, int *code)
{
	struct trial *t = xcalloc(1, sizeof(*t));

	t->force = force;
	/* Without a name it is a file that is gone when it is closed. */
	if (sqlite3_open_v2("", &t->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
		SQLITE_OK &&
	    sqlite3_exec(t->h,
		"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
		"CREATE TABLE seen (host BLOB, lsid BLOB, hash TEXT, ended INTEGER, events INTEGER,"
		" PRIMARY KEY (host, lsid)) WITHOUT ROWID",
		NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(t->h,
		"SELECT hash, ended, events FROM seen WHERE host = ?1 AND "
		"lsid = ?2",
		-1, &t->find, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(t->h, "REPLACE INTO seen VALUES (?1, ?2, ?3, ?4, ?5)", -1, &t->note,
		NULL) == SQLITE_OK)
		return t;
	*code = complain(t);
	trial_free(t);
	return NULL;
}

void
trial_free(struct trial *t)
{
	if (t == NULL)
		return;
	sqlite3_finalize(t->find);
	sqlite3_finalize(t->note);
	sqlite3_close(t->h);
	free(t);
}

static void
bind_key(sqlite3_stmt *stmt, const struct batch *b, const struct batch_session *s)
{
	sqlite3_bind_blob(stmt, 1, batch_host(b, s), (int)s->host_n, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, batch_lsid(b, s), (int)s->lsid_n, SQLITE_STATIC);
}

static int
judge(struct trial *t, const struct batch *b, struct batch_session *s)
{
	int rc;

	bind_key(t->find, b, s);
	rc = sqlite3_step(t->find);
	if (rc == SQLITE_ROW) {
		const char *hash = (const char *)sqlite3_column_text(t->find, 0);

		s->fate = hash != NULL && strcmp(hash, s->hash) == 0 ?
		    FATE_UNCHANGED :
		    batch_weigh(s, sqlite3_column_int(t->find, 1),
			(uint64_t)sqlite3_column_int64(t->find, 2), t->force);
	}
	sqlite3_reset(t->find);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	if (s->fate != FATE_NEW && s->fate != FATE_REPLACED)
		return SQLITE_OK;
	bind_key(t->note, b, s);
	sqlite3_bind_text(t->note, 3, s->hash, SHA256_HEX - 1, SQLITE_STATIC);
	sqlite3_bind_int(t->note, 4, s->ended);
	sqlite3_bind_int64(t->note, 5, (sqlite3_int64)s->events);
	rc = sqlite3_step(t->note);
	sqlite3_reset(t->note);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
trial_judge(struct trial *t, struct batch *b, size_t from, size_t to)
{
	size_t i;
	int rc;

	if (t == NULL)
		return 0;
	rc = sqlite3_exec(t->h, "BEGIN", NULL, NULL, NULL);
	for (i = from; i < to && rc == SQLITE_OK; i++)
		if (b->session[i].fate != FATE_SETTLED)
			rc = judge(t, b, &b->session[i]);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(t->h, "COMMIT", NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : complain(t);
}
