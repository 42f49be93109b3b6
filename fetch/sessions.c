/*
 * praic-fetch sessions: all sessions that changed in a span of time.
 *
 * Neither of the API's two questions is complete.  start_time finds sessions
 * in progress and those that closed abnormally, but not one that began
 * before the span and ended in it; end_time finds that one, but none without
 * an end.  So both are asked.  end_time is the second, because a session that
 * comes twice is then newer the second time.  The span is cut into windows
 * without gaps, [at, at + step), and a window that is too large or too slow is
 * halved.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "due.h"
#include "fetch.h"
#include "msg.h"
#include "num.h"

#define WINDOW 86400 /* seconds that are asked for at a time: the vendor asks for a day, too */
#define WELL   16    /* easy windows in a row, before a longer one is tried */
/* An <error> may be about the size of a window.  The window is halved so often
 * before the error is believed. */
#define MAX_REFUSALS 6
/* Seconds: a longer window that is too slow is halved at once.  If a shorter one
 * is too slow, the appliance is slow, and that counts as a failure. */
#define LEAST_HALVED 3600

/*
 * The length of the windows.  It is halved after a failure, and doubled after
 * several windows that took a fraction of the time and size that is allowed.
 */
struct step {
	int64_t length;
	int well;
};

struct run {
	struct options *options;
	struct site *site;
	struct document document;
	struct output output;
	const char *report;
	int64_t since, until;
	struct step step; /* what one question taught serves the other */
	uint64_t windows; /* so far, over both questions */
	int64_t asked;	  /* seconds of both, so far */
	int64_t mark;	  /* until when the data are complete; 0: unknown */
};

/* One question: sessions from at, up to at + length. */
struct window {
	int64_t at, length;
	char text[128]; /* in words, for -v and messages */
};

static void
window_text(struct window *w, const char *which)
{
	char from[WHEN_SIZE];

	when_format(w->at, from);
	snprintf(w->text, sizeof(w->text), "sessions by %s from %s for %lld s", which, from,
	    (long long)w->length);
}

/* May a shorter window help? */
static int
ask_less(const struct document *d, const struct retry *r)
{
	if (d->call.status == 429 || d->call.status == 408 || d->call.retry_after > 0)
		return 0;
	return d->call.slow || r->tries >= 2;
}

static void
step_halve(struct step *s, int64_t length)
{
	s->well = 0;
	s->length = length > 1 ? length / 2 : 1;
}

static void
step_well(struct step *s, const struct document *d)
{
	if (s->length == WINDOW || d->took * 4 > d->call.max_time * 1000 ||
	    d->call.bytes > d->call.max_bytes / 4 || ++s->well < WELL)
		return;
	s->well = 0;
	s->length = 2 * s->length < WINDOW ? 2 * s->length : WINDOW;
}

/* The number of windows is an estimate: they may get shorter. */
static void
show_progress(const struct run *run)
{
	int64_t all = 2 * (run->until - run->since), left = all - run->asked;
	int64_t step = run->step.length;

	progress_at(run->windows, run->windows + (uint64_t)((left + step - 1) / step),
	    all > 0 ? (uint64_t)((double)run->asked / (double)all * PROGRESS_ALL) : 0);
}

/* A window came, or there is nothing in it. */
static int
window_done(struct run *run, const struct window *w, enum document_is is)
{
	const struct document *d = &run->document;
	int data = is == DOCUMENT_DATA, code;

	if (data && (code = output_document(&run->output, d)) != 0)
		return code;
	msg_tell(1, "%s: %s: %llu bytes", run->site->name, w->text,
	    data ? (unsigned long long)d->answer.bytes : 0);
	run->asked += w->length;
	run->windows++;
	step_well(&run->step, d);
	show_progress(run);
	return 0;
}

/*
 * A window has failed.  1: try again, with this window or a shorter one; a pause
 * that is needed is over.  0: it has failed for good.
 */
