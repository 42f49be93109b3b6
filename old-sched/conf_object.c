/* Sites and destinations, edited: see conf_object.h. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "code.h"
#include "conf_object.h"
#include "conf_secret.h"
#include "conf_show.h"
#include "msg.h"
#include "secret.h"
#include "utf8.h"

/* In a table, in a log line, in a metric: longer names help nobody. */
#define MAX_NAME 64

int
object_name(const char *what, const char *name)
{
	const char *p, *bad = NULL;

	if (*name == '\0')
		bad = "it is empty";
	else if (strlen(name) > MAX_NAME)
		bad = "it is longer than 64 bytes";
	else if (utf8_valid(name, strlen(name)) != strlen(name))
		bad = "it is no UTF-8";
	else if (*name == '-' || *name == ' ' || name[strlen(name) - 1] == ' ')
		bad = "it begins with a dash or a blank, or ends with one";
	for (p = name; *p != '\0' && bad == NULL; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '=')
			bad = "there is a control character or an equals sign in it";
	if (bad == NULL)
		return 0;
	msg_warn("%s name \"%s\": %s", what, name, bad);
	return EX_USAGE;
}

int64_t
object_id(struct conf *c, const char *table, const char *name, int *code)
{
	char *sql = xasprintf("SELECT id FROM %s WHERE name = ?1", table);
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);
	int64_t id = 0;
	int rc;

	free(sql);
	*code = EX_SOFTWARE;
	if (stmt == NULL)
		return 0;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		id = sqlite3_column_int64(stmt, 0);
		*code = 0;
	} else if (rc == SQLITE_DONE) {
		msg_warn(
		    "there is no %s \"%s\"; praic-conf %s list shows them", table, name, table);
		*code = EX_CONFIG;
	} else
		*code = settings_failed(c->s, "reading it");
	sqlite3_finalize(stmt);
	return id;
}

/* Is it a field of this kind? */
static int
applies(const struct settings_field *f, int kind)
{
	return kind == 0 || (f->kinds & kind) != 0;
}

static void
no_such_field(const struct settings_field *fields, int kind, const char *what, const char *operand)
{
	struct buf names = {0};

	for (; fields->name != NULL; fields++)
		if (applies(fields, kind))
			buf_printf(&names, "%s%s", names.n > 0 ? ", " : "", fields->name);
	/* Without its value: that might be a secret beside a slip of the pen. */
	msg_warn("%s: %.*s: no field NAME=VALUE; there are %s", what, (int)strcspn(operand, "="),
	    operand, buf_text(&names));
	buf_free(&names);
}

const struct settings_field *
object_operand(const struct settings_field *fields, int kind, const char *what, const char *operand,
    const char **value)
{
	size_t n = strcspn(operand, "=");
	char *name = xstrndup(operand, n);
	const struct settings_field *f = settings_field(fields, name);

	free(name);
	if (operand[n] != '=' || f == NULL || !applies(f, kind)) {
		no_such_field(fields, kind, what, operand);
		return NULL;
	}
	*value = operand + n + 1;
	return f;
}

const char *
object_value(const struct object *o, const char *field)
{
	return o->value[settings_field(o->type->fields, field) - o->type->fields];
}

void
object_free(struct object *o)
{
	int i;

	for (i = 0; i < OBJECT_FIELDS; i++)
		secret_free(o->value[i]);
	free(o->name);
	memset(o, 0, sizeof(*o));
}

/* One more text of a list: those of one call make up the new list. */
static char *
append_text(char *list, char *text)
{
	char *both;

	if (list == NULL)
		return text;
	both = xasprintf("%s\n%s", list, text);
	free(list);
	free(text);
	return both;
}

