/*
 * What there is to see and to do about the jobs: status, runs, retry, ack.
 * All of it is read from a handful of rows, whatever the history.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "due.h"
#include "msg.h"
#include "show.h"
#include "conf.h"

/* What status shows of each: a column's form is behind its colon (show.h). */
static const char schedules[] =
    "SELECT name AS schedule, period AS 'every:span', CASE WHEN at IS NOT NULL THEN\n"
    "    printf('%02d:%02d', at / 60, at % 60) END AS at, enabled AS 'enabled:flag',\n"
    "    (SELECT count(*) FROM transfer WHERE schedule_id = schedule.id) AS 'transfers:count',\n"
    "    last_due AS 'last_due:time',\n"
    "    praic_due(enabled, created, period, at, last_due) AS 'next_due:time'\n"
    "FROM schedule ORDER BY name";

static const char jobs[] =
    "SELECT v.name AS job, (SELECT s.name || ' to ' || d.name FROM transfer t\n"
    "        JOIN destination d ON d.id = t.destination_id JOIN site s ON s.id = t.site_id\n"
    "        WHERE t.id = v.transfer_id) AS moves,\n"
    "    CASE v.enabled WHEN 0 THEN 0 END AS 'enabled:flag', last_success AS 'last_success:time',\n"
    "    mark AS 'mark:time', l.left / u.unit * u.unit AS 'left:span',\n"
    "    nullif(backlog, 0) AS 'waiting:count', next AS 'next:time',\n"
    "    ifnull(since, sweep_since) AS 'failing_since:time',\n"
    "    nullif(tries, 0) AS 'tries:count', code AS 'code:count', program,\n"
    "    ifnull(reason, 'look-back: ' || sweep_reason) AS reason\n"
    "FROM job_view v LEFT JOIN job_left l ON l.job_id = v.id\n"
    "    LEFT JOIN (SELECT 3600 AS unit UNION ALL SELECT 86400) u\n"
    "        ON u.unit = CASE WHEN l.left < 172800 THEN 3600 ELSE 86400 END\n"
    "ORDER BY v.site_id, v.step, v.transfer_id, v.data DESC";

/* What was lost or left out, and nobody has acknowledged. */
static const char lost[] =
    "SELECT 'lost' AS what, s.name AS site, r.host_name, lsid, kind,\n"
    "    nullif(instance, -1) AS 'instance:count', NULL AS 'transfer:count',\n"
    "    noted AS 'time:time', 'lost' AS code, reason\n"
    "FROM recording r JOIN site s ON s.id = site_id WHERE state = 'lost' AND acked IS NULL\n"
    "UNION ALL SELECT CASE code WHEN 'lost' THEN code ELSE 'left out' END, s.name,\n"
    "    nullif(l.host_name, ''), nullif(lsid, ''), kind, nullif(instance, -1), transfer_id,\n"
    "    last, code, reason\n"
    "FROM left_out l JOIN site s ON s.id = site_id WHERE acked IS NULL ORDER BY 8";

static const char codes[] =
    "SELECT code FROM job_view WHERE enabled AND code IS NOT NULL\n"
    "UNION ALL SELECT 75 FROM job_view WHERE enabled AND sweep_reason IS NOT NULL\n"
    "UNION ALL SELECT 65 WHERE EXISTS (SELECT 1 FROM left_out WHERE acked IS NULL)\n"
    "    OR EXISTS (SELECT 1 FROM recording WHERE state = 'lost' AND acked IS NULL)";

#define RUNS                                                                                 \
	"SELECT started AS 'started:time', name AS job, seconds AS 'seconds:real', code AS " \
	"'code:count', sessions AS 'sessions:count', files AS 'files:count', bytes AS "      \
	"'bytes:count', left_out AS 'left_out:count', reason FROM run "

static struct show *
scheduler(struct conf *c)
{
	struct show *s = show_new();

	show_cell(s, "program", SETTINGS_TEXT, "praic-sched");
	show_int(s, "running", SETTINGS_FLAG, settings_locked(c->s));
	show_end(s);
	return s;
}

/* When a schedule is due, for SQL. */
static void
due(sqlite3_context *context, int n, sqlite3_value **v)
{
	struct due d = {.created = sqlite3_value_int64(v[1]),
	    .period = sqlite3_value_int64(v[2]),
	    .at = sqlite3_value_type(v[3]) == SQLITE_NULL ? DUE_NO_TIME : sqlite3_value_int(v[3])};
	int64_t last =
	    sqlite3_value_type(v[4]) == SQLITE_NULL ? DUE_NEVER : sqlite3_value_int64(v[4]);

	(void)n;
	if (sqlite3_value_int(v[0]) != 0)
		sqlite3_result_int64(context, due_next(&d, last, (int64_t)time(NULL)));
}

