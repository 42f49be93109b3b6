/*
 * The storage database in T-SQL, of 2008 and later.  Every statement looks
 * first whether its thing is there, so that the same text makes a database,
 * adds to one that the vendor's client has made, and upgrades an older one.
 */
#include <stdlib.h>

#include "code.h"
#include "msg.h"
#include "mssql.h"

/* "There is already an object named ..." */
#define THERE_ALREADY 2714

/* Keys are compared byte by byte, whatever the database's collation. */
#define BYTEWISE " COLLATE Latin1_General_BIN2"

static void
column_type(struct buf *sql, enum table_id t, const struct schema_column *c)
{
	switch (c->type) {
	case SCHEMA_ID:
		buf_adds(sql, "BIGINT IDENTITY(1,1) NOT NULL");
		return;
	case SCHEMA_LINK:
		buf_adds(sql, "' + @link + N' NOT NULL");
		return;
	case SCHEMA_INT:
		buf_adds(sql, "BIGINT NULL");
		return;
	case SCHEMA_BOOL:
		buf_adds(sql, "INT NULL");
		return;
	case SCHEMA_TIME:
		buf_adds(sql, "DATETIME2(0) NULL");
		return;
	case SCHEMA_TEXT:
	case SCHEMA_HASH:
		break;
	}
	if (c->room == 0)
		buf_adds(sql, "NVARCHAR(MAX)");
	else
		buf_printf(sql, "NVARCHAR(%d)", c->room);
	if (schema_is_key(t, c->source) || c->type == SCHEMA_HASH)
		buf_adds(sql, BYTEWISE);
	buf_adds(sql, schema_is_key(t, c->source) ? " NOT NULL" : " NULL");
}

static void
table_text(struct buf *sql, enum table_id t)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	const char *name = table_list[t].name;
	int n = schema_columns(t, column), i;

	buf_printf(sql, "CREATE TABLE dbo.[%s] (\n", name);
	for (i = 0; i < n; i++) {
		buf_printf(sql, "    [%s] ", column[i].name);
		column_type(sql, t, &column[i]);
		buf_adds(sql, ",\n");
	}
	buf_printf(sql, "    CONSTRAINT [PK_praic_%s] PRIMARY KEY CLUSTERED (id)", name);
	if (t != TABLE_SESSION)
		buf_printf(sql,
		    ",\n    CONSTRAINT [FK_praic_%s] FOREIGN KEY ([%s])\n"
		    "        REFERENCES dbo.[%s] (id) ON DELETE CASCADE",
		    name, column[1].name, table_list[schema_parent(t)].name);
	buf_adds(sql, ")");
}

/*
 * A link has the type of the id that it points to, which in tables that were
 * there before may be INT.
 */
static void
make_table(struct buf *sql, enum table_id t)
{
	const char *name = table_list[t].name;

	if (t != TABLE_SESSION)
		buf_printf(sql,
		    "DECLARE @link NVARCHAR(128);\n"
		    "SELECT @link = DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS\n"
		    "    WHERE TABLE_SCHEMA = N'dbo' AND TABLE_NAME = N'%s' AND COLUMN_NAME = "
		    "N'id';\n",
		    table_list[schema_parent(t)].name);
	buf_printf(sql, "IF OBJECT_ID(N'dbo.[%s]', N'U') IS NULL\nEXEC (N'", name);
	table_text(sql, t);
	buf_adds(sql, "')");
}

/* Of a table that was there before. */
static void
add_columns(struct buf *sql, enum table_id t)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	const char *name = table_list[t].name;
	int n = schema_columns(t, column), i;

	for (i = 0; i < n; i++) {
		if (column[i].type == SCHEMA_ID || column[i].type == SCHEMA_LINK ||
		    schema_is_key(t, column[i].source))
			continue;
		buf_printf(sql,
		    "IF COL_LENGTH(N'dbo.[%s]', N'%s') IS NULL\n"
		    "    ALTER TABLE dbo.[%s] ADD [%s] ",
		    name, column[i].name, name, column[i].name);
		column_type(sql, t, &column[i]);
		buf_adds(sql, "\n");
	}
}

