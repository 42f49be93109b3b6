/*
 * Fetching the recordings that are owed and due, the oldest session first.
 * praic-fetch reads a list of them and writes a file row with the outcome of each.
 * Recordings that came go into a file of the log, outcomes into the table recording.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "rec.h"
#include "recfield.h"
#include "run.h"
#include "sha256.h"

/* Recordings and seconds at a time, so that stores can begin and new reports are seen. */
#define MOST 200
#define HOUR 3600
/* After failures, for a recording that takes longer than an hour. */
#define HOURS 12
/* Downloads side by side: what appliances are said to bear. */
#define JOBS "4"

/* Seconds: the back-offs of a recording after the outcomes "later" and "refused". */
#define LATER_MIN 60
#define LATER_MAX 3600
#define REFUSED	  DAY

struct files {
	struct run *run;
	char *ask, *got, *tmp;
	int64_t asked, came, expired, refused;
	char *reason; /* of the first that did not come */
};

static struct rec_value
value_of(const char *text)
{
	return (struct rec_value){text, text != NULL ? strlen(text) : 0};
}

/* Writes the R line of a session row.  An earlier version may have noted it with fewer
 * columns. */
static void
session_row(struct rec_writer *out, const char *line)
{
	struct buf b = {0};
	const char *p;
	int columns = -2;

	for (p = line; *p != '\0'; p++)
		columns += *p == '\t';
	buf_add(&b, line, strcspn(line, "\n"));
	for (columns++; columns < SESSION_COLUMNS; columns++)
		buf_adds(&b, "\t\\N");
	buf_addc(&b, '\n');
	rec_rows(out, b.p, b.n, 1);
	buf_free(&b);
}

/* Choose the recordings to ask for, into the temporary table asked. */
static void
choose(struct files *f)
{
	struct run *r = f->run;

	db_do(r->db,
	    "CREATE TEMP TABLE IF NOT EXISTS asked (host_name TEXT, lsid TEXT, kind TEXT,"
	    " instance INTEGER, outcome TEXT, reason TEXT, bytes INTEGER,"
	    " PRIMARY KEY (host_name, lsid, kind, instance)) WITHOUT ROWID",
	    "");
	db_do(r->db, "DELETE FROM asked", "");
	/* A time that is further ahead than any back-off was set by a wrong clock. */
	db_do(r->db,
	    "INSERT INTO asked (host_name, lsid, kind, instance) SELECT host_name, lsid, kind,"
	    " instance FROM recording WHERE site_id = ?1 AND state = 'owed'"
	    " AND (ifnull(next, 0) <= ?2 OR next > ?2 + ?3) ORDER BY session_start LIMIT ?4",
	    "iiii", r->site, run_now(r), (int64_t)REFUSED, (int64_t)MOST);
	f->asked = db_number(r->db, "SELECT count(*) FROM asked", "");
}

static void
write_list(struct files *f)
{
	struct run *r = f->run;
	int fd = open(f->ask, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct rec_writer *out = rec_new(fd, f->ask);
	sqlite3_stmt *row = db_ask(r->db,
	    "SELECT host_name, lsid, kind, instance, session, lag(lsid) OVER w IS lsid"
	    " AND lag(host_name) OVER w IS host_name FROM asked JOIN recording"
	    " USING (host_name, lsid, kind, instance) WHERE site_id = ?1"
	    " WINDOW w AS (ORDER BY session_start, host_name, lsid, kind, instance)"
	    " ORDER BY session_start, host_name, lsid, kind, instance",
	    "i", r->site);
	struct buf b = {0};
	char *session = NULL;

	rec_head(out, TABLE_BIT(TABLE_SESSION) | TABLE_BIT(TABLE_RECORDING));
	while (db_row(r->db, row)) {
		if (!sqlite3_column_int(row, 5)) {
			if (session != NULL) {
				session_row(out, session);
				rec_commit(out);
			}
			free(session);
			rec_begin(out, value_of(db_string(row, 0)), value_of(db_string(row, 1)));
			session = xstrdup(db_string(row, 4));
		}
		buf_reset(&b);
		rec_row(&b, TABLE_RECORDING);
		rec_value(&b, value_of(db_string(row, 2)));
		if (sqlite3_column_int64(row, 3) >= 0)
			rec_int(&b, sqlite3_column_int64(row, 3));
		else
			rec_null(&b);
		rec_end_row(&b);
		rec_rows(out, b.p, b.n, 1);
	}
	if (session != NULL) {
		session_row(out, session);
		rec_commit(out);
	}
	rec_end(out, 0);
	if (fd == -1 || rec_finish(out) != 0)
		run_fail(r, EX_CANTCREAT, msg_program(), "%s: it cannot be written", f->ask);
	if (fd != -1)
		close(fd);
	free(session);
	buf_free(&b);
	rec_free(out);
}

int
files_copy(struct run *r, const char *from, const char *to,
    int (*keep)(void *, const struct rec_reader *), void *arg)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	int out_fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct rec_reader *in = rec_open(fd, from);
	struct rec_writer *out = rec_new(out_fd, to);
	struct buf b = {0};
	enum rec_event e;
	int code = 0;

	in->cut_is_known = 1;
	rec_head(out, TABLE_SET_FILES);
	while (fd != -1 && (e = rec_next(in)) != REC_EOF)
		if (e == REC_BEGIN)
			rec_begin(out, in->host, in->lsid);
		else if (e == REC_COMMIT)
			rec_commit(out);
		else if (e == REC_DROP)
			rec_drop(out);
		else if (e == REC_ROW && (in->table == TABLE_SESSION || keep(arg, in))) {
			buf_reset(&b);
			rec_copy_row(&b, in);
			rec_rows(out, b.p, b.n, 1);
		}
	buf_free(&b);
	/* Z counts nothing as left out: the caller has noted it. */
	rec_end(out, 0);
	if (out_fd == -1 || rec_finish(out) != 0 || fsync(out_fd) == -1)
		code = run_fail(r, EX_IOERR, msg_program(), "%s: it cannot be written", to);
	rec_close(in);
	rec_free(out);
	if (fd != -1)
		close(fd);
	if (out_fd != -1)
		close(out_fd);
	return code;
}

