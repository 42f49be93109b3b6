/* The processes that do the jobs, and other ones: see scheduler.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "scheduler.h"

#define HELD	   60	/* seconds until a job is tried again whose failure has no row */
#define LAST_WORDS 4096 /* bytes of standard error in which the last line is looked for */

extern char **environ;

struct child {
	pid_t pid;
	struct job job; /* of another program: id 0, label its name */
	int words;	/* its standard error, or -1 where that is ours */
	int64_t started;
	void (*ended)(struct settings *, int code, const char *reason);
};

/* What is known of a job besides its row, until this process ends. */
struct memo {
	int64_t job;
	int64_t until; /* not before, by the monotonic clock */
	int over;      /* -1, -r: it failed, or another process is at it */
};

static struct child *child;
static struct memo *memo;
static size_t children, memos;
static int worst;
static int asked_for; /* -r */

static int64_t
monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec;
}

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
child_ran(int64_t job)
{
	return memo_of(job, 0) != NULL;
}

/* Its texts are to be freed. */
static void
copy_job(struct job *to, const struct job *j)
{
	*to = *j;
	to->step = xstrdup(j->step);
	to->object = xstrdup(j->object);
	to->data = j->data != NULL ? xstrdup(j->data) : NULL;
	to->label = xstrdup(j->label);
}

static void
free_child(struct child *c)
{
	free(c->job.step);
	free(c->job.object);
	free(c->job.data);
	free(c->job.label);
	if (c->words != -1)
		close(c->words);
	*c = child[--children];
}

/*
 * Beginning.
 */

/* In a process group of its own: a terminal's interrupt reaches the scheduler
 * alone, which passes it on.  -1 after a message. */
static pid_t
spawn(const char *const *argv, int in, int words)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	pid_t pid = -1;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	if (in != -1)
		posix_spawn_file_actions_adddup2(&files, in, 0);
	else
		posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (words != -1)
		posix_spawn_file_actions_adddup2(&files, words, 2);
	error = posix_spawnp(&pid, argv[0], &files, &attributes, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	if (error == 0)
		return pid;
	errno = error;
	report_failure("%s cannot be started: %s", argv[0], strerror(error));
	return -1;
}

/* Without -v, standard error goes to a temporary file: its last line is the reason. */
static int
begin(const char *const *argv, int in, int aloud, const struct job *j,
    void (*ended)(struct settings *, int, const char *))
{
	int words = aloud ? -1 : file_scratch();
	pid_t pid = spawn(argv, in, words);

	if (pid == -1) {
		if (words != -1)
			close(words);
		return -1;
	}
	child = xrealloc(child, (children + 1) * sizeof(*child));
	child[children] =
	    (struct child){.pid = pid, .words = words, .started = sched_now(), .ended = ended};
	copy_job(&child[children++].job, j);
	return 0;
}

int
child_other(const char *const *argv, const struct buf *input,
    void (*ended)(struct settings *, int, const char *))
{
	struct job j = {.step = "", .object = "", .label = (char *)argv[0]};
	int in = file_scratch(), code = -1;

	if (in == -1 || file_write(in, input->p, input->n) == -1 || lseek(in, 0, SEEK_SET) == -1)
		report_failure(
		    "%s: a temporary file in %s: %s", argv[0], file_scratch_dir(), strerror(errno));
	else
		code = begin(argv, in, 0, &j, ended);
	if (in != -1)
		close(in);
	return code;
}

/* Is it running, or must another one end first? */
static int
is_blocked(const struct job *j)
{
	int file = strcmp(j->step, "fetch") == 0 && strcmp(j->data, "file") == 0;
	size_t i;

	for (i = 0; i < children; i++) {
		const struct job *o = &child[i].job;

		if (o->id == j->id || (j->exec != 0 && o->exec == j->exec) ||
		    (file && o->site == j->site && strcmp(o->step, "fetch") == 0))
			return 1;
	}
	return 0;
}

static int
begin_job(const struct job *j, int verbose)
{
	char now[NUM_SIZE];
	const char *argv[8] = {"praic-run"};
	size_t n = 1;

	if (verbose)
		argv[n++] = "-v";
	if (sched_fixed_now != 0) {
		num_format(sched_fixed_now, now);
		argv[n++] = "--now";
		argv[n++] = now;
	}
	argv[n++] = j->step;
	argv[n++] = j->object;
	argv[n] = j->data;
	return begin(argv, -1, verbose || report_directory == NULL, j, NULL);
}

