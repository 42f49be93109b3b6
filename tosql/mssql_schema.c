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

/* An index of a table with years of rows may take hours. */
#define MAKE_TIMEOUT 86400

static void
column_type(struct buf *sql, enum table_id t, const struct schema_column *c)
{
	static const char *const type[] = {
	    [SCHEMA_ID] = "BIGINT IDENTITY(1,1) NOT NULL",
	    [SCHEMA_LINK] = "' + @link + N' NOT NULL",
	    [SCHEMA_INT] = "BIGINT NULL",
	    [SCHEMA_BOOL] = "INT NULL",
	    [SCHEMA_TIME] = "DATETIME2(0) NULL",
	    [SCHEMA_TEXT] = "NVARCHAR(MAX) NULL",
	    [SCHEMA_HASH] = "NVARCHAR(64)" BYTEWISE " NULL",
	};

	if (schema_is_key(t, c->source))
		buf_printf(sql, "NVARCHAR(%d)" BYTEWISE " NOT NULL", schema_room(c->source));
	else
		buf_adds(sql, type[c->type]);
}

/*
 * A link has the type of the id that it points to, which is INT in tables that
 * the vendor's client has made.
 */
static void
make_table(struct buf *sql, enum table_id t)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	const char *name = table_list[t].name, *parent = table_list[schema_parent(t)].name;
	int n = schema_columns(t, column), i;

	if (t != TABLE_SESSION)
		schema_text(sql,
		    "DECLARE @link NVARCHAR(128);\n"
		    "SELECT @link = DATA_TYPE + CASE WHEN DATA_TYPE IN (N'decimal', N'numeric')\n"
		    "    THEN N'(' + CAST(NUMERIC_PRECISION AS NVARCHAR(3)) + N')' ELSE N'' END\n"
		    "    FROM INFORMATION_SCHEMA.COLUMNS\n"
		    "    WHERE TABLE_SCHEMA = N'dbo' AND TABLE_NAME = N'~' AND COLUMN_NAME = "
		    "N'id';\n",
		    parent);
	schema_text(
	    sql, "IF OBJECT_ID(N'dbo.[~]', N'U') IS NULL\nEXEC (N'CREATE TABLE dbo.[~] (\n", name);
	for (i = 0; i < n; i++) {
		buf_printf(sql, "    [%s] ", column[i].name);
		column_type(sql, t, &column[i]);
		buf_adds(sql, ",\n");
	}
	schema_text(sql, "    CONSTRAINT [PK_praic_~] PRIMARY KEY CLUSTERED (id)", name);
	if (t != TABLE_SESSION)
		buf_printf(sql,
		    ",\n    CONSTRAINT [FK_praic_%s] FOREIGN KEY ([%s])\n"
		    "        REFERENCES dbo.[%s] (id) ON DELETE CASCADE",
		    name, column[1].name, parent);
	buf_adds(sql, ")')");
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

enum { INDEXES = 2 * BATCH_TABLES, VERSION_TABLE = INDEXES + SCHEMA_INDEXES, VERSION, VIEW, END };

/* The n-th statement that makes the schema.  Returns what it does, for messages. */
static const char *
statement(struct buf *sql, int n)
{
	if (n < INDEXES && n % 2 == 0) {
		make_table(sql, (enum table_id)(n / 2));
		return "making a table";
	}
	if (n < INDEXES) {
		add_columns(sql, (enum table_id)(n / 2));
		return "adding columns";
	}
	if (n < VERSION_TABLE) {
		make_index(sql, &schema_index[n - INDEXES]);
		return "making an index";
	}
	if (n == VERSION_TABLE) {
		buf_adds(sql,
		    "IF OBJECT_ID(N'dbo.praic_schema', N'U') IS NULL\n"
		    "CREATE TABLE dbo.praic_schema (version INT NOT NULL)");
		return "making a table";
	}
	if (n == VERSION) {
		buf_printf(sql,
		    "DELETE FROM dbo.praic_schema;\n"
		    "INSERT INTO dbo.praic_schema (version) VALUES (%d)",
		    SCHEMA_VERSION);
		return "noting the version";
	}
	buf_adds(sql,
	    "IF OBJECT_ID(N'dbo." SCHEMA_VIEW "') IS NULL\n"
	    "EXEC (N'CREATE VIEW dbo." SCHEMA_VIEW " AS SELECT ");
	schema_list(sql, SCHEMA_VIEW_OF, 0, "[~]");
	buf_printf(sql, " FROM dbo.[%s]')", table_list[SCHEMA_VIEW_OF].name);
	return "making the view " SCHEMA_VIEW;
}

