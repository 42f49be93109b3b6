/*
 * A job: its row, its lock, and what is noted when a step has ended.  The
 * rules are those of praic-sched(8), "When".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "run.h"

/* Back-off of a failed job, seconds: an appliance that restarts is back in
 * minutes, and one that is down for days is asked once an hour. */
#define WAIT_MIN 60
#define WAIT_MAX 3600

static char *
column(sqlite3_stmt *stmt, int i)
{
	const char *text = (const char *)sqlite3_column_text(stmt, i);

	return text != NULL ? xstrdup(text) : NULL;
}

int
job_open(struct run *r, const char *step, const char *object, const char *data)
{
	sqlite3_stmt *row = db_ask(r,
	    "SELECT j.id, j.site_id, j.transfer_id, d.id, j.next, j.last, j.position, j.step,"
	    " j.data, j.name, s.name, d.name, d.kind, d.command"
	    " FROM job_view AS j JOIN site AS s ON s.id = j.site_id"
	    " LEFT JOIN transfer AS t ON t.id = j.transfer_id"
	    " LEFT JOIN destination AS d ON d.id = t.destination_id"
	    " WHERE j.step = ?1 AND j.data = ?3"
	    " AND ?2 = CASE WHEN j.step = 'fetch' THEN s.name ELSE j.transfer_id || '' END",
	    "ttt", step, object, data);

	while (db_row(r, row)) {
		r->job = db_column(row, 0);
		r->site = db_column(row, 1);
		r->transfer = db_column(row, 2);
		r->destination = db_column(row, 3);
		r->before = db_column(row, 4);
		r->last = db_column(row, 5);
		r->position = db_column(row, 6);
		r->step = column(row, 7);
		r->data = column(row, 8);
		r->name = column(row, 9);
		r->site_name = column(row, 10);
		r->destination_name = column(row, 11);
		if (r->destination_name != NULL)
			r->kind = settings_kind((const char *)sqlite3_column_text(row, 12));
		r->command = column(row, 13);
	}
	if (r->db_code != 0)
		return r->db_code;
	if (r->job == 0) {
		msg_warn("%s %s %s: there is no such job; praic-conf status shows them", step,
		    object, data);
		return EX_CONFIG;
	}
	return 0;
}

/* 0 and the descriptor, EX_TEMPFAIL if another process has it, or a code. */
static int
take(struct run *r, const char *kind, int64_t id, int *fd)
{
	char *path = xasprintf("%s/lock/%s%lld", r->spool, kind, (long long)id);
	int code = 0;

	/* Not closed on exec: filters hold it when praic-run is killed. */
	*fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0600);
	if (*fd == -1) {
		msg_errno("%s", path);
		code = EX_CANTCREAT;
	} else if (flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		code = errno == EWOULDBLOCK ? EX_TEMPFAIL : EX_IOERR;
		if (code == EX_TEMPFAIL)
			msg_warn("%s: another process is at it", r->name);
		else
			msg_errno("%s", path);
	}
	free(path);
	return code;
}

int
job_lock(struct run *r)
{
	int code = take(r, "", r->job, &r->lock);

	/* A command may not expect to run twice at a time. */
	if (code == 0 && r->kind == SETTINGS_EXEC)
		code = take(r, "destination-", r->destination, &r->command_lock);
	if (code != 0)
		return code;
	/* Another process may have had it until just now. */
	r->before = db_number(r, "SELECT next FROM job WHERE id = ?1", "i", r->job);
	r->last = db_number(r, "SELECT last FROM job WHERE id = ?1", "i", r->job);
	r->position = db_number(r, "SELECT position FROM job WHERE id = ?1", "i", r->job);
	return r->db_code;
}

#define OWED "FROM recording WHERE site_id = ?1 AND state = 'owed'"
#define MET  "f.good >= ifnull(asked, 0)"
#define WELL "code = NULL, program = NULL, reason = NULL, since = NULL, wait = NULL, tries = 0"

/*
 * Jobs of this site that have nothing left to do, whoever did the last of it.
 * Fetching files is over when nothing is owed and reports were fetched after
 * it was asked for; a store, when it has read all of that.  Where a fetch takes
 * longer than the period of its schedule it has always been asked for again:
 * then all is done that there was when the last good fetch began.
 */
