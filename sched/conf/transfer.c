/*
 * Transfers: the kinds of data that go from a site to a destination on a schedule;
 * and the rows of job, which follow from the transfers.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "conf.h"
#include "msg.h"
#include "when.h"

/* Make the rows of job that transfers need, and remove the others.  A new fetch begins
 * now; transfer_written() may set its mark back. */
void
transfer_jobs(struct conf *c)
{
	db_script(c->db,
	    "INSERT INTO job (step, data, site_id, mark) SELECT DISTINCT 'fetch', 'session',"
	    " site_id, strftime('%s', 'now') FROM reading WHERE data <> 'backup'"
	    " ON CONFLICT DO NOTHING;"
	    "INSERT INTO job (step, data, site_id) SELECT DISTINCT 'fetch', 'file', site_id"
	    " FROM reading WHERE data = 'file' ON CONFLICT DO NOTHING;"
	    "INSERT INTO job (step, data, site_id, transfer_id, position) SELECT DISTINCT 'store',"
	    " r.data, r.site_id, r.transfer_id, f.last FROM reading r JOIN job f ON"
	    " f.site_id = r.site_id AND f.step = 'fetch' AND f.data = r.data WHERE 1"
	    " ON CONFLICT DO NOTHING;"
	    "INSERT INTO job (step, data, site_id, transfer_id) SELECT 'backup', 'backup',"
	    " site_id, transfer_id FROM reading WHERE kind = 'backup' ON CONFLICT DO NOTHING;"
	    "DELETE FROM job WHERE transfer_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reading r"
	    " WHERE r.transfer_id = job.transfer_id AND r.data = job.data);"
	    "DELETE FROM job WHERE step = 'fetch' AND NOT EXISTS (SELECT 1 FROM reading r WHERE"
	    " r.site_id = job.site_id AND (r.data = 'file' OR r.data = job.data));"
	    "DELETE FROM log WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.site_id = log.site_id"
	    " AND j.step = 'fetch' AND j.data = log.data);"
	    "DELETE FROM recording WHERE state <> 'lost' AND NOT EXISTS (SELECT 1 FROM reading r"
	    " WHERE r.site_id = recording.site_id AND r.kind = recording.kind)");
}

void
transfer_hurry(struct conf *c, const struct row *r)
{
	int transfer = r->thing->fields == settings_transfer_fields;
	char *sql = xasprintf("UPDATE job SET next = ?2 WHERE wait IS NOT NULL AND (transfer_id IN "
			      "(SELECT id FROM transfer WHERE %s%s = ?1)%s)",
	    transfer ? "" : r->thing->name, transfer ? "id" : "_id",
	    r->thing->fields == settings_site_fields ? " OR site_id = ?1" : "");

	db_do(c->db, sql, "ii", r->id, (int64_t)time(NULL));
	free(sql);
}

/* Refuse here what a destination cannot store, and not in the next nightly run. */
int
transfer_check(struct conf *c, struct row *r)
{
	const char *destination = row_value(r, "destination"), *since = row_value(r, "since");
	int64_t now = (int64_t)time(NULL), t;

	if (r->id != 0 && (row_changed(r, "site") || row_changed(r, "destination"))) {
		msg_warn(
		    "transfer %s: its site and destination cannot change; add another transfer",
		    r->name);
		return EX_USAGE;
	}
	if (strcmp(row_value(r, "kinds"), "session") != 0 &&
	    db_number(c->db, "SELECT kind = 'sql' FROM destination WHERE name = ?1", "t",
		destination) == 1) {
		msg_warn("destination \"%s\" is a database: it stores sessions; recordings and "
			 "backups are files, and need a destination of the kind fs or exec",
		    destination);
		return EX_USAGE;
	}
	if (since != NULL && (when_parse_user(since, now, &t) == -1 || t > now)) {
		msg_warn("since=%s: give a time in the past: 2026-01-31, 90d, or now", since);
		return EX_USAGE;
	}
	return c->db->code;
}

/* The id of the row that a field names; 0 after a message. */
static int64_t
id_of(struct conf *c, const struct row *r, const char *table)
{
	char *sql = xasprintf("SELECT id FROM %s WHERE name = ?1", table);
	int64_t id = db_number(c->db, sql, "t", row_value(r, table));

	free(sql);
	if (id != DB_NULL)
		return id;
	msg_warn("there is no %s \"%s\"; praic-conf %s list shows them", table, row_value(r, table),
	    table);
	return 0;
}

