/*
 * praic-uniq: records in, records out, without repetitions: praic-uniq(1).
 * This file has the options and the rules; held.c has the session being read,
 * digests.c what was written, state.c what was written by earlier runs, and
 * command.c the program that takes it.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "confine.h"
#include "file.h"
#include "held.h"
#include "msg.h"
#include "state.h"
#include "when.h"

struct arguments {
	const char *state;
	int64_t forget; /* seconds; -1: never */
	char **operand;
	int operands;
	char **command;
};

struct uniq {
	int code, stop;
	struct held *held;
	struct digests seen; /* in this input */
	struct state *state; /* before; NULL: there is none */
	int in_session;

	uint64_t written, repeated;
	uint64_t left_out; /* in the input, so far */
	int given_up;	   /* a writer gave a session up */
	uint64_t told;	   /* of these, in end marks that were written */
};

static void __attribute__((noreturn)) usage(int code)
{
	fputs("usage: praic-uniq [-v] [FILE...]\n"
	      "       praic-uniq -d STATE [-v] [--forget SPAN] [FILE...] -- COMMAND [ARGUMENT...]\n"
	      "Passes records on, without sessions that were there before: see praic-uniq(1).\n"
	      "  -d, --state STATE    COMMAND reads what STATE does not have; when it has ended\n"
	      "                       with 0, STATE has that, too\n"
	      "      --forget SPAN    drop from STATE what was noted longer ago: 90d, say\n"
	      "  -v, --verbose        tell each step\n"
	      "      --help, --version\n",
	    code == 0 ? stdout : stderr);
	exit(code == 0 && fflush(stdout) == EOF ? EX_IOERR : code);
}

