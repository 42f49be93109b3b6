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
	struct buf bytes;	/* of heads and of waiting cells */
	struct kept head[SYSINFO_MAX_HEADS];
	int heads, heads_done;
	int given_up;		/* to wait for heads: there seem to be none */
	int with_id, with_name;	/* has any head one? */
	struct kept *waiting;
	size_t waiting_n, waiting_cap;
	size_t position;	/* of the next cell in its row */
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
keep(struct sysinfo *s, struct sysinfo_field f)
{
	struct kept k = {A_HEAD, s->bytes.n, f.id.n, f.name.n, f.text.n};

	buf_add(&s->bytes, f.id.p, f.id.n);
	buf_add(&s->bytes, f.name.p, f.name.n);
	buf_add(&s->bytes, f.text.p, f.text.n);
	return k;
}

static struct sysinfo_field
kept_field(const struct sysinfo *s, const struct kept *k)
{
	const char *p = s->bytes.n > 0 ? s->bytes.p + k->at : "";
	struct sysinfo_field f = {{p, k->id_n}, {p + k->id_n, k->name_n},
	    {p + k->id_n + k->name_n, k->text_n}};

	return f;
}

void
sysinfo_head(struct sysinfo *s, struct sysinfo_field f)
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
	s->with_id |= f.id.n > 0;
	s->with_name |= f.name.n > 0;
}

static int
same(struct rec_value a, struct rec_value b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/*
 * The head of a cell: by id or by name where both sides have one, else by
 * its place in the row.  0 when it has none.
 */
static int
find_head(const struct sysinfo *s, const struct sysinfo_field *cell, size_t position,
    struct sysinfo_field *head)
{
	int by_id = cell->id.n > 0 && s->with_id, by_name = cell->name.n > 0 && s->with_name;
	int i, guess = position < (size_t)s->heads ? (int)position : 0;

	if (s->heads == 0)
		return 0;
	/* The one in the same place first: it nearly always is that. */
	for (i = 0; by_id && i < s->heads; i++) {
		*head = kept_field(s, &s->head[(i + guess) % s->heads]);
		if (same(head->id, cell->id))
			return 1;
	}
	for (i = 0; by_name && i < s->heads; i++) {
		*head = kept_field(s, &s->head[(i + guess) % s->heads]);
		if (same(head->name, cell->name))
			return 1;
	}
	if (by_id || by_name || position >= (size_t)s->heads)
		return 0;
	*head = kept_field(s, &s->head[position]);
	return 1;
}

/* How many bytes from p on stand as they are. */
static size_t
unescaped(const char *p, size_t n)
{
	size_t i = 0;
	unsigned first;

	for (; n - i >= VECTOR; i += VECTOR) {
		vector v = vector_load(p + i);

		first = vector_first((vector)(v == '<') | (vector)(v == '>') |
		    (vector)(v == '&') | (vector)(v == '"'));
		if (first < VECTOR)
			return i + first;
	}
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
		buf_adds(b, *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : *p == '&' ? "&amp;" :
		    "&quot;");
		p++;
	}
}

static void
write_cell(struct sysinfo *s, const struct sysinfo_field *cell)
{
	struct sysinfo_field head;
	struct rec_value name;

	if (find_head(s, cell, s->position++, &head))
		name = head.name.n > 0 ? head.name : head.text.n > 0 ? head.text : head.id;
	else
		name = cell->name.n > 0 ? cell->name : cell->id;
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
wait_for_heads(struct sysinfo *s, int what, struct sysinfo_field f)
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
item(struct sysinfo *s, int what, struct sysinfo_field f)
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
		write_cell(s, &f);
	}
}

void
sysinfo_end_heads(struct sysinfo *s)
{
	size_t i;

	if (s->heads_done)
		return;
	s->heads_done = 1;
	for (i = 0; i < s->waiting_n; i++)
		item(s, s->waiting[i].what, kept_field(s, &s->waiting[i]));
	s->waiting_n = 0;
}

static const struct sysinfo_field nothing = {{"", 0}, {"", 0}, {"", 0}};

void
sysinfo_begin_row(struct sysinfo *s)
{
	item(s, ROW_BEGINS, nothing);
}

void
sysinfo_cell(struct sysinfo *s, struct sysinfo_field f)
{
	item(s, A_CELL, f);
}

void
sysinfo_end_row(struct sysinfo *s)
{
	item(s, ROW_ENDS, nothing);
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
