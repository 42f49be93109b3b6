/*
 * praic-conf schedule: when transfers are due; the guide's "Set the
 * Integration Client Schedule".  What is moved then: conf_transfer.c.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "conf_object.h"
#include "conf_show.h"
#include "msg.h"
#include "num.h"
#include "sched_due.h"
#include "sched_zone.h"
#include "when.h"

struct schedule {
	int64_t period;
	int at; /* minutes after midnight, or DUE_NO_TIME */
};

static int
set_period(struct schedule *s, const char *name, const char *text)
{
	if (when_parse_span(text, &s->period) == -1 || s->period < DUE_MIN_PERIOD ||
	    s->period > DUE_MAX_PERIOD || s->period % 60 != 0) {
		msg_warn("schedule %s: every=%s: from 1m to 7d, in whole minutes", name, text);
		return EX_USAGE;
	}
	return 0;
}

static int
set_at(struct schedule *s, const char *name, const char *text)
{
	uint64_t hour, minute;

	if (*text == '\0') {
		s->at = DUE_NO_TIME;
		return 0;
	}
	if (strlen(text) != 5 || text[2] != ':' || num_parse_count(text, 2, 23, &hour) == -1 ||
	    num_parse_count(text + 3, 2, 59, &minute) == -1) {
		msg_warn("schedule %s: at=%s: a time of day such as 03:30", name, text);
		return EX_USAGE;
	}
	s->at = (int)(hour * 60 + minute);
	return 0;
}

static int
set_fields(struct schedule *s, const char *name, int argc, char **argv)
{
	int i, code = 0;

	for (i = 0; i < argc && code == 0; i++) {
		if (strncmp(argv[i], "every=", 6) == 0)
			code = set_period(s, name, argv[i] + 6);
		else if (strncmp(argv[i], "at=", 3) == 0)
			code = set_at(s, name, argv[i] + 3);
		else {
			msg_warn("schedule %s: %s: every=SPAN or at=HH:MM", name, argv[i]);
			code = EX_USAGE;
		}
	}
	if (code == 0 && s->period == 0) {
		msg_warn("schedule %s: every=SPAN is missing", name);
		code = EX_USAGE;
	}
	if (code == 0 && s->at != DUE_NO_TIME && s->period % 86400 != 0) {
		msg_warn("schedule %s: only one that runs every so many days has a time of day "
			 "(every=1d ... every=7d)",
		    name);
		code = EX_USAGE;
	}
	if (code == 0 && s->at != DUE_NO_TIME)
		code = zone_check();
	return code;
}

static int
store(struct conf *c, const char *sql, const char *name, const struct schedule *s)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);

	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, s->period);
	if (s->at != DUE_NO_TIME)
		sqlite3_bind_int(stmt, 3, s->at);
	sqlite3_bind_int64(stmt, 4, (int64_t)time(NULL));
	return settings_run(c->s, stmt, "writing to it");
}

static int
add(struct conf *c, int argc, char **argv)
{
	struct schedule s = {.at = DUE_NO_TIME};
	int code = object_name("schedule", argv[0]);

	if (code == 0)
		code = set_fields(&s, argv[0], argc - 1, argv + 1);
	if (code == 0)
		code = store(c,
		    "INSERT INTO schedule (name, period, at, created) "
		    "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO NOTHING",
		    argv[0], &s);
	if (code == 0 && sqlite3_changes(settings_handle(c->s)) == 0) {
		msg_warn("schedule \"%s\" is there already; praic-conf schedule set changes it",
		    argv[0]);
		code = EX_USAGE;
	}
	return code;
}