void
mssql_schema(struct buf *text)
{
	int n;

	buf_adds(text,
	    "SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; "
	    "SET QUOTED_IDENTIFIER ON;\nGO\n");
	for (n = 0; n < END; n++) {
		(void)statement(text, n);
		buf_adds(text, ";\nGO\n");
	}
}

static int
run_statement(struct link *l, int n)
{
	struct buf sql = {0};
	const char *what = statement(&sql, n);
	int bad = link_run(l, what, buf_text(&sql), NULL, NULL, NULL);

	buf_free(&sql);
	return bad;
}

int
mssql_schema_make(struct link *l)
{
	int n, bad = 0, most = l->most;

	l->most = MAKE_TIMEOUT;
	for (n = 0; n < VIEW && !bad; n++)
		bad = run_statement(l, n);
	l->most = most;
	return bad;
}

int
mssql_schema_make_view(struct link *l)
{
	int bad = run_statement(l, VIEW);

	if (!bad || l->failure == LINK_LOST || l->failure == LINK_AGAIN)
		return bad;
	if (l->number != THERE_ALREADY) /* another loader was faster */
		msg_warn("%s: %s; everything else works without it", l->name, l->text.p);
	return 0;
}

int
mssql_schema_inspect(struct link *l, enum mssql_state *state)
{
	/* are the version's table, the table session, and its key there? */
	int64_t found[LINK_KEPT] = {0};

	if (link_run(l, "looking for tables",
		"SELECT CAST(CASE WHEN OBJECT_ID(N'dbo.praic_schema', "
		"N'U') IS NULL THEN 0 ELSE 1 END AS INT), CAST(CASE WHEN "
		"OBJECT_ID(N'dbo.[session]') "
		"IS NULL THEN 0 ELSE 1 END AS INT), CAST(CASE WHEN COL_LENGTH(N'dbo.[session]', "
		"N'lsid') IS NULL OR COL_LENGTH(N'dbo.[session]', N'host_name') IS NULL THEN 0 "
		"ELSE 1 "
		"END AS INT)",
		link_keep, found, NULL) == -1)
		return -1;
	if (found[1] == 1 && found[2] == 0)
		return link_refuse(l, LINK_FINAL, EX_CONFIG,
		    "its table session is another program's; give praic a database of its own");
	*state = found[1] == 1 ? MSSQL_LACKING : MSSQL_EMPTY;
	if (found[0] == 0)
		return 0;
	if (link_run(l, "asking for the version", "SELECT MAX(version) FROM dbo.praic_schema",
		link_keep, found, NULL) == -1)
		return -1;
	if (found[0] > SCHEMA_VERSION)
		return link_refuse(l, LINK_FINAL, EX_CONFIG,
		    "its schema is version %lld, and this praic-tosql knows up to %d: install the "
		    "newer praic",
		    (long long)found[0], SCHEMA_VERSION);
	*state = found[0] < SCHEMA_VERSION ? MSSQL_LACKING : MSSQL_READY;
	return 0;
}

/*
 * A row of the list k: a column, the types that it may have in a table that
 * somebody else has made, and its type here.  The latter ends in NULL where
 * praic may store NULL.
 */
static void
known_column(struct buf *sql, enum table_id t, const struct schema_column *c)
{
	static const char *const fits[] = {
	    [SCHEMA_TEXT] = "|nvarchar|ntext|",
	    [SCHEMA_HASH] = "|nvarchar|",
	    [SCHEMA_INT] = "|bigint|int|smallint|tinyint|decimal|numeric|nvarchar|",
	    [SCHEMA_BOOL] = "|bit|bigint|int|smallint|tinyint|decimal|numeric|nvarchar|",
	    [SCHEMA_TIME] = "|datetime|datetime2|datetimeoffset|nvarchar|",
	};
	int is_key = schema_is_key(t, c->source);
	const char *null = is_key ? " NOT NULL" : schema_is_always_there(t, c) ? "" : " NULL";
	struct buf type = {0};

	column_type(&type, t, c);
	buf_printf(sql, "SELECT N'%s' AS name, N'%s' AS fits, N'%.*s%s' AS want", c->name,
	    is_key ? fits[SCHEMA_HASH] : fits[c->type], (int)strcspn(buf_text(&type), " "), type.p,
	    null);
	buf_free(&type);
}

