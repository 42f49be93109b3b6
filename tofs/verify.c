/*
 * DIRECTORY against its ledger: see tofs.h.  The ledger is read once for
 * its chain and once into a table of its own on disk; then each file is
 * looked up and hashed, and what no file was found for is missing.  All in
 * constant memory.  Others may be storing meanwhile: whatever looks wrong is
 * looked at once more while they wait.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "msg.h"
#include "tofs.h"
#include "utf8.h"

/* Deeper than any format makes it; each folder on the way is held open. */
#define DEEPEST 200

/* ---- The head: how many lines the ledger has behind the first, and the chain of
 * the last of them.  A head that is kept elsewhere shows later whether the ledger
 * was emptied, shortened or written anew. ---- */

struct search {
	const struct options *opt; /* NULL: the last line is wanted */
	uint64_t lines;		   /* so far */
	uint64_t number;	   /* of the last line with a chain */
	char chain[SHA256_HEX];
	int found;
};

/* Is this line, counted from 0, the last one of the head that was given? */
static int
is_head(const struct options *opt, uint64_t number, const char *chain)
{
	return opt->head != NULL && number == opt->head_number &&
	    memcmp(chain, opt->head_chain, SHA256_HEX - 1) == 0;
}

static int
look(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct search *s = arg;
	struct ledger_line line;
	uint64_t number = s->lines++;

	(void)offset;
	if (s->opt != NULL && number < s->opt->head_number)
		return 0;
	if (number > 0 && ledger_parse(&line, p, n) == 0) {
		s->number = number;
		memcpy(s->chain, line.field[LEDGER_CHAIN], SHA256_HEX - 1);
	}
	s->found = s->opt != NULL && is_head(s->opt, s->number, s->chain);
	return s->opt != NULL;
}

static int
search(struct search *s, struct ledger *l)
{
	struct sha256 *hash = sha256_new();
	uint64_t from = 0;
	int r;

	ledger_chain_start(hash, s->chain);
	sha256_free(hash);
	r = ledger_each(l, &from, look, s);
	return r == -1 ? EX_IOERR : 0;
}

int
head_check(const struct options *opt, struct ledger *l)
{
	struct search s = {.opt = opt};
	int code;

	if (opt->head == NULL)
		return 0;
	code = search(&s, l);
	if (code != 0 || s.found)
		return code;
	msg_warn("%s/" TREE_LEDGER ": the head %s is no part of it: it was emptied, shortened or "
		 "written anew",
	    opt->directory, opt->head);
	leftout_add(opt->left_out, (struct rec_value){NULL, 0}, (struct rec_value){NULL, 0},
	    "ledger", -1, "head", msg_last());
	return EX_DATAERR;
}

int
head_print(const struct options *opt)
{
	struct search s = {0};
	struct ledger *l = NULL;
	int code = 0;
	struct tree *t = tree_open(opt->directory, opt->mode, &code);

	if (t != NULL)
		l = ledger_open(t, opt, 0, &code);
	if (l != NULL)
		code = search(&s, l);
	if (code == 0) {
		printf("%llu:%.*s\n", (unsigned long long)s.number, SHA256_HEX - 1, s.chain);
		if (fflush(stdout) == EOF) {
			msg_errno("standard output");
			code = EX_IOERR;
		}
	}
	ledger_close(l);
	if (t != NULL)
		tree_close(t);
	return code;
}

/* ---- DIRECTORY against it ---- */

struct verify {
	const struct options *opt;
	struct tree *tree;
	struct ledger *ledger;
	struct index *index;
	mode_t mode; /* what others may do to a file */
	uid_t owner;
	struct sha256 *hash;
	struct buf name; /* of the file at hand */
	uint64_t files, bytes, lines, torn, wrong;
	int code;
	/* the chain */
	char chain[SHA256_HEX];
	uint64_t end; /* how much of the ledger is looked at */
	int head;     /* that of --head is part of it */
	int skipping; /* the lines before were none; they are hashed */
};

static void
fault(struct verify *v, const char *name)
{
	msg_errno("%s/%s", v->tree->path, name);
	v->code = code_worse(v->code, EX_IOERR);
}

/* A line of the result; names on disk may hold anything. */
static void
tell(struct verify *v, const char *what, const char *name)
{
	const unsigned char *p = (const unsigned char *)name;
	size_t n = strlen(name);
	int len;

	v->wrong++;
	v->code = code_worse(v->code, EX_DATAERR);
	printf("%s\t", what);
	while (n > 0) {
		len = utf8_length(p, n);
		if (len < 0 || *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0) ||
		    *p == '\\') {
			len = 1;
			printf("\\x%02x", *p);
		} else
			fwrite(p, 1, (size_t)len, stdout);
		p += len;
		n -= (size_t)len;
	}
	putchar('\n');
}

