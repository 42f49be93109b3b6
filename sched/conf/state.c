/*
 * The jobs: status, runs, retry, ack, metrics, log.  All but runs and log read
 * a handful of rows, however long the history.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
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

/* For status; conf.h has the forms behind the colons. */
static const char schedules[] =
    "SELECT name AS schedule, every AS 'every:span', at AS 'at:clock',\n"
    "    enabled AS 'enabled:flag',\n"
    "    (SELECT count(*) FROM transfer WHERE schedule_id = schedule.id) AS 'transfers:count',\n"
    "    last_due AS 'last_due:time',\n"
    "    praic_due(enabled, created, every, at, last_due) AS 'next_due:time'\n"
    "FROM schedule ORDER BY name";

/* Recordings that are refused, or fail again and again. */
#define OVERDUE                                                 \
	"FROM recording r WHERE state = 'owed' AND r.tries > 0" \
	" AND noted < strftime('%s', 'now') - 86400"

static const char jobs[] =
    "SELECT name AS job, moves, CASE enabled WHEN 0 THEN 0 END AS 'enabled:flag',\n"
    "    last_success AS 'last_success:time', mark AS 'mark:time',\n"
    "    l.left / u.unit * u.unit AS 'left:span', nullif(backlog, 0) AS 'waiting:count',\n"
    "    next AS 'next:time', ifnull(since, sweep_since) AS 'failing_since:time',\n"
    "    nullif(tries, 0) AS 'tries:count', code AS 'code:count', program,\n"
    "    coalesce(reason, 'look-back: ' || sweep_reason,\n"
    "        CASE WHEN step = 'fetch' AND data = 'file' THEN (SELECT count(*)\n"
    "            || ' owed for more than a day; one of session ' || lsid || ': ' || max(r.reason)\n"
    "            " OVERDUE " AND r.site_id = v.site_id HAVING count(*) > 0) END) AS reason\n"
    "FROM job_view v LEFT JOIN job_left l ON l.job_id = v.id\n"
    "    LEFT JOIN (SELECT 3600 AS unit UNION ALL SELECT 86400) u\n"
    "        ON u.unit = CASE WHEN l.left < 172800 THEN 3600 ELSE 86400 END\n"
    "ORDER BY site_id, step, transfer_id, data DESC";

/* Losses that are not acknowledged. */
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
    "    OR EXISTS (SELECT 1 FROM job_view v WHERE enabled AND step = 'fetch'\n"
    "        AND data = 'file' AND EXISTS (SELECT 1 " OVERDUE " AND r.site_id = v.site_id))\n"
    "    OR EXISTS (SELECT 1 FROM recording WHERE state = 'lost' AND acked IS NULL)";

/* praic_due() in SQL: when a schedule is due. */
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
	static const struct {
		const char *name, *mark, *query;
	} part[] = {
	    {"scheduler", "program", "SELECT 'praic-sched' AS program, ?1 AS 'running:flag'"},
	    {"schedules", "schedule", schedules}, {"jobs", "job", jobs}, {"lost", "lost", lost}};
	struct show *s;
	sqlite3_stmt *stmt;
	int i, code = 0;

	(void)argc;
	(void)argv;
	if (sqlite3_create_function(c->db->h, "praic_due", 5, SQLITE_UTF8, NULL, due, NULL, NULL) !=
	    SQLITE_OK)
		xnomem();
	for (i = 0; i < 4; i++) {
		s = show_query(c,
		    db_ask(
			c->db, part[i].query, i == 0 ? "i" : "", (int64_t)settings_locked(c->db)));
		if (c->json) {
			printf("%s\"%s\": ", i == 0 ? "{" : ",\n", part[i].name);
			show_json(s);
			continue;
		}
		if (i > 0 && isatty(STDOUT_FILENO))
			putchar('\n');
		show_print(s, SHOW_BLOCKS, part[i].mark);
	}
	if (c->json)
		puts("}");
	stmt = db_ask(c->db, codes, "");
	while (db_row(c->db, stmt))
		code = code_worse(code, sqlite3_column_int(stmt, 0));
	return code;
}

/* The words of the command line as the name of a job; to be freed. */
static char *
joined(int argc, char **argv)
{
	struct buf name = {0};
	int i;

	for (i = 0; i < argc; i++)
		buf_printf(&name, "%s%s", i > 0 ? " " : "", argv[i]);
	buf_text(&name);
	return name.p;
}