static int
window_failed(struct run *run, const struct window *w, enum document_is is, struct retry *retry,
    int *refusals)
{
	struct document *d = &run->document;

	if (is == DOCUMENT_FAILED)
		return 0;
	if (is == DOCUMENT_ERROR || d->call.big) {
		if (w->length == 1 || (is == DOCUMENT_ERROR && ++*refusals > MAX_REFUSALS))
			return 0;
		step_halve(&run->step, w->length);
		return 1;
	}
	/* A shorter window is another question: its time for tries begins anew. */
	if (d->call.slow && w->length > LEAST_HALVED) {
		step_halve(&run->step, w->length);
		memset(retry, 0, sizeof(*retry));
		msg_tell(1, "%s: %s: %.*s: asking for less", run->site->name, w->text,
		    (int)d->call.why.n, d->call.why.p);
		return 1;
	}
	if (progress_wait(retry, &d->call, w->text) == -1)
		return 0;
	if (ask_less(d, retry))
		step_halve(&run->step, w->length);
	return 1;
}

/* One question, for the whole span. */
static int
ask_span(struct run *run, const char *which)
{
	struct document *d = &run->document;
	struct retry retry = {0};
	char from[NUM_SIZE], duration[NUM_SIZE];
	struct window w = {.at = run->since};
	enum document_is is;
	int refusals = 0, code;

	while (w.at < run->until) {
		struct question q = {.report = run->report};

		w.length =
		    run->step.length < run->until - w.at ? run->step.length : run->until - w.at;
		num_format(w.at, from);
		num_format(w.length, duration);
		(void)question_add(&q, which, from);
		(void)question_add(&q, "duration", duration);
		window_text(&w, which);
		is = document_try(d, &q);
		if (is == DOCUMENT_DATA || is == DOCUMENT_NOTHING) {
			code = window_done(run, &w, is);
			if (code != 0)
				return code;
			w.at += w.length;
			memset(&retry, 0, sizeof(retry));
			refusals = 0;
		} else if (!window_failed(run, &w, is, &retry, &refusals)) {
			document_complain(d, is, w.text);
			return d->call.code;
		}
	}
	return 0;
}

/* One question for each session of --lsid, to know which ones are missing. */
static int
ask_lsids(struct run *run)
{
	struct document *d = &run->document;
	enum document_is is;
	size_t i;
	int code, worst = 0;

	for (i = 0; i < run->options->lsids; i++) {
		struct question q = {.report = run->report};

		(void)question_add(&q, "lsid", run->options->lsid[i]);
		code = document_get(d, &q, &is);
		if (code != 0)
			return code;
		if (is == DOCUMENT_DATA)
			code = output_document(&run->output, d);
		else {
			msg_warn(
			    "%s: there is no session %s", run->site->name, run->options->lsid[i]);
			worst = EX_NOINPUT;
		}
		if (code != 0)
			return code;
	}
	return worst;
}

/*
 * Learn the appliance's time from the Date of an answer before the first report:
 * that of the token, or if the token was cached, that of a question that finds
 * nothing.  The rest of that answer does not matter.
 */
static int
learn_time(struct run *run)
{
	struct document *d = &run->document;
	struct question q = {.report = run->report};
	struct retry retry = {0};
	enum call_end end;
	int code = credentials_get(run->site);

	if (code != 0 || run->site->date != 0)
		return code;
	(void)question_add(&q, "start_time", "1");
	(void)question_add(&q, "duration", "1");
	do
		end = document_ask(d, &q);
	while (end == CALL_AGAIN && run->site->date == 0 &&
	    progress_wait(&retry, &d->call, run->report) == 0);
	if (end == CALL_DONE ||
	    (run->site->date != 0 && d->call.code != EX_NOPERM && d->call.code != EX_IOERR))
		return 0;
	call_complain(&d->call, run->report);
	return d->call.code;
}

/* Does this time depend on now? */
static int
is_relative(const char *text)
{
	int64_t a = 0, b = 0;

	(void)when_parse_until(text, 1000000000, &a);
	(void)when_parse_until(text, 2000000000, &b);
	return a != b;
}

