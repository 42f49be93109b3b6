/*
 * Rows to the staging tables, by bulk copy.
 *
 * db-lib's bulk copy hands bytes on as they are, takes an empty text for
 * NULL, drops blanks at the end (from FreeTDS 1.5 on), and cuts what is too
 * long without a word.  So texts are converted to UTF-16LE here; one that is
 * empty or ends in a blank gets a dot as a guard, and the row says so; and
 * their length is checked before, against the column that they are bound for.
 */
#include <stdlib.h>

#include "code.h"
#include "msg.h"
#include "mssql.h"
#include "utf8.h"

/* ord, n, the table's own, guarded, and those of a session beside them */
#define MAX_COLUMNS (TABLE_MAX_COLUMNS + 6)

struct row {
	DBINT ord;
	int64_t n;
	int64_t number[TABLE_MAX_COLUMNS];
	DBINT guarded; /* a set of columns */
	int64_t events;
	struct buf text; /* of all columns, one after the other */
};

size_t
mssql_utf16(struct buf *out, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p, *end = u + n;
	unsigned char *o, *start;
	uint32_t c;
	int len;

	/* No character takes more than twice its bytes. */
	buf_reserve(out, 2 * n);
	o = start = (unsigned char *)out->p + out->n;
	while (u < end) {
		if (*u < 0x80) {
			*o++ = *u++;
			*o++ = 0;
			continue;
		}
		len = utf8_decode(u, (size_t)(end - u), &c);
		if (len < 0) { /* the reader refuses such text */
			c = 0xfffd;
			len = -len;
		}
		u += len;
		if (c > 0xffff) {
			uint32_t high = 0xd800 + ((c - 0x10000) >> 10);

			*o++ = (unsigned char)(high & 0xff);
			*o++ = (unsigned char)(high >> 8);
			c = 0xdc00 + (c & 0x3ff);
		}
		*o++ = (unsigned char)(c & 0xff);
		*o++ = (unsigned char)(c >> 8);
	}
	out->n += (size_t)(o - start);
	return (size_t)(o - start) / 2;
}

/* Columns of the staging table come after ord and n, which are 1 and 2. */
static int
bind(struct link *l, enum table_id t, struct row *r)
{
	const struct table *table = &table_list[t];
	BYTE *any = (BYTE *)""; /* until bcp_colptr says better */
	int c, at = 3, bad;

	bad = bcp_bind(l->p, (BYTE *)&r->ord, 0, -1, NULL, 0, SYBINT4, 1) == FAIL ||
	    bcp_bind(l->p, (BYTE *)&r->n, 0, -1, NULL, 0, SYBINT8, 2) == FAIL;
	for (c = 0; c < table->columns && !bad; c++) {
		int number =
		    table->column[c].type == TABLE_INT || table->column[c].type == TABLE_BOOL;

		if (!schema_stores(t, c))
			continue;
		bad = number ?
		    bcp_bind(l->p, (BYTE *)&r->number[c], 0, -1, NULL, 0, SYBINT8, at) == FAIL :
		    bcp_bind(l->p, any, 0, 0, NULL, 0, SYBVARCHAR, at) == FAIL;
		at++;
	}
	if (!bad)
		bad = bcp_bind(l->p, (BYTE *)&r->guarded, 0, -1, NULL, 0, SYBINT4, at) == FAIL;
	if (t == TABLE_SESSION && !bad)
		bad = bcp_bind(l->p, any, 0, 0, NULL, 0, SYBVARCHAR, at + 1) == FAIL ||
		    bcp_bind(l->p, (BYTE *)&r->events, 0, -1, NULL, 0, SYBINT8, at + 2) == FAIL;
	return bad ? -1 : 0;
}

/* Its length in UTF-16. */
static size_t
units_of(const struct batch_value *v)
{
	size_t i, n = 0;

	for (i = 0; i < v->n; i++) {
		unsigned char c = (unsigned char)v->p[i];

		n += (size_t)((c & 0xc0) != 0x80) + (size_t)(c >= 0xf0);
	}
	return n;
}

