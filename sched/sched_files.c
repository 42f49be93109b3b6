/*
 * Fetching recordings and backups: records whose files are in files/.  What
 * came whole is stored, whatever became of the rest of a report, and a
 * report that fails goes behind the others.
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
		return 0;	/* whoever reads it will see */
	at += tab + 1 - text;
	if (pwrite(fd, "0\n", 2, at) != 2 || ftruncate(fd, at + 2) == -1) {
		msg_errno("tmp/files.rec");
		return EX_IOERR;
	}
	return 0;
}

/*
 * Records that end too early, cut after their last whole session and given
 * an end mark.  How many sessions these are; -1 after a message.
 */
static int64_t
cut_to_whole(int fd)
{
	char block[1 << 16], mark[NUM_SIZE + 8];
	off_t at = 0, end = 0;
	int64_t sessions = 0;
	int column = 0, is_end = 0, n;
	ssize_t got, i;

	got = lseek(fd, 0, SEEK_SET) == -1 ? -1 : 1;
	while (got > 0 && (got = file_read(fd, block, sizeof(block))) > 0)
		for (i = 0; i < got; i++, at++) {
			if (column < 2)
				is_end = (column == 0 || is_end) && block[i] == "E\t"[column];
			column += column < 2;
			if (block[i] != '\n')
				continue;
			if (is_end && column == 2) {
				end = at + 1;
				sessions++;
			}
			column = is_end = 0;
		}
	n = snprintf(mark, sizeof(mark), "Z\t%lld\t0\n", (long long)sessions);
	if (got == -1 || ftruncate(fd, end) == -1 || lseek(fd, end, SEEK_SET) == -1 ||
	    file_write(fd, mark, (size_t)n) == -1) {
		msg_errno("tmp/files.rec");
		return -1;
	}
	return sessions;
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
 * The fetching of a report's files has failed; those that came are not to
 * wait for the rest.  What is in them is listed apart, by a number of its
 * own: beside a report of the same number it would mean that all is done.
 */
static int
keep_part(struct work *w, enum settings_data kind, int fd, struct counts *c)
{
	int64_t number = 0, sessions = cut_to_whole(fd);
	int code;

	if (sessions > 0)
		count_files(fd, c);
	if (sessions == -1 || c->files <= 0) {
		close(fd);
		return sessions == -1 ? EX_IOERR : 0;
	}
	code = tspool_finish(&w->spool, fd, "files.rec");
	if (code == 0)
		code = next_number(w, kind, &number);
	if (code == 0)
		code = tspool_publish(&w->spool, "files.rec", 1u << kind, number, "rec");
	if (code == 0)
		code = db_mark(w->settings, w->transfer->id, 1u << kind, DB_NEVER, DB_NEVER,
		    number);
	c->number = number;
	return code;
}

/* came: how many files, if that is wanted. */
static int
fetch_files(struct work *w, enum settings_data kind, const char *xml, int64_t number,
    int64_t *came)
{
	struct counts c = step_uncounted;
	char why[PIPE_REASON], name[64], text[PIPE_REASON];
	const char *words = NULL;
	struct pipe p;
	int64_t run;
	int fd, code, is_new = 0;

	step_pipe(w, &p, kind, STEP_FETCH);
	run = db_begin_run(w->settings, w->transfer, kind, STEP_FETCH, log_now(), DB_NEVER,
	    DB_NEVER, 0);
	if (run == -1)
		return EX_IOERR;
	if ((code = step_room(w, why, sizeof(why))) != 0)
		return step_end(w, kind, STEP_FETCH, run, NULL, code, why, &c);
	if ((fd = tspool_create(&w->spool, "files.rec")) == -1)
		return step_end(w, kind, STEP_FETCH, run, NULL, EX_CANTCREAT,
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
		int bad;

		count_files(fd, &c);
		c.number = number;
		bad = forgive(fd);
		if (bad == 0)
			bad = tspool_finish(&w->spool, fd, "files.rec");
		else
			close(fd);
		/* What was left out is in what it was fetched by. */
		if (bad == 0 && code != 0) {
			tspool_name(name, kind, number, "xml");
			bad = step_keep_failed(w, &p, -1, xml != NULL ? name : "tmp/files.rec",
			    xml != NULL ? "xml" : "rec", &is_new);
		}
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
	} else if (xml != NULL) {
		int bad = keep_part(w, kind, fd, &c);

		/* A disk that is full will be so for the next one, too. */
		code = bad != 0 ? bad : code;
		words = bad != 0 ? "what was fetched could not be kept" : NULL;
	} else
		close(fd);
	if (came != NULL)
		*came = c.files;
	code = step_end(w, kind, STEP_FETCH, run, &p, code, words, &c);
	if (is_new && code == 0)
		code = db_left_out(w->settings, w->transfer->id, kind, log_now(),
		    step_reason(&p, text, sizeof(text)));
	pipe_free(&p);
	return code;
}

/* The report goes behind all others.  0, or a code. */
static int
put_behind(struct work *w, enum settings_data kind, const char *name)
{
	char to[64];
	int64_t number;
	int code = next_number(w, kind, &number);

	if (code != 0)
		return code;
	tspool_name(to, kind, number, "xml");
	code = tspool_rename(&w->spool, name, to);
	return code != 0 ? code : db_mark(w->settings, w->transfer->id, 1u << kind, DB_NEVER,
	    DB_NEVER, number);
}

/* Does it say that this report failed, and not that all others would? */
static int
is_of_one(int code)
{
	return code == EX_UNAVAILABLE || code == EX_TEMPFAIL || code == EX_SOFTWARE;
}

/* One report.  0 where the next one is worth trying, else a code. */
static int
fetch_one(struct work *w, enum settings_data kind, int64_t n, int *fruitless, int *failed)
{
	char name[64], *path;
	int64_t came = 0;
	int code;

	tspool_name(name, kind, n, "rec");
	if (faccessat(w->spool.dir, name, F_OK, 0) == 0) {
		/* Died between the two names: the records are whole. */
		tspool_name(name, kind, n, "xml");
		return tspool_remove(&w->spool, name);
	}
	tspool_name(name, kind, n, "xml");
	path = xasprintf("%s/%s", w->spool.path, name);
	code = fetch_files(w, kind, path, n, &came);
	free(path);
	*fruitless = code == 0 || came > 0 ? 0 : *fruitless + 1;
	if (!is_of_one(code))
		return code;
	*failed = code_worse(*failed, code);
	code = put_behind(w, kind, name);
	return code == 0 && *fruitless == FRUITLESS ? *failed : code;
}

int
fetch_recordings(struct work *w, enum settings_data kind)
{
	int64_t n = 0, last = tspool_last(&w->spool);
	int code = 0, failed = 0, fruitless = 0;

	while (code == 0 && pipe_stop == 0 &&
	    (n = tspool_first(&w->spool, kind, "xml", n)) > 0 && n <= last)
		code = fetch_one(w, kind, n, &fruitless, &failed);
	if (n == -1 && code == 0)
		code = EX_IOERR;
	code = code_worse(code, failed);
	/* Only now, for a report that came proves nothing of the recordings. */
	if (n == 0 && code == 0)
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
