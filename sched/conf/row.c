/*
 * Rows of what is edited: read, changed by NAME=VALUE operands, written; see
 * conf.h.  A setting is a field of the one row that all settings are.
 */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "conf.h"
#include "msg.h"
#include "secret.h"
#include "utf8.h"

/* Names stand in tables, log lines and metrics. */
#define MAX_NAME 64

int
conf_begin(struct conf *c)
{
	return c->nested ? 0 : settings_begin(c->s);
}

int
conf_end(struct conf *c, int code)
{
	if (c->nested)
		return code;
	if (code == 0)
		code = settings_commit(c->s);
	settings_rollback(c->s);
	/* Last: a crash before leaves an empty spool, which init takes. */
	if (code == 0 && c->spool != NULL)
		code = spool_number(c->spool, c->spool_id);
	free(c->spool);
	c->spool = NULL;
	return code;
}

int
conf_sql(struct conf *c, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);

	if (stmt != NULL && sqlite3_bind_parameter_count(stmt) > 0)
		sqlite3_bind_int64(stmt, 1, a);
	if (stmt != NULL && sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_int64(stmt, 2, b);
	return settings_run(c->s, stmt, "writing to it");
}

int
conf_sql_text(struct conf *c, const char *sql, int64_t a, const char *b)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);

	if (stmt != NULL) {
		sqlite3_bind_int64(stmt, 1, a);
		sqlite3_bind_text(stmt, 2, b, -1, SQLITE_STATIC);
	}
	return settings_run(c->s, stmt, "writing to it");
}

char *
conf_text(struct conf *c, const char *sql, int64_t a)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);
	char *text = NULL;

	if (stmt == NULL)
		return NULL;
	if (sqlite3_bind_parameter_count(stmt) > 0)
		sqlite3_bind_int64(stmt, 1, a);
	if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
		text = xstrdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return text;
}

int64_t
conf_number(struct conf *c, const char *sql, int64_t a)
{
	char *text = conf_text(c, sql, a);
	int64_t v = text != NULL ? strtoll(text, NULL, 10) : 0;

	free(text);
	return v;
}

int
row_has(const struct row *r, const struct settings_field *f)
{
	return r->kind == 0 || (f->kinds & r->kind) != 0;
}

const char *
row_value(const struct row *r, const char *field)
{
	return r->value[settings_field(r->thing->fields, field) - r->thing->fields];
}

const char *
row_was(const struct row *r, const char *field)
{
	return r->was[settings_field(r->thing->fields, field) - r->thing->fields];
}

int
row_changed(const struct row *r, const char *field)
{
	const char *now = row_value(r, field), *was = row_was(r, field);

	return now == NULL || was == NULL ? now != was : strcmp(now, was) != 0;
}

void
row_free(struct row *r)
{
	int i;

	for (i = 0; i < ROW_FIELDS; i++) {
		secret_free(r->value[i]);
		secret_free(r->was[i]);
	}
	free(r->name);
	memset(r, 0, sizeof(*r));
}

/* Its column: "every" is stored as a period. */
static void
add_column(struct buf *sql, const char *field)
{
	if (strcmp(field, "every") == 0)
		field = "period";
	buf_addc(sql, '"');
	for (; *field != '\0'; field++)
		buf_addc(sql, *field == '-' ? '_' : *field);
	buf_addc(sql, '"');
}

sqlite3_stmt *
row_select(struct conf *c, const struct thing *t, const char *where)
{
	const struct settings_field *f;
	struct buf sql = {0};
	sqlite3_stmt *stmt;

	if (t->select != NULL)
		buf_adds(&sql, t->select);
	else {
		buf_printf(&sql, "SELECT id, name, %s",
		    t->fields == settings_destination_fields ? "kind" : "NULL");
		for (f = t->fields; f->name != NULL; f++) {
			buf_adds(&sql, ", ");
			add_column(&sql, f->name);
		}
		buf_printf(&sql, " FROM %s", t->name);
	}
	if (t->fields == settings_fields) {
		buf_adds(&sql, "SELECT 1, '', NULL");
		for (f = t->fields; f->name != NULL; f++)
			buf_printf(
			    &sql, ", (SELECT value FROM setting WHERE name = '%s')", f->name);
	} else
		buf_printf(&sql, " %s ORDER BY 2", where);
	stmt = settings_prepare(c->s, buf_text(&sql));
	buf_free(&sql);
	return stmt;
}

