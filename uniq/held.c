/*
 * The session held back: see held.h.
 *
 * One buffer holds the complete sessions that are not written yet and, behind
 * them, the lines of the session that is being read.  What does not fit goes
 * to a temporary file.
 *
 * The digest is that of the stream's head, the session's key and its rows, and
 * its XML, in two sums: where the XML is cut into X lines, and which rows stand
 * between them, makes no difference.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "held.h"
#include "msg.h"
#include "sha256.h"

/* In memory; a session that is larger is on disk. */
#define ROOM ((size_t)8 << 20)
/* A write should be worth its system call. */
#define WRITE_AT ((size_t)64 << 10)

struct held {
	int fd;
	const char *name;
	int code, reader_gone;

	struct buf out;
	size_t complete; /* bytes of out before the session held */
	size_t summed;	 /* up to here the rows are in the sum */
	int scratch;	 /* the temporary file, or -1 */
	off_t in_scratch;

	struct buf head; /* of the output's stream; empty: none yet */
	unsigned char head_sum[SHA256_BYTES];
	uint64_t sessions; /* in the output's stream */
	struct sha256 *rows, *xml;
};

struct held *
held_new(int fd, const char *name)
{
	struct held *h = xcalloc(1, sizeof(*h));

	h->fd = fd;
	h->name = name;
	h->scratch = -1;
	h->rows = sha256_new();
	h->xml = sha256_new();
	file_widen_pipe(fd);
	return h;
}

void
held_free(struct held *h)
{
	if (h->scratch != -1)
		close(h->scratch);
	buf_free(&h->out);
	buf_free(&h->head);
	sha256_free(h->rows);
	sha256_free(h->xml);
	free(h);
}

int
held_code(const struct held *h)
{
	return h->code;
}

int
held_reader_gone(const struct held *h)
{
	return h->reader_gone;
}

static void
write_out(struct held *h, const char *p, size_t n)
{
	if (h->code != 0 || file_write(h->fd, p, n) == 0)
		return;
	h->code = EX_IOERR;
	h->reader_gone = errno == EPIPE;
	if (!h->reader_gone)
		msg_errno("%s", h->name);
}

static void
write_complete(struct held *h)
{
	write_out(h, h->out.p, h->complete);
	buf_drop(&h->out, h->complete);
	h->summed -= h->complete < h->summed ? h->complete : h->summed;
	h->complete = 0;
}

static void
scratch_failed(struct held *h)
{
	if (h->code == 0)
		msg_errno("temporary file in %s", file_scratch_dir());
	h->code = EX_IOERR;
}

static void
write_scratch(struct held *h, const char *p, size_t n)
{
	if (h->code != 0)
		return;
	if (h->scratch == -1)
		h->scratch = file_scratch();
	if (h->scratch == -1 || file_write(h->scratch, p, n) == -1)
		scratch_failed(h);
	h->in_scratch += (off_t)n;
}

/* A carriage return as it is and one that is escaped are the same text: all
 * else has one form only. */
static void
sum_text(struct sha256 *sum, const char *p, size_t n)
{
	const char *cr;

	while (n > 0 && (cr = memchr(p, '\r', n)) != NULL) {
		sha256_add(sum, p, (size_t)(cr - p));
		sha256_add(sum, "\\r", 2);
		n -= (size_t)(cr + 1 - p);
		p = cr + 1;
	}
	if (n > 0)
		sha256_add(sum, p, n);
}

/* The rows that stand in the buffer and are not in the sum yet. */
static void
sum_rows(struct held *h)
{
	sum_text(h->rows, h->out.p + h->summed, h->out.n - h->summed);
	h->summed = h->out.n;
}

static void
make_room(struct held *h, size_t n)
{
	sum_rows(h);
	write_complete(h);
	if (h->out.n + n <= ROOM)
		return;
	write_scratch(h, h->out.p, h->out.n);
	buf_reset(&h->out);
	h->summed = 0;
}

