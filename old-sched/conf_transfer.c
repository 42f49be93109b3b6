/*
 * praic-conf transfer: which kinds of data go from which site to which
 * destination, on which schedule.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "code.h"
#include "conf_object.h"
#include "conf_show.h"
#include "conf_spool.h"
#include "msg.h"
#include "num.h"
#include "when.h"

/* KIND[,KIND...] as a set of bits. */
static int
parse_kinds(const char *list, unsigned *kinds)
{
	const char *p = list;
	enum settings_data kind;
	size_t n;

	*kinds = 0;
	for (; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		kind = settings_data(p, n);
		if (kind == SETTINGS_DATA) {
			msg_warn(
			    "kinds of data %s: session, recording, shell, screen, backup, parted "
			    "by commas",
			    list);
			return EX_USAGE;
		}
		*kinds |= 1U << kind;
	}
	if (*kinds != 0)
		return 0;
	msg_warn(
	    "which kinds of data? session, recording, shell, screen, backup, parted by commas");
	return EX_USAGE;
}

/* What a destination cannot store is refused here, and not at night. */
static int
check_kinds(const char *destination, int kind, unsigned kinds)
{
	if (kind != SETTINGS_SQL || (kinds & ~(1U << SETTINGS_DATA_SESSION)) == 0)
		return 0;
	msg_warn("destination \"%s\" is a database: it stores sessions; recordings and backups are "
		 "files, and need a destination of the kind fs or exec",
	    destination);
	return EX_USAGE;
}

static int
parse_since(const char *text, int64_t *since)
{
	int64_t now = (int64_t)time(NULL);

	if (when_parse_user(text, now, since) == -1 || *since > now) {
		msg_warn("since=%s: a time that has been: 2026-01-31, 90d, or now", text);
		return EX_USAGE;
	}
	return 0;
}

/* Another transfer that moves one of these kinds the same way, or 0. */
static int
check_twice(struct conf *c, int64_t site, int64_t destination, int64_t except, unsigned kinds)
{
	sqlite3_stmt *stmt = settings_prepare(c->s,
	    "SELECT t.id, k.kind FROM transfer t "
	    "JOIN transfer_kind k ON k.transfer_id = t.id WHERE t.site_id = ?1 AND "
	    "t.destination_id = ?2 AND t.id <> ?3");
	int rc, code = 0;

	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_int64(stmt, 1, site);
	sqlite3_bind_int64(stmt, 2, destination);
	sqlite3_bind_int64(stmt, 3, except);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && code == 0) {
		const char *kind = (const char *)sqlite3_column_text(stmt, 1);

		if ((kinds & 1U << settings_data(kind, strlen(kind))) == 0)
			continue;
		msg_warn("transfer %lld moves the kind %s from this site to this destination "
			 "already",
		    (long long)sqlite3_column_int64(stmt, 0), kind);
		code = EX_USAGE;
	}
	if (code == 0 && rc != SQLITE_DONE)
		code = settings_failed(c->s, "reading it");
	sqlite3_finalize(stmt);
	return code;
}

