/*
 * One transfer: see sched_work.h.  First everything that is fetched becomes
 * a file of the spool, then the mark moves, then files go to the destination
 * in their order.  Whatever dies in between leaves something to be done
 * twice, which does no harm, and nothing undone.
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
#include "sched_spool.h"
#include "sched_work.h"
#include "sha256.h"
#include "when.h"

#define DAY 86400
/* A longer way to go is gone in such steps, each of them safe when done. */
#define STRIDE (14 * DAY)
#define END_MARK 4096	/* the mark stands in the last bytes of a report */

#define REPORTS ((1u << SETTINGS_DATA_SESSION) | (1u << SETTINGS_DATA_RECORDING) | \
    (1u << SETTINGS_DATA_SHELL) | (1u << SETTINGS_DATA_SCREEN))

struct work {
	struct settings *settings;
	const struct transfer *transfer;
	struct transfer_spool spool;
	enum work_how how;
	struct work_limits limit;
	char where[80];
	int code;	/* the worst so far */
};

static const struct counts uncounted = {-1, -1, -1, -1, -1};

int
work_limits(struct settings *s, struct work_limits *l)
{
	const struct {
		const char *name;
		int64_t *value, unit;
	} wanted[] = {
		{"overlap", &l->overlap, 1}, {"sweep-days", &l->sweep, DAY},
		{"retention-days", &l->retention, DAY}, {"stage-time", &l->stage, 1},
		{"jobs", &l->jobs, 1}, {"spool-floor", &l->floor, 1}, {"spool-cap", &l->cap, 1},
	};
	size_t i;
	int code = 0;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && code == 0; i++) {
		code = settings_number(s, wanted[i].name, wanted[i].value);
		*wanted[i].value *= wanted[i].unit;
	}
	return code;
}

int64_t
work_since(const struct work_limits *l, int64_t mark, int64_t swept, int64_t oldest_open,
    int64_t now, int *sweep)
{
	int64_t since, back;

	*sweep = mark == DB_NEVER || swept == DB_NEVER ||
	    now - swept >= DAY - 3600;	/* a daily run is a little early at times */
	if (mark == DB_NEVER)
		return now - l->retention;
	since = mark - l->overlap;
	if (!*sweep)
		return since;
	back = mark - l->sweep;
	if (oldest_open != DB_NEVER && oldest_open < back)
		back = oldest_open;
	if (back < mark - l->retention)
		back = mark - l->retention;
	return back < since ? back : since;
}

/*
 * Steps: begun, run, judged, noted.
 */

static void
begin_pipe(struct work *w, struct pipe *p, enum settings_data kind, enum step step)
{
	snprintf(w->where, sizeof(w->where), "transfer %lld %s %s",
	    (long long)w->transfer->id, settings_data_name[kind], step_name[step]);
	pipe_init(p, w->where, w->limit.stage);
}

/* The words to remember of a step: those of the stage that is to blame. */
static const char *
reason_of(const struct pipe *p, char *text, size_t size)
{
	const struct stage *g = &p->stage[p->blame];

	if (g->last[0] != '\0')
		return g->last;
	if (g->signal != 0)
		snprintf(text, size, "%s: ended by signal %d", g->argv[0], g->signal);
	else
		snprintf(text, size, "%s: exit code %d", g->argv[0], g->code);
	return text;
}

/* code is the pipe's, or a worse one from what came after it. */
static int
end_step(struct work *w, enum settings_data kind, enum step step, int64_t run,
    const struct pipe *p, int code, const char *words, const struct counts *c)
{
	const struct transfer *t = w->transfer;
	char text[PIPE_REASON];
	const char *reason = code == 0 ? NULL : words != NULL ? words :
	    reason_of(p, text, sizeof(text));
	int bad = 0;

	if (run != -1)
		bad = db_end_run(w->settings, run, p, code, reason, c);
	if (p != NULL && p->stopped)
		return WORK_STOPPED;
	if (bad == 0 && (code == 0 || code == EX_DATAERR)) {
		if (step == STEP_STORE || kind == SETTINGS_DATA_SESSION ||
		    kind == SETTINGS_DATA_BACKUP)
			bad = db_fine(w->settings, t->id, kind, step, log_now());
	} else if (bad == 0)
		bad = db_failed(w->settings, t->id, kind, step, log_now(), code, p, reason);
	log_say(code == 0 ? 1 : 0, "transfer %lld (%s: %s to %s) %s %s: %s%s%s",
	    (long long)t->id, t->schedule, t->site, t->destination, settings_data_name[kind],
	    step_name[step], code == 0 ? "done" : code == EX_DATAERR ? "something left out" :
	    "failed", reason != NULL ? ": " : "", reason != NULL ? reason : "");
	w->code = code_worse(w->code, code_worse(code, bad));
	return code != 0 && code != EX_DATAERR ? code : bad;
}

