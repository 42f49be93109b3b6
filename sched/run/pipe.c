/*
 * Filters as processes.  The stages of a pipe are a process group, so that one
 * signal reaches them and the processes that they start.  The standard error of each
 * is read, for the log and for the reason of a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "code.h"
#include "file.h"
#include "logfile.h"
#include "msg.h"
#include "run.h"
#include "when.h"

#define STAGE_TIME   (12 * 3600) /* seconds: fetching 90 days of a busy site takes hours */
#define GRACE	     20		 /* seconds from TERM to KILL */
#define LAST_WORDS   1		 /* seconds for messages of stages that have ended */
#define LONGEST_LINE 4096

volatile sig_atomic_t pipe_stop;

static void
on_stop(int sig)
{
	pipe_stop = sig;
}

void
pipe_signals(void)
{
	struct sigaction sa = {.sa_handler = on_stop};

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

void
pipe_init(struct pipe *p, struct run *r, const char *in, const char *out)
{
	memset(p, 0, sizeof(*p));
	p->run = r;
	p->in = in;
	p->out = out;
	p->fd = p->heard = -1;
	p->limit = STAGE_TIME;
}

void
pipe_add(struct stage *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (s->args == PIPE_ARGS - 1)
		xnomem();
	s->argv[s->args++] = xvasprintf(fmt, ap);
	va_end(ap);
}

struct stage *
pipe_stage(struct pipe *p, const char *program, ...)
{
	struct stage *s = &p->stage[p->stages++];
	va_list ap;

	s->fd = -1;
	va_start(ap, program);
	for (; program != NULL; program = va_arg(ap, const char *))
		pipe_add(s, "%s", program);
	va_end(ap);
	return s;
}

void
pipe_free(struct pipe *p)
{
	int i, k;

	for (i = 0; i < p->stages; i++) {
		for (k = 0; k < p->stage[i].args; k++)
			free(p->stage[i].argv[k]);
		buf_free(&p->stage[i].line);
		buf_free(&p->stage[i].last);
	}
	buf_free(&p->line);
	buf_free(&p->first);
	if (p->fd != -1)
		close(p->fd);
}

/*
 * Starting.
 */

static volatile sig_atomic_t command_pid;

static void
pass_on(int sig)
{
	(void)kill(command_pid, sig);
}

/* Processes that a command leaves behind must not hold the locks.  So this process
 * keeps them and waits, and its child becomes the command. */
static void
await_command(struct run *r)
{
	struct sigaction sa = {.sa_handler = pass_on};
	sigset_t term, before;
	int status;
	pid_t pid;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	pid = fork();
	if (pid == -1)
		_exit(EX_OSERR);
	if (pid == 0) {
		close(r->lock);
		close(r->command_lock);
		sigprocmask(SIG_SETMASK, &before, NULL);
		return;
	}
	command_pid = pid;
	sigaction(SIGTERM, &sa, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(0);
	close(1);
	close(2);
	while (waitpid(pid, &status, 0) == -1)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

/* The secrets in the environment that this program must not see. */
static char **
hidden_env(struct run *r, const char *program)
{
	if (strcmp(program, "praic-fetch") == 0)
		return settings_hidden_env(r->db, "site", r->site_name);
	return settings_hidden_env(
	    r->db, strcmp(program, "praic-tosql") == 0 ? "destination" : "", r->destination_name);
}

/* In the child. */
static _Noreturn void
become(struct pipe *p, int i, pid_t parent, int in, int out, int err)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
	struct stage *s = &p->stage[i];
	size_t k;

	(void)setpgid(0, i > 0 ? p->stage[0].pid : 0);
#ifdef PR_SET_PDEATHSIG
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died just now */
		_exit(EX_TEMPFAIL);
#else
	(void)parent;
#endif
	for (k = 0; k < sizeof(signals) / sizeof(signals[0]); k++)
		signal(signals[k], SIG_DFL);
	if (dup2(err, 2) == -1 || dup2(in, 0) == -1 || dup2(out, 1) == -1)
		_exit(EX_OSERR);
	if (s->is_command)
		await_command(p->run);
	execvp(s->argv[0], s->argv);
	msg_start(s->argv[0]);
	msg_errno("it cannot be started");
	_exit(errno == ENOENT ? EX_CONFIG : EX_OSERR);
}

/* Forks a stage; it reads in, which is closed.  Returns what the next one reads. */
static int
start_stage(struct pipe *p, int i, int in)
{
	struct stage *s = &p->stage[i];
	int link[2] = {-1, -1}, err[2] = {-1, -1}, last = i == p->stages - 1;
	int out = last && p->out != NULL ? p->fd : -1;
	pid_t self = getpid();
	char **hidden = hidden_env(p->run, s->argv[0]);

	s->pid = -1;
	s->code = p->run->db->code;
	if (s->code == 0 && pipe2(err, O_CLOEXEC) == 0 &&
	    (out != -1 || pipe2(link, O_CLOEXEC) == 0)) {
		if (!last)
			file_widen_pipe(link[1]);
		s->pid = fork();
		if (s->pid == 0) {
			for (; *hidden != NULL; hidden++)
				(void)unsetenv(*hidden);
			become(p, i, self, in, out != -1 ? out : link[1], err[1]);
		}
	}
	if (s->pid == -1) {
		msg_errno("%s: it cannot be started", s->argv[0]);
		s->code = code_worse(s->code, EX_OSERR);
	} else
		(void)setpgid(s->pid, p->stage[0].pid); /* as in the child: no race */
	s->fd = err[0];
	close(err[1]);
	close(in);
	if (link[1] != -1)
		close(link[1]);
	return link[0];
}

/* 0, or -1 after a message. */
static int
start(struct pipe *p)
{
	int i, in = open(p->in != NULL ? p->in : "/dev/null", O_RDONLY | O_CLOEXEC);

	if (in == -1) {
		run_fail(p->run, EX_NOINPUT, msg_program(), "%s: %s", p->in, strerror(errno));
		return -1;
	}
	if (p->out != NULL) {
		p->fd = open(p->out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (p->fd == -1) {
			run_fail(
			    p->run, EX_CANTCREAT, msg_program(), "%s: %s", p->out, strerror(errno));
			close(in);
			return -1;
		}
	}
	/* The others need all of them, and the first one leads their process group. */
	for (i = 0; i < p->stages && (i == 0 || p->stage[i - 1].pid > 0); i++)
		in = start_stage(p, i, in);
	p->heard = in;
	return 0;
}

/*
 * Listening.
 */

/* A message goes to the client log and to standard error. */
static void
say(struct run *r, const struct buf *words)
{
	struct buf line = {0}, dated = {0};
	char now[WHEN_SIZE];

	msg_harmless(&line, words->p, words->n);
	buf_addc(&line, '\n');
	(void)!file_write(2, line.p, line.n);
	if (r->logs != NULL) {
		when_format(run_now(r), now);
		buf_printf(&dated, "%s %s: ", now, r->name);
		buf_add(&dated, line.p, line.n);
		(void)logfile_add(r->logs, "client", run_now(r), &dated);
	}
	buf_free(&line);
	buf_free(&dated);
}

static void
end_line(struct pipe *p, struct stage *s)
{
	struct buf *line = s != NULL ? &s->line : &p->line;
	struct buf *kept = s != NULL ? &s->last : &p->first;

	if (line->n > 0 && s != NULL)
		say(p->run, line);
	else if (line->n > 0)
		p->lines++;
	if (line->n > 0 && (s != NULL || kept->n == 0)) {
		buf_reset(kept);
		buf_add(kept, line->p, line->n);
	}
	buf_reset(line);
}

/* Standard error of a stage, or (NULL) standard output of the last. */
static void
hear(struct pipe *p, struct stage *s, int *fd)
{
	struct buf *line = s != NULL ? &s->line : &p->line;
	char block[4096];
	ssize_t n = read(*fd, block, sizeof(block)), k;

	if (n == -1 && errno == EINTR)
		return;
	for (k = 0; k < n; k++)
		if (block[k] == '\n' || line->n == LONGEST_LINE)
			end_line(p, s);
		else
			buf_addc(line, block[k]);
	if (n <= 0) {
		end_line(p, s);
		close(*fd);
		*fd = -1;
	}
}

/* Returns how many descriptors are open. */
static int
listen_once(struct pipe *p)
{
	struct pollfd f[PIPE_STAGES + 1];
	int i, n = 0, open_n = 0;

	for (i = 0; i <= p->stages; i++) {
		f[n].fd = i < p->stages ? p->stage[i].fd : p->heard;
		open_n += f[n].fd != -1;
		f[n].events = POLLIN;
		f[n++].revents = 0;
	}
	/* Never long: a signal may come just before. */
	if (poll(f, (nfds_t)n, open_n > 0 ? 200 : 20) <= 0)
		return open_n;
	for (i = 0; i < n; i++)
		if (f[i].fd != -1 && f[i].revents != 0)
			hear(p, i < p->stages ? &p->stage[i] : NULL,
			    i < p->stages ? &p->stage[i].fd : &p->heard);
	return open_n;
}

/*
 * Ending.
 */

/* Returns how many stages run. */
static int
reap(struct pipe *p)
{
	struct stage *s;
	int alive = 0, status;
	pid_t pid;

	for (s = p->stage; s < p->stage + p->stages; s++) {
		if (s->pid <= 0)
			continue;
		pid = waitpid(s->pid, &status, WNOHANG);
		if (pid != s->pid) {
			alive++;
			continue;
		}
		s->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		s->code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
		s->pid = -1;
	}
	return alive;
}

/* Until all stages have ended.  Returns whether they were ended for taking too long. */
static int
attend(struct pipe *p, pid_t group)
{
	int64_t begun = when_clock() / 1000, told = 0, over = 0, now;
	int late = 0, killed = 0, open_n, alive;

	for (;;) {
		open_n = listen_once(p);
		alive = reap(p);
		now = when_clock() / 1000;
		/* A process that a command left behind may hold the other ends. */
		if (alive == 0 && over == 0)
			over = now;
		if (alive == 0 && (open_n == 0 || told != 0 || now - over > LAST_WORDS))
			return late;
		if (alive > 0 && told == 0 && (pipe_stop > 0 || now - begun >= p->limit)) {
			late = pipe_stop == 0;
			told = now;
			kill(-group, SIGTERM);
		}
		if (alive > 0 && told != 0 && !killed && now - told > GRACE) {
			killed = 1;
			kill(-group, SIGKILL);
		}
	}
}

/*
 * The code is that of the last stage.  If its input was cut, the stage before it has
 * the code and the reason.
 */
static void
judge(struct pipe *p, int late)
{
	struct stage *s = &p->stage[p->stages - 1];
	const char *program;
	size_t n;

	if (p->stages > 1 && s[-1].code != 0 &&
	    (s->code == 0 || s->code == EX_DATAERR ||
		(s->code == EX_TEMPFAIL && s[-1].code != EX_DATAERR)))
		s--;
	p->blame = s;
	p->code = s->code;
	if (p->code == 0 || p->code == EX_DATAERR) {
		if (p->fd != -1 && fsync(p->fd) == -1)
			p->code = run_fail(
			    p->run, EX_IOERR, msg_program(), "%s: %s", p->out, strerror(errno));
		return;
	}
	program = s->is_command ? "sh" : s->argv[0];
	n = strlen(program);
	if (late)
		p->code = run_fail(p->run, EX_TEMPFAIL, program,
		    "it was ended: it took longer than %lld minutes", (long long)p->limit / 60);
	else if (s->signal != 0)
		run_fail(p->run, p->code, program, "signal %d ended it", s->signal);
	else if (s->last.n == 0)
		run_fail(p->run, p->code, program, "it ended with %d and no message", s->code);
	else if (s->last.n > n + 2 && memcmp(s->last.p, program, n) == 0 &&
	    memcmp(s->last.p + n, ": ", 2) == 0)
		run_fail(p->run, p->code, program, "%s", buf_text(&s->last) + n + 2);
	else
		run_fail(p->run, p->code, program, "%s", buf_text(&s->last));
}

static void
show_word(const char *word)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_@%+=:,./-";

	if (*word != '\0' && word[strspn(word, safe)] == '\0') {
		printf("%s", word);
		return;
	}
	putchar('\'');
	for (; *word != '\0'; word++)
		if (*word == '\'')
			printf("'\\''");
		else
			putchar(*word);
	putchar('\'');
}

static void
show(const struct pipe *p)
{
	int i, k;

	for (i = 0; i < p->stages; i++) {
		if (i > 0)
			printf(" | ");
		if (p->stage[i].is_command) {
			printf("PRAIC_SPOOL=");
			show_word(getenv("PRAIC_SPOOL"));
			putchar(' ');
		}
		for (k = 0; k < p->stage[i].args; k++) {
			if (k > 0)
				putchar(' ');
			show_word(p->stage[i].argv[k]);
		}
		if (i == 0 && p->in != NULL) {
			printf(" <");
			show_word(p->in);
		}
	}
	putchar('\n');
}

int
pipe_run(struct pipe *p)
{
	struct run *r = p->run;
	int i;

	if (r->dry) {
		show(p);
		r->dry = 2;
		return 0;
	}
	for (i = 0; i < p->stages; i++)
		msg_tell(1, "%s: %s", r->name, p->stage[i].argv[0]);
	if (start(p) == -1)
		return p->code = r->code;
	judge(p, attend(p, p->stage[0].pid));
	for (i = 0; i < p->stages; i++)
		if (p->stage[i].fd != -1)
			close(p->stage[i].fd);
	if (p->heard != -1)
		close(p->heard);
	return p->code;
}