/* since NULL: the scheduler takes what the appliance has. */
static int
add_kinds(struct conf *c, int64_t id, unsigned kinds, const int64_t *since)
{
	sqlite3_stmt *stmt;
	int k, code = 0;

	for (k = 0; k < SETTINGS_DATA && code == 0; k++) {
		if ((kinds & 1U << k) == 0)
			continue;
		stmt = settings_prepare(c->s,
		    "INSERT INTO transfer_kind (transfer_id, kind, mark) "
		    "VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
		if (stmt == NULL)
			return EX_SOFTWARE;
		sqlite3_bind_int64(stmt, 1, id);
		sqlite3_bind_text(stmt, 2, settings_data_name[k], -1, SQLITE_STATIC);
		if (since != NULL)
			sqlite3_bind_int64(stmt, 3, *since);
		code = settings_run(c->s, stmt, "writing to it");
	}
	return code;
}

static int
insert(struct conf *c, int64_t schedule, int64_t site, int64_t destination, int64_t *id)
{
	sqlite3_stmt *stmt = settings_prepare(c->s,
	    "INSERT INTO transfer "
	    "(schedule_id, site_id, destination_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
	int code;

	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_int64(stmt, 1, schedule);
	sqlite3_bind_int64(stmt, 2, site);
	sqlite3_bind_int64(stmt, 3, destination);
	code = settings_run(c->s, stmt, "writing to it");
	if (code == 0 && sqlite3_changes(settings_handle(c->s)) == 0) {
		msg_warn("this schedule has a transfer from this site to this destination; "
			 "praic-conf transfer set changes its kinds");
		code = EX_USAGE;
	}
	*id = sqlite3_last_insert_rowid(settings_handle(c->s));
	return code;
}

static int
add(struct conf *c, int argc, char **argv)
{
	int64_t schedule, site, destination, since = 0, id = 0;
	const char *given = NULL;
	unsigned kinds;
	int code;

	if ((code = parse_kinds(argv[3], &kinds)) != 0)
		return code;
	if (argc == 5) {
		if (strncmp(argv[4], "since=", 6) != 0) {
			msg_warn("%s: since=TIME", argv[4]);
			return EX_USAGE;
		}
		given = argv[4] + 6;
		if ((code = parse_since(given, &since)) != 0)
			return code;
	}
	if ((schedule = object_id(c, "schedule", argv[0], &code)) == 0 ||
	    (site = object_id(c, "site", argv[1], &code)) == 0 ||
	    (destination = object_id(c, "destination", argv[2], &code)) == 0)
		return code;
	code = check_kinds(argv[2], settings_destination_kind(c->s, argv[2]), kinds);
	if (code == 0)
		code = settings_begin(c->s);
	if (code == 0)
		code = insert(c, schedule, site, destination, &id);
	if (code == 0)
		code = check_twice(c, site, destination, id, kinds);
	if (code == 0)
		code = add_kinds(c, id, kinds, given != NULL ? &since : NULL);
	if (code == 0)
		code = settings_commit(c->s);
	settings_rollback(c->s);
	if (code == 0 && printf("%lld\n", (long long)id) < 0)
		code = EX_IOERR;
	return code;
}

struct transfer {
	int64_t id, site, destination;
	int kind; /* of the destination */
	char *destination_name;
};

static int
find(struct conf *c, const char *number, struct transfer *t)
{
	sqlite3_stmt *stmt;
	uint64_t id;
	int rc, code = 0;

	memset(t, 0, sizeof(*t));
	if (num_parse_count(number, strlen(number), INT64_MAX, &id) == -1) {
		msg_warn("transfer %s: its number is wanted; praic-conf transfer list shows them",
		    number);
		return EX_USAGE;
	}
	stmt = settings_prepare(c->s,
	    "SELECT t.id, t.site_id, t.destination_id, d.kind, d.name "
	    "FROM transfer t JOIN destination d ON d.id = t.destination_id WHERE t.id = ?1");
	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_int64(stmt, 1, (int64_t)id);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		t->id = sqlite3_column_int64(stmt, 0);
		t->site = sqlite3_column_int64(stmt, 1);
		t->destination = sqlite3_column_int64(stmt, 2);
		t->kind = settings_kind((const char *)sqlite3_column_text(stmt, 3));
		t->destination_name = xstrdup((const char *)sqlite3_column_text(stmt, 4));
	} else if (rc == SQLITE_DONE) {
		msg_warn("there is no transfer %s; praic-conf transfer list shows them", number);
		code = EX_CONFIG;
	} else
		code = settings_failed(c->s, "reading it");
	sqlite3_finalize(stmt);
	return code;
}

static int
change(struct conf *c, const char *sql, int64_t id, int64_t value)
{
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);

	if (stmt != NULL) {
		sqlite3_bind_int64(stmt, 1, id);
		if (sqlite3_bind_parameter_count(stmt) > 1)
			sqlite3_bind_int64(stmt, 2, value);
	}
	return settings_run(c->s, stmt, "writing to it");
}

/* What was fetched and not stored would lie in the spool for ever. */
static int
check_backlog(struct conf *c, int64_t id, enum settings_data kind)
{
	char *spool;
	int64_t files;
	int code = settings_text(c->s, "spool", &spool);

	if (code != 0 || spool == NULL)
		return code;
	files = conf_spool_waiting(spool, id, kind);
	free(spool);
	if (files == -1)
		msg_warn("transfer %lld: it is at work now", (long long)id);
	else if (files > 0)
		msg_warn("transfer %lld: %lld files in its spool wait for the destination; "
			 "without it they would be lost (praic-sched -r stores them now)",
		    (long long)id, (long long)files);
	return files != 0 ? EX_USAGE : 0;
}

