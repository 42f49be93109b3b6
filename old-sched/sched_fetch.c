/*
 * Fetching: reports into the spool, and the marks that say how far it got
 * (recordings and backups: sched_files.c).  First what came is a whole file
 * there, on disk, then the mark moves: whoever dies in between has it fetched
 * once more.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "sched_argv.h"
#include "sched_log.h"
#include "sched_step.h"
#include "when.h"

#define DAY 86400
/* A longer way to go is gone in such steps, each of them safe when done. */
#define STRIDE (14 * DAY)

/*
 * Reports.
 */

/* A report as records without XML, in a temporary file; -1 when it cannot be. */
static int
count_records(struct work *w, const char *xml)
{
	struct pipe p;
	int fd = file_scratch();

	if (fd == -1) {
		msg_errno("temporary file");
		return -1;
	}
	pipe_init(&p, w->where, w->limit.stage);
	argv_split(&p, xml, 1);
	p.out = fd;
	pipe_run(&p);
	/* What is wrong with it is the storing's business. */
	if ((p.code != 0 && p.code != EX_DATAERR) || lseek(fd, 0, SEEK_SET) == -1) {
		close(fd);
		fd = -1;
	}
	pipe_free(&p);
	return fd;
}

/* What is in it, and which of its sessions have no end. */
static int
note_sessions(struct work *w, int fd, struct counts *c)
{
	struct rec_reader *r = rec_open(fd, "the report's records");
	enum rec_event e;
	int64_t start;
	int code = 0;

	c->sessions = c->rows = 0;
	while (code == 0 && (e = rec_next(r)) != REC_EOF) {
		c->rows += e == REC_ROW;
		if (e != REC_ROW || r->table != TABLE_SESSION)
			continue;
		c->sessions++;
		start = DB_NEVER;
		if (r->value[SESSION_START_TIME].p != NULL)
			(void)when_parse(
			    r->value[SESSION_START_TIME].p, r->value[SESSION_START_TIME].n, &start);
		code = db_seen(w->settings, w->transfer->id, r->host.p, (int)r->host.n, r->lsid.p,
		    (int)r->lsid.n, start, r->value[SESSION_END_TIME].p != NULL);
	}
	c->left_out = (int64_t)(r->left_out + r->dropped);
	rec_close(r);
	return code;
}

/* The state of all kinds that are read from reports, as one. */
static int
merge_states(struct work *w, unsigned kinds, struct kind_state *all)
{
	struct kind_state k;
	int i, first = 1, code = 0;

	for (i = 0; i < SETTINGS_DATA && code == 0; i++) {
		if ((kinds & (1u << i)) == 0)
			continue;
		code = db_kind(w->settings, w->transfer->id, (enum settings_data)i, &k);
		if (first)
			*all = k;
		first = 0;
		if (k.mark < all->mark) /* DB_NEVER is the least */
			all->mark = k.mark;
		if (k.swept < all->swept)
			all->swept = k.swept;
		if (k.last_number > all->last_number)
			all->last_number = k.last_number;
	}
	return code;
}

/* The report is whole: into new/, then the mark. */
static int
keep_report(struct work *w, unsigned kinds, int fd, int empty, int64_t mark, int64_t swept,
    int64_t *number, struct counts *c)
{
	int code = tspool_finish(&w->spool, fd, "report.xml"), records = -1;
	char *path = xasprintf("%s/tmp/report.xml", w->spool.path);

	if (code == 0 && !empty) {
		records = count_records(w, path);
		code = tspool_publish(&w->spool, "report.xml", kinds, ++*number, "xml");
		c->number = *number;
	}
	if (code == 0 && (code = settings_begin(w->settings)) == 0) {
		if (records != -1)
			code = note_sessions(w, records, c);
		if (code == 0)
			code = db_mark(w->settings, w->transfer->id, kinds, mark, swept, *number);
		if (code == 0)
			code =
			    db_forget_open(w->settings, w->transfer->id, mark - w->limit.retention);
		if (code == 0)
			code = settings_commit(w->settings);
		settings_rollback(w->settings);
	}
	if (records != -1)
		close(records);
	free(path);
	return code;
}

