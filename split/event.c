/* The events of a session. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"
#include "utf8.h"
#include "vector.h"

#define KEEP_BYTES 65536

/* ---- base64 (RFC 2045, 6.8): bodies that XML cannot contain ----------- */

/* Bytes that are decoded at a time: a body may be huge. */
#define PIECE 3072

/* The value of a digit plus one; 0: not a digit. */
/* clang-format off */
static const unsigned char digit[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	    19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
	    42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['/'] = 64,
};
/* clang-format on */

/* 0, or -1 if it is not base64.  White space is ignored; padding must be there. */
static int
base64_check(const char *p, size_t n)
{
	size_t digits = 0, padding = 0, i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (digit[c] > 0 && padding == 0)
			digits++;
		else if (c == '=')
			padding++;
		else if (!blank_is(c))
			return -1;
	}
	return digits % 4 != 1 && padding <= 2 && (digits + padding) % 4 == 0 ? 0 : -1;
}

/*
 * Add the text up to the last complete character; all of it if final.  Returns how many
 * bytes were used.
 */
static size_t
add_text(const unsigned char *p, size_t n, int final, struct buf *line)
{
	size_t i = 0, plain = 0;
	uint32_t c;
	int len;

	while (i < n) {
		if (p[i] >= 0x20 && p[i] < 0x80) {
			i++;
			continue;
		}
		if (!final && n - i < 4 && utf8_length(p + i, n - i) == -(int)(n - i))
			break; /* perhaps a character that is cut here */
		len = utf8_decode(p + i, n - i, &c);
		if (len > 0 && utf8_xml_char(c)) {
			i += (size_t)len;
			continue;
		}
		rec_escape(line, (const char *)p + plain, i - plain);
		buf_adds(line, UTF8_REPLACEMENT);
		i += (size_t)(len < 0 ? -len : len);
		plain = i;
	}
	rec_escape(line, (const char *)p + plain, i - plain);
	return i;
}

/*
 * Decode valid base64 to the end of a buffer, escaped for the record stream.  Each maximal
 * sequence that is not UTF-8, or that XML 1.0 forbids, becomes one U+FFFD.
 */
static void
base64_text(const char *p, size_t n, struct buf *line)
{
	unsigned char bytes[PIECE + 4];
	uint32_t bits = 0, v;
	int have = 0;
	size_t i = 0, at = 0, done;

	while (i < n) {
		if ((v = digit[(unsigned char)p[i++]]) == 0)
			continue;
		bits = bits << 6 | (v - 1);
		if (++have < 4)
			continue;
		have = 0;
		bytes[at++] = (unsigned char)(bits >> 16);
		bytes[at++] = (unsigned char)(bits >> 8);
		bytes[at++] = (unsigned char)bits;
		if (at < PIECE)
			continue;
		done = add_text(bytes, at, 0, line);
		at -= done;
		memmove(bytes, bytes + done, at);
		if (line->n > REC_MAX_LINE)
			return; /* too long: rows_close() refuses it */
	}
	if (have >= 2)
		bytes[at++] = (unsigned char)(bits >> (have == 2 ? 4 : 10));
	if (have == 3)
		bytes[at++] = (unsigned char)(bits >> 2);
	add_text(bytes, at, 1, line);
}

/* ---- system information: column heads and rows of cells --------------- */

static void
sysinfo_free(struct sysinfo *s)
{
	buf_free(&s->bytes);
	buf_free(&s->text);
	free(s->waiting);
}

static void
sysinfo_begin(struct sysinfo *s)
{
	buf_trim(&s->bytes, KEEP_BYTES);
	buf_trim(&s->text, KEEP_BYTES);
	s->heads = s->heads_done = s->with_id = s->with_name = 0;
	s->waiting_n = 0;
}

static struct kept
keep(struct sysinfo *s, const struct sysinfo_field *f)
{
	struct kept k = {A_HEAD, s->bytes.n, f->id.n, f->name.n, f->text.n};

	buf_add(&s->bytes, f->id.p, f->id.n);
	buf_add(&s->bytes, f->name.p, f->name.n);
	buf_add(&s->bytes, f->text.p, f->text.n);
	return k;
}

static inline struct rec_value
kept_id(const struct sysinfo *s, const struct kept *k)
{
	struct rec_value v = {s->bytes.n > 0 ? s->bytes.p + k->at : "", k->id_n};

	return v;
}

static inline struct rec_value
kept_name(const struct sysinfo *s, const struct kept *k)
{
	struct rec_value v = {kept_id(s, k).p + k->id_n, k->name_n};

	return v;
}

