/*
 * Fetching recordings and backups: records whose files are in files/.  What
 * came whole is stored, whatever became of the rest of a report, and a
 * report that fails goes behind the others, and holds them up no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

#define LATE	 "late" /* the extension of a report that failed */
#define END_MARK 4096	/* the last bytes of records, with their end mark */
/* Reports in a row of which nothing at all came: so it is not one of them. */
#define FRUITLESS 3

/* The records of files that came: how many, and how large. */
static void
count_files(int fd, struct counts *c)
{
	struct rec_reader *r;
	enum rec_event e;
	struct rec_value v;
	uint64_t n;

	if (lseek(fd, 0, SEEK_SET) == -1)
		return;
	c->sessions = c->rows = c->files = c->bytes = 0;
	r = rec_open(fd, "records of files");
	while ((e = rec_next(r)) != REC_EOF) {
		c->sessions += e == REC_COMMIT;
		c->rows += e == REC_ROW;
		if (e != REC_ROW || r->table != TABLE_FILE)
			continue;
		c->files++;
		v = r->value[FILE_BYTES];
		if (v.p != NULL && num_parse_count(v.p, v.n, INT64_MAX, &n) == 0)
			c->bytes += (int64_t)n;
	}
	c->left_out = (int64_t)(r->left_out + r->dropped);
	rec_close(r);
}

/*
 * What praic-fetch left out it has told, and so does this step.  In the end
 * mark it would spoil the storing of all the others: they are whole.
 */
static int
forgive(int fd)
{
	char text[END_MARK];
	off_t size = lseek(fd, 0, SEEK_END), at;
	ssize_t n;
	char *mark, *tab;

	at = size >= (off_t)sizeof(text) ? size - (off_t)sizeof(text) + 1 : 0;
	n = pread(fd, text, sizeof(text) - 1, at);
	if (n <= 0)
		return EX_IOERR;
	text[n] = '\0';
	mark = strrchr(text, '\n') == text + n - 1 ? text + n - 1 : NULL;
	while (mark != NULL && mark > text && mark[-1] != '\n')
		mark--;
	if (mark == NULL || strncmp(mark, "Z\t", 2) != 0 || (tab = strchr(mark + 2, '\t')) == NULL)
		return 0; /* whoever reads it will see */
	at += tab + 1 - text;
	if (pwrite(fd, "0\n", 2, at) != 2 || ftruncate(fd, at + 2) == -1) {
		msg_errno("tmp/files.rec");
		return EX_IOERR;
	}
	return 0;
}

/* A number that nothing in new/ has, nor had. */
static int
next_number(struct work *w, enum settings_data kind, int64_t *number)
{
	struct kind_state k;
	int code = db_kind(w->settings, w->transfer->id, kind, &k);

	*number = tspool_last(&w->spool);
	if (k.last_number > *number)
		*number = k.last_number;
	++*number;
	return code;
}

/*
 * Cut records after their last whole session, or else after their H lines,
 * and give them an end mark.  How many sessions these are; -1 after a message.
 */
static int64_t
end_records(int fd)
{
	char block[1 << 16], mark[NUM_SIZE + 8];
	off_t at = 0, end = 0;
	int64_t sessions = 0;
	int column = 0, is_end = 0, in_head = 1, n;
	ssize_t got, i;

	got = lseek(fd, 0, SEEK_SET) == -1 ? -1 : 1;
	while (got > 0 && (got = file_read(fd, block, sizeof(block))) > 0)
		for (i = 0; i < got; i++, at++) {
			if (column == 0)
				in_head = in_head && (block[i] == 'p' || block[i] == 'H');
			if (column < 2)
				is_end = (column == 0 || is_end) && block[i] == "E\t"[column];
			column += column < 2;
			if (block[i] != '\n')
				continue;
			is_end = is_end && column == 2;
			if (is_end || in_head)
				end = at + 1;
			sessions += is_end;
			column = is_end = 0;
		}
	n = snprintf(mark, sizeof(mark), "Z\t%lld\t0\n", (long long)sessions);
	if (got == -1 || ftruncate(fd, end) == -1 || lseek(fd, end, SEEK_SET) == -1 ||
	    file_write(fd, mark, (size_t)n) == -1) {
		msg_errno("records that were cut");
		return -1;
	}
	return sessions;
}