/* An index is known by its first columns: its name may be another. */
static void
make_index(struct buf *sql, const struct schema_index *x)
{
	const char *name = table_list[x->table].name;
	int i, n = x->column[1] != NULL ? 2 : 1;

	buf_printf(sql,
	    "IF NOT EXISTS (SELECT i.index_id FROM sys.index_columns AS i\n"
	    "    INNER JOIN sys.columns AS c ON c.object_id = i.object_id AND c.column_id = "
	    "i.column_id\n%s    WHERE i.object_id = OBJECT_ID(N'dbo.[%s]', N'U') AND (",
	    x->unique ? "    INNER JOIN sys.indexes AS x ON x.object_id = i.object_id AND "
			"x.index_id = i.index_id AND x.is_unique = 1\n" :
			"",
	    name);
	for (i = 0; i < n; i++)
		buf_printf(sql, "%si.key_ordinal = %d AND c.name = N'%s'",
		    i > 0 ? "\n        OR " : "", i + 1, x->column[i]);
	buf_printf(sql,
	    ")\n    GROUP BY i.index_id HAVING COUNT(*) = %d)\n"
	    "CREATE %sNONCLUSTERED INDEX [IX_praic_%s] ON dbo.[%s] ([%s]",
	    n, x->unique ? "UNIQUE " : "", x->name, name, x->column[0]);
	if (n > 1)
		buf_printf(sql, ", [%s]", x->column[1]);
	buf_addc(sql, ')');
}

static void
make_view(struct buf *sql)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	int n = schema_columns(SCHEMA_VIEW_OF, column), i;

	buf_adds(sql,
	    "IF OBJECT_ID(N'dbo." SCHEMA_VIEW "') IS NULL\n"
	    "EXEC (N'CREATE VIEW dbo." SCHEMA_VIEW " AS SELECT ");
	for (i = 0; i < n; i++)
		buf_printf(sql, "%s[%s]", i > 0 ? ", " : "", column[i].name);
	buf_printf(sql, " FROM dbo.[%s]')", table_list[SCHEMA_VIEW_OF].name);
}

void
mssql_schema_each(void (*take)(void *, const char *, const char *, int), void *arg)
{
	struct buf sql = {0};
	int t, i;

	for (t = 0; t < BATCH_TABLES; t++) {
		buf_reset(&sql);
		make_table(&sql, (enum table_id)t);
		take(arg, "making a table", buf_text(&sql), 0);
		buf_reset(&sql);
		add_columns(&sql, (enum table_id)t);
		take(arg, "adding columns", buf_text(&sql), 0);
	}
	for (i = 0; i < SCHEMA_INDEXES; i++) {
		buf_reset(&sql);
		make_index(&sql, &schema_index[i]);
		take(arg, "making an index", buf_text(&sql), 0);
	}
	take(arg, "making a table",
	    "IF OBJECT_ID(N'dbo.praic_schema', N'U') IS NULL\n"
	    "CREATE TABLE dbo.praic_schema (version INT NOT NULL)",
	    0);
	buf_reset(&sql);
	buf_printf(&sql,
	    "DELETE FROM dbo.praic_schema;\n"
	    "INSERT INTO dbo.praic_schema (version) VALUES (%d)",
	    SCHEMA_VERSION);
	take(arg, "noting the version", buf_text(&sql), 0);
	buf_reset(&sql);
	make_view(&sql);
	take(arg, "making the view " SCHEMA_VIEW, buf_text(&sql), 1);
	buf_free(&sql);
}

static void
add_text(void *arg, const char *what, const char *sql, int is_view)
{
	(void)what;
	(void)is_view;
	buf_printf(arg, "%s;\nGO\n", sql);
}

void
mssql_schema(struct buf *text)
{
	buf_adds(text,
	    "SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; "
	    "SET QUOTED_IDENTIFIER ON;\nGO\n");
	mssql_schema_each(add_text, text);
}

struct making {
	struct link *l;
	int view;
	int bad;
};

static void
make(void *arg, const char *what, const char *sql, int is_view)
{
	struct making *m = arg;

	if (is_view == m->view && !m->bad)
		m->bad = link_run(m->l, what, sql, NULL, NULL, NULL);
}

int
mssql_schema_make(struct link *l)
{
	struct making m = {.l = l};

	mssql_schema_each(make, &m);
	return m.bad;
}

int
mssql_schema_make_view(struct link *l)
{
	struct making m = {.l = l, .view = 1};

	mssql_schema_each(make, &m);
	if (!m.bad || l->failure == LINK_LOST || l->failure == LINK_AGAIN)
		return m.bad;
	if (l->number == THERE_ALREADY) /* another loader was faster */
		return 0;
	msg_warn("%s: %s; everything else works without it", l->name, l->text.p);
	return 0;
}

struct found {
	int64_t v[4];
};

static void
keep(void *arg, const int64_t *v, int n)
{
	struct found *f = arg;

	memcpy(f->v, v, sizeof(*v) * (size_t)(n < 4 ? n : 4));
}

