/* How many backups are kept: see retain.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "ledger.h"
#include "lookup.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "retain.h"
#include "when.h"

/* Lines that may wait: each look at the ledger goes through them. */
#define WRITE_AT 128

/*
 * Seconds that a backup may lie in a spool.  When it was fetched is told by
 * the appliance's clock, which may be wrong: what was stored long after, or
 * even before, is taken for fetched when it was stored.  Else a clock that
 * ran ahead for a day would make all later backups the older ones.
 */
#define MAX_DELAY 86400

static int64_t
believed(int64_t fetched_at, int64_t stored_at)
{
	return fetched_at > stored_at || stored_at - fetched_at > MAX_DELAY ? stored_at :
									      fetched_at;
}

/* A backup: later in time is newer, and of one time later in the ledger. */
struct backup {
	int64_t fetched_at;
	uint64_t offset; /* of its line */
};

struct retain {
	struct store *store;
	struct tree *tree;
	struct buf host; /* as the ledger writes it */
	struct owner owner;
	uint64_t end; /* lines that are added now are not looked at */
	/* the newest that are there, as a heap: the oldest of them is first */
	struct backup *kept;
	uint64_t n, keep;
	struct backup newest;
	struct buf newest_name;
	char newest_sha256[SHA256_HEX];
	int gone_before;
	uint64_t others; /* that are there, or should be, besides */
	uint64_t pruned;
	int code;
	struct buf *gone;
};

static int
is_newer(struct backup a, struct backup b)
{
	return a.fetched_at != b.fetched_at ? a.fetched_at > b.fetched_at : a.offset > b.offset;
}

/* Among the newest, if it is one of them; which may push out the oldest. */
static void
keep(struct retain *t, struct backup b)
{
	uint64_t i, child;

	if (t->n < t->keep) {
		if ((t->n & (t->n - 1)) == 0) /* room by powers of two */
			t->kept = xrealloc(t->kept, (t->n * 2 + 1) * sizeof(*t->kept));
		for (i = t->n++; i > 0 && is_newer(t->kept[(i - 1) / 2], b); i = (i - 1) / 2)
			t->kept[i] = t->kept[(i - 1) / 2];
		t->kept[i] = b;
		return;
	}
	t->others++;
	if (!is_newer(b, t->kept[0]))
		return;
	for (i = 0; (child = 2 * i + 1) < t->n; i = child) {
		if (child + 1 < t->n && is_newer(t->kept[child], t->kept[child + 1]))
			child++;
		if (!is_newer(b, t->kept[child]))
			break;
		t->kept[i] = t->kept[child];
	}
	t->kept[i] = b;
}

/* Are there enough that are newer? */
static int
is_outdated(const struct retain *t, struct backup b)
{
	return t->n == t->keep && is_newer(t->kept[0], b);
}

/* What the ledger says about a name, for a line that says that it was stored. */
enum state { SUPERSEDED, MISSING, PRESENT };

static int
state(struct retain *t, const char *name, uint64_t bytes, uint64_t offset, enum state *state)
{
	struct found last;
	struct stat st;
	int r = lookup_name(store_lookup(t->store), name, &last);

	if (r == -1)
		return -1;
	if (r == 0 || last.removed || last.offset != offset)
		*state = SUPERSEDED;
	else if (tree_stat(t->tree, name, &st) == -1 && errno == ENOENT)
		*state = MISSING;
	else if (tree_stat(t->tree, name, &st) == -1) {
		msg_errno("%s/%s", tree_path(t->tree), name);
		return -1;
	} else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes)
		*state = PRESENT;
	else {
		/* Whatever it is now, it is not what was stored, and not ours
		 * to remove; nor does it count as a backup. */
		*state = SUPERSEDED;
	}
	return 0;
}

/* Is this line one of a backup of the site?  Its name then, and its state. */
static int
is_backup(struct retain *t, const char *p, size_t n, struct backup *b, struct ledger_line *l,
    struct buf *name, enum state *s)
{
	int64_t fetched_at, stored_at = 0;

