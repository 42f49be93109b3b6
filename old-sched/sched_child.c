/* Processes for transfers, and those that wait for one: see sched_child.h. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "sched_child.h"
#include "sched_log.h"
#include "sched_pipe.h"
#include "sched_report.h"
#include "sched_signal.h"

#define AGAIN 60 /* seconds, where a failure could not be noted */

struct child {
	pid_t pid;
	int64_t transfer; /* of a mail: 0 */
	unsigned kinds;
	int64_t started;
	struct batch *batch;
	enum work_how how;
};

struct wanted {
	int64_t transfer, after;
	enum work_how how;
	struct batch *batch;
};

static struct {
	struct child *child;
	size_t children;
	struct wanted *queue;
	size_t queued;
	int passed_on; /* of pipe_stop, to the children */
	int begun, code;
	int64_t mail_failed;
} all;

int child_lock = -1;

static int
is_running(int64_t transfer)
{
	size_t i;

	for (i = 0; i < all.children; i++)
		if (all.child[i].transfer == transfer)
			return 1;
	return 0;
}

static struct wanted *
queued(int64_t transfer)
{
	size_t i;

	for (i = 0; i < all.queued; i++)
		if (all.queue[i].transfer == transfer)
			return &all.queue[i];
	return NULL;
}

int
child_has(int64_t transfer)
{
	return queued(transfer) != NULL || is_running(transfer);
}

int
child_retries(int64_t transfer)
{
	const struct wanted *w = queued(transfer);

	return w != NULL && w->how == WORK_RETRY;
}

/* Into the queue, where its place is. */
static void
insert(size_t at, struct wanted w)
{
	all.queue = xrealloc(all.queue, (all.queued + 1) * sizeof(w));
	memmove(all.queue + at + 1, all.queue + at, (all.queued - at) * sizeof(w));
	all.queue[at] = w;
	all.queued++;
}

void
child_want(int64_t transfer, enum work_how how, struct batch *batch, int64_t after)
{
	struct wanted *w = queued(transfer);

	if (w != NULL)
		*w = (struct wanted){transfer, after, how, batch};
	else
		insert(all.queued, (struct wanted){transfer, after, how, batch});
	if (batch != NULL)
		batch->left++;
}

/* One of its transfers has ended, or will never begin. */
static void
leave_batch(struct settings *s, struct batch *b, int fault)
{
	if (b == NULL)
		return;
	b->fault |= fault;
	if (--b->left > 0)
		return;
	if (!b->fault && s != NULL)
		(void)db_ran(s, b->schedule, b->started);
	free(b);
}

/*
 * Beginning.
 */

/* t is NULL for a mail.  0, or -1 after a message. */
static int
begin(const struct transfer *t, const char *spool, enum work_how how, struct batch *batch)
{
	struct child *c;
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		signal_child(self);
		/* Should it outlive the scheduler, another one may begin. */
		if (child_lock != -1)
			close(child_lock);
		_exit(t != NULL ? work_transfer(t, spool, how) : report_send(spool));
	}
	if (pid == -1) {
		msg_errno("a process cannot be started");
		all.code = code_worse(all.code, EX_OSERR);
		return -1;
	}
	all.child = xrealloc(all.child, (all.children + 1) * sizeof(*c));
	c = &all.child[all.children++];
	memset(c, 0, sizeof(*c));
	c->pid = pid;
	c->started = log_now();
	c->batch = batch;
	c->how = how;
	if (t == NULL)
		return 0;
	all.begun++;
	c->transfer = t->id;
	c->kinds = t->kinds;
	log_say(1, "transfer %lld (%s: %s to %s): begun", (long long)t->id, t->schedule, t->site,
	    t->destination);
	return 0;
}

static const struct transfer *
find(const struct plan *p, int64_t id)
{
	size_t i;

	for (i = 0; i < p->transfers; i++)
		if (p->transfer[i].id == id)
			return &p->transfer[i];
	return NULL;
}

int64_t
child_begin(const struct plan *p, int64_t now)
{
	const struct transfer *t;
	struct wanted w;
	int64_t next = INT64_MAX;
	size_t i = 0;

	while (i < all.queued && pipe_stop == 0) {
		if (p->parallel > 0 &&
		    (int64_t)(all.children - (size_t)is_running(0)) >= p->parallel)
			break; /* whoever ends makes room */
		w = all.queue[i];
		/* A clock that was set back keeps nothing waiting for longer. */
		if (w.after > now && w.after <= now + AGAIN) {
			if (w.after < next)
				next = w.after;
			i++;
			continue;
		}
		all.queued--;
		memmove(all.queue + i, all.queue + i + 1, (all.queued - i) * sizeof(w));
		if ((t = find(p, w.transfer)) == NULL) {
			log_say(0, "transfer %lld: it is there no more, or not enabled",
			    (long long)w.transfer);
			leave_batch(NULL, w.batch, 0);
		} else if (begin(t, p->spool, w.how, w.batch) == -1) {
			if (w.batch != NULL)
				w.batch->fault = 1;
			w.after = next = now + AGAIN;
			insert(i, w);
			break;
		}
	}
	return next;
}

