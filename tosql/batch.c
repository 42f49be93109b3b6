/*
 * Sessions gathered for one transaction: see tosql.h.
 *
 * A packed row is the length of what follows, a set of bits that tells
 * which columns are not NULL, and their values: 8 bytes of a number, 1 of a
 * truth value, 19 of a time, a length and the bytes of a text.  Numbers are
 * little-endian.  The form is a function of the row's meaning alone: a
 * column that this program does not know, and one that is NULL, leave no
 * trace in it.  The content hash is taken of it, so it must not change.
 */
#include <stdlib.h>

#include "code.h"
#include "hash.h"
#include "num.h"
#include "tosql.h"

#define TIME_SIZE 19
/* Memory that a table keeps when its rows go to a temporary file. */
#define KEEP ((size_t)256 << 10)

struct batch *
batch_new(size_t bytes)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	int t;

	b->limit = bytes;
	b->room = 256;
	b->session = xcalloc(b->room, sizeof(*b->session));
	b->sum = sha256_new();
	for (t = 0; t < BATCH_TABLES; t++)
		held_open(&b->rows[t], bytes);
	return b;
}

void
batch_free(struct batch *b)
{
	int t;

	for (t = 0; t < BATCH_TABLES; t++)
		held_close(&b->rows[t]);
	buf_free(&b->keys);
	sha256_free(b->sum);
	free(b->session);
	free(b);
}

/* Where sessions begin whose key has this hash. */
static size_t
bucket_of(struct rec_value host, struct rec_value lsid)
{
	uint64_t h = hash_add(hash_add(HASH_START, host.p, host.n), lsid.p, lsid.n);

	return (size_t)(h ^ h >> 32) % BATCH_BUCKETS;
}

