/* The verbs that are the same for everything that is edited; see conf.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "msg.h"
#include "show.h"
#include "conf.h"

/* Jobs that praic-run is at work on: their numbers, ended by 0. */
static int64_t *
at_work(struct conf *c)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, "SELECT id FROM job");
	int64_t *job = xcalloc(1, sizeof(*job));
	size_t n = 0;

	while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
		if (spool_at_work(c, sqlite3_column_int64(stmt, 0))) {
			job = xrealloc(job, (n + 2) * sizeof(*job));
			job[n++] = sqlite3_column_int64(stmt, 0);
			job[n] = 0;
		}
	sqlite3_finalize(stmt);
	return job;
}

static const char waiting_files[] = "SELECT total(backlog) FROM job_view WHERE step = 'store'";
static const char waiting_recordings[] = "SELECT count(*) FROM recording WHERE state = 'owed'";

/*
 * Change what transfers there are, within a transaction; refused where
 * something that is fetched or owed would be given up, unless forced.
 */
static int
losing(struct conf *c, struct row *r, int (*change)(struct conf *, struct row *))
{
	int64_t files = conf_number(c, waiting_files, 0), *job = at_work(c);
	int64_t recordings = conf_number(c, waiting_recordings, 0);
	int code = change(c, r), i;
	char *what = xasprintf("%s %s", r->thing->name, r->name);

	if (code == 0)
		code = transfer_jobs(c);
	files -= conf_number(c, waiting_files, 0);
	recordings -= conf_number(c, waiting_recordings, 0);
	for (i = 0; code == 0 && job[i] != 0; i++)
		if (conf_number(c, "SELECT count(*) FROM job WHERE id = ?1", job[i]) == 0) {
			msg_warn("%s: praic-run is at work on it; try again later", what);
			code = EX_TEMPFAIL;
		}
	free(job);
	if (code == 0 && (files > 0 || recordings > 0)) {
		msg_warn("%s: %lld files of reports and recordings are not stored yet, and %lld "
			 "recordings not fetched%s",
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

/* All of it or nothing. */
static int
store(struct conf *c, struct row *r)
{
	const struct thing *t = c->thing;
	int code = t->check != NULL ? t->check(c, r) : 0;

	if (code == 0)
		code = conf_begin(c);
	if (code != 0)
		return code;
	code = t->write != NULL ? losing(c, r, t->write) : row_write(c, r);
	if (code == 0 && t->written != NULL)
		code = t->written(c, r);
	code = conf_end(c, code);
	if (code == 0 && t->write != NULL && !c->nested)
		spool_tidy(c);
	return code;
}

int
edit_add_fields(struct conf *c, int argc, char **argv)
{
	int transfer = c->thing->fields == settings_transfer_fields, words = transfer ? 0 : 1,
	    code = 0;
	struct row r = {.thing = c->thing, .fresh = 1};

	r.name = xstrdup(transfer ? "" : argv[0]);
	if (!transfer)
		code = row_name_free(c, c->thing, argv[0]);
	if (code == 0 && c->thing->fields == settings_destination_fields) {
		words = 2;
		if (argc < 2 || (r.kind = settings_kind(argv[1])) == 0) {
			msg_warn("destination %s: its kind is sql, fs or exec", argv[0]);
			code = EX_USAGE;
		}
	}
	if (code == 0)
		code = row_set(&r, argc - words, argv + words);
	if (code == 0)
		code = store(c, &r);
	if (code == 0 && transfer && !c->nested && printf("%lld\n", (long long)r.id) < 0)
		code = EX_IOERR;
	row_free(&r);
	return code;
}

/* Of a transfer: SCHEDULE SITE DESTINATION KIND[,KIND...] and then fields. */
int
edit_add(struct conf *c, int argc, char **argv)
{
	static const char *const place[] = {"schedule", "site", "destination", "kinds"};
	char *operand[5] = {NULL};
	int i, code;

	if (c->thing->fields != settings_transfer_fields)
		return edit_add_fields(c, argc, argv);
	for (i = 0; i < argc; i++)
		operand[i] = i < 4 ? xasprintf("%s=%s", place[i], argv[i]) : xstrdup(argv[i]);
	code = edit_add_fields(c, argc, operand);
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
		code = row_set(&r, argc, argv);
	if (code == 0)
		code = store(c, &r);
	row_free(&r);
	return code;
}

int
edit_set(struct conf *c, int argc, char **argv)
{
	if (c->thing->fields == settings_fields)
		return change(c, "", argc, argv);
	return change(c, argv[0], argc - 1, argv + 1);
}

int
edit_unset(struct conf *c, int argc, char **argv)
{
	char **operand = xcalloc((size_t)argc, sizeof(*operand));
	int i, code;

	for (i = 0; i < argc; i++)
		operand[i] = xasprintf("%s=", argv[i]);
	code = change(c, "", argc, operand);
	for (i = 0; i < argc; i++)
		free(operand[i]);
	free(operand);
	return code;
}

int
edit_enable(struct conf *c, int argc, char **argv)
{
	char *yes = "enabled=yes";

	(void)argc;
	return change(c, argv[0], 1, &yes);
}

int
edit_disable(struct conf *c, int argc, char **argv)
{
	char *no = "enabled=no";

	(void)argc;
	return change(c, argv[0], 1, &no);
}

int
edit_rename(struct conf *c, int argc, char **argv)
{
	char *sql;
	struct row r;
	int code = row_load(c, argv[0], &r);

	(void)argc;
	if (code == 0)
		code = row_name_free(c, c->thing, argv[1]);
	if (code == 0) {
		sql = xasprintf("UPDATE %s SET name = ?2 WHERE id = ?1", c->thing->name);
		code = conf_sql_text(c, sql, r.id, argv[1]);
		free(sql);
	}
	row_free(&r);
	return code;
}

int
edit_show(struct conf *c, int argc, char **argv)
{
	const struct thing *t = c->thing;
	const struct settings_field *f;
	struct show *s;
	struct row r;
	int code = row_load(c, argv[0], &r);

	(void)argc;
	if (code != 0)
		return code;
	s = show_new();
	show_cell(
	    s, t->fields == settings_transfer_fields ? "number" : "name", SETTINGS_TEXT, r.name);
	if (r.kind != 0)
		show_cell(s, "kind", SETTINGS_TEXT, settings_kind_name(r.kind));
	for (f = t->fields; f->name != NULL; f++)
		if (row_has(&r, f) && strcmp(f->name, "since") != 0)
			show_cell(s, f->name, f->form, row_value(&r, f->name));
	show_end(s);
	row_free(&r);
	return show_print(c, s, SHOW_LIST, NULL);
}

int
edit_list(struct conf *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show_print(
	    c, show_query(c, settings_prepare(c->s, c->thing->list)), SHOW_TABLE, NULL);
}

/* Of settings: each field is a row of its own; show has one of them. */
int
edit_list_settings(struct conf *c, int argc, char **argv)
{
	const struct settings_field *f;
	struct show *s;
	struct row r;
	int code;

	if (argc > 0 && settings_field(settings_fields, argv[0]) == NULL) {
		msg_warn("there is no setting %s; praic-conf setting list shows them", argv[0]);
		return EX_USAGE;
	}
	if ((code = row_load(c, "", &r)) != 0)
		return code;
	s = show_new();
	for (f = settings_fields; f->name != NULL; f++) {
		const char *value = row_value(&r, f->name);

		if (argc > 0 && strcmp(argv[0], f->name) != 0)
			continue;
		show_cell(s, "name", SETTINGS_TEXT, f->name);
		show_cell(s, "value", f->form, value != NULL ? value : f->fallback);
		if (argc == 0)
			show_cell(s, "meaning", SETTINGS_TEXT, f->help);
		show_end(s);
	}
	row_free(&r);
	return show_print(c, s, argc > 0 ? SHOW_LIST : SHOW_TABLE, NULL);
}

static int
remove_row(struct conf *c, struct row *r)
{
	char *sql = xasprintf("DELETE FROM transfer WHERE %s%s = ?1",
	    c->thing->fields == settings_transfer_fields ? "" : c->thing->name,
	    c->thing->fields == settings_transfer_fields ? "id" : "_id");
	int code = conf_sql(c, sql, r->id, 0);

	free(sql);
	sql = xasprintf("DELETE FROM %s WHERE id = ?1", c->thing->name);
	if (code == 0)
		code = conf_sql(c, sql, r->id, 0);
	free(sql);
	return code;
}

int
edit_remove(struct conf *c, int argc, char **argv)
{
	char *sql, *list = NULL;
	struct row r;
	int code = row_load(c, argv[0], &r);

	(void)argc;
	if (code != 0)
		return code;
	if (c->thing->fields != settings_transfer_fields) {
		sql = xasprintf(
		    "SELECT group_concat(id, ', ') FROM transfer WHERE %s_id = ?1", c->thing->name);
		list = conf_text(c, sql, r.id);
		free(sql);
	}
	code = conf_begin(c);
	if (code == 0)
		code = conf_end(c, losing(c, &r, remove_row));
	if (code == 0) {
		spool_tidy(c);
		if (list != NULL)
			msg_warn("%s %s: with it went transfer %s", c->thing->name, r.name, list);
	}
	free(list);
	row_free(&r);
	return code;
}

/* A place, once another one, is not known to have been stored into. */
int
edit_written(struct conf *c, struct row *r)
{
	int code = transfer_hurry(c, r);

	if (code == 0 && r->thing->fields == settings_schedule_fields &&
	    (row_changed(r, "every") || row_changed(r, "at")))
		return conf_sql(c,
		    "UPDATE schedule SET created = strftime('%s', 'now') WHERE id = ?1", r->id, 0);
	if (code != 0 || r->thing->fields != settings_destination_fields || r->fresh ||
	    !(row_changed(r, "connection") || row_changed(r, "directory")))
		return code;
	msg_warn(
	    "destination %s: what was stored so far stays in the old place; praic-conf transfer "
	    "set NUMBER since=TIME fetches the past for the new one",
	    r->name);
	return conf_sql(
	    c, "UPDATE destination SET existing = 0, head = NULL WHERE id = ?1", r->id, 0);
}
