/*
 * praic-fetch recordings: reads records, fetches what their recording rows
 * name, writes records with file rows.
 *
 * The input is read to its end first, into a temporary file, because its writer
 * may be slow.  Then the files of the sessions are fetched side by side.  A
 * session is written when each of its files has an outcome, in the order of
 * the input.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "fetch.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "rec.h"

/* Limits of the sessions in memory. */
#define MAX_PENDING	  256
#define MAX_PENDING_BYTES (1 << 20)
#define FLUSH_MS	  1000	/* between two syncs of the directory */
#define BAD_FILES	  3	/* more files in a row than -j and this: the site is down */
#define FORBIDDEN	  3	/* sessions in a row: the account may not have this kind */
#define MAX_FILES	  10000 /* of one session: beyond what a person can do in one */

static const struct kind {
	const char *name;
	const char *report, *rs_report;
} kinds[] = {
    {"recording", "AccessSessionRecording", "SupportSessionRecording"},
    {"shell", "CommandShellRecording", "CommandShellRecording"},
    {"screen", "ShowMyScreenRecording", "ShowMyScreenRecording"},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct item {
	size_t kind;
	char instance[NUM_SIZE]; /* empty: none */
	struct buf row;		 /* once it is over */
	int came;		 /* the row names a file in the spool */
};

/* A session; it stays here until each of its files has an outcome. */
struct pending {
	struct pending *next;
	struct buf lsid, row;
	struct item *item;
	size_t items, begun, over;
	uint64_t rows;
	uint64_t number; /* from 1 */
	int refused;	 /* one of its recordings was */
};

struct run {
	struct options *options;
	struct site *site;
	struct spool spool;
	struct downloads downloads;
	struct rec_writer *out;
	struct pending *first, **last;
	size_t pendings, bytes;
	uint64_t numbers; /* of sessions, so far */
	struct rec_reader *todo;
	int todo_over;
	uint64_t wanted;	    /* files that were asked for */
	uint64_t left_out, expired; /* sessions; files */
	int64_t flushed;	    /* when_clock() of the last flush */
	uint64_t files_over;	    /* for the progress */
	int in_a_row;		    /* files that failed, without a success */
	struct {
		int came;      /* one of this kind did, in this run */
		int forbidden; /* so many sessions in a row have one that was */
		uint64_t last; /* the number of the last of these */
		int given_up;  /* the exit code that it got once for all */
	} kind[KINDS];
	struct buf down; /* why the site counts as down */
	int unsynced;	 /* the spool's names could not be made durable */
	int code;	 /* the worst so far */
	int failed;	 /* no Z */
};

static int
find_kind(struct rec_value v)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (v.n == strlen(kinds[i].name) && memcmp(v.p, kinds[i].name, v.n) == 0)
			return (int)i;
	return -1;
}

/*
 * The input.
 */

struct sieve {
	struct run *run;
	struct rec_writer *out;
	int code; /* the worst of the inputs so far */
	/* of the current session */
	struct buf session, recordings;
	uint64_t rows, files;
};

static void
row(struct sieve *v, struct rec_reader *r)
{
	int64_t number;

	if (r->table == TABLE_SESSION) {
		rec_copy_row(&v->session, r);
		v->rows++;
	} else if (r->table == TABLE_RECORDING && find_kind(r->value[RECORDING_KIND]) != -1) {
		if (r->value[RECORDING_INSTANCE].p != NULL &&
		    num_parse(r->value[RECORDING_INSTANCE].p, r->value[RECORDING_INSTANCE].n,
			&number) == -1) {
			rec_reject(r, "a recording with an instance that is no number");
			return;
		}
		if (v->files == MAX_FILES) {
			rec_reject(r, "more recordings than one session can have");
			return;
		}
		rec_copy_row(&v->recordings, r);
		v->files++;
		v->rows++;
	}
}

