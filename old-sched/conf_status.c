/*
 * praic-conf status: what the main window of the guide's client showed, and
 * what it did not: marks, what waits, what fails, what will soon be gone.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf.h"
#include "conf_show.h"
#include "sched_due.h"

static int64_t
last_run(struct conf *c, const char *program)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, "SELECT last_run FROM program WHERE name = ?1");
	int64_t t = 0;

	if (stmt == NULL)
		return 0;
	sqlite3_bind_text(stmt, 1, program, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		t = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return t;
}

static void
show_last_run(struct conf *c, struct show *s, const char *program)
{
	int64_t t = last_run(c, program);

	if (t == 0)
		show_null(s);
	else
		show_time(s, t);
}

static struct show *
programs(struct conf *c)
{
	static const char *const head[] = {"program", "running", "last_run", NULL};
	struct show *s = show_new(head);

	show_text(s, "praic-sched");
	show_flag(s, settings_locked(c->s));
	show_last_run(c, s, "praic-sched");
	show_text(s, "praic-conf");
	show_null(s);
	show_last_run(c, s, "praic-conf");
	return s;
}

static void
show_next(struct show *s, sqlite3_stmt *stmt, int64_t now)
{
	struct due due = {.created = sqlite3_column_int64(stmt, 5),
	    .period = sqlite3_column_int64(stmt, 1),
	    .at = DUE_NO_TIME};
	int64_t last = DUE_NEVER;

	if (sqlite3_column_type(stmt, 6) != SQLITE_NULL)
		due.at = sqlite3_column_int(stmt, 6);
	if (sqlite3_column_type(stmt, 7) != SQLITE_NULL)
		last = sqlite3_column_int64(stmt, 7);
	if (sqlite3_column_int(stmt, 3) == 0)
		show_null(s);
	else
		show_time(s, due_next(&due, last, now));
}

static struct show *
schedules(struct conf *c)
{
	static const char *const head[] = {
	    "schedule", "every", "at", "enabled", "transfers", "last_run", "next_run", NULL};
	sqlite3_stmt *stmt = settings_prepare(c->s,
	    "SELECT name, period, "
	    "CASE WHEN at IS NOT NULL THEN printf('%02d:%02d', at / 60, at % 60) END, enabled, "
	    "(SELECT count(*) FROM transfer WHERE schedule_id = schedule.id), created, at, "
	    "last_due, "
	    "last_run FROM schedule ORDER BY name");
	int64_t now = (int64_t)time(NULL);
	struct show *s;
	int rc;

	if (stmt == NULL)
		return NULL;
	s = show_new(head);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		show_column(s, stmt, 0, SHOW_TEXT);
		show_column(s, stmt, 1, SHOW_SPAN);
		show_column(s, stmt, 2, SHOW_TEXT);
		show_column(s, stmt, 3, SHOW_FLAG);
		show_column(s, stmt, 4, SHOW_INT);
		show_column(s, stmt, 8, SHOW_TIME);
		show_next(s, stmt, now);
	}
	if (rc != SQLITE_DONE) {
		settings_failed(c->s, "reading it");
		show_free(s);
		s = NULL;
	}
	sqlite3_finalize(stmt);
	return s;
}

/*
 * "left" is how long the appliance will keep the oldest of what is not yet
 * fetched: what changed before the mark less the overlap has been.
 */
static struct show *
transfers(struct conf *c)
{
	static const char *const head[] = {"number", "schedule", "site", "destination", "kind",
	    "mark", "last_success", "backlog_files", "backlog_bytes", "backlog_since", "left",
	    "failing_since", "retry_at", "reason", NULL};
	static const enum show_as as[] = {SHOW_INT, SHOW_TEXT, SHOW_TEXT, SHOW_TEXT, SHOW_TEXT,
	    SHOW_TIME, SHOW_TIME, SHOW_INT, SHOW_INT, SHOW_TIME, SHOW_SPAN, SHOW_TIME, SHOW_TIME,
	    SHOW_TEXT};
	int64_t retention = 0;
	sqlite3_stmt *stmt;

	if (settings_number(c->s, "retention-days", &retention) != 0)
		return NULL;
	stmt = settings_prepare(c->s,
	    "SELECT t.id, c.name, s.name, d.name, k.kind, k.mark, "
	    "k.last_success, k.backlog_files, k.backlog_bytes, k.backlog_since, "
	    "CASE WHEN k.kind <> 'backup' THEN (k.mark + ?1 - ?2) / 3600 * 3600 END, "
	    "min(f.since), max(f.retry_at), group_concat(f.step || coalesce(': ' || f.reason, ''), "
	    "'; ') FROM transfer t JOIN schedule c ON c.id = t.schedule_id "
	    "JOIN site s ON s.id = t.site_id JOIN destination d ON d.id = t.destination_id "
	    "JOIN transfer_kind k ON k.transfer_id = t.id LEFT JOIN failure f ON "
	    "f.transfer_id = t.id AND f.kind = k.kind AND f.recovered IS NULL AND f.code IS NOT 65 "
	    "GROUP BY t.id, k.kind ORDER BY c.name, t.id, k.kind");
	if (stmt != NULL) {
		sqlite3_bind_int64(stmt, 1, retention * 86400);
		sqlite3_bind_int64(stmt, 2, (int64_t)time(NULL));
	}
	return show_statement(c, stmt, head, as);
}

static int
print(struct conf *c, struct show *const part[3])
{
	static const char *const name[] = {"programs", "schedules", "transfers"};
	static const char *const mark[] = {"program", "schedule", "transfer"};
	json_t *all = json_object();
	int i, code = 0;

	for (i = 0; i < 3; i++) {
		if (c->json) {
			if (json_object_set_new(all, name[i], show_array(part[i])) == -1)
				xnomem();
			continue;
		}
		show_mark(part[i], mark[i]);
		if (i > 0 && isatty(STDOUT_FILENO))
			putchar('\n');
		code = code_worse(code, show_rows(part[i], c));
	}
	if (c->json)
		return show_print(all);
	json_decref(all);
	return code;
}

int
conf_status(struct conf *c, int argc, char **argv)
{
	struct show *part[3];
	int i;

	(void)argc;
	(void)argv;
	part[0] = programs(c);
	part[1] = schedules(c);
	part[2] = transfers(c);
	if (part[1] != NULL && part[2] != NULL)
		return print(c, part);
	for (i = 0; i < 3; i++)
		show_free(part[i]);
	return EX_IOERR;
}