int
conf_status(struct conf *c, int argc, char **argv)
{
	static const char *const name[] = {"scheduler", "schedules", "jobs", "lost"};
	static const char *const mark[] = {"program", "schedule", "job", "lost"};
	struct show *part[4];
	struct buf out = {0};
	sqlite3_stmt *stmt;
	int i, code = 0;

	(void)argc;
	(void)argv;
	sqlite3_create_function(
	    settings_handle(c->s), "praic_due", 5, SQLITE_UTF8, NULL, due, NULL, NULL);
	part[0] = scheduler(c);
	part[1] = show_query(c, settings_prepare(c->s, schedules));
	part[2] = show_query(c, settings_prepare(c->s, jobs));
	part[3] = show_query(c, settings_prepare(c->s, lost));
	for (i = 1; i < 4; i++)
		if (part[i] == NULL)
			return EX_IOERR;
	for (i = 0; i < 4; i++)
		if (!c->json) {
			if (i > 0 && isatty(STDOUT_FILENO))
				putchar('\n');
			code = code_worse(code, show_print(c, part[i], SHOW_BLOCKS, mark[i]));
		} else {
			buf_printf(&out, "%s\"%s\": ", i == 0 ? "{" : ",\n", name[i]);
			show_json(&out, part[i]);
		}
	if (c->json) {
		buf_adds(&out, "}\n");
		code = show_out(&out);
		buf_free(&out);
	}
	stmt = settings_prepare(c->s, codes);
	while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
		code = code_worse(code, sqlite3_column_int(stmt, 0));
	sqlite3_finalize(stmt);
	return code;
}

/* The words of the command line: the name of a job.  To be freed. */
static char *
joined(int argc, char **argv)
{
	struct buf name = {0};
	char *text;
	int i;

	for (i = 0; i < argc; i++)
		buf_printf(&name, "%s%s", i > 0 ? " " : "", argv[i]);
	text = xstrdup(buf_text(&name));
	buf_free(&name);
	return text;
}

/* The latest first: as many as fit a page, unless it is of one job. */
int
conf_runs(struct conf *c, int argc, char **argv)
{
	char *name = joined(argc, argv);
	sqlite3_stmt *stmt = settings_prepare(c->s,
	    argc == 0 ? RUNS "ORDER BY id DESC LIMIT 50" :
			RUNS "WHERE job_id = (SELECT id FROM job_view WHERE name = ?1) "
			     "ORDER BY id DESC");
	struct show *s;

	if (stmt != NULL && argc > 0)
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_TRANSIENT);
	s = show_query(c, stmt);
	free(name);
	return show_print(c, s, SHOW_BLOCKS, NULL);
}

/* Do it now: whatever it waits for, and whatever its recordings wait for. */
int
conf_retry(struct conf *c, int argc, char **argv)
{
	char *name = joined(argc, argv),
	     *find = sqlite3_mprintf("SELECT id FROM job_view WHERE name = %Q", name);
	int64_t id = conf_number(c, find, 0), now = (int64_t)time(NULL);
	int code = EX_CONFIG;

	sqlite3_free(find);
	if (id == 0)
		msg_warn("there is no job \"%s\"; praic-conf status shows them", name);
	else if (conf_number(c, "SELECT enabled FROM job_view WHERE id = ?1", id) == 0)
		msg_warn("%s: its schedule is disabled", name);
	else if ((code = conf_begin(c)) == 0) {
		code = conf_sql(c,
		    "UPDATE job SET next = ?2, asked = ?2, sweep_next = NULL WHERE id = ?1", id,
		    now);
		if (code == 0)
			code = conf_sql(c,
			    "UPDATE recording SET next = NULL WHERE state = 'owed' AND site_id = "
			    "(SELECT "
			    "site_id FROM job WHERE id = ?1 AND step = 'fetch' AND data = 'file')",
			    id, 0);
		code = conf_end(c, code);
	}
	free(name);
	return code;
}

int
conf_ack(struct conf *c, int argc, char **argv)
{
	int64_t now = (int64_t)time(NULL), count;
	int code = conf_begin(c);

	(void)argc;
	(void)argv;
	count = conf_number(c,
	    "SELECT (SELECT count(*) FROM left_out WHERE acked IS NULL) + (SELECT count(*) FROM "
	    "recording WHERE state = 'lost' AND acked IS NULL)",
	    0);
	if (code == 0)
		code = conf_sql(c, "UPDATE left_out SET acked = ?1 WHERE acked IS NULL", now, 0);
	if (code == 0)
		code = conf_sql(c,
		    "UPDATE recording SET acked = ?1 WHERE state = 'lost' AND acked IS NULL", now,
		    0);
	code = conf_end(c, code);
	if (code == 0 && printf("%lld acknowledged\n", (long long)count) < 0)
		code = EX_IOERR;
	return code;
}
