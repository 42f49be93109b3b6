/*
 * Sessions gathered for one transaction: see batch.h.
 *
 * A packed row is the length of what follows, a set of bits that tells
 * which columns are not NULL, and their values: 8 bytes of a number, 1 of a
 * truth value, 19 of a time, a length and the bytes of a text.  Numbers are
 * little-endian.  The form is a function of the row's meaning alone: a
 * column that this program does not know, and one that is NULL, leave no
 * trace in it.  The content hash is taken of it, so it must not change.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "batch.h"
#include "code.h"
#include "file.h"
#include "hash.h"
#include "msg.h"
#include "num.h"
#include "schema.h"

#define TIME_SIZE 19
/* How much is read back from the temporary file at a time. */
#define PIECE ((size_t)256 << 10)

/* Rows in the temporary file. */
struct extent {
	enum table_id table;
	off_t at;
	size_t n;
};

struct batch_spill {
	int fd;
	off_t end;
	struct extent *extent;
	size_t n, room;
};

struct batch *
batch_new(size_t bytes)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->limit = bytes;
	b->room = 256;
	b->session = xcalloc(b->room, sizeof(*b->session));
	b->slots = 1024;
	b->slot = xcalloc(b->slots, sizeof(*b->slot));
	return b;
}

static void
forget_spill(struct batch *b)
{
	if (b->spill == NULL)
		return;
	close(b->spill->fd); /* unlinked: nothing can be lost here */
	free(b->spill->extent);
	free(b->spill);
	b->spill = NULL;
}

void
batch_free(struct batch *b)
{
	int t;

	if (b == NULL)
		return;
	for (t = 0; t < BATCH_TABLES; t++)
		buf_free(&b->rows[t]);
	buf_free(&b->keys);
	forget_spill(b);
	free(b->session);
	free(b->slot);
	free(b);
}

/* FNV-1a, of both halves of the key. */
static size_t
key_hash(const char *host, size_t host_n, const char *lsid, size_t lsid_n)
{
	uint64_t h = 14695981039346656037u;
	size_t i;

	for (i = 0; i < host_n; i++)
		h = (h ^ (unsigned char)host[i]) * 1099511628211u;
	h = (h ^ 0xff) * 1099511628211u; /* no byte of UTF-8 */
	for (i = 0; i < lsid_n; i++)
		h = (h ^ (unsigned char)lsid[i]) * 1099511628211u;
	return (size_t)(h ^ (h >> 32));
}

/* The slot where this key is, or where it would be. */
static size_t
find_slot(const struct batch *b, const char *host, size_t host_n, const char *lsid, size_t lsid_n)
{
	size_t i = key_hash(host, host_n, lsid, lsid_n) & (b->slots - 1);
	const struct batch_session *s;

	for (; b->slot[i] != 0; i = (i + 1) & (b->slots - 1)) {
		s = &b->session[b->slot[i] - 1];
		if (s->host_n == host_n && s->lsid_n == lsid_n &&
		    memcmp(batch_host(b, s), host, host_n) == 0 &&
		    memcmp(batch_lsid(b, s), lsid, lsid_n) == 0)
			break;
	}
	return i;
}

static void
add_key(struct batch *b, size_t session)
{
	const struct batch_session *s = &b->session[session];

	b->slot[find_slot(b, batch_host(b, s), s->host_n, batch_lsid(b, s), s->lsid_n)] =
	    session + 1;
}

int
batch_has(const struct batch *b, struct rec_value host, struct rec_value lsid)
{
	return b->n > 0 && b->slot[find_slot(b, host.p, host.n, lsid.p, lsid.n)] != 0;
}

/* Where a session's rows of a table end. */
static size_t
rows_end(const struct batch *b, size_t session, int t)
{
	size_t known = b->n + (b->begun ? 1 : 0);

	return session + 1 < known ? b->session[session + 1].at[t] : b->rows[t].n;
}

static size_t
bytes_in_memory(const struct batch *b)
{
	size_t n = b->keys.n + (b->n + 1) * sizeof(*b->session);
	int t;

	for (t = 0; t < BATCH_TABLES; t++)
		n += b->rows[t].n;
	return n;
}

