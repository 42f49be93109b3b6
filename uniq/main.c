/*
 * praic-uniq: records in, records out, without repetitions: praic-uniq(1).
 * seen.c knows what was written, now and by earlier runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "confine.h"
#include "file.h"
#include "held.h"
#include "msg.h"
#include "rec.h"
#include "seen.h"
#include "when.h"

/* Of a session, in memory; one that is larger is on disk. */
#define ROOM ((size_t)8 << 20)

extern char **environ;

struct arguments {
	const char *state;
	int64_t forget; /* seconds; -1: never */
	char **operand;
	int operands;
	char **command; /* NULL: there is no -- */
};

struct uniq {
	int code;
	int stop; /* STATE failed */
	struct seen *seen;
	struct held session; /* its lines, until it is complete */

	struct held out;
	struct buf head;   /* of the output's stream; empty: there is none yet */
	uint64_t sessions; /* in it */

	uint64_t written, repeated;
	uint64_t left_out; /* in the input, so far */
	int given_up;	   /* a writer gave a session up */
	uint64_t told;	   /* of these, in end marks that were written */
};

static int
take_forget(void *arg, const char *text)
{
	struct arguments *a = arg;

	if (when_parse_span(text, &a->forget) == 0)
		return 0;
	msg_warn("--forget %s: a span such as 90d or 36h", text);
	return EX_USAGE;
}

static const struct command_option option[] = {
    {'d', "state", "STATE",
	"COMMAND reads what STATE does not have; when it has ended\n"
	"with 0, STATE has that, too",
	offsetof(struct arguments, state), NULL},
    {0, "forget", "SPAN", "drop from STATE what was noted longer ago: 90d, say", 0, take_forget},
    {0, NULL, NULL, NULL, 0, NULL},
};

static const struct command command = {
    "praic-uniq [-v] [FILE ...]\n"
    "       praic-uniq -d STATE [-v] [--forget SPAN] [FILE ...] -- COMMAND [ARGUMENT ...]",
    "Passes records on, without sessions that were there before: see praic-uniq(1).", option};

static int
parse(struct arguments *a, int argc, char **argv)
{
	int code, end;

	/* getopt does not say where -- was, but what is behind it stays there. */
	for (end = 1; end < argc && strcmp(argv[end], "--") != 0; end++)
		;
	a->command = end < argc ? argv + end + 1 : NULL;
	a->forget = -1;
	code = command_options(&command, argc, argv, a);
	if (code != 0)
		return code;
	a->operand = argv + optind;
	a->operands = argc - optind;
	if (a->state == NULL ? a->forget != -1 : a->command == NULL || *a->command == NULL)
		command_usage(&command);
	if (a->state != NULL)
		a->operands = (int)(a->command - a->operand);
	return 0;
}

/* There is no use in going on. */
static int
failed(const struct uniq *u)
{
	return u->stop || u->out.code != 0 || u->session.code != 0;
}

/* End the output's stream. */
static void
end_stream(struct uniq *u)
{
	if (u->head.n > 0 && (u->code == 0 || u->code == EX_DATAERR)) {
		buf_printf(&u->out.mem, "Z\t%llu\t%llu\n", (unsigned long long)u->sessions,
		    (unsigned long long)(u->left_out - u->told));
		u->told = u->left_out;
	}
	u->sessions = 0;
}

/* A stream begins in the input: one in the output does where it differs. */
static void
begin_stream(struct uniq *u, struct rec_value head)
{
	if (u->head.n == head.n && memcmp(u->head.p, head.p, head.n) == 0)
		return;
	end_stream(u);
	buf_reset(&u->head);
	buf_add(&u->head, head.p, head.n);
	held_add(&u->out, head.p, head.n);
}

static void
add_line(struct uniq *u, const char *line, size_t n)
{
	buf_add(&u->session.mem, line, n);
	if (u->session.mem.n > ROOM) {
		seen_bytes(u->seen, u->session.mem.p, u->session.mem.n);
		held_flush(&u->session);
	}
}

