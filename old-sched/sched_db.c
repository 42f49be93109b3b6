/* What the scheduler reads and writes: see sched_db.h. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "sched_db.h"

#define FIRST_WAIT   "60" /* seconds; doubled with each failure */
#define LONGEST_WAIT "3600"

const char *const step_name[2] = {"fetch", "store"};

/* DB_NEVER is NULL. */
sqlite3_stmt *
db_prepare(struct settings *s, const char *sql, int n, const int64_t *number)
{
	sqlite3_stmt *stmt = settings_prepare(s, sql);
	int i;

	for (i = 0; stmt != NULL && i < n; i++)
		if (number[i] != DB_NEVER)
			sqlite3_bind_int64(stmt, i + 1, number[i]);
	return stmt;
}

void
db_bind(sqlite3_stmt *stmt, int at, const char *text)
{
	if (stmt != NULL && text != NULL)
		sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

int64_t
db_column_time(sqlite3_stmt *stmt, int at)
{
	return sqlite3_column_type(stmt, at) == SQLITE_NULL ? DB_NEVER :
							      sqlite3_column_int64(stmt, at);
}

static char *
column_text(sqlite3_stmt *stmt, int at)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	return text != NULL ? xstrdup(text) : NULL;
}

int
db_finish(struct settings *s, sqlite3_stmt *stmt, int rc)
{
	int code = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : settings_failed(s, "reading it");

	sqlite3_finalize(stmt);
	return code;
}

/*
 * The plan.
 */

static int
read_schedules(struct settings *s, struct plan *p)
{
	sqlite3_stmt *stmt = settings_prepare(s,
	    "SELECT id, name, created, period, at, last_due "
	    "FROM schedule WHERE enabled ORDER BY id");
	struct schedule *c;
	int rc;

	if (stmt == NULL)
		return EX_SOFTWARE;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		p->schedule = xrealloc(p->schedule, (p->schedules + 1) * sizeof(*c));
		c = &p->schedule[p->schedules++];
		c->id = sqlite3_column_int64(stmt, 0);
		c->name = column_text(stmt, 1);
		c->due.created = sqlite3_column_int64(stmt, 2);
		c->due.period = sqlite3_column_int64(stmt, 3);
		c->due.at = sqlite3_column_type(stmt, 4) == SQLITE_NULL ?
		    DUE_NO_TIME :
		    sqlite3_column_int(stmt, 4);
		c->last_due = db_column_time(stmt, 5);
	}
	return db_finish(s, stmt, rc);
}

static int
read_transfers(struct settings *s, struct plan *p)
{
	sqlite3_stmt *stmt = settings_prepare(s,
	    "SELECT t.id, c.id, c.name, s.name, d.name,"
	    " d.kind, d.command, (SELECT group_concat(kind) FROM transfer_kind k"
	    "  WHERE k.transfer_id = t.id), (SELECT min(coalesce(retry_at, 0))"
	    "  FROM failure f WHERE f.transfer_id = t.id AND f.recovered IS NULL AND code <> 65),"
	    " t.due FROM transfer t JOIN schedule c ON c.id = t.schedule_id AND c.enabled"
	    " JOIN site s ON s.id = t.site_id JOIN destination d ON d.id = t.destination_id"
	    " ORDER BY t.id");
	struct transfer *t;
	const char *kinds;
	size_t n;
	int rc;

	if (stmt == NULL)
		return EX_SOFTWARE;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		p->transfer = xrealloc(p->transfer, (p->transfers + 1) * sizeof(*t));
		t = &p->transfer[p->transfers++];
		memset(t, 0, sizeof(*t));
		t->id = sqlite3_column_int64(stmt, 0);
		t->schedule_id = sqlite3_column_int64(stmt, 1);
		t->schedule = column_text(stmt, 2);
		t->site = column_text(stmt, 3);
		t->destination = column_text(stmt, 4);
		t->destination_kind = settings_kind((const char *)sqlite3_column_text(stmt, 5));
		t->command = column_text(stmt, 6);
		kinds = (const char *)sqlite3_column_text(stmt, 7);
		for (; kinds != NULL && *kinds != '\0'; kinds += n + (kinds[n] == ',')) {
			n = strcspn(kinds, ",");
			if (settings_data(kinds, n) != SETTINGS_DATA)
				t->kinds |= 1u << settings_data(kinds, n);
		}
		t->retry_at = db_column_time(stmt, 8);
		t->due = db_column_time(stmt, 9);
	}
	return db_finish(s, stmt, rc);
}

