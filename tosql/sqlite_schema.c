/*
 * The storage database in SQLite's words, and how an older one is brought up
 * to date: by adding what it has not got.
 */
#include <stdlib.h>

#include "schema.h"
#include "sqlite.h"

void
sqlite_columns(struct buf *sql, enum table_id t, int from, const char *format)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	int n = schema_columns(t, column), i;

	for (i = from; i < n; i++) {
		buf_adds(sql, i > from ? ", " : "");
		for (const char *f = format; *f != '\0'; f++)
			if (*f == '%')
				buf_adds(sql, column[i].name);
			else
				buf_addc(sql, *f);
	}
}

static void
schema_type(struct buf *sql, enum table_id t, const struct schema_column *c)
{
	switch (c->type) {
	case SCHEMA_ID:
		/* AUTOINCREMENT: a number is never used again. */
		buf_adds(sql, "INTEGER PRIMARY KEY AUTOINCREMENT");
		break;
	case SCHEMA_LINK:
		buf_printf(sql, "INTEGER NOT NULL REFERENCES \"%s\" (id) ON DELETE CASCADE",
		    table_list[schema_parent(t)].name);
		break;
	case SCHEMA_INT:
	case SCHEMA_BOOL:
		buf_adds(sql, "INTEGER");
		break;
	case SCHEMA_TEXT:
	case SCHEMA_TIME:
	case SCHEMA_HASH:
		buf_adds(sql, "TEXT");
		break;
	}
	if (t == TABLE_SESSION && (c->source == SESSION_HOST_NAME || c->source == SESSION_LSID))
		buf_adds(sql, " NOT NULL");
}

static void
schema_table(struct buf *sql, enum table_id t)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	int n = schema_columns(t, column), i;

	buf_printf(sql, "CREATE TABLE \"%s\" (\n", table_list[t].name);
	for (i = 0; i < n; i++) {
		buf_printf(sql, "    \"%s\" ", column[i].name);
		schema_type(sql, t, &column[i]);
		buf_adds(sql, i + 1 < n ? ",\n" : "\n);\n");
	}
}

/* Indexes and the view: made where they are missing. */
static void
schema_rest(struct buf *sql)
{
	int i;

	for (i = 0; i < SCHEMA_INDEXES; i++) {
		const struct schema_index *x = &schema_index[i];

		buf_printf(sql, "CREATE %sINDEX IF NOT EXISTS \"%s\"\n    ON \"%s\" (\"%s\"",
		    x->unique ? "UNIQUE " : "", x->name, table_list[x->table].name, x->column[0]);
		if (x->column[1] != NULL)
			buf_printf(sql, ", \"%s\"", x->column[1]);
		buf_adds(sql, ");\n");
	}
	buf_adds(sql, "DROP VIEW IF EXISTS " SCHEMA_VIEW ";\nCREATE VIEW " SCHEMA_VIEW
	    " AS SELECT\n    ");
	sqlite_columns(sql, SCHEMA_VIEW_OF, 0, "\"%\"");
	buf_printf(sql, "\n    FROM \"%s\";\n", table_list[SCHEMA_VIEW_OF].name);
	buf_printf(sql, "PRAGMA application_id = %d;\nPRAGMA user_version = %d;\n", SQLITE_APPLICATION_ID,
	    SCHEMA_VERSION);
}

void
sqlite_schema(struct buf *sql)
{
	int t;

	buf_adds(sql, "BEGIN;\n");
	for (t = 0; t < BATCH_TABLES; t++)
		schema_table(sql, (enum table_id)t);
	schema_rest(sql);
	buf_adds(sql, "COMMIT;\n");
}

int
sqlite_ask(sqlite3 *h, const char *sql, int64_t *answer)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(h, sql, -1, &stmt, NULL);

	*answer = 0;
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		*answer = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	} else if (rc == SQLITE_DONE)
		rc = SQLITE_OK;
	else
		rc = sqlite3_extended_errcode(h);
	sqlite3_finalize(stmt);
	return rc;
}

/* What is missing of one table; nothing where all is there. */
static int
missing(sqlite3 *h, enum table_id t, struct buf *sql)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	int n = schema_columns(t, column), i, rc;
	int64_t there = 0;
	char *q;

	q = xasprintf("SELECT count(*) FROM pragma_table_info('%s')", table_list[t].name);
	rc = sqlite_ask(h, q, &there);
	free(q);
	if (rc == SQLITE_OK && there == 0) {
		schema_table(sql, t);
		return rc;
	}
	for (i = 0; i < n && rc == SQLITE_OK; i++) {
		q = xasprintf("SELECT count(*) FROM pragma_table_info('%s') WHERE name = '%s'",
		    table_list[t].name, column[i].name);
		rc = sqlite_ask(h, q, &there);
		free(q);
		if (rc != SQLITE_OK || there != 0)
			continue;
		buf_printf(sql, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" ", table_list[t].name,
		    column[i].name);
		schema_type(sql, t, &column[i]);
		buf_adds(sql, ";\n");
	}
	return rc;
}

int
sqlite_upgrade(sqlite3 *h)
{
	struct buf sql = {0};
	int t, rc = SQLITE_OK;

	for (t = 0; t < BATCH_TABLES && rc == SQLITE_OK; t++)
		rc = missing(h, (enum table_id)t, &sql);
	schema_rest(&sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h, buf_text(&sql), NULL, NULL, NULL);
	buf_free(&sql);
	return rc;
}