/* The session is complete. */
static void
take_session(struct uniq *u)
{
	int is_new, code;

	seen_bytes(u->seen, u->session.mem.p, u->session.mem.n);
	is_new = seen_add(u->seen, &code);
	if (is_new == 1) {
		held_move(&u->out, &u->session);
		u->sessions++;
		u->written++;
	} else if (is_new == 0)
		u->repeated++;
	else {
		u->code = code_worse(u->code, code);
		u->stop = 1;
	}
}

static void
take(struct uniq *u, struct rec_reader *r, enum rec_event e)
{
	switch (e) {
	case REC_TABLES:
		u->code = code_worse(u->code, rec_code(r));
		begin_stream(u, r->head);
		break;
	case REC_BEGIN:
		held_reset(&u->session);
		/* A row means what the head says of its columns. */
		seen_begin(u->seen);
		seen_bytes(u->seen, r->head.p, r->head.n);
		add_line(u, r->line, r->line_n + 1);
		break;
	case REC_ROW:
	case REC_XML:
		add_line(u, r->line, r->line_n + 1);
		break;
	case REC_COMMIT:
		add_line(u, r->line, r->line_n + 1);
		take_session(u);
		break;
	case REC_DROP:
		/* One that its writer gave up is in the writer's own count, or
		 * in its list of --left-out. */
		if (!r->cut && strcmp(r->code, "given-up") == 0)
			u->given_up = 1;
		else
			u->left_out += !r->cut;
		break;
	case REC_END:
	case REC_EOF:
		break;
	}
}

/* One operand.  Those that cannot be read do not stop the others. */
static void
read_file(struct uniq *u, const char *name)
{
	struct rec_reader *r = rec_open_operand(name);
	uint64_t in_marks = 0;
	enum rec_event e;

	if (r == NULL) {
		u->code = code_worse(u->code, EX_NOINPUT);
		return;
	}
	r->lines_only = 1;
	while (!failed(u) && (e = rec_next(r)) != REC_EOF) {
		u->left_out += r->left_out - in_marks;
		in_marks = r->left_out;
		take(u, r, e);
	}
	u->code = code_worse(u->code, rec_code(r));
	rec_close(r);
}

/* What is needed is known and open: what the input says changes nothing. */
static void
confine(const struct uniq *u, const struct arguments *a)
{
	struct confine *c = confine_new();

	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
	confine_allow(c, "/dev/urandom", CONFINE_READ);
	if (a->state != NULL)
		confine_allow(c, seen_directory(u->seen), CONFINE_CHANGE);
	confine_allow_operands(c, a->operand, a->operands);
	confine_enter(c);
}

static void
filter(struct uniq *u, const struct arguments *a, int fd, const char *name)
{
	int i;

	held_open(&u->session, ROOM);
	held_open_output(&u->out, fd, name);
	confine(u, a);
	if (a->operands == 0)
		read_file(u, "-");
	for (i = 0; i < a->operands && !failed(u); i++)
		read_file(u, a->operand[i]);
	/* What no session was lost by is told, too: a wrong count, a line that
	 * is none. */
	if (u->code == EX_DATAERR && u->left_out == 0 && !u->given_up)
		u->left_out = 1;
	u->code = code_worse(u->code, u->session.code);
	end_stream(u);
	held_flush(&u->out);
	msg_tell(1, "%llu sessions written, %llu repetitions, %llu left out",
	    (unsigned long long)u->written, (unsigned long long)u->repeated,
	    (unsigned long long)u->left_out);
	held_close(&u->session);
	held_close(&u->out);
	buf_free(&u->head);
}

/* ---- COMMAND, which reads a pipe that this program writes ---------------- */

