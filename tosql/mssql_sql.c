/*
 * The statements of a load into SQL Server: staged rows to the tables, set by
 * set.  All texts are the same for every batch, so that the server parses
 * and plans them once.
 *
 * A key is in the staging tables once at most.  MERGE is not used: two
 * statements do as well, and have no faults of its own.
 */
#include "mssql.h"

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
		    "BIGINT) AS events");
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
	    "WITH (UPDLOCK, HOLDLOCK) ON " SAME_KEY BY_INDEX,
	    FATE_REPLACED);
}

static void delete (struct buf *sql, enum table_id t)
{
	buf_printf(sql, "DELETE d FROM dbo.[%s] AS d ", table_list[t].name);
	buf_adds(sql,
	    schema_parent(t) == TABLE_SESSION ?
		"INNER JOIN #praic_todo AS o ON o.id = d.[session_id]" :
		"INNER JOIN dbo.[session_event] AS e ON e.[id] = d.[session_event_id] "
		"INNER JOIN #praic_todo AS o ON o.id = e.[session_id]");
	buf_printf(sql, " WHERE o.fate = %d" BY_INDEX, FATE_REPLACED);
}

static void
stage(struct buf *sql, const struct mssql_rooms *rooms)
{
	int t;

	for (t = 0; t < BATCH_TABLES; t++)
		make_stage(sql, (enum table_id)t, rooms);
	buf_adds(sql,
	    "IF OBJECT_ID(N'tempdb..#praic_todo') IS NOT NULL DROP TABLE #praic_todo;\n"
	    "CREATE TABLE #praic_todo (ord INT NOT NULL PRIMARY KEY, id BIGINT NULL, "
	    "fate INT NOT NULL)");
}

const char *
mssql_sql(struct buf *sql, enum mssql_statement statement, enum table_id table,
    const struct mssql_rooms *rooms, const struct db_options *o)
{
	int t;

	switch (statement) {
	case MSSQL_STAGE:
		stage(sql, rooms);
		return "making staging tables";
	case MSSQL_CLEAR:
		for (t = 0; t < BATCH_TABLES; t++)
			buf_printf(sql, "TRUNCATE TABLE #praic_%s;\n", table_list[t].name);
		buf_adds(sql, "TRUNCATE TABLE #praic_todo");
		return "emptying staging tables";
	case MSSQL_LOCK:
		buf_printf(sql,
		    "DECLARE @r INT; EXEC @r = sp_getapplock @Resource = N'praic', @LockMode = "
		    "N'Exclusive', @LockOwner = N'Transaction', @LockTimeout = %d; SELECT @r",
		    o->timeout * 1000);
		return "waiting for other loaders";
	case MSSQL_UNCHANGED:
		buf_adds(sql,
		    "DELETE t OUTPUT deleted.ord FROM #praic_session AS t INNER JOIN "
		    "dbo.[session] AS s ON " SAME_KEY
		    " WHERE s.[content_hash] = t.[content_hash]" BY_INDEX);
		return "looking for what is unchanged";
	case MSSQL_DECIDE:
		decide(sql, o->force);
		return "looking for older copies";
	case MSSQL_DECIDED:
		buf_adds(sql, "SELECT ord, fate FROM #praic_todo");
		return "looking for older copies";
	case MSSQL_UPDATE:
		update(sql);
		return "replacing sessions";
	case MSSQL_FIND_SESSIONS:
		buf_printf(sql,
		    "UPDATE o SET id = s.id FROM #praic_todo AS o INNER JOIN #praic_session "
		    "AS t ON t.ord = o.ord INNER JOIN dbo.[session] AS s ON " SAME_KEY
		    " WHERE o.fate = %d" BY_INDEX,
		    FATE_NEW);
		return "looking for new sessions";
	case MSSQL_DELETE:
		delete (sql, table);
		return "removing rows";
	case MSSQL_INSERT:
		break;
	}
	insert(sql, table);
	return "inserting rows";
}
