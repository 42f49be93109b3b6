/* The ledger as a table: see tofs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "hash.h"
#include "msg.h"
#include "num.h"
#include "tofs.h"
#include "when.h"

/* The table is not up to date with any size of the ledger. */
#define NEVER UINT64_MAX
/* The bytes before the end of what is indexed, by which it knows its ledger. */
#define TAIL 64

/*
 * A row a line, in their order.  hash is that of the name: an index of names
 * would be as large again as the table.  base is a name without its number; owner is
 * for --list alone; site is a backup's host, as the ledger writes it.
 */
static const char create[] =
    "DROP TABLE IF EXISTS line; DROP TABLE IF EXISTS state; DROP TABLE IF EXISTS seen;"
    "CREATE TABLE state (covered INTEGER, tail BLOB);"
    "INSERT INTO state VALUES (0, x'');"
    "CREATE TABLE line (id INTEGER PRIMARY KEY, hash INTEGER, name TEXT, base TEXT, bytes INTEGER,"
    "  sha256 TEXT, time INTEGER, owner TEXT, site TEXT, instance INTEGER);"
    /* Of --verify alone.  Small, so that it stays in memory: files come in any order. */
    "CREATE TABLE seen (id INTEGER PRIMARY KEY)";
/* Behind the rows: sorting them is faster than inserting each in its place. */
static const char create_indexes[] =
    "CREATE INDEX line_hash ON line (hash);"
    "CREATE INDEX line_base ON line (base, sha256) WHERE base IS NOT NULL;"
    "CREATE INDEX line_owner ON line (owner, sha256) WHERE owner IS NOT NULL;"
    "CREATE INDEX line_site ON line (site) WHERE site IS NOT NULL";

enum { TAKE, NAME, CONTENT, SEEN, OWNER, QUERIES };

static const char *const query[QUERIES] = {
    [TAKE] = "INSERT INTO line VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [NAME] = "SELECT id, name, bytes, sha256, time FROM line WHERE hash = ?2 AND name = ?1"
	     " ORDER BY id DESC LIMIT 1",
    [CONTENT] = "SELECT id, name, bytes, sha256, time FROM line AS l"
		" WHERE base = ?1 AND sha256 = ?2 AND " INDEX_STORED " LIMIT 1",
    [SEEN] = "INSERT OR IGNORE INTO seen VALUES (?1)",
    [OWNER] = "SELECT count(*), total(sha256 = ?2) FROM line AS l"
	      " WHERE owner = ?1 AND " INDEX_STORED,
};

struct index {
	struct ledger *ledger;
	struct tree *tree;
	const struct options *opt;
	int scratch;
	sqlite3 *db;
	sqlite3_stmt *s[QUERIES];
	uint64_t size; /* of the ledger, when this was up to date, or NEVER */
	struct buf text;
};

struct index *
index_new(struct ledger *l, struct tree *t, const struct options *opt, int scratch)
{
	struct index *x = xcalloc(1, sizeof(*x));

	x->ledger = l;
	x->tree = t;
	x->opt = opt;
	x->scratch = scratch;
	x->size = NEVER;
	return x;
}

static void
close_database(struct index *x)
{
	int i;

	for (i = 0; i < QUERIES; i++) {
		sqlite3_finalize(x->s[i]);
		x->s[i] = NULL;
	}
	sqlite3_close_v2(x->db);
	x->db = NULL;
	x->size = NEVER;
}

void
index_free(struct index *x)
{
	if (x == NULL)
		return;
	close_database(x);
	buf_free(&x->text);
	free(x);
}

