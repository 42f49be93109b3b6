/*
 * Which jobs are due: see scheduler.h.  All of it is in the settings database;
 * the rules are those of praic-sched(8), "When".
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "due.h"
#include "logfile.h"
#include "msg.h"
#include "scheduler.h"

/* Back-offs of a job end within an hour, those of a refused recording within a
 * day.  A time further ahead was set by a clock that was wrong: it is due. */
#define LONGEST_WAIT	   "3600"
#define LONGEST_REFUSE	   "86400"
#define DUE(next, longest) "(" next " <= ?1 OR " next " > ?1 + " longest ")"
#define DUE_JOB                                                                   \
	"(" DUE("ifnull(j.next, j.sweep_next)",                                   \
	    "CASE WHEN j.step = 'fetch' AND j.data = 'file' THEN " LONGEST_REFUSE \
	    " ELSE " LONGEST_WAIT " END") ")"

/* The jobs of schedule ?2, and the fetch jobs that its transfers read of. */
#define OF_SCHEDULE                                                          \
	"(j.transfer_id IN (SELECT id FROM transfer WHERE schedule_id = ?2)" \
	" OR (j.step = 'fetch' AND EXISTS (SELECT 1 FROM reading AS r"       \
	" WHERE r.schedule_id = ?2 AND r.site_id = j.site_id"                \
	" AND (r.data = j.data OR (j.data = 'session' AND r.data = 'file')))))"

/* Nobody asks for history that is older. */
#define HISTORY_DAYS 400

sqlite3_stmt *
job_query(struct settings *s, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *stmt = settings_prepare(s, sql);

	if (stmt == NULL)
		return NULL;
	sqlite3_bind_int64(stmt, 1, a);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_int64(stmt, 2, b);
	return stmt;
}

static int64_t
number(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt, column) == SQLITE_NULL ?
	    NEVER :
	    sqlite3_column_int64(stmt, column);
}

/*
 * Marking.
 */

static int
mark(struct settings *s, int64_t schedule, int64_t now, int end_wait)
{
	return settings_run(s,
	    job_query(s,
		end_wait ? "UPDATE job AS j SET next = ?1, asked = ?1 WHERE " OF_SCHEDULE :
			   "UPDATE job AS j SET asked = ?1,"
			   " next = CASE WHEN j.next IS NULL OR " DUE_JOB " THEN ?1 ELSE j.next END"
			   " WHERE " OF_SCHEDULE,
		now, schedule),
	    "marking what is due");
}

static int
set_last(struct settings *s, int64_t schedule, int64_t last)
{
	return settings_run(s,
	    job_query(s, "UPDATE schedule SET last_due = ?1 WHERE id = ?2", last, schedule),
	    "noting when a schedule was due");
}

/* A schedule that is due, or whose last run lies in the future. */
static int
mark_due(struct settings *s, sqlite3_stmt *row, const struct due *due, int64_t last, int64_t now)
{
	const char *name = (const char *)sqlite3_column_text(row, 1);
	int64_t id = sqlite3_column_int64(row, 0), believed = due_last(due, last, now), missed;
	int code;

	if (believed != last)
		report_say(
		    "%s: its last run lies in the future: the clock was wrong then, or is now",
		    name);
	if (due_next(due, last, now) > now)
		return set_last(s, id, believed);
	missed = due_count(due, believed, now) - 1;
	if ((code = mark(s, id, now, 0)) != 0 || (code = set_last(s, id, now)) != 0)
		return code;
	if (missed > 0)
		report_say("%s: due; this run also makes up for %lld that were missed", name,
		    (long long)missed);
	else
		report_say("%s: due", name);
	return 0;
}

/* Goes through the enabled schedules, and marks what is due with act.  *any: is
 * there anything to be marked? */
static int
schedules(struct settings *s, int64_t now, int act, int *any, int64_t *wake)
{
	sqlite3_stmt *row = job_query(s,
	    "SELECT id, name, created, period, at, last_due FROM schedule WHERE enabled = ?1", 1,
	    0);
	int rc = SQLITE_DONE, code = row == NULL ? EX_SOFTWARE : 0;

	*any = 0;
	while (code == 0 && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct due due = {.created = sqlite3_column_int64(row, 2),
		    .period = sqlite3_column_int64(row, 3),
		    .at = number(row, 4) == NEVER ? DUE_NO_TIME : sqlite3_column_int(row, 4)};
		int64_t last = number(row, 5), next = due_next(&due, last, now);

		if (next > now && next < *wake)
			*wake = next;
		if (next > now && due_last(&due, last, now) == last)
			continue;
		*any = 1;
		if (act)
			code = mark_due(s, row, &due, last, now);
	}
	if (code == 0 && rc != SQLITE_DONE)
		code = settings_failed(s, "reading schedules");
	sqlite3_finalize(row);
	return code;
}

