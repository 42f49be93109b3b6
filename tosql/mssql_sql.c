/*
 * The statements of a load into SQL Server: staged rows to the tables, set by
 * set.  All texts are the same for every batch, so that the server parses
 * and plans them once.
 *
 * A key is in the staging tables once at most.  MERGE is not used: two
 * statements do as well, and have no faults of its own.
 */
#include <stdlib.h>

#include "mssql.h"

#define BYTEWISE " COLLATE Latin1_General_BIN2"
/*
 * By the indexes of the database's tables, also where foreign keys are
 * checked.  SQL Server would rather read the whole of a table to join it with
 * a batch, and the bigger the database, the longer each batch would take.
 */
#define BY_INDEX " OPTION (LOOP JOIN)"
/*
 * The keys of a staged session and a stored one.  They are compared under the
 * collation of the database's columns, so that its index serves, and once more
 * byte by byte: the vendor's tables may fold case.
 */
#define SAME_KEY                                                                     \
	"s.[host_name] = t.[host_name] AND s.[lsid] = t.[lsid] AND s.[host_name] = " \
	"t.[host_name]" BYTEWISE " AND s.[lsid] = t.[lsid]" BYTEWISE

static void
stage_type(struct buf *sql, enum table_id t, int i, const struct mssql_rooms *rooms)
{
	enum table_type type = table_list[t].column[i].type;
	int room = rooms->room[t][i];

	if (type == TABLE_TEXT && !rooms->wide[t][i]) /* and a guard */
		buf_printf(sql, "NVARCHAR(%d)",
		    1 + (room < 0 || room > MSSQL_USUAL_ROOM ? MSSQL_USUAL_ROOM : room));
	else
		buf_adds(sql,
		    type == TABLE_TEXT	   ? "NVARCHAR(MAX)" :
			type == TABLE_TIME ? "NVARCHAR(19)" :
					     "BIGINT");
}

/*
 * All but the key nullable and without index: what bulk copy is best at.  The
 * key's columns are like those that they are compared with, collation included.
 */
static void
make_stage(struct buf *sql, enum table_id t, const struct mssql_rooms *rooms)
{
	const struct table *table = &table_list[t];
	int i;

	buf_printf(sql, "IF OBJECT_ID(N'tempdb..#praic_%s') IS NOT NULL DROP TABLE #praic_%s;\n",
	    table->name, table->name);
	buf_adds(sql, "SELECT TOP (0) CAST(NULL AS INT) AS ord, CAST(NULL AS BIGINT) AS n");
	for (i = 0; i < table->columns; i++) {
		if (!schema_stores(t, i))
			continue;
		if (t == TABLE_SESSION && (i == SESSION_HOST_NAME || i == SESSION_LSID)) {
			buf_printf(sql, ", [%s]", table->column[i].name);
			continue;
		}
		buf_adds(sql, ", CAST(NULL AS ");
		stage_type(sql, t, i, rooms);
		buf_printf(sql, ") AS [%s]", table->column[i].name);
	}
	buf_adds(sql, ", CAST(NULL AS INT) AS guarded");
	if (t == TABLE_SESSION)
		buf_adds(sql,
		    ", CAST(NULL AS NVARCHAR(64))" BYTEWISE " AS [content_hash], CAST(NULL AS "
		    "BIGINT) AS events, CAST(NULL AS INT) AS unchanged");
	buf_printf(sql, " INTO #praic_%s FROM dbo.[%s];\n", table->name, table->name);
}

/* What a column is in terms of the staged row t. */
static void
staged(struct buf *sql, enum table_id t, const struct schema_column *c)
{
	if (c->type == SCHEMA_TIME)
		buf_printf(sql, "CONVERT(DATETIME2(0), t.[%s], 126)", c->name);
	else if (c->type != SCHEMA_TEXT || schema_is_key(t, c->source))
		buf_printf(sql, "t.[%s]", c->name);
	else
		buf_printf(sql,
		    "CASE WHEN t.guarded & %d <> 0 THEN LEFT(t.[%s], LEN(t.[%s]) - 1) "
		    "ELSE t.[%s] END",
		    MSSQL_GUARDED(c->source), c->name, c->name, c->name);
}

