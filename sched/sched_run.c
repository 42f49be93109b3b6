/*
 * The scheduler's passes: see sched_run.h.  A pass opens the settings
 * database, sees what is due, closes it again, and begins a process for each
 * transfer; so no handle of SQLite's goes through a fork, and between passes
 * nothing is held but the scheduler's own lock.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "sched_db.h"
#include "sched_log.h"
#include "sched_notify.h"
#include "sched_pipe.h"
#include "sched_report.h"
#include "sched_run.h"
#include "sched_show.h"
#include "sched_signal.h"
#include "sched_work.h"

#define SLICE 20	/* seconds: the clock may jump, settings may change */
#define MAIL_WAIT 300	/* seconds until a mail that failed is tried again */
#define GRACE 30	/* seconds that transfers have to end */

/* A schedule that was due: it has run when its last transfer has. */
struct batch {
	int64_t schedule, started;
	int left, fault;
};

struct child {
	pid_t pid;
	struct transfer transfer;	/* of a mail: id is 0; texts are not kept */
	int64_t started;
	struct batch *batch;		/* or NULL */
	enum work_how how;
};

struct launch {
	size_t transfer;	/* of the plan */
	enum work_how how;
	struct batch *batch;
};

static struct {
	struct child *child;
	size_t children;
	char *spool, *log_directory;
	int64_t mail_after;	/* no mail is tried before */
	int64_t pruned;		/* when the old was removed last */
	int64_t wake;		/* when something is due */
	int passed_on;		/* of pipe_stop, to the children */
	int begun;		/* transfers, so far */
	int code;		/* the worst of those that ended */
	int lock;		/* the daemon's; or -1 */
} run = {.lock = -1};

/*
 * Children.
 */

static int
is_running(int64_t transfer)
{
	size_t i;

	for (i = 0; i < run.children; i++)
		if (run.child[i].transfer.id == transfer)
			return 1;
	return 0;
}

static int
is_mailing(void)
{
	return is_running(0);
}

/* t is NULL for a mail. */
static void
begin_child(const struct transfer *t, enum work_how how, struct batch *batch)
{
	struct child *c;
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		signal_child(self);
		/* Should it outlive the scheduler, another one may begin. */
		if (run.lock != -1)
			close(run.lock);
		_exit(t != NULL ? work_transfer(t, run.spool, how) : report_send(run.spool));
	}
	if (pid == -1) {
		msg_errno("a process cannot be started");
		run.code = code_worse(run.code, EX_OSERR);
		if (batch != NULL)
			batch->fault = 1;
		return;
	}
	run.child = xrealloc(run.child, (run.children + 1) * sizeof(*c));
	c = &run.child[run.children++];
	memset(c, 0, sizeof(*c));
	c->pid = pid;
	c->started = log_now();
	c->batch = batch;
	c->how = how;
	if (t == NULL)
		return;
	run.begun++;
	c->transfer.id = t->id;
	c->transfer.kinds = t->kinds;
	if (batch != NULL)
		batch->left++;
	log_say(1, "transfer %lld (%s: %s to %s): begun", (long long)t->id, t->schedule, t->site,
	    t->destination);
}

/* The process itself died: that, too, is a failure to be seen. */
static void
note_fault(struct settings *s, const struct transfer *t, int sig)
{
	char reason[80];
	int k = 0;

	while (k < SETTINGS_DATA && (t->kinds & (1u << k)) == 0)
		k++;
	snprintf(reason, sizeof(reason), "praic-sched: its process was ended by signal %d", sig);
	log_say(0, "transfer %lld: %s", (long long)t->id, reason);
	if (k < SETTINGS_DATA && s != NULL)
		(void)db_failed(s, t->id, (enum settings_data)k, STEP_FETCH, log_now(), 1,
		    EX_SOFTWARE, NULL, reason);
}

static void
end_child(struct settings *s, const struct child *c, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;

	if (c->transfer.id == 0) {
		if (code != 0)
			run.mail_after = log_now() + MAIL_WAIT;
		return;
	}
	if (WIFSIGNALED(status) && pipe_stop == 0)
		note_fault(s, &c->transfer, WTERMSIG(status));
	/* An appliance out of reach counts as a run; what praic did not do,
	 * or could not, does not: the guide's "Last Run". */
	if (c->batch != NULL) {
		c->batch->fault |= code == EX_SOFTWARE || code == WORK_STOPPED || code == EX_OSERR;
		if (--c->batch->left == 0) {
			if (!c->batch->fault && s != NULL)
				(void)db_ran(s, c->batch->schedule, c->batch->started);
			free(c->batch);
		}
	}
	if (code == WORK_BUSY && c->how == WORK_NOW)
		code = EX_TEMPFAIL;	/* somebody asked for it, and it was not done */
	if (code != WORK_BUSY && code != WORK_STOPPED)
		run.code = code_worse(run.code, code);
}