/* posix_spawn and not fork: it reports a COMMAND that cannot be run. */
static int
spawn(char *const *argv, int input, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t signals;
	int err;

	/* Ignored here, and by praic's other programs for themselves. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE);
	sigaddset(&signals, SIGXFSZ);
	if ((err = posix_spawn_file_actions_init(&actions)) != 0)
		return err;
	if ((err = posix_spawnattr_init(&attr)) == 0) {
		err = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
		if (err == 0)
			err = posix_spawnattr_setsigdefault(&attr, &signals);
		if (err == 0)
			err = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
		if (err == 0)
			err = posix_spawnp(pid, argv[0], &actions, &attr, argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

/* Start it; *input is the end of the pipe to write to.  0, or a code. */
static int
start_command(char *const *argv, pid_t *pid, int *input)
{
	int fd[2], err;

	/* Or the kernel keeps no exit status for us. */
	signal(SIGCHLD, SIG_DFL);
	if (pipe2(fd, O_CLOEXEC) == -1) {
		msg_errno("pipe to %s", argv[0]);
		return EX_OSERR;
	}
	err = spawn(argv, fd[0], pid);
	close(fd[0]);
	*input = fd[1];
	if (err == 0)
		return 0;
	close(fd[1]);
	errno = err;
	msg_errno("%s", argv[0]);
	return err == EAGAIN || err == ENOMEM ? EX_OSERR : EX_USAGE;
}

/*
 * Close its input and wait until it ends.  0 when it ended well and had read
 * all of it; else a code after a message.
 *
 * What it did not read is seen at a read end of the pipe, which is opened when
 * all is written: as long as there is one, a write after COMMAND's end would
 * wait instead of failing.
 */
static int
wait_for_command(const char *name, pid_t pid, int input, int stopped_reading)
{
	char path[32];
	int end, status, unread = 0, waited;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", input);
	end = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	close(input);
	while ((waited = waitpid(pid, &status, 0)) == -1 && errno == EINTR)
		;
	if (end != -1) {
		(void)ioctl(end, FIONREAD, &unread);
		close(end);
	}
	if (waited == -1) {
		msg_errno("%s", name);
		return EX_OSERR;
	}
	if (WIFSIGNALED(status)) {
		msg_warn("%s: ended by signal %d (%s); nothing is noted", name, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
		return EX_UNAVAILABLE;
	}
	status = WEXITSTATUS(status);
	if (status != 0) {
		msg_warn("%s: exit status %d; nothing is noted", name, status);
		/* Codes of sysexits(3) mean the same everywhere. */
		return status >= EX_USAGE && status <= EX_CONFIG ? status : EX_UNAVAILABLE;
	}
	if (stopped_reading || unread > 0) {
		msg_warn("%s: did not read all of its input; nothing is noted", name);
		return EX_IOERR;
	}
	return 0;
}

static int
run_command(struct uniq *u, const struct arguments *a)
{
	int64_t now = (int64_t)time(NULL);
	int code = seen_open(u->seen, a->state, a->forget == -1 ? INT64_MIN : now - a->forget);
	pid_t pid;
	int input;

	if (code != 0 || (code = start_command(a->command, &pid, &input)) != 0)
		return code;
	filter(u, a, input, a->command[0]);
	code = wait_for_command(a->command[0], pid, input, u->out.reader_gone);
	if (code == 0 && !failed(u))
		code = seen_note(u->seen, now);
	if (!u->out.reader_gone)
		code = code_worse(code, u->out.code);
	return code_worse(code, u->code);
}

int
main(int argc, char **argv)
{
	struct arguments a = {0};
	struct uniq u = {0};

	command_start(argv[0]);
	u.code = parse(&a, argc, argv);
	if (u.code != 0)
		return u.code;
	u.seen = seen_new();
	if (a.state != NULL)
		u.code = run_command(&u, &a);
	else {
		filter(&u, &a, STDOUT_FILENO, "standard output");
		if (u.out.reader_gone)
			msg_warn("standard output: nobody reads it any more");
		u.code = code_worse(u.code, u.out.code);
	}
	seen_free(u.seen);
	return u.code;
}
