/*
 * The scheduler's passes: see sched_run.h.  A pass opens the settings
 * database, sees what is due, closes it again, and begins a process for each
 * transfer; so no handle of SQLite's goes through a fork, and between passes
 * nothing is held but the scheduler's own locks.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "sched_child.h"
#include "sched_db.h"
#include "sched_log.h"
#include "sched_notify.h"
#include "sched_pipe.h"
#include "sched_report.h"
#include "sched_run.h"
#include "sched_show.h"
#include "sched_signal.h"
#include "sched_work.h"

#define SLICE	  20  /* seconds: the clock may jump, settings may change */
#define MAIL_WAIT 300 /* seconds until a mail that failed is tried again */
#define GRACE	  30  /* seconds that transfers have to end */

struct launch {
	size_t transfer; /* of the plan */
	enum work_how how;
	struct batch *batch;
};

static struct {
	char *spool, *log_directory;
	int64_t pruned; /* when the old was removed last */
	int64_t wake;	/* when something is due */
	int queue;	/* the lock of those that have something to do; or -1 */
} run = {.queue = -1};

/*
 * A pass.
 */

static void
take(struct launch **l, size_t *n, size_t transfer, enum work_how how, struct batch *batch)
{
	*l = xrealloc(*l, (*n + 1) * sizeof(**l));
	(*l)[(*n)++] = (struct launch){transfer, how, batch};
}

static void
wake_at(int64_t t)
{
	if (t < run.wake)
		run.wake = t;
}

static int
is_taken(const struct launch *l, size_t n, size_t transfer)
{
	while (n > 0)
		if (l[--n].transfer == transfer)
			return 1;
	return 0;
}

/* Is it due, and none of ours at it?  Who retries does less than is due. */
static int
is_left(const struct transfer *t)
{
	return t->due != DB_NEVER && (!child_has(t->id) || child_retries(t->id));
}

/* The transfers of one schedule; or those that were left undone. */
static void
take_schedule(const struct plan *p, const struct schedule *c, int64_t now, enum work_how how,
    int only_left, struct launch **l, size_t *n)
{
	struct batch *batch = xcalloc(1, sizeof(*batch));
	size_t i, before = *n;

	batch->schedule = c->id;
	batch->started = now;
	for (i = 0; i < p->transfers; i++) {
		if (p->transfer[i].schedule_id != c->id)
			continue;
		if (only_left && (!is_left(&p->transfer[i]) || is_taken(*l, *n, i)))
			continue;
		if (child_has(p->transfer[i].id) && !child_retries(p->transfer[i].id))
			log_say(0, "transfer %lld (%s): still running: left for the next time",
			    (long long)p->transfer[i].id, c->name);
		else
			take(l, n, i, how, batch);
	}
	if (*n == before)
		free(batch);
}

static int
find_due(struct settings *s, struct plan *p, int64_t now, struct launch **l, size_t *n)
{
	size_t i;
	int claimed, begun = 0, code = 0;

	for (i = 0; i < p->schedules && code == 0; i++) {
		struct schedule *c = &p->schedule[i];
		int64_t last = due_last(&c->due, c->last_due, now), next, missed;

		if (last != c->last_due) {
			log_say(0,
			    "%s: its last run is still to come: the clock was wrong then, "
			    "or is now",
			    c->name);
			if ((code = db_mend_due(s, c, last)) != 0)
				break;
			c->last_due = last;
		}
		next = due_next(&c->due, c->last_due, now);
		if (next > now) {
			wake_at(next);
			continue;
		}
		/* One wait for the disk, for all that are due. */
		if (!begun && (code = settings_begin(s)) != 0)
			break;
		begun = 1;
		if ((claimed = db_claim(s, c, now)) == -1)
			code = EX_IOERR;
		if (claimed != 1)
			continue;
		if ((code = db_due(s, c->id, now)) != 0)
			break;
		missed = due_count(&c->due, c->last_due, now) - 1;
		if (missed > 0)
			log_say(0, "%s: %lld runs were missed, and are made up for by this one",
			    c->name, (long long)missed);
		take_schedule(p, c, now, WORK_DUE, 0, l, n);
		wake_at(due_after(&c->due, now));
	}
	if (code == 0 && begun)
		code = settings_commit(s);
	settings_rollback(s);
	return code;
}

/* Whose back-off has ended. */
static void
find_retries(const struct plan *p, int64_t now, struct launch **l, size_t *n)
{
	size_t i;

	for (i = 0; i < p->transfers; i++) {
		const struct transfer *t = &p->transfer[i];

		if (t->retry_at == DB_NEVER || is_taken(*l, *n, i) || child_has(t->id))
			continue;
		if (t->retry_at <= now)
			take(l, n, i, WORK_RETRY, NULL);
		else
			wake_at(t->retry_at);
	}
}

