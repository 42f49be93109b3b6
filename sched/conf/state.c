/*
 * What there is to see and to do about the jobs: status, runs, retry, ack,
 * metrics, log.  All but the log is read from a handful of rows, whatever the
 * history.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "conf.h"
#include "due.h"
#include "file.h"
#include "logfile.h"
#include "msg.h"
#include "when.h"

/* What status shows of each: a column's form is behind its colon (show.h). */
static const char schedules[] =
    "SELECT name AS schedule, every AS 'every:span', CASE WHEN at IS NOT NULL THEN\n"
    "    printf('%02d:%02d', at / 60, at % 60) END AS at, enabled AS 'enabled:flag',\n"
    "    (SELECT count(*) FROM transfer WHERE schedule_id = schedule.id) AS 'transfers:count',\n"
    "    last_due AS 'last_due:time',\n"
    "    praic_due(enabled, created, every, at, last_due) AS 'next_due:time'\n"
    "FROM schedule ORDER BY name";

static const char jobs[] =
    "SELECT name AS job, moves, CASE enabled WHEN 0 THEN 0 END AS 'enabled:flag',\n"
    "    last_success AS 'last_success:time', mark AS 'mark:time',\n"
    "    l.left / u.unit * u.unit AS 'left:span', nullif(backlog, 0) AS 'waiting:count',\n"
    "    next AS 'next:time', ifnull(since, sweep_since) AS 'failing_since:time',\n"
    "    nullif(tries, 0) AS 'tries:count', code AS 'code:count', program,\n"
    "    ifnull(reason, 'look-back: ' || sweep_reason) AS reason\n"
    "FROM job_view v LEFT JOIN job_left l ON l.job_id = v.id\n"
    "    LEFT JOIN (SELECT 3600 AS unit UNION ALL SELECT 86400) u\n"
    "        ON u.unit = CASE WHEN l.left < 172800 THEN 3600 ELSE 86400 END\n"
    "ORDER BY site_id, step, transfer_id, data DESC";

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

/* When a schedule is due, for SQL. */
static void
due(sqlite3_context *context, int n, sqlite3_value **v)
{
	int64_t of[5], next;
	int i;

	for (i = 0; i < n; i++)
		of[i] =
		    sqlite3_value_type(v[i]) == SQLITE_NULL ? DB_NULL : sqlite3_value_int64(v[i]);
	next = due_next(&(struct due){of[1], of[2], of[3]}, of[4], (int64_t)time(NULL));
	if (of[0] != 0)
		sqlite3_result_int64(context, next);
}

int
conf_status(struct conf *c, int argc, char **argv)
{
	static const char *const name[] = {"scheduler", "schedules", "jobs", "lost"};
	static const char *const mark[] = {"program", "schedule", "job", "lost"};
	static const char *const query[] = {
	    "SELECT 'praic-sched' AS program, ?1 AS 'running:flag'", schedules, jobs, lost};
	struct show *part;
	struct buf out = {0};
	sqlite3_stmt *stmt;
	int i, code = 0;

	(void)argc;
	(void)argv;
	sqlite3_create_function(c->db->h, "praic_due", 5, SQLITE_UTF8, NULL, due, NULL, NULL);
	for (i = 0; i < 4; i++) {
		part = show_query(
		    c, db_ask(c->db, query[i], i == 0 ? "i" : "", (int64_t)settings_locked(c->db)));
		if (part == NULL)
			return c->db->code;
		if (c->json) {
			buf_printf(&out, "%s\"%s\": ", i == 0 ? "{" : ",\n", name[i]);
			show_json(&out, part);
			continue;
		}
		if (i > 0 && isatty(STDOUT_FILENO))
			putchar('\n');
		code = code_worse(code, show_print(part, SHOW_BLOCKS, mark[i]));
	}
	if (c->json) {
		buf_adds(&out, "}\n");
		code = show_out(&out);
		buf_free(&out);
	}
	stmt = db_ask(c->db, codes, "");
	while (db_row(c->db, stmt))
		code = code_worse(code, sqlite3_column_int(stmt, 0));
	return code;
}

