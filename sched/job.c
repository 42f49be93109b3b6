/*
 * The jobs that are due, and their processes: see scheduler.h.  All lasting state
 * is in the settings database.  praic-sched(8) has the rules.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "code.h"
#include "due.h"
#include "file.h"
#include "logfile.h"
#include "msg.h"
#include "num.h"
#include "scheduler.h"
#include "when.h"

#define HELD 60 /* seconds until a job is started again whose failure could not be noted */
/* Seconds that history is kept. */
#define HISTORY ((int64_t)400 * 86400)

/* A back-off of a job is an hour at most, that of a refused recording a day.  A time
 * that is further ahead was set by a wrong clock, and counts as due. */
#define DUE(next, longest) "(" next " <= ?1 OR " next " > ?1 + " longest ")"
#define DUE_JOB(j)                                  \
	DUE("ifnull(" j ".next, " j ".sweep_next)", \
	    "iif(" j ".step = 'fetch' AND " j ".data = 'file', 86400, 3600)")

/* The jobs of schedule ?2, and the fetch jobs of its transfers. */
#define OF_SCHEDULE                                                          \
	"(j.transfer_id IN (SELECT id FROM transfer WHERE schedule_id = ?2)" \
	" OR (j.step = 'fetch' AND EXISTS (SELECT 1 FROM reading AS r"       \
	" WHERE r.schedule_id = ?2 AND r.site_id = j.site_id"                \
	" AND (r.data = j.data OR (j.data = 'session' AND r.data = 'file')))))"

/*
 * Marking.
 */

void
job_mark(struct settings *s, int64_t schedule, int64_t now)
{
	db_do(
	    s, "UPDATE job AS j SET next = ?1, asked = ?1 WHERE " OF_SCHEDULE, "ii", now, schedule);
}

/* A schedule that is due, or whose last run is not believed. */
static void
mark(struct settings *s, sqlite3_stmt *row, const struct due *due, int64_t last, int64_t now)
{
	int64_t schedule = db_column(row, 0), missed = due_count(due, last, now) - 1;
	const char *name = db_string(row, 1);
	int is_due = due_next(due, last, now) <= now;

	if (last != db_column(row, 5))
		report_say(1,
		    "%s: its last run is in the future: the clock was wrong then, or is wrong now",
		    name);
	if (is_due)
		db_do(s,
		    "UPDATE job AS j SET asked = ?1, next = iif(j.next IS NULL OR " DUE_JOB(
			"j") ", ?1, j.next) WHERE " OF_SCHEDULE,
		    "ii", now, schedule);
	db_do(s, "UPDATE schedule SET last_due = ?2 WHERE id = ?1", "ii", schedule,
	    is_due ? now : last);
	if (is_due && missed > 0)
		report_say(1, "%s: due; this run also makes up for %lld that were missed", name,
		    (long long)missed);
	else if (is_due)
		report_say(1, "%s: due", name);
}

/* Look at the schedules.  Without a place for the time of the next run, mark those that
 * are due.  Returns how many there are. */
static int
look(struct settings *s, int64_t now, int64_t *wake)
{
	sqlite3_stmt *row = db_ask(
	    s, "SELECT id, name, created, every, at, last_due FROM schedule WHERE enabled", "");
	int64_t last, next;
	int n = 0;

	while (db_row(s, row)) {
		const struct due due = {db_column(row, 2), db_column(row, 3), db_column(row, 4)};

		last = due_last(&due, db_column(row, 5), now);
		next = due_next(&due, last, now);
		if (wake != NULL && next > now && next < *wake)
			*wake = next;
		if (next > now && last == db_column(row, 5))
			continue;
		n++;
		if (wake == NULL)
			mark(s, row, &due, last, now);
	}
	return n;
}

int64_t
job_mark_due(struct settings *s, int64_t now)
{
	int64_t wake = INT64_MAX;

	/* Most passes find nothing due, and must not write.  The query must end before the
	 * transaction begins: SQLite does not wait for a lock while it reads. */
	if (look(s, now, &wake) > 0) {
		db_begin(s);
		(void)look(s, now, NULL);
		db_end(s, 0);
	}
	return wake;
}

