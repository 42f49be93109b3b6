/*
 * Fetching reports: first the new sessions, from the mark on; then, once a day, the
 * look-back.  A report is synced and has its name in the log before the log row and
 * the mark are committed, so a crash in between only has it fetched again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "rec.h"
#include "run.h"
#include "sha256.h"
#include "when.h"

/* Seconds: a session may appear in reports a while after it has changed. */
#define OVERLAP 900
/* A long span is fetched in strides, each of which is committed. */
#define STRIDE (14 * DAY)
/* A recording can be fetched when its session is over.  A session that is open for
 * longer than this has lost its connection. */
#define OPEN_TIME (7 * DAY)
/* Seconds that this machine's clock may be ahead of the appliance's without an
 * additional stride. */
#define CLOCKS 3600

struct span {
	int64_t since, until; /* until DB_NULL: now */
	int back;	      /* both are seconds before the appliance's now */
};

struct fetch {
	struct run *run;
	int64_t first_mark, mark, clock; /* clock: the appliance's, or DB_NULL */
	int64_t retention, sweep;
	int sweeping;
	char *xml, *tmp, *list, sha[SHA256_HEX];
	int64_t bytes, sessions;
};

/* Read the end mark of a report from its last line.  0, or -1. */
static int
read_end(int fd, struct frame *end)
{
	char text[FRAME_SIZE];
	off_t size = lseek(fd, 0, SEEK_END), at = size > FRAME_SIZE ? size - FRAME_SIZE : 0;
	ssize_t n = pread(fd, text, sizeof(text), at);
	const char *line;

	if (n < 2 || text[n - 1] != '\n')
		return -1;
	line = memrchr(text, '\n', (size_t)n - 1);
	line = line != NULL ? line + 1 : text;
	return frame_parse(line, (size_t)(text + n - 1 - line), end) == FRAME_IS_END ? 0 : -1;
}

/* Fetch a report into report.xml.  0, or a code that is noted. */
static int
ask_report(struct fetch *f, const struct span *span, struct frame *end)
{
	struct run *r = f->run;
	struct pipe p;
	struct stage *s;
	int code;

	pipe_init(&p, r, NULL, f->xml);
	s = pipe_stage(&p, "praic-fetch", "-s", r->site_name, "sessions", "--since", (char *)NULL);
	pipe_add(s, "%lld%s", (long long)span->since, span->back ? "s" : "");
	if (span->until != DB_NULL) {
		pipe_add(s, "--until");
		pipe_add(s, "%lld%s", (long long)span->until, span->back ? "s" : "");
	}
	if (r->dry) {
		pipe_stage(&p, "praic-split", (char *)NULL);
		pipe_stage(&p, "praic-uniq", (char *)NULL);
	}
	code = pipe_run(&p);
	if (code == EX_DATAERR)
		run_fail(
		    r, code, "praic-fetch", "it ended with 65, which is not one of its codes here");
	if (code == 0 && !r->dry &&
	    (read_end(p.fd, end) == -1 || !end->has_until ||
		(!span->back && span->until != DB_NULL && end->until > span->until)))
		code = run_fail(r, EX_UNAVAILABLE, msg_program(),
		    "the report has no end mark with the time until which it is complete");
	pipe_free(&p);
	return code;
}

/* Make records of the report, without repetitions.  0, EX_DATAERR, or a code that is
 * noted. */
static int
convert(struct fetch *f)
{
	struct pipe p;
	int code;

	pipe_init(&p, f->run, NULL, f->tmp);
	pipe_stage(&p, "praic-split", "--left-out", f->list, f->xml, (char *)NULL);
	pipe_stage(&p, "praic-uniq", (char *)NULL);
	code = pipe_run(&p);
	pipe_free(&p);
	if (code != 0 && code != EX_DATAERR)
		return code;
	if (spool_hash(f->tmp, &f->bytes, f->sha) == 0)
		return code;
	return run_fail(f->run, EX_IOERR, msg_program(), "%s: %s", f->tmp, strerror(errno));
}