/* A column's type, as ALTER COLUMN wants it; an ntext can only become this. */
#define TYPE_OF_COLUMN                                                                          \
	"CASE WHEN TYPE_NAME(c.system_type_id) = N'ntext' THEN N'nvarchar(MAX)' ELSE "          \
	"TYPE_NAME(c.system_type_id) + CASE WHEN TYPE_NAME(c.system_type_id) IN (N'decimal', "  \
	"N'numeric') THEN N'(' + CAST(c.precision AS NVARCHAR(3)) + N', ' + CAST(c.scale AS "   \
	"NVARCHAR(3)) + N')' WHEN TYPE_NAME(c.system_type_id) IN (N'time', N'datetime2', "      \
	"N'datetimeoffset') THEN N'(' + CAST(c.scale AS NVARCHAR(3)) + N')' WHEN "              \
	"TYPE_NAME(c.system_type_id) NOT IN (N'nvarchar', N'nchar', N'varchar', N'char', "      \
	"N'varbinary', N'binary') THEN N'' WHEN c.max_length = -1 THEN N'(MAX)' WHEN "          \
	"TYPE_NAME(c.system_type_id) IN (N'nvarchar', N'nchar') THEN N'(' + CAST(c.max_length " \
	"/ 2 AS NVARCHAR(5)) + N')' ELSE N'(' + CAST(c.max_length AS NVARCHAR(5)) + N')' END "  \
	"END"
/* ALTER COLUMN gives a text the database's collation unless it is told another. */
#define MADE_NULLABLE TYPE_OF_COLUMN " + ISNULL(N' COLLATE ' + c.collation_name, N'') + N' NULL'"
#define ALTER_COLUMN  "ALTER TABLE dbo.[~] ALTER COLUMN [' + c.name + N'] "
#define DOES_NOT_FIT                                                           \
	"CHARINDEX(N'|' + TYPE_NAME(c.system_type_id) + N'|', k.fits COLLATE " \
	"DATABASE_DEFAULT) = 0 OR c.max_length = -1 AND k.want LIKE N'% NOT NULL'"

/*
 * Can rows be stored in a table that is there?  The first reason why not is an
 * error that the server raises, with the statement that mends it.  Praic's own
 * columns may be missing: they are added later.  '~' is the table; the list k
 * stands between the first two texts, the columns that praic knows before the
 * third.
 */
static const char check_columns[] =
    "DECLARE @o INT, @s NVARCHAR(2000);\nSET @o = OBJECT_ID(N'dbo.[~]', N'U');\n"
    "SELECT TOP (1) @s = N'[' + c.name COLLATE DATABASE_DEFAULT + CASE WHEN c.is_computed = 1 "
    "THEN N'] is computed, and praic stores its own values there: ALTER TABLE dbo.[~] DROP "
    "COLUMN [' + c.name + N']' WHEN " DOES_NOT_FIT " THEN N'] is ' + " TYPE_OF_COLUMN
    " + N', which does not take what praic stores there: " ALTER_COLUMN "' + k.want ELSE N'] "
    "takes no NULL, which praic stores there: " ALTER_COLUMN "' + " MADE_NULLABLE
    " END FROM sys.columns AS c INNER JOIN (";
static const char check_others[] =
    ") AS k ON c.name = k.name COLLATE DATABASE_DEFAULT WHERE c.object_id = @o AND "
    "(c.is_computed = 1 OR " DOES_NOT_FIT
    " OR c.is_nullable = 0 AND k.want LIKE N'% NULL' AND k.want NOT LIKE N'% NOT "
    "NULL');\n"
    "IF @s IS NULL SELECT TOP (1) @s = N'[' + c.name COLLATE DATABASE_DEFAULT + N'] is none of "
    "praic''s, takes no NULL and has no default: " ALTER_COLUMN "' + " MADE_NULLABLE
    " FROM sys.columns AS c WHERE c.object_id = @o AND c.is_nullable = 0 AND c.is_identity = 0 "
    "AND c.is_computed = 0 AND c.default_object_id = 0 AND TYPE_NAME(c.system_type_id) <> "
    "N'timestamp' AND ISNULL(COLUMNPROPERTY(@o, c.name, N'GeneratedAlwaysType'), 0) = 0 AND "
    "c.name NOT IN (";