static char *
column_copy(sqlite3_stmt *stmt, int i)
{
	const char *text = (const char *)sqlite3_column_text(stmt, i);

	return text != NULL ? xstrdup(text) : NULL;
}

void
row_read(const struct thing *t, sqlite3_stmt *stmt, struct row *r)
{
	int i;

	memset(r, 0, sizeof(*r));
	r->thing = t;
	r->id = sqlite3_column_int64(stmt, 0);
	r->name = column_copy(stmt, 1);
	if (sqlite3_column_text(stmt, 2) != NULL)
		r->kind = settings_kind((const char *)sqlite3_column_text(stmt, 2));
	for (i = 0; t->fields[i].name != NULL; i++) {
		r->value[i] = column_copy(stmt, 3 + i);
		r->was[i] = column_copy(stmt, 3 + i);
	}
}

int
row_load(struct conf *c, const char *name, struct row *r)
{
	const struct thing *t = c->thing;
	sqlite3_stmt *stmt = row_select(
	    c, t, t->fields == settings_transfer_fields ? "WHERE t.id = ?1" : "WHERE name = ?1");
	int rc, code = 0;

	memset(r, 0, sizeof(*r));
	if (stmt == NULL)
		return EX_SOFTWARE;
	if (sqlite3_bind_parameter_count(stmt) > 0)
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		row_read(t, stmt, r);
	else if (rc == SQLITE_DONE) {
		msg_warn(
		    "there is no %s \"%s\"; praic-conf %s list shows them", t->name, name, t->name);
		code = EX_CONFIG;
	} else
		code = settings_failed(c->s, "reading it");
	sqlite3_finalize(stmt);
	return code;
}

int
row_name_free(struct conf *c, const struct thing *t, const char *name)
{
	const char *p, *bad = NULL;
	char *sql, *there;

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
	if (bad != NULL) {
		msg_warn("%s name \"%s\": %s", t->name, name, bad);
		return EX_USAGE;
	}
	sql = sqlite3_mprintf("SELECT id FROM %s WHERE name = %Q", t->name, name);
	there = conf_text(c, sql, 0);
	sqlite3_free(sql);
	if (there == NULL)
		return 0;
	free(there);
	msg_warn(
	    "%s \"%s\" is there already; praic-conf %s set changes it", t->name, name, t->name);
	return EX_USAGE;
}

/* The field that NAME=VALUE sets, and the value; NULL after a message. */
static const struct settings_field *
operand(const struct row *r, const char *what, const char *text, const char **value)
{
	size_t n = strcspn(text, "=");
	char *name = xstrndup(text, n);
	const struct settings_field *f = settings_field(r->thing->fields, name);
	struct buf names = {0};

	free(name);
	if (text[n] == '=' && f != NULL && row_has(r, f)) {
		*value = text + n + 1;
		return f;
	}
	for (f = r->thing->fields; f->name != NULL; f++)
		if (row_has(r, f))
			buf_printf(&names, "%s%s", names.n > 0 ? ", " : "", f->name);
	/* Without its value: that might be a secret beside a slip of the pen. */
	msg_warn(
	    "%s: %.*s: no field NAME=VALUE; there are %s", what, (int)n, text, buf_text(&names));
	buf_free(&names);
	return NULL;
}

static int
set_field(struct row *r, const struct settings_field *f, const char *given, unsigned *fresh)
{
	char *what = xasprintf("%s%s%s%s %s", r->thing->name, r->name[0] != '\0' ? " " : "",
		 r->name, r->name[0] != '\0' ? ":" : "", f->name),
	     *value = NULL, **at = &r->value[f - r->thing->fields];
	unsigned bit = 1U << (f - r->thing->fields);
	int code = 0;

	if (*given != '\0' && f->form == SETTINGS_SECRET)
		code = secret_read(what, given, &value);
	else if (*given != '\0') /* NAME= takes the value away */
		code = settings_parse(f, what, given, &value);
	free(what);
	if (code != 0)
		return code;
	/* The texts of one call make up the new list. */
	if (f->form == SETTINGS_LIST && (*fresh & bit) != 0 && *at != NULL && value != NULL) {
		char *both = xasprintf("%s\n%s", *at, value);

		free(value);
		value = both;
	}
	*fresh |= bit;
	secret_free(*at);
	*at = value;
	return 0;
}