static int
fits(struct mssql_rooms *rooms, enum table_id t, int c, const struct batch_value *v,
    struct buf *reason)
{
	const char *table = table_list[t].name, *name = table_list[t].column[c].name;
	int room = rooms->room[t][c];
	size_t units;

	if (schema_is_key(t, c) && v->n > 0 && v->p[v->n - 1] == ' ') {
		buf_printf(reason,
		    "session.%s ends in a blank, and SQL Server cannot tell it from one that does "
		    "not",
		    name);
		return EX_DATAERR;
	}
	/* No character has fewer bytes in UTF-8. */
	if (v->n <= MSSQL_USUAL_ROOM && (room < 0 || v->n <= (size_t)room))
		return 0;
	units = units_of(v);
	if (units > MSSQL_USUAL_ROOM && !rooms->wide[t][c])
		rooms->wide[t][c] = rooms->widened = 1;
	if (room < 0 || units <= (size_t)room)
		return 0;
	buf_printf(
	    reason, "%s.%s has %zu characters, and the column takes %d", table, name, units, room);
	if (!schema_is_key(t, c))
		buf_printf(reason, ": ALTER TABLE dbo.[%s] ALTER COLUMN [%s] NVARCHAR(MAX) NULL",
		    table, name);
	return EX_DATAERR;
}

int
mssql_fits(struct mssql_rooms *rooms, struct batch *b, size_t i, struct buf *reason)
{
	struct batch_rows rows;
	int t, c, code = 0;

	for (t = 0; t < BATCH_TABLES && code == 0; t++) {
		const struct table *table = &table_list[t];

		batch_rows(&rows, b, (enum table_id)t);
		batch_rows_of(&rows, i);
		/* A read error is reported when the row is sent. */
		while (code == 0 && batch_next(&rows) == 1)
			for (c = 0; c < table->columns && code == 0; c++)
				if (table->column[c].type == TABLE_TEXT &&
				    rows.value[c].p != NULL && schema_stores((enum table_id)t, c))
					code = fits(
					    rooms, (enum table_id)t, c, &rows.value[c], reason);
		batch_rows_end(&rows);
	}
	return code;
}

/* Hand the row's values over.  0, or -1 and the failure. */
static int
send_row(const struct mssql_bulk *k, enum table_id t, const struct batch_rows *rows,
    const struct batch_session *s, struct row *r)
{
	const struct table *table = &table_list[t];
	DBPROCESS *p = k->l->p;
	size_t length[MAX_COLUMNS] = {0}, taken = 0;
	int c, at = 3, bad = 0;

	/* First all of them: the buffer moves while it grows. */
	buf_reset(&r->text);
	r->guarded = 0;
	for (c = 0; c < table->columns; c++) {
		const struct batch_value *v = &rows->value[c];
		int number =
		    table->column[c].type == TABLE_INT || table->column[c].type == TABLE_BOOL;

		r->number[c] = number && v->p != NULL ? v->i : 0;
		if (v->p == NULL || number)
			continue;
		taken = r->text.n;
		length[c] = 2 * mssql_utf16(&r->text, v->p, v->n);
		/* 2024-12-03T15:26:05 is understood in any language. */
		if (table->column[c].type == TABLE_TIME)
			r->text.p[taken + 20] = 'T';
		if (!schema_is_key(t, c) && (v->n == 0 || v->p[v->n - 1] == ' ')) {
			length[c] += 2 * mssql_utf16(&r->text, ".", 1);
			r->guarded |= MSSQL_GUARDED(c);
		}
	}
	if (t == TABLE_SESSION)
		length[c] = 2 * mssql_utf16(&r->text, s->hash, SHA256_HEX - 1);
	taken = 0;
	for (c = 0; c < table->columns && !bad; c++) {
		if (!schema_stores(t, c))
			continue;
		if (table->column[c].type == TABLE_INT || table->column[c].type == TABLE_BOOL)
			bad = bcp_collen(p, rows->value[c].p == NULL ? 0 : -1, at) == FAIL;
		else
			bad = bcp_colptr(p, (BYTE *)r->text.p + taken, at) == FAIL ||
			    bcp_collen(p, (DBINT)length[c], at) == FAIL;
		taken += length[c];
		at++;
	}
	if (t == TABLE_SESSION && !bad) {
		r->events = (int64_t)s->events;
		bad = bcp_colptr(p, (BYTE *)r->text.p + taken, at + 1) == FAIL ||
		    bcp_collen(p, (DBINT)length[c], at + 1) == FAIL;
	}
	link_moves();
	if (bad || bcp_sendrow(p) == FAIL) {
		link_failed(k->l, "copying rows");
		return -1;
	}
	return 0;
}

