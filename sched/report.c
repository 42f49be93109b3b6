/* Logs, lines, mails, metrics, the plan: see scheduler.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "due.h"
#include "file.h"
#include "logfile.h"
#include "msg.h"
#include "scheduler.h"
#include "when.h"

char *report_directory;

/* Local time with its zone, in a static buffer. */
static const char *
show_time(int64_t t)
{
	static char text[64];
	time_t clock = (time_t)t;
	struct tm tm;

	if (localtime_r(&clock, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		text[0] = '\0';
	return text;
}

static void
add_log(const char *text)
{
	struct buf line = {0};
	char now[WHEN_SIZE];

	if (report_directory == NULL)
		return;
	when_format(sched_now(), now);
	buf_printf(&line, "%s ", now);
	msg_harmless(&line, text, strlen(text));
	buf_addc(&line, '\n');
	(void)logfile_add(report_directory, "scheduler", sched_now(), &line);
	buf_free(&line);
}

void
report_say(int level, const char *fmt, ...)
{
	char *said;
	va_list ap;

	va_start(ap, fmt);
	said = xvasprintf(fmt, ap);
	va_end(ap);
	add_log(said);
	msg_tell(level, "%s", said);
	free(said);
}

static const char *
text_at(sqlite3_stmt *row, int column)
{
	const char *text = db_string(row, column);

	return text != NULL ? text : "";
}

/*
 * A step.
 */

/* Its numbers, as its row of history has them. */
static void
add_counts(struct buf *b, sqlite3_stmt *row)
{
	static const char *const what[] = {"sessions", "rows", "files", "bytes", "left out"};
	int i;

	for (i = 0; i < 5; i++)
		if (sqlite3_column_int64(row, i) != 0)
			buf_printf(
			    b, "%lld %s, ", (long long)sqlite3_column_int64(row, i), what[i]);
	if (b->n > 0)
		buf_printf(b, "%.1f s", sqlite3_column_double(row, 5));
}

void
report_step(
    struct settings *s, int64_t job, const char *label, int code, int noted, const char *reason)
{
	sqlite3_stmt *row = noted ?
	    db_ask(s,
		"SELECT sessions, rows, files, bytes, left_out, seconds,"
		" reason FROM run WHERE job_id = ?1 ORDER BY id DESC LIMIT 1",
		"i", job) :
	    NULL;
	struct buf counts = {0}, line = {0};
	char *why = NULL;

	while (row != NULL && db_row(s, row)) {
		add_counts(&counts, row);
		why = db_copy(row, 6);
	}
	if (code != 0)
		report_say(0, "%s: %s (%d)", label, why != NULL ? why : reason, code);
	if (counts.n > 0) {
		buf_printf(&line, "%s: %s", label, buf_text(&counts));
		add_log(buf_text(&line));
		if (msg_level > 0) {
			buf_addc(&line, '\n');
			fputs(buf_text(&line), stdout);
			(void)fflush(stdout);
		}
	}
	free(why);
	buf_free(&counts);
	buf_free(&line);
}

int
report_waiting(struct settings *s, int64_t now)
{
	sqlite3_stmt *row = db_ask(s,
	    "SELECT id, name, next, reason FROM job_view WHERE enabled AND next > ?1"
	    " AND code IS NOT NULL ORDER BY id",
	    "i", now);
	int code = 0;

	while (db_row(s, row))
		if (!job_ran(db_column(row, 0))) {
			msg_warn("%s: it failed and waits until %s: %s", text_at(row, 1),
			    show_time(db_column(row, 2)), text_at(row, 3));
			code = EX_TEMPFAIL;
		}
	return code;
}

/*
 * Mails.  One query finds the news.  Each row has the statement that marks it as
 * reported, to be run when the mail is sent.
 */

/* Failures with 69 and 75 may pass by themselves: they are mailed after so long. */
#define LASTS	  "900"
#define REMIND	  "86400"
#define MAX_LINES 100 /* of a kind, in one mail */
#define MAIL_WAIT 300 /* seconds until a mail that failed is tried again */

enum news { FAILED, REMINDER, OVER, LOST, LEFT_OUT, NEWS };

static const char mail_query[] =
    /* kind of news, what, since, code, reason, statement */
    "SELECT kind, name, since, code, reason,"
    " printf('UPDATE job SET %sreported = %s WHERE id = %d AND %ssince IS %s;', of,"
    "  CASE kind WHEN 2 THEN 'NULL' ELSE ?1 END, id, of, quote(since))"
    " FROM (SELECT CASE WHEN j.code IS NULL THEN 2"
    "   WHEN j.reported IS NULL THEN 0 ELSE 1 END AS kind, j.* FROM ("
    "   SELECT '' AS of, id, name || ifnull(' (' || moves || ')', '') AS name, enabled, since,"
    "    code, reason, reported FROM job_view"
    "   UNION ALL SELECT 'sweep_', id, 'look-back of ' || name, enabled, sweep_since,"
    "    iif(sweep_since IS NULL, NULL, 75), sweep_reason, sweep_reported FROM job_view) AS j"
    "  WHERE CASE WHEN j.code IS NULL THEN j.reported IS NOT NULL"
    "  WHEN j.reported IS NULL THEN j.enabled AND (j.code NOT IN (69, 75)"
    "   OR ?1 - j.since >= " LASTS " OR j.since > ?1)"
    "  ELSE j.enabled AND (?1 - j.reported >= " REMIND " OR j.reported > ?1) END)"
    " UNION ALL SELECT 3, printf('%s: session %s, %s%s', site.name, r.lsid, r.kind,"
    "   CASE WHEN r.instance < 0 THEN '' ELSE ' ' || r.instance END),"
    "  NULL, 65, r.reason,"
    "  printf('UPDATE recording SET reported = %d WHERE site_id = %d AND host_name = %s"
    " AND lsid = %s AND kind = %s AND instance = %d;', ?1, r.site_id, quote(r.host_name),"
    "   quote(r.lsid), quote(r.kind), r.instance)"
    "  FROM recording AS r JOIN site ON site.id = r.site_id"
    "  WHERE r.state = 'lost' AND r.acked IS NULL AND r.reported IS NULL"
    /* Recordings that are refused, or fail again and again: once a day at most. */
    " UNION ALL SELECT 4, printf('%s: recordings owed for more than a day: %d', site.name,"
    "   count(*)), NULL, 65, printf('session %s: %s', r.lsid, max(r.reason)),"
    "  printf('UPDATE recording SET reported = %d WHERE site_id = %d AND reported IS NULL"
    " AND state = ''owed'' AND tries > 0 AND noted < %d;', ?1, site.id, ?1 - " REMIND ")"
    "  FROM recording AS r JOIN site ON site.id = r.site_id WHERE r.reported IS NULL"
    "  AND r.state = 'owed' AND r.tries > 0 AND r.noted < ?1 - " REMIND
    "  AND NOT EXISTS (SELECT 1 FROM recording AS q WHERE q.site_id = site.id"
    "   AND q.state = 'owed' AND q.reported BETWEEN ?1 - " REMIND " AND ?1) GROUP BY site.id"
    " UNION ALL SELECT CASE l.code WHEN 'lost' THEN 3 ELSE 4 END,"
    "  printf('%s%s: %s%s%s', site.name,"
    "   CASE WHEN l.transfer_id IS NULL THEN '' ELSE ', transfer ' || l.transfer_id END,"
    "   CASE l.lsid WHEN '' THEN '' ELSE l.host_name || ' ' || l.lsid || ', ' END,"
    "   l.kind, CASE WHEN l.instance < 0 THEN '' ELSE ' ' || l.instance END),"
    "  NULL, 65, l.program || ': ' || l.reason,"
    "  printf('UPDATE left_out SET reported = %d WHERE id = %d;', ?1, l.id)"
    "  FROM left_out AS l JOIN site ON site.id = l.site_id"
    "  WHERE l.reported IS NULL AND l.acked IS NULL"
    " ORDER BY 1, 2";

static struct {
	int busy;
	int64_t failed; /* when one could not be sent */
	char *subject;
	struct buf told; /* statements */
} mail;

static void
mail_ended(struct settings *s, int code, const char *reason)
{
	/* 65: some recipients have the mail, and another try would not help the others. */
	int sent = s != NULL && (code == 0 || code == EX_DATAERR);

	if (code != 0)
		report_say(0, "mail \"%s\": %s (%d)", mail.subject, reason, code);
	else
		report_say(1, "mail \"%s\": sent", mail.subject);
	if (sent) {
		db_begin(s);
		db_script(s, buf_text(&mail.told));
		sent = db_end(s, 0) == 0;
	}
	if (!sent)
		mail.failed = sched_now();
	mail.busy = 0;
	free(mail.subject);
	buf_free(&mail.told);
}

static void
add_news(struct buf *text, sqlite3_stmt *row, enum news kind)
{
	static const char *const title[NEWS] = {
	    "FAILED", "STILL FAILING", "WELL AGAIN", "LOST", "LEFT OUT"};

	buf_printf(text, "%s: ", title[kind]);
	msg_harmless(text, text_at(row, 1), strlen(text_at(row, 1)));
	if (kind == OVER) {
		buf_adds(text, "\n\n");
		return;
	}
	if (kind <= REMINDER)
		buf_printf(text, "\n    since %s, exit code %d",
		    show_time(sqlite3_column_int64(row, 2)), sqlite3_column_int(row, 3));
	buf_adds(text, "\n    ");
	msg_harmless(text, text_at(row, 4), strlen(text_at(row, 4)));
	buf_adds(text, "\n\n");
}

/* 1 if there is news. */
static int
compose(struct settings *s, int64_t now, struct buf *text)
{
	static const char *const count[NEWS] = {
	    "failed", "still failing", "well again", "lost", "left out"};
	sqlite3_stmt *row = db_ask(s, mail_query, "i", now);
	int n[NEWS] = {0}, kind, any = 0;
	struct buf subject = {0};
	char host[256] = "";

	while (db_row(s, row)) {
		kind = sqlite3_column_int(row, 0);
		if (n[kind]++ < MAX_LINES)
			add_news(text, row, (enum news)kind);
		buf_adds(&mail.told, text_at(row, 5));
	}
	(void)gethostname(host, sizeof(host) - 1);
	buf_printf(&subject, "praic on %s:", host);
	for (kind = 0; kind < NEWS; kind++) {
		if (n[kind] > MAX_LINES)
			buf_printf(text, "and %d more: %s\n\n", n[kind] - MAX_LINES, count[kind]);
		if (n[kind] > 0)
			buf_printf(&subject, "%s %d %s", any++ ? "," : "", n[kind], count[kind]);
	}
	buf_adds(text,
	    "praic-conf status shows the state, praic-conf log the messages of the filters.\n"
	    "praic-conf status shows losses until praic-conf ack.\n");
	mail.subject = xstrdup(buf_text(&subject));
	buf_free(&subject);
	return s->code == 0 && any;
}

void
report_mail(struct settings *s, int64_t now)
{
	const char *argv[] = {"praic-mail", "--subject", NULL, NULL};
	struct buf text = {0};
	char *server;

	if (mail.busy || (mail.failed <= now && now - mail.failed < MAIL_WAIT))
		return;
	server = settings_text(s, "notify-server");
	if (server != NULL) {
		mail.busy = compose(s, now, &text);
		argv[2] = mail.subject;
		if (mail.busy && job_other(argv, &text, mail_ended) == -1) {
			mail.busy = 0;
			mail.failed = now;
		}
		if (!mail.busy) {
			free(mail.subject);
			buf_free(&mail.told);
		}
	}
	buf_free(&text);
	free(server);
}

static void
metrics_ended(struct settings *s, int code, const char *reason)
{
	(void)s;
	if (code != 0)
		report_say(0, "metrics: %s (%d)", reason, code);
}

void
report_metrics(struct settings *s)
{
	const char *argv[] = {"praic-conf", "metrics", NULL, NULL};
	struct buf nothing = {0};
	char *path = settings_text(s, "metrics");

	if ((argv[2] = path) != NULL)
		(void)job_other(argv, &nothing, metrics_ended);
	free(path);
}

/*
 * The plan.
 */

static void
show_schedule(sqlite3_stmt *row, int64_t now)
{
	const struct due due = {db_column(row, 1), db_column(row, 2), db_column(row, 3)};
	int64_t t = due_next(&due, db_column(row, 4), now);
	int i;

	printf("# schedule %s:\n", text_at(row, 0));
	for (i = 0, t = t < now ? now : t; i < 5; i++, t = due_after(&due, t))
		printf("#     %s\n", show_time(t));
}

int
report_plan(struct settings *s, int64_t now)
{
	sqlite3_stmt *row = db_ask(s,
	    "SELECT name, created, every, at, last_due FROM schedule WHERE enabled ORDER BY name",
	    "");

	while (db_row(s, row))
		show_schedule(row, now);
	/* For a shell: quote a site's name that has blanks. */
	row = db_ask(s,
	    "SELECT CASE WHEN step = 'fetch' AND site GLOB '*[^A-Za-z0-9._-]*' THEN"
	    "  'fetch ''' || replace(site, '''', '''\\''''') || ''' ' || data ELSE name END,"
	    " next, next > ?1 FROM job_view WHERE enabled ORDER BY id",
	    "i", now);
	while (db_row(s, row)) {
		printf("praic-run %s", text_at(row, 0));
		if (sqlite3_column_int(row, 2) != 0)
			printf("\t# waits until %s", show_time(db_column(row, 1)));
		putchar('\n');
	}
	if (s->code == 0 && fflush(stdout) == EOF) {
		msg_errno("standard output");
		return EX_IOERR;
	}
	return s->code;
}