/*
 * The records are read into temporary tables first, so that no transaction is open
 * meanwhile.
 */

static int64_t
time_of(struct rec_value v)
{
	int64_t t;

	return v.p != NULL && when_parse(v.p, v.n, &t) == 0 ? t : DB_NULL;
}

static void
see_session(struct run *r, const struct rec_reader *in)
{
	const struct rec_value *v = in->value;
	struct buf line = {0};
	int over = v[SESSION_OVER].p != NULL && *v[SESSION_OVER].p == '1';

	rec_copy_row(&line, in);
	db_do(r->db,
	    "INSERT INTO seen VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
	    " start = excluded.start, end = excluded.end, over = max(over, excluded.over),"
	    " line = excluded.line",
	    "vviiit", in->host, in->lsid, time_of(v[SESSION_START_TIME]),
	    time_of(v[SESSION_END_TIME]), (int64_t)over, buf_text(&line));
	buf_free(&line);
}

static void
see_recording(struct run *r, const struct rec_reader *in)
{
	db_do(r->db,
	    "INSERT OR IGNORE INTO named VALUES (?1, ?2, ?3, ifnull(CAST(?4 AS INTEGER), -1))",
	    "vvvv", in->host, in->lsid, in->value[RECORDING_KIND], in->value[RECORDING_INSTANCE]);
}

/* 0, or a code that is noted. */
static int
see_records(struct fetch *f)
{
	struct run *r = f->run;
	int fd = open(f->tmp, O_RDONLY | O_CLOEXEC), code;
	struct rec_reader *in = rec_open(fd, f->tmp);
	enum rec_event e;

	db_do(r->db,
	    "CREATE TEMP TABLE IF NOT EXISTS seen (host TEXT, lsid TEXT, start INTEGER, end "
	    "INTEGER,"
	    " over INTEGER, line TEXT, PRIMARY KEY (host, lsid)) WITHOUT ROWID",
	    "");
	db_do(r->db,
	    "CREATE TEMP TABLE IF NOT EXISTS named (host TEXT, lsid TEXT, kind TEXT,"
	    " instance INTEGER, PRIMARY KEY (host, lsid, kind, instance)) WITHOUT ROWID",
	    "");
	db_do(r->db, "DELETE FROM seen", "");
	db_do(r->db, "DELETE FROM named", "");
	/* It locks only the temporary tables. */
	db_do(r->db, "BEGIN", "");
	while (r->db->code == 0 && (e = rec_next(in)) != REC_EOF) {
		r->rows += e == REC_ROW;
		if (e == REC_ROW && in->table == TABLE_RECORDING)
			see_recording(r, in);
		else if (e == REC_ROW && in->table == TABLE_SESSION)
			see_session(r, in);
	}
	f->sessions = (int64_t)in->complete;
	code = rec_code(in);
	if (code == EX_DATAERR)
		code = 0; /* praic-split has reported it */
	rec_close(in);
	if (fd != -1)
		close(fd);
	if (code != 0)
		run_fail(r, EX_SOFTWARE, msg_program(),
		    "%s: the stream of praic-uniq is not complete", f->tmp);
	return code != 0 ? (run_commit(r), code) : run_commit(r);
}

/* Note the open sessions and the recordings of a report. */
static void
note_seen(struct fetch *f, int64_t until)
{
	struct run *r = f->run;

	db_do(r->db,
	    "INSERT INTO recording (site_id, host_name, lsid, kind, instance, session,"
	    " session_start, session_end, state, noted, named)"
	    " SELECT ?1, host, lsid, kind, instance, line, start, end, 'owed', ?2, ?2"
	    " FROM seen JOIN named USING (host, lsid)"
	    " WHERE (over OR start < ?3) AND kind IN (SELECT kind FROM reading WHERE site_id = ?1)"
	    " ON CONFLICT DO UPDATE SET named = excluded.named, session = excluded.session,"
	    " session_start = excluded.session_start, session_end = excluded.session_end",
	    "iii", r->site, run_now(r), until - OPEN_TIME);
	db_do(r->db,
	    "DELETE FROM open_session WHERE site_id = ?1 AND (ifnull(start_time, 0) < ?2"
	    " OR EXISTS (SELECT 1 FROM seen WHERE over AND host = host_name"
	    " AND seen.lsid = open_session.lsid))",
	    "ii", r->site, until - f->retention);
	db_do(r->db,
	    "INSERT OR REPLACE INTO open_session SELECT ?1, host, lsid, start FROM seen"
	    " WHERE NOT over AND ifnull(start, 0) >= ?2",
	    "ii", r->site, until - f->retention);
}

