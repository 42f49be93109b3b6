/* What was left out, kept: see reject.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "reject.h"
#include "sha256.h"

#define TABLE "praic_reject"
#define PIECE ((size_t)64 << 10)
/* Of a host's or session's name in a file's name; a sum of the whole names
 * stands beside it. */
#define NAME_PART 64

/* The lines of a session in the temporary file. */
struct lines {
	off_t head, at; /* the stream's first lines; the session's own */
	size_t head_n;
	off_t n;
};

struct reject {
	const char *name;
	int dir;
	int code;

	int fd;	   /* the temporary file */
	off_t end; /* of it, with what waits in out */
	struct buf out;
	struct lines *gathered;
	size_t n, room;
	struct lines begun;
	int is_begun;
	struct buf head; /* of the stream at hand */
	off_t head_at;	 /* where it is in the file; -1: not yet there */

	/* of the session dropped */
	int is_dropped;
	struct buf host, lsid, reason;
};

struct reject *
reject_open(const char *directory, int *code)
{
	struct reject *r = xcalloc(1, sizeof(*r));

	r->name = directory;
	r->fd = -1;
	r->head_at = -1;
	r->dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir == -1)
		msg_errno("%s", directory);
	else if ((r->fd = file_scratch()) == -1)
		msg_errno("temporary file in $TMPDIR or /var/tmp");
	if (r->fd != -1)
		return r;
	*code = EX_CANTCREAT;
	reject_close(r);
	return NULL;
}

void
reject_close(struct reject *r)
{
	if (r == NULL)
		return;
	if (r->dir != -1)
		close(r->dir);
	if (r->fd != -1)
		close(r->fd);
	buf_free(&r->out);
	buf_free(&r->head);
	buf_free(&r->host);
	buf_free(&r->lsid);
	buf_free(&r->reason);
	free(r->gathered);
	free(r);
}

int
reject_code(const struct reject *r)
{
	return r == NULL ? 0 : r->code;
}

static void
fail(struct reject *r, const char *what)
{
	if (r->code == 0)
		msg_errno("%s", what);
	r->code = EX_IOERR;
}

static void
flush(struct reject *r)
{
	if (r->code == 0 && r->out.n > 0 && file_write(r->fd, r->out.p, r->out.n) == -1)
		fail(r, "temporary file for --reject");
	buf_trim(&r->out, 4 * PIECE);
}

static void
put(struct reject *r, const char *p, size_t n)
{
	buf_add(&r->out, p, n);
	r->end += (off_t)n;
	if (r->out.n >= PIECE)
		flush(r);
}

void
reject_begin(struct reject *r, struct rec_value head)
{
	if (r == NULL)
		return;
	reject_end(r);
	if (r->head_at == -1 || r->head.n != head.n || memcmp(r->head.p, head.p, head.n) != 0) {
		buf_reset(&r->head);
		buf_add(&r->head, head.p, head.n);
		r->head_at = r->end;
		put(r, head.p, head.n);
	}
	r->begun.head = r->head_at;
	r->begun.head_n = r->head.n;
	r->begun.at = r->end;
	r->is_begun = 1;
}

void
reject_line(struct reject *r, const char *line, size_t n)
{
	/* Of what spoilt a session only what belongs to one is kept: the
	 * file is to be a record stream. */
	if (r == NULL || !r->is_begun || n < 2 || line[1] != '\t' ||
	    strchr("SRXE", line[0]) == NULL)
		return;
	put(r, line, n);
	put(r, "\n", 1);
}

void
reject_gathered(struct reject *r)
{
	if (r == NULL)
		return;
	if (r->n == r->room) {
		r->room = r->room * 2 + 64;
		r->gathered = xrealloc(r->gathered, r->room * sizeof(*r->gathered));
	}
	r->begun.n = r->end - r->begun.at;
	r->gathered[r->n++] = r->begun;
	r->is_begun = 0;
}

static void
set(struct buf *b, const char *p, size_t n)
{
	buf_reset(b);
	buf_add(b, p, n);
}

