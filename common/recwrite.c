/* The record stream, written: see rec.h. */
#include <errno.h>
#include <stdlib.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "utf8.h"
#include "vector.h"

/* Written when this much is there: a reader behind a pipe should have work
 * early, and a write should be worth its system call. */
#define FLUSH_AT (64 * 1024)

struct rec_writer {
	int fd;
	const char *name;
	int code;
	struct buf out;
	struct buf xml;		/* the X line being filled, escaped */
	char part[4];		/* of a character that a piece of XML cut */
	size_t part_n;
	struct buf lsid;	/* of the session begun, escaped */
	uint64_t sessions, rows, xml_bytes;
};

struct rec_writer *
rec_new(int fd, const char *name)
{
	struct rec_writer *w = xcalloc(1, sizeof(*w));

	w->fd = fd;
	w->name = name;
	file_widen_pipe(fd);
	return w;
}

void
rec_free(struct rec_writer *w)
{
	if (w == NULL)
		return;
	buf_free(&w->out);
	buf_free(&w->xml);
	buf_free(&w->lsid);
	free(w);
}

int
rec_failed(const struct rec_writer *w)
{
	return w->code != 0;
}

static void
flush(struct rec_writer *w)
{
	if (w->code == 0 && file_write(w->fd, w->out.p, w->out.n) == -1) {
		msg_errno("%s", w->name);
		w->code = EX_IOERR;
	}
	buf_trim(&w->out, 2 * FLUSH_AT);
}

static void
flush_if_full(struct rec_writer *w)
{
	if (w->out.n >= FLUSH_AT)
		flush(w);
}

/* Lines, which may be more than is good to hold twice. */
static void
put(struct rec_writer *w, const char *p, size_t n)
{
	if (n >= FLUSH_AT) {
		flush(w);
		if (w->code == 0 && file_write(w->fd, p, n) == -1) {
			msg_errno("%s", w->name);
			w->code = EX_IOERR;
		}
		return;
	}
	buf_add(&w->out, p, n);
	flush_if_full(w);
}

static void
put_number(struct buf *b, int64_t v)
{
	char text[NUM_SIZE];

	buf_add(b, text, (size_t)num_format(v, text));
}

/* Which bytes need a backslash, and what stands behind it. */
static const char escape_as[256] = {
	['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r', ['\\'] = '\\',
};

/* How many bytes from p on need no backslash. */
static size_t
unescaped(const char *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= VECTOR; i += VECTOR) {
		vector v = vector_load(p + i);
		unsigned first = vector_first((vector)(v == '\n') | (vector)(v == '\t') |
		    (vector)(v == '\r') | (vector)(v == '\\'));

		if (first < VECTOR)
			return i + first;
	}
	while (i < n && !escape_as[(unsigned char)p[i]])
		i++;
	return i;
}

void
rec_escape(struct buf *b, const char *p, size_t n)
{
	const char *end = p + n;
	size_t plain;

	buf_reserve(b, n);
	while (p < end) {
		plain = unescaped(p, (size_t)(end - p));
		buf_add(b, p, plain);
		p += plain;
		if (p < end) {
			char two[2] = {'\\', escape_as[(unsigned char)*p++]};

			buf_add(b, two, 2);
		}
	}
}

void
rec_row(struct buf *b, enum table_id table)
{
	buf_adds(b, "R\t");
	buf_adds(b, table_list[table].name);
}

void
rec_text(struct buf *b, const char *p, size_t n)
{
	buf_addc(b, '\t');
	rec_escape(b, p, n);
}

void
rec_int(struct buf *b, int64_t v)
{
	buf_addc(b, '\t');
	put_number(b, v);
}

void
rec_null(struct buf *b)
{
	buf_add(b, "\t\\N", 3);
}

void
rec_value(struct buf *b, struct rec_value v)
{
	if (v.p == NULL)
		rec_null(b);
	else
		rec_text(b, v.p, v.n);
}

void
rec_end_row(struct buf *b)
{
	buf_addc(b, '\n');
}