/* Report the sessions between the mark and the oldest that the appliance still has as
 * lost. */
static void
note_lost(struct fetch *f)
{
	struct run *r = f->run;
	int64_t now = run_now(r), gone = f->clock - f->retention;
	char from[WHEN_SIZE], to[WHEN_SIZE], *reason;

	/* If a person set the mark back, nothing is lost: fetches succeeded meanwhile. */
	if (f->sweeping || f->clock == DB_NULL || f->first_mark == DB_NULL ||
	    f->first_mark >= gone ||
	    db_number(r->db, "SELECT good_start < ?2 FROM job WHERE id = ?1", "ii", r->job,
		now - f->retention) != 1)
		return;
	when_format(f->first_mark, from);
	when_format(gone, to);
	reason = xasprintf("sessions from %s to %s were not fetched in time: the appliance keeps "
			   "its data for %lld days",
	    from, to, (long long)f->retention / DAY);
	db_do(r->db,
	    "INSERT INTO left_out (site_id, program, host_name, lsid, kind, code, reason, first,"
	    " last) VALUES (?1, ?2, '', '', 'session', 'lost', ?3, ?4, ?4)"
	    " ON CONFLICT DO UPDATE SET reason = excluded.reason, last = excluded.last,"
	    " reported = NULL, acked = NULL",
	    "itti", r->site, msg_program(), reason, now);
	f->first_mark = DB_NULL;
	r->code = code_worse(r->code, EX_DATAERR);
	if (r->reason == NULL)
		r->reason = reason;
	else
		free(reason);
}

/* In one transaction: add the report to the log, and move the mark. */
static int
commit(struct fetch *f, const struct span *span, const struct frame *end, int split)
{
	struct run *r = f->run;
	int64_t since = span->since, until = end->until;
	char *name;
	int is_new;

	if (span->back) /* as the appliance counted it */
		since = until - (span->since - (span->until != DB_NULL ? span->until : 0));
	db_begin(r->db);
	if (end->documents > 0) {
		db_do(r->db, "UPDATE job SET last = ?2 WHERE id = ?1", "ii", r->job, r->last + 1);
		db_do(r->db, "INSERT INTO log VALUES (?1, 'session', ?2, ?3, ?4, ?5, ?6, ?7)",
		    "iiiiiit", r->site, r->last + 1, since, until, f->sessions, f->bytes, f->sha);
		note_seen(f, until);
	}
	if (!f->sweeping) {
		db_do(r->db,
		    "UPDATE job SET mark = CASE WHEN mark IS ?2 THEN ?3 ELSE mark END,"
		    " oldest = min(ifnull(oldest, ?4), ?4) WHERE id = ?1",
		    "iiii", r->job, f->mark, until, f->mark != DB_NULL ? f->mark : (int64_t)0);
		note_lost(f);
	}
	if (split == EX_DATAERR) {
		is_new = spool_left_out(r, f->list, "praic-split", 0);
		name = xasprintf("session-%lld.xml", (long long)r->last + 1);
		r->code = code_worse(r->code, EX_DATAERR);
		if (is_new > 0 && spool_keep(r, f->xml, name) != 0)
			r->db->code = EX_IOERR;
		free(name);
	}
	if (run_commit(r) != 0)
		return r->code;
	r->sessions += end->documents > 0 ? f->sessions : 0;
	r->bytes += end->documents > 0 ? f->bytes : 0;
	r->last += end->documents > 0;
	return 0;
}