/* The span [since, until) by the appliance's clock. */
static int
set_span(struct run *run)
{
	const struct options *o = run->options;
	int64_t now = call_now(run->site), asked = 0;

	run->mark = run->until = now;
	if (now == 0 && (o->until == NULL || is_relative(o->until))) {
		msg_warn("%s: its answers have no Date: give --until", run->site->name);
		return EX_UNAVAILABLE;
	}
	if (o->until != NULL) {
		(void)when_parse_until(o->until, now, &run->until);
		asked = run->until;
		if (run->until < run->mark || now == 0)
			run->mark = now == 0 ? 0 : run->until;
		else
			run->until = run->mark;
	}
	if (o->since != NULL)
		(void)when_parse_user(o->since, now != 0 ? now : run->until, &run->since);
	if (o->until != NULL && run->since > asked) {
		msg_warn("--since %s is later than --until %s", o->since, o->until);
		return EX_USAGE;
	}
	/* The API counts from 1970. */
	if (run->since < 0)
		run->since = 0;
	return 0;
}

static int
wrong_time(const char *option, const char *text)
{
	int64_t t;

	/* Only the form matters: any "now" will do. */
	if (text == NULL || when_parse_user(text, 1700000000, &t) == 0)
		return 0;
	msg_warn("%s %s: a date (2024-12-03, 20241203), a date and time, UNIX seconds, or a span "
		 "back from now such as 36h",
	    option, text);
	return 1;
}

static int
check_options(const struct options *o)
{
	if (o->operands > 0) {
		msg_warn(
		    "sessions: %s: no operand is expected; times are given by --since and --until",
		    o->operand[0]);
		return EX_USAGE;
	}
	if ((o->since == NULL) == (o->lsids == 0)) {
		msg_warn("sessions: give either --since or --lsid");
		return EX_USAGE;
	}
	if (o->lsids != 0 && o->until != NULL) {
		msg_warn("sessions: --until does not go with --lsid");
		return EX_USAGE;
	}
	if (wrong_time("--since", o->since) || wrong_time("--until", o->until))
		return EX_USAGE;
	return due_zone();
}

/* The file's name has the span or the sessions. */
static void
name_file(char out[SPOOL_NAME], const struct run *run)
{
	const struct options *o = run->options;
	struct buf b = {0};
	size_t i;

	if (o->lsids == 0) {
		output_time(&b, run->since);
		buf_addc(&b, '-');
		output_time(&b, run->until);
	}
	for (i = 0; i < o->lsids; i++)
		buf_printf(&b, "%s%s", i > 0 ? "," : "", o->lsid[i]);
	output_sessions(out, run->site, buf_text(&b));
	buf_free(&b);
}

int
sessions_run(struct options *o)
{
	struct run run = {.options = o, .site = &o->site};
	char name[SPOOL_NAME];
	int code = check_options(o);

	if (code != 0)
		return code;
	run.step = (struct step){.length = WINDOW};
	run.report = o->site.rs ? "SupportSession" : "AccessSession";
	code = document_open(&run.document, run.site);
	if (code != 0)
		return code;
	code = output_open(&run.output, run.site, o->spool, o->raw);
	if (code != 0) {
		document_close(&run.document);
		return code;
	}
	run.document.root = "session_list";
	progress_open(run.site, "windows", o->spool == NULL);
	code = learn_time(&run);
	if (code == 0 && o->lsids > 0) {
		run.mark = 0; /* nothing is said of any span */
		code = ask_lsids(&run);
	} else if (code == 0) {
		code = set_span(&run);
		if (code == 0)
			code = ask_span(&run, "start_time");
		if (code == 0)
			code = ask_span(&run, "end_time");
	}
	if (code == 0)
		code = output_end(&run.output, run.mark);
	progress_close();
	document_close(&run.document);
	name_file(name, &run);
	return output_close(&run.output, code, name);
}