int
mssql_schema_inspect(struct link *l, enum mssql_state *state)
{
	struct found f = {{0}};

	if (link_run(l, "looking for tables",
		"SELECT CAST(CASE WHEN OBJECT_ID(N'dbo.praic_schema', "
		"N'U') IS NULL THEN 0 ELSE 1 END AS INT), CAST(CASE WHEN "
		"OBJECT_ID(N'dbo.[session]') "
		"IS NULL THEN 0 ELSE 1 END AS INT), CAST(CASE WHEN COL_LENGTH(N'dbo.[session]', "
		"N'lsid') IS NULL OR COL_LENGTH(N'dbo.[session]', N'host_name') IS NULL THEN 0 "
		"ELSE 1 "
		"END AS INT)",
		keep, &f, NULL) == -1)
		return -1;
	if (f.v[1] == 1 && f.v[2] == 0)
		return link_refuse(l, LINK_FINAL, EX_CONFIG,
		    "its table session is another "
		    "program's; give praic a database of its own");
	*state = f.v[1] == 1 ? MSSQL_LACKING : MSSQL_EMPTY;
	if (f.v[0] == 0)
		return 0;
	if (link_run(l, "asking for the version", "SELECT MAX(version) FROM dbo.praic_schema", keep,
		&f, NULL) == -1)
		return -1;
	if (f.v[0] > SCHEMA_VERSION)
		return link_refuse(l, LINK_FINAL, EX_CONFIG,
		    "its schema is version %lld, and this "
		    "praic-tosql knows up to %d: install the newer praic",
		    (long long)f.v[0], SCHEMA_VERSION);
	*state = f.v[0] < SCHEMA_VERSION ? MSSQL_LACKING : MSSQL_READY;
	return 0;
}

/* The types that a column of somebody else's may have, and ours. */
static void
fitting_types(struct buf *sql, enum table_id t, const struct schema_column *c)
{
	static const char *const fits[] = {
	    [SCHEMA_TEXT] = "|nvarchar|ntext|",
	    [SCHEMA_HASH] = "|nvarchar|",
	    [SCHEMA_INT] = "|bigint|int|smallint|tinyint|decimal|numeric|nvarchar|",
	    [SCHEMA_BOOL] = "|bit|bigint|int|smallint|tinyint|decimal|numeric|nvarchar|",
	    [SCHEMA_TIME] = "|datetime|datetime2|datetimeoffset|nvarchar|",
	};
	struct buf type = {0};

	column_type(&type, t, c);
	buf_printf(sql, "SELECT N'%s' AS name, N'%s' AS fits, N'%.*s%s' AS want", c->name,
	    schema_is_key(t, c->source) ? "|nvarchar|" : fits[c->type],
	    (int)strcspn(buf_text(&type), " "), type.p,
	    schema_is_key(t, c->source) ? " NOT NULL" : " NULL");
	buf_free(&type);
}

/* What a column's type is, as ALTER COLUMN wants it. */
#define TYPE_OF_COLUMN                                                                         \
	"TYPE_NAME(c.user_type_id) + CASE WHEN TYPE_NAME(c.system_type_id) IN (N'decimal', "   \
	"N'numeric') THEN N'(' + CAST(c.precision AS NVARCHAR(3)) + N', ' + CAST(c.scale AS "  \
	"NVARCHAR(3)) + N')' WHEN TYPE_NAME(c.system_type_id) NOT IN (N'nvarchar', N'nchar', " \
	"N'varchar', N'char', N'varbinary', N'binary') THEN N'' WHEN c.max_length = -1 THEN "  \
	"N'(MAX)' WHEN TYPE_NAME(c.system_type_id) IN (N'nvarchar', N'nchar') THEN N'(' + "    \
	"CAST(c.max_length / 2 AS NVARCHAR(5)) + N')' ELSE N'(' + CAST(c.max_length AS "       \
	"NVARCHAR(5)) + N')' END"

/*
 * What stands against storing rows in a table that is there: the first such
 * thing is an error that the server raises, with the statement that mends it.
 * Our own columns may be missing: they are made later.
 */
