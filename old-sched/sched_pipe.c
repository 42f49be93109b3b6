/*
 * A pipe of filters: see sched_pipe.h.  The stages are a process group of
 * their own, so that one signal reaches them and what they start; and each
 * one's standard error is read apart, so that the log can say whose words
 * they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "code.h"
#include "file.h"
#include "msg.h"
#include "sched_log.h"
#include "sched_pipe.h"

#define GRACE	     20 /* seconds from TERM to KILL */
#define LAST_WORDS   1	/* seconds to hear what was said before all had ended */
#define LONGEST_LINE 4096

volatile sig_atomic_t pipe_stop;

struct listener {
	int fd; /* -1: at its end */
	struct buf line;
};

struct running {
	struct pipe *pipe;
	pid_t group, pid[PIPE_STAGES];
	struct listener hear[PIPE_STAGES];
	int out; /* of the last stage, to be counted; or -1 */
	int alive;
	double begun, told; /* when TERM was sent, or 0 */
	double over;	    /* when the last one had ended, or 0 */
	int late, killed;
};

static double
monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
pipe_init(struct pipe *p, const char *where, int64_t limit)
{
	memset(p, 0, sizeof(*p));
	p->out = -1;
	p->where = where;
	p->limit = limit;
}

struct stage *
pipe_stage(struct pipe *p, const char *program)
{
	struct stage *s = &p->stage[p->stages++];

	pipe_add(s, "%s", program);
	return s;
}

void
pipe_add(struct stage *s, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (s->args == PIPE_ARGS - 1 || vasprintf(&text, fmt, ap) == -1)
		xnomem();
	va_end(ap);
	s->argv[s->args++] = text;
}

void
pipe_free(struct pipe *p)
{
	int i, k;

	for (i = 0; i < p->stages; i++)
		for (k = 0; k < p->stage[i].args; k++)
			free(p->stage[i].argv[k]);
	p->stages = 0;
}

/*
 * Starting.
 */

/* In the child.  What goes wrong is said where the stage's words go. */
static _Noreturn void
become(char **argv, pid_t parent, pid_t group, int in, int out, int err)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE, SIGALRM};
	sigset_t none;
	size_t i;

	(void)setpgid(0, group);
#ifdef PR_SET_PDEATHSIG
	/* Should the scheduler be killed, nobody would look after them. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it was, just now */
		_exit(EX_TEMPFAIL);
#else
	(void)parent;
#endif
	/* What systemd wants to hear, it wants to hear from the scheduler. */
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(err, 2) == -1 || dup2(in, 0) == -1 || dup2(out, 1) == -1)
		_exit(EX_OSERR);
	execvp(argv[0], argv);
	msg_start(argv[0]);
	msg_errno("it cannot be started");
	_exit(errno == ENOENT ? EX_CONFIG : EX_OSERR);
}

static int
start(struct running *r)
{
	struct pipe *p = r->pipe;
	pid_t self = getpid();
	int in = open("/dev/null", O_RDWR | O_CLOEXEC), link[2], err[2], i, out;

	for (i = 0; i < p->stages && in != -1; i++) {
		link[0] = link[1] = -1;
		out = i == p->stages - 1 ? p->out : -1;
		if (out == -1 && pipe2(link, O_CLOEXEC) == -1)
			break;
		if (pipe2(err, O_CLOEXEC) == -1)
			break;
		if (link[1] != -1 && i < p->stages - 1)
			file_widen_pipe(link[1]);
		r->pid[i] = fork();
		if (r->pid[i] == 0)
			become(p->stage[i].argv, self, r->group, in, out != -1 ? out : link[1],
			    err[1]);
		close(err[1]);
		close(in);
		if (link[1] != -1)
			close(link[1]);
		in = link[0];
		r->hear[i].fd = err[0];
		if (r->pid[i] == -1)
			break;
		if (i == 0)
			r->group = r->pid[0];
		(void)setpgid(r->pid[i], r->group); /* whoever is first */
		r->alive++;
	}
	r->out = in;
	if (i == p->stages)
		return 0;
	msg_errno("%s: a stage cannot be started", p->where);
	if (r->group != 0)
		kill(-r->group, SIGKILL);
	return EX_OSERR;
}