/* What was not claimed does not begin. */
static void
drop(struct launch *l, size_t *n)
{
	size_t i, k;

	for (i = 0; i < *n; i++) {
		struct batch *b = l[i].batch;

		for (k = i + 1; k < *n; k++)
			if (l[k].batch == b)
				b = NULL; /* the last one frees it */
		free(b);
	}
	*n = 0;
}

static void
keep_text(char **to, const char *text)
{
	free(*to);
	*to = text != NULL ? xstrdup(text) : NULL;
}

static void
prune(struct settings *s, const struct plan *p, int64_t now)
{
	int64_t old;

	if (run.pruned != 0 && run.pruned <= now && now - run.pruned < 86400)
		return;
	run.pruned = now;
	if (db_oldest_now(s, now, &old) != 0)
		return;
	log_prune(p->log_days, old);
	if (p->history_days > 0)
		(void)db_prune(s, old - p->history_days * 86400);
}

/*
 * Who has something to do holds this lock, shared, from before it claims any
 * of it.  So when it can be had alone, what is noted as due was left by one
 * that was stopped or killed, or came due while it was only retried.  1 when
 * that is so, until it is shared again.
 */
static int
is_alone(const struct plan *p)
{
	struct stat st;
	char *path;
	size_t i;

	if (run.queue == -1 && stat(p->spool, &st) == 0 && st.st_uid == geteuid()) {
		path = xasprintf("%s/queue.lock", p->spool);
		run.queue = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		free(path);
	}
	if (run.queue == -1)
		return 0;
	for (i = 0; i < p->transfers && !is_left(&p->transfer[i]); i++)
		;
	if (i < p->transfers && flock(run.queue, LOCK_EX | LOCK_NB) == 0)
		return 1;
	(void)flock(run.queue, LOCK_SH);
	return 0;
}

static void
take_left(const struct plan *p, int64_t now, struct launch **l, size_t *n)
{
	size_t i, before = *n;

	for (i = 0; i < p->schedules; i++)
		take_schedule(p, &p->schedule[i], now, WORK_DUE, 1, l, n);
	if (*n > before)
		log_say(0, "%zu transfers were left undone: they are due, and nobody is at them",
		    *n - before);
}

/* What is due, and what was. */
static int
take_due(struct settings *s, struct plan *p, int64_t now, struct launch **l, size_t *n)
{
	int alone = is_alone(p), code = 0;
	struct plan anew;

	/* Who was at it may have ended just before. */
	if (alone && (code = db_plan(s, &anew)) == 0) {
		db_plan_free(p);
		*p = anew;
	}
	if (code == 0)
		code = find_due(s, p, now, l, n);
	if (alone && code == 0)
		take_left(p, now, l, n);
	if (alone)
		(void)flock(run.queue, LOCK_SH);
	if (code == 0)
		find_retries(p, now, l, n);
	return code;
}

/* name: -r's schedule, or NULL for what is due. */
static int
begin_pass(const char *name)
{
	struct launch *l = NULL;
	size_t n = 0, i;
	struct plan p;
	int64_t now = log_now();
	int code, mail = 0;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	run.wake = now + SLICE;
	if (s == NULL)
		return code;
	/* First, for the plan holds what is believed. */
	if ((code = db_believe(s, now)) != 0 || (code = db_plan(s, &p)) != 0) {
		settings_close(s);
		return code;
	}
	keep_text(&run.spool, p.spool);
	/* The log keeps the old text: first the new one, then it goes. */
	if (run.log_directory == NULL || p.log_directory == NULL ||
	    strcmp(run.log_directory, p.log_directory) != 0) {
		char *old = run.log_directory;

		run.log_directory = p.log_directory != NULL ? xstrdup(p.log_directory) : NULL;
		log_directory(run.log_directory);
		free(old);
	}
	prune(s, &p, now);
	if (name == NULL)
		code = take_due(s, &p, now, &l, &n);
	else {
		for (i = 0; i < p.schedules && strcmp(p.schedule[i].name, name) != 0; i++)
			;
		if (i == p.schedules) {
			msg_warn("%s: there is no schedule \"%s\" that is enabled",
			    settings_path(s), name);
			code = EX_CONFIG;
		} else
			take_schedule(&p, &p.schedule[i], now, WORK_NOW, 0, &l, &n);
	}
	/* Ahead of now it is when the clock was set back. */
	if (code == 0 && (child_mail_failed() > now || now - child_mail_failed() >= MAIL_WAIT) &&
	    !child_mailing())
		mail = report_wanted(s, now) == 1;
	settings_close(s);
	if (code != 0)
		drop(l, &n);
	for (i = 0; i < n; i++)
		child_want(p.transfer[l[i].transfer].id, l[i].how, l[i].batch, now);
	wake_at(child_begin(&p, now));
	if (mail)
		child_mail(run.spool);
	free(l);
	db_plan_free(&p);
	return code;
}

