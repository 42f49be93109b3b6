/* STATE: see state.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "state.h"

#define APPLICATION_ID 0x70725571 /* prUq */
#define VERSION	       1
/* Somebody may be looking at it; another praic-uniq takes longer. */
#define BUSY_MS 1000

struct state {
	char *path, *directory;
	sqlite3 *db;
	sqlite3_stmt *find, *note;
	int64_t now;
};

static int
failed(struct state *s, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		msg_warn("%s: in use by another process: try again later", s->path);
		return EX_TEMPFAIL;
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR:
		msg_warn("%s: not a state file of praic-uniq: %s", s->path, sqlite3_errmsg(s->db));
		return EX_CONFIG;
	default:
		msg_warn("%s: %s", s->path, sqlite3_errmsg(s->db));
	}
	return (rc & 0xff) == SQLITE_NOMEM			    ? EX_TEMPFAIL :
	    (rc & 0xff) == SQLITE_CANTOPEN || rc == SQLITE_READONLY ? EX_CANTCREAT :
								      EX_IOERR;
}

static int
ask(struct state *s, const char *sql, int *value)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		*value = sqlite3_column_int(q, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(q);
	return rc;
}

/* Is it ours, or empty?  0, or a code after a message. */
static int
check(struct state *s, int *is_empty)
{
	int id = 0, version = 0, tables = 0, rc;

	if ((rc = ask(s, "PRAGMA application_id", &id)) != SQLITE_OK ||
	    (rc = ask(s, "PRAGMA user_version", &version)) != SQLITE_OK ||
	    (rc = ask(s, "SELECT count(*) FROM sqlite_master", &tables)) != SQLITE_OK)
		return failed(s, rc);
	*is_empty = id == 0 && version == 0 && tables == 0;
	if (*is_empty || (id == APPLICATION_ID && version == VERSION))
		return 0;
	msg_warn("%s: %s", s->path,
	    id == APPLICATION_ID ? "made by another version of praic-uniq" :
				   "a database of another program: name another file");
	return EX_CONFIG;
}

/*
 * Under SQLite's exclusive lock, which this process keeps from its first
 * transaction on though that ends here: two of these programs would both give
 * their commands the same sessions.
 */
static int
set_up(struct state *s, int64_t forget)
{
	int code, is_empty = 0, rc;
	char *sql;

	sqlite3_busy_timeout(s->db, BUSY_MS);
	rc = sqlite3_exec(
	    s->db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return failed(s, rc);
	if ((code = check(s, &is_empty)) != 0)
		return code;
	sql = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;"
			      "CREATE TABLE seen (digest BLOB PRIMARY KEY, noted INTEGER NOT NULL)"
			      " WITHOUT ROWID",
	    APPLICATION_ID, VERSION);
	if (is_empty)
		rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	sql = sqlite3_mprintf("DELETE FROM seen WHERE noted < %lld; COMMIT", (long long)forget);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(
		    s->db, "SELECT 1 FROM seen WHERE digest = ?1", -1, &s->find, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(
		    s->db, "INSERT OR REPLACE INTO seen VALUES (?1, ?2)", -1, &s->note, NULL);
	return rc == SQLITE_OK ? 0 : failed(s, rc);
}

struct state *
state_open(const char *path, int64_t forget, int *code)
{
	struct state *s = xcalloc(1, sizeof(*s));
	/* SQLite itself would make it with the rights of umask(2). */
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), rc;

	if (fd != -1)
		close(fd);
	s->path = realpath(path, NULL);
	if (fd == -1 || s->path == NULL) {
		msg_errno("%s", path);
		*code = errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT;
		state_close(s);
		return NULL;
	}
	s->directory = xstrndup(s->path, (size_t)(strrchr(s->path, '/') + 1 - s->path));
	rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE, NULL);
	*code = rc == SQLITE_OK ? set_up(s, forget) : failed(s, rc);
	if (*code == 0)
		return s;
	state_close(s);
	return NULL;
}

const char *
state_directory(const struct state *s)
{
	return s->directory;
}

int
state_has(struct state *s, const struct digest *d, int *code)
{
	int rc;

	sqlite3_bind_blob(s->find, 1, d, sizeof(*d), SQLITE_STATIC);
	rc = sqlite3_step(s->find);
	sqlite3_reset(s->find);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_ROW;
	*code = failed(s, rc);
	return -1;
}

static int
note_one(void *arg, const struct digest *d)
{
	struct state *s = arg;
	int rc;

	sqlite3_bind_blob(s->note, 1, d, sizeof(*d), SQLITE_STATIC);
	sqlite3_bind_int64(s->note, 2, s->now);
	rc = sqlite3_step(s->note);
	sqlite3_reset(s->note);
	return rc == SQLITE_DONE ? 0 : rc;
}

int
state_note(struct state *s, const struct digests *seen, int64_t now)
{
	int rc = sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL);

	s->now = now;
	if (rc == SQLITE_OK)
		rc = digests_each(seen, note_one, s);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : failed(s, rc);
}

void
state_close(struct state *s)
{
	if (s == NULL)
		return;
	sqlite3_finalize(s->find);
	sqlite3_finalize(s->note);
	sqlite3_close(s->db);
	free(s->path);
	free(s->directory);
	free(s);
}