int
row_set(struct row *r, int argc, char **argv)
{
	char *what = xasprintf("%s%s%s", r->thing->name, r->name[0] != '\0' ? " " : "", r->name);
	const struct settings_field *f;
	unsigned fresh = 0;
	const char *given;
	int i, code = 0;

	for (i = 0; i < argc && code == 0; i++) {
		f = operand(r, what, argv[i], &given);
		code = f == NULL ? EX_USAGE : set_field(r, f, given, &fresh);
	}
	/* What is needed and secret is asked for; what is needed must be there. */
	for (f = r->thing->fields; f->name != NULL && code == 0; f++) {
		if ((r->kind == 0 ? f->needed : f->needed & r->kind) == 0 ||
		    r->value[f - r->thing->fields] != NULL)
			continue;
		if (f->form == SETTINGS_SECRET)
			code = set_field(r, f, "-", &fresh);
		else {
			msg_warn("%s: %s=VALUE is missing: %s", what, f->name, f->help);
			code = EX_USAGE;
		}
	}
	free(what);
	return code;
}

static int
write_settings(struct conf *c, struct row *r)
{
	const struct settings_field *f;
	int code = 0;

	for (f = settings_fields; f->name != NULL && code == 0; f++) {
		sqlite3_stmt *stmt;

		if (!row_changed(r, f->name))
			continue;
		stmt = settings_prepare(c->s,
		    row_value(r, f->name) == NULL ?
			"DELETE FROM setting WHERE name = ?1" :
			"INSERT INTO setting (name, value) VALUES (?1, ?2) "
			"ON CONFLICT (name) DO UPDATE SET value = excluded.value");
		if (stmt != NULL) {
			sqlite3_bind_text(stmt, 1, f->name, -1, SQLITE_STATIC);
			if (row_value(r, f->name) != NULL)
				sqlite3_bind_text(
				    stmt, 2, row_value(r, f->name), -1, SQLITE_STATIC);
		}
		code = settings_run(c->s, stmt, "writing to it");
	}
	return code;
}

static void
add_insert(struct buf *sql, const struct row *r)
{
	const struct settings_field *f;
	int i = 3;

	buf_printf(sql, "INSERT INTO %s (name%s%s", r->thing->name, r->kind != 0 ? ", kind" : "",
	    r->thing->fields == settings_schedule_fields ? ", created" : "");
	for (f = r->thing->fields; f->name != NULL; f++) {
		buf_adds(sql, ", ");
		add_column(sql, f->name);
	}
	buf_printf(sql, ") VALUES (?1%s%s", r->kind != 0 ? ", ?2" : "",
	    r->thing->fields == settings_schedule_fields ? ", strftime('%s', 'now')" : "");
	for (f = r->thing->fields; f->name != NULL; f++)
		buf_printf(sql, ", ?%d", i++);
	buf_addc(sql, ')');
}

int
row_write(struct conf *c, struct row *r)
{
	const struct settings_field *f;
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	const char *value;
	int i = 3, code;

	if (r->thing->fields == settings_fields)
		return write_settings(c, r);
	if (r->id == 0)
		add_insert(&sql, r);
	else {
		buf_printf(&sql, "UPDATE %s SET name = ?1", r->thing->name);
		for (f = r->thing->fields; f->name != NULL; f++) {
			buf_adds(&sql, ", ");
			add_column(&sql, f->name);
			buf_printf(&sql, " = ?%d", i++);
		}
		buf_printf(&sql, " WHERE id = %lld", (long long)r->id);
	}
	stmt = settings_prepare(c->s, buf_text(&sql));
	buf_free(&sql);
	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, r->name, -1, SQLITE_STATIC);
	if (r->id == 0 && r->kind != 0)
		sqlite3_bind_text(stmt, 2, settings_kind_name(r->kind), -1, SQLITE_STATIC);
	for (f = r->thing->fields, i = 3; f->name != NULL; f++, i++) {
		value = r->value[i - 3] != NULL ? r->value[i - 3] : f->fallback;
		if (value != NULL)
			sqlite3_bind_text(stmt, i, value, -1, SQLITE_STATIC);
	}
	code = settings_run(c->s, stmt, "writing to it");
	if (r->id == 0)
		r->id = sqlite3_last_insert_rowid(settings_handle(c->s));
	return code;
}