static int
check_table(struct link *l, enum table_id t)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	const char *name = table_list[t].name, *between = "";
	int n = schema_columns(t, column), i, bad;
	struct buf sql = {0};

	buf_printf(&sql,
	    "DECLARE @o INT, @s NVARCHAR(2000);\nSET @o = OBJECT_ID(N'dbo.[%s]', N'U');\n"
	    "SELECT TOP (1) @s = N'[' + c.name COLLATE DATABASE_DEFAULT + N'] is ' "
	    "+ " TYPE_OF_COLUMN
	    " + N', which does not take what praic stores there: ALTER TABLE dbo.[%s] ALTER "
	    "COLUMN [' + c.name + N'] ' + k.want FROM sys.columns AS c INNER JOIN (",
	    name, name);
	for (i = 0; i < n; i++) {
		if (column[i].type == SCHEMA_ID || column[i].type == SCHEMA_LINK)
			continue;
		buf_adds(&sql, between);
		fitting_types(&sql, t, &column[i]);
		between = " UNION ALL ";
	}
	buf_adds(&sql,
	    ") AS k ON c.name = k.name COLLATE DATABASE_DEFAULT WHERE c.object_id = @o AND "
	    "(CHARINDEX(N'|' + TYPE_NAME(c.system_type_id) + N'|', k.fits) = 0 OR c.max_length = "
	    "-1 AND k.want LIKE N'% NOT NULL');\n"
	    "IF @s IS NULL SELECT TOP (1) @s = N'[' + c.name COLLATE DATABASE_DEFAULT + N'] is "
	    "none of praic''s, takes no "
	    "NULL and has no default: ALTER TABLE ");
	buf_printf(&sql,
	    "dbo.[%s] ALTER COLUMN [' + c.name + N'] ' + " TYPE_OF_COLUMN
	    " + N' NULL' FROM sys.columns AS c WHERE c.object_id = @o AND c.is_nullable = 0 AND "
	    "c.is_identity = 0 AND c.is_computed = 0 AND c.default_object_id = 0 AND "
	    "TYPE_NAME(c.system_type_id) <> N'timestamp' AND c.name NOT IN (",
	    name);
	for (i = 0; i < n; i++)
		buf_printf(&sql, "%sN'%s'", i > 0 ? ", " : "", column[i].name);
	buf_printf(&sql,
	    ");\nIF @s IS NULL AND @o IS NOT NULL AND NOT EXISTS (SELECT * FROM sys.columns AS c "
	    "WHERE c.object_id = @o AND c.name = N'id' AND c.is_identity = 1) SET @s = N'[id] is "
	    "no IDENTITY, by which the server numbers rows: rename this table, and praic makes "
	    "one: EXEC sp_rename N''dbo.[%s]'', N''%s_old''';\n"
	    "IF @s IS NOT NULL RAISERROR(N'column dbo.[%s].%%s', 16, 1, @s)",
	    name, name, name);
	bad = link_run(l, "checking tables", buf_text(&sql), NULL, NULL, NULL);
	buf_free(&sql);
	return bad;
}

int
mssql_schema_check(struct link *l)
{
	int t, bad = 0;

	for (t = 0; t < BATCH_TABLES && !bad; t++)
		bad = check_table(l, (enum table_id)t);
	return bad;
}

struct columns {
	struct mssql_rooms *rooms;
	enum table_id table;
	int missing; /* a column's number + 1 */
};

/* A key is no longer than in our own schema: an index must take it. */
static int
cap(enum table_id t, int column, int room)
{
	int most = column == SESSION_HOST_NAME ? SCHEMA_ROOM_HOST : SCHEMA_ROOM_LSID;

	if (!schema_is_key(t, column))
		return room;
	return room < 0 || room > most ? most : room;
}

/* n, characters, is there */
static void
keep_room(void *arg, const int64_t *v, int n)
{
	struct columns *c = arg;
	int i = (int)v[0];

	if (n != 3 || i < 0 || i >= table_list[c->table].columns)
		return;
	c->rooms->room[c->table][i] =
	    cap(c->table, i, v[1] == LINK_NULL || v[1] > INT32_MAX / 2 ? -1 : (int)v[1]);
	if (v[2] != 1)
		c->missing = i + 1;
}

static int
rooms_of(struct link *l, struct mssql_rooms *rooms, enum table_id t)
{
	const struct table *table = &table_list[t];
	struct columns c = {.rooms = rooms, .table = t};
	struct buf sql = {0};
	const char *between = "";
	int i, bad;

	buf_adds(&sql,
	    "SELECT k.n, CAST(c.CHARACTER_MAXIMUM_LENGTH AS BIGINT), CAST(CASE WHEN "
	    "c.DATA_TYPE IS NULL THEN 0 ELSE 1 END AS INT) FROM (");
	for (i = 0; i < table->columns; i++) {
		if (!schema_stores(t, i))
			continue;
		buf_printf(
		    &sql, "%sSELECT %d AS n, N'%s' AS name", between, i, table->column[i].name);
		between = " UNION ALL ";
	}
	buf_printf(&sql,
	    ") AS k LEFT OUTER JOIN INFORMATION_SCHEMA.COLUMNS AS c ON "
	    "c.TABLE_SCHEMA = N'dbo' AND c.TABLE_NAME = N'%s' AND c.COLUMN_NAME = k.name "
	    "COLLATE DATABASE_DEFAULT",
	    table->name);
	bad = link_run(l, "asking for columns", buf_text(&sql), keep_room, &c, NULL);
	buf_free(&sql);
	if (bad)
		return -1;
	if (c.missing)
		return link_refuse(l, LINK_FINAL, EX_CONFIG,
		    "column %s.%s is missing, though the "
		    "version says that it is there",
		    table->name, table->column[c.missing - 1].name);
	return 0;
}

int
mssql_schema_rooms(struct link *l, struct mssql_rooms *rooms)
{
	int t;

	for (t = 0; t < BATCH_TABLES; t++)
		if (rooms_of(l, rooms, (enum table_id)t) == -1)
			return -1;
	return 0;
}