static int
set_field(struct object *o, const struct settings_field *f, const char *given, int *fresh)
{
	char *what = xasprintf("%s %s: %s", o->type->table, o->name, f->name), *value = NULL;
	char **at = &o->value[f - o->type->fields];
	int code;

	if (*given == '\0') { /* NAME= takes the value away */
		secret_free(*at);
		*at = NULL;
		free(what);
		return 0;
	}
	if (f->form == SETTINGS_SECRET)
		code = conf_secret(what, given, &value);
	else
		code = settings_parse(f, what, given, &value);
	if (code == 0 && o->type->tidy != NULL)
		code = o->type->tidy(o, f, &value);
	free(what);
	if (code != 0) {
		secret_free(value);
		return code;
	}
	if (f->form == SETTINGS_LIST && !*fresh)
		*at = append_text(*at, value);
	else {
		secret_free(*at);
		*at = value;
	}
	*fresh = 0;
	return 0;
}

static int
set_fields(struct object *o, int argc, char **argv)
{
	char *what = xasprintf("%s %s", o->type->table, o->name);
	int fresh[OBJECT_FIELDS], i, code = 0;
	const struct settings_field *f;
	const char *given;

	for (i = 0; i < OBJECT_FIELDS; i++)
		fresh[i] = 1;
	for (i = 0; i < argc && code == 0; i++) {
		f = object_operand(o->type->fields, o->kind, what, argv[i], &given);
		code = f == NULL ? EX_USAGE : set_field(o, f, given, &fresh[f - o->type->fields]);
	}
	/* What is needed and secret is asked for; what is needed must be there. */
	for (f = o->type->fields; f->name != NULL && code == 0; f++) {
		int at = (int)(f - o->type->fields);

		if ((o->kind == 0 ? f->needed : f->needed & o->kind) == 0 || o->value[at] != NULL)
			continue;
		if (f->form == SETTINGS_SECRET)
			code = set_field(o, f, "-", &fresh[at]);
		else {
			msg_warn("%s: %s=VALUE is missing: %s", what, f->name, f->help);
			code = EX_USAGE;
		}
	}
	free(what);
	return code;
}

/* What can never work is refused, what does not work now is said. */
static int
check(const struct object *o)
{
	int code = o->type->check(o);

	if (code == 0)
		return 0;
	if (code == EX_USAGE || code == EX_CONFIG) {
		msg_warn("%s %s: it could not work like this; nothing was changed", o->type->table,
		    o->name);
		return code;
	}
	msg_warn("%s %s: stored, though it %s; praic-conf %s test %s tries again", o->type->table,
	    o->name,
	    code == EX_OSERR ? "could not be tried: the fault is this "
			       "machine's" :
			       "does not work now",
	    o->type->table, o->name);
	return 0;
}

static void
column(struct buf *sql, const struct settings_field *f)
{
	const char *p;

	buf_addc(sql, '"');
	for (p = f->name; *p != '\0'; p++)
		buf_addc(sql, *p == '-' ? '_' : *p);
	buf_addc(sql, '"');
}

static int
store(struct conf *c, const struct object *o, const char *sql)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);
	const struct settings_field *f;
	int i = 0;

	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, o->name, -1, SQLITE_STATIC);
	if (o->kind != 0)
		sqlite3_bind_text(stmt, 2, settings_kind_name(o->kind), -1, SQLITE_STATIC);
	for (f = o->type->fields; f->name != NULL; f++, i++)
		if (o->value[i] != NULL)
			sqlite3_bind_text(stmt, 3 + i, o->value[i], -1, SQLITE_STATIC);
	return settings_run(c->s, stmt, "writing to it");
}

static int
insert(struct conf *c, const struct object *o)
{
	const struct settings_field *f;
	struct buf sql = {0};
	int i, code;

	buf_printf(&sql, "INSERT INTO %s (name%s", o->type->table, o->kind != 0 ? ", kind" : "");
	for (f = o->type->fields; f->name != NULL; f++) {
		buf_adds(&sql, ", ");
		column(&sql, f);
	}
	buf_printf(&sql, ") VALUES (?1%s", o->kind != 0 ? ", ?2" : "");
	for (i = 0; i < (int)(f - o->type->fields); i++)
		buf_printf(&sql, ", ?%d", 3 + i);
	buf_addc(&sql, ')');
	code = store(c, o, buf_text(&sql));
	buf_free(&sql);
	return code;
}

