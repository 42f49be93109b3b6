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
		    "working directory of its own", o->name, *value);
		return EX_USAGE;
	}
	if (path == NULL && has_password(*value)) {
		msg_warn("destination %s: connection: it holds a password, which everybody on "
		    "this machine could read in an argument, so change it; password=- asks for "
		    "it", o->name);
		return EX_USAGE;
	}
	return 0;
}

static void
option(struct run *r, const struct object *o, const char *field, const char *name)
{
	const char *value = object_value(o, field);

	if (value != NULL)
		run_option(r, name, value);
}

static void
flag(struct run *r, const struct object *o, const char *field, const char *name)
{
	const char *value = object_value(o, field);

	if (value != NULL && *value == '1')
		run_add(r, name);
}

/* Start it with nothing to do. */
static int
run_empty(struct run *r, unsigned tables)
{
	struct buf stream = {0};
	int code = run_empty_stream(&stream, tables);

	if (code == 0)
		code = run_end(r, stream.p, stream.n);
	buf_free(&stream);
	return code;
}

static int
check_sql(const struct object *o)
{
	const char *connection = object_value(o, "connection");
	const char *path = settings_connection_path(connection);
	const char *stored = object_value(o, "password"), *password = stored;
	size_t mark = strlen(SETTINGS_PLAIN);
	char *whole = NULL, *target = NULL;
	struct run r;
	int code = 0;

	if (path != NULL && password != NULL) {
		msg_warn("destination %s: an SQLite database has no password; its file's mode "
		    "guards it", o->name);
		return EX_USAGE;
	}
	run_start(&r, "praic-tosql");
	run_add(&r, "--dry-run");
	if (path == NULL) {
		if (password != NULL && strncmp(stored, SETTINGS_PLAIN, mark) == 0)
			password = secret_hold(stored + mark);
		whole = settings_connection(connection, password, &code);
		/* A reference that only the service can follow is no fault. */
		if (whole == NULL)
			return password != stored ? code : EX_UNAVAILABLE;
		target = run_text(&r, whole);
		secret_free(whole);
	}
	if (path == NULL && target == NULL)
		return EX_OSERR;
	run_option(&r, "-d", path != NULL ? connection : target);
	option(&r, o, "timeout", "--timeout");
	code = run_empty(&r, TABLE_SET_REPORT);
	free(target);
	return code;
}

static int
check_fs(const struct object *o)
{
	static const char *const kinds[] = {"session", "recording", "shell", "screen", "backup"};
	char *field, *format[5] = {NULL};
	const char *value;
	struct run r;
	int code;
	size_t i;

	run_start(&r, "praic-tofs");
	option(&r, o, "directory", "-d");
	option(&r, o, "conflict", "-c");
	option(&r, o, "retain", "-r");
	option(&r, o, "mode", "-m");
	flag(&r, o, "in-progress", "-p");
	flag(&r, o, "fold-case", "--fold-case");
	if ((value = object_value(o, "format")) != NULL) {
		field = xasprintf("all=%s", value);
		run_option(&r, "-f", field);
	} else
		field = NULL;
	for (i = 0; i < 5; i++) {
		char *name = xasprintf("format-%s", kinds[i]);

		value = object_value(o, name);
		free(name);
		if (value == NULL)
			continue;
		format[i] = xasprintf("%s=%s", kinds[i], value);
		run_option(&r, "-f", format[i]);
	}
	code = run_empty(&r, TABLE_SET_REPORT);
	free(field);
	for (i = 0; i < 5; i++)
		free(format[i]);
	return code;
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
	"destination", settings_destination_fields, tidy, check
};

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
	return show_query(c, "SELECT name, kind, coalesce(connection, directory, command), "
	    "(SELECT count(*) FROM transfer WHERE destination_id = destination.id) "
	    "FROM destination ORDER BY name", head, as);
}

static int
test(struct conf *c, int argc, char **argv)
{
	struct buf stream = {0};
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
	code = run_empty_stream(&stream, TABLE_SET_REPORT);
	r.quiet = c->quiet;
	if (code == 0)
		code = run_end(&r, stream.p, stream.n);
	if (code == 0 && !c->quiet && printf("%s: ok\n", argv[0]) < 0)
		code = EX_IOERR;
	buf_free(&stream);
	object_free(&o);
	return code;
}

const struct conf_verb conf_destination_verbs[] = {
	{"add", add, 2, -1, 1, "NAME sql connection=PATH|STRING [FIELD=VALUE ...]\n"
	    "       praic-conf destination add NAME fs directory=PATH [FIELD=VALUE ...]\n"
	    "       praic-conf destination add NAME exec command=COMMAND"},
	{"set", object_set, 2, -1, 1, "NAME FIELD=[VALUE] ..."},
	{"show", object_show, 1, 1, 0, "NAME"},
	{"list", list, 0, 0, 0, ""},
	{"rename", object_rename, 2, 2, 1, "NAME NEW-NAME"},
	{"remove", object_remove, 1, 1, 1, "NAME"},
	{"test", test, 1, 1, 0, "NAME"},
	{0}
};
