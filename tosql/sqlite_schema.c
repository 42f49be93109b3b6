/*
 * The storage database in SQLite's words, and how an older one is brought up
 * to date: by adding what it has not got.
 */
#include "sqlite.h"

static void
schema_type(struct buf *sql, enum table_id t, const struct schema_column *c)
{
	static const char *const type[] = {
	    /* AUTOINCREMENT: a number is never used again. */
	    [SCHEMA_ID] = "INTEGER PRIMARY KEY AUTOINCREMENT",
	    [SCHEMA_LINK] = "INTEGER NOT NULL REFERENCES \"~\" (id) ON DELETE CASCADE",
	    [SCHEMA_TEXT] = "TEXT",
	    [SCHEMA_INT] = "INTEGER",
	    [SCHEMA_BOOL] = "INTEGER",
	    [SCHEMA_TIME] = "TEXT",
	    [SCHEMA_HASH] = "TEXT",
	};

	schema_text(sql, type[c->type], table_list[schema_parent(t)].name);
	if (schema_is_key(t, c->source))
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

static void
schema_index_of(struct buf *sql, const struct schema_index *x)
{
	buf_printf(sql, "CREATE %sINDEX \"%s\"\n    ON \"%s\" (\"%s\"", x->unique ? "UNIQUE " : "",
	    x->name, table_list[x->table].name, x->column[0]);
	if (x->column[1] != NULL)
		buf_printf(sql, ", \"%s\"", x->column[1]);
	buf_adds(sql, ");\n");
}

/* The view, anew since columns may have come; and whose database it is. */
static void
schema_rest(struct buf *sql)
{
	buf_adds(sql,
	    "DROP VIEW IF EXISTS " SCHEMA_VIEW ";\nCREATE VIEW " SCHEMA_VIEW " AS SELECT\n    ");
	schema_list(sql, SCHEMA_VIEW_OF, 0, "\"~\"");
	buf_printf(sql, "\n    FROM \"%s\";\n", table_list[SCHEMA_VIEW_OF].name);
	buf_printf(sql, "PRAGMA application_id = %d;\nPRAGMA user_version = %d;\n",
	    SQLITE_APPLICATION_ID, SCHEMA_VERSION);
}

void
sqlite_schema(struct buf *sql)
{
	int i;

	buf_adds(sql, "BEGIN;\n");
	for (i = 0; i < BATCH_TABLES; i++)
		schema_table(sql, (enum table_id)i);
	for (i = 0; i < SCHEMA_INDEXES; i++)
		schema_index_of(sql, &schema_index[i]);
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

/* sqlite_ask, with this name for '~'. */
static int
ask_of(sqlite3 *h, int64_t *answer, const char *text, const char *name)
{
	struct buf sql = {0};
	int rc;

	schema_text(&sql, text, name);
	rc = sqlite_ask(h, buf_text(&sql), answer);
	buf_free(&sql);
	return rc;
}

/* Is this one of the database's tables, indexes or views? */
static int
is_there(sqlite3 *h, int64_t *answer, const char *name)
{
	return ask_of(
	    h, answer, "SELECT count(*) FROM sqlite_schema WHERE name = '~' COLLATE NOCASE", name);
}

static void
name_lack(
    struct sqlite_lack *l, const char *kind, const char *name, const char *dot, const char *column)
{
	buf_printf(&l->names, "%s%s %s%s%s", l->names.n > 0 ? ", " : "", kind, name, dot, column);
}

static int
lacks_columns(sqlite3 *h, enum table_id t, struct sqlite_lack *l)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	const char *name = table_list[t].name;
	struct buf sql = {0};
	int n = schema_columns(t, column), i, rc = SQLITE_OK;
	int64_t there;

	for (i = 0; i < n && rc == SQLITE_OK; i++) {
		buf_reset(&sql);
		buf_printf(&sql, "SELECT count(*) FROM pragma_table_info('%s') WHERE name = '%s'",
		    name, column[i].name);
		rc = sqlite_ask(h, buf_text(&sql), &there);
		if (rc != SQLITE_OK || there != 0)
			continue;
		name_lack(l, "column", name, ".", column[i].name);
		l->rows = 1;
		buf_printf(&l->sql, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" ", name, column[i].name);
		schema_type(&l->sql, t, &column[i]);
		buf_adds(&l->sql, ";\n");
	}
	buf_free(&sql);
	return rc;
}

/* A table is not there.  Do others have rows that belong to its rows? */
static int
lacks_table(sqlite3 *h, enum table_id t, struct sqlite_lack *l)
{
	int c, rc = SQLITE_OK;
	int64_t there;

	for (c = 0; c < BATCH_TABLES && rc == SQLITE_OK; c++) {
		if (c == TABLE_SESSION || schema_parent((enum table_id)c) != t)
			continue;
		rc = is_there(h, &there, table_list[c].name);
		if (rc == SQLITE_OK && there != 0)
			rc = ask_of(
			    h, &there, "SELECT EXISTS (SELECT 1 FROM \"~\")", table_list[c].name);
		if (rc == SQLITE_OK && there != 0) {
			l->gone = table_list[t].name;
			l->points = table_list[c].name;
		}
	}
	name_lack(l, "table", table_list[t].name, "", "");
	l->rows = 1;
	schema_table(&l->sql, t);
	return rc;
}

int
sqlite_lacks(sqlite3 *h, struct sqlite_lack *l)
{
	int i, rc = SQLITE_OK;
	int64_t there;

	memset(l, 0, sizeof(*l));
	for (i = 0; i < BATCH_TABLES && rc == SQLITE_OK; i++) {
		rc = is_there(h, &there, table_list[i].name);
		if (rc == SQLITE_OK)
			rc = there == 0 ? lacks_table(h, (enum table_id)i, l) :
					  lacks_columns(h, (enum table_id)i, l);
	}
	for (i = 0; i < SCHEMA_INDEXES && rc == SQLITE_OK; i++) {
		rc = is_there(h, &there, schema_index[i].name);
		if (rc != SQLITE_OK || there != 0)
			continue;
		name_lack(l, "index", schema_index[i].name, "", "");
		schema_index_of(&l->sql, &schema_index[i]);
	}
	if (rc == SQLITE_OK && (rc = is_there(h, &there, SCHEMA_VIEW)) == SQLITE_OK && there == 0)
		name_lack(l, "view", SCHEMA_VIEW, "", "");
	return rc;
}

int
sqlite_upgrade(sqlite3 *h)
{
	struct sqlite_lack l;
	int rc = sqlite_lacks(h, &l);

	/* A session that comes again shall bring what was lost: to do so it
	 * must not pass for unchanged. */
	if (l.rows)
		buf_printf(&l.sql, "UPDATE \"%s\" SET content_hash = NULL;\n",
		    table_list[TABLE_SESSION].name);
	schema_rest(&l.sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h, buf_text(&l.sql), NULL, NULL, NULL);
	buf_free(&l.sql);
	buf_free(&l.names);
	return rc;
}
