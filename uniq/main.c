/*
 * praic-uniq: records in, records out, without repetitions: praic-uniq(1).
 * seen.c knows what was written, now and by earlier runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* A session larger than this waits in a temporary file. */
#define ROOM ((size_t)8 << 20)

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
	uint64_t told;	   /* the part of left_out that is in end marks already */
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

	/* getopt does not tell where -- was, but it does not move what follows. */
	for (end = 1; end < argc && strcmp(argv[end], "--") != 0; end++)
		;
	a->command = end < argc ? argv + end + 1 : NULL;
	a->forget = -1;
	code = command_options(&command, argc, argv, a);
	if (code != 0)
		return code;
	a->operand = argv + optind;
	a->operands = argc - optind;
	if (a->state == NULL && a->forget != -1)
		command_usage(&command, "--forget needs -d STATE");
	if (a->state != NULL && (a->command == NULL || *a->command == NULL))
		command_usage(&command, "-d STATE needs a command: -- COMMAND [ARGUMENT...]");
	if (a->state != NULL)
		a->operands = (int)(a->command - a->operand);
	return 0;
}

/* Nothing more can be written or remembered. */
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

/* A stream begins in the input.  The output's stream goes on if the tables are the same. */
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
		seen_drop(u->seen);
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
		/* A session that its writer gave up is in the writer's own count
		 * or in its list of --left-out. */
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

/* All other files are open: nothing in the input can name another. */
static void
confine(const struct uniq *u, const struct arguments *a)
{
	struct confine *c = confine_new();

	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
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
	/* Damage that cost no session counts as well: a wrong count, a bad line. */
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

/* Start it; *input is the end of the pipe to write to.  0, or a code. */
static int
start_command(char *const *argv, pid_t *pid, int *input)
{
	int fd[2];

	/* If it is ignored, the kernel keeps no exit status. */
	signal(SIGCHLD, SIG_DFL);
	if (pipe2(fd, O_CLOEXEC) == -1 || (*pid = fork()) == -1) {
		msg_errno("%s", argv[0]);
		return EX_OSERR;
	}
	if (*pid == 0) {
		/* Both are ignored here. */
		signal(SIGPIPE, SIG_DFL);
		signal(SIGXFSZ, SIG_DFL);
		if (dup2(fd[0], STDIN_FILENO) != -1)
			execvp(argv[0], argv);
		msg_errno("%s", argv[0]);
		_exit(EX_USAGE);
	}
	close(fd[0]);
	*input = fd[1];
	return 0;
}

/*
 * Close the command's input and wait until it ends.  0 when it ended with 0 and had
 * read all of its input; else a code after a message.
 *
 * The pipe's read end tells how many bytes were not read.  It is opened only after
 * the last write: while it is open, a write after COMMAND's end would block instead
 * of failing.
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
run_command(struct uniq *u, const struct arguments *a, int64_t now)
{
	int code, input;
	pid_t pid;

	if ((code = start_command(a->command, &pid, &input)) != 0)
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
	int64_t now = (int64_t)time(NULL);
	int code;

	command_start(argv[0]);
	code = parse(&a, argc, argv);
	if (code != 0)
		return code;
	u.seen = seen_open(a.state, a.forget == -1 ? INT64_MIN : now - a.forget, &code);
	if (u.seen == NULL)
		return code;
	if (a.state != NULL)
		u.code = run_command(&u, &a, now);
	else {
		filter(&u, &a, STDOUT_FILENO, "standard output");
		if (u.out.reader_gone)
			msg_warn("standard output: its reader has ended");
		u.code = code_worse(u.code, u.out.code);
	}
	seen_free(u.seen);
	return u.code;
}
