/*
 * praic-tojson: record streams in, JSON out: one object a line for each
 * session, or for each event.  Options and input; session.c does the work.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "confine.h"
#include "file.h"
#include "msg.h"
#include "session.h"

enum { HELP = 256, VERSION };

static const struct option long_option[] = {
    {"events", no_argument, NULL, 'e'},
    {"format", required_argument, NULL, 'f'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

static const char usage_text[] = "usage: praic-tojson [-ev] [-f FORMAT] [FILE...]\n";

static void __attribute__((noreturn)) usage(int code)
{
	if (code != 0) {
		(void)!file_write(2, usage_text, sizeof(usage_text) - 1);
		exit(code);
	}
	printf("%s\n"
	       "Writes the sessions of a record stream as JSON, one object a line.\n\n"
	       "  -e, --events         one object for each event instead of each session\n"
	       "  -f, --format FORMAT  plain: praic's names (unless told); ecs: the fields of\n"
	       "                       the Elastic Common Schema, too\n"
	       "  -v, --verbose        tell each step\n"
	       "      --help, --version\n",
	    usage_text);
	exit(fflush(stdout) == EOF ? EX_IOERR : 0);
}

static void
set_format(struct session_options *opt, const char *format)
{
	opt->ecs = strcmp(format, "ecs") == 0;
	if (!opt->ecs && strcmp(format, "plain") != 0) {
		msg_warn("-f %s: there is no such format; plain or ecs", format);
		exit(EX_USAGE);
	}
}

static void
set_options(struct session_options *opt, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "ef:v", long_option, NULL)) != -1)
		switch (c) {
		case 'e':
			opt->events = 1;
			break;
		case 'f':
			set_format(opt, optarg);
			break;
		case 'v':
			msg_level++;
			break;
		case HELP:
			usage(0);
		case VERSION:
			printf("praic-tojson " PRAIC_VERSION "\n");
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		default:
			usage(EX_USAGE);
		}
}

static int
one_input(struct session *s, int fd, const char *name)
{
	struct rec_reader *r = rec_open(fd, name);
	enum rec_event e = REC_TABLES;
	int code;

	while (e != REC_EOF && (e != REC_COMMIT || session_code(s) == 0)) {
		e = rec_next(r);
		if (e == REC_BEGIN)
			session_begin(s);
		else if (e == REC_ROW)
			session_row(s, r);
		else if (e == REC_COMMIT)
			session_commit(s, r);
	}
	msg_tell(1, "%s: %llu sessions written, %llu left out", name,
	    (unsigned long long)r->complete, (unsigned long long)r->dropped);
	code = rec_code(r);
	rec_close(r);
	return code;
}

static int
one_operand(struct session *s, const char *name)
{
	int fd, code;

	if (strcmp(name, "-") == 0)
		return one_input(s, STDIN_FILENO, "standard input");
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		msg_errno("%s", name);
		return EX_NOINPUT;
	}
	code = one_input(s, fd, name);
	close(fd);
	return code;
}

/* Only the operands and the temporary file are opened. */
static void
confine(char *const operand[], int operands)
{
	struct confine *c = confine_new();

	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
	confine_allow_operands(c, operand, operands);
	confine_enter(c);
}

int
main(int argc, char **argv)
{
	struct session_options opt = {0};
	struct session *s;
	int code = 0, i;

	msg_start(argv[0]);
	file_std_fds();
	/* A reader that has gone is a failed write, which has an exit code. */
	signal(SIGPIPE, SIG_IGN);
	set_options(&opt, argc, argv);
	confine(argv + optind, argc - optind);
	s = session_new(&opt);
	if (optind == argc)
		code = one_operand(s, "-");
	for (i = optind; i < argc && session_code(s) == 0; i++)
		code = code_worse(code, one_operand(s, argv[i]));
	session_flush(s);
	code = code_worse(code, session_code(s));
	session_free(s);
	return code;
}