int
db_plan(struct settings *s, struct plan *p)
{
	int code;

	memset(p, 0, sizeof(*p));
	if ((code = settings_text(s, "spool", &p->spool)) == 0 &&
	    (code = settings_text(s, "log-directory", &p->log_directory)) == 0 &&
	    (code = settings_number(s, "log-days", &p->log_days)) == 0 &&
	    (code = settings_number(s, "history-days", &p->history_days)) == 0 &&
	    (code = settings_number(s, "parallel", &p->parallel)) == 0 &&
	    (code = read_schedules(s, p)) == 0)
		code = read_transfers(s, p);
	if (code == 0 && p->spool == NULL) {
		msg_warn("%s: the setting spool is missing; praic-conf setting spool DIRECTORY",
		    settings_path(s));
		code = EX_CONFIG;
	}
	if (code != 0)
		db_plan_free(p);
	return code;
}

void
db_plan_free(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->schedules; i++)
		free(p->schedule[i].name);
	for (i = 0; i < p->transfers; i++) {
		free(p->transfer[i].schedule);
		free(p->transfer[i].site);
		free(p->transfer[i].destination);
		free(p->transfer[i].command);
	}
	free(p->schedule);
	free(p->transfer);
	free(p->spool);
	free(p->log_directory);
	memset(p, 0, sizeof(*p));
}

int
db_claim(struct settings *s, const struct schedule *c, int64_t now)
{
	int code = settings_run(s,
	    DB_PREPARE(s,
		"UPDATE schedule SET last_due = ?1, last_start = ?1"
		" WHERE id = ?2 AND last_due IS ?3 AND enabled",
		now, c->id, c->last_due),
	    "claiming a run");

	return code != 0 ? -1 : sqlite3_changes(settings_handle(s)) == 1;
}

int
db_due(struct settings *s, int64_t schedule, int64_t now)
{
	return settings_run(s,
	    DB_PREPARE(s, "UPDATE transfer SET due = ?1 WHERE schedule_id = ?2", now, schedule),
	    "noting what is due");
}

int
db_done(struct settings *s, int64_t transfer)
{
	return settings_run(s,
	    DB_PREPARE(s,
		"UPDATE transfer SET due = NULL WHERE id = ?1"
		" AND due IS NOT NULL",
		transfer),
	    "noting what is done");
}

int
db_mend_due(struct settings *s, const struct schedule *c, int64_t last)
{
	return settings_run(s,
	    DB_PREPARE(s,
		"UPDATE schedule SET last_due = ?1"
		" WHERE id = ?2 AND last_due IS ?3",
		last, c->id, c->last_due),
	    "setting a last run right");
}

int
db_ran(struct settings *s, int64_t schedule, int64_t started)
{
	return settings_run(s,
	    DB_PREPARE(s, "UPDATE schedule SET last_run = ?1 WHERE id = ?2", started, schedule),
	    "noting a run");
}

int
db_invoked(struct settings *s, int64_t now, int64_t pid)
{
	return settings_run(s,
	    DB_PREPARE(s,
		"INSERT INTO program (name, last_run, pid)"
		" VALUES ('praic-sched', ?1, ?2) ON CONFLICT (name) DO UPDATE SET"
		" last_run = ?1, pid = coalesce(?2, pid)",
		now, pid == 0 ? DB_NEVER : pid),
	    "noting that it was invoked");
}

