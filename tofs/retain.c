/* How many backups are kept: see tofs.h. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "msg.h"
#include "tofs.h"

/* Lines that may wait in memory. */
#define WRITE_AT 128

/*
 * When a backup was fetched, in UNIX seconds, from its line.  That is told by
 * the appliance's clock, which may be wrong: what was stored more than a day
 * (MAX_DELAY) after, or even before, is taken for fetched when it was stored.
 * Else a clock that ran ahead for a day would make all later backups the
 * older ones.
 */
#define MAX_DELAY 86400
#define FETCHED	  "iif(instance BETWEEN time - 86400 AND time, instance, time)"

/* The backups of a site, the newest first; of two of one time the one that is later
 * in the ledger is newer. */
static const char backups[] =
    "SELECT name, bytes, sha256, " FETCHED " AS fetched FROM line AS l"
    " WHERE site = ?1 AND " INDEX_STORED " ORDER BY fetched DESC, id DESC";

/* Those of a time and content that were stored once, and removed. */
static const char gone[] =
    "SELECT 1 FROM line AS l WHERE site = ?1 AND instance = ?2 AND sha256 = ?3"
    " AND (SELECT bytes FROM line WHERE hash = l.hash AND name = l.name ORDER BY id DESC LIMIT 1) "
    "IS NULL";

struct retain {
	struct store *store;
	struct tree *tree;
	struct buf host;	 /* as the ledger writes it */
	sqlite3_stmt *s;	 /* backups */
	struct buf newest;	 /* of those that are there */
	char sha256[SHA256_HEX]; /* its */
	/* of the row at hand */
	const char *name;
	int64_t fetched;
	int is_missing;
	int64_t newer; /* that are there */
};

/* 0, or -1 after a message. */
static int
start(struct retain *t, struct store *s, struct rec_value host)
{
	memset(t, 0, sizeof(*t));
	t->store = s;
	t->tree = s->tree;
	t->newer = -1;
	rec_escape(&t->host, host.p, host.n);
	t->s = index_select(s->index, backups, &t->host);
	return t->s == NULL ? -1 : 0;
}

/*
 * The next backup that is there, or that should be: 1, 0, or -1 after a
 * message.  A file of another length is not what was stored: it is not
 * removed, and does not count as a backup.
 */
static int
next(struct retain *t)
{
	struct stat st;
	int r;

	t->newer += !t->is_missing;
	while ((r = index_row(t->store->index, sqlite3_step(t->s))) == 1) {
		t->name = index_text(t->s, 0);
		t->fetched = sqlite3_column_int64(t->s, 3);
		t->is_missing = tree_stat(t->tree, t->name, &st) == -1;
		if (t->is_missing && errno != ENOENT) {
			msg_errno("%s/%s", t->tree->path, t->name);
			return -1;
		}
		if (t->is_missing ||
		    (S_ISREG(st.st_mode) && st.st_size == sqlite3_column_int64(t->s, 1)))
			return 1;
	}
	return r;
}

static void
finish(struct retain *t)
{
	sqlite3_finalize(t->s);
	buf_free(&t->host);
	buf_free(&t->newest);
}

static int
remove_file(struct retain *t)
{
	const char *last;
	int dir = tree_folder(t->tree, t->name, 0, &last), code;

	if (dir != -1 && (unlinkat(dir, last, 0) == 0 || errno == ENOENT)) {
		tree_changed(t->tree);
		return 0;
	}
	code = tree_code(errno, EX_DATAERR);
	msg_errno("%s/%s", t->tree->path, t->name);
	return code;
}

/* The folders first, then the lines. */
static int
write_lines(struct store *s)
{
	if (tree_sync(s->tree) == 0)
		return ledger_write(s->ledger);
	msg_errno("%s", s->tree->path);
	return EX_IOERR;
}

/* Is the newest, as it is on disk now, what was received?  0 or a code. */
static int
check_newest(struct retain *t)
{
	int fd = tree_read(t->tree, buf_text(&t->newest)), bad;
	char hex[SHA256_HEX];

	bad = fd == -1 || sha256_file(fd, hex) == -1;
	if (bad)
		msg_errno("%s/%s", t->tree->path, t->newest.p);
	if (fd != -1)
		close(fd);
	if (bad)
		return EX_IOERR;
	if (strcmp(hex, t->sha256) == 0)
		return 0;
	msg_warn("%s/%s: the newest backup is not what the ledger says; no older one is removed",
	    t->tree->path, t->newest.p);
	return EX_DATAERR;
}

int
retain_backups(struct store *s, struct rec_value host, int64_t prior, struct buf *out)
{
	struct ledger *l = s->ledger;
	struct owner owner = {KIND_BACKUP, host, {"", 0}, -1};
	struct retain t;
	int code = ledger_lock(l), bad = 0, tried = 0, r;

	if (code != 0)
		return code;
	r = start(&t, s, host);
	while (r != -1 && code == 0 && (r = next(&t)) == 1) {
		if (t.newer == 0 && !t.is_missing) {
			buf_adds(&t.newest, t.name);
			memcpy(t.sha256, index_text(t.s, 2), SHA256_HEX);
		}
		if (t.newer <= prior || (tried++ == 0 && (code = check_newest(&t)) != 0))
			continue;
		/* One that is missing: a run was killed between the file and
		 * its line. */
		if ((r = remove_file(&t)) != 0) {
			bad = code_worse(bad, r);
			continue;
		}
		owner.instance = t.fetched;
		ledger_add(l, &owner, t.name, 0, NULL);
		if (!t.is_missing)
			buf_printf(out, "- %s\n", t.name);
		if (tried % WRITE_AT == 0)
			bad = code_worse(bad, write_lines(s));
	}
	if (r == -1)
		code = EX_IOERR;
	code = code_worse(code, code_worse(bad, write_lines(s)));
	ledger_unlock(l);
	finish(&t);
	return code_worse(code, ledger_sync(l));
}

/* Was this content, fetched then, stored once, and removed since?  A site may
 * well come to have the same bytes again: then it was fetched at another time. */
static int
was_removed(struct retain *t, int64_t fetched_at, const char *sha256)
{
	sqlite3_stmt *s = index_select(t->store->index, gone, &t->host);
	int r;

	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 2, fetched_at);
	sqlite3_bind_text(s, 3, sha256, -1, SQLITE_STATIC);
	r = index_row(t->store->index, sqlite3_step(s));
	sqlite3_finalize(s);
	return r;
}

int
retain_needless(
    struct store *s, struct rec_value host, int64_t prior, int64_t fetched_at, const char *sha256)
{
	struct ledger *l = s->ledger;
	int64_t now = (int64_t)time(NULL), believed = fetched_at;
	struct retain t;
	int r;

	if (fetched_at < now - MAX_DELAY || fetched_at > now)
		believed = now;
	if (ledger_lock(l) != 0)
		return -1;
	r = start(&t, s, host);
	/* The oldest that is kept. */
	while (r != -1 && (r = next(&t)) == 1 && (t.newer < prior || t.is_missing))
		;
	if (r == 1 && (r = was_removed(&t, fetched_at, sha256)) != -1)
		r = r == 1 ? 2 : t.fetched > believed;
	ledger_unlock(l);
	finish(&t);
	return r;
}