/* Kinds that are there keep their marks. */
static int
set_kinds(struct conf *c, const struct transfer *t, const char *list)
{
	unsigned kinds;
	int k, code = parse_kinds(list, &kinds);
	sqlite3_stmt *stmt;

	if (code == 0)
		code = check_kinds(t->destination_name, t->kind, kinds);
	if (code == 0)
		code = check_twice(c, t->site, t->destination, t->id, kinds);
	if (code == 0)
		code = add_kinds(c, t->id, kinds, NULL);
	for (k = 0; k < SETTINGS_DATA && code == 0; k++) {
		if ((kinds & 1U << k) != 0)
			continue;
		if ((code = check_backlog(c, t->id, (enum settings_data)k)) != 0)
			break;
		stmt = settings_prepare(
		    c->s, "DELETE FROM transfer_kind WHERE transfer_id = ?1 AND kind = ?2");
		if (stmt == NULL)
			return EX_SOFTWARE;
		sqlite3_bind_int64(stmt, 1, t->id);
		sqlite3_bind_text(stmt, 2, settings_data_name[k], -1, SQLITE_STATIC);
		code = settings_run(c->s, stmt, "writing to it");
	}
	return code;
}

static int
set(struct conf *c, int argc, char **argv)
{
	struct transfer t;
	int64_t since;
	int i, code = find(c, argv[0], &t);

	if (code == 0)
		code = settings_begin(c->s);
	for (i = 1; i < argc && code == 0; i++) {
		if (strncmp(argv[i], "kinds=", 6) == 0)
			code = set_kinds(c, &t, argv[i] + 6);
		else if (strncmp(argv[i], "since=", 6) == 0) {
			code = parse_since(argv[i] + 6, &since);
			if (code == 0)
				code = change(c,
				    "UPDATE transfer_kind SET mark = ?2 WHERE "
				    "transfer_id = ?1",
				    t.id, since);
		} else {
			msg_warn("transfer %s: %s: kinds=KIND,... or since=TIME", argv[0], argv[i]);
			code = EX_USAGE;
		}
	}
	if (code == 0)
		code = change(c,
		    "UPDATE failure SET wait = NULL, retry_at = NULL WHERE "
		    "transfer_id = ?1",
		    t.id, 0);
	if (code == 0)
		code = settings_commit(c->s);
	settings_rollback(c->s);
	free(t.destination_name);
	return code;
}

static int
remove_it(struct conf *c, int argc, char **argv)
{
	struct transfer t;
	int code = find(c, argv[0], &t);

	(void)argc;
	if (code == 0)
		code = check_backlog(c, t.id, SETTINGS_DATA);
	if (code == 0)
		code = change(c, "DELETE FROM transfer WHERE id = ?1", t.id, 0);
	free(t.destination_name);
	return code;
}

#define NAMES                                                                                 \
	"transfer t JOIN schedule c ON c.id = t.schedule_id JOIN site s ON s.id = t.site_id " \
	"JOIN destination d ON d.id = t.destination_id"

static int
list(struct conf *c, int argc, char **argv)
{
	static const char *const head[] = {
	    "number", "schedule", "site", "destination", "kinds", NULL};
	static const enum show_as as[] = {SHOW_INT, SHOW_TEXT, SHOW_TEXT, SHOW_TEXT, SHOW_TEXT};

	(void)argc;
	(void)argv;
	return show_query(c,
	    "SELECT t.id, c.name, s.name, d.name, (SELECT group_concat(kind) FROM "
	    "transfer_kind WHERE transfer_id = t.id) FROM " NAMES " ORDER BY c.name, t.id",
	    head, as);
}

static int
show(struct conf *c, int argc, char **argv)
{
	static const char *const head[] = {"kind", "mark", "swept", "last_start", "last_success",
	    "backlog_files", "backlog_bytes", "backlog_since", NULL};
	static const enum show_as as[] = {
	    SHOW_TEXT, SHOW_TIME, SHOW_TIME, SHOW_TIME, SHOW_TIME, SHOW_INT, SHOW_INT, SHOW_TIME};
	struct transfer t;
	struct show *s;
	sqlite3_stmt *stmt;
	int code = find(c, argv[0], &t);

	(void)argc;
	free(t.destination_name);
	if (code != 0)
		return code;
	stmt = settings_prepare(c->s,
	    "SELECT kind, mark, swept, last_start, last_success, "
	    "backlog_files, backlog_bytes, backlog_since FROM transfer_kind "
	    "WHERE transfer_id = ?1 ORDER BY kind");
	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 1, t.id);
	s = show_statement(c, stmt, head, as);
	return s == NULL ? EX_IOERR : show_rows(s, c);
}

const struct conf_verb conf_transfer_verbs[] = {
    {"add", add, 4, 5, 1, "SCHEDULE SITE DESTINATION KIND[,KIND ...] [since=TIME]"},
    {"set", set, 2, 3, 1, "NUMBER [kinds=KIND[,KIND ...]] [since=TIME]"},
    {"show", show, 1, 1, 0, "NUMBER"}, {"list", list, 0, 0, 0, ""},
    {"remove", remove_it, 1, 1, 1, "NUMBER"}, {0}};
