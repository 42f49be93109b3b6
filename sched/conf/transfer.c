/*
 * Transfers: which kinds of data go from which site to which destination, on
 * which schedule; and the rows of job, which follow from that.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "conf.h"
#include "msg.h"
#include "when.h"

/* Each row of job that some transfer needs, and none that no transfer needs.
 * What is fetched for the first time begins now, unless somebody asks for more. */
int
transfer_jobs(struct conf *c)
{
	static const char *const sql[] = {
	    "INSERT INTO job (step, data, site_id, mark) SELECT DISTINCT 'fetch', 'session', "
	    "site_id, ?1 FROM reading WHERE data <> 'backup' ON CONFLICT DO NOTHING",
	    "INSERT INTO job (step, data, site_id) SELECT DISTINCT 'fetch', 'file', site_id "
	    "FROM reading WHERE data = 'file' ON CONFLICT DO NOTHING",
	    "INSERT INTO job (step, data, site_id, transfer_id, position) SELECT DISTINCT 'store', "
	    "r.data, r.site_id, r.transfer_id, f.last FROM reading r JOIN job f ON "
	    "f.site_id = r.site_id AND f.step = 'fetch' AND f.data = r.data WHERE 1 "
	    "ON CONFLICT DO NOTHING",
	    "INSERT INTO job (step, data, site_id, transfer_id) SELECT 'backup', 'backup', "
	    "site_id, "
	    "transfer_id FROM reading WHERE kind = 'backup' ON CONFLICT DO NOTHING",
	    "DELETE FROM job WHERE transfer_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reading r "
	    "WHERE r.transfer_id = job.transfer_id AND r.data = job.data)",
	    "DELETE FROM job WHERE step = 'fetch' AND NOT EXISTS (SELECT 1 FROM reading r WHERE "
	    "r.site_id = job.site_id AND (r.data = 'file' OR r.data = job.data))",
	    "DELETE FROM log WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.site_id = log.site_id "
	    "AND j.step = 'fetch' AND j.data = log.data)",
	    "DELETE FROM recording WHERE state <> 'lost' AND NOT EXISTS (SELECT 1 FROM reading r "
	    "WHERE r.site_id = recording.site_id AND r.kind = recording.kind)",
	};
	size_t i;
	int code = 0;

	for (i = 0; i < sizeof(sql) / sizeof(sql[0]) && code == 0; i++)
		code = conf_sql(c, sql[i], (int64_t)time(NULL), 0);
	return code;
}

int
transfer_hurry(struct conf *c, const struct row *r)
{
	const char *key = r->thing->name;
	int transfer = r->thing->fields == settings_transfer_fields, code;
	char *sql = xasprintf("UPDATE job SET next = ?2 WHERE wait IS NOT NULL AND (transfer_id IN "
			      "(SELECT id FROM transfer WHERE %s%s = ?1)%s)",
	    transfer ? "" : key, transfer ? "id" : "_id",
	    r->thing->fields == settings_site_fields ? " OR site_id = ?1" : "");

	code = conf_sql(c, sql, r->id, (int64_t)time(NULL));
	free(sql);
	return code;
}

/* The id of what is called that; 0 after a message. */
static int64_t
id_of(struct conf *c, const struct row *r, const char *table, int *code)
{
	char *sql =
	    sqlite3_mprintf("SELECT id FROM %s WHERE name = %Q", table, row_value(r, table));
	int64_t id = conf_number(c, sql, 0);

	sqlite3_free(sql);
	if (id == 0) {
		msg_warn("there is no %s \"%s\"; praic-conf %s list shows them", table,
		    row_value(r, table), table);
		*code = EX_CONFIG;
	}
	return id;
}

/* What a destination cannot store is refused here, and not at night. */
int
transfer_check(struct conf *c, struct row *r)
{
	const char *destination = row_value(r, "destination"), *since = row_value(r, "since");
	int64_t now = (int64_t)time(NULL), t;

	if (r->id != 0 && (row_changed(r, "site") || row_changed(r, "destination"))) {
		msg_warn(
		    "transfer %s: its site and destination stay; add another transfer", r->name);
		return EX_USAGE;
	}
	if (settings_destination_kind(c->s, destination) == SETTINGS_SQL &&
	    strcmp(row_value(r, "kinds"), "session") != 0) {
		msg_warn("destination \"%s\" is a database: it stores sessions; recordings and "
			 "backups are files, and need a destination of the kind fs or exec",
		    destination);
		return EX_USAGE;
	}
	if (since != NULL && (when_parse_user(since, now, &t) == -1 || t > now)) {
		msg_warn("since=%s: a time that has been: 2026-01-31, 90d, or now", since);
		return EX_USAGE;
	}
	return 0;
}

/* Does another transfer move one of these kinds the same way? */
static int
check_twice(struct conf *c, int64_t id)
{
	char *twice = conf_text(c,
	    "SELECT printf('transfer %d moves the kind %s from this site to this destination "
	    "already', "
	    "o.id, k.kind) FROM transfer t JOIN transfer o ON o.site_id = t.site_id AND "
	    "o.destination_id = t.destination_id AND o.id <> t.id JOIN transfer_kind k ON "
	    "k.transfer_id = o.id WHERE t.id = ?1 AND EXISTS (SELECT 1 FROM transfer_kind m WHERE "
	    "m.transfer_id = t.id AND m.kind = k.kind)",
	    id);

	if (twice == NULL)
		return 0;
	msg_warn("%s", twice);
	free(twice);
	return EX_USAGE;
}