int
batch_full(const struct batch *b)
{
	/* A session in the file has the batch to itself. */
	return (b->spill != NULL && !b->begun) || bytes_in_memory(b) >= b->limit;
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
		s->at[t] = b->rows[t].n;
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
		num_parse(v.p, v.n, &i); /* the reader has seen to it */
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
	struct buf *out = &b->rows[table];
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
		v[SESSION_HOST_NAME].p = batch_host(b, s);
		v[SESSION_HOST_NAME].n = s->host_n;
		v[SESSION_LSID].p = batch_lsid(b, s);
		v[SESSION_LSID].n = s->lsid_n;
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

static void
grow_slots(struct batch *b)
{
	size_t i;

	b->slots *= 2;
	free(b->slot);
	b->slot = xcalloc(b->slots, sizeof(*b->slot));
	for (i = 0; i < b->n; i++)
		add_key(b, i);
}

int
batch_commit(struct batch *b)
{
	if (hash_session(b, b->n, b->session[b->n].hash) == -1)
		return EX_IOERR;
	b->begun = 0;
	add_key(b, b->n++);
	if (b->n * 2 > b->slots)
		grow_slots(b);
	return 0;
}

void
batch_drop(struct batch *b)
{
	struct batch_session *s = &b->session[b->n];
	int t;

	if (!b->begun)
		return;
	for (t = 0; t < BATCH_TABLES; t++)
		b->rows[t].n = s->at[t];
	b->keys.n = s->key;
	b->begun = 0;
	forget_spill(b);
}

void
batch_shift(struct batch *b)
{
	struct batch_session *s = &b->session[b->n];
	size_t held = 0;
	int t;

	for (t = 0; t < BATCH_TABLES; t++) {
		if (b->begun)
			buf_drop(&b->rows[t], s->at[t]);
		else
			buf_reset(&b->rows[t]);
		held += b->rows[t].cap;
	}
	/* The next batch may be big in another table than this one was. */
	for (t = 0; t < BATCH_TABLES && held > 2 * b->limit; t++)
		if (b->rows[t].n == 0)
			buf_free(&b->rows[t]);
	if (b->begun) {
		buf_drop(&b->keys, s->key);
		b->session[0] = *s;
		b->session[0].key = 0;
		memset(b->session[0].at, 0, sizeof(b->session[0].at));
	} else {
		buf_reset(&b->keys);
		forget_spill(b);
	}
	b->n = 0;
	memset(b->slot, 0, b->slots * sizeof(*b->slot));
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

static int
spill_table(struct batch_spill *s, enum table_id t, struct buf *rows)
{
	struct extent *e;

	if (rows->n == 0)
		return 0;
	if (file_write(s->fd, rows->p, rows->n) == -1) {
		msg_errno("temporary file");
		return EX_IOERR;
	}
	if (s->n == s->room) {
		s->room = s->room * 2 + 16;
		s->extent = xrealloc(s->extent, s->room * sizeof(*s->extent));
	}
	e = &s->extent[s->n++];
	e->table = t;
	e->at = s->end;
	e->n = rows->n;
	s->end += (off_t)rows->n;
	/* Its memory is given back: another table may be the next big one. */
	buf_trim(rows, PIECE);
	return 0;
}

int
batch_spill(struct batch *b)
{
	int t, code = 0, fd;

	if (b->spill == NULL) {
		fd = file_scratch();
		if (fd == -1) {
			msg_errno("temporary file in $TMPDIR or /var/tmp");
			return EX_CANTCREAT;
		}
		b->spill = xcalloc(1, sizeof(*b->spill));
		b->spill->fd = fd;
	}
	for (t = 0; t < BATCH_TABLES && code == 0; t++)
		code = spill_table(b->spill, (enum table_id)t, &b->rows[t]);
	return code;
}

void
batch_rows(struct batch_rows *c, const struct batch *b, enum table_id table)
{
	memset(c, 0, sizeof(*c));
	c->b = b;
	c->table = table;
	c->extent = (size_t)-1;
}

void
batch_rows_of(struct batch_rows *c, size_t session)
{
	const struct batch *b = c->b;
	const struct buf *rows = &b->rows[c->table];

	c->p = c->end = NULL;
	if (rows->p != NULL) {
		c->p = rows->p + b->session[session].at[c->table];
		c->end = rows->p + rows_end(b, session, (int)c->table);
	}
	c->extent = b->spill != NULL ? 0 : (size_t)-1;
	c->extent_at = 0;
	buf_reset(&c->piece);
	if (b->spill != NULL) /* what is in memory comes after the file */
		c->p = c->end;
}

void
batch_rows_end(struct batch_rows *c)
{
	buf_free(&c->piece);
}

/* More bytes behind those of the piece.  1, 0 (no more), or -1. */
static int
read_back(struct batch_rows *c)
{
	const struct batch_spill *s = c->b->spill;
	const struct buf *rows = &c->b->rows[c->table];
	const struct extent *e;
	size_t want;
	ssize_t n;

	if (c->extent == (size_t)-1)
		return 0;
	while (c->extent < s->n &&
	    (s->extent[c->extent].table != c->table || c->extent_at == s->extent[c->extent].n)) {
		c->extent++;
		c->extent_at = 0;
	}
	if (c->extent == s->n) {
		buf_add(&c->piece, rows->p, rows->n);
		c->extent = (size_t)-1;
		return rows->n > 0;
	}
	e = &s->extent[c->extent];
	want = e->n - c->extent_at < PIECE ? e->n - c->extent_at : PIECE;
	buf_reserve(&c->piece, want);
	do
		n = pread(s->fd, c->piece.p + c->piece.n, want, e->at + (off_t)c->extent_at);
	while (n == -1 && errno == EINTR);
	if (n <= 0) {
		if (n == 0)
			msg_warn("temporary file: it is shorter than what was written");
		else
			msg_errno("temporary file");
		return -1;
	}
	c->piece.n += (size_t)n;
	c->extent_at += (size_t)n;
	return 1;
}

/* A whole row at c->p, or nothing.  1, 0 or -1. */
static int
whole_row(struct batch_rows *c)
{
	size_t n = (size_t)(c->end - c->p);
	int more;

	while (n < 4 || n < 4 + (size_t)get32(c->p)) {
		if (c->extent == (size_t)-1)
			return 0;
		if (n > 0 && c->p != c->piece.p)
			memmove(c->piece.p, c->p, n);
		c->piece.n = n;
		if ((more = read_back(c)) <= 0)
			return more;
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

int
batch_bytes(struct batch_rows *c, const char **p, size_t *n)
{
	if (c->p == c->end && c->extent != (size_t)-1) {
		buf_reset(&c->piece);
		if (read_back(c) == -1)
			return -1;
		c->p = c->piece.p;
		c->end = c->p + c->piece.n;
	}
	*p = c->p;
	*n = (size_t)(c->end - c->p);
	c->p = c->end;
	return 0;
}

uint64_t
batch_size(const struct batch *b, size_t session, enum table_id table)
{
	uint64_t n = rows_end(b, session, (int)table) - b->session[session].at[table];
	size_t i;

	for (i = 0; b->spill != NULL && i < b->spill->n; i++)
		if (b->spill->extent[i].table == table)
			n += b->spill->extent[i].n;
	return n;
}