/* Does a back-off last? */
static int
is_waiting(const struct work *w, const struct kind_state *k, enum step step)
{
	return w->how != WORK_NOW && k->retry_at[step] != DB_NEVER &&
	    k->retry_at[step] > log_now();
}

/* Is the appliance to be asked?  A retry asks only for what failed. */
static int
is_asked(const struct work *w, const struct kind_state *k)
{
	return !is_waiting(w, k, STEP_FETCH) &&
	    (w->how != WORK_RETRY || k->failing[STEP_FETCH]);
}

/* 0 when there is room to fetch; else a code, and why. */
static int
check_room(struct work *w, char *why, size_t size)
{
	int64_t free_bytes, used;
	int code = tspool_room(&w->spool, &free_bytes, &used);

	if (code != 0)
		snprintf(why, size, "%s: its file system cannot be asked", w->spool.path);
	else if (free_bytes < w->limit.floor) {
		snprintf(why, size, "%s: %lld bytes are free, and nothing is fetched below %lld "
		    "(setting spool-floor)", w->spool.path, (long long)free_bytes,
		    (long long)w->limit.floor);
		code = EX_IOERR;
	} else if (w->limit.cap > 0 && used > w->limit.cap) {
		snprintf(why, size, "%s: %lld bytes wait for the destination, and nothing is "
		    "fetched beyond %lld (setting spool-cap)", w->spool.path, (long long)used,
		    (long long)w->limit.cap);
		code = EX_IOERR;
	}
	return code;
}

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
	struct counts c = uncounted;
	int64_t now = log_now(), until = DB_NEVER, reached = -1, run;
	char why[PIPE_REASON];
	const char *words = NULL;
	struct pipe p;
	int fd, code;

	if (*at + STRIDE < now - 3600)
		until = *at + STRIDE;
	begin_pipe(w, &p, kind, STEP_FETCH);
	run = db_begin_run(w->settings, w->transfer, kind, STEP_FETCH, now, *at, until, sweep);
	*more = 0;
	if (run == -1)
		return EX_IOERR;
	if ((code = check_room(w, why, sizeof(why))) != 0)
		return end_step(w, kind, STEP_FETCH, run, NULL, code, why, &c);
	if ((fd = tspool_create(&w->spool, "report.xml")) == -1)
		return end_step(w, kind, STEP_FETCH, run, NULL, EX_CANTCREAT,
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
			    sweep && !*more ? reached : DB_NEVER, &k->last_number, &c);
			words = code != 0 ? "what was fetched could not be kept" : NULL;
			fd = -1;
			*at = reached - w->limit.overlap;
		}
	}
	if (fd != -1)
		close(fd);
	code = end_step(w, kind, STEP_FETCH, run, &p, code, words, &c);
	pipe_free(&p);
	return code;
}

static int
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
	if (code != 0 || !is_asked(w, &k))
		return code;
	last = tspool_last(&w->spool);
	if (last > k.last_number)
		k.last_number = last;
	at = work_since(&w->limit, k.mark, k.swept, oldest, log_now(), &sweep);
	while (code == 0 && more && pipe_stop == 0)
		code = fetch_span(w, kinds, kind, &k, &at, sweep, &more);
	return code;
}

/*
 * Recordings and backups: records whose files are in files/.
 */