static void
commit(struct sieve *v, const struct rec_reader *r)
{
	const char *name = v->run->site->name;

	if (v->files == 0)
		return;
	/* This appliance does not have the sessions of another one. */
	if (r->host.n != strlen(name) || memcmp(r->host.p, name, r->host.n) != 0) {
		msg_warn("%.*s: it is a session of %.*s, not of %s (see --name): left out",
		    (int)r->lsid.n, r->lsid.p, (int)r->host.n, r->host.p, name);
		v->run->left_out++;
		v->run->code = code_worse(v->run->code, EX_DATAERR);
		return;
	}
	rec_begin(v->out, r->host, r->lsid);
	rec_rows(v->out, v->recordings.p, v->recordings.n, v->files);
	rec_rows(v->out, v->session.p, v->session.n, v->rows - v->files);
	rec_commit(v->out);
	v->run->wanted += v->files;
}

/* One input. */
static int
take_input(void *arg, int fd, const char *name)
{
	struct sieve *v = arg;
	struct rec_reader *r = rec_open(fd, name);
	enum rec_event e;
	int code = 0;

	while (code == 0 && (e = rec_next(r)) != REC_EOF && !rec_failed(v->out)) {
		switch (e) {
		case REC_TABLES:
			if ((r->tables & TABLE_BIT(TABLE_RECORDING)) != 0)
				break;
			msg_warn("%s: it names no recordings: give what praic-split writes", name);
			code = EX_USAGE;
			break;
		case REC_BEGIN:
			buf_trim(&v->session, 1 << 16);
			buf_trim(&v->recordings, 1 << 16);
			v->rows = v->files = 0;
			break;
		case REC_ROW:
			row(v, r);
			break;
		case REC_COMMIT:
			commit(v, r);
			break;
		default:
			break;
		}
	}
	if (code == 0) {
		code = rec_code(r);
		v->run->left_out += r->left_out + r->dropped;
	}
	v->code = code_worse(v->code, code);
	rec_close(r);
	return 0;
}

/* All operands into scratch.  The worst code of one, after messages. */
static int
read_input(struct run *run, int scratch)
{
	const struct options *o = run->options;
	struct sieve v = {.run = run, .out = rec_new(scratch, "temporary file (see TMPDIR)")};
	int code;

	rec_head(v.out, TABLE_BIT(TABLE_SESSION) | TABLE_BIT(TABLE_RECORDING));
	code = command_operands(o->operand, o->operands, take_input, &v);
	rec_end(v.out, 0);
	if (rec_finish(v.out) != 0)
		code = code_worse(code, EX_IOERR);
	msg_tell(1, "%s: %llu files are wanted", run->site->name, (unsigned long long)run->wanted);
	rec_free(v.out);
	buf_free(&v.session);
	buf_free(&v.recordings);
	return code_worse(code, v.code);
}

/*
 * The work.
 */

static void
pending_free(struct pending *p)
{
	size_t i;

	for (i = 0; i < p->items; i++)
		buf_free(&p->item[i].row);
	free(p->item);
	buf_free(&p->lsid);
	buf_free(&p->row);
	free(p);
}

static void
fail(struct run *run, int code)
{
	run->code = code_worse(run->code, code);
	run->failed = 1;
}

static const char *
instance_of(const struct item *it)
{
	return it->instance[0] != '\0' ? it->instance : NULL;
}

static void
not_come(struct pending *p, struct item *it, const char *outcome, const char *reason)
{
	p->rows += it->row.n == 0;
	it->came = 0;
	buf_reset(&it->row);
	filerow_add_outcome(&it->row, kinds[it->kind].name, instance_of(it), outcome, reason);
}

static void
add_item(struct pending *p, const struct rec_reader *r)
{
	struct rec_value instance = r->value[RECORDING_INSTANCE];
	struct item *it;
	int64_t number;

	/* The array doubles. */
	if ((p->items & (p->items - 1)) == 0)
		p->item = xrealloc(p->item, (p->items == 0 ? 1 : 2 * p->items) * sizeof(*p->item));
	it = &p->item[p->items++];
	memset(it, 0, sizeof(*it));
	it->kind = (size_t)find_kind(r->value[RECORDING_KIND]);
	if (instance.p != NULL && num_parse(instance.p, instance.n, &number) == 0)
		num_format(number, it->instance);
}