/* The latest first: all of one job, or as many as fit a page. */
int
conf_runs(struct conf *c, int argc, char **argv)
{
	char *name = joined(argc, argv);
	sqlite3_stmt *stmt = db_ask(c->db,
	    "SELECT started AS 'started:time', name AS job, seconds AS 'seconds:real',"
	    " code AS 'code:count', sessions AS 'sessions:count', files AS 'files:count',"
	    " bytes AS 'bytes:count', left_out AS 'left_out:count', reason FROM run"
	    " WHERE ?1 = '' OR job_id = (SELECT id FROM job_view WHERE name = ?1)"
	    " ORDER BY id DESC LIMIT iif(?1 = '', 50, -1)",
	    "t", name);

	free(name);
	show_print(show_query(c, stmt), SHOW_BLOCKS, NULL);
	return 0;
}

/* Ends the back-offs of a job and of its recordings. */
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
	if (code == 0)
		printf("%d acknowledged\n", count);
	return code;
}

/*
 * Metrics, as Prometheus text (exposition format 0.0.4).
 */

/* Each metric is a query: its labels, by their names, and its value. */
struct metric {
	const char *name, *value, *help; /* ..._total: a counter */
};

static const struct metric scheduler_metrics[] = {
    {"praic_scheduler_running", "?2", "Is praic-sched running?"}, {0}};
static const struct metric schedule_metrics[] = {
    {"praic_schedule_enabled", "enabled", "Is the schedule enabled?"},
    {"praic_schedule_period_seconds", "every", "From one run to the next."},
    {"praic_schedule_last_due_timestamp_seconds", "last_due", "When the schedule was due last."},
    {0}};
static const struct metric job_metrics[] = {
    {"praic_job_enabled", "enabled", "Does an enabled schedule want it?"},
    {"praic_runs_total", "runs", "Steps that ended."},
    {"praic_failures_total", "failures", "Steps that failed."},
    {"praic_sessions_total", "sessions", "Sessions fetched or stored."},
    {"praic_rows_total", "rows", "Rows fetched or stored."},
    {"praic_files_total", "files", "Files fetched or stored."},
    {"praic_bytes_total", "bytes", "Bytes fetched or stored."},
    {"praic_left_out_total", "left_out", "Sessions and recordings left out as bad."},
    {"praic_failing", "code IS NOT NULL", "Does it fail now?"},
    {"praic_tries", "tries", "Failures in a row."},
    {"praic_failing_seconds", "ifnull(?1 - since, 0)", "For how long it fails."},
    {"praic_mark_timestamp_seconds", "mark", "All that changed before is fetched."},
    {"praic_retention_left_seconds", "(SELECT l.left FROM job_left l WHERE l.job_id = j.id)",
	"Until the appliance forgets the oldest data not yet fetched."},
    {"praic_last_start_timestamp_seconds", "last_start", "When a step last began."},
    {"praic_last_success_timestamp_seconds", "last_success", "When all was last done."},
    {"praic_backlog", "backlog", "Files of the log to store; recordings to fetch."},
    {"praic_next_timestamp_seconds", "next", "When it is to be done."}, {0}};
static const struct metric site_metrics[] = {
    {"praic_log_bytes", "(SELECT total(bytes) FROM log WHERE site_id = s.id)",
	"What waits in the spool for some transfer."},
    {"praic_lost_recordings",
	"(SELECT count(*) FROM recording WHERE site_id = s.id AND state = 'lost' AND acked IS "
	"NULL)",
	"Recordings lost and not acknowledged."},
    {"praic_left_out", "(SELECT count(*) FROM left_out WHERE site_id = s.id AND acked IS NULL)",
	"Left out or lost, and not acknowledged."},
    {0}};

static const struct {
	const char *labels, *from;
	const struct metric *metric;
} groups[] = {{"", "", scheduler_metrics},
    {"name AS schedule, ", "FROM schedule ORDER BY name", schedule_metrics},
    {"name AS job, site, ifnull(destination, '') AS destination,"
     " ifnull(schedule, '') AS schedule, ",
	"FROM job_view j ORDER BY id", job_metrics},
    {"name AS site, ", "FROM site s ORDER BY name", site_metrics}};