/*
 * What has been, and what is to be done now.
 */

/* The words of the command line: the name of a job.  To be freed. */
static char *
joined(int argc, char **argv)
{
	char *name = xstrdup(argc > 0 ? argv[0] : ""), *longer;
	int i;

	for (i = 1; i < argc; i++) {
		longer = xasprintf("%s %s", name, argv[i]);
		free(name);
		name = longer;
	}
	return name;
}

/* The latest first: as many as fit a page, unless it is of one job. */
int
conf_runs(struct conf *c, int argc, char **argv)
{
	char *name = joined(argc, argv);
	sqlite3_stmt *stmt = argc == 0 ?
	    db_ask(c->db, RUNS "ORDER BY id DESC LIMIT 50", "") :
	    db_ask(c->db,
		RUNS "WHERE job_id = (SELECT id FROM job_view WHERE name = ?1) ORDER BY id DESC",
		"t", name);

	free(name);
	return show_print(show_query(c, stmt), SHOW_BLOCKS, NULL);
}

/* Do it now: whatever it waits for, and whatever its recordings wait for. */
int
conf_retry(struct conf *c, int argc, char **argv)
{
	char *name = joined(argc, argv);
	int64_t id = db_number(c->db, "SELECT id FROM job_view WHERE name = ?1", "t", name);
	int code = EX_CONFIG;

	if (id == DB_NULL)
		msg_warn("there is no job \"%s\"; praic-conf status shows them", name);
	else if (db_number(c->db, "SELECT enabled FROM job_view WHERE id = ?1", "i", id) == 0)
		msg_warn("%s: its schedule is disabled", name);
	else {
		db_begin(c->db);
		db_do(c->db,
		    "UPDATE job SET next = ?2, asked = ?2, sweep_next = NULL WHERE id = ?1", "ii",
		    id, (int64_t)time(NULL));
		db_do(c->db,
		    "UPDATE recording SET next = NULL WHERE state = 'owed' AND site_id = (SELECT"
		    " site_id FROM job WHERE id = ?1 AND step = 'fetch' AND data = 'file')",
		    "i", id);
		code = db_end(c->db, 0);
	}
	free(name);
	return code;
}

int
conf_ack(struct conf *c, int argc, char **argv)
{
	int64_t now = (int64_t)time(NULL);
	int count, code;

	(void)argc;
	(void)argv;
	db_begin(c->db);
	count = db_do(c->db, "UPDATE left_out SET acked = ?1 WHERE acked IS NULL", "i", now);
	count += db_do(c->db,
	    "UPDATE recording SET acked = ?1 WHERE state = 'lost' AND acked IS NULL", "i", now);
	code = db_end(c->db, 0);
	if (code == 0 && printf("%d acknowledged\n", count) < 0)
		code = EX_IOERR;
	return code;
}