int
db_oldest_now(struct settings *s, int64_t now, int64_t *t)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "SELECT min(?1, coalesce(max(mark), ?1))"
	    " FROM transfer_kind",
	    now);
	int rc;

	*t = now;
	if (stmt == NULL)
		return EX_SOFTWARE;
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*t = sqlite3_column_int64(stmt, 0);
	return db_finish(s, stmt, rc);
}

int
db_believe(struct settings *s, int64_t now)
{
	static const char exists[] = "SELECT EXISTS (SELECT 1 FROM failure WHERE since > ?1 OR"
				     " reported > ?1 OR reminded > ?1 OR recovered > ?1 OR"
				     " retry_at > ?1 + " LONGEST_WAIT ")";
	sqlite3_stmt *stmt = DB_PREPARE(s, exists, now);
	int rc, wrong, code;

	if (stmt == NULL)
		return EX_SOFTWARE;
	rc = sqlite3_step(stmt);
	wrong = rc == SQLITE_ROW && sqlite3_column_int(stmt, 0) != 0;
	if ((code = db_finish(s, stmt, rc)) != 0 || !wrong)
		return code;
	/* min() of NULL is NULL. */
	return settings_run(s,
	    DB_PREPARE(s,
		"UPDATE failure SET since = min(since, ?1),"
		" reported = min(reported, ?1), reminded = min(reminded, ?1),"
		" recovered = min(recovered, ?1), retry_at = min(retry_at, ?1)",
		now),
	    "setting times right");
}

int
db_clear_waits(struct settings *s)
{
	return settings_exec(s,
	    "UPDATE failure SET wait = NULL, retry_at = NULL"
	    " WHERE recovered IS NULL");
}

/*
 * Kinds.
 */

int
db_kind(struct settings *s, int64_t transfer, enum settings_data kind, struct kind_state *k)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "SELECT mark, swept, last_number FROM transfer_kind"
	    " WHERE transfer_id = ?1 AND kind = ?2",
	    transfer);
	int rc, code;

	memset(k, 0, sizeof(*k));
	k->mark = k->swept = k->retry_at[0] = k->retry_at[1] = DB_NEVER;
	if (stmt == NULL)
		return EX_SOFTWARE;
	db_bind(stmt, 2, settings_data_name[kind]);
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		k->mark = db_column_time(stmt, 0);
		k->swept = db_column_time(stmt, 1);
		k->last_number = sqlite3_column_int64(stmt, 2);
	}
	if ((code = db_finish(s, stmt, rc)) != 0)
		return code;
	stmt = DB_PREPARE(s,
	    "SELECT step, retry_at, code FROM failure WHERE transfer_id = ?1"
	    " AND kind = ?2 AND recovered IS NULL AND code <> 65",
	    transfer);
	if (stmt == NULL)
		return EX_SOFTWARE;
	db_bind(stmt, 2, settings_data_name[kind]);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int step = strcmp((const char *)sqlite3_column_text(stmt, 0), "store") == 0;

		k->failing[step] = 1;
		k->retry_at[step] = db_column_time(stmt, 1);
		k->code[step] = sqlite3_column_int(stmt, 2);
	}
	return db_finish(s, stmt, rc);
}

int
db_oldest_open(struct settings *s, int64_t transfer, int64_t *start)
{
	sqlite3_stmt *stmt = DB_PREPARE(
	    s, "SELECT min(start_time) FROM open_session WHERE transfer_id = ?1", transfer);
	int rc;

	*start = DB_NEVER;
	if (stmt == NULL)
		return EX_SOFTWARE;
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*start = db_column_time(stmt, 0);
	return db_finish(s, stmt, rc);
}