/* The next session of the input, if there is one. */
static void
read_pending(struct run *run)
{
	struct rec_reader *r = run->todo;
	struct pending *p = NULL;

	for (;;) {
		switch (rec_next(r)) {
		case REC_BEGIN:
			p = xcalloc(1, sizeof(*p));
			p->number = ++run->numbers;
			buf_add(&p->lsid, r->lsid.p, r->lsid.n);
			break;
		case REC_ROW:
			if (p != NULL && r->table == TABLE_RECORDING)
				add_item(p, r);
			else if (p != NULL)
				rec_copy_row(&p->row, r);
			break;
		case REC_COMMIT:
			if (p == NULL)
				break;
			*run->last = p;
			run->last = &p->next;
			run->pendings++;
			run->bytes += p->row.n + p->items * sizeof(*p->item);
			return;
		case REC_EOF:
			if (p != NULL)
				pending_free(p);
			run->todo_over = 1;
			if (rec_code(r) != 0)
				fail(run, EX_IOERR);
			return;
		default:
			break;
		}
	}
}

const char *
recordings_report(const struct site *s, const char *kind)
{
	const struct kind *k = &kinds[find_kind((struct rec_value){kind, strlen(kind)})];

	return s->rs ? k->rs_report : k->report;
}

/* Begin fetching one file. */
static void
begin(struct run *run, struct pending *p, struct job *j)
{
	struct item *it = &p->item[p->begun];
	const struct kind *k = &kinds[it->kind];
	struct question q = {
	    .report = recordings_report(run->site, k->name),
	};
	const char *instance = instance_of(it);
	struct buf query = {0};

	(void)question_add(&q, "lsid", buf_text(&p->lsid));
	if (instance != NULL)
		(void)question_add(&q, "instance", instance);
	question_encode(&query, &q);
	spool_base(j->base, run->site->name, p->lsid.p, p->lsid.n, k->name, instance);
	snprintf(j->what, sizeof(j->what), "%.64s: %s%s%s", buf_text(&p->lsid), k->name,
	    instance != NULL ? " " : "", instance != NULL ? instance : "");
	j->owner = p;
	j->item = p->begun++;
	j->report = q.report;
	download_begin(j, "/api/reporting", buf_text(&query), NULL);
	buf_free(&query);
}

static void
refuse(struct pending *p, struct item *it, const char *reason)
{
	p->refused = 1;
	not_come(p, it, "refused", reason);
}

/* End the run early: the recordings that have not come get the outcome later. */
static void
give_up(struct run *run, int code, const char *reason)
{
	buf_reset(&run->down);
	buf_adds(&run->down, reason);
	run->downloads.fatal = code;
}

static volatile sig_atomic_t stop;

static void
on_term(int sig)
{
	(void)sig;
	stop = 1;
}

/* Keep the slots busy with the earliest files that are not begun. */
static void
fill_slots(struct run *run)
{
	struct pending *p;
	struct job *j;

	for (;;) {
		for (p = run->first; p != NULL; p = p->next) {
			/* A kind that the account may not have is not asked for
			 * any more. */
			while (p->begun < p->items &&
			    run->kind[p->item[p->begun].kind].given_up != 0) {
				not_come(p, &p->item[p->begun++], "later",
				    "not asked for: several of this kind in a row were refused");
				p->over++;
			}
			if (p->begun < p->items)
				break;
		}
		if (p != NULL) {
			if ((j = downloads_slot(&run->downloads)) == NULL)
				return;
			begin(run, p, j);
		} else if (run->todo_over || run->pendings >= MAX_PENDING ||
		    (run->bytes > MAX_PENDING_BYTES && run->pendings > 1))
			return;
		else
			read_pending(run);
	}
}

/*
 * Is the site down?  Yes, if there was no answer and no file has come since this
 * one began to fail; or if more files than are fetched at a time have failed in
 * a row.
 */
static int
is_down(struct run *run, const struct job *j)
{
	run->in_a_row++;
	return (j->call.status == 0 && run->downloads.last_good < j->retry.since) ||
	    run->in_a_row > run->downloads.jobs + BAD_FILES;
}

/*
 * An appliance answers 404 or 403 for a file that it no longer has, and for one
 * that the account may not have.  A single file counts as refused.  If files of
 * several sessions in a row are refused, or all files of a kind, the account
 * may lack a permission: then there is no end mark.
 */
