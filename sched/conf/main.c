/*
 * praic-conf: edits and shows the settings database; praic-conf(1).  Here are
 * the tables of things and verbs, and the command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "conf.h"
#include "msg.h"
#include "secret.h"

#define EDITED(added)                                                                            \
	{"add", row_add, 2, -1, 1, added}, {"set", row_set, 2, -1, 1, "NAME FIELD=[VALUE] ..."}, \
	    {"show", row_show, 1, 1, 0, "NAME"}, {"list", row_list, 0, 0, 0, ""},                \
	    {"rename", row_rename, 2, 2, 1, "NAME NEW-NAME"},                                    \
	{                                                                                        \
		"remove", row_remove, 1, 1, 1, "NAME"                                            \
	}

static const struct verb site_verbs[] = {EDITED("NAME host=HOST client-id=ID FIELD=VALUE ..."),
    {"test", conf_test, 1, 1, 0, "NAME"}, {0}};
static const struct verb destination_verbs[] = {
    EDITED("NAME sql|fs|exec FIELD=VALUE ..."), {"test", conf_test, 1, 1, 0, "NAME"}, {0}};
static const struct verb schedule_verbs[] = {EDITED("NAME every=SPAN [at=HH:MM]"),
    {"enable", row_enable, 1, 1, 1, "NAME"}, {"disable", row_enable, 1, 1, 1, "NAME"}, {0}};
static const struct verb transfer_verbs[] = {
    {"add", row_add, 4, 5, 1, "SCHEDULE SITE DESTINATION KIND[,KIND ...] [since=TIME]"},
    {"set", row_set, 2, -1, 1, "NUMBER FIELD=[VALUE] ..."}, {"show", row_show, 1, 1, 0, "NUMBER"},
    {"list", row_list, 0, 0, 0, ""}, {"remove", row_remove, 1, 1, 1, "NUMBER"}, {0}};
static const struct verb setting_verbs[] = {{"set", row_set, 1, -1, 1, "FIELD=[VALUE] ..."},
    {"unset", row_unset, 1, -1, 1, "FIELD ..."}, {"show", row_list_settings, 1, 1, 0, "FIELD"},
    {"list", row_list_settings, 0, 0, 0, ""}, {0}};
static const struct verb notify_verbs[] = {{"test", test_mail, 0, 0, 0, ""}, {0}};

#define COUNTED(thing) \
	"(SELECT count(*) FROM transfer WHERE " thing "_id = " thing ".id) AS 'transfers:count'"
#define TRANSFER                                                                                   \
	"FROM transfer t JOIN schedule c ON c.id = t.schedule_id JOIN site s ON s.id = t.site_id " \
	"JOIN destination d ON d.id = t.destination_id"
#define KINDS                                                                                  \
	"(SELECT group_concat(kind) FROM (SELECT kind FROM transfer_kind WHERE transfer_id = " \
	"t.id "                                                                                \
	"ORDER BY instr('session recording shell screen backup', kind)))"

/* In the order of their dependencies, which is that of dump and load. */
const struct thing things[] = {
    {"setting", settings_fields, setting_verbs, "", NULL, ask_running, NULL, ask_settings},
    {"site", settings_site_fields, site_verbs, NULL,
	"SELECT name, host, client_id, " COUNTED("site") " FROM site ORDER BY name", ask_site, NULL,
	row_written},
    {"destination", settings_destination_fields, destination_verbs, NULL,
	"SELECT name, kind, coalesce(connection, directory, command) AS target, " COUNTED(
	    "destination") " FROM destination ORDER BY name",
	ask_destination, NULL, row_written},
    {"schedule", settings_schedule_fields, schedule_verbs, NULL,
	"SELECT name, every AS 'every:span', at AS 'at:clock', enabled AS 'enabled:flag', " COUNTED(
	    "schedule") ", last_due AS "
			"'last_due:time' FROM schedule ORDER BY name",
	ask_schedule, NULL, row_written},
    {"transfer", settings_transfer_fields, transfer_verbs,
	"SELECT t.id, t.id, NULL, c.name, s.name, d.name, " KINDS ", NULL " TRANSFER,
	"SELECT t.id AS 'number:count', c.name AS schedule, s.name AS site, d.name AS "
	"destination, " KINDS " AS kinds " TRANSFER " ORDER BY c.name, t.id",
	transfer_check, transfer_write, transfer_written},
    {"notify", NULL, notify_verbs, NULL, NULL, NULL, NULL, NULL}, {0}};

