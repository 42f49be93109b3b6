/*
 * What the ledger says about a name: see lookup.h.  The index holds, for each
 * name, where its last line is; and for a numbered name also where the last
 * line is that has this content under this name without its number.  It is
 * brought up to date with the lines that were added since, by whomever, when
 * something is asked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "index.h"
#include "lookup.h"
#include "msg.h"
#include "name.h"
#include "when.h"

/* Lines are longer than this. */
#define SHORTEST_LINE 180
#define NEW_INDEX     TREE_INDEX ".new"

struct lookup {
	struct ledger *ledger;
	struct tree *tree;
	const struct options *opt;
	int scratch;
	struct index *index;
	struct sha256 *hash;
	struct buf base, line;
	struct ledger_line parsed; /* of line */
	struct buf name;	   /* of what is given back */
	/* what is looked for */
	const char *want;
	size_t want_n;
	const char *want_sha256; /* NULL: a name */
};

static int
failed(const char *what)
{
	msg_errno("%s", what);
	return -1;
}

static uint64_t
key(struct lookup *k, const char *p, size_t n, const char *sha256)
{
	char hex[SHA256_HEX];

	sha256_add(k->hash, p, n);
	sha256_add(k->hash, "", 1);
	if (sha256 != NULL)
		sha256_add(k->hash, sha256, SHA256_HEX - 1);
	sha256_hex(k->hash, hex);
	hex[16] = '\0';
	return strtoull(hex, NULL, 16);
}

/* Is this line what is looked for?  Its place in the index need not be. */
static int
is_wanted(struct lookup *k, const struct ledger_line *l)
{
	const char *name = l->field[LEDGER_NAME];
	size_t n = l->n[LEDGER_NAME];

	if (k->want_sha256 == NULL)
		return n == k->want_n && memcmp(name, k->want, n) == 0;
	return !l->removed &&
	    memcmp(l->field[LEDGER_SHA256], k->want_sha256, SHA256_HEX - 1) == 0 &&
	    name_unnumber(&k->base, name, n) && k->base.n == k->want_n &&
	    memcmp(k->base.p, k->want, k->want_n) == 0;
}

/* For the index: does the line at this offset match? */
static int
match(void *arg, uint64_t offset)
{
	struct lookup *k = arg;
	const char *p;
	size_t n;
	int r = ledger_line_at(k->ledger, offset, &p, &n);

	if (r != 1)
		return r;
	buf_reset(&k->line);
	buf_add(&k->line, p, n);
	return ledger_parse(&k->parsed, k->line.p, k->line.n) == 0 && is_wanted(k, &k->parsed);
}

static void
want(struct lookup *k, const char *p, size_t n, const char *sha256)
{
	k->want = p;
	k->want_n = n;
	k->want_sha256 = sha256;
}

/* A line into the index.  1: it has no room any more. */
static int
take(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct lookup *k = arg;
	struct ledger_line l;
	struct buf base = {0};
	int bad;

	if (ledger_parse(&l, p, n) == -1)
		return 0;
	if (index_full(k->index))
		return 1;
	want(k, l.field[LEDGER_NAME], l.n[LEDGER_NAME], NULL);
	bad = index_put(k->index, key(k, k->want, k->want_n, NULL), match, k, offset);
	if (bad == 0 && !k->scratch && !l.removed &&
	    name_unnumber(&base, l.field[LEDGER_NAME], l.n[LEDGER_NAME])) {
		want(k, base.p, base.n, l.field[LEDGER_SHA256]);
		bad = index_put(k->index, key(k, base.p, base.n, k->want_sha256), match, k, offset);
	}
	buf_free(&base);
	return bad;
}

/* The bytes before an offset, by which an index knows its ledger again. */
static int
read_tail(struct lookup *k, uint64_t end, char tail[INDEX_TAIL])
{
	size_t n = end < INDEX_TAIL ? (size_t)end : INDEX_TAIL;

	memset(tail, 0, INDEX_TAIL);
	return pread(ledger_fd(k->ledger), tail, n, (off_t)(end - n)) == (ssize_t)n ? 0 : -1;
}

