/*
 * praic-conf setting: the guide's "Application Settings" and "Notification
 * Settings"; and praic-conf notify, its "Send Test".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "code.h"
#include "conf_object.h"
#include "conf_mail.h"
#include "conf_secret.h"
#include "conf_show.h"
#include "conf_spool.h"
#include "file.h"
#include "msg.h"
#include "secret.h"

#define MAX_JOBS 64 /* praic-fetch's own limit */

static const struct settings_field *
find(const char *name)
{
	const struct settings_field *f = settings_field(settings_fields, name);

	if (f == NULL)
		msg_warn("there is no setting %s; praic-conf setting list shows them", name);
	return f;
}

static int
write_value(struct conf *c, const char *sql, const char *name, const char *value)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);

	if (stmt != NULL) {
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
		if (value != NULL)
			sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
	}
	return settings_run(c->s, stmt, "writing to it");
}

static int
forget(struct conf *c, const char *name)
{
	return write_value(c, "DELETE FROM setting WHERE name = ?1", name, NULL);
}

static int
set_one(struct conf *c, const char *operand, int *mail)
{
	const char *given;
	const struct settings_field *f =
	    object_operand(settings_fields, 0, "setting", operand, &given);
	char *value = NULL, *what;
	int code;

	if (f == NULL)
		return EX_USAGE;
	*mail |= strncmp(f->name, "notify-", 7) == 0;
	if (*given == '\0')
		return forget(c, f->name);
	what = xasprintf("setting %s", f->name);
	if (f->form == SETTINGS_SECRET)
		code = conf_secret(what, given, &value);
	else
		code = settings_parse(f, what, given, &value);
	free(what);
	if (code == 0)
		code = write_value(c,
		    "INSERT INTO setting (name, value) VALUES (?1, ?2) "
		    "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		    f->name, value);
	secret_free(value);
	return code;
}

/* A directory that the scheduler is to write to. */
static int
check_directory(struct conf *c, const char *name)
{
	char *path;
	int code = settings_text(c->s, name, &path);

	if (code == 0 && path == NULL) {
		msg_warn("setting %s: the scheduler cannot do without", name);
		code = EX_USAGE;
	} else if (code == 0 && file_make_dirs(path) == -1) {
		msg_errno("setting %s: %s", name, path);
		code = EX_CANTCREAT;
	}
	free(path);
	return code;
}

static int
check_range(struct conf *c, const char *name, int64_t low, int64_t high)
{
	int64_t v = low;
	char *text;
	int code = settings_text(c->s, name, &text);

	if (code == 0 && text != NULL)
		code = settings_number(c->s, name, &v);
	free(text);
	if (code == 0 && (v < low || v > high)) {
		msg_warn("setting %s: from %lld to %lld", name, (long long)low, (long long)high);
		code = EX_USAGE;
	}
	return code;
}

/* What is true of all settings together. */
static int
check(struct conf *c, int mail)
{
	int64_t retention = 0;
	int code = settings_number(c->s, "retention-days", &retention);

	if (code == 0)
		code = check_range(c, "retention-days", 1, 36500);
	if (code == 0)
		code = check_range(c, "sweep-days", 1, retention);
	if (code == 0)
		code = check_range(c, "overlap", 0, 7 * 86400);
	if (code == 0)
		code = check_range(c, "jobs", 1, MAX_JOBS);
	if (code == 0)
		code = check_range(c, "stage-time", 60, 7 * 86400);
	if (code == 0)
		code = check_range(c, "notify-port", 1, 65535);
	if (code == 0)
		code = check_directory(c, "spool");
	if (code == 0)
		code = check_directory(c, "log-directory");
	if (code == 0 && mail) {
		code = conf_mail_could(c->s);
		if (code != EX_USAGE && code != EX_CONFIG)
			code = 0;
	}
	return code;
}

static int
set(struct conf *c, int argc, char **argv)
{
	char *spool = NULL;
	int i, mail = 0, code = settings_begin(c->s);

	if (code == 0)
		code = settings_text(c->s, "spool", &spool);
	for (i = 0; i < argc && code == 0; i++) {
		if (spool != NULL && strncmp(argv[i], "spool=", 6) == 0 &&
		    strcmp(argv[i] + 6, spool) != 0)
			code = conf_spool_leave(c->s, spool);
		if (code == 0)
			code = set_one(c, argv[i], &mail);
	}
	if (code == 0)
		code = check(c, mail);
	if (code == 0)
		code = settings_commit(c->s);
	settings_rollback(c->s);
	free(spool);
	return code;
}

static int
unset(struct conf *c, int argc, char **argv)
{
	int i, code = settings_begin(c->s);

	for (i = 0; i < argc && code == 0; i++)
		code = find(argv[i]) == NULL ? EX_USAGE : forget(c, argv[i]);
	if (code == 0)
		code = check(c, 0);
	if (code == 0)
		code = settings_commit(c->s);
	settings_rollback(c->s);
	return code;
}

/* Is a secret set?  As it is stored, for it is only shown to be there. */
static int
show_secret(struct conf *c, struct show *s, const char *name)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, "SELECT value FROM setting WHERE name = ?1");

	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		show_text(s, conf_secret_shown((const char *)sqlite3_column_text(stmt, 0)));
	else
		show_null(s);
	sqlite3_finalize(stmt);
	return 0;
}