/*
 * Listening.
 */

/* FNV-1a.  Digits are left out: they differ where the complaint does not. */
static void
add_complaint(struct stage *s, const struct buf *words)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		if (words->p[i] < '0' || words->p[i] > '9')
			s->complaint =
			    (s->complaint ^ (unsigned char)words->p[i]) * UINT64_C(0x100000001b3);
}

static void
say_line(struct running *r, int i)
{
	struct buf *b = &r->hear[i].line;
	struct stage *s = &r->pipe->stage[i];

	if (b->n == 0)
		return;
	log_client(r->pipe->where, b->p, b->n);
	snprintf(
	    s->last, sizeof(s->last), "%.*s", (int)(b->n < PIPE_REASON ? b->n : PIPE_REASON), b->p);
	add_complaint(s, b);
	buf_reset(b);
}

static void
hear(struct running *r, int i)
{
	char block[4096];
	ssize_t n = read(r->hear[i].fd, block, sizeof(block)), k;

	if (n == -1 && errno == EINTR)
		return;
	for (k = 0; k < n; k++) {
		if (block[k] == '\n' || r->hear[i].line.n == LONGEST_LINE)
			say_line(r, i);
		if (block[k] != '\n')
			buf_addc(&r->hear[i].line, block[k]);
	}
	if (n <= 0) {
		say_line(r, i);
		close(r->hear[i].fd);
		r->hear[i].fd = -1;
	}
}

static void
count(struct running *r)
{
	char block[4096];
	ssize_t n = read(r->out, block, sizeof(block)), k;

	if (n == -1 && errno == EINTR)
		return;
	for (k = 0; k < n; k++)
		r->pipe->lines += block[k] == '\n';
	if (n <= 0) {
		close(r->out);
		r->out = -1;
	}
}

static int
listen_once(struct running *r)
{
	struct pollfd f[PIPE_STAGES + 1];
	int i, n = 0, from[PIPE_STAGES + 1];

	for (i = 0; i <= r->pipe->stages; i++) {
		int fd = i < r->pipe->stages ? r->hear[i].fd : r->out;

		if (fd == -1)
			continue;
		from[n] = i;
		f[n].fd = fd;
		f[n].events = POLLIN;
		f[n++].revents = 0;
	}
	/* A signal may come just before: so never long. */
	if (poll(f, (nfds_t)n, n > 0 ? 500 : 50) <= 0)
		return n;
	for (i = 0; i < n; i++)
		if (f[i].revents != 0 && from[i] == r->pipe->stages)
			count(r);
		else if (f[i].revents != 0)
			hear(r, from[i]);
	return n;
}

/*
 * Ending.
 */

static void
reap(struct running *r)
{
	struct stage *s;
	int i, status;
	pid_t pid;

	for (i = 0; i < r->pipe->stages; i++) {
		if (r->pid[i] <= 0)
			continue;
		pid = waitpid(r->pid[i], &status, WNOHANG);
		if (pid == 0 || (pid == -1 && errno == EINTR))
			continue;
		s = &r->pipe->stage[i];
		s->seconds = monotonic() - r->begun;
		if (pid == -1)
			s->code = EX_SOFTWARE;
		else if (WIFSIGNALED(status)) {
			s->signal = WTERMSIG(status);
			s->code = EX_SOFTWARE;
		} else
			s->code = WEXITSTATUS(status);
		r->pid[i] = 0;
		r->alive--;
	}
}