static void
settle(struct run *r)
{
	db_do(r,
	    "UPDATE job SET next = max(?2, (SELECT min(ifnull(next, 0)) " OWED "))"
	    " WHERE site_id = ?1 AND step = 'fetch' AND data = 'file' AND code IS NULL"
	    " AND EXISTS (SELECT 1 " OWED ")"
	    " AND (next IS NULL OR next > (SELECT min(ifnull(next, 0)) " OWED "))",
	    "ii", r->site, run_now(r));
	db_do(r,
	    "UPDATE job SET next = iif(" MET ", NULL, next), good_start = f.good,"
	    " last_success = iif(" MET ", ?2, max(ifnull(last_success, 0), f.good)), " WELL
	    " FROM (SELECT good_start AS good FROM job WHERE site_id = ?1 AND step = 'fetch'"
	    "  AND data = 'session') AS f"
	    " WHERE site_id = ?1 AND step = 'fetch' AND data = 'file' AND f.good IS NOT NULL"
	    " AND NOT EXISTS (SELECT 1 " OWED ")",
	    "ii", r->site, run_now(r));
	/* In the second of a fetch's beginning it may be asked for once more. */
	db_do(r,
	    "UPDATE job SET next = ?2 WHERE site_id = ?1 AND step = 'store' AND next IS NULL"
	    " AND asked >= ?3 AND position < (SELECT last FROM job AS f"
	    "  WHERE f.site_id = ?1 AND f.step = 'fetch' AND f.data = job.data)",
	    "iii", r->site, run_now(r), r->started);
	db_do(r,
	    "UPDATE job SET next = iif(" MET ", NULL, next), last_success = iif(" MET ", ?2,"
	    "  iif(id = ?3 OR last_success IS NOT NULL, max(ifnull(last_success, 0), f.good),"
	    "   last_success)), " WELL
	    " FROM (SELECT d.data AS log, d.last AS end, min(s.good_start, d.good_start) AS good"
	    "  FROM job AS s JOIN job AS d ON d.site_id = s.site_id AND d.step = 'fetch'"
	    "  WHERE s.site_id = ?1 AND s.step = 'fetch' AND s.data = 'session') AS f"
	    " WHERE site_id = ?1 AND step = 'store' AND data = f.log AND position >= f.end"
	    " AND f.good IS NOT NULL AND (next IS NOT NULL OR code IS NOT NULL OR id = ?3)",
	    "iii", r->site, run_now(r), r->job);
}

int
job_end(struct run *r)
{
	int64_t now = run_now(r);

	db_begin(r);
	db_do(r,
	    "UPDATE job SET runs = runs + 1, last_start = ?2, sessions = sessions + ?3,"
	    " rows = rows + ?4, files = files + ?5, bytes = bytes + ?6,"
	    " left_out = left_out + ?7 WHERE id = ?1",
	    "iiiiiii", r->job, r->started, r->sessions, r->rows, r->files, r->bytes, r->left_out);
	if (r->failed)
		db_do(r,
		    "UPDATE job SET failures = failures + 1, code = ?2, program = ?3, reason = ?4,"
		    " since = ifnull(since, ?5), tries = tries + 1,"
		    " wait = min(?8, max(?7, 2 * ifnull(wait, 0))),"
		    " next = CASE WHEN next IS ?6"
		    "  THEN ?5 + min(?8, max(?7, 2 * ifnull(wait, 0))) ELSE next END"
		    " WHERE id = ?1",
		    "iittiiii", r->job, (int64_t)r->code, r->program, r->reason, now, r->before,
		    (int64_t)WAIT_MIN, (int64_t)WAIT_MAX);
	else
		db_do(r,
		    "UPDATE job SET " WELL ", next = CASE WHEN next IS NOT ?2 THEN next"
		    "  WHEN step = 'store' THEN ?3 ELSE NULL END,"
		    " good_start = CASE WHEN step = 'fetch' AND data = 'session' THEN ?4"
		    "  ELSE good_start END,"
		    " last_success = CASE WHEN step = 'backup' OR (step = 'fetch'"
		    "  AND data = 'session') THEN ?3 ELSE last_success END WHERE id = ?1",
		    "iiii", r->job, r->before, now, r->started);
	settle(r);
	db_do(r,
	    "INSERT INTO run (job_id, name, started, seconds, code, reason, sessions, rows,"
	    " files, bytes, left_out) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	    "itiiitiiiii", r->job, r->name, r->started, now - r->started, (int64_t)r->code,
	    r->reason, r->sessions, r->rows, r->files, r->bytes, r->left_out);
	return db_commit(r);
}