static void
add_line(struct held *h, const char *line, size_t n)
{
	if (h->out.n + n + 1 > ROOM)
		make_room(h, n + 1);
	buf_add(&h->out, line, n);
	buf_addc(&h->out, '\n');
	/* A line that is longer than all the room: of 64 MiB at most. */
	if (h->out.n > ROOM) {
		make_room(h, 0);
		buf_free(&h->out);
	}
}

/* End the output's stream.  No session is held. */
static void
end_stream(struct held *h, int64_t left_out)
{
	if (h->head.n > 0 && left_out >= 0)
		buf_printf(&h->out, "Z\t%llu\t%lld\n", (unsigned long long)h->sessions,
		    (long long)left_out);
	h->complete = h->out.n;
	h->sessions = 0;
}

int
held_stream(struct held *h, struct rec_value head, int64_t left_out)
{
	int is_first;

	if (h->head.n == head.n && memcmp(h->head.p, head.p, head.n) == 0)
		return 0;
	is_first = h->head.n == 0;
	end_stream(h, left_out);
	buf_reset(&h->head);
	buf_add(&h->head, head.p, head.n);
	buf_add(&h->out, head.p, head.n);
	h->complete = h->out.n;
	sha256_add(h->rows, head.p, head.n);
	sha256_bytes(h->rows, h->head_sum);
	return !is_first;
}

void
held_begin(struct held *h, const char *line, size_t n)
{
	h->summed = h->out.n;
	sha256_add(h->rows, h->head_sum, sizeof(h->head_sum));
	add_line(h, line, n);
}

void
held_row(struct held *h, const char *line, size_t n)
{
	add_line(h, line, n);
}

void
held_xml(struct held *h, const char *line, size_t n)
{
	sum_rows(h);
	sum_text(h->xml, line + 2, n - 2);
	add_line(h, line, n);
	h->summed = h->out.n;
}

struct digest
held_end(struct held *h, const char *line, size_t n)
{
	unsigned char sum[SHA256_BYTES];
	struct digest d;

	sum_rows(h);
	sha256_bytes(h->xml, sum);
	sha256_add(h->rows, sum, sizeof(sum));
	sha256_bytes(h->rows, sum);
	memcpy(&d, sum, sizeof(d));
	add_line(h, line, n);
	return d;
}

static void
copy_scratch(struct held *h)
{
	char *piece = xmalloc(WRITE_AT);
	ssize_t n = 0;

	if (h->code == 0 && lseek(h->scratch, 0, SEEK_SET) == -1)
		scratch_failed(h);
	while (h->code == 0 && h->in_scratch > 0) {
		n = file_read(h->scratch, piece, WRITE_AT);
		if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			scratch_failed(h);
			break;
		}
		write_out(h, piece, (size_t)n);
		h->in_scratch -= n;
	}
	free(piece);
}

static void
empty_scratch(struct held *h)
{
	if (h->scratch != -1 &&
	    (lseek(h->scratch, 0, SEEK_SET) == -1 || ftruncate(h->scratch, 0) == -1))
		scratch_failed(h);
	h->in_scratch = 0;
}

void
held_write(struct held *h)
{
	if (h->in_scratch > 0) {
		copy_scratch(h);
		empty_scratch(h);
	}
	h->sessions++;
	h->complete = h->out.n;
	if (h->complete >= WRITE_AT)
		write_complete(h);
}

void
held_forget(struct held *h)
{
	unsigned char unused[SHA256_BYTES];

	if (h->in_scratch > 0)
		empty_scratch(h);
	h->out.n = h->complete;
	/* Both sums begin anew. */
	sha256_bytes(h->rows, unused);
	sha256_bytes(h->xml, unused);
}

void
held_finish(struct held *h, int64_t left_out)
{
	end_stream(h, left_out);
	write_complete(h);
}