int
transfer_write(struct conf *c, struct row *r)
{
	int64_t schedule, site, destination;
	char *twice;

	if ((schedule = id_of(c, r, "schedule")) == 0 || (site = id_of(c, r, "site")) == 0 ||
	    (destination = id_of(c, r, "destination")) == 0)
		return EX_CONFIG;
	if (db_number(c->db,
		"SELECT 1 FROM transfer WHERE schedule_id = ?1 AND site_id = ?2"
		" AND destination_id = ?3 AND id <> ?4",
		"iiii", schedule, site, destination, r->id) == 1) {
		msg_warn("this schedule has a transfer from this site to this destination; "
			 "praic-conf transfer set changes its kinds");
		return EX_USAGE;
	}
	db_do(c->db,
	    "INSERT INTO transfer (id, schedule_id, site_id, destination_id)"
	    " VALUES (nullif(?1, 0), ?2, ?3, ?4)"
	    " ON CONFLICT (id) DO UPDATE SET schedule_id = excluded.schedule_id",
	    "iiii", r->id, schedule, site, destination);
	if (r->id == 0)
		r->id = sqlite3_last_insert_rowid(c->db->h);
	db_do(c->db, "DELETE FROM transfer_kind WHERE transfer_id = ?1", "i", r->id);
	db_do(c->db,
	    "INSERT INTO transfer_kind (transfer_id, kind) SELECT ?1, value FROM"
	    " json_each('[\"' || replace(?2, ',', '\",\"') || '\"]')",
	    "it", r->id, row_value(r, "kinds"));
	/* Another transfer may move one of these kinds the same way. */
	twice = db_text(c->db,
	    "SELECT printf('transfer %d moves the kind %s from this site to this destination"
	    " already', t.id, kind) FROM transfer AS t JOIN transfer_kind AS k"
	    " ON k.transfer_id = t.id WHERE site_id = ?2 AND destination_id = ?3 AND t.id <> ?1"
	    " AND kind IN (SELECT kind FROM transfer_kind WHERE transfer_id = ?1)",
	    "iii", r->id, site, destination);
	if (twice == NULL)
		return c->db->code;
	msg_warn("%s", twice);
	free(twice);
	return EX_USAGE;
}

/* Have data fetched again for a new kind, or for since=: reports by setting the mark
 * back, recordings one by one, if the appliance may still have them. */
int
transfer_written(struct conf *c, struct row *r)
{
	const char *since = row_value(r, "since"), *was = row_was(r, "kinds");
	int64_t from = 0, now = (int64_t)time(NULL), kept;
	char *kinds = db_text(c->db,
	    "SELECT json_group_array(value) FROM json_each('[\"' || replace(?1, ',', '\",\"') ||"
	    " '\"]') WHERE value <> 'backup' AND instr(',' || ?2 || ',', ',' || value || ',') = 0",
	    "tt", row_value(r, "kinds"), since == NULL && was != NULL ? was : "");

	if (since != NULL)
		when_parse_user(since, now, &from);
	kept = now - settings_number(c->db, "retention-days") * 86400;
	if (kinds != NULL && strcmp(kinds, "[]") != 0) {
		db_do(c->db,
		    "UPDATE job SET next = ?3, asked = ?3, mark = CASE WHEN data = 'file' THEN mark"
		    " WHEN ?2 = 0 THEN NULL ELSE min(mark, ?2) END WHERE step = 'fetch'"
		    " AND site_id = (SELECT site_id FROM transfer WHERE id = ?1)",
		    "iii", r->id, from, now);
		db_do(c->db,
		    "UPDATE recording SET state = 'owed', next = NULL, tries = 0, number = NULL,"
		    " reason = NULL, reported = NULL, noted = ?4 WHERE site_id = (SELECT site_id "
		    "FROM transfer WHERE id = ?1)"
		    " AND state = 'came' AND ifnull(session_end, ?2) >= ?2"
		    " AND kind IN (SELECT value FROM json_each(?3))",
		    "iiti", r->id, from > kept ? from : kept, kinds, now);
	}
	free(kinds);
	transfer_hurry(c, r);
	return c->db->code;
}