/* As many of those that wait as there is room for.  0, or a code. */
static int
begin_more(void)
{
	struct plan p;
	int code;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	if (s != NULL)
		code = db_plan(s, &p);
	settings_close(s);
	if (code == 0) {
		(void)child_begin(&p, log_now());
		db_plan_free(&p);
	}
	return code;
}

/* 0, or the code for which those that still wait could not begin. */
static int
wait_children(void)
{
	int code = 0;

	child_reap();
	while (child_running() > 0) {
		child_pass_on();
		signal_wait(GRACE);
		child_reap();
		if (pipe_stop == 0 && child_waiting() > 0)
			code = begin_more();
	}
	return pipe_stop == 0 && child_waiting() > 0 ? code : 0;
}

static void
show_doing(void)
{
	msg_warn("%zu at work, %zu waiting; next look in %lld s", child_running(), child_waiting(),
	    (long long)(run.wake - log_now()));
	child_show();
}

static void
reload(void)
{
	int code;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	tzset();
	if (s != NULL && db_clear_waits(s) == 0)
		log_say(0, "HUP: the settings are read anew, back-offs end");
	settings_close(s);
}

static int
invoked(int64_t pid, int *lock)
{
	int code;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	if (s == NULL)
		return code;
	if (lock != NULL && (*lock = settings_lock(s, &code)) == -1 && code == 0) {
		msg_warn("%s: a scheduler is running for it already", settings_path(s));
		code = EX_TEMPFAIL;
	}
	if (code == 0)
		code = db_invoked(s, log_now(), pid);
	settings_close(s);
	return code;
}

int
run_daemon(void)
{
	int64_t watchdog = notify_watchdog(), wait;
	int code = invoked((int64_t)getpid(), &child_lock);

	if (code != 0)
		return code;
	if ((code = begin_pass(NULL)) == EX_CONFIG)
		return code;
	log_say(0, "started, process %ld", (long)getpid());
	notify_tell("READY=1");
	while (pipe_stop == 0) {
		if (watchdog > 0)
			notify_tell("WATCHDOG=1");
		wait = run.wake - log_now();
		if (wait > SLICE || wait < 0)
			wait = wait < 0 ? 0 : SLICE;
		if (watchdog > 0 && wait > watchdog / 2)
			wait = watchdog / 2;
		signal_wait(wait);
		child_reap();
		if (signal_came(SIGHUP))
			reload();
		if (signal_came(SIGUSR1))
			show_doing();
		/* What goes wrong now may be well at the next look. */
		if (pipe_stop == 0)
			(void)begin_pass(NULL);
	}
	notify_tell("STOPPING=1");
	log_say(0, "told to stop: %zu at work, %zu waiting", child_running(), child_waiting());
	(void)wait_children();
	log_say(0, "stopped");
	close(child_lock);
	return 0;
}

/* What went wrong, or is over, is mailed before -1 and -r end. */
static int
mail_now(void)
{
	int code, wanted = 0;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	if (s == NULL)
		return code;
	wanted = pipe_stop == 0 && report_wanted(s, log_now()) == 1;
	settings_close(s);
	if (wanted)
		child_mail(run.spool);
	(void)wait_children();
	return 0;
}

static int
run_pass(const char *name)
{
	int code = invoked(0, NULL);

	if (code == 0)
		code = begin_pass(name);
	code = code_worse(code, wait_children());
	if (code == 0 && child_begun() > 0) /* else the pass saw what there is */
		code = mail_now();
	return code_worse(code, pipe_stop > 0 ? 0 : child_code());
}

int
run_once(void)
{
	return run_pass(NULL);
}

int
run_named(const char *schedule)
{
	return run_pass(schedule);
}

int
run_show(void)
{
	struct plan p;
	int code;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	if (s == NULL)
		return code;
	if ((code = db_plan(s, &p)) == 0) {
		code = show_plan(s, &p, log_now());
		db_plan_free(&p);
	}
	settings_close(s);
	return code;
}
