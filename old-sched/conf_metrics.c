/*
 * praic-conf metrics: what a monitoring system wants to know, as Prometheus
 * text (exposition format 0.0.4); from the settings database alone, so that
 * it can be asked while anything runs, or nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf.h"
#include "file.h"
#include "msg.h"

/*
 * A query gives a metric's labels in its first columns, by their names, and
 * then one column for each metric of the group.  NULL: there is no sample.
 */
struct metric {
	const char *name, *help;
};

struct group {
	const char *sql;
	int labels;
	struct metric metric[12];
};

#define TRANSFER                                                                        \
	"t.id AS transfer, c.name AS schedule, s.name AS site, d.name AS destination, " \
	"k.kind AS kind"
#define TRANSFER_FROM                                                                    \
	" FROM transfer t JOIN schedule c ON c.id = t.schedule_id "                      \
	"JOIN site s ON s.id = t.site_id JOIN destination d ON d.id = t.destination_id " \
	"JOIN transfer_kind k ON k.transfer_id = t.id "

/* ?1 is now, ?2 the appliances' retention in seconds. */
static const struct group groups[] = {
    {"SELECT name AS program, last_run FROM program ORDER BY name", 1,
	{{"praic_program_last_run_timestamp_seconds", "When the program was last invoked."}}},
    {"SELECT name AS schedule, enabled, period, last_run FROM schedule ORDER BY name", 1,
	{{"praic_schedule_enabled", "Is the schedule enabled?"},
	    {"praic_schedule_period_seconds", "From one run to the next."},
	    {"praic_schedule_last_run_timestamp_seconds", "When the schedule last ran."}}},
    {"SELECT " TRANSFER ", k.mark, ?1 - k.mark, CASE WHEN k.kind <> 'backup' THEN "
     "k.mark + ?2 - ?1 END, k.last_start, k.last_success, k.backlog_files, k.backlog_bytes, "
     "?1 - k.backlog_since" TRANSFER_FROM "ORDER BY t.id, k.kind",
	5,
	{{"praic_mark_timestamp_seconds", "All that changed before is fetched."},
	    {"praic_mark_lag_seconds", "Age of the mark."},
	    {"praic_retention_left_seconds",
		"Until the appliance forgets the oldest data not yet fetched."},
	    {"praic_last_start_timestamp_seconds", "When fetching last began."},
	    {"praic_last_success_timestamp_seconds", "When all was last stored."},
	    {"praic_backlog_files", "Files in the spool that wait for the destination."},
	    {"praic_backlog_bytes", "Their bytes."},
	    {"praic_backlog_age_seconds", "How long the oldest of them waits."}}},
    {"SELECT " TRANSFER ", p.step AS step, count(f.since), coalesce(sum(f.times), 0), "
     "max(?1 - f.since)" TRANSFER_FROM "CROSS JOIN (SELECT 'fetch' AS step UNION ALL "
     "SELECT 'store') p LEFT JOIN failure f ON f.transfer_id = t.id AND f.kind = k.kind AND "
     "f.step = p.step AND f.recovered IS NULL AND f.code IS NOT 65 GROUP BY t.id, k.kind, p.step "
     "ORDER BY t.id, k.kind, p.step",
	6,
	{{"praic_failing", "Does this step fail now?"}, {"praic_failures", "How often in a row."},
	    {"praic_failing_seconds", "For how long."}}},
    {"SELECT " TRANSFER ", r.step AS step, r.started, r.seconds, r.code, r.sessions, r.rows, "
     "r.files, r.bytes, r.left_out" TRANSFER_FROM "JOIN run r ON r.id IN (SELECT max(id) FROM "
     "run WHERE code IS NOT NULL AND transfer_id = t.id AND kind = k.kind GROUP BY step) "
     "ORDER BY t.id, k.kind, r.step",
	6,
	{{"praic_run_started_timestamp_seconds", "When the last run that ended had begun."},
	    {"praic_run_seconds", "How long it took."}, {"praic_run_code", "Its exit code."},
	    {"praic_run_sessions", "Sessions in it."}, {"praic_run_rows", "Rows in it."},
	    {"praic_run_files", "Files in it."}, {"praic_run_bytes", "Bytes in it."},
	    {"praic_run_left_out", "Sessions or inputs left out as bad."}}},
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
	buf_printf(out, "} %s\n", (const char *)sqlite3_column_text(stmt, g->labels + m));
}

/* The samples of a metric stand together: a buffer for each. */
static int
add_group(struct conf *c, struct buf *out, const struct group *g, int64_t now, int64_t retention)
{
	const int most = (int)(sizeof(g->metric) / sizeof(g->metric[0]));
	struct buf samples[sizeof(g->metric) / sizeof(g->metric[0])] = {{0}};
	sqlite3_stmt *stmt = settings_prepare(c->s, g->sql);
	int m, rc, code = 0;

	if (stmt == NULL)
		return EX_SOFTWARE;
	if (sqlite3_bind_parameter_count(stmt) > 0)
		sqlite3_bind_int64(stmt, 1, now);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_int64(stmt, 2, retention);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		for (m = 0; m < most && g->metric[m].name != NULL; m++)
			add_sample(&samples[m], stmt, g, m);
	if (rc != SQLITE_DONE)
		code = settings_failed(c->s, "reading it");
	sqlite3_finalize(stmt);
	for (m = 0; m < most; m++) {
		if (samples[m].n > 0) {
			buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", g->metric[m].name,
			    g->metric[m].help, g->metric[m].name);
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
	int64_t now = (int64_t)time(NULL), days = 0;
	struct buf out = {0};
	size_t i;
	int code = settings_number(c->s, "retention-days", &days);

	buf_printf(&out,
	    "# HELP praic_scheduler_running Is praic-sched running?\n"
	    "# TYPE praic_scheduler_running gauge\npraic_scheduler_running %d\n",
	    settings_locked(c->s));
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]) && code == 0; i++)
		code = add_group(c, &out, &groups[i], now, days * 86400);
	if (code == 0 && argc > 0)
		code = write_file(argv[0], &out);
	else if (code == 0 && file_write(STDOUT_FILENO, out.p, out.n) == -1) {
		msg_errno("standard output");
		code = EX_IOERR;
	}
	buf_free(&out);
	return code;
}