int
db_mark(struct settings *s, int64_t transfer, unsigned kinds, int64_t mark, int64_t swept,
    int64_t number)
{
	int k, code = 0;

	for (k = 0; k < SETTINGS_DATA && code == 0; k++) {
		sqlite3_stmt *stmt;

		if ((kinds & (1u << k)) == 0)
			continue;
		/* Here it never goes back: db_mark_back. */
		stmt = DB_PREPARE(s,
		    "UPDATE transfer_kind SET"
		    " mark = CASE WHEN ?2 IS NULL THEN mark ELSE max(coalesce(mark, ?2), ?2) END,"
		    " swept = coalesce(?3, swept), last_number = max(last_number, ?4)"
		    " WHERE transfer_id = ?1 AND kind = ?5",
		    transfer, mark, swept, number);
		db_bind(stmt, 5, settings_data_name[k]);
		code = settings_run(s, stmt, "moving a mark");
	}
	return code;
}

int
db_mark_back(struct settings *s, int64_t transfer, unsigned kinds, int64_t mark)
{
	int k, code = 0;

	for (k = 0; k < SETTINGS_DATA && code == 0; k++) {
		sqlite3_stmt *stmt;

		if ((kinds & (1u << k)) == 0)
			continue;
		stmt = DB_PREPARE(s,
		    "UPDATE transfer_kind SET mark = min(mark, ?2), swept = NULL"
		    " WHERE transfer_id = ?1 AND kind = ?3",
		    transfer, mark);
		db_bind(stmt, 3, settings_data_name[k]);
		code = settings_run(s, stmt, "setting a mark back");
	}
	return code;
}

int
db_seen(struct settings *s, int64_t transfer, const char *host, int host_n, const char *lsid,
    int lsid_n, int64_t start, int end)
{
	sqlite3_stmt *stmt = end ?
	    DB_PREPARE(s,
		"DELETE FROM open_session WHERE transfer_id = ?1"
		" AND host_name = ?3 AND lsid = ?4",
		transfer, DB_NEVER) :
	    DB_PREPARE(s,
		"INSERT INTO open_session (transfer_id, start_time, host_name, lsid)"
		" VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET start_time = ?2",
		transfer, start);

	if (stmt != NULL) {
		sqlite3_bind_text(stmt, 3, host, host_n, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 4, lsid, lsid_n, SQLITE_STATIC);
	}
	return settings_run(s, stmt, "noting sessions without an end");
}

int
db_forget_open(struct settings *s, int64_t transfer, int64_t before)
{
	return settings_run(s,
	    DB_PREPARE(s,
		"DELETE FROM open_session WHERE transfer_id = ?1"
		" AND (start_time IS NULL OR start_time < ?2)",
		transfer, before),
	    "forgetting sessions");
}

int
db_backlog(struct settings *s, int64_t transfer, enum settings_data kind, const struct backlog *b)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "UPDATE transfer_kind SET backlog_files = ?2,"
	    " backlog_bytes = ?3, backlog_since = ?4 WHERE transfer_id = ?1 AND kind = ?5",
	    transfer, b->files, b->bytes, b->files > 0 ? b->since : DB_NEVER);

	db_bind(stmt, 5, settings_data_name[kind]);
	return settings_run(s, stmt, "noting a backlog");
}

int
db_stored(struct settings *s, int64_t transfer, enum settings_data kind, int64_t now)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "UPDATE transfer_kind SET last_success = ?2"
	    " WHERE transfer_id = ?1 AND kind = ?3",
	    transfer, now);

	db_bind(stmt, 3, settings_data_name[kind]);
	return settings_run(s, stmt, "noting success");
}

/*
 * Failures.
 */

/* The back-off that there is, where nobody asked. */
#define LASTS "NOT ?9 AND recovered IS NULL AND code <> 65 AND retry_at > ?2"