void
rec_head(struct rec_writer *w, unsigned tables)
{
	int t, c;

	w->sessions = 0;
	buf_adds(&w->out, REC_MARK "\t" REC_VERSION "\n");
	for (t = 0; t < TABLES; t++) {
		if ((tables & TABLE_BIT(t)) == 0)
			continue;
		buf_adds(&w->out, "H\t");
		buf_adds(&w->out, table_list[t].name);
		for (c = 0; c < table_list[t].columns; c++) {
			buf_addc(&w->out, '\t');
			buf_adds(&w->out, table_list[t].column[c].name);
		}
		buf_addc(&w->out, '\n');
	}
}

void
rec_begin(struct rec_writer *w, struct rec_value host, struct rec_value lsid)
{
	w->rows = w->xml_bytes = 0;
	buf_reset(&w->lsid);
	rec_escape(&w->lsid, lsid.p, lsid.n);
	buf_adds(&w->out, "S");
	rec_text(&w->out, host.p, host.n);
	buf_addc(&w->out, '\t');
	buf_add(&w->out, w->lsid.p, w->lsid.n);
	buf_addc(&w->out, '\n');
}

void
rec_rows(struct rec_writer *w, const char *p, size_t n, uint64_t rows)
{
	w->rows += rows;
	put(w, p, n);
}

static void
end_xml_line(struct rec_writer *w)
{
	if (w->xml.n == 0)
		return;
	buf_addc(&w->xml, '\n');
	put(w, w->xml.p, w->xml.n);
	buf_reset(&w->xml);
}

/*
 * Whole characters, cut into lines between them.  A line is ended when what
 * comes next does not fit, and never before: where it is cut must not hang
 * on the pieces in which the XML is given.
 */
static void
add_xml(struct rec_writer *w, const char *p, size_t n)
{
	const char *end = p + n;
	size_t plain, room;

	while (p < end) {
		if (w->xml.n == 0)
			buf_add(&w->xml, "X\t", 2);
		room = REC_MAX_XML - 1 - w->xml.n;
		plain = unescaped(p, (size_t)(end - p));
		if (plain > room) {
			plain = utf8_floor(p, room);
			buf_add(&w->xml, p, plain);
			end_xml_line(w);
		} else if (plain > 0)
			buf_add(&w->xml, p, plain);
		else if (room < 2)
			end_xml_line(w);
		else {
			char two[2] = {'\\', escape_as[(unsigned char)*p]};

			buf_add(&w->xml, two, 2);
			plain = 1;
		}
		p += plain;
	}
}

void
rec_xml(struct rec_writer *w, const char *p, size_t n)
{
	size_t whole;
	int len;

	w->xml_bytes += n;
	/* Complete the character that the last piece cut. */
	while (w->part_n > 0 && n > 0) {
		w->part[w->part_n++] = *p++;
		n--;
		len = utf8_length((unsigned char *)w->part, w->part_n);
		if (len == (int)w->part_n || w->part_n == sizeof(w->part)) {
			add_xml(w, w->part, w->part_n);
			w->part_n = 0;
		}
	}
	whole = utf8_floor(p, n);
	add_xml(w, p, whole);
	if (whole < n) {
		memcpy(w->part, p + whole, n - whole);
		w->part_n = n - whole;
	}
}

void
rec_commit(struct rec_writer *w)
{
	if (w->part_n > 0) {
		add_xml(w, w->part, w->part_n);
		w->part_n = 0;
	}
	end_xml_line(w);
	buf_add(&w->out, "E\t", 2);
	buf_add(&w->out, w->lsid.p, w->lsid.n);
	rec_int(&w->out, (int64_t)w->rows);
	rec_int(&w->out, (int64_t)w->xml_bytes);
	buf_addc(&w->out, '\n');
	w->sessions++;
	flush_if_full(w);
}

void
rec_drop(struct rec_writer *w)
{
	buf_reset(&w->xml);
	w->part_n = 0;
}

void
rec_end(struct rec_writer *w, uint64_t left_out)
{
	buf_adds(&w->out, "Z");
	rec_int(&w->out, (int64_t)w->sessions);
	rec_int(&w->out, (int64_t)left_out);
	buf_addc(&w->out, '\n');
}

int
rec_finish(struct rec_writer *w)
{
	flush(w);
	return w->code;
}