static int
fetch_files(struct work *w, enum settings_data kind, const char *xml, int64_t number)
{
	struct counts c = uncounted;
	char why[PIPE_REASON], name[64];
	const char *words = NULL;
	struct pipe p;
	int64_t run;
	int fd, code;

	begin_pipe(w, &p, kind, STEP_FETCH);
	run = db_begin_run(w->settings, w->transfer, kind, STEP_FETCH, log_now(), DB_NEVER,
	    DB_NEVER, 0);
	if (run == -1)
		return EX_IOERR;
	if ((code = check_room(w, why, sizeof(why))) != 0)
		return end_step(w, kind, STEP_FETCH, run, NULL, code, why, &c);
	if ((fd = tspool_create(&w->spool, "files.rec")) == -1)
		return end_step(w, kind, STEP_FETCH, run, NULL, EX_CANTCREAT,
		    "the spool cannot be written to", &c);
	if (xml != NULL)
		argv_download(&p, w->transfer, kind, xml, w->spool.path, w->limit.jobs);
	else
		argv_backup(&p, w->transfer, w->spool.path);
	p.out = fd;
	code = pipe_run(&p);
	/* The report was whole when it came: what praic-split has against it
	 * will not go away. */
	if (code == EX_TEMPFAIL && xml != NULL && p.blame == 0)
		code = EX_DATAERR;
	if (code == 0 || code == EX_DATAERR) {
		int bad = tspool_finish(&w->spool, fd, "files.rec");

		if (bad == 0)
			bad = tspool_publish(&w->spool, "files.rec", 1u << kind, number, "rec");
		if (bad == 0 && xml != NULL) {
			tspool_name(name, kind, number, "xml");
			bad = tspool_remove(&w->spool, name);
		} else if (bad == 0)
			bad = db_mark(w->settings, w->transfer->id, 1u << kind, DB_NEVER,
			    DB_NEVER, number);
		code = code_worse(code, bad);
		words = bad != 0 ? "what was fetched could not be kept" : NULL;
	} else
		close(fd);
	code = end_step(w, kind, STEP_FETCH, run, &p, code, words, &c);
	pipe_free(&p);
	return code;
}

static int
download(struct work *w, enum settings_data kind)
{
	int64_t n = 0;
	char name[64], *path;
	int code = 0;

	while (code == 0 && pipe_stop == 0 &&
	    (n = tspool_first(&w->spool, kind, "xml", 0)) > 0) {
		tspool_name(name, kind, n, "rec");
		/* Died between the two names: the records are whole. */
		if (faccessat(w->spool.dir, name, F_OK, 0) == 0) {
			tspool_name(name, kind, n, "xml");
			code = tspool_remove(&w->spool, name);
			continue;
		}
		tspool_name(name, kind, n, "xml");
		path = xasprintf("%s/%s", w->spool.path, name);
		code = fetch_files(w, kind, path, n);
		free(path);
	}
	/* Only now, for a report that came proves nothing of the recordings. */
	if (n == 0 && code == 0)
		code = db_fine(w->settings, w->transfer->id, kind, STEP_FETCH, log_now());
	return code;
}

static int
fetch_backup(struct work *w, const struct kind_state *k)
{
	int64_t number = tspool_last(&w->spool);

	if (!is_asked(w, k))
		return 0;
	return fetch_files(w, SETTINGS_DATA_BACKUP, NULL,
	    (number > k->last_number ? number : k->last_number) + 1);
}

/*
 * Storing.
 */

/* One key for one complaint: its words without what differs in each report. */
static void
key_of(const struct pipe *p, char key[SHA256_HEX])
{
	struct sha256 *h = sha256_new();
	const char *c;
	int i;

	for (i = 0; i < p->stages; i++)
		for (c = p->stage[i].last; *c != '\0'; c++)
			if (*c < '0' || *c > '9')
				sha256_add(h, c, 1);
	sha256_hex(h, key);
	sha256_free(h);
}

/* Something was left out: kept once, told once. */
static int
keep_failed(struct work *w, enum settings_data kind, const struct pipe *p, const char *name,
    const char *extension)
{
	char key[SHA256_HEX], text[PIPE_REASON];

	key_of(p, key);
	key[32] = '\0';
	if (tspool_fail(&w->spool, name, key, extension) != 1)
		return 0;
	log_say(0, "%s: kept as %s/failed/%s.%s", w->where, w->spool.path, key, extension);
	return db_left_out(w->settings, w->transfer->id, kind, log_now(),
	    reason_of(p, text, sizeof(text)));
}

static int
store_one(struct work *w, enum settings_data kind, int64_t number)
{
	int records = kind != SETTINGS_DATA_SESSION;
	const char *extension = records ? "rec" : "xml";
	struct counts c = uncounted;
	char name[64], *path, *failed;
	struct stat st;
	struct pipe p;
	int64_t run;
	int code, kept;

	tspool_name(name, kind, number, extension);
	path = xasprintf("%s/%s", w->spool.path, name);
	failed = xasprintf("%s/failed", w->spool.path);
	begin_pipe(w, &p, kind, STEP_STORE);
	run = db_begin_run(w->settings, w->transfer, kind, STEP_STORE, log_now(), DB_NEVER,
	    DB_NEVER, 0);
	if (records)
		argv_files(&p, w->transfer, path, w->spool.path);
	else
		argv_store(&p, w->transfer, path, failed);
	if (fstatat(w->spool.dir, name, &st, 0) == 0)
		c.bytes = (int64_t)st.st_size;
	code = pipe_run(&p);
	if (w->transfer->destination_kind == SETTINGS_FS)
		c.files = (int64_t)p.lines;
	/* It was whole when it came: cut input is bad input here. */
	if (code == EX_TEMPFAIL && !records && p.stages == 2 && p.blame == 0)
		code = EX_DATAERR;
	kept = 0;
	if (code == EX_DATAERR)
		kept = keep_failed(w, kind, &p, name, extension);
	if ((code == 0 || code == EX_DATAERR) && kept == 0) {
		if (records)
			kept = tspool_done(&w->spool, name, code != 0);
		if (kept == 0)
			kept = tspool_remove(&w->spool, name);
	}
	code = end_step(w, kind, STEP_STORE, run, &p, code_worse(code, kept), NULL, &c);
	pipe_free(&p);
	free(failed);
	free(path);
	return code;
}