static int
same(struct rec_value a, struct rec_value b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

int
batch_has(const struct batch *b, struct rec_value host, struct rec_value lsid)
{
	const struct batch_session *s;
	size_t i;

	for (i = b->bucket[bucket_of(host, lsid)]; i != 0; i = s->next) {
		s = &b->session[i - 1];
		if (same(batch_host(b, s), host) && same(batch_lsid(b, s), lsid))
			return 1;
	}
	return 0;
}

/* Where a session's rows of a table end. */
static off_t
rows_end(const struct batch *b, size_t session, enum table_id t)
{
	size_t known = b->n + (b->begun ? 1 : 0);

	return session + 1 < known ? b->session[session + 1].at[t] : held_size(&b->rows[t]);
}

off_t
batch_size(const struct batch *b, size_t session, enum table_id t)
{
	return rows_end(b, session, t) - b->session[session].at[t];
}

int
batch_full(const struct batch *b)
{
	size_t n = b->keys.n + (b->n + 1) * sizeof(*b->session);
	int t;

	for (t = 0; t < BATCH_TABLES; t++)
		n += b->rows[t].mem.n;
	/* A session in files has the batch to itself. */
	return (b->spilled && !b->begun) || n >= b->limit;
}

void
batch_begin(struct batch *b, struct rec_value host, struct rec_value lsid)
{
	struct batch_session *s;
	int t;

	if (b->n + 1 >= b->room) {
		b->room *= 2;
		b->session = xrealloc(b->session, b->room * sizeof(*b->session));
	}
	s = &b->session[b->n];
	memset(s, 0, sizeof(*s));
	s->key = b->keys.n;
	s->host_n = host.n;
	s->lsid_n = lsid.n;
	buf_add(&b->keys, host.p, host.n);
	buf_add(&b->keys, lsid.p, lsid.n);
	for (t = 0; t < BATCH_TABLES; t++)
		s->at[t] = held_size(&b->rows[t]);
	b->begun = 1;
}

static char *
put32(char *p, uint32_t v)
{
	*p++ = (char)(v & 0xff);
	*p++ = (char)(v >> 8 & 0xff);
	*p++ = (char)(v >> 16 & 0xff);
	*p++ = (char)(v >> 24);
	return p;
}

static uint32_t
get32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static char *
pack(char *p, enum table_type type, struct rec_value v)
{
	int64_t i;

	switch (type) {
	case TABLE_INT:
		num_parse(v.p, v.n, &i); /* the reader has checked it */
		p = put32(p, (uint32_t)((uint64_t)i & 0xffffffff));
		return put32(p, (uint32_t)((uint64_t)i >> 32));
	case TABLE_BOOL:
		*p++ = (char)(v.p[0] - '0');
		return p;
	case TABLE_TIME:
		memcpy(p, v.p, TIME_SIZE);
		p[10] = ' ';
		return p + TIME_SIZE;
	case TABLE_TEXT:
		break;
	}
	p = put32(p, (uint32_t)v.n);
	memcpy(p, v.p, v.n);
	return p + v.n;
}

/*
 * Events are numbered 1, 2, 3, ... and come before what points to them: so
 * an event's id follows from its number, in a session of any size.
 */
static const char *
check_links(struct batch_session *s, enum table_id table, const struct rec_value *value)
{
	int64_t seq = 0;

	if (table == TABLE_SESSION_EVENT) {
		if (value[EVENT_SEQ].p != NULL)
			num_parse(value[EVENT_SEQ].p, value[EVENT_SEQ].n, &seq);
		if (seq != (int64_t)s->events + 1)
			return "its events are not numbered 1, 2, 3, ...";
		s->events++;
	}
	if (table == TABLE_SESSION_EVENT_DATA || table == TABLE_SYSTEM_INFORMATION) {
		int c = table == TABLE_SESSION_EVENT_DATA ? DATA_EVENT_SEQ : SYSINFO_EVENT_SEQ;

		if (value[c].p != NULL)
			num_parse(value[c].p, value[c].n, &seq);
		if (seq < 1 || seq > (int64_t)s->events)
			return table == TABLE_SESSION_EVENT_DATA ?
			    "a row of session_event_data belongs to no event before it" :
			    "a row of system_information belongs to no event before it";
	}
	return NULL;
}

const char *
batch_row(struct batch *b, enum table_id table, const struct rec_value *value)
{
	struct batch_session *s = &b->session[b->n];
	const struct table *t = &table_list[table];
	struct rec_value v[TABLE_MAX_COLUMNS] = {{NULL, 0}};
	struct buf *out = &b->rows[table].mem;
	size_t most = 8;
	uint32_t there = 0;
	const char *bad;
	char *p, *start;
	int c;

	if ((bad = check_links(s, table, value)) != NULL)
		return bad;
	for (c = 0; c < t->columns; c++) {
		if (schema_stores(table, c))
			v[c] = value[c];
		most += v[c].n + 8;
	}
	if (table == TABLE_SESSION) {
		if (s->lsid_n == 0)
			return "it has no lsid";
		/* Streams may leave out what the S line says. */
		v[SESSION_HOST_NAME] = batch_host(b, s);
		v[SESSION_LSID] = batch_lsid(b, s);
		most += s->host_n + s->lsid_n;
		s->ended = v[SESSION_END_TIME].p != NULL;
	}
	if (out->cap - out->n < most)
		buf_reserve(out, most);
	start = out->p + out->n;
	p = start + 8;
	for (c = 0; c < t->columns; c++) {
		if (v[c].p == NULL)
			continue;
		there |= (uint32_t)1 << c;
		p = pack(p, t->column[c].type, v[c]);
	}
	put32(start, (uint32_t)(p - start - 4));
	put32(start + 4, there);
	out->n += (size_t)(p - start);
	return NULL;
}

/* 0, or -1 after a message. */
static int
hash_session(struct batch *b, struct batch_session *s)
{
	unsigned char head[9];
	const char *p;
	size_t n;
	int t, i;

	for (t = 0; t < BATCH_TABLES; t++) {
		off_t at = s->at[t], size = held_size(&b->rows[t]) - at;

		if (size == 0)
			continue;
		/* Which table, by its place in praic-records(5), to which
		 * tables are only ever added; and how much of it. */
		head[0] = (unsigned char)t;
		for (i = 0; i < 8; i++)
			head[1 + i] = (unsigned char)((uint64_t)size >> (8 * i));
		sha256_add(b->sum, head, sizeof(head));
		for (; size > 0; at += (off_t)n, size -= (off_t)n) {
			n = (size_t)size;
			if ((p = held_at(&b->rows[t], at, &n)) == NULL)
				return -1;
			sha256_add(b->sum, p, n);
		}
	}
	sha256_hex(b->sum, s->hash);
	return 0;
}

int
batch_commit(struct batch *b)
{
	struct batch_session *s = &b->session[b->n];
	size_t *bucket = &b->bucket[bucket_of(batch_host(b, s), batch_lsid(b, s))];

	if (hash_session(b, s) == -1)
		return EX_IOERR;
	s->next = *bucket;
	*bucket = ++b->n;
	b->begun = 0;
	return 0;
}

/* Empty the temporary files of a big session. */
static void
forget_files(struct batch *b)
{
	int t;

	for (t = 0; t < BATCH_TABLES && b->spilled; t++)
		held_reset(&b->rows[t]);
	b->spilled = 0;
}

void
batch_drop(struct batch *b)
{
	struct batch_session *s = &b->session[b->n];
	int t;

	if (!b->begun)
		return;
	for (t = 0; t < BATCH_TABLES && !b->spilled; t++)
		b->rows[t].mem.n = (size_t)s->at[t];
	forget_files(b);
	b->keys.n = s->key;
	b->begun = 0;
}

void
batch_shift(struct batch *b)
{
	struct batch_session *s = &b->session[b->n];
	size_t held = 0;
	int t;

	forget_files(b);
	for (t = 0; t < BATCH_TABLES; t++) {
		if (b->begun)
			buf_drop(&b->rows[t].mem, (size_t)s->at[t]);
		else
			buf_reset(&b->rows[t].mem);
		held += b->rows[t].mem.cap;
	}
	/* The next batch may be big in another table than this one was. */
	for (t = 0; t < BATCH_TABLES && held > 2 * b->limit; t++)
		if (b->rows[t].mem.n == 0)
			buf_free(&b->rows[t].mem);
	if (b->begun) {
		buf_drop(&b->keys, s->key);
		b->session[0] = *s;
		b->session[0].key = 0;
		memset(b->session[0].at, 0, sizeof(b->session[0].at));
	} else
		buf_reset(&b->keys);
	b->n = 0;
	memset(b->bucket, 0, sizeof(b->bucket));
}

enum fate
batch_weigh(const struct batch_session *s, int ended, uint64_t events, int force)
{
	if (force)
		return FATE_REPLACED;
	if (s->ended != ended)
		return ended ? FATE_OLDER : FATE_REPLACED;
	return s->events < events ? FATE_OLDER : FATE_REPLACED;
}

int
batch_spill(struct batch *b)
{
	int t;

	b->spilled = 1;
	for (t = 0; t < BATCH_TABLES; t++) {
		held_flush(&b->rows[t]);
		if (b->rows[t].code != 0)
			return b->rows[t].code;
		/* Its memory is given back: another table may be the next big one. */
		buf_trim(&b->rows[t].mem, KEEP);
	}
	return 0;
}

void
batch_rows(struct batch_rows *c, struct batch *b, enum table_id table)
{
	memset(c, 0, sizeof(*c));
	c->b = b;
	c->table = table;
}

void
batch_rows_of(struct batch_rows *c, size_t session)
{
	const struct held *rows = &c->b->rows[c->table];

	c->next = c->b->session[session].at[c->table];
	c->until = rows_end(c->b, session, c->table);
	c->p = c->end = NULL;
	if (c->next >= rows->in_file && c->next < c->until) {
		c->p = rows->mem.p + (c->next - rows->in_file);
		c->end = c->p + (c->until - c->next);
		c->next = c->until;
	}
}

void
batch_rows_end(struct batch_rows *c)
{
	buf_free(&c->piece);
}

/* A whole row at c->p, or nothing.  1, 0 or -1. */
static int
whole_row(struct batch_rows *c)
{
	size_t n = (size_t)(c->end - c->p), some;
	const char *more;

	while (n < 4 || n < 4 + (size_t)get32(c->p)) {
		if (c->next == c->until)
			return 0;
		some = (size_t)(c->until - c->next);
		if ((more = held_at(&c->b->rows[c->table], c->next, &some)) == NULL)
			return -1;
		if (n > 0 && c->p != c->piece.p)
			memmove(c->piece.p, c->p, n);
		c->piece.n = n;
		buf_add(&c->piece, more, some);
		c->next += (off_t)some;
		c->p = c->piece.p;
		n = c->piece.n;
		c->end = c->p + n;
	}
	return 1;
}

int
batch_next(struct batch_rows *c)
{
	const struct table *t = &table_list[c->table];
	struct batch_value *v;
	const char *p;
	uint32_t there;
	int i, more;

	if ((more = whole_row(c)) <= 0)
		return more;
	there = get32(c->p + 4);
	p = c->p + 8;
	for (i = 0; i < t->columns; i++) {
		v = &c->value[i];
		v->p = NULL;
		v->n = 0;
		if ((there >> i & 1) == 0)
			continue;
		v->p = p;
		switch (t->column[i].type) {
		case TABLE_INT:
			v->i = (int64_t)(get32(p) | (uint64_t)get32(p + 4) << 32);
			v->n = 8;
			break;
		case TABLE_BOOL:
			v->i = (unsigned char)*p;
			v->n = 1;
			break;
		case TABLE_TIME:
			v->n = TIME_SIZE;
			break;
		case TABLE_TEXT:
			v->n = get32(p);
			v->p = p += 4;
			break;
		}
		p += v->n;
	}
	c->p = p;
	return 1;
}
