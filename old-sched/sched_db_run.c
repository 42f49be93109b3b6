/* The history of runs, and what it tells: see sched_db.h. */
#include "code.h"
#include "sched_db.h"

int
db_bury(struct settings *s, int64_t transfer)
{
	return settings_run(s,
	    DB_PREPARE(s,
		"UPDATE run SET code = 70,"
		" reason = 'praic-sched was killed' WHERE transfer_id = ?1 AND code IS NULL",
		transfer),
	    "noting a run");
}

static int
note_start(struct settings *s, int64_t transfer, enum settings_data kind, int64_t now)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "UPDATE transfer_kind SET last_start = ?2"
	    " WHERE transfer_id = ?1 AND kind = ?3",
	    transfer, now);

	db_bind(stmt, 3, settings_data_name[kind]);
	return settings_run(s, stmt, "noting a start");
}

int64_t
db_begin_run(struct settings *s, const struct transfer *t, enum settings_data kind, enum step step,
    int64_t now, int64_t since, int64_t until, int sweep)
{
	sqlite3_stmt *stmt;
	int64_t run = -1;

	if (settings_begin(s) != 0)
		return -1;
	stmt = DB_PREPARE(s,
	    "INSERT INTO run (transfer_id, started, since, until,"
	    " sweep, schedule, site, destination, kind, step)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	    t->id, now, since, until, sweep);
	db_bind(stmt, 6, t->schedule);
	db_bind(stmt, 7, t->site);
	db_bind(stmt, 8, t->destination);
	db_bind(stmt, 9, settings_data_name[kind]);
	db_bind(stmt, 10, step_name[step]);
	if (settings_run(s, stmt, "noting a run") == 0) {
		run = sqlite3_last_insert_rowid(settings_handle(s));
		if ((step == STEP_FETCH && note_start(s, t->id, kind, now) != 0) ||
		    settings_commit(s) != 0)
			run = -1;
	}
	settings_rollback(s);
	return run;
}

static int64_t
counted(int64_t n)
{
	return n == -1 ? DB_NEVER : n;
}

int
db_counted(struct settings *s, int64_t transfer, enum settings_data kind, int report,
    int64_t number, struct counts *c)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "SELECT coalesce(sessions, -1), coalesce(rows, -1),"
	    " coalesce(left_out, -1) FROM run WHERE transfer_id = ?1 AND number = ?2"
	    " AND step = 'fetch' AND (since IS NOT NULL) = ?3 AND (?3 OR kind = ?4)"
	    " ORDER BY id DESC LIMIT 1",
	    transfer, number, report);
	int rc;

	if (stmt == NULL)
		return EX_SOFTWARE;
	db_bind(stmt, 4, settings_data_name[kind]);
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		c->sessions = sqlite3_column_int64(stmt, 0);
		c->rows = sqlite3_column_int64(stmt, 1);
		c->left_out = sqlite3_column_int64(stmt, 2);
	}
	return db_finish(s, stmt, rc);
}

static int
end_stage(struct settings *s, int64_t run, const struct stage *g, int number)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "INSERT INTO run_stage (run_id, number, code, signal,"
	    " program, seconds) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	    run, number, g->signal != 0 ? DB_NEVER : g->code,
	    g->signal != 0 ? g->signal : DB_NEVER);

	db_bind(stmt, 5, g->argv[0]);
	if (stmt != NULL)
		sqlite3_bind_double(stmt, 6, g->seconds);
	return settings_run(s, stmt, "noting a run");
}

int
db_end_run(struct settings *s, int64_t run, const struct pipe *p, int code, const char *reason,
    const struct counts *c)
{
	sqlite3_stmt *stmt;
	int i, bad = settings_begin(s);

	if (bad != 0)
		return bad;
	stmt = DB_PREPARE(s,
	    "UPDATE run SET code = ?2, sessions = ?3, rows = ?4, files = ?5,"
	    " bytes = ?6, left_out = ?7, until = coalesce(?8, until), number = ?9,"
	    " since = coalesce(?12, since), reason = ?10, seconds = ?11 WHERE id = ?1",
	    run, code, counted(c->sessions), counted(c->rows), counted(c->files), counted(c->bytes),
	    counted(c->left_out), c->until, c->number);
	db_bind(stmt, 10, reason);
	if (stmt != NULL && p != NULL)
		sqlite3_bind_double(stmt, 11, p->seconds);
	if (stmt != NULL && c->since != DB_NEVER)
		sqlite3_bind_int64(stmt, 12, c->since);
	bad = settings_run(s, stmt, "noting a run");
	for (i = 0; p != NULL && i < p->stages && bad == 0; i++)
		bad = end_stage(s, run, &p->stage[i], i + 1);
	if (bad == 0)
		return settings_commit(s);
	settings_rollback(s);
	return bad;
}

int
db_marked(
    struct settings *s, int64_t transfer, enum settings_data kind, int64_t mark, int64_t *when)
{
	/* It is among the last; and those may be many. */
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "SELECT started FROM (SELECT id, started, until, code"
	    " FROM run WHERE transfer_id = ?1 AND kind = ?3 AND step = 'fetch'"
	    " ORDER BY id DESC LIMIT 1000) WHERE until = ?2 AND code = 0 ORDER BY id DESC LIMIT 1",
	    transfer, mark);
	int rc;

	*when = DB_NEVER;
	if (stmt == NULL)
		return EX_SOFTWARE;
	db_bind(stmt, 3, settings_data_name[kind]);
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*when = db_column_time(stmt, 0);
	return db_finish(s, stmt, rc);
}

int
db_reports_come(struct settings *s, int64_t transfer, enum settings_data kind, int *come)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "SELECT code FROM run WHERE transfer_id = ?1 AND"
	    " kind = ?2 AND step = 'fetch' AND since IS NOT NULL ORDER BY id DESC LIMIT 1",
	    transfer);
	int rc;

	*come = 0;
	if (stmt == NULL)
		return EX_SOFTWARE;
	db_bind(stmt, 2, settings_data_name[kind]);
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*come =
		    sqlite3_column_type(stmt, 0) != SQLITE_NULL && sqlite3_column_int(stmt, 0) == 0;
	return db_finish(s, stmt, rc);
}

int
db_prune(struct settings *s, int64_t before)
{
	return settings_run(
	    s, DB_PREPARE(s, "DELETE FROM run WHERE started < ?1", before), "forgetting history");
}

int
db_is_new(struct settings *s, int64_t transfer, int *is_new)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "SELECT NOT EXISTS (SELECT 1 FROM run WHERE"
	    " transfer_id = ?1) AND NOT EXISTS (SELECT 1 FROM transfer_kind WHERE"
	    " transfer_id = ?1 AND last_number > 0)",
	    transfer);
	int rc;

	*is_new = 0;
	if (stmt == NULL)
		return EX_SOFTWARE;
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*is_new = sqlite3_column_int(stmt, 0);
	return db_finish(s, stmt, rc);
}