static void
note_forbidden(struct run *run, size_t kind, uint64_t session, enum download_is is)
{
	if (is == DOWNLOAD_FORBIDDEN) {
		if (run->kind[kind].last != session && ++run->kind[kind].forbidden == FORBIDDEN)
			run->kind[kind].given_up = EX_NOPERM;
		run->kind[kind].last = session;
	} else if (is == DOWNLOAD_WHOLE || is == DOWNLOAD_EXPIRED) {
		run->kind[kind].forbidden = 0;
		run->kind[kind].came = 1;
	}
}

static void
judge_forbidden(struct run *run)
{
	size_t k;

	for (k = 0; k < KINDS; k++)
		if (run->kind[k].given_up != 0 ||
		    (run->kind[k].forbidden > 0 && !run->kind[k].came))
			fail(run, EX_NOPERM);
}

/* A download is over. */
static void
take(struct run *run, struct job *j)
{
	static const struct sigaction term = {.sa_handler = on_term, .sa_flags = SA_RESETHAND};
	struct pending *p = j->owner;
	struct item *it = &p->item[j->item];
	const char *reason = buf_text(&j->reason);

	p->over++;
	run->files_over++;
	if (j->is == DOWNLOAD_WHOLE || j->is == DOWNLOAD_EXPIRED)
		run->in_a_row = 0;
	note_forbidden(run, it->kind, p->number, j->is);
	switch (j->is) {
	case DOWNLOAD_WHOLE:
		/* From now on TERM, which praic-run sends when it takes too long, ends the
		 * run with a row for what came.  A second one ends it at once. */
		(void)sigaction(SIGTERM, &term, NULL);
		filerow_add(&it->row, kinds[it->kind].name, instance_of(it), &j->file);
		it->came = 1;
		p->rows++;
		break;
	case DOWNLOAD_EXPIRED:
		not_come(p, it, "expired", reason);
		run->expired++;
		break;
	case DOWNLOAD_REFUSED:
	case DOWNLOAD_FORBIDDEN:
		refuse(p, it, reason);
		break;
	case DOWNLOAD_BUSY:
		not_come(p, it, "later", reason);
		fail(run, j->code);
		break;
	case DOWNLOAD_FAILED:
		not_come(p, it, "later", reason);
		fail(run, j->code);
		if (j->code == EX_NOPERM)
			run->kind[it->kind].given_up = j->code;
		else if (is_down(run, j))
			give_up(run, j->code, reason);
		break;
	}
	download_release(j);
}

static void
write_session(struct run *run, struct pending *p)
{
	struct rec_value host = {run->site->name, strlen(run->site->name)};
	struct rec_value lsid = {p->lsid.n > 0 ? p->lsid.p : "", p->lsid.n};
	size_t i;

	rec_begin(run->out, host, lsid);
	for (i = 0; i < p->items; i++)
		if (p->item[i].row.n > 0)
			rec_rows(run->out, p->item[i].row.p, p->item[i].row.n, 1);
	rec_rows(run->out, p->row.p, p->row.n, 1);
	rec_commit(run->out);
}

/* Write a session, after the names of its files are on disk. */
static void
finish(struct run *run, struct pending *p)
{
	size_t i;

	if (!run->unsynced && spool_sync(&run->spool) != 0) {
		run->unsynced = 1;
		run->downloads.fatal = EX_IOERR;
	}
	for (i = 0; i < p->items && run->unsynced; i++)
		if (p->item[i].came)
			not_come(p, &p->item[i], "later", "its name in the spool may be lost");
	if (p->refused) {
		run->left_out++;
		run->code = code_worse(run->code, EX_DATAERR);
	}
	write_session(run, p);
}

/*
 * Write the sessions whose files all have an outcome, in the order of the input.
 * The spool is synced before, so several are written at a time.
 */
static void
flush(struct run *run)
{
	struct pending *p;
	int64_t now = when_clock();

	if (now < run->flushed + FLUSH_MS && run->pendings < MAX_PENDING)
		return;
	run->flushed = now;
	while ((p = run->first) != NULL && p->over == p->items) {
		finish(run, p);
		run->first = p->next;
		if (run->first == NULL)
			run->last = &run->first;
		run->pendings--;
		run->bytes -= p->row.n + p->items * sizeof(*p->item);
		pending_free(p);
	}
	/* The reader has them even if this process is killed. */
	(void)rec_finish(run->out);
}