size_t
child_begin(struct settings *s, int64_t schedule, int verbose)
{
	int64_t parallel = 0, now = monotonic();
	sqlite3_stmt *row = job_ready(s, sched_now(), schedule);
	const struct memo *m;
	size_t waiting = 0, i, jobs = 0;
	struct job j;
	int found;

	asked_for = schedule != 0;
	if (row == NULL || settings_number(s, "parallel", &parallel) != 0) {
		sqlite3_finalize(row);
		worst = code_worse(worst, EX_IOERR);
		return 0;
	}
	for (i = 0; i < children; i++)
		jobs += child[i].job.id != 0;
	while ((found = job_step(s, row, &j)) == 1) {
		m = memo_of(j.id, 0);
		if (is_blocked(&j) || (sched_once && m != NULL && m->over))
			continue;
		if (m != NULL && m->until > now) {
			waiting++;
			continue;
		}
		if (parallel > 0 && jobs >= (size_t)parallel)
			break; /* the next job that ends makes room */
		if (begin_job(&j, verbose) == 0)
			jobs++;
		else {
			memo_of(j.id, 1)->until = now + HELD;
			worst = code_worse(worst, EX_OSERR);
		}
	}
	if (found == -1)
		worst = code_worse(worst, EX_IOERR);
	sqlite3_finalize(row);
	return waiting;
}

/*
 * Ending.
 */

/* The last line that it said; to be freed. */
static char *
last_words(int fd)
{
	char text[LAST_WORDS];
	struct stat st;
	ssize_t n;

	if (fd == -1 || fstat(fd, &st) == -1)
		return NULL;
	n = pread(fd, text, sizeof(text),
	    st.st_size > (off_t)sizeof(text) ? st.st_size - (off_t)sizeof(text) : 0);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0)
		return NULL;
	for (fd = (int)n; fd > 0 && text[fd - 1] != '\n'; fd--)
		;
	return xstrndup(text + fd, (size_t)n - (size_t)fd);
}

/* A job's process that ended with a code. */
static void
end_job(struct settings *s, const struct child *c, int code, const char *reason, int stopping)
{
	struct memo *m = memo_of(c->job.id, 1);
	int noted = s != NULL ? job_noted(s, &c->job) : -1;

	/* A step that changes nothing must not run in a tight loop. */
	m->until = monotonic() + 1;
	if (stopping && noted != 1)
		return;
	if (noted == 0 && (code == EX_TEMPFAIL || code == 0)) {
		m->until = monotonic() + HELD;
		m->over = 1;
		if (asked_for) {
			report_failure("%s: another praic-run is doing it", c->job.label);
			worst = code_worse(worst, EX_TEMPFAIL);
		} else
			report_say("%s: another praic-run is doing it", c->job.label);
		return;
	}
	if (noted == 0)
		noted = job_note(s, &c->job, code, reason, c->started);
	if (noted == -1)
		m->until = monotonic() + HELD;
	m->over = code != 0 && code != EX_DATAERR;
	worst = code_worse(worst, code);
	report_step(s, &c->job, code, noted == 1, reason);
}

int
child_reap(struct settings *s, int stopping)
{
	int status, code, ended = 0;
	char *reason;
	size_t i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < children && child[i].pid != pid; i++)
			;
		if (i == children)
			continue;
		ended += child[i].job.id != 0;
		code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
		reason = last_words(child[i].words);
		if (!WIFEXITED(status)) {
			free(reason);
			reason = xasprintf("the process was ended by signal %d", WTERMSIG(status));
		} else if (reason == NULL)
			reason = xasprintf("it ended with %d", code);
		if (child[i].job.id != 0)
			end_job(s, &child[i], code, reason, stopping);
		else if (child[i].ended != NULL)
			child[i].ended(s, code, reason);
		free(reason);
		free_child(&child[i]);
	}
	return ended;
}

void
child_stop(int signal)
{
	size_t i;

	for (i = 0; i < children; i++)
		kill(signal == SIGKILL ? -child[i].pid : child[i].pid, signal);
}

void
child_show(void)
{
	size_t i;

	for (i = 0; i < children; i++)
		msg_warn("process %ld: %s, for %lld s", (long)child[i].pid, child[i].job.label,
		    (long long)(sched_now() - child[i].started));
}

size_t
child_running(void)
{
	return children;
}

int
child_code(void)
{
	return worst;
}