int
job_mark_due(struct settings *s, int64_t now, int64_t *wake)
{
	int any, code = schedules(s, now, 0, &any, wake);

	/* Most passes find nothing due, and then write nothing. */
	if (code != 0 || !any)
		return code;
	if ((code = settings_begin(s)) == 0 && (code = schedules(s, now, 1, &any, wake)) == 0)
		code = settings_commit(s);
	settings_rollback(s);
	return code;
}

int
job_mark_schedule(struct settings *s, int64_t schedule, int64_t now)
{
	return mark(s, schedule, now, 1);
}

int
job_end_waits(struct settings *s)
{
	int code = settings_begin(s);

	if (code == 0)
		code = settings_run(s,
		    job_query(s,
			"UPDATE job SET next = min(next, ?1), sweep_next = min(sweep_next, ?1)",
			sched_now(), 0),
		    "ending back-offs");
	if (code == 0)
		code = settings_exec(s, "UPDATE recording SET next = NULL WHERE state = 'owed'");
	if (code == 0)
		code = settings_commit(s);
	settings_rollback(s);
	return code;
}

/*
 * What can be done.
 */

/*
 * Recordings wait for the reports that are due, but only until some came after they were
 * asked for: where a fetch takes longer than the period of its schedule, it is always
 * due.  For the same reason the job that began longest ago goes first.
 */
sqlite3_stmt *
job_ready(struct settings *s, int64_t now, int64_t schedule)
{
	return job_query(s,
	    "SELECT j.id, j.site_id, ifnull(d.id, 0), j.next, j.runs, j.step,"
	    " ifnull(j.transfer_id, site.name), nullif(j.data, 'backup'),"
	    " j.name || ifnull(' (' || site.name || ' to ' || any.name || ')', '')"
	    " FROM job_view AS j JOIN site ON site.id = j.site_id"
	    " LEFT JOIN transfer AS t ON t.id = j.transfer_id"
	    " LEFT JOIN destination AS any ON any.id = t.destination_id"
	    " LEFT JOIN destination AS d ON d.id = any.id AND d.kind = 'exec'"
	    " WHERE " DUE_JOB " AND j.enabled AND (?2 = 0 OR " OF_SCHEDULE ")"
	    " AND CASE WHEN j.step = 'store' THEN j.backlog > 0"
	    " WHEN j.step = 'fetch' AND j.data = 'file' THEN"
	    "  EXISTS (SELECT 1 FROM recording AS r WHERE r.site_id = j.site_id"
	    "   AND r.state = 'owed' AND " DUE("ifnull(r.next, 0)",
		LONGEST_REFUSE) ")"
				"  AND NOT EXISTS (SELECT 1 FROM job AS j WHERE j.site_id = site.id"
				"   AND j.step = 'fetch' AND j.data = 'session' AND " DUE_JOB
				"   AND ifnull(j.last_success, 0) < (SELECT ifnull(f.asked, 0)"
				"    FROM job AS f WHERE f.site_id = site.id AND f.step = 'fetch'"
				"    AND f.data = 'file'))"
				" ELSE 1 END"
				" ORDER BY min(ifnull(j.next, ?1), ?1), j.last_start, j.id",
	    now, schedule);
}

int
job_step(struct settings *s, sqlite3_stmt *row, struct job *j)
{
	int rc = sqlite3_step(row);

	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 0 : (settings_failed(s, "reading what is due"), -1);
	j->id = sqlite3_column_int64(row, 0);
	j->site = sqlite3_column_int64(row, 1);
	j->exec = sqlite3_column_int64(row, 2);
	j->next = number(row, 3);
	j->runs = sqlite3_column_int64(row, 4);
	j->step = (char *)sqlite3_column_text(row, 5);
	j->object = (char *)sqlite3_column_text(row, 6);
	j->data = (char *)sqlite3_column_text(row, 7);
	j->label = (char *)sqlite3_column_text(row, 8);
	return 1;
}