/* One stride.  0, or a code that is noted. */
static int
fetch_span(struct fetch *f, const struct span *span, struct frame *end)
{
	struct run *r = f->run;
	int code = r->dry ? 0 : spool_room(r, 0), split = 0;
	char *path;

	if (code != 0 || (code = ask_report(f, span, end)) != 0 || r->dry)
		return code;
	if (end->documents > 0) {
		split = convert(f);
		if (split != 0 && split != EX_DATAERR)
			return split;
		if ((code = see_records(f)) != 0)
			return code;
		path = run_path(r, "session/%lld.rec", (long long)r->last + 1);
		code = spool_publish(r, f->tmp, path);
		free(path);
	}
	if (code != 0)
		return code;
	if (!f->sweeping) {
		if (span->until == DB_NULL)
			f->clock = end->until;
		else if (span->back)
			f->clock = end->until + span->until;
		else if (end->until < span->until)
			f->clock = end->until;
	}
	return commit(f, span, end, split);
}

/* Fetch new sessions.  0, or a code that is noted. */
static int
fetch_new(struct fetch *f)
{
	struct run *r = f->run;
	struct frame end;
	struct span span;
	int64_t now = run_now(r);
	int code, first = 1;

	for (;; first = 0) {
		span = (struct span){.until = DB_NULL};
		/* The appliance's own clock decides what it still has.  Only the first
		 * stride may go back: with this machine's clock far ahead, each would. */
		span.back = first && (f->mark == DB_NULL || f->mark < now - f->retention);
		if (span.back) {
			span.since = f->retention;
			if (f->retention > STRIDE + CLOCKS)
				span.until = f->retention - STRIDE;
		} else {
			span.since = f->mark - OVERLAP;
			if (span.since + STRIDE < now - CLOCKS)
				span.until = span.since + STRIDE;
		}
		if ((code = fetch_span(f, &span, &end)) != 0)
			return code;
		if (r->dry || pipe_stop > 0)
			return 0;
		if (f->mark != DB_NULL && end.until < f->mark && span.until == DB_NULL)
			/* Its clock was wrong: look back for what came meanwhile. */
			db_do(r->db, "UPDATE job SET swept = 0 WHERE id = ?1", "i", r->job);
		/* A mark that somebody has set back is left to the next fetch. */
		if (db_number(r->db, "SELECT mark FROM job WHERE id = ?1", "i", r->job) !=
			end.until ||
		    span.until == DB_NULL || f->clock == end.until || r->db->code != 0)
			return r->db->code;
		if (end.until <= f->mark && !span.back)
			return 0;
		f->mark = end.until;
	}
}

/* Fetch the last days again, by start time: sessions change after they were reported.
 * 0, or a code that is noted. */
static int
look_back(struct fetch *f)
{
	struct run *r = f->run;
	struct frame end;
	struct span span;
	int64_t at = f->clock - f->sweep, oldest;
	int code = 0;

	oldest = db_number(r->db, "SELECT oldest FROM job WHERE id = ?1", "i", r->job);
	if (at < oldest)
		at = oldest;
	oldest = db_number(r->db,
	    "SELECT min(start_time) FROM open_session WHERE site_id = ?1 AND start_time >= ?2",
	    "ii", r->site, f->clock - f->retention);
	if (oldest != DB_NULL && oldest < at)
		at = oldest;
	f->sweeping = 1;
	for (; at < f->clock && code == 0 && pipe_stop == 0; at = span.until) {
		span = (struct span){.since = at, .until = at + STRIDE};
		if (span.until > f->clock)
			span.until = f->clock;
		code = fetch_span(f, &span, &end);
	}
	return code;
}