void
reject_dropped(struct reject *r, struct rec_value host, struct rec_value lsid, const char *reason)
{
	if (r == NULL)
		return;
	set(&r->host, host.p, host.n);
	set(&r->lsid, lsid.p, lsid.n);
	set(&r->reason, reason, strlen(reason));
	r->is_dropped = 1;
}

/* A part of a file's name from what a stranger chose. */
static void
add_harmless(struct buf *name, const struct buf *text)
{
	size_t i;

	for (i = 0; i < text->n && i < NAME_PART; i++) {
		char c = text->p[i];
		int ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (i > 0 && (c == '.' || c == '-'));

		buf_addc(name, ok ? c : '_');
	}
	if (text->n == 0)
		buf_addc(name, '_');
}

/* The same for the same session and reason: it is kept once. */
static void
file_name(const struct reject *r, struct buf *name)
{
	struct sha256 *sum = sha256_new();
	char hex[SHA256_HEX];

	sha256_add(sum, r->host.p, r->host.n);
	sha256_add(sum, "", 1);
	sha256_add(sum, r->lsid.p, r->lsid.n);
	sha256_add(sum, "", 1);
	sha256_add(sum, r->reason.p, r->reason.n);
	sha256_hex(sum, hex);
	sha256_free(sum);
	add_harmless(name, &r->host);
	buf_addc(name, '-');
	add_harmless(name, &r->lsid);
	buf_addc(name, '-');
	buf_add(name, hex, 8);
	buf_adds(name, ".rec");
	buf_text(name);
}

/* A reject that is rejected again gets its new reason, not one more. */
static int
is_reason(const char *p, size_t n)
{
	static const char head[] = "H\t" TABLE "\t", row[] = "R\t" TABLE "\t";

	return n >= sizeof(head) - 1 &&
	    (memcmp(p, head, sizeof(head) - 1) == 0 || memcmp(p, row, sizeof(row) - 1) == 0);
}

/* An E line, with its count of rows made that of the file. */
static void
add_end(struct buf *out, const char *p, size_t n, int more)
{
	const char *end = p + n, *from, *to;
	uint64_t rows;

	from = memchr(p + 2, '\t', n - 2);
	to = from == NULL ? NULL : memchr(from + 1, '\t', (size_t)(end - from - 1));
	if (to == NULL ||
	    num_parse_count(from + 1, (size_t)(to - from - 1), INT64_MAX - 1, &rows) == -1 ||
	    (more < 0 && rows < (uint64_t)-more)) {
		buf_add(out, p, n); /* that was what is wrong with it */
		return;
	}
	buf_add(out, p, (size_t)(from - p));
	buf_printf(out, "\t%llu",
	    (unsigned long long)(more < 0 ? rows - (uint64_t)-more : rows + (uint64_t)more));
	buf_add(out, to, (size_t)(end - to));
}

struct copy {
	int fd;
	struct buf out;
	int more; /* rows that the file has beyond those that came */
	int ends; /* E lines */
};

static int
copy_flush(struct copy *c)
{
	int bad = file_write(c->fd, c->out.p, c->out.n);

	buf_trim(&c->out, 4 * PIECE);
	return bad;
}

static void
copy_line(struct copy *c, const char *p, size_t n, const struct buf *reason)
{
	if (is_reason(p, n)) {
		if (*p == 'R')
			c->more--;
		return;
	}
	if (*p == 'E') {
		add_end(&c->out, p, n, c->more);
		c->ends++;
	} else
		buf_add(&c->out, p, n);
	buf_addc(&c->out, '\n');
	if (*p != 'S')
		return;
	buf_adds(&c->out, "R\t" TABLE);
	rec_text(&c->out, reason->p, reason->n);
	rec_end_row(&c->out);
	c->more++;
}

