/*
 * Fetching: reports into the spool, and the marks that say how far it got
 * (recordings and backups: sched_files.c).  First what came is a whole file there, on disk,
 * then the mark moves: whoever dies in between has it fetched once more.
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
#define END_MARK 4096	/* the mark stands in the last bytes of a report */

/*
 * Reports.
 */

/* A number of the end mark, praic-fetch(1); -1 where there is none. */
static int64_t
end_mark(int fd, const char *name)
{
	char block[END_MARK], text[END_MARK + 1], *p;
	struct stat st;
	ssize_t n, i;
	size_t k = 0;
	uint64_t v;

	if (fstat(fd, &st) == -1)
		return -1;
	n = pread(fd, block, sizeof(block), st.st_size > END_MARK ? st.st_size - END_MARK : 0);
	for (i = 0; i < n; i++)		/* UTF-16 is read as well */
		if (block[i] != '\0')
			text[k++] = block[i];
	text[k] = '\0';
	p = strstr(text, "<?praic-end ");
	p = p != NULL ? strstr(p, name) : NULL;
	if (p == NULL)
		return -1;
	p += strlen(name);
	return num_parse_count(p, strcspn(p, "\""), INT64_MAX, &v) == 0 ? (int64_t)v : -1;
}

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
	argv_count(&p, xml);
	p.out = fd;
	pipe_run(&p);
	/* What is wrong with it is the storing's business. */
	if (lseek(fd, 0, SEEK_SET) == -1 || (p.code != 0 && p.code != EX_DATAERR)) {
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
			(void)when_parse(r->value[SESSION_START_TIME].p,
			    r->value[SESSION_START_TIME].n, &start);
		code = db_seen(w->settings, w->transfer->id, r->host.p, (int)r->host.n,
		    r->lsid.p, (int)r->lsid.n, start, r->value[SESSION_END_TIME].p != NULL);
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
		if (k.mark < all->mark)		/* DB_NEVER is the least */
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
keep_report(struct work *w, unsigned kinds, int fd, int64_t documents, int64_t mark,
    int64_t swept, int64_t *number, struct counts *c)
{
	int code = tspool_finish(&w->spool, fd, "report.xml"), records = -1;
	char *path = xasprintf("%s/tmp/report.xml", w->spool.path);

	if (code == 0 && documents != 0) {
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
			code = db_forget_open(w->settings, w->transfer->id,
			    mark - w->limit.retention);
		if (code == 0)
			code = settings_commit(w->settings);
		settings_rollback(w->settings);
	}
	if (records != -1)
		close(records);
	free(path);
	return code;
}

/* One span; *at moves to where the next one begins, *more says if there is one. */
static int
fetch_span(struct work *w, unsigned kinds, enum settings_data kind, struct kind_state *k,
    int64_t *at, int sweep, int *more)
{
	struct counts c = step_uncounted;
	int64_t now = log_now(), until = DB_NEVER, reached = -1, run;
	char why[PIPE_REASON];
	const char *words = NULL;
	struct pipe p;
	int fd, code;

	if (*at + STRIDE < now - 3600)
		until = *at + STRIDE;
	step_pipe(w, &p, kind, STEP_FETCH);
	run = db_begin_run(w->settings, w->transfer, kind, STEP_FETCH, now, *at, until, sweep);
	*more = 0;
	if (run == -1)
		return EX_IOERR;
	if ((code = step_room(w, why, sizeof(why))) != 0)
		return step_end(w, kind, STEP_FETCH, run, NULL, code, why, &c);
	if ((fd = tspool_create(&w->spool, "report.xml")) == -1)
		return step_end(w, kind, STEP_FETCH, run, NULL, EX_CANTCREAT,
		    "the spool cannot be written to", &c);
	argv_report(&p, w->transfer, *at, until);
	p.out = fd;
	code = pipe_run(&p);
	if (code == 0) {
		struct stat st;

		reached = end_mark(fd, " until=\"");
		c.bytes = fstat(fd, &st) == 0 ? (int64_t)st.st_size : -1;
		if (reached == -1) {
			words = "the report does not tell until when it is complete";
			code = EX_UNAVAILABLE;
		} else {
			*more = until != DB_NEVER && reached >= until;
			code = keep_report(w, kinds, fd, end_mark(fd, " documents=\""), reached,
			    sweep && !*more ? now : DB_NEVER, &k->last_number, &c);
			words = code != 0 ? "what was fetched could not be kept" : NULL;
			fd = -1;
			if (code == 0)
				c.until = reached;
			*at = reached - w->limit.overlap;
		}
	}
	if (fd != -1)
		close(fd);
	code = step_end(w, kind, STEP_FETCH, run, &p, code, words, &c);
	pipe_free(&p);
	return code;
}

int
fetch_reports(struct work *w, unsigned kinds)
{
	enum settings_data kind = SETTINGS_DATA_SESSION;
	struct kind_state k;
	int64_t oldest, at, last;
	int sweep, more = 1, code;

	while ((kinds & (1u << kind)) == 0)
		kind++;
	code = merge_states(w, kinds, &k);
	if (code == 0)
		code = db_oldest_open(w->settings, w->transfer->id, &oldest);
	if (code != 0 || !step_is_asked(w, &k))
		return code;
	last = tspool_last(&w->spool);
	if (last > k.last_number)
		k.last_number = last;
	at = work_since(&w->limit, k.mark, k.swept, oldest, log_now(), &sweep);
	while (code == 0 && more && pipe_stop == 0)
		code = fetch_span(w, kinds, kind, &k, &at, sweep, &more);
	return code;
}