void
job_end_waits(struct settings *s)
{
	db_begin(s);
	db_do(s, "UPDATE job SET next = min(next, ?1), sweep_next = min(sweep_next, ?1)", "i",
	    sched_now());
	db_do(s, "UPDATE recording SET next = NULL WHERE state = 'owed'", "");
	if (db_end(s, 0) == 0)
		report_say(1, "HUP: all back-offs end");
}

int64_t
job_wake(struct settings *s, int64_t now)
{
	int64_t wake = db_number(s,
	    "SELECT min(ifnull(next, sweep_next)) FROM job WHERE ifnull(next, sweep_next) > ?1",
	    "i", now);

	return wake == DB_NULL ? INT64_MAX : wake;
}

/*
 * Processes.
 */

struct child {
	pid_t pid;
	/* job 0: another program.  exec: the command that it stores into, or 0. */
	int64_t job, site, exec, next, runs;
	int fetches;
	char *label; /* "store 3 session (vendor to archive)" */
	int words;   /* its standard error, or -1 where that is ours */
	int64_t started;
	void (*ended)(struct settings *, int code, const char *reason);
};

/* What this process knows of a job besides its row. */
struct memo {
	int64_t job;
	int64_t until; /* do not start it before, by the monotonic clock */
	int over;      /* -1, -r: do not start it again */
};

static struct child *child;
static struct memo *memo;
static size_t children, memos;
static int asked_for; /* -r */
int job_code;

static struct memo *
memo_of(int64_t job, int make)
{
	size_t i;

	for (i = 0; i < memos; i++)
		if (memo[i].job == job)
			return &memo[i];
	if (!make)
		return NULL;
	memo = xrealloc(memo, (memos + 1) * sizeof(*memo));
	memo[memos] = (struct memo){.job = job};
	return &memo[memos++];
}

int
job_ran(int64_t job)
{
	return memo_of(job, 0) != NULL;
}

/* In the child.  It has a process group of its own, so that only the scheduler gets a
 * terminal's interrupt, which passes it on. */
static _Noreturn void
become(const char *const *argv, int in, int words)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE};
	sigset_t none;
	size_t i;

	(void)setpgid(0, 0);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (in == -1)
		in = open("/dev/null", O_RDONLY);
	if (dup2(in, 0) != -1 && (words == -1 || dup2(words, 2) != -1))
		execvp(argv[0], (char *const *)argv);
	msg_errno("%s cannot be started", argv[0]);
	_exit(EX_OSERR);
}

/* Takes over the label of c.  Without aloud, standard error goes to a temporary file,
 * whose last line is the reason of a failure. */
static int
begin(struct child c, const char *const *argv, int in, int aloud)
{
	c.words = aloud ? -1 : file_scratch();
	c.started = sched_now();
	if ((c.pid = fork()) == 0)
		become(argv, in, c.words);
	if (c.pid == -1) {
		report_say(0, "%s cannot be started: %s", argv[0], strerror(errno));
		if (c.words != -1)
			close(c.words);
		free(c.label);
		return -1;
	}
	child = xrealloc(child, (children + 1) * sizeof(*child));
	child[children++] = c;
	return 0;
}

int
job_other(const char *const *argv, const struct buf *input,
    void (*ended)(struct settings *, int code, const char *reason))
{
	struct child c = {.label = xstrdup(argv[0]), .ended = ended};
	int in = file_scratch(), code;

	if (in == -1 || file_write(in, input->p, input->n) == -1 || lseek(in, 0, SEEK_SET) == -1) {
		report_say(0, "%s: a temporary file in %s: %s", argv[0], file_scratch_dir(),
		    strerror(errno));
		free(c.label);
		code = -1;
	} else
		code = begin(c, argv, in, 0);
	if (in != -1)
		close(in);
	return code;
}