static void
reap(void)
{
	struct settings *s = NULL;
	struct child ended;
	int status, code;
	size_t i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < run.children; i++) {
			if (run.child[i].pid != pid)
				continue;
			ended = run.child[i];
			run.child[i] = run.child[--run.children];
			if (s == NULL)
				s = settings_open(NULL, SETTINGS_OPEN, &code);
			end_child(s, &ended, status);
			break;
		}
	settings_close(s);
}

/* Told to stop: so are they, as often. */
static void
pass_on(void)
{
	size_t i;

	for (; run.passed_on < pipe_stop; run.passed_on++)
		for (i = 0; i < run.children; i++)
			kill(run.child[i].pid, SIGTERM);
}

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

/* The transfers of one schedule. */
static void
take_schedule(const struct plan *p, const struct schedule *c, int64_t now, enum work_how how,
    struct launch **l, size_t *n)
{
	struct batch *batch = xcalloc(1, sizeof(*batch));
	size_t i, before = *n;

	batch->schedule = c->id;
	batch->started = now;
	for (i = 0; i < p->transfers; i++) {
		if (p->transfer[i].schedule_id != c->id)
			continue;
		if (is_running(p->transfer[i].id))
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
	size_t i, k;
	int claimed, begun = 0, code = 0;

	for (i = 0; i < p->schedules && code == 0; i++) {
		struct schedule *c = &p->schedule[i];
		int64_t last = due_last(&c->due, c->last_due, now), next, missed;

		if (last != c->last_due) {
			log_say(0, "%s: its last run is still to come: the clock was wrong then, "
			    "or is now", c->name);
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
		missed = due_count(&c->due, c->last_due, now) - 1;
		if (missed > 0)
			log_say(0, "%s: %lld runs were missed, and are made up for by this one",
			    c->name, (long long)missed);
		take_schedule(p, c, now, WORK_DUE, l, n);
		wake_at(due_after(&c->due, now));
	}
	if (code == 0 && begun)
		code = settings_commit(s);
	settings_rollback(s);
	for (i = 0; i < p->transfers && code == 0; i++) {
		const struct transfer *t = &p->transfer[i];

		for (k = 0; k < *n && (*l)[k].transfer != i; k++)
			;
		if (t->retry_at == DB_NEVER || k < *n || is_running(t->id))
			continue;
		if (t->retry_at <= now)
			take(l, n, i, WORK_RETRY, NULL);
		else
			wake_at(t->retry_at);
	}
	return code;
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
				b = NULL;	/* the last one frees it */
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
		code = find_due(s, &p, now, &l, &n);
	else {
		for (i = 0; i < p.schedules && strcmp(p.schedule[i].name, name) != 0; i++)
			;
		if (i == p.schedules) {
			msg_warn("%s: there is no schedule \"%s\" that is enabled",
			    settings_path(s), name);
			code = EX_CONFIG;
		} else
			take_schedule(&p, &p.schedule[i], now, WORK_NOW, &l, &n);
	}
	if (run.mail_after > now + MAIL_WAIT)	/* the clock was set back */
		run.mail_after = now;
	if (code == 0 && run.mail_after <= now && !is_mailing())
		mail = report_wanted(s, now) == 1;
	settings_close(s);
	if (code != 0)
		drop(l, &n);
	for (i = 0; i < n; i++)
		begin_child(&p.transfer[l[i].transfer], l[i].how, l[i].batch);
	if (mail)
		begin_child(NULL, WORK_DUE, NULL);
	free(l);
	db_plan_free(&p);
	return code;
}

static void
wait_children(void)
{
	reap();
	while (run.children > 0) {
		pass_on();
		signal_wait(GRACE);
		reap();
	}
}

static void
show_doing(void)
{
	size_t i;

	msg_warn("%zu at work; next look in %lld s", run.children,
	    (long long)(run.wake - log_now()));
	for (i = 0; i < run.children; i++)
		msg_warn("process %ld: %s %lld, for %lld s", (long)run.child[i].pid,
		    run.child[i].transfer.id != 0 ? "transfer" : "mail",
		    (long long)run.child[i].transfer.id,
		    (long long)(log_now() - run.child[i].started));
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
	int code = invoked((int64_t)getpid(), &run.lock);

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
		reap();
		if (signal_came(SIGHUP))
			reload();
		if (signal_came(SIGUSR1))
			show_doing();
		/* What goes wrong now may be well at the next look. */
		if (pipe_stop == 0)
			(void)begin_pass(NULL);
	}
	notify_tell("STOPPING=1");
	log_say(0, "told to stop: %zu at work", run.children);
	wait_children();
	log_say(0, "stopped");
	close(run.lock);
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
		begin_child(NULL, WORK_DUE, NULL);
	wait_children();
	return 0;
}

static int
run_pass(const char *name)
{
	int code = invoked(0, NULL);

	if (code == 0)
		code = begin_pass(name);
	wait_children();
	if (code == 0 && run.begun > 0)	/* else the pass saw what there is */
		code = mail_now();
	return code_worse(code, pipe_stop > 0 ? 0 : run.code);
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