static int
update(struct conf *c, const struct object *o)
{
	const struct settings_field *f;
	struct buf sql = {0};
	int i = 0, code;

	buf_printf(&sql, "UPDATE %s SET ", o->type->table);
	for (f = o->type->fields; f->name != NULL; f++, i++) {
		buf_adds(&sql, i > 0 ? ", " : "");
		column(&sql, f);
		buf_printf(&sql, " = ?%d", 3 + i);
	}
	buf_adds(&sql, " WHERE name = ?1");
	code = store(c, o, buf_text(&sql));
	buf_free(&sql);
	return code;
}

/* What was changed is tried at once. */
static int
clear_backoff(struct conf *c, const struct object *o)
{
	char *sql =
	    xasprintf("UPDATE failure SET wait = NULL, retry_at = NULL WHERE transfer_id IN "
		      "(SELECT id FROM transfer WHERE %s_id = (SELECT id FROM %s WHERE name = ?1))",
		o->type->table, o->type->table);
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);

	free(sql);
	if (stmt != NULL)
		sqlite3_bind_text(stmt, 1, o->name, -1, SQLITE_STATIC);
	return settings_run(c->s, stmt, "writing to it");
}

static int
exists(struct conf *c, const struct object_type *type, const char *name, int *is)
{
	char *sql = xasprintf("SELECT 1 FROM %s WHERE name = ?1", type->table);
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);
	int rc, code = 0;

	free(sql);
	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	*is = rc == SQLITE_ROW;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = settings_failed(c->s, "reading it");
	sqlite3_finalize(stmt);
	return code;
}

static int
must_be_free(struct conf *c, const struct object_type *type, const char *name)
{
	int is = 0, code = object_name(type->table, name);

	if (code == 0)
		code = exists(c, type, name, &is);
	if (code == 0 && is) {
		msg_warn("%s \"%s\" is there already; praic-conf %s set changes it", type->table,
		    name, type->table);
		code = EX_USAGE;
	}
	return code;
}

int
object_add(struct conf *c, const char *name, int kind, int fields, char **field)
{
	struct object o = {.type = c->type, .kind = kind};
	int code = must_be_free(c, c->type, name);

	if (code != 0)
		return code;
	o.name = xstrdup(name);
	code = set_fields(&o, fields, field);
	if (code == 0)
		code = check(&o);
	if (code == 0)
		code = insert(c, &o);
	object_free(&o);
	return code;
}

int
object_load(struct conf *c, const struct object_type *type, const char *name, struct object *o)
{
	const struct settings_field *f;
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	int code, i = 0;

	memset(o, 0, sizeof(*o));
	if (object_id(c, type->table, name, &code) == 0)
		return code;
	buf_printf(
	    &sql, "SELECT %s", type->fields == settings_destination_fields ? "kind" : "NULL");
	for (f = type->fields; f->name != NULL; f++) {
		buf_adds(&sql, ", ");
		column(&sql, f);
	}
	buf_printf(&sql, " FROM %s WHERE name = ?1", type->table);
	stmt = settings_prepare(c->s, buf_text(&sql));
	buf_free(&sql);
	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_ROW) {
		code = settings_failed(c->s, "reading it");
		sqlite3_finalize(stmt);
		return code;
	}
	o->type = type;
	o->name = xstrdup(name);
	if (sqlite3_column_text(stmt, 0) != NULL)
		o->kind = settings_kind((const char *)sqlite3_column_text(stmt, 0));
	for (f = type->fields; f->name != NULL; f++, i++)
		if (sqlite3_column_text(stmt, 1 + i) != NULL)
			o->value[i] = xstrdup((const char *)sqlite3_column_text(stmt, 1 + i));
	sqlite3_finalize(stmt);
	return 0;
}

int
object_set(struct conf *c, int argc, char **argv)
{
	struct object o;
	int code = object_load(c, c->type, argv[0], &o);

	if (code == 0)
		code = set_fields(&o, argc - 1, argv + 1);
	if (code == 0)
		code = check(&o);
	if (code == 0)
		code = settings_begin(c->s);
	if (code == 0)
		code = update(c, &o);
	if (code == 0)
		code = clear_backoff(c, &o);
	if (code == 0)
		code = settings_commit(c->s);
	settings_rollback(c->s);
	object_free(&o);
	return code;
}