/* The lines from here on.  1: the index has no room for all of them. */
static int
take_lines(struct lookup *k, uint64_t from)
{
	char tail[INDEX_TAIL];
	int r = ledger_each(k->ledger, &from, take, k);

	if (r != 0 || (r = read_tail(k, from, tail)) == -1)
		return r;
	index_cover(k->index, from, tail);
	return index_store(k->index);
}

/* Does the index belong to this ledger? */
static int
belongs(struct lookup *k)
{
	char tail[INDEX_TAIL], now[INDEX_TAIL];
	uint64_t covered = index_covered(k->index, tail);

	return read_tail(k, covered, now) == 0 && memcmp(now, tail, INDEX_TAIL) == 0;
}

/* A new index, with room for twice what is there. */
static int
rebuild(struct lookup *k, uint64_t size)
{
	struct index *old = k->index;
	uint64_t keys = size / SHORTEST_LINE * 2;
	int dir = tree_fd(k->tree), r;

	if (old != NULL && keys < index_keys(old) * 2)
		keys = index_keys(old) * 2;
	do {
		k->index =
		    index_new(dir, k->scratch ? NULL : NEW_INDEX, options_own_mode(k->opt), keys);
		if (k->index == NULL)
			break;
		r = take_lines(k, 0);
		if (r == 0)
			break;
		index_close(k->index);
		k->index = NULL;
		keys *= 2;
	} while (r == 1);
	if (k->index != NULL && !k->scratch && renameat(dir, NEW_INDEX, dir, TREE_INDEX) == -1) {
		index_close(k->index);
		k->index = NULL;
	}
	if (k->index == NULL && !k->scratch) {
		r = errno;
		unlinkat(dir, NEW_INDEX, 0);
		errno = r;
	}
	if (old != NULL && k->index != NULL)
		(void)index_retire(old);
	index_close(old);
	return k->index != NULL ? 0 : -1;
}

/* All lines that are in the ledger now are in the index, too. */
static int
catch_up(struct lookup *k)
{
	off_t size = lseek(ledger_fd(k->ledger), 0, SEEK_END);
	char tail[INDEX_TAIL];
	uint64_t from;
	int r;

	if (size == -1)
		return -1;
	if (k->index != NULL && !k->scratch && index_load(k->index) == -1) {
		index_close(k->index);
		k->index = NULL;
	}
	if (k->index == NULL && !k->scratch)
		k->index = index_open(tree_fd(k->tree), TREE_INDEX);
	if (k->index == NULL || index_covered(k->index, tail) > (uint64_t)size || !belongs(k))
		return rebuild(k, (uint64_t)size);
	from = index_covered(k->index, tail);
	if (from == (uint64_t)size)
		return 0;
	r = take_lines(k, from);
	return r == 1 ? rebuild(k, (uint64_t)size) : r;
}

struct lookup *
lookup_new(struct ledger *l, struct tree *t, const struct options *opt, int scratch, int *code)
{
	struct lookup *k = xcalloc(1, sizeof(*k));

	k->ledger = l;
	k->tree = t;
	k->opt = opt;
	k->scratch = scratch;
	k->hash = sha256_new();
	if (scratch && catch_up(k) == -1) {
		failed("index of the ledger");
		*code = EX_IOERR;
		lookup_free(k);
		return NULL;
	}
	return k;
}

void
lookup_free(struct lookup *k)
{
	if (k == NULL)
		return;
	index_close(k->index);
	sha256_free(k->hash);
	buf_free(&k->base);
	buf_free(&k->line);
	buf_free(&k->name);
	free(k);
}