	if (b->offset >= t->end || memmem(p, n, "\tbackup\t", 8) == NULL ||
	    ledger_parse(l, p, n) == -1 || l->kind != KIND_BACKUP || l->removed ||
	    l->n[LEDGER_HOST] != t->host.n ||
	    memcmp(l->field[LEDGER_HOST], t->host.p, t->host.n) != 0)
		return 0;
	(void)when_parse(l->field[LEDGER_TIME], l->n[LEDGER_TIME], &stored_at);
	if (num_parse(l->field[LEDGER_INSTANCE], l->n[LEDGER_INSTANCE], &fetched_at) == -1)
		fetched_at = stored_at;
	b->fetched_at = believed(fetched_at, stored_at);
	buf_reset(name);
	buf_add(name, l->field[LEDGER_NAME], l->n[LEDGER_NAME]);
	return state(t, buf_text(name), l->bytes, b->offset, s) == -1 ? -1 : 1;
}

static int
count(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct retain *t = arg;
	struct backup b = {0, offset};
	struct ledger_line l;
	struct buf name = {0};
	enum state s;
	int r = is_backup(t, p, n, &b, &l, &name, &s);

	if (r == 1 && s == PRESENT) {
		keep(t, b);
		if (t->newest.offset == 0 || is_newer(b, t->newest)) {
			t->newest = b;
			memcpy(t->newest_sha256, l.field[LEDGER_SHA256], SHA256_HEX - 1);
			buf_reset(&t->newest_name);
			buf_add(&t->newest_name, name.p, name.n + 1);
		}
	}
	t->others += r == 1 && s == MISSING;
	buf_free(&name);
	return r == -1 ? -1 : 0;
}

static int
remove_file(struct retain *t, const char *name)
{
	const char *last;
	int dir = tree_folder(t->tree, name, 0, &last), code;

	if (dir != -1 && (unlinkat(dir, last, 0) == 0 || errno == ENOENT)) {
		tree_changed(t->tree);
		return 0;
	}
	code = tofs_fault(errno);
	msg_errno("%s/%s", tree_path(t->tree), name);
	t->code = code_worse(t->code, code != 0 ? code : EX_DATAERR);
	return -1;
}

/* The folders first, then the lines. */
static int
write_lines(struct retain *t)
{
	if (tree_sync(t->tree) == 0)
		return ledger_write(store_ledger(t->store));
	msg_errno("%s", tree_path(t->tree));
	return EX_IOERR;
}

static int
prune(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct retain *t = arg;
	struct backup b = {0, offset};
	struct ledger_line l;
	struct buf name = {0};
	enum state s = SUPERSEDED;
	int r = is_backup(t, p, n, &b, &l, &name, &s);

	/* One that is missing and would have to go: a run was killed between
	 * the file and its line. */
	if (r == 1 && (s == PRESENT || s == MISSING) && is_outdated(t, b) &&
	    remove_file(t, name.p) == 0) {
		t->owner.instance = b.fetched_at;
		ledger_add(store_ledger(t->store), &t->owner, name.p, 0, NULL);
		if (s == PRESENT)
			buf_printf(t->gone, "- %s\n", name.p);
		if (++t->pruned % WRITE_AT == 0)
			t->code = code_worse(t->code, write_lines(t));
	}
	buf_free(&name);
	return r == -1 ? -1 : 0;
}

/* The newest, as it is on disk now, is what was received. */
static int
check_newest(struct retain *t)
{
	struct sha256 *hash = sha256_new();
	char chunk[64 * 1024], hex[SHA256_HEX];
	int fd = tree_read(t->tree, t->newest_name.p), bad = fd == -1;
	ssize_t n = 0;

	while (!bad && (n = file_read(fd, chunk, sizeof(chunk))) > 0)
		sha256_add(hash, chunk, (size_t)n);
	sha256_hex(hash, hex);
	sha256_free(hash);
	if (bad || n == -1)
		msg_errno("%s/%s", tree_path(t->tree), t->newest_name.p);
	if (fd != -1)
		close(fd);
	if (bad || n == -1)
		return EX_IOERR;
	if (memcmp(hex, t->newest_sha256, SHA256_HEX - 1) == 0)
		return 0;
	msg_warn("%s/%s: the newest backup is not what the ledger says; no older one is "
		 "removed",
	    tree_path(t->tree), t->newest_name.p);
	return EX_DATAERR;
}

