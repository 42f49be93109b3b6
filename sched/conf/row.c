/*
 * Rows of things, and the verbs that all things have; see conf.h.  The settings
 * are one row, and each setting is a field of it.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "conf.h"
#include "msg.h"
#include "secret.h"
#include "utf8.h"

/* Names stand in tables, log lines and metrics. */
#define MAX_NAME 64

void
conf_begin(struct conf *c)
{
	if (!c->nested)
		db_begin(c->db);
}

int
conf_end(struct conf *c, int code)
{
	if (!c->nested)
		return db_end(c->db, code);
	return code != 0 ? code : c->db->code;
}

static int
is(const struct thing *t, const struct settings_field *fields)
{
	return t->fields == fields;
}

/* Does a destination of its kind have this field? */
static int
has(const struct row *r, const struct settings_field *f)
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

/*
 * Reading and writing.
 */

static void
add_column(struct buf *sql, const char *field)
{
	buf_adds(sql, ", \"");
	for (; *field != '\0'; field++)
		buf_addc(sql, *field == '-' ? '_' : *field);
	buf_addc(sql, '"');
}

sqlite3_stmt *
row_select(struct conf *c, const struct thing *t, const char *where, const char *name)
{
	const struct settings_field *f;
	struct buf sql = {0};
	sqlite3_stmt *stmt;

	if (is(t, settings_fields)) {
		buf_adds(&sql, "SELECT 1, '', NULL");
		for (f = t->fields; f->name != NULL; f++)
			buf_printf(
			    &sql, ", (SELECT value FROM setting WHERE name = '%s')", f->name);
		where = "";
		name = NULL;
	} else if (t->select != NULL)
		buf_adds(&sql, t->select);
	else {
		buf_printf(&sql, "SELECT id, name, %s",
		    is(t, settings_destination_fields) ? "kind" : "NULL");
		for (f = t->fields; f->name != NULL; f++)
			add_column(&sql, f->name);
		buf_printf(&sql, " FROM %s", t->name);
	}
	buf_printf(&sql, " %s", where);
	stmt = db_ask(c->db, buf_text(&sql), name != NULL ? "t" : "", name);
	buf_free(&sql);
	return stmt;
}

void
row_read(const struct thing *t, sqlite3_stmt *stmt, struct row *r)
{
	int i;

	memset(r, 0, sizeof(*r));
	r->thing = t;
	r->id = db_column(stmt, 0);
	r->name = db_copy(stmt, 1);
	if (sqlite3_column_type(stmt, 2) != SQLITE_NULL)
		r->kind = settings_kind(db_string(stmt, 2));
	for (i = 0; t->fields[i].name != NULL; i++) {
		r->value[i] = db_copy(stmt, 3 + i);
		r->was[i] = db_copy(stmt, 3 + i);
	}
}

int
row_load(struct conf *c, const char *name, struct row *r)
{
	const struct thing *t = c->thing;
	sqlite3_stmt *stmt = row_select(
	    c, t, is(t, settings_transfer_fields) ? "WHERE t.id = ?1" : "WHERE name = ?1", name);

	memset(r, 0, sizeof(*r));
	while (db_row(c->db, stmt))
		row_read(t, stmt, r);
	if (c->db->code != 0 || r->name != NULL)
		return c->db->code;
	msg_warn("there is no %s \"%s\"; praic-conf %s list shows them", t->name, name, t->name);
	return EX_CONFIG;
}

static int
write_settings(struct conf *c, struct row *r)
{
	const struct settings_field *f;

	for (f = settings_fields; f->name != NULL; f++)
		if (row_changed(r, f->name) && row_value(r, f->name) == NULL)
			db_do(c->db, "DELETE FROM setting WHERE name = ?1", "t", f->name);
		else if (row_changed(r, f->name))
			db_do(c->db, "INSERT OR REPLACE INTO setting VALUES (?1, ?2)", "tt",
			    f->name, row_value(r, f->name));
	return c->db->code;
}

