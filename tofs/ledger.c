/* The ledger: see tofs.h.  index.c searches it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "tofs.h"
#include "when.h"

/* Longer than many lines. */
#define CHUNK ((size_t)256 * 1024)

const char ledger_head[] = "praic-ledger\t1\n";
#define HEAD_SIZE (sizeof(ledger_head) - 1)

/* Relative, nothing but plain components, nothing that would need escapes. */
static int
is_name(const char *p, size_t n)
{
	size_t i, start = 0;

	for (i = 0; i <= n; i++) {
		if (i < n && ((unsigned char)p[i] < 0x20 || p[i] == '\\'))
			return 0;
		if (i < n && p[i] != '/')
			continue;
		if (i == start ||
		    (p[start] == '.' &&
			(i == start + 1 || (i == start + 2 && p[start + 1] == '.'))))
			return 0;
		start = i + 1;
	}
	return 1;
}

int
ledger_parse(struct ledger_line *l, const char *p, size_t n)
{
	const char *end = p + n, *tab;
	int64_t t, instance;
	int i;

	for (i = 0; i < LEDGER_FIELDS; i++) {
		tab = memchr(p, '\t', (size_t)(end - p));
		if ((tab == NULL) != (i == LEDGER_CHAIN))
			return -1;
		l->field[i] = p;
		l->n[i] = (size_t)((tab != NULL ? tab : end) - p);
		p = tab != NULL ? tab + 1 : end;
	}
#define FIELD(f) l->field[f], l->n[f]
#define IS(f, text) \
	(l->n[f] == sizeof(text) - 1 && memcmp(l->field[f], text, sizeof(text) - 1) == 0)
	l->kind = kind_find(FIELD(LEDGER_KIND));
	l->removed = IS(LEDGER_BYTES, "-") && IS(LEDGER_SHA256, "-");
	l->bytes = 0;
	if (when_parse(FIELD(LEDGER_TIME), &t) == -1 || l->kind == KINDS ||
	    !(IS(LEDGER_INSTANCE, "\\N") || num_parse(FIELD(LEDGER_INSTANCE), &instance) == 0) ||
	    !is_name(FIELD(LEDGER_NAME)) || !sha256_is_hex(FIELD(LEDGER_CHAIN)))
		return -1;
	if (!l->removed &&
	    (!sha256_is_hex(FIELD(LEDGER_SHA256)) ||
		num_parse_count(FIELD(LEDGER_BYTES), UINT64_MAX, &l->bytes) == -1))
		return -1;
	return 0;
#undef IS
#undef FIELD
}

void
ledger_chain_start(struct sha256 *hash, char chain[SHA256_HEX])
{
	sha256_add(hash, ledger_head, HEAD_SIZE - 1);
	sha256_hex(hash, chain);
}

/* It begins as a ledger does; a head that a crash cut, or that is not there
 * yet, is written, and the ledger's own name made durable. */
static int
check_head(struct ledger *l, int dir)
{
	char head[HEAD_SIZE];
	ssize_t n = pread(l->fd, head, sizeof(head), 0);

	if (n == -1) {
		msg_errno("%s", l->path);
		return EX_IOERR;
	}
	if (memcmp(head, ledger_head, (size_t)n) != 0) {
		msg_warn("%s: this is no ledger of praic, or one of another version", l->path);
		return EX_CANTCREAT;
	}
	if ((size_t)n == HEAD_SIZE)
		return 0;
	if (file_write(l->fd, ledger_head + n, HEAD_SIZE - (size_t)n) == -1 || fsync(l->fd) == -1 ||
	    file_sync_dir(dir) == -1) {
		msg_errno("%s", l->path);
		return tree_code(errno, EX_IOERR);
	}
	return 0;
}