/* A backslash, quote or line feed of a label gets a backslash. */
static void
put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (strchr("\\\"\n", *value) != NULL)
			putc('\\', out);
		putc(*value == '\n' ? 'n' : *value, out);
	}
	putc('"', out);
}

static void
put_metric(struct conf *c, FILE *out, const char *labels, const char *from, const struct metric *m)
{
	char *sql = xasprintf("SELECT %s%s, ?1, ?2 %s", labels, m->value, from);
	sqlite3_stmt *row =
	    db_ask(c->db, sql, "ii", (int64_t)time(NULL), (int64_t)settings_locked(c->db));
	size_t length = strlen(m->name);
	int n, i, first = 1;

	while (db_row(c->db, row)) {
		n = sqlite3_column_count(row) - 3;
		if (sqlite3_column_type(row, n) == SQLITE_NULL)
			continue;
		if (first)
			fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
			    length > 6 && strcmp(m->name + length - 6, "_total") == 0 ? "counter" :
											"gauge");
		first = 0;
		fputs(m->name, out);
		for (i = 0; i < n; i++) {
			putc(i > 0 ? ',' : '{', out);
			put_label(out, sqlite3_column_name(row, i), db_string(row, i));
		}
		fprintf(
		    out, "%s %lld\n", n > 0 ? "}" : "", (long long)sqlite3_column_int64(row, n));
	}
	free(sql);
}

static void
put_metrics(struct conf *c, FILE *out)
{
	const struct metric *m;
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (m = groups[i].metric; m->name != NULL; m++)
			put_metric(c, out, groups[i].labels, groups[i].from, m);
}

/* Replace a file as a whole, because a collector may read it at any time. */
int
conf_metrics(struct conf *c, int argc, char **argv)
{
	char *tmp;
	FILE *out;
	int fd, bad;

	if (argc == 0) {
		put_metrics(c, stdout);
		return c->db->code;
	}
	tmp = xasprintf("%s.XXXXXX", argv[0]);
	fd = mkostemp(tmp, O_CLOEXEC);
	bad = fd == -1 || fchmod(fd, 0644) == -1 || (out = fdopen(fd, "w")) == NULL;
	if (!bad) {
		put_metrics(c, out);
		bad = fclose(out) == EOF || (c->db->code == 0 && rename(tmp, argv[0]) == -1);
	}
	if (bad)
		msg_errno("%s", argv[0]);
	if (fd != -1 && (bad || c->db->code != 0))
		unlink(tmp);
	free(tmp);
	return bad ? EX_CANTCREAT : c->db->code;
}

/*
 * The two logs.  praic-conf adds to the client's who changed what, when.
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
		msg_warn("the change is made, but the log has no line of it");
	buf_free(&line);
	free(dir);
	return code;
}

static int
print_file(const char *path)
{
	char piece[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd == -1 && errno == ENOENT)
		return 0; /* praic-sched has just removed it */
	while (fd != -1 && (n = file_read(fd, piece, sizeof(piece))) > 0)
		fwrite(piece, 1, (size_t)n, stdout);
	if (n == -1)
		msg_errno("%s", path);
	if (fd != -1)
		close(fd);
	return n == -1 ? EX_IOERR : 0;
}

int
conf_log(struct conf *c, int argc, char **argv)
{
	const char *which = argc == 0 ? "client" : argv[0];
	char *dir, *pattern;
	glob_t file;
	size_t i;
	int code = 0, found;

	if (strcmp(which, "client") != 0 && strcmp(which, "scheduler") != 0) {
		msg_warn("log %s: client or scheduler", which);
		return EX_USAGE;
	}
	if ((dir = settings_text(c->db, "log-directory")) == NULL)
		return c->db->code;
	pattern = xasprintf("%s-*.log", which);
	if (chdir(dir) == -1) {
		msg_errno("%s", dir);
		code = EX_NOINPUT;
	} else if ((found = glob(pattern, 0, NULL, &file)) == GLOB_NOSPACE)
		xnomem();
	else if (found == 0) {
		for (i = 0; i < file.gl_pathc; i++)
			if (logfile_day(file.gl_pathv[i], which) != -1)
				code = code_worse(code, print_file(file.gl_pathv[i]));
		globfree(&file);
	}
	free(pattern);
	free(dir);
	return code;
}