/* 0, or -1: sqlite3_errmsg tells. */
static int
run(struct index *x, const char *sql)
{
	return sqlite3_exec(x->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static sqlite3_stmt *
prepared(struct index *x, int q)
{
	if (x->s[q] == NULL)
		(void)sqlite3_prepare_v3(
		    x->db, query[q], -1, SQLITE_PREPARE_PERSISTENT, &x->s[q], NULL);
	return x->s[q];
}

static int
open_database(struct index *x)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	struct stat st;
	char *path;
	int fd, rc;

	if (x->scratch)
		rc = sqlite3_open_v2("", &x->db, flags | SQLITE_OPEN_CREATE, NULL);
	else {
		fd = openat(x->tree->fd, TREE_INDEX,
		    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    options_own_mode(x->opt));
		if (fd == -1)
			return -1;
		rc = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
		close(fd);
		if (!rc)
			return -1;
		path = xasprintf("%s/" TREE_INDEX, x->tree->path);
		rc = sqlite3_open_v2(path, &x->db, flags, "unix-none");
		free(path);
	}
	if (rc != SQLITE_OK)
		return -1;
	return run(x,
	    x->scratch ? "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF" :
			 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA "
			 "trusted_schema = OFF");
}

static int64_t
hash(const char *p, size_t n)
{
	return (int64_t)hash_add(HASH_START, p, n);
}

/* A line into the table; for ledger_each. */
static int
take(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct index *x = arg;
	sqlite3_stmt *s = prepared(x, TAKE);
	struct ledger_line l;
	int64_t t = 0, instance;
	const char *end;

	(void)offset;
	if (s == NULL)
		return -1;
	if (ledger_parse(&l, p, n) == -1)
		return 0;
#define BIND(i, f) sqlite3_bind_text(s, i, l.field[f], (int)l.n[f], SQLITE_STATIC)
	sqlite3_clear_bindings(s);
	BIND(2, LEDGER_NAME);
	sqlite3_bind_int64(s, 1, hash(l.field[LEDGER_NAME], l.n[LEDGER_NAME]));
	if (!l.removed) {
		if (name_unnumber(&x->text, l.field[LEDGER_NAME], l.n[LEDGER_NAME]))
			sqlite3_bind_text(s, 3, x->text.p, (int)x->text.n, SQLITE_STATIC);
		sqlite3_bind_int64(s, 4, (int64_t)l.bytes);
		BIND(5, LEDGER_SHA256);
	}
	(void)when_parse(l.field[LEDGER_TIME], l.n[LEDGER_TIME], &t);
	sqlite3_bind_int64(s, 6, t);
	/* Host, kind, lsid and instance stand beside one another. */
	end = l.field[LEDGER_INSTANCE] + l.n[LEDGER_INSTANCE];
	if (x->opt->list)
		sqlite3_bind_text(
		    s, 7, l.field[LEDGER_HOST], (int)(end - l.field[LEDGER_HOST]), SQLITE_STATIC);
	if (l.kind == KIND_BACKUP)
		BIND(8, LEDGER_HOST);
	if (num_parse(l.field[LEDGER_INSTANCE], l.n[LEDGER_INSTANCE], &instance) == 0)
		sqlite3_bind_int64(s, 9, instance);
#undef BIND
	(void)sqlite3_step(s);
	return sqlite3_reset(s) == SQLITE_OK ? 0 : -1;
}

static int
read_tail(struct index *x, uint64_t end, char tail[TAIL])
{
	size_t n = end < TAIL ? (size_t)end : TAIL;

	memset(tail, 0, TAIL);
	return pread(x->ledger->fd, tail, n, (off_t)(end - n)) == (ssize_t)n ? 0 : -1;
}

/* How much of this ledger is in the table: 0 when it is one of another. */
static uint64_t
covered(struct index *x, uint64_t size)
{
	sqlite3_stmt *s = NULL;
	const void *known;
	char tail[TAIL];
	uint64_t n = 0;

	if (sqlite3_prepare_v2(x->db, "SELECT covered, tail FROM state", -1, &s, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(s, 0);
	if (n > size || read_tail(x, n, tail) == -1 || s == NULL ||
	    (known = sqlite3_column_blob(s, 1)) == NULL || sqlite3_column_bytes(s, 1) != TAIL ||
	    memcmp(known, tail, TAIL) != 0)
		n = 0;
	sqlite3_finalize(s);
	return n;
}

static int
set_covered(struct index *x, uint64_t n)
{
	sqlite3_stmt *s = NULL;
	char tail[TAIL];
	int bad = read_tail(x, n, tail) == -1 ||
	    sqlite3_prepare_v2(x->db, "UPDATE state SET covered = ?1, tail = ?2", -1, &s, NULL) !=
		SQLITE_OK;

	if (!bad) {
		sqlite3_bind_int64(s, 1, (int64_t)n);
		sqlite3_bind_blob(s, 2, tail, TAIL, SQLITE_STATIC);
		bad = sqlite3_step(s) != SQLITE_DONE;
	}
	sqlite3_finalize(s);
	return bad ? -1 : 0;
}

/* All lines from here on into the table.  A temporary one needs no transaction
 * that ends. */
static int
take_all(struct index *x, uint64_t from)
{
	int is_new = from == 0;

	if (sqlite3_get_autocommit(x->db) && run(x, "BEGIN") == -1)
		return -1;
	if ((is_new && run(x, create) == -1) || ledger_each(x->ledger, &from, take, x) != 0 ||
	    (is_new && run(x, create_indexes) == -1) || set_covered(x, from) == -1)
		return -1;
	return x->scratch ? 0 : run(x, "COMMIT");
}

/*
 * All lines that are in the ledger now are in the table.  Others change the
 * file when the ledger has grown, and only then: then it is opened again, for
 * SQLite takes it for its own (locking_mode), which saves it three system
 * calls in each query.  One that does not fit is not changed, but replaced.
 */
static int
catch_up(struct index *x)
{
	off_t end = lseek(x->ledger->fd, 0, SEEK_END);
	uint64_t size = (uint64_t)end, from;

	if (end == -1)
		return -1;
	if (x->db != NULL && x->size == size)
		return 0;
	if (!x->scratch)
		close_database(x);
	if (x->db == NULL && open_database(x) == -1)
		return -1;
	from = covered(x, size);
	if (from == 0 && !x->scratch && run(x, "SELECT covered FROM state") == 0)
		return -1;
	if ((from != size || from == 0) && take_all(x, from) == -1)
		return -1;
	x->size = size;
	return 0;
}

/*
 * After a failure, for the n-th time: is there another way?  First the file
 * is made anew; then a temporary one is used, for DIRECTORY may be full, or
 * its path longer than SQLite allows.
 */
static int
try_again(struct index *x, int n)
{
	int dir = x->tree->fd;

	if (x->db != NULL && sqlite3_errcode(x->db) == SQLITE_NOMEM)
		xnomem();
	if (x->scratch || n > 1) {
		msg_warn("%s: index of the ledger: %s", x->tree->path,
		    x->db != NULL ? sqlite3_errmsg(x->db) : strerror(errno));
		return 0;
	}
	close_database(x);
	unlinkat(dir, TREE_INDEX "-journal", 0);
	if ((unlinkat(dir, TREE_INDEX, 0) == -1 && errno != ENOENT) || n == 1)
		x->scratch = 1;
	return 1;
}

/* The one row of a query with these texts.  1 and the statement, which is to be
 * reset, 0, or -1 after a message. */
static int
find(struct index *x, int q, const char *a, size_t n, const char *b, sqlite3_stmt **s)
{
	int rc, i;

	for (i = 0;; i++) {
		if (catch_up(x) == 0 && (*s = prepared(x, q)) != NULL) {
			sqlite3_bind_text(*s, 1, a, (int)n, SQLITE_STATIC);
			if (q == NAME)
				sqlite3_bind_int64(*s, 2, hash(a, n));
			else
				sqlite3_bind_text(*s, 2, b, -1, SQLITE_STATIC);
			rc = sqlite3_step(*s);
			if (rc == SQLITE_ROW)
				return 1;
			if (sqlite3_reset(*s) == SQLITE_OK)
				return 0;
		}
		if (!try_again(x, i))
			return -1;
	}
}

const char *
index_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	if (text == NULL)
		xnomem();
	return text;
}

/* Among the lines that are not written yet: the last one that is wanted. */
static int
find_pending(struct index *x, const char *text, const char *sha256, struct found *f)
{
	static const char no_chain[] =
	    "\t0000000000000000000000000000000000000000000000000000000000000000";
	const struct buf *b = &x->ledger->pending;
	struct ledger_line l;
	struct buf base = {0};
	const char *p, *end;
	int is = 0;

	if (b->n == 0)
		return 0; /* of which p may be NULL */
	for (end = b->p + b->n; !is && end > b->p; end = p) {
		for (p = end - 1; p > b->p && p[-1] != '\n'; p--)
			;
		buf_reset(&x->text);
		buf_add(&x->text, p, (size_t)(end - 1 - p));
		buf_adds(&x->text, no_chain);
		if (ledger_parse(&l, x->text.p, x->text.n) == -1)
			continue;
		buf_reset(&base);
		if (sha256 == NULL)
			buf_add(&base, l.field[LEDGER_NAME], l.n[LEDGER_NAME]);
		else if (l.removed || memcmp(l.field[LEDGER_SHA256], sha256, SHA256_HEX - 1) != 0 ||
		    !name_unnumber(&base, l.field[LEDGER_NAME], l.n[LEDGER_NAME]))
			continue;
		is = strcmp(buf_text(&base), text) == 0;
	}
	buf_free(&base);
	if (!is)
		return 0;
	x->text.p[l.field[LEDGER_NAME] + l.n[LEDGER_NAME] - x->text.p] = '\0';
	x->text.p[l.field[LEDGER_SHA256] + l.n[LEDGER_SHA256] - x->text.p] = '\0';
	*f = (struct found){
	    0, l.field[LEDGER_NAME], l.removed, l.bytes, l.field[LEDGER_SHA256], INT64_MAX};
	return 1;
}

static int
find_line(struct index *x, int q, const char *text, const char *sha256, struct found *f)
{
	sqlite3_stmt *s;
	int r = find_pending(x, text, sha256, f);
	size_t name;

	if (r == 1)
		return 1;
	r = find(x, q, text, strlen(text), sha256, &s);
	if (r != 1)
		return r;
	f->id = sqlite3_column_int64(s, 0);
	f->removed = sqlite3_column_type(s, 2) == SQLITE_NULL;
	f->bytes = (uint64_t)sqlite3_column_int64(s, 2);
	f->time = sqlite3_column_int64(s, 4);
	buf_reset(&x->text);
	buf_adds(&x->text, index_text(s, 1));
	buf_addc(&x->text, '\0');
	name = x->text.n;
	if (!f->removed)
		buf_adds(&x->text, index_text(s, 3));
	f->sha256 = buf_text(&x->text) + name;
	f->name = x->text.p;
	sqlite3_reset(s);
	return 1;
}

int
index_name(struct index *x, const char *name, struct found *f)
{
	return find_line(x, NAME, name, NULL, f);
}

int
index_content(struct index *x, const char *base, const char *sha256, struct found *f)
{
	return find_line(x, CONTENT, base, sha256, f);
}

int
index_seen(struct index *x, int64_t id)
{
	sqlite3_stmt *s = prepared(x, SEEN);

	if (s != NULL) {
		sqlite3_bind_int64(s, 1, id);
		(void)sqlite3_step(s);
		if (sqlite3_reset(s) == SQLITE_OK)
			return 0;
	}
	return index_row(x, SQLITE_ERROR);
}

const char *
index_state(struct index *x, const struct owner *o, const char *sha256)
{
	struct buf key = {0};
	char number[NUM_SIZE];
	sqlite3_stmt *s;
	int64_t stored = 0;
	int same = 0, r;

	if (x == NULL)
		return "new";
	rec_escape(&key, o->host.p, o->host.n);
	buf_printf(&key, "\t%s\t", kind_name[o->kind]);
	rec_escape(&key, o->lsid.p, o->lsid.n);
	num_format(o->instance, number);
	buf_printf(&key, "\t%s", o->instance < 0 ? "\\N" : number);
	r = find(x, OWNER, key.p, key.n, sha256 != NULL ? sha256 : "", &s);
	buf_free(&key);
	if (r != 1)
		return NULL;
	stored = sqlite3_column_int64(s, 0);
	same = sha256 == NULL || sqlite3_column_int64(s, 1) > 0;
	sqlite3_reset(s);
	return stored == 0 ? "new" : same ? "same" : "newer";
}

sqlite3_stmt *
index_select(struct index *x, const char *sql, const struct buf *text)
{
	sqlite3_stmt *s = NULL;
	int i;

	for (i = 0;; i++) {
		if (catch_up(x) == 0 && sqlite3_prepare_v2(x->db, sql, -1, &s, NULL) == SQLITE_OK) {
			if (text != NULL)
				sqlite3_bind_text(s, 1, text->p, (int)text->n, SQLITE_STATIC);
			return s;
		}
		if (!try_again(x, i))
			return NULL;
	}
}

int
index_row(struct index *x, int rc)
{
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_ROW;
	/* The query cannot be repeated here; the next run makes the index anew. */
	if (!x->scratch)
		unlinkat(x->tree->fd, TREE_INDEX, 0);
	x->scratch = 1;
	(void)try_again(x, 0);
	return -1;
}