int64_t
job_wake(struct settings *s, int64_t now)
{
	sqlite3_stmt *row = job_query(s,
	    "SELECT min(ifnull(next, sweep_next)) FROM job WHERE ifnull(next, sweep_next) > ?1",
	    now, 0);
	int64_t wake = NEVER;

	if (row != NULL && sqlite3_step(row) == SQLITE_ROW)
		wake = number(row, 0);
	sqlite3_finalize(row);
	return wake == NEVER ? INT64_MAX : wake;
}

int
job_noted(struct settings *s, const struct job *j)
{
	sqlite3_stmt *row =
	    job_query(s, "SELECT 1 FROM job WHERE id = ?1 AND runs = ?2", j->id, j->runs);
	int rc = row != NULL ? sqlite3_step(row) : SQLITE_ERROR;

	if (row != NULL && rc != SQLITE_ROW && rc != SQLITE_DONE)
		settings_failed(s, "reading a job");
	sqlite3_finalize(row);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? 1 : -1;
}

int
job_note(struct settings *s, const struct job *j, int code, const char *reason, int64_t started)
{
	sqlite3_stmt *row;
	int64_t now = sched_now();
	int bad = settings_begin(s);

	if (bad != 0)
		return -1;
	row = settings_prepare(s,
	    "UPDATE job SET runs = runs + 1, failures = failures + 1, tries = tries + 1,"
	    " wait = max(60, min(3600, ifnull(2 * wait, 0))), code = ?4, program = 'praic-run',"
	    " reason = ?5, since = ifnull(since, ?2), last_start = ?6,"
	    " next = CASE WHEN next IS ?7 THEN ?2 + max(60, min(3600, ifnull(2 * wait, 0)))"
	    " ELSE next END"
	    " WHERE id = ?1 AND runs = ?3");
	if (row != NULL) {
		sqlite3_bind_int64(row, 1, j->id);
		sqlite3_bind_int64(row, 2, now);
		sqlite3_bind_int64(row, 3, j->runs);
		sqlite3_bind_int(row, 4, code);
		sqlite3_bind_text(row, 5, reason, -1, SQLITE_STATIC);
		sqlite3_bind_int64(row, 6, started);
		if (j->next != NEVER)
			sqlite3_bind_int64(row, 7, j->next);
	}
	bad = settings_run(s, row, "noting a failure");
	row = bad != 0 ? NULL :
			 settings_prepare(s,
			     "INSERT INTO run (job_id, name, started, seconds, code, reason)"
			     " SELECT id, name, ?2, ?3, ?4, ?5 FROM job_view WHERE id = ?1");
	if (row != NULL) {
		sqlite3_bind_int64(row, 1, j->id);
		sqlite3_bind_int64(row, 2, started);
		sqlite3_bind_int64(row, 3, now - started);
		sqlite3_bind_int(row, 4, code);
		sqlite3_bind_text(row, 5, reason, -1, SQLITE_STATIC);
		bad = settings_run(s, row, "noting a failure");
	}
	if (bad == 0)
		bad = settings_commit(s);
	settings_rollback(s);
	return bad != 0 ? -1 : 0;
}

/*
 * What is too old.
 */

static void
prune_logs(const char *directory, int64_t before)
{
	DIR *d = opendir(directory);
	struct dirent *e;
	int64_t day;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		day = logfile_day(e->d_name, NULL);
		if (day != -1 && day < before && unlinkat(dirfd(d), e->d_name, 0) == -1 &&
		    errno != ENOENT)
			msg_errno("%s/%s", directory, e->d_name);
	}
	closedir(d);
}

void
job_prune(struct settings *s, const char *log_directory, int64_t now)
{
	sqlite3_stmt *row = job_query(s,
	    "SELECT min(?1, ifnull((SELECT max(mark) + 86400 FROM job), ?1)),"
	    " (SELECT min(started) FROM run)",
	    now, 0);
	int64_t days, oldest = NEVER;

	/* A clock that is ahead must not remove everything: the appliance's
	 * clock, as of the last fetch, is asked as well. */
	if (row != NULL && sqlite3_step(row) == SQLITE_ROW) {
		now = number(row, 0);
		oldest = number(row, 1);
	}
	sqlite3_finalize(row);
	if (oldest != NEVER && oldest < now - HISTORY_DAYS * 86400)
		(void)settings_run(s,
		    job_query(
			s, "DELETE FROM run WHERE started < ?1", now - HISTORY_DAYS * 86400, 0),
		    "removing old history");
	if (log_directory != NULL && settings_number(s, "log-days", &days) == 0 && days > 0)
		prune_logs(log_directory, now - (days + 1) * 86400);
}
