/* Writes the record stream: see rec.h. */
#include <errno.h>
#include <stdlib.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "vector.h"

/* Write so many bytes at once: few system calls, but early work for a reader behind a
 * pipe. */
#define FLUSH_AT (64 * 1024)
/* Lines of so many bytes are not copied first. */
#define DIRECT_AT (16 * 1024)

struct rec_writer {
	int fd;
	const char *name;
	int code;
	struct buf out;
	struct buf xml;	 /* the X line being filled, escaped */
	struct buf lsid; /* of the session begun, escaped */
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
write_out(struct rec_writer *w, const char *p, size_t n)
{
	if (w->code == 0 && file_write(w->fd, p, n) == -1) {
		msg_errno("%s", w->name);
		w->code = EX_IOERR;
	}
}

static void
flush(struct rec_writer *w)
{
	write_out(w, w->out.p, w->out.n);
	buf_trim(&w->out, 4 * FLUSH_AT);
}

static void
flush_if_full(struct rec_writer *w)
{
	if (w->out.n >= FLUSH_AT)
		flush(w);
}

/* Long lines are not copied into the buffer first. */
static void
put(struct rec_writer *w, const char *p, size_t n)
{
	if (n >= DIRECT_AT) {
		flush(w);
		write_out(w, p, n);
		return;
	}
	buf_add(&w->out, p, n);
	flush_if_full(w);
}

/* The letter after the backslash, for the bytes that need one. */
static const char escape_as[256] = {
    ['\t'] = 't',
    ['\n'] = 'n',
    ['\r'] = 'r',
    ['\\'] = '\\',
};

/* The first of these bytes, or of VT and FF, which a faster test includes. */
static inline unsigned
first_escape(vector v)
{
	return vector_first((vector)((vector)(v - '\t') <= '\r' - '\t') | (vector)(v == '\\'));
}

/* A byte with its backslash, if it needs one. */
static inline char *
escape_byte(char *out, char c)
{
	char as = escape_as[(unsigned char)c];

	if (as != '\0') {
		*out++ = '\\';
		c = as;
	}
	*out++ = c;
	return out;
}

/*
 * Copy with escapes, a vector at a time, while there are enough bytes and enough room,
 * with some to spare.  A whole vector is copied first; after an escape, the bytes behind
 * it are copied again.  Returns the number of bytes copied; *to moves on.
 */
static inline size_t
escape_vectors(char **to, const char *room_end, size_t spare, const char *p, size_t n)
{
	const char *start = p, *end = p + n;
	char *out = *to;

	while (end - p >= VECTOR && (size_t)(room_end - out) >= VECTOR + spare) {
		vector v = vector_load(p);
		unsigned plain = first_escape(v);

		vector_store(out, v);
		/* Adding a constant does not wait for the comparison. */
		if (plain == VECTOR) {
			p += VECTOR;
			out += VECTOR;
			continue;
		}
		p += plain;
		out = escape_byte(out + plain, *p++);
	}
	*to = out;
	return (size_t)(p - start);
}

/*
 * The same for less than a vector, which rarely needs escapes: two words that may
 * overlap are compared.  There is room for twice n.
 */
static inline char *
escape_short(char *out, const char *p, size_t n)
{
	uint64_t a, b;
	uint32_t c, d;

	if (n >= 8) {
		memcpy(&a, p, 8);
		memcpy(&b, p + n - 8, 8);
		if (first_escape(vector_of(a, b)) == VECTOR) {
			memcpy(out, &a, 8);
			memcpy(out + n - 8, &b, 8);
			return out + n;
		}
	} else if (n >= 4) {
		memcpy(&c, p, 4);
		memcpy(&d, p + n - 4, 4);
		if (first_escape(vector_of(c, d)) == VECTOR) {
			memcpy(out, &c, 4);
			memcpy(out + n - 4, &d, 4);
			return out + n;
		}
	}
	for (; n > 0; n--)
		out = escape_byte(out, *p++);
	return out;
}

void
rec_escape(struct buf *b, const char *p, size_t n)
{
	size_t done;
	char *out;

	if (n < VECTOR && b->cap - b->n >= 2 * VECTOR) {
		b->n = (size_t)(escape_short(b->p + b->n, p, n) - b->p);
		return;
	}
	while (n > 0) {
		/* Few bytes need escapes. */
		if (b->cap - b->n < n + 2 * VECTOR)
			buf_reserve(b, n + 2 * VECTOR);
		out = b->p + b->n;
		done = escape_vectors(&out, b->p + b->cap, VECTOR, p, n);
		p += done;
		n -= done;
		if (n < VECTOR && b->p + b->cap - out >= 2 * VECTOR) {
			out = escape_short(out, p, n);
			n = 0;
		}
		b->n = (size_t)(out - b->p);
	}
}

void
rec_row(struct buf *b, enum table_id table)
{
	const struct table *t = &table_list[table];

	buf_add(b, "R\t", 2);
	buf_add(b, t->name, t->name_n);
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
	if (b->cap - b->n < NUM_SIZE + 1)
		buf_reserve(b, NUM_SIZE + 1);
	b->p[b->n++] = '\t';
	b->n += (size_t)num_format(v, b->p + b->n);
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
rec_copy_row(struct buf *b, const struct rec_reader *r)
{
	int i;

	rec_row(b, r->table);
	for (i = 0; i < table_list[r->table].columns; i++)
		rec_value(b, r->value[i]);
	rec_end_row(b);
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

/* The room for the character that begins with this byte. */
static inline size_t
room_for(char byte)
{
	unsigned char c = (unsigned char)byte;

	return escape_as[c] ? 2 : c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* A line ends when the next character does not fit, and not before, so that the lines do
 * not depend on the pieces in which the XML is given. */
void
rec_xml(struct rec_writer *w, const char *p, size_t n)
{
	const char *end = p + n, *room_end;
	char *out;

	w->xml_bytes += n;
	while (p < end) {
		if (w->xml.n == 0) {
			buf_reserve(&w->xml, REC_MAX_XML);
			buf_add(&w->xml, "X\t", 2);
		}
		room_end = w->xml.p + REC_MAX_XML - 1;
		out = w->xml.p + w->xml.n;
		/* With room to spare for the rest of a character. */
		p += escape_vectors(&out, room_end, 8, p, (size_t)(end - p));
		while (p < end && (size_t)(room_end - out) >= room_for(*p))
			out = escape_byte(out, *p++);
		w->xml.n = (size_t)(out - w->xml.p);
		if (p < end)
			end_xml_line(w);
	}
}

void
rec_commit(struct rec_writer *w)
{
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