/*
 * What a monitoring system wants to know, as Prometheus text (exposition
 * format 0.0.4).
 */

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
    {"SELECT name AS schedule, enabled, every, last_due FROM schedule ORDER BY name", 1,
	{{"praic_schedule_enabled", "Is the schedule enabled?"},
	    {"praic_schedule_period_seconds", "From one run to the next."},
	    {"praic_schedule_last_due_timestamp_seconds", "When the schedule was due last."}}},
    {"SELECT name AS job, site, ifnull(destination, '') AS destination, ifnull(schedule, '') AS"
     " schedule, enabled, runs, failures, sessions, rows, files, bytes, left_out,"
     " code IS NOT NULL, tries, ifnull(?1 - since, 0), mark, l.left, last_start, last_success,"
     " backlog, next FROM job_view v LEFT JOIN job_left l ON l.job_id = v.id ORDER BY v.id",
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
static void
add_group(struct conf *c, struct buf *out, const struct group *g)
{
	struct buf samples[METRICS] = {{0}};
	sqlite3_stmt *stmt =
	    db_ask(c->db, g->sql, strstr(g->sql, "?1") != NULL ? "i" : "", (int64_t)time(NULL));
	const char *name;
	size_t n;
	int m;

	while (db_row(c->db, stmt))
		for (m = 0; m < METRICS && g->metric[m].name != NULL; m++)
			add_sample(&samples[m], stmt, g, m);
	for (m = 0; m < METRICS; m++) {
		if (samples[m].n > 0) {
			name = g->metric[m].name;
			n = strlen(name);
			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, g->metric[m].help,
			    name,
			    n > 6 && strcmp(name + n - 6, "_total") == 0 ? "counter" : "gauge");
			buf_add(out, samples[m].p, samples[m].n);
		}
		buf_free(&samples[m]);
	}
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
	struct buf out = {0};
	size_t i;
	int code;

	buf_printf(&out,
	    "# HELP praic_scheduler_running Is praic-sched running?\n"
	    "# TYPE praic_scheduler_running gauge\npraic_scheduler_running %d\n",
	    settings_locked(c->db));
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		add_group(c, &out, &groups[i]);
	code = c->db->code;
	if (code == 0)
		code = argc > 0 ? write_file(argv[0], &out) : show_out(&out);
	buf_free(&out);
	return code;
}

/*
 * The two logs, and what praic-conf itself adds to the client's: who changed
 * what, when.
 */

/* Names of fields, but no values. */
int
log_note(struct conf *c, unsigned user, int argc, char **argv)
{
	struct buf line = {0};
	int64_t now = (int64_t)time(NULL);
	char stamp[WHEN_SIZE], *dir = settings_text(c->db, "log-directory");
	int i, code;

	if (dir == NULL)
		return c->db->code;
	when_format(now, stamp);
	buf_printf(&line, "%s praic-conf: user %u:", stamp, user);
	for (i = 0; i < argc; i++) {
		buf_addc(&line, ' ');
		msg_harmless(&line, argv[i], strcspn(argv[i], "="));
	}
	buf_addc(&line, '\n');
	code = logfile_add(dir, "client", now, &line);
	if (code != 0)
		msg_warn("the change is made, but not noted");
	buf_free(&line);
	free(dir);
	return code;
}

static const char *wanted;

static int
is_log(const struct dirent *e)
{
	return logfile_day(e->d_name, wanted) != -1;
}

static int
copy(const char *path)
{
	char piece[65536];
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), bad = 0;

	if (fd == -1 && errno == ENOENT)
		return 0; /* removed meanwhile: it was old */
	while (fd != -1 && !bad && (got = file_read(fd, piece, sizeof(piece))) > 0)
		bad = file_write(STDOUT_FILENO, piece, (size_t)got) == -1;
	if (bad || got == -1)
		msg_errno("%s", bad ? "standard output" : path);
	if (fd != -1)
		close(fd);
	return bad || got == -1 ? EX_IOERR : 0;
}

int
conf_log(struct conf *c, int argc, char **argv)
{
	struct dirent **entry;
	char *dir, *path;
	int i, n, code = 0;

	wanted = argc == 0 ? "client" : argv[0];
	if (strcmp(wanted, "client") != 0 && strcmp(wanted, "scheduler") != 0) {
		msg_warn("log %s: client or scheduler", wanted);
		return EX_USAGE;
	}
	if ((dir = settings_text(c->db, "log-directory")) == NULL)
		return c->db->code;
	n = scandir(dir, &entry, is_log, alphasort);
	if (n == -1) {
		msg_errno("%s", dir);
		code = EX_NOINPUT;
	}
	for (i = 0; i < n; i++) {
		if (code == 0) {
			path = xasprintf("%s/%s", dir, entry[i]->d_name);
			code = copy(path);
			free(path);
		}
		free(entry[i]);
	}
	if (n != -1)
		free(entry);
	free(dir);
	return code;
}