/* The kinds, after the transfer itself. */
static int
write_kinds(struct conf *c, const struct row *r)
{
	int code = conf_sql_text(c,
	    "DELETE FROM transfer_kind WHERE transfer_id = ?1 AND "
	    "instr(',' || ?2 || ',', ',' || kind || ',') = 0",
	    r->id, row_value(r, "kinds"));

	if (code == 0)
		code = conf_sql_text(c,
		    "INSERT INTO transfer_kind (transfer_id, kind) SELECT ?1, value FROM "
		    "json_each('[\"' || replace(?2, ',', '\",\"') || '\"]') WHERE 1 "
		    "ON CONFLICT DO NOTHING",
		    r->id, row_value(r, "kinds"));
	return code == 0 ? check_twice(c, r->id) : code;
}

int
transfer_write(struct conf *c, struct row *r)
{
	int64_t schedule, site, destination;
	char *sql;
	int code = 0;

	if ((schedule = id_of(c, r, "schedule", &code)) == 0 ||
	    (site = id_of(c, r, "site", &code)) == 0 ||
	    (destination = id_of(c, r, "destination", &code)) == 0)
		return code;
	if (conf_number(c,
		sql = sqlite3_mprintf("SELECT count(*) FROM transfer WHERE schedule_id = %lld AND "
				      "site_id = %lld AND destination_id = %lld AND id <> %lld",
		    (long long)schedule, (long long)site, (long long)destination, (long long)r->id),
		0) > 0) {
		msg_warn("this schedule has a transfer from this site to this destination; "
			 "praic-conf transfer set changes its kinds");
		code = EX_USAGE;
	}
	sqlite3_free(sql);
	if (code != 0)
		return code;
	if (r->id != 0) {
		code = conf_sql(
		    c, "UPDATE transfer SET schedule_id = ?2 WHERE id = ?1", r->id, schedule);
		return code == 0 ? write_kinds(c, r) : code;
	}
	sql = xasprintf("INSERT INTO transfer (schedule_id, site_id, destination_id) "
			"VALUES (?1, ?2, %lld)",
	    (long long)destination);
	code = conf_sql(c, sql, schedule, site);
	free(sql);
	r->id = sqlite3_last_insert_rowid(settings_handle(c->s));
	return code == 0 ? write_kinds(c, r) : code;
}

/* From when on it is, for a transfer of these kinds (a JSON array): reports
 * by the mark, recordings that came one by one.  0: all that there is. */
static int
ask_again(struct conf *c, int64_t transfer, const char *kinds, int64_t from)
{
	static const char *const sql[] = {
	    ("UPDATE job SET mark = CASE WHEN ?2 = 0 THEN NULL ELSE min(mark, ?2) END "
	     "WHERE step = 'fetch' AND data = 'session' AND site_id = "
	     "(SELECT site_id FROM transfer WHERE id = ?1)"),
	    ("UPDATE recording SET state = 'owed', next = NULL, tries = 0, number = NULL, "
	     "reason = NULL WHERE site_id = (SELECT site_id FROM transfer WHERE id = ?1) AND "
	     "state = 'came' AND ifnull(session_end, ?2) >= ?2 AND kind IN (SELECT value FROM "
	     "json_each(?3))"),
	    ("UPDATE job SET next = strftime('%s', 'now'), asked = strftime('%s', 'now') WHERE "
	     "step = 'fetch' AND site_id = (SELECT site_id FROM transfer WHERE id = ?1)"),
	};
	sqlite3_stmt *stmt;
	int i, code = 0;

	for (i = 0; i < 3 && code == 0; i++) {
		if ((stmt = settings_prepare(c->s, sql[i])) != NULL) {
			sqlite3_bind_int64(stmt, 1, transfer);
			sqlite3_bind_int64(stmt, 2, from);
			sqlite3_bind_text(stmt, 3, kinds, -1, SQLITE_STATIC);
		}
		code = settings_run(c->s, stmt, "writing to it");
	}
	return code;
}

/* What is new for it, or is wanted once more, is fetched again. */
int
transfer_written(struct conf *c, struct row *r)
{
	const char *since = row_value(r, "since");
	char *sql = sqlite3_mprintf("SELECT json_group_array(value) FROM json_each('[\"' || "
				    "replace(%Q, ',', '\",\"') || '\"]') WHERE value <> 'backup' "
				    "AND (%d OR instr(',' || %Q || ',', ',' || value || ',') = 0)",
		 row_value(r, "kinds"), since != NULL,
		 row_was(r, "kinds") != NULL ? row_was(r, "kinds") : ""),
	     *kinds = conf_text(c, sql, 0);
	int64_t from = 0;
	int code = kinds == NULL ? EX_SOFTWARE : 0;

	if (since != NULL)
		when_parse_user(since, (int64_t)time(NULL), &from);
	if (code == 0 && strcmp(kinds, "[]") != 0)
		code = ask_again(c, r->id, kinds, from);
	if (code == 0)
		code = transfer_hurry(c, r);
	sqlite3_free(sql);
	free(kinds);
	return code;
}