/* A new period counts from now; a new time of day does, too. */
static int
set(struct conf *c, int argc, char **argv)
{
	struct schedule s = {.at = DUE_NO_TIME};
	sqlite3_stmt *stmt;
	int code;
	int64_t id = object_id(c, "schedule", argv[0], &code);

	if (id == 0)
		return code;
	stmt = settings_prepare(c->s, "SELECT period, at FROM schedule WHERE id = ?1");
	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_int64(stmt, 1, id);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		s.period = sqlite3_column_int64(stmt, 0);
		if (sqlite3_column_type(stmt, 1) != SQLITE_NULL)
			s.at = sqlite3_column_int(stmt, 1);
	}
	sqlite3_finalize(stmt);
	code = set_fields(&s, argv[0], argc - 1, argv + 1);
	if (code == 0)
		code = store(c,
		    "UPDATE schedule SET period = ?2, at = ?3, created = ?4 "
		    "WHERE name = ?1",
		    argv[0], &s);
	return code;
}

#define COLUMNS                                                                                    \
	"name, period, CASE WHEN at IS NOT NULL THEN printf('%02d:%02d', at / 60, "                \
	"at % 60) END, enabled, (SELECT count(*) FROM transfer WHERE schedule_id = schedule.id), " \
	"last_run"

static const char *const head[] = {"name", "every", "at", "enabled", "transfers", "last_run", NULL};
static const enum show_as shown[] = {
    SHOW_TEXT, SHOW_SPAN, SHOW_TEXT, SHOW_FLAG, SHOW_INT, SHOW_TIME};

static int
show(struct conf *c, int argc, char **argv)
{
	struct show *s;
	sqlite3_stmt *stmt;
	int code;
	int64_t id = object_id(c, "schedule", argv[0], &code);

	(void)argc;
	if (id == 0)
		return code;
	stmt = settings_prepare(c->s, "SELECT " COLUMNS " FROM schedule WHERE id = ?1");
	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 1, id);
	s = show_statement(c, stmt, head, shown);
	return s == NULL ? EX_IOERR : show_row(s, c);
}

static int
list(struct conf *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show_query(c, "SELECT " COLUMNS " FROM schedule ORDER BY name", head, shown);
}

static int
change(struct conf *c, const char *name, const char *sql)
{
	sqlite3_stmt *stmt;
	int code;
	int64_t id = object_id(c, "schedule", name, &code);

	if (id == 0)
		return code;
	stmt = settings_prepare(c->s, sql);
	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 1, id);
	return settings_run(c->s, stmt, "writing to it");
}

static int
enable(struct conf *c, int argc, char **argv)
{
	(void)argc;
	return change(c, argv[0], "UPDATE schedule SET enabled = 1 WHERE id = ?1");
}

static int
disable(struct conf *c, int argc, char **argv)
{
	(void)argc;
	return change(c, argv[0], "UPDATE schedule SET enabled = 0 WHERE id = ?1");
}

/* With its transfers and their marks: only where there are none. */
static int
remove_it(struct conf *c, int argc, char **argv)
{
	int code;

	(void)argc;
	code = change(c, argv[0],
	    "DELETE FROM schedule WHERE id = ?1 AND NOT EXISTS "
	    "(SELECT 1 FROM transfer WHERE schedule_id = ?1)");
	if (code == 0 && sqlite3_changes(settings_handle(c->s)) == 0) {
		msg_warn("schedule \"%s\" has transfers; remove them first (praic-conf transfer "
			 "list), for their marks go with them",
		    argv[0]);
		code = EX_USAGE;
	}
	return code;
}

/* It is edited here; only names are handled as those of others. */
const struct object_type conf_schedule_type = {"schedule", NULL, NULL, NULL};

const struct conf_verb conf_schedule_verbs[] = {{"add", add, 2, 3, 1, "NAME every=SPAN [at=HH:MM]"},
    {"set", set, 2, 3, 1, "NAME [every=SPAN] [at=[HH:MM]]"}, {"show", show, 1, 1, 0, "NAME"},
    {"list", list, 0, 0, 0, ""}, {"enable", enable, 1, 1, 1, "NAME"},
    {"disable", disable, 1, 1, 1, "NAME"}, {"rename", object_rename, 2, 2, 1, "NAME NEW-NAME"},
    {"remove", remove_it, 1, 1, 1, "NAME"}, {0}};