/* Note the outcome of a file row.  Returns whether the recording came. */
static int
take_row(void *arg, const struct rec_reader *in)
{
	struct files *f = arg;
	const struct rec_value *v = in->value;

	db_do(f->run->db,
	    "UPDATE asked SET outcome = ?5, reason = ?6, bytes = CAST(?7 AS INTEGER)"
	    " WHERE host_name = ?1 AND lsid = ?2 AND kind = ?3"
	    " AND instance = ifnull(CAST(?4 AS INTEGER), -1)",
	    "vvvvvvv", in->host, in->lsid, v[FILE_KIND], v[FILE_INSTANCE], v[FILE_OUTCOME],
	    v[FILE_REASON], v[FILE_BYTES]);
	return field_is(v[FILE_OUTCOME], "came");
}

/* Read what praic-fetch wrote, complete or cut: outcomes go into the temporary table,
 * recordings that came into the next file of the log. */
static void
take(struct files *f)
{
	struct run *r = f->run;

	db_do(r->db, "BEGIN", ""); /* of a temporary table */
	if (files_copy(r, f->got, f->tmp, take_row, f) != 0) {
		(void)db_end(r->db, 1);
		return;
	}
	(void)run_commit(r);
	f->came = db_number(r->db, "SELECT count(*) FROM asked WHERE outcome = 'came'", "");
	f->expired = db_number(r->db, "SELECT count(*) FROM asked WHERE outcome = 'expired'", "");
	f->refused = db_number(r->db, "SELECT count(*) FROM asked WHERE outcome = 'refused'", "");
	f->reason = db_text(r->db,
	    "SELECT kind || ' of session ' || lsid || ': ' || reason FROM asked"
	    " WHERE outcome IN ('refused', 'later') ORDER BY outcome DESC LIMIT 1",
	    "");
}

#define ASKED(outcome)                                                       \
	" FROM asked AS a WHERE site_id = ?1 AND state = 'owed'"             \
	" AND a.host_name = recording.host_name AND a.lsid = recording.lsid" \
	" AND a.kind = recording.kind AND a.instance = recording.instance AND " outcome