/* The lines at this place of the temporary file.  0, or -1 and errno. */
static int
copy_lines(const struct reject *r, struct copy *c, off_t at, off_t n)
{
	struct buf in = {0};
	char *lf;
	size_t start, want;
	ssize_t got;
	int bad = 0;

	while (n > 0 && !bad) {
		want = n < (off_t)PIECE ? (size_t)n : PIECE;
		buf_reserve(&in, want);
		got = pread(r->fd, in.p + in.n, want, at);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got == 0 ? EIO : errno;
			bad = -1;
			break;
		}
		in.n += (size_t)got;
		at += got;
		n -= got;
		for (start = 0; (lf = memchr(in.p + start, '\n', in.n - start)) != NULL;
		     start = (size_t)(lf - in.p) + 1)
			copy_line(c, in.p + start, (size_t)(lf - in.p) - start, &r->reason);
		buf_drop(&in, start);
		if (c->out.n >= PIECE)
			bad = copy_flush(c);
	}
	buf_free(&in);
	return bad;
}

static int
write_stream(const struct reject *r, struct copy *c, const struct lines *l)
{
	if (copy_lines(r, c, l->head, (off_t)l->head_n) == -1)
		return -1;
	buf_adds(&c->out, "H\t" TABLE "\treason\n");
	if (copy_lines(r, c, l->at, l->n) == -1)
		return -1;
	buf_printf(&c->out, "Z\t%d\t0\n", c->ends);
	return copy_flush(c);
}

/* One session's file, from host, lsid and reason. */
static void
keep(struct reject *r, const struct lines *l)
{
	struct buf name = {0};
	struct copy c = {0};
	char *tmp;
	int bad;

	flush(r);
	if (r->code != 0)
		return;
	file_name(r, &name);
	tmp = xasprintf(".%s.%ld", name.p, (long)getpid());
	c.fd = openat(r->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c.fd == -1) {
		fail(r, r->name);
	} else {
		bad = write_stream(r, &c, l) == -1 || fsync(c.fd) == -1;
		if (bad)
			fail(r, name.p);
		if (close(c.fd) == -1 && !bad) {
			fail(r, name.p);
			bad = 1;
		}
		if (!bad && file_publish(r->dir, tmp, name.p, 1) == -1) {
			fail(r, name.p);
			bad = 1;
		}
		if (bad)
			unlinkat(r->dir, tmp, 0);
		else
			msg_tell(1, "kept in %s/%s", r->name, name.p);
	}
	free(tmp);
	buf_free(&c.out);
	buf_free(&name);
}

void
reject_end(struct reject *r)
{
	if (r == NULL || !r->is_begun)
		return;
	if (r->is_dropped) {
		r->begun.n = r->end - r->begun.at;
		keep(r, &r->begun);
	}
	reject_forget(r);
}

void
reject_forget(struct reject *r)
{
	if (r == NULL)
		return;
	r->is_begun = r->is_dropped = 0;
	if (r->n == 0)
		reject_shift(r);
}

void
reject_gathered_one(
    struct reject *r, size_t i, struct rec_value host, struct rec_value lsid, const char *reason)
{
	if (r == NULL)
		return;
	set(&r->host, host.p, host.n);
	set(&r->lsid, lsid.p, lsid.n);
	set(&r->reason, reason, strlen(reason));
	keep(r, &r->gathered[i]);
}

/* Move the lines of the session begun to the start of the file. */
static void
move_down(struct reject *r)
{
	off_t from = r->begun.at, left = r->end - r->begun.at;
	char *piece = xmalloc(PIECE);
	ssize_t n;

	r->end = 0;
	r->begun.head = r->head_at = 0;
	put(r, r->head.p, r->head.n);
	flush(r);
	r->begun.at = r->end;
	while (left > 0 && r->code == 0) {
		n = pread(r->fd, piece, left < (off_t)PIECE ? (size_t)left : PIECE, from);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			fail(r, "temporary file for --reject");
			break;
		}
		put(r, piece, (size_t)n);
		flush(r);
		from += n;
		left -= n;
	}
	free(piece);
}

void
reject_shift(struct reject *r)
{
	if (r == NULL)
		return;
	r->n = 0;
	flush(r);
	if (r->code == 0 && lseek(r->fd, 0, SEEK_SET) == -1)
		fail(r, "temporary file for --reject");
	if (r->is_begun)
		move_down(r);
	else {
		r->end = 0;
		r->head_at = -1;
	}
	if (r->code == 0 && ftruncate(r->fd, r->end) == -1)
		fail(r, "temporary file for --reject");
}