static const char check_id[] =
    ");\nIF @s IS NULL AND @o IS NOT NULL AND NOT EXISTS (SELECT * FROM sys.columns AS c WHERE "
    "c.object_id = @o AND c.name = N'id' AND (c.is_identity = 1 OR c.default_object_id <> 0)) "
    "SET @s = N'[id] is not numbered by the server, for it has no IDENTITY and no default: rename "
    "this table and those whose rows belong to it, and praic makes them: EXEC sp_rename "
    "N''dbo.[~]'', N''~_old''';\n"
    "IF @s IS NOT NULL RAISERROR(N'column dbo.[~].%s', 16, 1, @s)";

int
mssql_schema_check(struct link *l)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	struct buf sql = {0};
	const char *between;
	int t, i, n, bad = 0;

	for (t = 0; t < BATCH_TABLES && !bad; t++) {
		buf_reset(&sql);
		schema_text(&sql, check_columns, table_list[t].name);
		n = schema_columns((enum table_id)t, column);
		for (between = "", i = 0; i < n; i++) {
			if (column[i].type == SCHEMA_ID || column[i].type == SCHEMA_LINK)
				continue;
			buf_adds(&sql, between);
			known_column(&sql, (enum table_id)t, &column[i]);
			between = " UNION ALL ";
		}
		schema_text(&sql, check_others, table_list[t].name);
		schema_list(&sql, (enum table_id)t, 0, "N'~'");
		schema_text(&sql, check_id, table_list[t].name);
		bad = link_run(l, "checking tables", buf_text(&sql), NULL, NULL, NULL);
	}
	buf_free(&sql);
	return bad;
}

/* table, column, characters */
static void
keep_room(void *arg, const int64_t *v, int n)
{
	struct mssql_rooms *rooms = arg;
	enum table_id t = (enum table_id)v[0];
	int i = (int)v[1], room = v[2] == LINK_NULL || v[2] > INT32_MAX / 2 ? -1 : (int)v[2];

	if (n != 3 || t >= BATCH_TABLES || i < 0 || i >= table_list[t].columns)
		return;
	/* A key is no longer than in our own schema: an index must take it. */
	if (schema_is_key(t, i) && (room < 0 || room > schema_room(i)))
		room = schema_room(i);
	rooms->room[t][i] = room;
}

int
mssql_schema_rooms(struct link *l, struct mssql_rooms *rooms)
{
	struct buf sql = {0};
	int t, i, bad;

	memset(rooms->room, -1, sizeof(rooms->room));
	buf_adds(&sql,
	    "SELECT k.t, k.n, CAST(c.CHARACTER_MAXIMUM_LENGTH AS BIGINT) FROM "
	    "INFORMATION_SCHEMA.COLUMNS AS c INNER JOIN (SELECT -1 AS t, -1 AS n, N'' AS [table], "
	    "N'' AS name");
	for (t = 0; t < BATCH_TABLES; t++)
		for (i = 0; i < table_list[t].columns; i++)
			if (table_list[t].column[i].type == TABLE_TEXT &&
			    schema_stores((enum table_id)t, i))
				buf_printf(&sql, " UNION ALL SELECT %d, %d, N'%s', N'%s'", t, i,
				    table_list[t].name, table_list[t].column[i].name);
	buf_adds(&sql,
	    ") AS k ON c.TABLE_NAME = k.[table] COLLATE DATABASE_DEFAULT AND c.COLUMN_NAME = "
	    "k.name COLLATE DATABASE_DEFAULT WHERE c.TABLE_SCHEMA = N'dbo'");
	bad = link_run(l, "asking for columns", buf_text(&sql), keep_room, rooms, NULL);
	buf_free(&sql);
	return bad;
}