/* Too long, or told to stop: first politely. */
static void
press(struct running *r)
{
	double now = monotonic();

	if (r->told == 0 && (pipe_stop > 0 || now - r->begun > (double)r->pipe->limit)) {
		r->late = pipe_stop == 0;
		r->told = now;
		kill(-r->group, SIGTERM);
	}
	if (r->told != 0 && !r->killed && (pipe_stop > 1 || now - r->told > GRACE)) {
		r->killed = 1;
		kill(-r->group, SIGKILL);
	}
}

/* Its reader had gone: that is the reader's failure, not its own. */
static int
lost_reader(const struct stage *s)
{
	return s->signal == SIGPIPE ||
	    (s->code == EX_IOERR && strstr(s->last, strerror(EPIPE)) != NULL);
}

/*
 * The last stage's code tells; but where that says only that its input was
 * cut, the nearest stage before it that failed says why.  65 is not why: who
 * leaves something out has written all the rest, to its end mark.
 */
static void
judge(struct running *r)
{
	struct pipe *p = r->pipe;
	int i = p->stages - 1;

	p->blame = i;
	if (p->stage[i].code == EX_TEMPFAIL)
		while (--i >= 0)
			if (p->stage[i].code != 0 && p->stage[i].code != EX_DATAERR &&
			    !lost_reader(&p->stage[i])) {
				p->blame = i;
				break;
			}
	p->code = p->stage[p->blame].code;
	/* A stage that failed while its reader saw nothing wrong: as the
	 * filters are made this cannot be; it must not pass for success. */
	for (i = 0; i < p->stages && p->code == 0; i++)
		if (p->stage[i].code != 0) {
			p->code = p->stage[i].code;
			p->blame = i;
		}
	p->stopped = pipe_stop > 0 && p->code != 0;
	p->late = r->late && p->code != 0;
	if (p->late) {
		p->code = EX_TEMPFAIL;
		p->stage[p->blame].signal = 0;
		snprintf(p->stage[p->blame].last, PIPE_REASON,
		    "it took longer than %lld s "
		    "(setting stage-time), and was ended",
		    (long long)p->limit);
	}
}

int
pipe_run(struct pipe *p)
{
	struct running r = {.pipe = p, .out = -1, .begun = monotonic()};
	int i, code;

	for (i = 0; i < PIPE_STAGES; i++)
		r.hear[i].fd = -1;
	code = start(&r);
	while (listen_once(&r) > 0 || r.alive > 0) {
		reap(&r);
		if (r.alive > 0) {
			press(&r);
			continue;
		}
		/* Whoever still holds the other ends is not waited for. */
		if (r.over == 0)
			r.over = monotonic();
		if (r.told != 0 || pipe_stop > 0 || monotonic() - r.over > LAST_WORDS)
			break;
	}
	for (i = 0; i < PIPE_STAGES; i++) {
		if (r.hear[i].fd != -1)
			close(r.hear[i].fd);
		buf_free(&r.hear[i].line);
	}
	if (r.out != -1)
		close(r.out);
	p->seconds = monotonic() - r.begun;
	judge(&r);
	if (code != 0)
		p->code = code;
	return p->code;
}

/*
 * Showing.
 */

static void
show_word(struct buf *b, const char *word)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_@%+=:,./-";

	if (*word != '\0' && strspn(word, safe) == strlen(word)) {
		buf_adds(b, word);
		return;
	}
	buf_addc(b, '\'');
	for (; *word != '\0'; word++)
		if (*word == '\'')
			buf_adds(b, "'\\''");
		else
			buf_addc(b, *word);
	buf_addc(b, '\'');
}

void
pipe_show(struct buf *b, const struct pipe *p)
{
	int i, k;

	for (i = 0; i < p->stages; i++) {
		if (i > 0)
			buf_adds(b, " | ");
		for (k = 0; k < p->stage[i].args; k++) {
			if (k > 0)
				buf_addc(b, ' ');
			show_word(b, p->stage[i].argv[k]);
		}
	}
	buf_addc(b, '\n');
}