/* INSERT, or UPDATE where the row has an id. */
int
row_write(struct conf *c, struct row *r)
{
	const struct settings_field *f;
	struct buf columns = {0}, marks = {0};
	sqlite3_stmt *stmt;
	char *sql;
	int i;

	if (is(r->thing, settings_fields))
		return write_settings(c, r);
	buf_adds(&columns, r->kind != 0 ? "name, kind" : "name");
	buf_adds(&marks, r->kind != 0 ? "?2, ?3" : "?2");
	for (f = r->thing->fields, i = 4; f->name != NULL; f++, i++) {
		add_column(&columns, f->name);
		buf_printf(&marks, ", ?%d", i);
	}
	sql = xasprintf("INSERT INTO %s (id, %s) VALUES (nullif(?1, 0), %s)"
			" ON CONFLICT (id) DO UPDATE SET (%s) = (%s)",
	    r->thing->name, buf_text(&columns), buf_text(&marks), buf_text(&columns),
	    buf_text(&marks));
	stmt = db_ask(
	    c->db, sql, r->kind != 0 ? "itt" : "it", r->id, r->name, settings_kind_name(r->kind));
	for (f = r->thing->fields, i = 0; stmt != NULL && f->name != NULL; f++, i++)
		sqlite3_bind_text(stmt, i + 4, r->value[i] != NULL ? r->value[i] : f->fallback, -1,
		    SQLITE_STATIC);
	while (db_row(c->db, stmt))
		;
	if (r->id == 0)
		r->id = sqlite3_last_insert_rowid(c->db->h);
	free(sql);
	buf_free(&columns);
	buf_free(&marks);
	return c->db->code;
}

/* A new name: easy to show and to type, and not taken. */
static int
check_name(struct conf *c, const char *name)
{
	const char *p, *bad = NULL, *thing = c->thing->name;
	char *sql;

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
			bad = "it has a control character or an equals sign";
	if (bad != NULL) {
		msg_warn("%s name \"%s\": %s", thing, name, bad);
		return EX_USAGE;
	}
	sql = xasprintf("SELECT id FROM %s WHERE name = ?1", thing);
	if (db_number(c->db, sql, "t", name) != DB_NULL) {
		msg_warn(
		    "%s \"%s\" exists already; praic-conf %s set changes it", thing, name, thing);
		bad = name;
	}
	free(sql);
	return bad != NULL ? EX_USAGE : c->db->code;
}

/*
 * NAME=VALUE operands.
 */