static void
start(struct retain *t, struct store *s, const char *host, size_t n, int64_t prior)
{
	off_t end = lseek(ledger_fd(store_ledger(s)), 0, SEEK_END);

	memset(t, 0, sizeof(*t));
	t->store = s;
	t->tree = store_tree(s);
	t->keep = (uint64_t)prior + 1;
	t->end = end == -1 ? 0 : (uint64_t)end;
	rec_escape(&t->host, host, n);
}

static int
scan(struct retain *t, int (*each)(void *, const char *, size_t, uint64_t))
{
	uint64_t from = 0;

	return ledger_each(store_ledger(t->store), &from, each, t) == 0 ? 0 : -1;
}

static void
finish(struct retain *t)
{
	buf_free(&t->host);
	buf_free(&t->newest_name);
	free(t->kept);
}

int
retain_backups(struct store *s, const char *host, size_t n, int64_t prior, struct buf *gone)
{
	struct ledger *l = store_ledger(s);
	struct retain t;
	int code = ledger_lock(l);

	if (code != 0)
		return code;
	start(&t, s, host, n, prior);
	t.owner = (struct owner){KIND_BACKUP, host, "", n, 0, -1};
	t.gone = gone;
	if (scan(&t, count) == -1)
		code = EX_IOERR;
	else if (t.n == t.keep && t.others > 0) {
		code = check_newest(&t);
		if (code == 0 && scan(&t, prune) == -1)
			code = EX_IOERR;
		code = code_worse(code, write_lines(&t));
		code = code_worse(code, t.code);
	}
	ledger_unlock(l);
	finish(&t);
	return code_worse(code, ledger_sync(l));
}

/*
 * Was the backup looked for stored once, and removed since?  A site may well
 * come to have the same bytes again: then it was fetched at another time.
 */
static int
find_gone(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct retain *t = arg;
	struct backup b = {0, offset};
	struct ledger_line l;
	struct buf name = {0};
	struct found last;
	enum state s;
	int64_t fetched_at = -1;
	int r = is_backup(t, p, n, &b, &l, &name, &s);

	if (r == 1 && s == SUPERSEDED &&
	    num_parse(l.field[LEDGER_INSTANCE], l.n[LEDGER_INSTANCE], &fetched_at) == 0 &&
	    fetched_at == t->owner.instance &&
	    memcmp(l.field[LEDGER_SHA256], t->newest_sha256, SHA256_HEX - 1) == 0) {
		r = lookup_name(store_lookup(t->store), buf_text(&name), &last);
		t->gone_before |= r == 1 && last.removed;
	}
	buf_free(&name);
	return r == -1 ? -1 : 0;
}

int
retain_needless(struct store *s, const char *host, size_t n, int64_t prior, int64_t fetched_at,
    const char *sha256)
{
	struct ledger *l = store_ledger(s);
	int64_t now = (int64_t)time(NULL);
	struct backup b = {believed(fetched_at >= 0 ? fetched_at : now, now), UINT64_MAX};
	struct retain t;
	int r;

	if (ledger_lock(l) != 0)
		return -1;
	start(&t, s, host, n, prior);
	r = scan(&t, count);
	memcpy(t.newest_sha256, sha256, SHA256_HEX - 1);
	t.owner.instance = fetched_at;
	if (r == 0 && t.n == t.keep)
		r = scan(&t, find_gone);
	ledger_unlock(l);
	if (r == 0)
		r = t.gone_before ? 2 : is_outdated(&t, b);
	finish(&t);
	return r;
}
