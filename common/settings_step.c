/* Notes the result of a step: see settings.h. */
#include "settings.h"

/* Back-off of a failed job in seconds: an appliance that restarts is back in minutes;
 * one that is down for days is asked once an hour. */
#define WAIT "min(3600, max(60, 2 * ifnull(wait, 0)))"

void
settings_end_step(struct settings *s, const struct settings_step *e)
{
	db_do(s,
	    "UPDATE job SET runs = runs + 1, last_start = ?2, sessions = sessions + ?3,"
	    " rows = rows + ?4, files = files + ?5, bytes = bytes + ?6,"
	    " left_out = left_out + ?7 WHERE id = ?1",
	    "iiiiiii", e->job, e->started, e->sessions, e->rows, e->files, e->bytes, e->left_out);
	if (e->failed)
		db_do(s,
		    "UPDATE job SET failures = failures + 1, tries = tries + 1, code = ?2,"
		    " program = ?3, reason = ?4, since = ifnull(since, ?5), wait = " WAIT ","
		    " next = CASE WHEN next IS ?6 THEN ?5 + " WAIT " ELSE next END WHERE id = ?1",
		    "iittii", e->job, (int64_t)e->code, e->program, e->reason, e->now, e->next);
	db_do(s,
	    "INSERT INTO run (job_id, name, started, seconds, code, reason, sessions, rows,"
	    " files, bytes, left_out) SELECT id, name, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
	    " FROM job_view WHERE id = ?1",
	    "iiiitiiiii", e->job, e->started, e->now - e->started, (int64_t)e->code, e->reason,
	    e->sessions, e->rows, e->files, e->bytes, e->left_out);
}