/* In one transaction: add the file to the log, and set the state of each recording. */
static void
commit(struct files *f, int64_t number, const char *sha, int64_t bytes)
{
	struct run *r = f->run;
	int64_t now = run_now(r), lost;
	int answered = f->came + f->expired + f->refused > 0;

	db_begin(r->db);
	if (f->came > 0) {
		db_do(r->db, "UPDATE job SET last = ?2 WHERE id = ?1", "ii", r->job, number);
		db_do(r->db,
		    "INSERT INTO log SELECT ?1, 'file', ?2, NULL, NULL,"
		    " count(DISTINCT host_name || ' ' || lsid), ?3, ?4 FROM asked"
		    " WHERE outcome = 'came'",
		    "iiit", r->site, number, bytes, sha);
	}
	db_do(r->db,
	    "UPDATE recording SET state = 'came', number = ?2, next = NULL, reason = NULL,"
	    " tries = 0, reported = NULL" ASKED("a.outcome = 'came'"),
	    "ii", r->site, number);
	/* One that had expired when it was first asked for, within a day, is gone, not lost. */
	lost = db_do(r->db,
	    "UPDATE recording SET state = 'lost', next = NULL, reported = NULL,"
	    " reason = ifnull(recording.reason,"
	    " a.reason)" ASKED("a.outcome = 'expired' AND (tries > 0 OR noted < ?2)"),
	    "ii", r->site, now - DAY);
	db_do(r->db,
	    "UPDATE recording SET state = 'gone', next = NULL, reason = a.reason" ASKED(
		"a.outcome = 'expired'"),
	    "i", r->site);
	db_do(r->db,
	    "UPDATE recording SET tries = tries + 1, next = ?2, reason = a.reason" ASKED(
		"a.outcome = 'refused'"),
	    "ii", r->site, now + REFUSED);
	/* Without any answer of the appliance, no recording is blamed. */
	if (answered)
		db_do(r->db,
		    "UPDATE recording SET tries = tries + 1, next = ?2 + min(?4, ?3 << min(tries,"
		    " 10)), reason = ifnull(a.reason, recording.reason)" ASKED(
			"ifnull(a.outcome, 'later') NOT IN ('came', 'expired', 'refused')"),
		    "iiii", r->site, now, (int64_t)LATER_MIN, (int64_t)LATER_MAX);
	else
		/* The back-off gives others their turn when the job is tried again. */
		db_do(r->db,
		    "UPDATE recording SET next = ?2 + min(?4, 4 * ?3 << min(?5, 10)),"
		    " reason = ifnull(a.reason, recording.reason)" ASKED("1"),
		    "iiiii", r->site, now, (int64_t)LATER_MIN, (int64_t)LATER_MAX,
		    db_number(r->db, "SELECT tries FROM job WHERE id = ?1", "i", r->job));
	fetch_lost(r,
	    db_number(r->db,
		"SELECT ifnull(mark, 0) FROM job WHERE site_id = ?1 AND step = 'fetch'"
		" AND data = 'session'",
		"i", r->site));
	r->files += f->came;
	r->sessions += db_number(r->db,
	    "SELECT count(DISTINCT host_name || ' ' || lsid) FROM asked WHERE outcome = 'came'",
	    "");
	r->bytes += db_number(r->db, "SELECT total(bytes) FROM asked", "");
	if (run_commit(r) == 0 && lost > 0) {
		r->code = code_worse(r->code, EX_DATAERR);
		if (r->reason == NULL)
			r->reason = xasprintf("recordings lost: %lld expired before being fetched; "
					      "praic-conf status lists what is lost",
			    (long long)lost);
	}
}

/* The result of the step, by the outcomes of the recordings. */
static void
judge(struct files *f, int code)
{
	struct run *r = f->run;

	if (f->came + f->expired > 0) {
		/* Recordings that did not come have back-offs of their own. */
		run_clear(r);
		if (f->refused > 0 && f->reason != NULL) {
			r->code = EX_DATAERR;
			r->reason = xstrdup(f->reason);
		}
		return;
	}
	if (f->reason != NULL) {
		run_clear(r);
		run_fail(r, code != 0 ? code : EX_UNAVAILABLE, "praic-fetch", "%s", f->reason);
	} else if (!r->failed)
		run_fail(r, EX_SOFTWARE, msg_program(),
		    "praic-fetch gave no outcome of "
		    "any recording");
}

void
fetch_files(struct run *r)
{
	struct files f = {.run = r,
	    .ask = run_path(r, r->dry ? "file/tmp/ask-n.rec" : "file/tmp/ask.rec"),
	    .got = run_path(r, "file/tmp/got.rec"),
	    .tmp = run_path(r, "file/tmp/N.rec")};
	char sha[SHA256_HEX] = "", *path = run_path(r, "file/%lld.rec", (long long)r->last + 1);
	char *files = run_path(r, "files");
	int64_t bytes = 0,
		tries = db_number(r->db, "SELECT tries FROM job WHERE id = ?1", "i", r->job);
	struct pipe p;
	int code;

	if (!r->dry) {
		spool_trim(r, "file");
		spool_clean_log(r, "file");
	}
	choose(&f);
	if (f.asked > 0 && r->db->code == 0 && (r->dry || spool_room(r, 1) == 0)) {
		write_list(&f);
		pipe_init(&p, r, NULL, f.got);
		p.limit = HOUR * (tries < HOURS ? tries + 1 : HOURS);
		/* --verify: fetch again a file that a destination found changed. */
		pipe_stage(&p, "praic-fetch", "-s", r->site_name, "recordings", "-d", files, "-j",
		    JOBS, "--verify", f.ask, (char *)NULL);
		code = r->failed ? r->code : pipe_run(&p);
		pipe_free(&p);
		if (!r->dry && pipe_stop == 0) {
			take(&f);
			if (f.came > 0 && r->db->code == 0 &&
			    (spool_hash(f.tmp, &bytes, sha) == -1 ||
				spool_publish(r, f.tmp, path) != 0))
				run_fail(
				    r, EX_IOERR, msg_program(), "%s: it cannot be read", f.tmp);
			else if (r->db->code == 0) {
				judge(&f, code);
				commit(&f, r->last + 1, sha, bytes);
			}
			spool_empty(r, "file/tmp");
		}
	}
	free(f.ask);
	free(f.got);
	free(f.tmp);
	free(f.reason);
	free(path);
	free(files);
}