static int
store(struct work *w, enum settings_data kind)
{
	const char *extension = kind == SETTINGS_DATA_SESSION ? "xml" : "rec";
	struct kind_state k;
	struct backlog b;
	int64_t n = 0;
	int code = db_kind(w->settings, w->transfer->id, kind, &k), bad;

	while (code == 0 && pipe_stop == 0 && !is_waiting(w, &k, STEP_STORE) &&
	    (n = tspool_first(&w->spool, kind, extension, n)) > 0)
		code = store_one(w, kind, n);
	tspool_backlog(&w->spool, kind, &b);
	bad = db_backlog(w->settings, w->transfer->id, kind, &b);
	if (bad == 0 && code == 0 && b.files == 0 && !k.failing[STEP_FETCH])
		bad = db_stored(w->settings, w->transfer->id, kind, log_now());
	return code != 0 ? code : bad;
}

/* What was noted already, and what could not even be noted. */
static void
note_code(struct work *w, int code)
{
	if (code != WORK_STOPPED)
		w->code = code_worse(w->code, code);
}

/* A kind that fails holds up no other. */
static void
work_kinds(struct work *w)
{
	unsigned kinds = w->transfer->kinds;
	struct kind_state k;
	int i, code;

	if ((kinds & REPORTS) != 0)
		note_code(w, fetch_reports(w, kinds & REPORTS));
	for (i = 0; i < SETTINGS_DATA && pipe_stop == 0; i++) {
		enum settings_data kind = (enum settings_data)i;

		if ((kinds & (1u << i)) == 0)
			continue;
		if (kind != SETTINGS_DATA_SESSION) {
			if ((code = db_kind(w->settings, w->transfer->id, kind, &k)) != 0)
				note_code(w, code);
			else if (kind == SETTINGS_DATA_BACKUP)
				note_code(w, fetch_backup(w, &k));
			else if (!is_waiting(w, &k, STEP_FETCH))
				note_code(w, download(w, kind));
		}
		if (pipe_stop == 0)
			note_code(w, store(w, kind));
	}
}

/* How things stand, for whoever measures: praic-conf(1) knows how. */
static void
write_metrics(struct work *w)
{
	struct stage *g;
	struct pipe p;
	char *path;

	if (pipe_stop > 0 || settings_text(w->settings, "metrics", &path) != 0 || path == NULL)
		return;
	snprintf(w->where, sizeof(w->where), "transfer %lld metrics", (long long)w->transfer->id);
	pipe_init(&p, w->where, w->limit.stage);
	g = pipe_stage(&p, "praic-conf");
	pipe_add(g, "metrics");
	pipe_add(g, "%s", path);
	if (pipe_run(&p) != 0)
		log_say(0, "%s: not written: %s", path, p.stage[0].last);
	pipe_free(&p);
	free(path);
}

int
work_transfer(const struct transfer *t, const char *spool, enum work_how how)
{
	struct work w = {.transfer = t, .how = how};
	char *files;
	int code;

	code = tspool_open(&w.spool, spool, t->id);
	if (code == -1) {
		log_say(1, "transfer %lld: another process is at it", (long long)t->id);
		return WORK_BUSY;
	}
	if (code != 0)
		return code;
	files = xasprintf("%s/files", w.spool.path);
	if (setenv("PRAIC_SPOOL", files, 1) == -1)
		xnomem();
	free(files);
	w.settings = settings_open(NULL, SETTINGS_OPEN, &code);
	if (w.settings != NULL && (code = work_limits(w.settings, &w.limit)) == 0) {
		tspool_forget(&w.spool, w.limit.retention + w.limit.sweep + DAY);
		work_kinds(&w);
		write_metrics(&w);
		code = w.code;
	}
	settings_close(w.settings);
	tspool_close(&w.spool);
	return pipe_stop > 0 ? WORK_STOPPED : code;
}