/*
 * The fetching of a report's files has failed; those that came are not to
 * wait for the rest.  What is in them is listed apart, by a number of its
 * own: beside a report of the same number it would mean that all is done.
 */
static int
keep_part(struct work *w, enum settings_data kind, int fd, struct counts *c)
{
	int64_t number = 0, sessions = end_records(fd);
	int code;

	if (sessions > 0)
		count_files(fd, c);
	if (sessions == -1 || c->files <= 0) {
		tspool_drop(&w->spool, fd, "files.rec");
		return sessions == -1 ? EX_IOERR : 0;
	}
	code = tspool_finish(&w->spool, fd, "files.rec");
	if (code == 0)
		code = next_number(w, kind, &number);
	if (code == 0)
		code = tspool_publish(&w->spool, "files.rec", 1u << kind, number, "rec");
	if (code == 0)
		code =
		    db_mark(w->settings, w->transfer->id, 1u << kind, DB_NEVER, DB_NEVER, number);
	c->number = number;
	return code;
}

/* report: a file of new/ that names them; or NULL.  came: how many, if that is wanted. */
static int
fetch_files(
    struct work *w, enum settings_data kind, const char *report, int64_t number, int64_t *came)
{
	struct counts c = step_uncounted;
	char why[PIPE_REASON], text[PIPE_REASON], *xml = NULL;
	const char *words = NULL;
	struct pipe p;
	int64_t run;
	int fd, code, is_new = 0;

	step_pipe(w, &p, kind, STEP_FETCH);
	run = db_begin_run(
	    w->settings, w->transfer, kind, STEP_FETCH, log_now(), DB_NEVER, DB_NEVER, 0);
	if (run == -1) {
		w->unnoted = 1;
		return EX_IOERR;
	}
	if ((code = step_room(w, why, sizeof(why))) != 0)
		return step_end(w, kind, STEP_FETCH, run, NULL, code, why, &c);
	if ((fd = tspool_create(&w->spool, "files.rec")) == -1)
		return step_end(w, kind, STEP_FETCH, run, NULL, EX_CANTCREAT,
		    "the spool cannot be written to", &c);
	if (report != NULL) {
		xml = xasprintf("%s/%s", w->spool.path, report);
		argv_download(&p, w->transfer, kind, xml, w->spool.path, w->limit.jobs);
	} else
		argv_backup(&p, w->transfer, w->spool.path);
	p.out = fd;
	code = pipe_run(&p);
	if (code == 0 || code == EX_DATAERR) {
		int bad;

		count_files(fd, &c);
		c.number = number;
		bad = forgive(fd);
		if (bad == 0)
			bad = tspool_finish(&w->spool, fd, "files.rec");
		else
			close(fd);
		/* What was left out is in what it was fetched by. */
		if (bad == 0 && code != 0)
			bad = step_keep_failed(w, &p, -1, report != NULL ? report : "tmp/files.rec",
			    report != NULL ? "xml" : "rec", &is_new);
		if (bad == 0)
			bad = tspool_publish(&w->spool, "files.rec", 1u << kind, number, "rec");
		if (bad == 0 && report != NULL)
			bad = tspool_remove(&w->spool, report);
		else if (bad == 0)
			bad = db_mark(
			    w->settings, w->transfer->id, 1u << kind, DB_NEVER, DB_NEVER, number);
		code = code_worse(code, bad);
		words = bad != 0 ? "what was fetched could not be kept" : NULL;
	} else if (report != NULL) {
		int bad = keep_part(w, kind, fd, &c);

		/* A disk that is full will be so for the next one, too. */
		code = bad != 0 ? bad : code;
		words = bad != 0 ? "what was fetched could not be kept" : NULL;
	} else
		tspool_drop(&w->spool, fd, "files.rec");
	if (came != NULL)
		*came = c.files;
	code = step_end(w, kind, STEP_FETCH, run, &p, code, words, &c);
	if (is_new && code == 0)
		code = db_left_out(w->settings, w->transfer->id, kind, log_now(),
		    step_reason(&p, text, sizeof(text)));
	pipe_free(&p);
	free(xml);
	return code;
}