/*
 * Rows of a table, with their links.  The order decides the ids: consumers
 * of the vendor's tables have nothing else to sort by.
 */
static void
insert(struct buf *sql, enum table_id t)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	int n = schema_columns(t, column), i;

	buf_printf(sql, "INSERT INTO dbo.[%s] (", table_list[t].name);
	schema_list(sql, t, 1, "[~]");
	buf_adds(sql, ") SELECT ");
	for (i = 1; i < n; i++) {
		buf_adds(sql, i > 1 ? ", " : "");
		if (column[i].type == SCHEMA_LINK)
			buf_adds(sql, schema_parent(t) == TABLE_SESSION ? "o.id" : "e.id");
		else
			staged(sql, t, &column[i]);
	}
	buf_printf(sql, " FROM #praic_%s AS t INNER JOIN #praic_todo AS o ON o.ord = t.ord",
	    table_list[t].name);
	if (t != TABLE_SESSION && schema_parent(t) == TABLE_SESSION_EVENT)
		buf_adds(sql,
		    " INNER JOIN dbo.[session_event] AS e ON e.[session_id] = o.id "
		    "AND e.[seq] = t.[event_seq]");
	if (t == TABLE_SESSION)
		buf_printf(sql, " WHERE o.fate = %d", FATE_NEW);
	else
		buf_printf(sql, " WHERE o.fate IN (%d, %d)", FATE_NEW, FATE_REPLACED);
	buf_adds(sql, " ORDER BY t.n" BY_INDEX);
}

static void
update(struct buf *sql)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	int n = schema_columns(TABLE_SESSION, column), i;
	const char *comma = "";

	buf_adds(sql, "UPDATE s SET ");
	for (i = 1; i < n; i++) {
		if (schema_is_key(TABLE_SESSION, column[i].source))
			continue;
		buf_printf(sql, "%s[%s] = ", comma, column[i].name);
		staged(sql, TABLE_SESSION, &column[i]);
		comma = ", ";
	}
	buf_printf(sql,
	    " FROM dbo.[session] AS s INNER JOIN #praic_todo AS o ON o.id = s.id "
	    "INNER JOIN #praic_session AS t ON t.ord = o.ord WHERE o.fate = %d" BY_INDEX,
	    FATE_REPLACED);
}

/* The rule of praic-tosql(1); what has the same content is not asked about. */
static void
decide(struct buf *sql, int force)
{
	buf_printf(sql,
	    "INSERT INTO #praic_todo (ord, id, fate) SELECT t.ord, s.id, "
	    "CASE WHEN s.id IS NULL THEN %d WHEN s.[content_hash] = t.[content_hash] THEN %d ",
	    FATE_NEW, FATE_UNCHANGED);
	if (!force)
		buf_printf(sql,
		    "WHEN t.[end_time] IS NOT NULL AND s.[end_time] IS NULL THEN %d "
		    "WHEN t.[end_time] IS NULL AND s.[end_time] IS NOT NULL THEN %d "
		    "WHEN t.events < (SELECT COUNT(*) FROM dbo.[session_event] AS e "
		    "WHERE e.[session_id] = s.id) THEN %d ",
		    FATE_REPLACED, FATE_OLDER, FATE_OLDER);
	/* The locks keep the keys that are not there from coming, too. */
	buf_printf(sql,
	    "ELSE %d END FROM #praic_session AS t LEFT OUTER JOIN dbo.[session] AS s "
	    "WITH (UPDLOCK, HOLDLOCK) ON " SAME_KEY " WHERE t.unchanged IS NULL" BY_INDEX,
	    FATE_REPLACED);
}

static void
put(struct mssql_sql *s, int which, const char *what, struct buf *sql)
{
	s->text[which] = xstrdup(buf_text(sql));
	s->what[which] = what;
	buf_reset(sql);
}