/* Does its chain follow from the line before, and what stands between? */
static int
check_line(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct verify *v = arg;
	struct ledger_line l;
	char sum[SHA256_HEX], where[64];

	if (offset >= v->end)
		return 1;
	v->lines++;
	if (v->lines == 1) { /* the first line, which has no chain */
		v->head |= is_head(v->opt, 0, v->chain);
		if (n + 1 == strlen(ledger_head) && memcmp(p, ledger_head, n) == 0)
			return 0;
		tell(v, "ledger", "line 1");
	}
	if (!v->skipping)
		sha256_add(v->hash, v->chain, SHA256_HEX - 1);
	if (ledger_parse(&l, p, n) == -1) {
		v->skipping = 1;
		v->torn++;
		sha256_add(v->hash, p, n);
		sha256_add(v->hash, "\n", 1);
		return 0;
	}
	sha256_add(v->hash, p, n - SHA256_HEX);
	sha256_hex(v->hash, sum);
	v->skipping = 0;
	memcpy(v->chain, l.field[LEDGER_CHAIN], SHA256_HEX - 1);
	v->head |= is_head(v->opt, v->lines - 1, v->chain);
	/* Retention removes backups and nothing else. */
	if (memcmp(v->chain, sum, SHA256_HEX - 1) != 0 || (l.removed && l.kind != KIND_BACKUP)) {
		snprintf(where, sizeof(where), "line %llu", (unsigned long long)v->lines);
		tell(v, "ledger", where);
	}
	return 0;
}

static void
check_chain(struct verify *v)
{
	uint64_t from = 0;

	ledger_chain_start(v->hash, v->chain);
	if (ledger_each(v->ledger, &from, check_line, v) == -1)
		v->code = code_worse(v->code, EX_IOERR);
	if (v->skipping) { /* no line came behind them to hash them */
		char sum[SHA256_HEX];

		sha256_hex(v->hash, sum);
	}
}

enum result { RIGHT, UNKNOWN, CHANGED, GONE, FAULT };

/* Is the file what the ledger says? */
static enum result
compare(struct verify *v, int dir, const char *last, const struct found *f)
{
	char sum[SHA256_HEX];
	struct stat st;
	int fd, bad;

	fd = openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? GONE : errno == ELOOP || errno == ENXIO ? CHANGED : FAULT;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != f->bytes ||
	    (st.st_mode & 0777 & ~v->mode) != 0 || (st.st_uid != v->owner && st.st_uid != 0)) {
		close(fd);
		return CHANGED;
	}
	bad = sha256_file(fd, sum);
	close(fd);
	if (bad)
		return FAULT;
	if (strcmp(sum, f->sha256) != 0)
		return CHANGED;
	v->bytes += f->bytes;
	return RIGHT;
}

static enum result
check_once(struct verify *v, int dir, const char *last, const char *name)
{
	struct found f;
	struct stat st;
	int r = index_name(v->index, name, &f);

	if (r == -1) {
		errno = EIO;
		return FAULT;
	}
	if (r == 0 || f.removed)
		return fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) == -1 ? GONE : UNKNOWN;
	if (index_seen(v->index, f.id) == -1) {
		errno = EIO;
		return FAULT;
	}
	return compare(v, dir, last, &f);
}

static void
check_file(struct verify *v, int dir, const char *last)
{
	const char *name = buf_text(&v->name);
	enum result r = check_once(v, dir, last, name);

	if ((r == UNKNOWN || r == CHANGED || r == GONE) && ledger_lock(v->ledger) == 0) {
		r = check_once(v, dir, last, name);
		ledger_unlock(v->ledger);
	}
	v->files++;
	if (r == UNKNOWN)
		tell(v, "unknown", name);
	else if (r == CHANGED)
		tell(v, "changed", name);
	else if (r == FAULT)
		fault(v, name);
	/* GONE: it was removed since, by retention or by hand, and is reported as missing
	 * in the latter case. */
}

static int
is_own(const char *name)
{
	return strcmp(name, TREE_LEDGER) == 0 || strcmp(name, TREE_INDEX) == 0 ||
	    strcmp(name, TREE_INDEX "-journal") == 0;
}

/* A file that is being written, or that a killed run has left: the next one
 * removes it. */
static int
is_part(const char *name)
{
	return strncmp(name, TREE_PARTS "/", sizeof(TREE_PARTS)) == 0 &&
	    strspn(name + sizeof(TREE_PARTS), "0123456789abcdef") == 16 &&
	    strcmp(name + sizeof(TREE_PARTS) + 16, ".part") == 0;
}