/* The report goes behind all others, as one that is late.  0, or a code. */
static int
put_behind(struct work *w, enum settings_data kind, const char *name)
{
	char to[64];
	int64_t number;
	int code = next_number(w, kind, &number);

	if (code != 0)
		return code;
	tspool_name(to, kind, number, LATE);
	code = tspool_rename(&w->spool, name, to);
	return code != 0 ?
	    code :
	    db_mark(w->settings, w->transfer->id, 1u << kind, DB_NEVER, DB_NEVER, number);
}

/* Does it say that this report failed, and not that all others would? */
static int
is_of_one(int code)
{
	return code == EX_UNAVAILABLE || code == EX_TEMPFAIL || code == EX_SOFTWARE;
}

/* How it goes with the reports of one kind. */
struct round {
	int64_t last;  /* what comes behind that is for the next time */
	int failed;    /* the worst code of those that failed by themselves */
	int fruitless; /* in a row */
};

/* One report.  0 where the next one is worth trying, else a code. */
static int
fetch_one(
    struct work *w, enum settings_data kind, int64_t n, const char *extension, struct round *r)
{
	char name[64];
	int64_t came = 0;
	int code, whole;

	tspool_name(name, kind, n, "rec");
	whole = faccessat(w->spool.dir, name, F_OK, 0) == 0;
	tspool_name(name, kind, n, extension);
	if (whole) /* died between the two names */
		return tspool_remove(&w->spool, name);
	code = fetch_files(w, kind, name, n, &came);
	r->fruitless = code == 0 || came > 0 ? 0 : r->fruitless + 1;
	if (!is_of_one(code))
		return code;
	r->failed = code_worse(r->failed, code);
	code = put_behind(w, kind, name);
	return code == 0 && r->fruitless == FRUITLESS ? r->failed : code;
}

/* All that were there when it began.  0 where there are no more of them, else a code. */
static int
fetch_each(struct work *w, enum settings_data kind, const char *extension, struct round *r)
{
	int64_t n = 0;
	int code = 0;

	while (code == 0 && pipe_stop == 0 &&
	    (n = tspool_first(&w->spool, kind, extension, n)) > 0 && n <= r->last)
		code = fetch_one(w, kind, n, extension, r);
	return n == -1 && code == 0 ? EX_IOERR : code;
}

/*
 * A report that failed is late: it waits for the back-off, and those that
 * came after it do not, each of which is tried once on its own account.
 */
int
fetch_recordings(struct work *w, enum settings_data kind, const struct kind_state *k)
{
	int waits = step_is_waiting(w, k, STEP_FETCH), code = 0;
	struct round r = {.last = tspool_last(&w->spool)};

	if (!waits || is_of_one(k->code[STEP_FETCH]))
		code = fetch_each(w, kind, "xml", &r);
	if (code == 0 && !waits)
		code = fetch_each(w, kind, LATE, &r);
	code = code_worse(code, r.failed);
	/* Only now, for a report that came proves nothing of the recordings. */
	if (code == 0 && !waits && pipe_stop == 0)
		code = db_fine(w->settings, w->transfer->id, kind, STEP_FETCH, log_now());
	return code;
}

int
fetch_backup(struct work *w, const struct kind_state *k)
{
	int64_t number = tspool_last(&w->spool);

	if (!step_is_asked(w, k))
		return 0;
	return fetch_files(w, SETTINGS_DATA_BACKUP, NULL,
	    (number > k->last_number ? number : k->last_number) + 1, NULL);
}
