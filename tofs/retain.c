/* How many backups are kept: see retain.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "ledger.h"
#include "lookup.h"
#include "msg.h"
#include "rec.h"
#include "retain.h"

/* Lines that may wait: each look at the ledger goes through them. */
#define WRITE_AT 128

struct retain {
	struct store *store;
	struct tree *tree;
	struct buf host;	/* as the ledger writes it */
	const struct owner *owner;
	uint64_t end;		/* lines that are added now are not looked at */
	uint64_t keep;
	uint64_t present;	/* backups whose last line says so, and that are there */
	uint64_t seen;		/* of these, so far */
	uint64_t missing;	/* backups that should be there */
	uint64_t pruned;
	struct buf newest;	/* the name of the last of them */
	char newest_sha256[SHA256_HEX];
	const char *wanted;	/* a content that is looked for */
	int was_removed;
	int code;
	struct buf *gone;
};

/* What the ledger says about a name, for a line that says that it was stored. */
enum state { SUPERSEDED, REMOVED, MISSING, PRESENT };

static int
state(struct retain *t, const char *name, uint64_t bytes, uint64_t offset, enum state *state)
{
	struct found last;
	struct stat st;
	int r = lookup_name(store_lookup(t->store), name, &last);

	if (r == -1)
		return -1;
	if (r == 1 && last.removed)
		*state = REMOVED;
	else if (r == 0 || last.offset != offset)
		*state = SUPERSEDED;
	else if (tree_stat(t->tree, name, &st) == -1)
		*state = MISSING;
	else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes)
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
backup(struct retain *t, const char *p, size_t n, uint64_t offset, struct ledger_line *l,
    struct buf *name, enum state *s)
{
	if (offset >= t->end || memmem(p, n, "\tbackup\t", 8) == NULL ||
	    ledger_parse(l, p, n) == -1 || l->kind != KIND_BACKUP || l->removed ||
	    l->n[LEDGER_HOST] != t->host.n ||
	    memcmp(l->field[LEDGER_HOST], t->host.p, t->host.n) != 0 ||
	    strncmp(l->field[LEDGER_NAME], TREE_ASIDE "/", sizeof(TREE_ASIDE)) == 0)
		return 0;
	buf_reset(name);
	buf_add(name, l->field[LEDGER_NAME], l->n[LEDGER_NAME]);
	return state(t, buf_text(name), l->bytes, offset, s) == -1 ? -1 : 1;
}

static int
count(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct retain *t = arg;
	struct ledger_line l;
	struct buf name = {0};
	enum state s;
	int r = backup(t, p, n, offset, &l, &name, &s);

	if (r == 1 && s == PRESENT) {
		t->present++;
		memcpy(t->newest_sha256, l.field[LEDGER_SHA256], SHA256_HEX - 1);
		buf_reset(&t->newest);
		buf_add(&t->newest, name.p, name.n + 1);
	}
	t->missing += r == 1 && s == MISSING;
	if (r == 1 && s == REMOVED && t->wanted != NULL &&
	    memcmp(l.field[LEDGER_SHA256], t->wanted, SHA256_HEX - 1) == 0)
		t->was_removed = 1;
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
	struct ledger_line l;
	struct buf name = {0};
	enum state s = SUPERSEDED;
	int r = backup(t, p, n, offset, &l, &name, &s), old;

	if (r == 1) {
		/* Are there enough newer ones? */
		t->seen += s == PRESENT;
		old = t->present - t->seen >= t->keep;
		/* One that is missing and would have to go: a run was killed
		 * between the file and its line. */
		if (old && (s == PRESENT || s == MISSING) && remove_file(t, name.p) == 0) {
			ledger_add(store_ledger(t->store), t->owner, name.p, 0, NULL);
			if (s == PRESENT)
				buf_printf(t->gone, "- %s\n", name.p);
			if (++t->pruned % WRITE_AT == 0)
				t->code = code_worse(t->code, write_lines(t));
		}
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
	int fd = tree_read(t->tree, t->newest.p), bad = fd == -1;
	ssize_t n = 0;

	while (!bad && (n = file_read(fd, chunk, sizeof(chunk))) > 0)
		sha256_add(hash, chunk, (size_t)n);
	sha256_hex(hash, hex);
	sha256_free(hash);
	if (bad || n == -1)
		msg_errno("%s/%s", tree_path(t->tree), t->newest.p);
	if (fd != -1)
		close(fd);
	if (bad || n == -1)
		return EX_IOERR;
	if (memcmp(hex, t->newest_sha256, SHA256_HEX - 1) == 0)
		return 0;
	msg_warn("%s/%s: the newest backup is not what the ledger says; no older one is "
	    "removed", tree_path(t->tree), t->newest.p);
	return EX_DATAERR;
}

static void
start(struct retain *t, struct store *s, const char *host, size_t n, int64_t keep)
{
	off_t end = lseek(ledger_fd(store_ledger(s)), 0, SEEK_END);

	memset(t, 0, sizeof(*t));
	t->store = s;
	t->tree = store_tree(s);
	t->keep = (uint64_t)keep + 1;
	t->end = end == -1 ? 0 : (uint64_t)end;
	rec_escape(&t->host, host, n);
}

static int
scan(struct retain *t, int (*each)(void *, const char *, size_t, uint64_t))
{
	uint64_t from = 0;

	if (ledger_each(store_ledger(t->store), &from, each, t) == 0)
		return 0;
	msg_errno("%s/" TREE_LEDGER, tree_path(t->tree));
	return -1;
}

static void
finish(struct retain *t)
{
	buf_free(&t->host);
	buf_free(&t->newest);
}

int
retain_backups(struct store *s, const char *host, size_t n, int64_t keep, struct buf *gone)
{
	struct owner owner = {KIND_BACKUP, host, "", n, 0, -1};
	struct ledger *l = store_ledger(s);
	struct retain t;
	int code = ledger_lock(l);

	if (code != 0)
		return code;
	start(&t, s, host, n, keep);
	t.owner = &owner;
	t.gone = gone;
	if (scan(&t, count) == -1)
		code = EX_IOERR;
	else if (t.present > t.keep || (t.present == t.keep && t.missing > 0)) {
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

int
retain_gone(struct store *s, const char *host, size_t n, int64_t keep, const char *sha256)
{
	struct ledger *l = store_ledger(s);
	struct retain t;
	int r;

	if (ledger_lock(l) != 0)
		return -1;
	start(&t, s, host, n, keep);
	t.wanted = sha256;
	r = scan(&t, count);
	ledger_unlock(l);
	finish(&t);
	return r == -1 ? -1 : t.was_removed && t.present >= t.keep;
}