static void
walk(struct verify *v, int dir, int depth)
{
	size_t length = v->name.n;
	struct dirent *e;
	struct stat st;
	DIR *d = fdopendir(dir);
	int fd, type;

	if (d == NULL) {
		fault(v, buf_text(&v->name));
		close(dir);
		return;
	}
	while (errno = 0, (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    (depth == 0 && is_own(e->d_name)))
			continue;
		v->name.n = length;
		if (length > 0)
			buf_addc(&v->name, '/');
		buf_adds(&v->name, e->d_name);
		type = e->d_type;
		if (type == DT_UNKNOWN) {
			if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
				if (errno != ENOENT)
					fault(v, buf_text(&v->name));
				continue;
			}
			type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_LNK;
		}
		if (type == DT_REG && is_part(buf_text(&v->name)))
			continue;
		if (type != DT_DIR)
			check_file(v, dirfd(d), e->d_name);
		else if (depth == DEEPEST)
			tell(v, "unknown", buf_text(&v->name));
		else if ((fd = openat(dirfd(d), e->d_name,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) != -1)
			walk(v, fd, depth + 1);
		else if (errno != ENOENT)
			fault(v, buf_text(&v->name));
	}
	v->name.n = length;
	if (errno != 0)
		fault(v, buf_text(&v->name));
	closedir(d);
}

/* Report the names without a file, under the lock. */
static void
check_unseen(struct verify *v)
{
	sqlite3_stmt *s = index_select(v->index,
	    "SELECT name FROM line AS l WHERE id NOT IN (SELECT id FROM seen) AND " INDEX_STORED
	    " ORDER BY id",
	    NULL);
	struct stat st;
	int r = -1;

	while (s != NULL && (r = index_row(v->index, sqlite3_step(s))) == 1) {
		const char *name = index_text(s, 0);

		if (tree_stat(v->tree, name, &st) == 0)
			continue;
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			tell(v, "missing", name);
		else
			fault(v, name);
	}
	sqlite3_finalize(s);
	if (r == -1)
		v->code = code_worse(v->code, EX_IOERR);
}

static void
check_tree(struct verify *v)
{
	int fd = openat(v->tree->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1) {
		fault(v, "");
		return;
	}
	walk(v, fd, 0);
	if (ledger_lock(v->ledger) != 0) {
		v->code = code_worse(v->code, EX_IOERR);
		return;
	}
	check_unseen(v);
	ledger_unlock(v->ledger);
}

/* Are there files, but no ledger? */
static int
lacks_ledger(const struct verify *v)
{
	struct stat st;
	int names = 0;
	DIR *d;

	if (tree_stat(v->tree, TREE_LEDGER, &st) == 0 || errno != ENOENT ||
	    (d = opendir(v->tree->path)) == NULL)
		return 0;
	while (readdir(d) != NULL)
		names++;
	closedir(d);
	return names > 2; /* . and .. */
}

int
verify(const struct options *opt)
{
	struct verify v = {.opt = opt};
	struct stat st;

	v.tree = tree_open(opt->directory, opt->mode, &v.code);
	if (v.tree == NULL)
		return v.code;
	if (lacks_ledger(&v))
		tell(&v, "missing", TREE_LEDGER);
	else
		v.ledger = ledger_open(v.tree, opt, 0, &v.code);
	v.hash = sha256_new();
	/* No line is half written while the lock is held. */
	if (v.ledger != NULL && (v.code = ledger_lock(v.ledger)) == 0) {
		/* No file has a looser mode than the ledger, unless -m gives one; its
		 * owner is the ledger's owner, or root. */
		if (fstat(v.ledger->fd, &st) == 0) {
			v.end = (uint64_t)st.st_size;
			v.mode = st.st_mode | opt->mode;
			v.owner = st.st_uid;
		}
		ledger_unlock(v.ledger);
		check_chain(&v);
		if (opt->head != NULL && !v.head)
			tell(&v, "head", opt->head);
		v.index = index_new(v.ledger, v.tree, opt, 1);
	}
	if (v.index != NULL)
		check_tree(&v);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		msg_errno("standard output");
		v.code = code_worse(v.code, EX_IOERR);
	}
	if (v.index != NULL)
		msg_tell(1,
		    "%s: %llu files with %llu bytes, %llu lines in the ledger (%llu torn), "
		    "%llu things wrong; the ledger's last chain is %s",
		    opt->directory, (unsigned long long)v.files, (unsigned long long)v.bytes,
		    (unsigned long long)v.lines, (unsigned long long)v.torn,
		    (unsigned long long)v.wrong, v.chain);
	index_free(v.index);
	ledger_close(v.ledger);
	tree_close(v.tree);
	sha256_free(v.hash);
	buf_free(&v.name);
	return v.code;
}
