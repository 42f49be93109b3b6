/*
 * praic-conf destination: the guide's "Configure the File System or SQL
 * Server Plugins", and commands of one's own.  Whether a destination could
 * work is its filter's to say: it is started with an empty stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "code.h"
#include "conf_object.h"
#include "conf_run.h"
#include "conf_show.h"
#include "connstr.h"
#include "msg.h"
#include "secret.h"
#include "tables.h"

static int
tidy(struct object *o, const struct settings_field *f, char **value)
{
	enum connstr_kind kind;
	const char *target;

	if (strcmp(f->name, "connection") != 0)
		return 0;
	kind = connstr_kind(*value, &target);
	if (kind != CONNSTR_TEXT && *target != '/') {
		msg_warn("destination %s: connection %s: give the whole path: the scheduler has a "
			 "working directory of its own",
		    o->name, *value);
		return EX_USAGE;
	}
	if (kind == CONNSTR_TEXT && connstr_has_password(*value)) {
		msg_warn(
		    "destination %s: connection: it holds a password, which everybody on "
		    "this machine could read in an argument, so change it; password=- asks for "
		    "it",
		    o->name);
		return EX_USAGE;
	}
	return 0;
}

/* Start it with nothing to do. */
static int
run_empty(struct run *r)
{
	struct buf stream = {0};
	int code = run_empty_stream(&stream, TABLE_SET_REPORT);

	if (code == 0)
		code = run_end(r, stream.p, stream.n);
	else
		run_free(r);
	buf_free(&stream);
	return code;
}

/* 0, or a code after a message. */
static int
add_password(struct run *r, const struct object *o, const char *stored)
{
	const char *target;
	size_t mark = strlen(SETTINGS_PLAIN);
	char *secret;
	int code;

	if (strncmp(stored, SETTINGS_PLAIN, mark) == 0)
		return run_secret(r, "--password", stored + mark) == -1 ? EX_OSERR : 0;
	if (connstr_kind(object_value(o, "connection"), &target) != CONNSTR_SQLITE) {
		/* A reference that only the service can follow is no fault. */
		if ((secret = secret_get(stored, "database password", &code)) == NULL)
			return EX_UNAVAILABLE;
		secret_free(secret);
	}
	run_option(r, "--password", stored);
	return 0;
}

static int
add_sql_field(struct run *r, const struct object *o, const struct settings_field *f)
{
	const char *value = object_value(o, f->name);
	char *option;

	if (strcmp(f->name, "connection") == 0)
		run_option(r, "-d", value);
	else if (strcmp(f->name, "password") == 0)
		return add_password(r, o, value);
	else if (f->form != SETTINGS_FLAG) {
		option = xasprintf("--%s", f->name);
		run_option(r, option, value);
		free(option);
	} else if (*value == '0')
		run_add(r, "--no-system-information");
	return 0;
}

static int
check_sql(const struct object *o)
{
	const struct settings_field *f;
	struct run r;
	int code = 0;

	run_start(&r, "praic-tosql");
	run_add(&r, "--dry-run");
	for (f = o->type->fields; f->name != NULL && code == 0; f++)
		if (object_value(o, f->name) != NULL)
			code = add_sql_field(&r, o, f);
	if (code == 0)
		return run_empty(&r);
	run_free(&r);
	return code;
}

/* A field is the option of its name; but one option has all of the formats. */
static void
add_fs_field(struct run *r, const struct settings_field *f, const char *value)
{
	char *option = xasprintf("--%s", f->name), *format;

	if (strncmp(f->name, "format", 6) == 0) {
		format = xasprintf("%s=%s", f->name[6] == '-' ? f->name + 7 : "all", value);
		run_option(r, "--format", format);
		free(format);
	} else if (f->form != SETTINGS_FLAG)
		run_option(r, option, value);
	else if (*value == '1')
		run_add(r, option);
	free(option);
}

static int
check_fs(const struct object *o)
{
	const struct settings_field *f;
	struct run r;

	run_start(&r, "praic-tofs");
	for (f = o->type->fields; f->name != NULL; f++)
		if (object_value(o, f->name) != NULL)
			add_fs_field(&r, f, object_value(o, f->name));
	return run_empty(&r);
}

/* Of a command only its syntax can be known. */
static int
check_exec(const struct object *o)
{
	struct run r;
	int code;

	run_start(&r, "sh");
	run_add(&r, "-n");
	run_option(&r, "-c", object_value(o, "command"));
	code = run_end(&r, NULL, 0);
	return code == 0 || code == EX_OSERR ? code : EX_USAGE;
}

static int
check(const struct object *o)
{
	switch (o->kind) {
	case SETTINGS_SQL:
		return check_sql(o);
	case SETTINGS_FS:
		return check_fs(o);
	default:
		return check_exec(o);
	}
}

const struct object_type conf_destination_type = {
    "destination", settings_destination_fields, tidy, check};

static int
add(struct conf *c, int argc, char **argv)
{
	int kind = settings_kind(argv[1]);

	if (kind == 0) {
		msg_warn("destination %s: %s: its kind is sql, fs or exec", argv[0], argv[1]);
		return EX_USAGE;
	}
	return object_add(c, argv[0], kind, argc - 2, argv + 2);
}

static int
list(struct conf *c, int argc, char **argv)
{
	static const char *const head[] = {"name", "kind", "target", "transfers", NULL};
	static const enum show_as as[] = {SHOW_TEXT, SHOW_TEXT, SHOW_TEXT, SHOW_INT};

	(void)argc;
	(void)argv;
	return show_query(c,
	    "SELECT name, kind, coalesce(connection, directory, command), "
	    "(SELECT count(*) FROM transfer WHERE destination_id = destination.id) "
	    "FROM destination ORDER BY name",
	    head, as);
}

static int
test(struct conf *c, int argc, char **argv)
{
	struct object o;
	struct run r;
	int code = object_load(c, &conf_destination_type, argv[0], &o);

	(void)argc;
	if (code != 0)
		return code;
	if (o.kind == SETTINGS_EXEC) {
		run_start(&r, "sh");
		run_option(&r, "-c", object_value(&o, "command"));
	} else {
		run_start(&r, o.kind == SETTINGS_SQL ? "praic-tosql" : "praic-tofs");
		run_option(&r, "-D", argv[0]);
		if (o.kind == SETTINGS_SQL)
			run_add(&r, "--dry-run");
	}
	r.quiet = c->quiet;
	code = run_empty(&r);
	if (code == 0 && !c->quiet && printf("%s: ok\n", argv[0]) < 0)
		code = EX_IOERR;
	object_free(&o);
	return code;
}

const struct conf_verb conf_destination_verbs[] = {
    {"add", add, 2, -1, 1,
	"NAME sql connection=PATH|STRING|@FILE [FIELD=VALUE ...]\n"
	"       praic-conf destination add NAME fs directory=PATH [FIELD=VALUE ...]\n"
	"       praic-conf destination add NAME exec command=COMMAND"},
    {"set", object_set, 2, -1, 1, "NAME FIELD=[VALUE] ..."}, {"show", object_show, 1, 1, 0, "NAME"},
    {"list", list, 0, 0, 0, ""}, {"rename", object_rename, 2, 2, 1, "NAME NEW-NAME"},
    {"remove", object_remove, 1, 1, 1, "NAME"}, {"test", test, 1, 1, 0, "NAME"}, {0}};
