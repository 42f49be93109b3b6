/* System information: see sysinfo.h. */
#include <stdlib.h>

#include "sysinfo.h"
#include "vector.h"

#define KEEP_BYTES 65536

/* A field's three values, one behind the other in a buffer. */
struct kept {
	enum { A_HEAD, A_CELL, ROW_BEGINS, ROW_ENDS } what;
	size_t at, id_n, name_n, text_n;
};

struct sysinfo {
	struct buf bytes; /* of heads and of waiting cells */
	struct kept head[SYSINFO_MAX_HEADS];
	int heads, heads_done;
	int given_up;		/* to wait for heads: there seem to be none */
	int with_id, with_name; /* has any head one? */
	struct kept *waiting;
	size_t waiting_n, waiting_cap;
	size_t position; /* of the next cell in its row */
	struct buf text;
	const char *refusal;
};

struct sysinfo *
sysinfo_new(void)
{
	return xcalloc(1, sizeof(struct sysinfo));
}

void
sysinfo_free(struct sysinfo *s)
{
	if (s == NULL)
		return;
	buf_free(&s->bytes);
	buf_free(&s->text);
	free(s->waiting);
	free(s);
}

void
sysinfo_begin(struct sysinfo *s)
{
	buf_trim(&s->bytes, KEEP_BYTES);
	buf_trim(&s->text, KEEP_BYTES);
	s->heads = s->heads_done = s->given_up = s->with_id = s->with_name = 0;
	s->waiting_n = 0;
	s->refusal = NULL;
}

const char *
sysinfo_refusal(const struct sysinfo *s)
{
	return s->refusal;
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
	if (s->given_up)
		s->refusal = "system information with heads behind more than 8 MiB of its rows";
	if (s->heads_done)
		return;
	if (s->heads == SYSINFO_MAX_HEADS) {
		s->refusal = "system information of more than 256 columns";
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
 * The head of a cell: by id or by name where both sides have one, else by
 * its place in the row.  NULL when it has none.
 */
static const struct kept *
find_head(const struct sysinfo *s, const struct sysinfo_field *cell, size_t position)
{
	int by_id = cell->id.n > 0 && s->with_id, by_name = cell->name.n > 0 && s->with_name;
	int i, n = s->heads, at = position < (size_t)n ? (int)position : 0;

	/* The one in the same place first: it nearly always is that. */
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

/* How many bytes from p on stand as they are. */
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
		s->refusal = "system information longer than a line may be";
}

/* What cannot be written before the heads are known. */
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
	if (s->bytes.n + s->waiting_n * sizeof(k) > SYSINFO_MAX_WAITING) {
		s->given_up = 1;
		sysinfo_end_heads(s);
	}
}

static void
item(struct sysinfo *s, int what, const struct sysinfo_field *f)
{
	if (s->refusal != NULL)
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

struct rec_value
sysinfo_end(struct sysinfo *s)
{
	struct rec_value v;

	sysinfo_end_heads(s);
	v.n = s->text.n;
	v.p = v.n > 0 ? s->text.p : "";
	return v;
}
