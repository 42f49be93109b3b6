/* Contents on their way to their names: see tofs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "tofs.h"

/* A content above this size is not kept in memory. */
#define IN_MEMORY ((size_t)256 * 1024)
/* A batch lets this much wait to be written. */
#define BATCH_BYTES ((uint64_t)16 << 20)

void
owner_left_out(
    const struct options *opt, const struct owner *o, const char *code, const char *sentence)
{
	leftout_add(opt->left_out, o->host, o->lsid, o->kind < KINDS ? kind_name[o->kind] : "file",
	    o->kind == KIND_BACKUP ? -1 : o->instance, code, sentence);
}

/* In such a directory the ledger's name in capitals is the ledger, too. */
static int
folds(struct tree *t)
{
	struct stat a, b;

	return tree_stat(t, TREE_LEDGER, &a) == 0 && tree_stat(t, ".PRAIC-LEDGER", &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct store *
store_open(const struct options *opt, int *code)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->opt = opt;
	*code = 0;
	s->tree = tree_open(opt->directory, options_own_mode(opt), code);
	if (s->tree != NULL)
		s->ledger = ledger_open(s->tree, opt, 1, code);
	if (s->ledger != NULL && (*code = ledger_lock(s->ledger)) == 0) {
		s->parts = parts_open(s->tree, opt->mode, code);
		ledger_unlock(s->ledger);
	}
	if (s->parts == NULL) {
		ledger_close(s->ledger);
		tree_close(s->tree);
		free(s);
		return NULL;
	}
	s->index = index_new(s->ledger, s->tree, opt, 0);
	s->place = place_new(s->tree, s->index, opt);
	s->folds = folds(s->tree);
	return s;
}

struct store *
store_dry(const struct options *opt, int *code)
{
	struct store *s = xcalloc(1, sizeof(*s));
	struct stat st;

	s->opt = opt;
	s->dry = 1;
	s->tree = tree_open(opt->directory, opt->mode, code);
	if (s->tree != NULL && (opt->existing || tree_stat(s->tree, TREE_LEDGER, &st) == 0)) {
		s->ledger = ledger_open(s->tree, opt, 0, code);
		if (s->ledger != NULL)
			s->index = index_new(s->ledger, s->tree, opt, 1);
		else if (opt->existing)
			*code = EX_CANTCREAT;
	}
	if (*code == 0)
		return s;
	(void)store_close(s);
	return NULL;
}

/* The message and code for an errno of a write below DIRECTORY. */
static int
write_fault(struct store *s, int err, const char *name)
{
	errno = err;
	msg_errno("%s/%s", s->opt->directory, name != NULL ? name : TREE_PARTS);
	return tree_code(err, EX_CANTCREAT);
}

struct draft *
draft_new(struct store *s)
{
	struct draft *d = xcalloc(1, sizeof(*d));

	d->store = s;
	d->part.fd = -1;
	d->hash = s->spare != NULL ? s->spare : sha256_new();
	s->spare = NULL;
	return d;
}

void
draft_free(struct draft *d)
{
	struct store *s;

	if (d == NULL)
		return;
	s = d->store;
	part_drop(s->parts, &d->part);
	if (d->hash != NULL && d->sha256[0] == '\0')
		sha256_hex(d->hash, d->sha256); /* empty for its next user */
	if (s->spare == NULL)
		s->spare = d->hash;
	else
		sha256_free(d->hash);
	buf_free(&d->memory);
	free(d->host);
	free(d->lsid);
	free(d->name);
	free(d);
}

/* What is in memory goes into a file. */
static void
spill(struct draft *d)
{
	if (d->error == 0 && d->part.fd == -1 && part_new(d->store->parts, &d->part) == -1) {
		d->part.fd = -1;
		d->error = errno;
	}
	if (d->error == 0 && file_write(d->part.fd, d->memory.p, d->memory.n) == -1)
		d->error = errno;
	buf_reset(&d->memory);
}

void
draft_add(struct draft *d, const void *p, size_t n)
{
	sha256_add(d->hash, p, n);
	d->bytes += n;
	if (d->store->dry)
		return;
	if (d->error == 0)
		buf_add(&d->memory, p, n);
	if (d->memory.n > IN_MEMORY)
		spill(d);
}

const char *
draft_sha256(struct draft *d)
{
	if (d->sha256[0] == '\0')
		sha256_hex(d->hash, d->sha256);
	return d->sha256;
}

struct draft *
draft_link(struct store *s, int dir, const char *name, int fd, uint64_t bytes, const char *sha256)
{
	struct draft *d = xcalloc(1, sizeof(*d));

	d->store = s;
	d->part.fd = -1;
	d->bytes = bytes;
	memcpy(d->sha256, sha256, SHA256_HEX);
	if (part_link(s->parts, &d->part, dir, name, fd) == -1) {
		free(d);
		return NULL;
	}
	return d;
}

int
store_has(struct store *s, const char *name, uint64_t bytes, const char *sha256)
{
	struct content c = {name, bytes, sha256, -1, NULL};
	size_t i;
	int r;

	/* A file of the batch may still replace the one that is there. */
	for (i = 0; i < s->waiting && s->opt->conflict == CONFLICT_OVERWRITE; i++)
		if (strcmp(s->batch[i]->name, name) == 0)
			return 0;
	if (ledger_lock(s->ledger) != 0)
		return -1;
	r = place_has(s->place, &c);
	ledger_unlock(s->ledger);
	s->there += r == 1;
	return r;
}

int
store_put(struct store *s, struct draft *d, const struct owner *o, const char *name)
{
	int has;

	draft_sha256(d);
	if (s->fatal != 0) {
		draft_free(d);
		return s->fatal;
	}
	has = d->error != 0 ? 0 : store_has(s, name, d->bytes, d->sha256);
	if (has == 0 && (d->part.fd == -1 || d->memory.n > 0))
		spill(d);
	if (has == -1)
		s->fatal = EX_IOERR;
	if (d->error != 0) {
		s->fatal = write_fault(s, d->error, NULL);
		/* The files before it are whole, and may still be stored. */
		draft_free(d);
		(void)store_flush(s);
		return s->fatal;
	}
	if (has != 0) {
		msg_tell(2, "%s: there already", name);
		draft_free(d);
		return s->fatal;
	}
#ifdef SYNC_FILE_RANGE_WRITE
	/* Let the disk begin: when all of a batch are written, the first are on disk. */
	(void)sync_file_range(d->part.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
	buf_free(&d->memory);
	d->owner = *o;
	d->owner.host.p = d->host = xstrndup(o->host.p, o->host.n);
	d->owner.lsid.p = d->lsid = xstrndup(o->lsid.p, o->lsid.n);
	d->name = xstrdup(name);
	s->batch[s->waiting++] = d;
	s->waiting_bytes += d->bytes;
	if (s->waiting == STORE_BATCH || s->waiting_bytes >= BATCH_BYTES)
		return store_flush(s);
	return 0;
}

/* Under the lock: names, and lines for what has one now. */
static int
place_batch(struct store *s)
{
	struct buf final = {0};
	enum placed placed;
	int code = 0, r;
	size_t i;

	for (i = 0; i < s->waiting; i++) {
		struct draft *d = s->batch[i];
		struct content c = {d->name, d->bytes, d->sha256, s->parts->fd, d->part.name};

		/* This drops its lock, but a run that cleans up waits for the ledger's. */
		r = part_close(&d->part);
		if (r == -1) {
			code = code_worse(code, write_fault(s, errno, NULL));
			break;
		}
		r = place_put(s->place, &c, &placed, &final);
		code = code_worse(code, r);
		if (r == EX_DATAERR)
			owner_left_out(s->opt, &d->owner, "conflict", msg_last());
		if (placed == PLACED || placed == PLACED_FOUND)
			ledger_add(s->ledger, &d->owner, final.p, d->bytes, d->sha256);
		if (placed == PLACED) {
			buf_printf(&s->printed, "%s\n", final.p);
			d->part.name[0] = '\0'; /* no longer to be removed */
			s->stored++;
		} else if (placed != PLACED_NOT) {
			msg_tell(2, "%s: there already", d->name);
			s->there++;
		}
		if (r != 0 && r != EX_DATAERR)
			break;
	}
	buf_free(&final);
	return code;
}

static int
is_fatal(int code)
{
	return code != 0 && code != EX_DATAERR;
}

/* The files are safe even if their names cannot be printed. */
void
store_print(struct store *s, const struct buf *b)
{
	if (s->silenced || b->n == 0 || file_write(STDOUT_FILENO, b->p, b->n) == 0)
		return;
	msg_errno("standard output");
	s->silenced = 1;
}

int
store_flush(struct store *s)
{
	int code = 0, bad = 0, locked = 0;
	size_t i;

	for (i = 0; i < s->waiting && !is_fatal(code); i++)
		if (fsync(s->batch[i]->part.fd) == -1)
			code = write_fault(s, errno, NULL);
	if (s->waiting > 0 && code == 0) {
		code = ledger_lock(s->ledger);
		locked = code == 0;
	}
	if (locked) {
		code = place_batch(s);
		/* If one failed, the others have their names. */
		if (tree_sync(s->tree) == -1)
			bad = write_fault(s, errno, "");
		else
			bad = ledger_write(s->ledger);
		ledger_unlock(s->ledger);
		bad = code_worse(bad, ledger_sync(s->ledger));
		if (!is_fatal(bad))
			store_print(s, &s->printed);
		code = code_worse(code, bad);
	}
	if (is_fatal(code))
		s->fatal = code_worse(s->fatal, code);
	for (i = 0; i < s->waiting; i++)
		draft_free(s->batch[i]);
	s->waiting = 0;
	s->waiting_bytes = 0;
	buf_reset(&s->printed);
	return code;
}

int
store_close(struct store *s)
{
	int code = 0;

	if (s == NULL)
		return 0;
	if (!s->dry) {
		code = store_flush(s);
		msg_tell(1, "%s: %llu files stored, %llu were there already", s->opt->directory,
		    (unsigned long long)s->stored, (unsigned long long)s->there);
	}
	if (s->silenced)
		code = code_worse(code, EX_IOERR);
	parts_close(s->parts);
	place_free(s->place);
	index_free(s->index);
	ledger_close(s->ledger);
	tree_close(s->tree);
	sha256_free(s->spare);
	buf_free(&s->printed);
	free(s);
	return code;
}