int
db_failed(struct settings *s, int64_t transfer, enum settings_data kind, enum step step,
    int64_t now, int asked, int code, const struct pipe *p, const char *reason)
{
	const struct stage *blame = p != NULL ? &p->stage[p->blame] : NULL;
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "INSERT INTO failure (transfer_id, since, code, signal,"
	    " kind, step, stage, reason, wait, retry_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
	    "?8, " FIRST_WAIT ", ?2 + " FIRST_WAIT ") ON CONFLICT DO UPDATE SET"
	    " since = CASE WHEN recovered IS NULL AND code <> 65 THEN since ELSE ?2 END,"
	    " times = CASE WHEN recovered IS NULL AND code <> 65 THEN times + 1 ELSE 1 END,"
	    " wait = CASE WHEN " LASTS " THEN wait WHEN recovered IS NULL AND wait IS NOT NULL"
	    "  THEN min(wait * 2, " LONGEST_WAIT ") ELSE " FIRST_WAIT " END,"
	    " retry_at = CASE WHEN " LASTS " THEN retry_at ELSE ?2 +"
	    "  CASE WHEN recovered IS NULL AND wait IS NOT NULL"
	    "  THEN min(wait * 2, " LONGEST_WAIT ") ELSE " FIRST_WAIT " END END,"
	    " code = ?3, signal = ?4, stage = ?7, reason = ?8, recovered = NULL",
	    transfer, now, code, blame != NULL && blame->signal != 0 ? blame->signal : DB_NEVER);

	db_bind(stmt, 5, settings_data_name[kind]);
	db_bind(stmt, 6, step_name[step]);
	db_bind(stmt, 7, blame != NULL ? blame->argv[0] : NULL);
	db_bind(stmt, 8, reason);
	if (stmt != NULL)
		sqlite3_bind_int(stmt, 9, asked);
	return settings_run(s, stmt, "noting a failure");
}

int
db_fine(struct settings *s, int64_t transfer, enum settings_data kind, enum step step, int64_t now)
{
	static const char *const sql[] = {
	    /* Nobody heard of it. */
	    "DELETE FROM failure WHERE transfer_id = ?1 AND kind = ?3 AND step = ?4"
	    " AND reported IS NULL AND code <> 65",
	    "UPDATE failure SET recovered = ?2, retry_at = NULL WHERE transfer_id = ?1"
	    " AND kind = ?3 AND step = ?4 AND recovered IS NULL AND code <> 65",
	};
	size_t i;
	int code = 0;

	for (i = 0; i < 2 && code == 0; i++) {
		sqlite3_stmt *stmt = DB_PREPARE(s, sql[i], transfer, now);

		db_bind(stmt, 3, settings_data_name[kind]);
		db_bind(stmt, 4, step_name[step]);
		code = settings_run(s, stmt, "noting success");
	}
	return code;
}

/*
 * A failure that is over, and not yet mailed as that, takes it along: as if
 * it had ended only now, since a mail may be on its way that does not tell.
 */
int
db_left_out(
    struct settings *s, int64_t transfer, enum settings_data kind, int64_t now, const char *reason)
{
	sqlite3_stmt *stmt = DB_PREPARE(s,
	    "INSERT INTO failure (transfer_id, since, kind, step,"
	    " code, reason) SELECT ?1, ?2, ?3, 'store', 65, ?4 WHERE EXISTS"
	    " (SELECT 1 FROM setting WHERE name = 'notify-server')"
	    " ON CONFLICT DO UPDATE SET times = times + (code = 65), recovered = CASE WHEN"
	    "  code <> 65 THEN ?2 END, reason = CASE WHEN code = 65 THEN reason ELSE"
	    "  coalesce(reason, '') || '; since then something was left out: ' || ?4 END"
	    " WHERE code = 65 OR recovered IS NOT NULL",
	    transfer, now);

	db_bind(stmt, 3, settings_data_name[kind]);
	db_bind(stmt, 4, reason);
	return settings_run(s, stmt, "noting what was left out");
}