/* How far it got with a transfer's reports. */
struct progress {
	unsigned kinds;
	enum settings_data kind; /* the first of them, for history */
	struct kind_state k;
	int64_t at;    /* where the next span begins; DB_NEVER: see work_since() */
	int64_t clock; /* the appliance's, once it is known */
	int sweep, more;
};

static void
next_span(const struct work *w, const struct progress *g, struct span *span)
{
	int64_t oldest = w->limit.retention;

	*span = (struct span){g->at, DB_NEVER, g->at == DB_NEVER};
	if (span->back) {
		span->since = oldest;
		if (oldest > STRIDE + 3600)
			span->until = oldest - STRIDE;
	} else if (g->at + STRIDE < g->clock - 3600)
		span->until = g->at + STRIDE;
}

/* What the appliance's clock shows, if the end mark tells. */
static int64_t
clock_of(const struct span *span, const struct frame *m)
{
	if (span->until == DB_NEVER)
		return m->until;
	if (span->back)
		return m->until + span->until;
	return m->until < span->until ? m->until : DB_NEVER;
}

/*
 * A mark tells what was fetched only as far as the appliance's clock was
 * right when it was made.  When that clock now shows less, or this machine's
 * does not agree with it as it did, one of them was wrong, and what came in
 * the meantime may never have been asked for.  Then *back is from where to
 * ask again, which does no harm; else DB_NEVER.
 */
static int
doubt_mark(struct work *w, const struct progress *g, int64_t clock, int64_t now, int64_t *back)
{
	int64_t oldest = clock - w->limit.retention, made, mark = g->k.mark;
	char is[WHEN_SIZE], was[WHEN_SIZE];
	int code;

	*back = DB_NEVER;
	if (clock == DB_NEVER || mark == DB_NEVER)
		return 0;
	if ((code = db_marked(w->settings, w->transfer->id, g->kind, mark, &made)) != 0)
		return code;
	if (mark - clock > w->limit.overlap)
		/* A small mistake, and not long ago: the look-back is enough. */
		*back = mark - clock <= DAY &&
			(made == DB_NEVER || (made <= now && now - made <= DAY)) ?
		    clock - w->limit.sweep :
		    oldest;
	/* By the time that has gone by here since, the mark would be earlier. */
	else if (made != DB_NEVER && mark - (made + clock - now) > DAY)
		*back = made + clock - now;
	if (*back != DB_NEVER && *back < oldest)
		*back = oldest;
	if (*back == DB_NEVER)
		return 0;
	when_format(mark < WHEN_MAX ? mark : WHEN_MAX, was);
	when_format(*back > WHEN_MIN ? *back : WHEN_MIN, is);
	log_say(0,
	    "%s: the appliance's clock or this machine's was wrong when the mark was made "
	    "(%s), or is now: all since %s is asked for again",
	    w->where, was, is);
	return db_mark_back(w->settings, w->transfer->id, g->kinds, *back);
}

/*
 * A whole report came: keep it, and see where to go on.  A mark that goes
 * back does so before the report is kept, and stays there until what was
 * asked for again has come, whatever dies in between.
 */
static int
take_report(struct work *w, struct progress *g, const struct span *span, int64_t now, int fd,
    const struct frame *m, struct counts *c)
{
	int64_t clock = clock_of(span, m), back, mark = m->until;
	int code = doubt_mark(w, g, clock, now, &back);

	if (code != 0) {
		tspool_drop(&w->spool, fd, "report.xml");
		return code;
	}
	g->more = span->until != DB_NEVER && (span->back || m->until >= span->until);
	if (back != DB_NEVER) {
		mark = g->k.mark = back;
		g->more = g->sweep = 1;
	}
	code = keep_report(w, g->kinds, fd, m->documents == 0, mark,
	    g->sweep && !g->more ? now : DB_NEVER, &g->k.last_number, c);
	if (code != 0)
		return code;
	if (clock != DB_NEVER)
		g->clock = clock;
	if (span->back)
		c->since = clock - span->since;
	c->until = m->until;
	if (mark > g->k.mark)
		g->k.mark = mark;
	g->at = mark - w->limit.overlap;
	return 0;
}