static void
put_table(struct mssql_sql *s, enum table_id t, struct buf *sql)
{
	static const char *const deleting[BATCH_TABLES] = {NULL, "removing users", "removing teams",
	    "removing customers", "removing attributes", "removing events", "removing event data",
	    "removing system information", "removing recordings"};
	static const char *const inserting[BATCH_TABLES] = {"inserting sessions", "inserting users",
	    "inserting teams", "inserting customers", "inserting attributes", "inserting events",
	    "inserting event data", "inserting system information", "inserting recordings"};

	if (t != TABLE_SESSION) {
		buf_printf(sql, "DELETE d FROM dbo.[%s] AS d ", table_list[t].name);
		buf_adds(sql,
		    schema_parent(t) == TABLE_SESSION ?
			"INNER JOIN #praic_todo AS o ON o.id = d.[session_id]" :
			"INNER JOIN dbo.[session_event] AS e ON e.[id] = d.[session_event_id] "
			"INNER JOIN #praic_todo AS o ON o.id = e.[session_id]");
		buf_printf(sql, " WHERE o.fate = %d" BY_INDEX, FATE_REPLACED);
		put(s, MSSQL_DELETE + (int)t, deleting[t], sql);
	}
	insert(sql, t);
	put(s, t == TABLE_SESSION ? MSSQL_INSERT_SESSIONS : MSSQL_INSERT + (int)t, inserting[t],
	    sql);
}

void
mssql_sql_make(struct mssql_sql *s, int lock_timeout, int force)
{
	struct buf sql = {0};
	int t;

	memset(s, 0, sizeof(*s));
	for (t = 0; t < BATCH_TABLES; t++)
		buf_printf(&sql, "TRUNCATE TABLE #praic_%s;\n", table_list[t].name);
	buf_adds(&sql, "TRUNCATE TABLE #praic_todo");
	put(s, MSSQL_CLEAR, "emptying staging tables", &sql);
	buf_adds(&sql,
	    "UPDATE t SET unchanged = 1 FROM #praic_session AS t INNER JOIN "
	    "dbo.[session] AS s ON " SAME_KEY
	    " WHERE s.[content_hash] = t.[content_hash]" BY_INDEX);
	put(s, MSSQL_MARK_UNCHANGED, "looking for what is unchanged", &sql);
	buf_adds(&sql, "SELECT ord FROM #praic_session WHERE unchanged = 1");
	put(s, MSSQL_UNCHANGED, "looking for what is unchanged", &sql);
	buf_printf(&sql,
	    "DECLARE @r INT; EXEC @r = sp_getapplock @Resource = N'praic', "
	    "@LockMode = N'Exclusive', @LockOwner = N'Transaction', @LockTimeout = %d; SELECT @r",
	    lock_timeout * 1000);
	put(s, MSSQL_LOCK, "waiting for other loaders", &sql);
	decide(&sql, force);
	put(s, MSSQL_DECIDE, "looking for older copies", &sql);
	buf_adds(&sql, "SELECT ord, fate FROM #praic_todo");
	put(s, MSSQL_DECIDED, "looking for older copies", &sql);
	update(&sql);
	put(s, MSSQL_UPDATE, "replacing sessions", &sql);
	buf_printf(&sql,
	    "UPDATE o SET id = s.id FROM #praic_todo AS o INNER JOIN #praic_session "
	    "AS t ON t.ord = o.ord INNER JOIN dbo.[session] AS s ON " SAME_KEY
	    " WHERE o.fate = %d" BY_INDEX,
	    FATE_NEW);
	put(s, MSSQL_FIND_SESSIONS, "looking for new sessions", &sql);
	for (t = 0; t < BATCH_TABLES; t++)
		put_table(s, (enum table_id)t, &sql);
	buf_free(&sql);
}

void
mssql_sql_stage(struct mssql_sql *s, const struct mssql_rooms *rooms)
{
	struct buf sql = {0};
	int t;

	for (t = 0; t < BATCH_TABLES; t++)
		make_stage(&sql, (enum table_id)t, rooms);
	buf_adds(&sql,
	    "IF OBJECT_ID(N'tempdb..#praic_todo') IS NOT NULL DROP TABLE #praic_todo;\n"
	    "CREATE TABLE #praic_todo (ord INT NOT NULL PRIMARY KEY, id BIGINT NULL, "
	    "fate INT NOT NULL)");
	free(s->text[MSSQL_STAGE]);
	put(s, MSSQL_STAGE, "making staging tables", &sql);
	buf_free(&sql);
}

void
mssql_sql_free(struct mssql_sql *s)
{
	int i;

	for (i = 0; i < MSSQL_STATEMENTS; i++)
		free(s->text[i]);
	memset(s, 0, sizeof(*s));
}