static int
show_value(struct conf *c, struct show *s, const struct settings_field *f)
{
	char *text = NULL;
	int64_t v = 0;
	int code;

	if (f->form == SETTINGS_SECRET)
		return show_secret(c, s, f->name);
	code = settings_text(c->s, f->name, &text);
	if (code == 0 && text != NULL &&
	    (f->form == SETTINGS_COUNT || f->form == SETTINGS_SIZE || f->form == SETTINGS_SPAN))
		code = settings_number(c->s, f->name, &v);
	if (code != 0 || text == NULL)
		show_null(s);
	else if (f->form == SETTINGS_COUNT || f->form == SETTINGS_SIZE)
		show_int(s, v);
	else if (f->form == SETTINGS_SPAN)
		show_span(s, v);
	else
		show_text(s, text);
	free(text);
	return code;
}

static int
show(struct conf *c, int argc, char **argv)
{
	static const char *const head[] = {"name", "value", NULL};
	const struct settings_field *f = find(argv[0]);
	struct show *s;
	int code;

	(void)argc;
	if (f == NULL)
		return EX_USAGE;
	s = show_new(head);
	show_text(s, f->name);
	code = show_value(c, s, f);
	if (code == 0)
		return show_row(s, c);
	show_free(s);
	return code;
}

static int
list(struct conf *c, int argc, char **argv)
{
	static const char *const head[] = {"name", "value", "meaning", NULL};
	const struct settings_field *f;
	struct show *s = show_new(head);
	int code = 0;

	(void)argc;
	(void)argv;
	for (f = settings_fields; f->name != NULL && code == 0; f++) {
		show_text(s, f->name);
		code = show_value(c, s, f);
		show_text(s, f->help);
	}
	if (code == 0)
		return show_rows(s, c);
	show_free(s);
	return code;
}

static int
notify_test(struct conf *c, int argc, char **argv)
{
	int code;

	(void)argc;
	(void)argv;
	if (!conf_mail_wanted(c->s)) {
		msg_warn("no mail is sent: notify-server, notify-from and notify-to are needed "
			 "(praic-conf setting set)");
		return EX_CONFIG;
	}
	code = conf_mail_send("praic: a test",
	    "This is the test that praic-conf(1) sends.\n"
	    "Failures of transfers will be reported to this address.\n",
	    0);
	if (code == 0 && printf("sent\n") < 0)
		code = EX_IOERR;
	return code;
}

const struct conf_verb conf_setting_verbs[] = {{"set", set, 1, -1, 1, "NAME=[VALUE] ..."},
    {"unset", unset, 1, -1, 1, "NAME ..."}, {"show", show, 1, 1, 0, "NAME"},
    {"list", list, 0, 0, 0, ""}, {0}};

const struct conf_verb conf_notify_verbs[] = {{"test", notify_test, 0, 0, 0, ""}, {0}};
