/*
 * praic-conf destination: the guide's "Configure the File System or SQL
 * Server Plugins", and commands of one's own.  Whether a destination could
 * work is its filter's to say: it is started with an empty stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "code.h"
#include "conf_object.h"
#include "conf_run.h"
#include "conf_show.h"
#include "msg.h"
#include "secret.h"
#include "tables.h"

/* Does a connection string name a password itself? */
static int
has_password(const char *p)
{
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == ';')) {
		p += strspn(p, " \t;");
		n = strcspn(p, "=;");
		while (n > 0 && p[n - 1] == ' ')
			n--;
		if ((n == 8 && strncasecmp(p, "password", n) == 0) ||
		    (n == 3 && strncasecmp(p, "pwd", n) == 0))
			return 1;
		n = strcspn(p, ";");
	}
	return 0;
}

static int
tidy(struct object *o, const struct settings_field *f, char **value)
{
	const char *path;

	if (strcmp(f->name, "connection") != 0)
		return 0;
	path = settings_connection_path(*value);
	if (path != NULL && *path != '/') {
		msg_warn("destination %s: connection %s: give the whole path: the scheduler has a "
			 "working directory of its own",
		    o->name, *value);
		return EX_USAGE;
	}
	if (path == NULL && has_password(*value)) {
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

/* The connection string with its password, to be freed with secret_free; NULL
 * after a message, and *code. */
static char *
whole_connection(const struct object *o, int *code)
{
	const char *stored = object_value(o, "password"), *password = stored;
	size_t mark = strlen(SETTINGS_PLAIN);
	char *whole;

	if (stored != NULL && strncmp(stored, SETTINGS_PLAIN, mark) == 0)
		password = secret_hold(stored + mark);
	whole = settings_connection(object_value(o, "connection"), password, code);
	/* A reference that only the service can follow is no fault. */
	if (whole == NULL && password == stored)
		*code = EX_UNAVAILABLE;
	return whole;
}

static int
check_sql(const struct object *o)
{
	const char *connection = object_value(o, "connection");
	const char *path = settings_connection_path(connection);
	char *whole = NULL;
	struct run r;
	int code = 0;

	if (path != NULL && object_value(o, "password") != NULL) {
		msg_warn("destination %s: an SQLite database has no password; its file's mode "
			 "guards it",
		    o->name);
		return EX_USAGE;
	}
	if (path == NULL && (whole = whole_connection(o, &code)) == NULL)
		return code;
	run_start(&r, "praic-tosql");
	run_add(&r, "--dry-run");
	if (object_value(o, "timeout") != NULL)
		run_option(&r, "--timeout", object_value(o, "timeout"));
	if (path != NULL)
		run_option(&r, "-d", connection);
	else if (run_text(&r, "-d", whole) == -1)
		code = EX_OSERR;
	secret_free(whole);
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
	"NAME sql connection=PATH|STRING [FIELD=VALUE ...]\n"
	"       praic-conf destination add NAME fs directory=PATH [FIELD=VALUE ...]\n"
	"       praic-conf destination add NAME exec command=COMMAND"},
    {"set", object_set, 2, -1, 1, "NAME FIELD=[VALUE] ..."}, {"show", object_show, 1, 1, 0, "NAME"},
    {"list", list, 0, 0, 0, ""}, {"rename", object_rename, 2, 2, 1, "NAME NEW-NAME"},
    {"remove", object_remove, 1, 1, 1, "NAME"}, {"test", test, 1, 1, 0, "NAME"}, {0}};