/* Is the job running, or must another one end first? */
static int
is_blocked(const struct child *c, int file)
{
	size_t i;

	for (i = 0; i < children; i++)
		if (child[i].job == c->job || (c->exec != 0 && child[i].exec == c->exec) ||
		    (file && child[i].site == c->site && child[i].fetches))
			return 1;
	return 0;
}

static int
begin_job(const struct child *c, sqlite3_stmt *row, int verbose)
{
	char now[NUM_SIZE];
	const char *argv[8] = {"praic-run"};
	size_t n = 1;
	int i;

	if (verbose)
		argv[n++] = "-v";
	if (sched_fixed_now != 0) {
		num_format(sched_fixed_now, now);
		argv[n++] = "--now";
		argv[n++] = now;
	}
	for (i = 7; i < 10; i++)
		argv[n++] = db_string(row, i);
	return begin(*c, argv, -1, verbose || report_directory == NULL);
}

/*
 * The jobs that can be done, longest due first.  Recordings wait for reports that
 * are due, but not if reports came after the recordings were asked for: a fetch that
 * takes longer than the period of its schedule is always due.  For the same reason
 * the job that began longest ago comes first.
 */
#define J_IS_DUE DUE_JOB("j")
#define S_IS_DUE DUE_JOB("s")
#define R_IS_DUE DUE("ifnull(r.next, 0)", "86400")

static const char ready[] =
    "SELECT j.id, j.site_id, iif(j.kind = 'exec', j.destination_id, 0), j.next, j.runs,"
    " j.step = 'fetch', j.step = 'fetch' AND j.data = 'file',"
    " j.step, ifnull(j.transfer_id, j.site), nullif(j.data, 'backup'),"
    " j.name || ifnull(' (' || j.moves || ')', '')"
    " FROM job_view AS j WHERE " J_IS_DUE " AND j.enabled AND (?2 = 0 OR " OF_SCHEDULE ")"
    " AND CASE WHEN j.step = 'store' THEN j.backlog > 0"
    " WHEN j.step = 'fetch' AND j.data = 'file' THEN"
    "  EXISTS (SELECT 1 FROM recording AS r WHERE r.site_id = j.site_id"
    "   AND r.state = 'owed' AND " R_IS_DUE ")"
    "  AND NOT EXISTS (SELECT 1 FROM job AS s WHERE s.site_id = j.site_id"
    "   AND s.step = 'fetch' AND s.data = 'session' AND " S_IS_DUE
    "   AND ifnull(s.last_success, 0) < ifnull(j.asked, 0))"
    " ELSE 1 END"
    " ORDER BY min(ifnull(j.next, ?1), ?1), j.last_start, j.id";

size_t
job_begin(struct settings *s, int64_t schedule, int verbose)
{
	int64_t parallel = settings_number(s, "parallel"), now = when_clock() / 1000;
	sqlite3_stmt *row = db_ask(s, ready, "ii", sched_now(), schedule);
	const struct memo *m;
	size_t waiting = 0, i, jobs = 0;

	asked_for = schedule != 0;
	for (i = 0; i < children; i++)
		jobs += child[i].job != 0;
	while (db_row(s, row)) {
		struct child c = {.job = db_column(row, 0),
		    .site = db_column(row, 1),
		    .exec = db_column(row, 2),
		    .next = db_column(row, 3),
		    .runs = db_column(row, 4),
		    .fetches = sqlite3_column_int(row, 5)};

		m = memo_of(c.job, 0);
		if (is_blocked(&c, sqlite3_column_int(row, 6)) ||
		    (sched_once && m != NULL && m->over))
			continue;
		if (m != NULL && m->until > now) {
			waiting++;
			continue;
		}
		if (parallel > 0 && jobs >= (size_t)parallel)
			continue; /* the next job that ends makes room */
		c.label = db_copy(row, 10);
		if (begin_job(&c, row, verbose) == 0)
			jobs++;
		else {
			memo_of(c.job, 1)->until = now + HELD;
			job_code = code_worse(job_code, EX_OSERR);
		}
	}
	return waiting;
}