/* The field and its new value; NULL after a message. */
static const struct settings_field *
operand(const struct row *r, const char *what, const char *text, const char **value)
{
	size_t n = strcspn(text, "=");
	char *name = xstrndup(text, n);
	const struct settings_field *f = settings_field(r->thing->fields, name);
	struct buf names = {0};

	free(name);
	if (text[n] == '=' && f != NULL && has(r, f)) {
		*value = text + n + 1;
		return f;
	}
	for (f = r->thing->fields; f->name != NULL; f++)
		if (has(r, f))
			buf_printf(&names, "%s%s", names.n > 0 ? ", " : "", f->name);
	/* Without the value, which may be a secret behind a misspelt name. */
	msg_warn("%s: %.*s: not a field NAME=VALUE; the fields are %s", what, (int)n, text,
	    buf_text(&names));
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
	/* A list is made of all the texts of one call. */
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

static int
set_fields(struct row *r, int argc, char **argv)
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
	/* A needed field must be there; a needed secret is asked for. */
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

/*
 * Changes.
 */

/*
 * Change transfers, within a transaction.  Unless forced, refuse to give up data
 * that is fetched and not stored, or recordings that are owed.
 */
static int
losing(struct conf *c, struct row *r, int (*change)(struct conf *, struct row *))
{
	static const char waiting[] = "SELECT total(backlog) FROM job_view WHERE step = 'store'";
	static const char owed[] = "SELECT count(*) FROM recording WHERE state = 'owed'";
	int64_t files = db_number(c->db, waiting, ""), recordings = db_number(c->db, owed, "");
	char *what = xasprintf("%s %s", r->thing->name, r->name);
	sqlite3_stmt *gone;
	int code;

	db_script(c->db,
	    "DROP TABLE IF EXISTS temp.job_before; CREATE TEMP TABLE job_before AS SELECT id FROM"
	    " job");
	code = change(c, r);
	transfer_jobs(c);
	files -= db_number(c->db, waiting, "");
	recordings -= db_number(c->db, owed, "");
	gone = db_ask(c->db, "SELECT id FROM job_before WHERE id NOT IN (SELECT id FROM job)", "");
	while (db_row(c->db, gone))
		if (code == 0 && spool_at_work(c, db_column(gone, 0))) {
			msg_warn("%s: praic-run is working on it; try again later", what);
			code = EX_TEMPFAIL;
		}
	code = code != 0 ? code : c->db->code;
	if (code == 0 && (files > 0 || recordings > 0)) {
		msg_warn("%s: %lld files of reports and recordings are not stored yet, and %lld "
			 "recordings are not fetched%s",
		    what, (long long)(files > 0 ? files : 0),
		    (long long)(recordings > 0 ? recordings : 0),
		    c->force ? "; they are given up" :
			       "; nothing was changed (--force gives them up, praic-sched -r "
			       "stores them)");
		if (!c->force)
			code = EX_USAGE;
	}
	free(what);
	return code;
}

/* In one transaction. */
static int
store(struct conf *c, struct row *r)
{
	const struct thing *t = c->thing;
	int code = t->check(c, r);

	if (code != 0)
		return code;
	conf_begin(c);
	code = t->write != NULL ? losing(c, r, t->write) : row_write(c, r);
	if (code == 0)
		code = t->written(c, r);
	return conf_end(c, code);
}

int
row_add_fields(struct conf *c, int argc, char **argv)
{
	int transfer = is(c->thing, settings_transfer_fields), words = transfer ? 0 : 1, code = 0;
	struct row r = {.thing = c->thing, .fresh = 1};

	r.name = xstrdup(transfer ? "" : argv[0]);
	if (!transfer)
		code = check_name(c, argv[0]);
	if (code == 0 && is(c->thing, settings_destination_fields)) {
		words = 2;
		if (argc < 2 || (r.kind = settings_kind(argv[1])) == 0) {
			msg_warn("destination %s: its kind is sql, fs or exec", argv[0]);
			code = EX_USAGE;
		}
	}
	if (code == 0)
		code = set_fields(&r, argc - words, argv + words);
	if (code == 0)
		code = store(c, &r);
	if (code == 0 && transfer && !c->nested)
		printf("%lld\n", (long long)r.id);
	row_free(&r);
	return code;
}

/* The operands of a transfer are SCHEDULE SITE DESTINATION KIND[,KIND...] and fields. */
int
row_add(struct conf *c, int argc, char **argv)
{
	char *operand[5] = {NULL};
	int i, code;

	if (!is(c->thing, settings_transfer_fields))
		return row_add_fields(c, argc, argv);
	for (i = 0; i < argc; i++)
		operand[i] = i < 4 ? xasprintf("%s=%s", settings_transfer_fields[i].name, argv[i]) :
				     xstrdup(argv[i]);
	code = row_add_fields(c, argc, operand);
	for (i = 0; i < argc; i++)
		free(operand[i]);
	return code;
}

static int
change(struct conf *c, const char *name, int argc, char **argv)
{
	struct row r;
	int code = row_load(c, name, &r);

	if (code == 0)
		code = set_fields(&r, argc, argv);
	if (code == 0)
		code = store(c, &r);
	row_free(&r);
	return code;
}

int
row_set(struct conf *c, int argc, char **argv)
{
	if (is(c->thing, settings_fields))
		return change(c, "", argc, argv);
	return change(c, argv[0], argc - 1, argv + 1);
}

int
row_unset(struct conf *c, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		argv[i] = xasprintf("%s=", argv[i]);
	return change(c, "", argc, argv);
}

int
row_enable(struct conf *c, int argc, char **argv)
{
	char yes[] = "enabled=yes", no[] = "enabled=no";
	char *field = strcmp(c->verb, "enable") == 0 ? yes : no;

	return change(c, argv[0], argc, &field);
}

int
row_rename(struct conf *c, int argc, char **argv)
{
	char *sql = xasprintf("UPDATE %s SET name = ?2 WHERE id = ?1", c->thing->name);
	struct row r;
	int code = row_load(c, argv[0], &r);

	(void)argc;
	if (code == 0)
		code = check_name(c, argv[1]);
	if (code == 0)
		db_do(c->db, sql, "it", r.id, argv[1]);
	free(sql);
	row_free(&r);
	return code != 0 ? code : c->db->code;
}

static int
remove_row(struct conf *c, struct row *r)
{
	int transfer = is(r->thing, settings_transfer_fields);
	char *sql = xasprintf("DELETE FROM transfer WHERE %s%s = ?1",
	    transfer ? "" : r->thing->name, transfer ? "id" : "_id");

	db_do(c->db, sql, "i", r->id);
	free(sql);
	sql = xasprintf("DELETE FROM %s WHERE id = ?1", r->thing->name);
	db_do(c->db, sql, "i", r->id);
	free(sql);
	return c->db->code;
}

int
row_remove(struct conf *c, int argc, char **argv)
{
	char *sql, *list = NULL;
	struct row r;
	int code = row_load(c, argv[0], &r);

	(void)argc;
	if (code != 0)
		return code;
	if (!is(c->thing, settings_transfer_fields)) {
		sql = xasprintf(
		    "SELECT group_concat(id, ', ') FROM transfer WHERE %s_id = ?1", c->thing->name);
		list = db_text(c->db, sql, "i", r.id);
		free(sql);
	}
	conf_begin(c);
	code = conf_end(c, losing(c, &r, remove_row));
	if (code == 0 && list != NULL)
		msg_warn("%s %s: removed with it: transfer %s", c->thing->name, r.name, list);
	free(list);
	row_free(&r);
	return code;
}

int
row_written(struct conf *c, struct row *r)
{
	int schedule = is(r->thing, settings_schedule_fields);

	transfer_hurry(c, r);
	/* Due times count from the change on. */
	if (schedule && (row_changed(r, "every") || row_changed(r, "at")))
		db_do(c->db, "UPDATE schedule SET created = ?2 WHERE id = ?1", "ii", r->id,
		    (int64_t)time(NULL));
	/* Nothing is known of a new place. */
	if (!is(r->thing, settings_destination_fields) || r->fresh ||
	    !(row_changed(r, "connection") || row_changed(r, "directory")))
		return c->db->code;
	msg_warn("destination %s: the old place keeps what was stored; praic-conf transfer "
		 "set NUMBER since=TIME fetches the past for the new one",
	    r->name);
	db_do(c->db, "UPDATE destination SET existing = 0, head = NULL WHERE id = ?1", "i", r->id);
	return c->db->code;
}

/*
 * Showing.
 */

int
row_show(struct conf *c, int argc, char **argv)
{
	const struct settings_field *f;
	struct show *s;
	struct row r;
	int code = row_load(c, argv[0], &r);

	(void)argc;
	if (code != 0)
		return code;
	s = show_new(c);
	show_cell(
	    s, is(c->thing, settings_transfer_fields) ? "number" : "name", SETTINGS_TEXT, r.name);
	if (r.kind != 0)
		show_cell(s, "kind", SETTINGS_TEXT, settings_kind_name(r.kind));
	for (f = c->thing->fields; f->name != NULL; f++)
		if (has(&r, f) && strcmp(f->name, "since") != 0)
			show_cell(s, f->name, f->form, row_value(&r, f->name));
	row_free(&r);
	show_end(s);
	show_print(s, SHOW_LIST, NULL);
	return 0;
}

int
row_list(struct conf *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	show_print(show_query(c, db_ask(c->db, c->thing->list, "")), SHOW_TABLE, NULL);
	return 0;
}

/* list: each setting is a row.  show: one of them. */
int
row_list_settings(struct conf *c, int argc, char **argv)
{
	const struct settings_field *f;
	const char *value;
	struct show *s;
	struct row r;
	int code;

	if (argc > 0 && settings_field(settings_fields, argv[0]) == NULL) {
		msg_warn("there is no setting %s; praic-conf setting list shows them", argv[0]);
		return EX_USAGE;
	}
	if ((code = row_load(c, "", &r)) != 0)
		return code;
	s = show_new(c);
	for (f = settings_fields; f->name != NULL; f++) {
		if (argc > 0 && strcmp(argv[0], f->name) != 0)
			continue;
		value = row_value(&r, f->name);
		show_cell(s, "name", SETTINGS_TEXT, f->name);
		show_cell(s, "value", f->form, value != NULL ? value : f->fallback);
		if (argc == 0)
			show_cell(s, "meaning", SETTINGS_TEXT, f->help);
		show_end(s);
	}
	row_free(&r);
	show_print(s, argc > 0 ? SHOW_LIST : SHOW_TABLE, NULL);
	return 0;
}