static void
parse(struct arguments *a, int all, char **argv)
{
	enum { FORGET = 256 };
	static const struct option options[] = {
	    {"state", required_argument, NULL, 'd'},
	    {"forget", required_argument, NULL, FORGET},
	    {"verbose", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int c, argc;

	/* What stands behind -- is COMMAND: getopt does not say where that was. */
	for (argc = 1; argc < all && strcmp(argv[argc], "--") != 0; argc++)
		;
	a->forget = -1;
	while ((c = getopt_long(argc, argv, "d:vhV", options, NULL)) != -1)
		switch (c) {
		case 'd':
			a->state = optarg;
			break;
		case FORGET:
			if (when_parse_span(optarg, &a->forget) == -1) {
				msg_warn("--forget %s: a span such as 90d or 36h", optarg);
				exit(EX_USAGE);
			}
			break;
		case 'v':
			msg_level++;
			break;
		case 'V':
			puts("praic-uniq " PRAIC_VERSION);
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		case 'h':
			usage(0);
		default:
			usage(EX_USAGE);
		}
	a->operand = argv + optind;
	a->operands = argc - optind;
	if (a->state != NULL) {
		a->command = argv + argc + 1;
		if (argc + 1 >= all)
			usage(EX_USAGE);
	} else if (a->forget != -1)
		usage(EX_USAGE);
	else if (argc < all) {
		/* Operands on both sides of it. */
		memmove(argv + argc, argv + argc + 1, (size_t)(all - argc) * sizeof(*argv));
		a->operands = all - 1 - optind;
	}
}

/* How many were left out since the last end mark; -1: no end mark is due. */
static int64_t
untold(const struct uniq *u)
{
	return u->code == 0 || u->code == EX_DATAERR ? (int64_t)(u->left_out - u->told) : -1;
}

/* The session is complete. */
static void
take_session(struct uniq *u, struct rec_reader *r)
{
	struct digest d = held_end(u->held, r->line, r->line_n);
	int is_new = digests_add(&u->seen, d), has = 0, code = 0;

	if (is_new && u->state != NULL && (has = state_has(u->state, &d, &code)) == -1) {
		u->code = code_worse(u->code, code);
		u->stop = 1;
	}
	if (is_new && has == 0) {
		held_write(u->held);
		u->written++;
	} else {
		held_forget(u->held);
		u->repeated++;
	}
}

/* A row of a table that this version does not know. */
static void
take_unseen(void *arg, const char *line, size_t n)
{
	struct uniq *u = arg;

	if (u->in_session)
		held_row(u->held, line, n);
}

static void
take(struct uniq *u, struct rec_reader *r, enum rec_event e)
{
	switch (e) {
	case REC_TABLES:
		u->code = code_worse(u->code, rec_code(r));
		if (held_stream(u->held, r->head, untold(u)))
			u->told = u->left_out;
		break;
	case REC_BEGIN:
		u->in_session = 1;
		held_begin(u->held, r->line, r->line_n);
		break;
	case REC_ROW:
		held_row(u->held, r->line, r->line_n);
		break;
	case REC_XML:
		held_xml(u->held, r->line, r->line_n);
		break;
	case REC_COMMIT:
		u->in_session = 0;
		take_session(u, r);
		break;
	case REC_DROP:
		u->in_session = 0;
		held_forget(u->held);
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

static void
read_input(struct uniq *u, int fd, const char *name)
{
	struct rec_reader *r = rec_open(fd, name);
	uint64_t in_marks = 0;
	enum rec_event e;

	r->lines_only = 1;
	r->unseen = take_unseen;
	r->unseen_arg = u;
	while (!u->stop && (e = rec_next(r)) != REC_EOF) {
		u->left_out += r->left_out - in_marks;
		in_marks = r->left_out;
		take(u, r, e);
		u->stop |= held_code(u->held) != 0;
	}
	u->code = code_worse(u->code, rec_code(r));
	rec_close(r);
}

/* One operand.  Those that cannot be read do not stop the others. */
static void
read_file(struct uniq *u, const char *name)
{
	int fd;

	if (strcmp(name, "-") == 0) {
		read_input(u, STDIN_FILENO, "standard input");
		return;
	}
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		msg_errno("%s", name);
		u->code = code_worse(u->code, EX_NOINPUT);
		return;
	}
	read_input(u, fd, name);
	close(fd);
}

static void
read_all(struct uniq *u, const struct arguments *a)
{
	int i;

	if (a->operands == 0)
		read_file(u, "-");
	for (i = 0; i < a->operands && !u->stop; i++)
		read_file(u, a->operand[i]);
	/* What no session was lost by is told, too: a wrong count, a line that
	 * is none. */
	if (u->code == EX_DATAERR && u->left_out == 0 && !u->given_up)
		u->left_out = 1;
	held_finish(u->held, u->stop ? -1 : untold(u));
}

/* What is needed is known and open: what the input says changes nothing. */
static void
confine(const struct uniq *u, const struct arguments *a)
{
	struct confine *c = confine_new();

	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
	confine_allow(c, "/dev/urandom", CONFINE_READ);
	if (u->state != NULL)
		confine_allow(c, state_directory(u->state), CONFINE_CHANGE);
	confine_allow_operands(c, a->operand, a->operands);
	confine_enter(c);
}

static void
tell(const struct uniq *u)
{
	msg_tell(1, "%llu sessions written, %llu repetitions, %llu left out",
	    (unsigned long long)u->written, (unsigned long long)u->repeated,
	    (unsigned long long)u->left_out);
}

static int
filter(struct uniq *u, const struct arguments *a)
{
	u->held = held_new(STDOUT_FILENO, "standard output");
	confine(u, a);
	read_all(u, a);
	if (held_reader_gone(u->held))
		msg_warn("standard output: nobody reads it any more");
	return code_worse(u->code, held_code(u->held));
}

static int
run_command(struct uniq *u, const struct arguments *a)
{
	int64_t now = (int64_t)time(NULL);
	struct command c = {0};
	int code = 0;

	u->state = state_open(a->state, a->forget == -1 ? INT64_MIN : now - a->forget, &code);
	if (u->state == NULL || (code = command_start(&c, a->command)) != 0)
		return code;
	u->held = held_new(c.fd, a->command[0]);
	confine(u, a);
	read_all(u, a);
	code = command_wait(&c, held_reader_gone(u->held));
	if (code == 0 && held_code(u->held) == 0 && !u->stop)
		code = state_note(u->state, &u->seen, now);
	if (!held_reader_gone(u->held))
		code = code_worse(code, held_code(u->held));
	return code_worse(code, u->code);
}

int
main(int argc, char **argv)
{
	struct arguments a = {0};
	struct uniq u = {0};
	int code;

	file_std_fds();
	msg_start(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	parse(&a, argc, argv);
	code = a.state != NULL ? run_command(&u, &a) : filter(&u, &a);
	tell(&u);
	state_close(u.state);
	digests_free(&u.seen);
	if (u.held != NULL)
		held_free(u.held);
	return code;
}