const struct verb alone[] = {{"init", conf_init, 0, 0, 0, ""}, {"status", conf_status, 0, 0, 0, ""},
    {"check", conf_check, 0, 0, 0, ""}, {"runs", conf_runs, 0, -1, 0, "[JOB]"},
    {"retry", conf_retry, 1, -1, 1, "JOB"}, {"ack", conf_ack, 0, 0, 1, ""},
    {"log", conf_log, 0, 1, 0, "[client|scheduler]"}, {"metrics", conf_metrics, 0, 1, 0, "[FILE]"},
    {"dump", conf_dump, 0, 0, 0, ""}, {"load", conf_load, 0, 1, 1, "[FILE]"},
    {"help", conf_help, 1, 1, 0, "site|destination|schedule|transfer|setting"}, {0}};

const struct thing *
thing_find(const char *name)
{
	const struct thing *t;

	for (t = things; t->name != NULL; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

static void
add_usage(struct buf *b, const char *thing, const struct verb *v)
{
	for (; v->name != NULL; v++)
		buf_printf(b, "%spraic-conf %s%s%s%s%s", b->n > 0 ? "\n       " : "", thing,
		    *thing != '\0' ? " " : "", v->name, *v->usage != '\0' ? " " : "", v->usage);
}

/* All verbs, or those of one thing. */
static const char *
usage_text(const struct thing *t)
{
	static struct buf b;

	buf_reset(&b);
	if (t != NULL)
		add_usage(&b, t->name, t->verbs);
	else {
		add_usage(&b, "", alone);
		for (t = things; t->name != NULL; t++)
			add_usage(&b, t->name, t->verbs);
	}
	return buf_text(&b);
}

static const struct command_option options[] = {
    {0, "json", NULL, "print JSON", offsetof(struct conf, json), NULL},
    {0, "force", NULL, "remove a thing with data that is not stored yet",
	offsetof(struct conf, force), NULL},
    {0}};

static struct command command = {NULL,
    "\npraic-conf help THING shows its fields.  Give a secret as file:PATH, env:NAME or\n"
    "credential:NAME, or as -: then it is asked for, or read from standard input.",
    options};

static const struct verb *
find_verb(const struct verb *v, const char *name)
{
	for (; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* The verb, and how many words it took; sets the thing. */
static const struct verb *
find(struct conf *c, int argc, char **argv, int *words)
{
	const struct verb *v = argc > 0 ? find_verb(alone, argv[0]) : NULL;
	const char *thing, *blank;

	*words = 1;
	if (v == NULL && argc > 0 && (c->thing = thing_find(argv[0])) != NULL) {
		*words = 2;
		v = argc > 1 ? find_verb(c->thing->verbs, argv[1]) : NULL;
	}
	if (v != NULL && argc - *words >= v->least && (v->most == -1 || argc - *words <= v->most))
		return v;
	thing = c->thing != NULL ? c->thing->name : "";
	blank = *thing != '\0' ? " " : "";
	if (v != NULL)
		command_usage(&command, "%s%s%s: give %s", thing, blank, v->name,
		    *v->usage != '\0' ? v->usage : "no operand");
	if (argc >= *words)
		command_usage(
		    &command, "%s%s%s: there is no such command", thing, blank, argv[*words - 1]);
	command.usage = usage_text(c->thing);
	command_usage(&command, NULL);
}

static int
run(struct conf *c, int argc, char **argv)
{
	unsigned user = getuid();
	int words, code;
	const struct verb *v;

	if (argc > 0 && strcmp(argv[0], "complete") == 0) {
		if (settings_become_owner() == 0)
			c->db = settings_open(NULL, SETTINGS_OPEN, &code);
		code = conf_complete(c, argc - 1, argv + 1);
		settings_close(c->db);
		return code;
	}
	v = find(c, argc, argv, &words);
	c->verb = v->name;
	if (v->run == conf_help)
		return conf_help(c, argc - words, argv + words);
	if ((code = settings_become_owner()) != 0)
		return code;
	c->db = settings_open(NULL, v->run == conf_init ? SETTINGS_CREATE : SETTINGS_OPEN, &code);
	if (c->db == NULL)
		return code;
	code = v->run(c, argc - words, argv + words);
	code = code != 0 ? code : c->db->code;
	if (code == 0 && v->changes)
		code = spool_tidy(c);
	if (code == 0 && v->changes)
		code = log_note(c, user, argc, argv);
	settings_close(c->db);
	return code;
}

int
main(int argc, char **argv)
{
	struct conf conf = {0};
	int code;

	command_start(argv[0]);
	secret_guard();
	command_extend_path();
	command.usage = usage_text(NULL);
	code = command_options(&command, argc, argv, &conf);
	code = run(&conf, argc - optind, argv + optind);
	if (ferror(stdout) || fclose(stdout) == EOF) {
		msg_errno("standard output");
		code = code_worse(EX_IOERR, code);
	}
	return code;
}
