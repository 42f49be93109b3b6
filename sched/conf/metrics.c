/*
 * praic-conf metrics: what a monitoring system wants to know, as Prometheus
 * text (exposition format 0.0.4), from the rows of job alone: what it costs
 * does not grow with the history.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "conf.h"
#include "file.h"
#include "msg.h"

#define METRICS 20

/*
 * A query gives a metric's labels in its first columns, by their names, and
 * then one column for each metric of the group.  NULL: there is no sample.
 */
struct group {
	const char *sql;
	int labels;
	struct metric {
		const char *name, *help; /* ..._total: a counter */
	} metric[METRICS];
};

/* ?1 is now. */
static const struct group groups[] = {
    {"SELECT name AS schedule, enabled, period, last_due FROM schedule ORDER BY name", 1,
	{{"praic_schedule_enabled", "Is the schedule enabled?"},
	    {"praic_schedule_period_seconds", "From one run to the next."},
	    {"praic_schedule_last_due_timestamp_seconds", "When the schedule was due last."}}},
    {"SELECT v.name AS job, s.name AS site, ifnull(d.name, '') AS destination, ifnull(c.name, '') "
     "AS "
     "schedule, v.enabled, v.runs, v.failures, v.sessions, v.rows, v.files, v.bytes, v.left_out, "
     "v.code IS NOT NULL, v.tries, ifnull(?1 - v.since, 0), v.mark, l.left, v.last_start, "
     "v.last_success, v.backlog, v.next FROM job_view v JOIN site s ON s.id = v.site_id LEFT JOIN "
     "job_left l ON l.job_id = v.id LEFT JOIN transfer t ON t.id = v.transfer_id LEFT JOIN "
     "destination d ON d.id = t.destination_id LEFT JOIN schedule c ON c.id = t.schedule_id "
     "ORDER BY v.id",
	4,
	{{"praic_job_enabled", "Does an enabled schedule want it?"},
	    {"praic_runs_total", "Steps that ended."},
	    {"praic_failures_total", "Steps that failed."},
	    {"praic_sessions_total", "Sessions fetched or stored."},
	    {"praic_rows_total", "Rows fetched or stored."},
	    {"praic_files_total", "Files fetched or stored."},
	    {"praic_bytes_total", "Bytes fetched or stored."},
	    {"praic_left_out_total", "Sessions and recordings left out as bad."},
	    {"praic_failing", "Does it fail now?"}, {"praic_tries", "Failures in a row."},
	    {"praic_failing_seconds", "For how long it fails."},
	    {"praic_mark_timestamp_seconds", "All that changed before is fetched."},
	    {"praic_retention_left_seconds",
		"Until the appliance forgets the oldest data not yet fetched."},
	    {"praic_last_start_timestamp_seconds", "When a step last began."},
	    {"praic_last_success_timestamp_seconds", "When all was last done."},
	    {"praic_backlog", "Files of the log to store; recordings to fetch."},
	    {"praic_next_timestamp_seconds", "When it is to be done."}}},
    {"SELECT s.name AS site, (SELECT total(bytes) FROM log WHERE site_id = s.id), (SELECT count(*) "
     "FROM recording WHERE site_id = s.id AND state = 'lost' AND acked IS NULL), (SELECT count(*) "
     "FROM left_out WHERE site_id = s.id AND acked IS NULL) FROM site s ORDER BY s.name",
	1,
	{{"praic_log_bytes", "What waits in the spool for some transfer."},
	    {"praic_lost_recordings", "Recordings lost and not acknowledged."},
	    {"praic_left_out", "Left out or lost, and not acknowledged."}}},
};

/* A label's value: backslash, quote and line feed are escaped. */
static void
add_value(struct buf *out, const char *p)
{
	for (; *p != '\0'; p++)
		if (*p == '\n')
			buf_adds(out, "\\n");
		else {
			if (*p == '\\' || *p == '"')
				buf_addc(out, '\\');
			buf_addc(out, *p);
		}
}

static void
add_sample(struct buf *out, sqlite3_stmt *stmt, const struct group *g, int m)
{
	int i;

	if (sqlite3_column_type(stmt, g->labels + m) == SQLITE_NULL)
		return;
	buf_printf(out, "%s{", g->metric[m].name);
	for (i = 0; i < g->labels; i++) {
		buf_printf(out, "%s%s=\"", i > 0 ? "," : "", sqlite3_column_name(stmt, i));
		add_value(out, (const char *)sqlite3_column_text(stmt, i));
		buf_addc(out, '"');
	}
	buf_printf(out, "} %lld\n", (long long)sqlite3_column_int64(stmt, g->labels + m));
}

/* The samples of a metric stand together: a buffer for each. */
static int
add_group(struct conf *c, struct buf *out, const struct group *g, int64_t now)
{
	struct buf samples[METRICS] = {{0}};
	sqlite3_stmt *stmt = settings_prepare(c->s, g->sql);
	int m, rc, code = 0;

	if (stmt == NULL)
		return EX_SOFTWARE;
	if (sqlite3_bind_parameter_count(stmt) > 0)
		sqlite3_bind_int64(stmt, 1, now);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		for (m = 0; m < METRICS && g->metric[m].name != NULL; m++)
			add_sample(&samples[m], stmt, g, m);
	if (rc != SQLITE_DONE)
		code = settings_failed(c->s, "reading it");
	sqlite3_finalize(stmt);
	for (m = 0; m < METRICS; m++) {
		const char *name = g->metric[m].name;

		if (samples[m].n > 0) {
			size_t n = strlen(name);

			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, g->metric[m].help,
			    name,
			    n > 6 && strcmp(name + n - 6, "_total") == 0 ? "counter" : "gauge");
			buf_add(out, samples[m].p, samples[m].n);
		}
		buf_free(&samples[m]);
	}
	return code;
}

/* A collector never sees half a file. */
static int
write_file(const char *path, const struct buf *text)
{
	char *tmp = xasprintf("%s.XXXXXX", path);
	int fd = mkostemp(tmp, O_CLOEXEC), bad;

	bad = fd == -1 || fchmod(fd, 0644) == -1 || file_write(fd, text->p, text->n) == -1;
	if (fd != -1)
		bad |= close(fd) == -1;
	bad = bad || rename(tmp, path) == -1;
	if (bad) {
		msg_errno("%s", path);
		if (fd != -1)
			unlink(tmp);
	}
	free(tmp);
	return bad ? EX_CANTCREAT : 0;
}

int
conf_metrics(struct conf *c, int argc, char **argv)
{
	int64_t now = (int64_t)time(NULL);
	struct buf out = {0};
	size_t i;
	int code = 0;

	buf_printf(&out,
	    "# HELP praic_scheduler_running Is praic-sched running?\n"
	    "# TYPE praic_scheduler_running gauge\npraic_scheduler_running %d\n",
	    settings_locked(c->s));
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]) && code == 0; i++)
		code = add_group(c, &out, &groups[i], now);
	if (code == 0 && argc > 0)
		code = write_file(argv[0], &out);
	else if (code == 0 && file_write(STDOUT_FILENO, out.p, out.n) == -1) {
		msg_errno("standard output");
		code = EX_IOERR;
	}
	buf_free(&out);
	return code;
}