struct ledger *
ledger_open(struct tree *t, const struct options *opt, int make, int *code)
{
	struct ledger *l = xcalloc(1, sizeof(*l));
	struct stat st;
	int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (make ? O_RDWR | O_APPEND : O_RDONLY);

	l->path = xasprintf("%s/" TREE_LEDGER, t->path);
	l->hash = sha256_new();
	l->reads = !make;
	if (make && !opt->existing)
		flags |= O_CREAT;
	l->fd = openat(t->fd, TREE_LEDGER, flags, options_own_mode(opt));
	if (l->fd == -1) {
		if (errno == ENOENT && opt->existing)
			msg_warn("%s: it is not there, and --existing demands it: is its share "
				 "mounted?",
			    l->path);
		else
			msg_errno("%s", l->path);
		*code = make || opt->existing ? tree_code(errno, EX_CANTCREAT) : EX_NOINPUT;
		ledger_close(l);
		return NULL;
	}
	if (fstat(l->fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		msg_warn("%s: this is no regular file", l->path);
		*code = EX_CANTCREAT;
		ledger_close(l);
		return NULL;
	}
	if (!make)
		return l;
	*code = ledger_lock(l);
	if (*code == 0) {
		*code = check_head(l, t->fd);
		ledger_unlock(l);
	}
	if (*code != 0) {
		ledger_close(l);
		return NULL;
	}
	return l;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	if (l->fd != -1)
		close(l->fd);
	buf_free(&l->pending);
	sha256_free(l->hash);
	free(l->path);
	free(l);
}

int
ledger_lock(struct ledger *l)
{
	int bad;

	do
		bad = flock(l->fd, l->reads ? LOCK_SH : LOCK_EX);
	while (bad == -1 && errno == EINTR);
	if (bad == -1) {
		msg_errno("%s: cannot lock it", l->path);
		return tree_code(errno, EX_CANTCREAT);
	}
	return 0;
}

void
ledger_unlock(struct ledger *l)
{
	if (flock(l->fd, LOCK_UN) == -1)
		msg_errno("%s: cannot unlock it", l->path);
}

void
ledger_add(
    struct ledger *l, const struct owner *o, const char *name, uint64_t bytes, const char *sha256)
{
	struct buf *b = &l->pending;
	char now[WHEN_SIZE], number[NUM_SIZE];

	when_format(time(NULL), now);
	buf_printf(b, "%s\t", now);
	rec_escape(b, o->host.p, o->host.n);
	buf_printf(b, "\t%s\t", kind_name[o->kind]);
	rec_escape(b, o->lsid.p, o->lsid.n);
	num_format(o->instance, number);
	buf_printf(b, "\t%s\t%s\t", o->instance < 0 ? "\\N" : number, name);
	if (sha256 != NULL)
		buf_printf(b, "%llu\t%s\n", (unsigned long long)bytes, sha256);
	else
		buf_adds(b, "-\t-\n");
}

/* Bytes of the file, hashed behind what was hashed so far. */
static int
hash_range(struct ledger *l, uint64_t from, uint64_t to)
{
	char chunk[4096];
	ssize_t n;

	for (; from < to; from += (uint64_t)n) {
		size_t want = to - from < sizeof(chunk) ? (size_t)(to - from) : sizeof(chunk);

		n = pread(l->fd, chunk, want, (off_t)from);
		if (n <= 0)
			return -1;
		sha256_add(l->hash, chunk, (size_t)n);
	}
	return 0;
}

int
ledger_each(struct ledger *l, uint64_t *from, int (*each)(void *, const char *, size_t, uint64_t),
    void *arg)
{
	struct buf b = {0};
	const char *lf;
	size_t at, looked;
	ssize_t n;
	int r = 0;

	do {
		buf_reserve(&b, CHUNK);
		do
			n = pread(l->fd, b.p + b.n, CHUNK, (off_t)(*from + b.n));
		while (n == -1 && errno == EINTR);
		looked = b.n;
		b.n += n > 0 ? (size_t)n : 0;
		for (at = 0; r == 0; at = (size_t)(lf + 1 - b.p), looked = at) {
			lf = memchr(b.p + looked, '\n', b.n - looked);
			if (lf == NULL)
				break;
			r = each(arg, b.p + at, (size_t)(lf - b.p) - at, *from + at);
			if (r != 0)
				break;
		}
		/* A line that is longer than praic-tofs writes is passed on in
		 * pieces, which bounds the memory. */
		if (r == 0 && b.n - at > 4 * CHUNK) {
			r = each(arg, b.p + at, b.n - at, *from + at);
			at = b.n;
		}
		buf_drop(&b, at);
		*from += at;
	} while (r == 0 && n > 0);
	if (n == -1) {
		msg_errno("%s", l->path);
		r = -1;
	}
	buf_free(&b);
	return r;
}

/* For ledger_each: remember where this line ends, and its chain. */
static int
note_line(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct ledger *l = arg;
	struct ledger_line line;

	if (ledger_parse(&line, p, n) == 0) {
		memcpy(l->chain, line.field[LEDGER_CHAIN], SHA256_HEX - 1);
		l->chain[SHA256_HEX - 1] = '\0';
		l->end = offset + n + 1;
	}
	return 0;
}

/* Find the last line that is one: its end and its chain.  Bytes behind it were torn
 * by a crash.  0, or -1 after a message. */
static int
find_tail(struct ledger *l, uint64_t size)
{
	uint64_t from = size > CHUNK ? size - CHUNK : 0, at = from;

	l->end = 0;
	if (ledger_each(l, &at, note_line, l) == -1)
		return -1;
	at = 0;
	if (l->end == 0 && from > 0 && ledger_each(l, &at, note_line, l) == -1)
		return -1;
	if (l->end == 0) {
		ledger_chain_start(l->hash, l->chain);
		l->end = HEAD_SIZE;
	}
	return 0;
}

static int
write_failed(struct ledger *l)
{
	int code = tree_code(errno, EX_IOERR);

	msg_errno("%s", l->path);
	buf_reset(&l->pending);
	return code;
}

int
ledger_write(struct ledger *l)
{
	struct buf out = {0};
	const char *p, *lf;
	char last = '\n';
	off_t size;
	int bad;

	if (l->pending.n == 0)
		return 0;
	size = lseek(l->fd, 0, SEEK_END);
	if (size == -1)
		return write_failed(l);
	if ((uint64_t)size != l->end) {
		/* Another process has added lines; or a crash tore the last one, which
		 * gets its LF, and counts if nothing else was missing. */
		if (pread(l->fd, &last, 1, size - 1) != 1 ||
		    (last != '\n' && file_write(l->fd, "\n", 1) == -1))
			return write_failed(l);
		size += last != '\n';
		if (find_tail(l, (uint64_t)size) == -1) {
			buf_reset(&l->pending);
			return EX_IOERR;
		}
	}
	for (p = l->pending.p; p < l->pending.p + l->pending.n; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(l->pending.p + l->pending.n - p));
		sha256_add(l->hash, l->chain, SHA256_HEX - 1);
		/* Torn lines are hashed into the first line behind them. */
		if (p == l->pending.p && hash_range(l, l->end, (uint64_t)size) == -1)
			return write_failed(l);
		sha256_add(l->hash, p, (size_t)(lf - p));
		sha256_hex(l->hash, l->chain);
		buf_add(&out, p, (size_t)(lf - p));
		buf_printf(&out, "\t%s\n", l->chain);
	}
	bad = file_write(l->fd, out.p, out.n);
	l->end = (uint64_t)size + out.n;
	buf_free(&out);
	if (bad == -1) {
		bad = errno;
		l->end = 0; /* to be looked up again */
		/* Nothing half done; where the file may only grow (chattr +a)
		 * the next line closes it. */
		(void)!ftruncate(l->fd, size);
		errno = bad;
		return write_failed(l);
	}
	buf_reset(&l->pending);
	return 0;
}

int
ledger_sync(struct ledger *l)
{
	if (fdatasync(l->fd) == -1 && errno != EINVAL) {
		msg_errno("%s", l->path);
		return EX_IOERR;
	}
	return 0;
}