static void
give(struct lookup *k, struct found *f, const struct ledger_line *l, uint64_t offset)
{
	buf_reset(&k->name);
	buf_add(&k->name, l->field[LEDGER_NAME], l->n[LEDGER_NAME]);
	f->name = buf_text(&k->name);
	f->name_n = k->name.n;
	f->removed = l->removed;
	f->bytes = l->bytes;
	f->sha256 = l->field[LEDGER_SHA256];
	f->offset = offset;
	f->time = INT64_MAX;
	if (offset != 0)
		(void)when_parse(l->field[LEDGER_TIME], l->n[LEDGER_TIME], &f->time);
}

/* Among the lines that are not written yet: the last that is wanted. */
static int
find_pending(struct lookup *k, struct found *f)
{
	static const char no_chain[] =
	    "\t0000000000000000000000000000000000000000000000000000000000000000";
	const struct buf *b = ledger_pending(k->ledger);
	const char *end, *p;

	if (b->n == 0)
		return 0; /* of which p may be NULL */
	for (end = b->p + b->n; end > b->p; end = p) {
		for (p = end - 1; p > b->p && p[-1] != '\n'; p--)
			;
		buf_reset(&k->line);
		buf_add(&k->line, p, (size_t)(end - 1 - p));
		buf_adds(&k->line, no_chain);
		if (ledger_parse(&k->parsed, k->line.p, k->line.n) == 0 &&
		    is_wanted(k, &k->parsed)) {
			give(k, f, &k->parsed, 0);
			return 1;
		}
	}
	return 0;
}

static int
find(struct lookup *k, const char *p, size_t n, const char *sha256, struct found *f)
{
	uint64_t offset;
	int r;

	want(k, p, n, sha256);
	if ((r = find_pending(k, f)) != 0)
		return r;
	if (!k->scratch && catch_up(k) == -1)
		return failed(TREE_INDEX);
	want(k, p, n, sha256); /* catching up looked for other things */
	r = index_find(k->index, key(k, p, n, sha256), match, k, &offset);
	if (r == -1)
		return failed(TREE_INDEX);
	if (r == 1)
		give(k, f, &k->parsed, offset);
	return r;
}

int
lookup_update(struct lookup *k)
{
	return catch_up(k) == -1 ? failed(TREE_INDEX) : 0;
}

int
lookup_name(struct lookup *k, const char *name, struct found *f)
{
	return find(k, name, strlen(name), NULL, f);
}

int
lookup_content(struct lookup *k, const char *base, const char *sha256, struct found *f)
{
	struct buf name = {0};
	struct found last;
	int r;

	r = find(k, base, strlen(base), sha256, f);
	if (r != 1)
		return r;
	/* That line counts only if it is the last of its name. */
	buf_add(&name, f->name, f->name_n);
	r = lookup_name(k, buf_text(&name), &last);
	buf_free(&name);
	if (r != 1 || last.removed || memcmp(last.sha256, sha256, SHA256_HEX - 1) != 0)
		return r == -1 ? -1 : 0;
	*f = last;
	return 1;
}

int
lookup_seen(struct lookup *k)
{
	return index_mark(k->index) == -1 ? failed(TREE_INDEX) : 0;
}

struct each {
	struct lookup *k;
	int (*call)(void *, const struct found *);
	void *arg;
};

static int
each_line(void *arg, uint64_t offset)
{
	struct each *e = arg;
	struct lookup *k = e->k;
	struct found f;
	const char *p;
	size_t n;
	int r = ledger_line_at(k->ledger, offset, &p, &n);

	if (r != 1)
		return r == 0 ? 0 : failed(TREE_LEDGER);
	buf_reset(&k->line);
	buf_add(&k->line, p, n);
	if (ledger_parse(&k->parsed, k->line.p, k->line.n) == -1)
		return 0;
	give(k, &f, &k->parsed, offset);
	return e->call(e->arg, &f);
}

int
lookup_unseen(struct lookup *k, int (*call)(void *, const struct found *), void *arg)
{
	struct each e = {k, call, arg};

	return index_unmarked(k->index, each_line, &e);
}