static inline struct rec_value
kept_text(const struct sysinfo *s, const struct kept *k)
{
	struct rec_value v = {kept_id(s, k).p + k->id_n + k->name_n, k->text_n};

	return v;
}

void
sysinfo_head(struct sysinfo *s, const struct sysinfo_field *f)
{
	if (s->heads_done)
		return;
	if (s->heads == LIMIT_COLUMNS) {
		*s->refusal = "system information of more than 256 columns";
		return;
	}
	s->head[s->heads++] = keep(s, f);
	s->with_id |= f->id.n > 0;
	s->with_name |= f->name.n > 0;
}

static int
same(struct rec_value a, struct rec_value b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/*
 * The head of a cell: by id or by name if both sides have one, else by its place in the
 * row.  NULL if there is none.
 */
static const struct kept *
find_head(const struct sysinfo *s, const struct sysinfo_field *cell, size_t position)
{
	int by_id = cell->id.n > 0 && s->with_id, by_name = cell->name.n > 0 && s->with_name;
	int i, n = s->heads, at = position < (size_t)n ? (int)position : 0;

	/* Try the head in the same place first: it nearly always fits. */
	for (i = 0; by_id && i < n; i++, at = at + 1 < n ? at + 1 : 0)
		if (same(kept_id(s, &s->head[at]), cell->id))
			return &s->head[at];
	for (i = 0; by_name && i < n; i++, at = at + 1 < n ? at + 1 : 0)
		if (same(kept_name(s, &s->head[at]), cell->name))
			return &s->head[at];
	return by_id || by_name || position >= (size_t)n ? NULL : &s->head[position];
}

static inline unsigned
first_special(vector v)
{
	return vector_first(
	    (vector)(v == '<') | (vector)(v == '>') | (vector)(v == '&') | (vector)(v == '"'));
}

/* How many bytes from p on need no escape. */
static size_t
unescaped(const char *p, size_t n)
{
	size_t i = 0;
	unsigned first;

	for (; n - i >= VECTOR; i += VECTOR)
		if ((first = first_special(vector_load(p + i))) < VECTOR)
			return i + first;
	if (n - i >= 4 && first_special(vector_load_short(p + i, n - i)) == VECTOR)
		return n;
	while (i < n && p[i] != '<' && p[i] != '>' && p[i] != '&' && p[i] != '"')
		i++;
	return i;
}

static void
add_escaped(struct buf *b, struct rec_value v)
{
	const char *p = v.p, *end = p + v.n;
	size_t plain;

	for (;;) {
		plain = unescaped(p, (size_t)(end - p));
		buf_add(b, p, plain);
		p += plain;
		if (p == end)
			break;
		buf_adds(b,
		    *p == '<'	  ? "&lt;" :
			*p == '>' ? "&gt;" :
			*p == '&' ? "&amp;" :
				    "&quot;");
		p++;
	}
}

static void
write_cell(struct sysinfo *s, const struct sysinfo_field *cell)
{
	const struct kept *head = find_head(s, cell, s->position++);
	struct rec_value name;

	if (head == NULL)
		name = cell->name.n > 0 ? cell->name : cell->id;
	else
		name = head->name_n > 0 ? kept_name(s, head) :
		    head->text_n > 0	? kept_text(s, head) :
					  kept_id(s, head);
	buf_adds(&s->text, "<field name=\"");
	add_escaped(&s->text, name);
	buf_adds(&s->text, "\">");
	add_escaped(&s->text, cell->text);
	buf_adds(&s->text, "</field>");
	if (s->text.n > REC_MAX_LINE)
		*s->refusal = "system information longer than a line may be";
}

/* Hold back a cell until the heads are known. */
static void
wait_for_heads(struct sysinfo *s, int what, const struct sysinfo_field *f)
{
	struct kept k = keep(s, f);

	k.what = what;
	if (s->waiting_n == s->waiting_cap) {
		s->waiting_cap = s->waiting_cap == 0 ? 64 : s->waiting_cap * 2;
		s->waiting = xrealloc(s->waiting, s->waiting_cap * sizeof(k));
	}
	s->waiting[s->waiting_n++] = k;
	/* There are probably no heads. */
	if (s->bytes.n + s->waiting_n * sizeof(k) > LIMIT_HELD)
		sysinfo_end_heads(s);
}

static void
item(struct sysinfo *s, int what, const struct sysinfo_field *f)
{
	if (*s->refusal != NULL)
		return;
	if (!s->heads_done) {
		wait_for_heads(s, what, f);
		return;
	}
	switch (what) {
	case ROW_BEGINS:
		s->position = 0;
		buf_adds(&s->text, "<row>");
		break;
	case ROW_ENDS:
		buf_adds(&s->text, "</row>");
		break;
	default:
		write_cell(s, f);
	}
}

void
sysinfo_end_heads(struct sysinfo *s)
{
	size_t i;

	if (s->heads_done)
		return;
	s->heads_done = 1;
	for (i = 0; i < s->waiting_n; i++) {
		const struct kept *k = &s->waiting[i];
		struct sysinfo_field f = {kept_id(s, k), kept_name(s, k), kept_text(s, k)};

		item(s, (int)k->what, &f);
	}
	s->waiting_n = 0;
}

static const struct sysinfo_field nothing = {{"", 0}, {"", 0}, {"", 0}};

void
sysinfo_begin_row(struct sysinfo *s)
{
	item(s, ROW_BEGINS, &nothing);
}

void
sysinfo_cell(struct sysinfo *s, const struct sysinfo_field *f)
{
	item(s, A_CELL, f);
}

void
sysinfo_end_row(struct sysinfo *s)
{
	item(s, ROW_ENDS, &nothing);
}

/* The text, empty if there were no rows.  Valid until sysinfo_begin(). */
static struct rec_value
sysinfo_end(struct sysinfo *s)
{
	struct rec_value v;

	sysinfo_end_heads(s);
	v.n = s->text.n;
	v.p = v.n > 0 ? s->text.p : "";
	return v;
}

/* ---- events ------------------------------------------------------------ */

void
event_free(struct event *e)
{
	buf_free(&e->row.text);
	buf_free(&e->category);
	sysinfo_free(&e->sysinfo);
}

void
event_begin(struct event *e)
{
	row_begin(&e->row, TABLE_SESSION_EVENT);
	row_set_number(&e->row, EVENT_SEQ, ++e->seq);
	e->values = 0;
	e->rows->event_out = 0;
}

void
event_complete(struct event *e)
{
	if (!e->rows->event_out)
		rows_event(e->rows, &e->row);
}

/* The beginning of a row of the event's data, up to its value. */
static struct buf *
open_value(struct event *e, struct rec_value name)
{
	struct buf *line = rows_open(e->rows, ROWS_OF_EVENT);

	rec_row(line, TABLE_SESSION_EVENT_DATA);
	rec_int(line, e->seq);
	rec_int(line, ++e->values);
	rec_value(line, name);
	return line;
}

static void
close_value(struct event *e, struct buf *line)
{
	rec_end_row(line);
	rows_close(e->rows);
}

void
event_value(struct event *e, struct rec_value name, struct rec_value value)
{
	static const char download[] = "download_url", view[] = "view_url";
	struct buf *line;

	/* Signed addresses, which may open a session without a login. */
	if ((name.n == sizeof(download) - 1 && memcmp(name.p, download, name.n) == 0) ||
	    (name.n == sizeof(view) - 1 && memcmp(name.p, view, name.n) == 0))
		return;
	line = open_value(e, name);
	rec_text(line, value.p, value.n);
	close_value(e, line);
}

void
event_leaf(struct event *e, const char *name, struct rec_value value)
{
	struct rec_value n = {name, strlen(name)};

	event_value(e, n, value);
}

const char *
event_encoded_body(struct event *e, struct rec_value base64)
{
	static const struct rec_value body = {"body", 4};
	struct buf *line;

	if (base64_check(base64.p, base64.n) == -1) {
		event_leaf(e, "encoded_body", base64);
		return "no base64; it is kept as it is";
	}
	line = open_value(e, body);
	buf_addc(line, '\t');
	base64_text(base64.p, base64.n, line);
	close_value(e, line);
	event_leaf(e, "encoded_body", base64);
	return NULL;
}

void
event_begin_category(struct event *e, struct rec_value name)
{
	e->has_category = name.p != NULL;
	buf_reset(&e->category);
	buf_add(&e->category, name.p, name.n);
	sysinfo_begin(&e->sysinfo);
}

void
event_end_category(struct event *e)
{
	struct rec_value text = sysinfo_end(&e->sysinfo);
	struct buf *line;

	if (e->rows->refusal != NULL)
		return;
	line = rows_open(e->rows, ROWS_OF_EVENT);
	rec_row(line, TABLE_SYSTEM_INFORMATION);
	rec_int(line, e->seq);
	if (e->has_category)
		rec_text(line, e->category.p, e->category.n);
	else
		rec_null(line);
	rec_text(line, text.p, text.n);
	rec_end_row(line);
	rows_close(e->rows);
}