static void
daily(struct fetch *f)
{
	struct run *r = f->run;
	int64_t now = run_now(r), swept, next;
	char *reason;
	int code = r->code, failed;

	swept = db_number(r->db, "SELECT swept FROM job WHERE id = ?1", "i", r->job);
	next = db_number(r->db, "SELECT sweep_next FROM job WHERE id = ?1", "i", r->job);
	if (f->clock == DB_NULL || r->db->code != 0 ||
	    (swept != DB_NULL && swept <= f->clock && f->clock - swept < DAY) ||
	    (next != DB_NULL && next > now && next <= now + 3600))
		return;
	/* Without a failure of the look-back, the reason of the fetch before it holds. */
	reason = r->reason != NULL ? xstrdup(r->reason) : NULL;
	/* The first fetch of all has just asked for everything. */
	failed = swept != DB_NULL && look_back(f) != 0;
	if (failed && r->db->code == 0 && pipe_stop == 0) {
		msg_warn("%s: the look-back failed: %s: %s", r->name, r->program, r->reason);
		db_do(r->db,
		    "UPDATE job SET sweep_reason = ?2, sweep_since = ifnull(sweep_since, ?3),"
		    " sweep_wait = min(3600, max(60, 2 * ifnull(sweep_wait, 0))),"
		    " sweep_next = ?3 + min(3600, max(60, 2 * ifnull(sweep_wait, 0)))"
		    " WHERE id = ?1",
		    "iti", r->job, r->reason, now);
		run_clear(r);
		r->code = code;
		r->reason = reason;
		reason = NULL;
	}
	free(reason);
	if (failed || pipe_stop > 0)
		return;
	db_begin(r->db);
	db_do(r->db,
	    "UPDATE job SET swept = ?2, sweep_reason = NULL, sweep_since = NULL, sweep_wait = NULL,"
	    " sweep_next = NULL WHERE id = ?1",
	    "ii", r->job, f->clock);
	db_do(r->db,
	    "DELETE FROM recording WHERE site_id = ?1 AND named < ?2 AND state <> 'owed'"
	    " AND NOT (state = 'lost' AND acked IS NULL)",
	    "ii", r->site, now - f->retention - f->sweep);
	if (run_commit(r) == 0)
		spool_clean_files(r);
}

/* Recordings that are owed though the appliance cannot have them any more. */
void
fetch_lost(struct run *r, int64_t clock)
{
	int64_t n = db_do(r->db,
	    "UPDATE recording SET state = 'lost', next = NULL, reported = NULL WHERE site_id = ?1"
	    " AND state = 'owed' AND ifnull(session_end, session_start) < ?2 AND noted < ?3",
	    "iii", r->site, clock - (settings_number(r->db, "retention-days") + 1) * DAY,
	    run_now(r) - DAY);

	if (n == 0)
		return;
	r->code = code_worse(r->code, EX_DATAERR);
	if (r->reason == NULL)
		r->reason =
		    xasprintf("recordings lost: %lld owed for longer than the appliance keeps "
			      "them; praic-conf status lists what is lost",
			(long long)n);
}

void
fetch_sessions(struct run *r)
{
	struct fetch f = {.run = r,
	    .clock = DB_NULL,
	    .xml = run_path(r, "session/tmp/report.xml"),
	    .tmp = run_path(r, "session/tmp/N.rec"),
	    .list = run_path(r, "session/tmp/left-out"),
	    .retention = settings_number(r->db, "retention-days") * DAY,
	    .sweep = settings_number(r->db, "sweep-days") * DAY};

	f.mark = f.first_mark = db_number(r->db, "SELECT mark FROM job WHERE id = ?1", "i", r->job);
	if (!r->dry) {
		spool_trim(r, "session");
		spool_clean_log(r, "session");
	}
	if (r->db->code == 0 && fetch_new(&f) == 0 && !r->dry && pipe_stop == 0) {
		if (f.clock != DB_NULL)
			fetch_lost(r, f.clock);
		daily(&f);
	}
	if (!r->dry)
		spool_empty(r, "session/tmp");
	free(f.xml);
	free(f.tmp);
	free(f.list);
}