/* One span. */
static int
fetch_span(struct work *w, struct progress *g)
{
	struct counts c = step_uncounted;
	int64_t now = log_now(), run;
	char why[PIPE_REASON];
	const char *words = NULL;
	struct frame m;
	off_t at;
	struct span span;
	struct pipe p;
	int fd, code;

	next_span(w, g, &span);
	step_pipe(w, &p, g->kind, STEP_FETCH);
	run = db_begin_run(w->settings, w->transfer, g->kind, STEP_FETCH, now,
	    span.back ? now - span.since : span.since,
	    span.back && span.until != DB_NEVER ? now - span.until : span.until, g->sweep);
	g->more = 0;
	if (run == -1) {
		w->unnoted = 1;
		return EX_IOERR;
	}
	if ((code = step_room(w, why, sizeof(why))) != 0)
		return step_end(w, g->kind, STEP_FETCH, run, NULL, code, why, &c);
	if ((fd = tspool_create(&w->spool, "report.xml")) == -1)
		return step_end(w, g->kind, STEP_FETCH, run, NULL, EX_CANTCREAT,
		    "the spool cannot be written to", &c);
	argv_report(&p, w->transfer, &span);
	p.out = fd;
	code = pipe_run(&p);
	if (code == 0) {
		struct stat st;

		c.bytes = fstat(fd, &st) == 0 ? (int64_t)st.st_size : -1;
		if (tspool_end(fd, &m, &at) == -1 || !m.has_until) {
			words = "the report does not tell until when it is complete";
			code = EX_UNAVAILABLE;
		} else if (!span.back && span.until != DB_NEVER && m.until > span.until) {
			words = "the report says that it is more than was asked for";
			code = EX_UNAVAILABLE;
		} else {
			code = take_report(w, g, &span, now, fd, &m, &c);
			words = code != 0 ? "what was fetched could not be kept" : NULL;
			fd = -1;
		}
	}
	if (fd != -1)
		tspool_drop(&w->spool, fd, "report.xml");
	code = step_end(w, g->kind, STEP_FETCH, run, &p, code, words, &c);
	pipe_free(&p);
	return code;
}

int
fetch_reports(struct work *w, unsigned kinds)
{
	struct progress g = {
	    .kinds = kinds, .kind = SETTINGS_DATA_SESSION, .clock = log_now(), .more = 1};
	int64_t oldest, last;
	int code, come = 0;

	while ((kinds & (1u << g.kind)) == 0)
		g.kind++;
	code = merge_states(w, kinds, &g.k);
	/* What fails may be the recordings: no reason to ask for no reports. */
	if (code == 0 && g.kind != SETTINGS_DATA_SESSION && g.k.failing[STEP_FETCH])
		code = db_reports_come(w->settings, w->transfer->id, g.kind, &come);
	if (come) {
		g.k.failing[STEP_FETCH] = 0;
		g.k.retry_at[STEP_FETCH] = DB_NEVER;
	}
	if (code == 0)
		code = db_oldest_open(w->settings, w->transfer->id, &oldest);
	if (code != 0 || !step_is_asked(w, &g.k))
		return code;
	last = tspool_last(&w->spool);
	if (last > g.k.last_number)
		g.k.last_number = last;
	g.at = work_since(&w->limit, g.k.mark, g.k.swept, oldest, log_now(), &g.sweep);
	while (code == 0 && g.more && pipe_stop == 0)
		code = fetch_span(w, &g);
	return code;
}