static int
send_all(const struct mssql_bulk *k, enum table_id t, struct row *r, uint64_t rows_of[])
{
	struct batch_rows rows;
	size_t i;
	int more, bad = 0;

	batch_rows(&rows, k->b, t);
	for (i = k->from; i < k->to && !bad; i++) {
		rows_of[i - k->from] = 0;
		if (k->b->session[i].fate != FATE_NEW)
			continue;
		r->ord = (DBINT)(i - k->from);
		batch_rows_of(&rows, i);
		while (!bad && (more = batch_next(&rows)) != 0) {
			r->n++;
			if (more == -1)
				bad = link_refuse(k->l, LINK_FINAL, EX_IOERR, "reading it back");
			else
				bad = send_row(k, t, &rows, &k->b->session[i], r);
			rows_of[i - k->from]++;
		}
		if (k->o->meanwhile != NULL)
			k->o->meanwhile(k->o->meanwhile_arg);
	}
	batch_rows_end(&rows);
	return bad;
}

/* Is there anything to be sent?  A bulk copy of no rows is an error. */
static int
has_rows(const struct mssql_bulk *k, enum table_id t)
{
	size_t i;

	for (i = k->from; i < k->to; i++)
		if (k->b->session[i].fate == FATE_NEW && batch_size(k->b, i, t) > 0)
			return 1;
	return 0;
}

static int
finish(const struct mssql_bulk *k, struct row *r, int bad)
{
	struct link *l = k->l;
	DBINT done;

	if (bad) {
		link_disconnect(l); /* a bulk copy cannot be cancelled */
		return -1;
	}
	link_begin(l);
	done = bcp_done(l->p);
	if (done == -1) {
		link_failed(l, "copying rows");
		link_disconnect(l);
		return -1;
	}
	if (done != r->n)
		return link_refuse(l, LINK_FINAL, EX_IOERR,
		    "copying rows: %lld were sent, and the "
		    "server counts %ld",
		    (long long)r->n, (long)done);
	return 0;
}

static int
copy(const struct mssql_bulk *k, enum table_id t, uint64_t rows[])
{
	struct link *l = k->l;
	struct row r = {0};
	char *name;
	int bad;

	link_begin(l);
	buf_reserve(&r.text, 1); /* no NULL pointer for db-lib */
	name = xasprintf("#praic_%s", table_list[t].name);
	bad = bcp_init(l->p, name, NULL, NULL, DB_IN) == FAIL ||
	    bcp_options(l->p, BCPHINTS, (BYTE *)"TABLOCK", sizeof("TABLOCK") - 1) == FAIL ||
	    bind(l, t, &r) == -1;
	free(name);
	if (bad) {
		link_failed(l, "beginning to copy rows");
		link_disconnect(l);
		return -1;
	}
	bad = send_all(k, t, &r, rows);
	bad = finish(k, &r, bad);
	buf_free(&r.text);
	return bad;
}

int
mssql_bulk(const struct mssql_bulk *k, enum table_id t, uint64_t rows[])
{
	int bad;

	memset(rows, 0, (k->to - k->from) * sizeof(*rows));
	if (!has_rows(k, t))
		return 0;
	msg_tell(3, "copying rows of %s", table_list[t].name);
	bad = copy(k, t, rows);
	link_end();
	return bad;
}