int
object_show(struct conf *c, int argc, char **argv)
{
	const struct object_type *type = c->type;
	const char *head[OBJECT_FIELDS + 3] = {"name"};
	char *columns[OBJECT_FIELDS] = {NULL}, *p;
	struct object o;
	int code = object_load(c, type, argv[0], &o), i, n = 1;
	struct show *show;

	(void)argc;
	if (code != 0)
		return code;
	if (o.kind != 0)
		head[n++] = "kind";
	for (i = 0; type->fields[i].name != NULL; i++) {
		if (!applies(&type->fields[i], o.kind))
			continue;
		columns[i] = xstrdup(type->fields[i].name);
		if (c->json)
			for (p = columns[i]; *p != '\0'; p++)
				if (*p == '-')
					*p = '_';
		head[n++] = columns[i];
	}
	show = show_new(head);
	show_text(show, o.name);
	if (o.kind != 0)
		show_text(show, settings_kind_name(o.kind));
	for (i = 0; type->fields[i].name != NULL; i++) {
		const struct settings_field *f = &type->fields[i];

		if (!applies(f, o.kind))
			continue;
		if (o.value[i] != NULL && f->form == SETTINGS_FLAG)
			show_flag(show, *o.value[i] == '1');
		else if (o.value[i] != NULL && f->form == SETTINGS_LIST)
			show_lines(show, o.value[i]);
		else
			show_text(show,
			    o.value[i] != NULL && f->form == SETTINGS_SECRET ?
				conf_secret_shown(o.value[i]) :
				o.value[i]);
	}
	code = show_row(show, c);
	for (i = 0; i < OBJECT_FIELDS; i++)
		free(columns[i]);
	object_free(&o);
	return code;
}

/* The transfers that would lose it; none is NULL.  To be freed. */
static char *
users(struct conf *c, const struct object_type *type, int64_t id)
{
	char *sql = xasprintf(
		 "SELECT group_concat(id, ', ') FROM transfer WHERE %s_id = ?1", type->table),
	     *list = NULL;
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);

	free(sql);
	if (stmt == NULL)
		return NULL;
	sqlite3_bind_int64(stmt, 1, id);
	if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
		list = xstrdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return list;
}

int
object_remove(struct conf *c, int argc, char **argv)
{
	const struct object_type *type = c->type;
	const char *name = argv[0];
	char *list, *sql;
	sqlite3_stmt *stmt;
	int code;
	int64_t id = object_id(c, type->table, name, &code);

	(void)argc;
	if (id == 0)
		return code;
	list = users(c, type, id);
	if (list != NULL) {
		msg_warn(
		    "%s \"%s\": transfer %s uses it; remove that first", type->table, name, list);
		free(list);
		return EX_USAGE;
	}
	sql = xasprintf("DELETE FROM %s WHERE id = ?1", type->table);
	stmt = settings_prepare(c->s, sql);
	free(sql);
	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 1, id);
	return settings_run(c->s, stmt, "removing it");
}

int
object_rename(struct conf *c, int argc, char **argv)
{
	const struct object_type *type = c->type;
	const char *to = argv[1];
	int code;
	int64_t id = object_id(c, type->table, argv[0], &code);
	sqlite3_stmt *stmt;
	char *sql;

	(void)argc;
	if (id == 0)
		return code;
	if ((code = must_be_free(c, type, to)) != 0)
		return code;
	sql = xasprintf("UPDATE %s SET name = ?2 WHERE id = ?1", type->table);
	stmt = settings_prepare(c->s, sql);
	free(sql);
	if (stmt != NULL) {
		sqlite3_bind_int64(stmt, 1, id);
		sqlite3_bind_text(stmt, 2, to, -1, SQLITE_STATIC);
	}
	return settings_run(c->s, stmt, "renaming it");
}