void
child_mail(const char *spool)
{
	(void)begin(NULL, spool, WORK_DUE, NULL);
}

/*
 * Ending.
 */

/* The process itself died: that, too, is a failure to be seen.  0 when it is. */
static int
note_fault(struct settings *s, const struct child *c, int sig)
{
	char reason[80];
	int k = 0;

	while (k < SETTINGS_DATA && (c->kinds & (1u << k)) == 0)
		k++;
	snprintf(reason, sizeof(reason), "praic-sched: its process was ended by signal %d", sig);
	log_say(0, "transfer %lld: %s", (long long)c->transfer, reason);
	if (k == SETTINGS_DATA || s == NULL)
		return -1;
	return db_failed(s, c->transfer, (enum settings_data)k, STEP_FETCH, log_now(), 1,
		   EX_SOFTWARE, NULL, reason) == 0 ?
	    0 :
	    -1;
}

/*
 * Is nothing left to do, until a back-off or a schedule says so?  *bad: the
 * settings cannot be written to.
 */
static int
is_over(struct settings *s, const struct child *c, int code, int noted, int *bad)
{
	if (!noted)
		return 0;
	if (code == WORK_STOPPED)
		return pipe_stop > 0;
	/* Whoever is at it may do less than is due, or die of it. */
	if (code == WORK_BUSY)
		return c->how == WORK_NOW;
	if (c->how == WORK_RETRY)
		return 1;
	if (s != NULL)
		*bad = db_done(s, c->transfer);
	/* If not, it is due still, and would be begun again at once. */
	return (s != NULL && *bad == 0) || c->how == WORK_NOW;
}

/* 0, or -1 where the settings cannot be written to. */
static int
end(struct settings *s, const struct child *c, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE, noted = 1, bad = 0;

	if (c->transfer == 0) {
		if (code != 0)
			all.mail_failed = log_now();
		return 0;
	}
	if (!WIFEXITED(status)) {
		if (pipe_stop > 0)
			code = WORK_STOPPED;
		else
			noted = note_fault(s, c, WTERMSIG(status)) == 0;
	} else if (code >= WORK_UNNOTED) {
		code -= WORK_UNNOTED;
		noted = 0;
	}
	if (!is_over(s, c, code, noted, &bad) && !child_has(c->transfer))
		child_want(
		    c->transfer, code == WORK_BUSY ? c->how : WORK_DUE, NULL, log_now() + AGAIN);
	/* An appliance out of reach counts as a run; what praic did not do,
	 * or could not, does not: the guide's "Last Run". */
	leave_batch(bad == 0 ? s : NULL, c->batch,
	    !noted || code == EX_SOFTWARE || code == WORK_STOPPED || code == EX_OSERR);
	/* Somebody asked for it, or it was due, and it was not done. */
	if ((code == WORK_BUSY && c->how == WORK_NOW) || (code == WORK_STOPPED && pipe_stop == 0))
		code = EX_TEMPFAIL;
	if (code != WORK_BUSY && code != WORK_STOPPED)
		all.code = code_worse(all.code, code);
	return bad == 0 ? 0 : -1;
}

void
child_reap(void)
{
	struct settings *s = NULL;
	struct child ended;
	int status, code, tried = 0;
	size_t i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < all.children; i++) {
			if (all.child[i].pid != pid)
				continue;
			ended = all.child[i];
			all.child[i] = all.child[--all.children];
			/* Whoever has it locked is waited for once, and not for
			 * each that ended: a watchdog waits, too. */
			if (!tried)
				s = settings_open(NULL, SETTINGS_OPEN, &code);
			tried = 1;
			if (end(s, &ended, status) == -1) {
				settings_close(s);
				s = NULL;
			}
			break;
		}
	settings_close(s);
}

void
child_pass_on(void)
{
	size_t i;

	for (; all.passed_on < pipe_stop; all.passed_on++)
		for (i = 0; i < all.children; i++)
			kill(all.child[i].pid, SIGTERM);
}

/*
 * Telling.
 */

void
child_show(void)
{
	size_t i;

	for (i = 0; i < all.children; i++)
		msg_warn("process %ld: %s %lld, for %lld s", (long)all.child[i].pid,
		    all.child[i].transfer != 0 ? "transfer" : "mail",
		    (long long)all.child[i].transfer,
		    (long long)(log_now() - all.child[i].started));
	for (i = 0; i < all.queued; i++)
		msg_warn("transfer %lld waits", (long long)all.queue[i].transfer);
}

int
child_mailing(void)
{
	return is_running(0);
}

size_t
child_running(void)
{
	return all.children;
}

size_t
child_waiting(void)
{
	return all.queued;
}

int
child_begun(void)
{
	return all.begun;
}

int
child_code(void)
{
	return all.code;
}

int64_t
child_mail_failed(void)
{
	return all.mail_failed;
}