/* Note the failure of a praic-run that died or could not note it. */
static void
note(struct settings *s, const struct child *c, int code, char *reason)
{
	const struct settings_step step = {.job = c->job,
	    .next = c->next,
	    .started = c->started,
	    .now = sched_now(),
	    .code = code,
	    .failed = 1,
	    .program = "praic-run",
	    .reason = reason};

	db_begin(s);
	settings_end_step(s, &step);
	db_end(s, 0);
}

/* The process of a job has ended. */
static void
end_job(struct settings *s, const struct child *c, int code, char *reason, int stopping)
{
	struct memo *m = memo_of(c->job, 1);
	int noted = s != NULL &&
	    db_number(s, "SELECT runs FROM job WHERE id = ?1", "i", c->job) != c->runs &&
	    s->code == 0;

	/* A step that changes nothing must not run again at once. */
	m->until = when_clock() / 1000 + 1;
	if (stopping && !noted)
		return;
	if (!noted && (code == EX_TEMPFAIL || code == 0)) {
		m->until = when_clock() / 1000 + HELD;
		m->over = 1;
		if (asked_for) {
			report_say(0, "%s: another praic-run is doing it", c->label);
			job_code = code_worse(job_code, EX_TEMPFAIL);
		} else
			report_say(1, "%s: another praic-run is doing it", c->label);
		return;
	}
	if (!noted && s != NULL)
		note(s, c, code, reason);
	if (s == NULL || s->code != 0)
		m->until = when_clock() / 1000 + HELD;
	m->over = code != 0 && code != EX_DATAERR;
	job_code = code_worse(job_code, code);
	report_step(s, c->job, c->label, code, noted, reason);
}

int
job_reap(struct settings *s, int stopping)
{
	int status, code, ended = 0;
	char *reason;
	struct child *c;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (c = child; c < child + children && c->pid != pid; c++)
			;
		if (c == child + children)
			continue;
		code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
		reason = NULL;
		if (!WIFEXITED(status))
			reason = xasprintf("signal %d ended the process", WTERMSIG(status));
		else if (c->words != -1)
			reason = file_last_line(c->words);
		if (reason == NULL)
			reason = xasprintf("it ended with %d", code);
		ended += c->job != 0;
		if (c->job != 0)
			end_job(s, c, code, reason, stopping);
		else
			c->ended(s, code, reason);
		free(reason);
		free(c->label);
		if (c->words != -1)
			close(c->words);
		*c = child[--children];
	}
	return ended;
}

void
job_signal(int signal)
{
	size_t i;

	for (i = 0; i < children; i++)
		kill(signal == SIGKILL ? -child[i].pid : child[i].pid, signal);
}

size_t
job_running(void)
{
	return children;
}

/*
 * Old history and logs.
 */

static void
prune_logs(const char *directory, int64_t before)
{
	DIR *d = opendir(directory);
	struct dirent *e;
	int64_t day;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		day = logfile_day(e->d_name, NULL);
		if (day != -1 && day < before && unlinkat(dirfd(d), e->d_name, 0) == -1 &&
		    errno != ENOENT)
			msg_errno("%s/%s", directory, e->d_name);
	}
	closedir(d);
}

void
job_prune(struct settings *s)
{
	int64_t days = settings_number(s, "log-days"), now = sched_now(), mark;

	/* A clock that is ahead must not remove everything: age counts from the newest
	 * mark if that is earlier. */
	mark = db_number(s, "SELECT max(mark) + 86400 FROM job", "");
	if (mark != DB_NULL && mark < now)
		now = mark;
	if (db_number(s, "SELECT min(started) < ?1 FROM run", "i", now - HISTORY) == 1)
		db_do(s, "DELETE FROM run WHERE started < ?1", "i", now - HISTORY);
	if (report_directory != NULL && s->code == 0 && days > 0)
		prune_logs(report_directory, now - (days + 1) * 86400);
}
