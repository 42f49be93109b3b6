/*
 * A batch as virtual tables, so that one statement inserts all its rows of
 * a table:
 *
 *	INSERT INTO session_event (...) SELECT * FROM batch_session_event
 *
 * SQLite then keeps its cursors open and its place in the b-trees from row
 * to row, which is about twice as fast as a statement for each row.  Ids are
 * handed out here: the links between rows follow from them.
 */
#include <stdlib.h>

#include "sqlite.h"

struct rows_table {
	sqlite3_vtab base;
	struct sqlite_load *load;
	enum table_id table;
	struct schema_column column[SCHEMA_MAX_COLUMNS];
};

struct rows_cursor {
	sqlite3_vtab_cursor base;
	struct batch_rows rows;
	size_t session;
	int64_t id;
	int fresh; /* no row of this session was seen yet */
	int eof;
};

struct module_arg {
	struct sqlite_load *load;
	enum table_id table;
};

static int
connect(sqlite3 *h, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **err)
{
	const struct module_arg *arg = aux;
	struct rows_table *v;
	struct buf sql = {0};
	int n, i, rc;

	(void)argc;
	(void)argv;
	(void)err;
	v = sqlite3_malloc(sizeof(*v));
	if (v == NULL)
		return SQLITE_NOMEM;
	memset(v, 0, sizeof(*v));
	v->load = arg->load;
	v->table = arg->table;
	n = schema_columns(v->table, v->column);
	buf_adds(&sql, "CREATE TABLE x(");
	for (i = 0; i < n; i++)
		buf_printf(&sql, "%s\"%s\"", i > 0 ? "," : "", v->column[i].name);
	buf_adds(&sql, ")");
	rc = sqlite3_declare_vtab(h, buf_text(&sql));
	buf_free(&sql);
	if (rc != SQLITE_OK)
		sqlite3_free(v);
	else
		*out = &v->base;
	return rc;
}

static int
disconnect(sqlite3_vtab *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

static int
best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	(void)base;
	info->estimatedCost = 1e6;
	info->estimatedRows = 100000;
	return SQLITE_OK;
}

static int
open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct rows_cursor *c = sqlite3_malloc(sizeof(*c));

	(void)base;
	if (c == NULL)
		return SQLITE_NOMEM;
	memset(c, 0, sizeof(*c));
	*out = &c->base;
	return SQLITE_OK;
}

static int
close_cursor(sqlite3_vtab_cursor *base)
{
	struct rows_cursor *c = (struct rows_cursor *)base;

	batch_rows_end(&c->rows);
	sqlite3_free(c);
	return SQLITE_OK;
}

static int
next(sqlite3_vtab_cursor *base)
{
	struct rows_cursor *c = (struct rows_cursor *)base;
	struct rows_table *v = (struct rows_table *)base->pVtab;
	struct sqlite_load *l = v->load;
	struct batch_session *s;
	int more;

	while ((more = batch_next(&c->rows)) == 0) {
		do
			c->session++;
		while (c->session < l->to && l->batch->session[c->session].fate != FATE_NEW &&
		    l->batch->session[c->session].fate != FATE_REPLACED);
		if (c->session >= l->to) {
			c->eof = 1;
			return SQLITE_OK;
		}
		batch_rows_of(&c->rows, c->session);
		c->fresh = 1;
		if (l->o->meanwhile != NULL)
			l->o->meanwhile(l->o->meanwhile_arg);
	}
	if (more == -1)
		return SQLITE_IOERR_READ;
	s = &l->batch->session[c->session];
	if (v->table == TABLE_SESSION) {
		c->id = s->id;
		return SQLITE_OK;
	}
	l->last_id[v->table] = ++c->id;
	if (c->fresh && v->table == TABLE_SESSION_EVENT)
		s->first_event = c->id;
	c->fresh = 0;
	return SQLITE_OK;
}

static int
filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc, sqlite3_value **argv)
{
	struct rows_cursor *c = (struct rows_cursor *)base;
	struct rows_table *v = (struct rows_table *)base->pVtab;

	(void)number;
	(void)text;
	(void)argc;
	(void)argv;
	batch_rows_end(&c->rows);
	batch_rows(&c->rows, v->load->batch, v->table);
	c->session = v->load->from - 1; /* next() steps on to the first */
	c->id = v->load->last_id[v->table];
	c->eof = 0;
	return next(base);
}

static int
at_end(sqlite3_vtab_cursor *base)
{
	return ((struct rows_cursor *)base)->eof;
}

static void
result(sqlite3_context *ctx, const struct schema_column *col, const struct batch_value *value)
{
	if (value->p == NULL)
		sqlite3_result_null(ctx);
	else if (col->type == SCHEMA_INT || col->type == SCHEMA_BOOL)
		sqlite3_result_int64(ctx, value->i);
	else
		/* Valid until the next row: SQLite has copied it by then. */
		sqlite3_result_text(ctx, value->p, (int)value->n, SQLITE_STATIC);
}

static int
column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
	struct rows_cursor *c = (struct rows_cursor *)base;
	struct rows_table *v = (struct rows_table *)base->pVtab;
	const struct batch_session *s = &v->load->batch->session[c->session];
	const struct schema_column *col = &v->column[i];

	switch (col->type) {
	case SCHEMA_ID:
		sqlite3_result_int64(ctx, c->id);
		break;
	case SCHEMA_LINK:
		if (schema_parent(v->table) == TABLE_SESSION)
			sqlite3_result_int64(ctx, s->id);
		else /* event_seq is the first column of both tables */
			sqlite3_result_int64(ctx, s->first_event + c->rows.value[0].i - 1);
		break;
	case SCHEMA_HASH:
		sqlite3_result_text(ctx, s->hash, SHA256_HEX - 1, SQLITE_STATIC);
		break;
	default:
		result(ctx, col, &c->rows.value[col->source]);
	}
	return SQLITE_OK;
}

static int
rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = ((struct rows_cursor *)base)->id;
	return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 0,
    .xConnect = connect, /* and no xCreate: the tables are just there */
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = rowid,
};

int
sqlite_rows_register(sqlite3 *h, struct sqlite_load *load)
{
	struct module_arg *arg;
	char *name;
	int t, rc = SQLITE_OK;

	_Static_assert((int)DATA_EVENT_SEQ == 0 && (int)SYSINFO_EVENT_SEQ == 0,
	    "column() takes event_seq for the first column");
	for (t = 0; t < BATCH_TABLES && rc == SQLITE_OK; t++) {
		arg = xmalloc(sizeof(*arg));
		arg->load = load;
		arg->table = (enum table_id)t;
		name = xasprintf("batch_%s", table_list[t].name);
		rc = sqlite3_create_module_v2(h, name, &module, arg, free);
		free(name);
	}
	return rc;
}