/* The run ends early: each recording without an outcome gets "later". */
static void
put_off(struct run *run)
{
	char *reason = xstrdup(run->down.n > 0 ? buf_text(&run->down) : msg_last());
	struct pending *p;
	size_t i;

	fail(run, run->downloads.fatal);
	do {
		for (p = run->first; p != NULL; p = p->next) {
			for (i = 0; i < p->items; i++)
				if (p->item[i].row.n == 0)
					not_come(p, &p->item[i], "later", reason);
			p->over = p->items;
		}
		run->flushed = 0;
		flush(run);
		if (!run->todo_over)
			read_pending(run);
	} while (run->first != NULL && !rec_failed(run->out));
	free(reason);
}

/* Called while downloads are waited for, too. */
static void
go_on(void *arg)
{
	struct run *run = arg;

	if (stop) {
		msg_warn("%s: told to stop", run->site->name);
		give_up(run, EX_TEMPFAIL, "praic-fetch was told to stop before it came");
		return;
	}
	fill_slots(run);
	flush(run);
}

static void
fetch_all(struct run *run)
{
	struct job *j;

	for (;;) {
		go_on(run);
		progress_at(run->files_over, run->wanted,
		    run->wanted > 0 ? run->files_over * PROGRESS_ALL / run->wanted : 0);
		if (rec_failed(run->out) || run->downloads.fatal != 0)
			break;
		if ((j = downloads_wait(&run->downloads)) != NULL)
			take(run, j);
		else if (run->downloads.fatal != 0 || run->todo_over)
			break;
		else
			run->flushed = 0; /* to make room */
	}
	/* No download is under way. */
	run->flushed = 0;
	flush(run);
	judge_forbidden(run);
	if (run->downloads.fatal != 0)
		put_off(run);
	while (run->first != NULL) {
		struct pending *p = run->first;

		run->first = p->next;
		pending_free(p);
	}
}

/* Read the input, fetch, write. */
static int
work(struct run *run, int scratch)
{
	struct options *o = run->options;
	int code = read_input(run, scratch);

	/* An input that was cut is fetched as far as it goes. */
	if (code != 0 && code != EX_DATAERR && code != EX_TEMPFAIL)
		return code;
	run->code = code_worse(run->code, code);
	run->failed = code == EX_TEMPFAIL;
	if (lseek(scratch, 0, SEEK_SET) == -1)
		return EX_IOERR;
	downloads_open(&run->downloads, run->site, &run->spool, o->jobs);
	run->downloads.more = go_on;
	run->downloads.more_arg = run;
	run->todo = rec_open(scratch, "temporary file");
	run->out = rec_new(1, "standard output");
	run->last = &run->first;
	rec_head(run->out, TABLE_SET_FILES);
	progress_open(run->site, "files", 1);
	fetch_all(run);
	progress_close();
	if (!run->failed)
		rec_end(run->out, run->left_out);
	run->code = code_worse(run->code, rec_finish(run->out));
	msg_tell(1, "%s: %llu files fetched, %llu were there, %llu have expired", run->site->name,
	    (unsigned long long)run->downloads.whole, (unsigned long long)run->downloads.had,
	    (unsigned long long)run->expired);
	downloads_close(&run->downloads);
	buf_free(&run->down);
	rec_close(run->todo);
	rec_free(run->out);
	if (run->code == 0 && run->left_out > 0)
		run->code = EX_DATAERR;
	return run->code;
}

int
recordings_run(struct options *o)
{
	struct run run = {.options = o, .site = &o->site};
	int scratch, code;

	if (o->spool == NULL) {
		msg_warn("recordings: -d SPOOL is missing");
		return EX_USAGE;
	}
	if ((code = spool_open(&run.spool, o->spool)) != 0)
		return code;
	run.spool.verify = o->verify;
	scratch = file_scratch();
	if (scratch == -1) {
		msg_errno("temporary file (see TMPDIR)");
		code = EX_CANTCREAT;
	} else {
		code = work(&run, scratch);
		close(scratch);
	}
	spool_close(&run.spool);
	return code;
}
