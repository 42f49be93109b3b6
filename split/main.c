/*
 * praic-split: session XML in, record stream out.
 *
 * For what appliances send and what old files hold; not for fetching, and
 * not for storing.  Nobody else parses session XML.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "host.h"
#include "msg.h"
#include "sandbox.h"
#include "split.h"

struct options {
	struct report_options report;
	char host_text[HOST_SIZE];
	const char *host; /* NULL for none */
	const char *list; /* of --left-out, or NULL */
	const char **lsid;
};

/* An operand: opened before the sandbox closes. */
struct operand {
	const char *name;
	int fd;
};

static void __attribute__((noreturn)) usage(int code)
{
	FILE *to = code == 0 ? stdout : stderr;

	fprintf(to,
	    "usage: praic-split [-nv] [-H HOST] [-k LSID]... [FILE...]\n"
	    "Session XML of a PRA appliance in, praic records out: see praic-split(1).\n"
	    "  -H, --host HOST        the site, where the input does not name it\n"
	    "  -k, --keep LSID        only this session (may be repeated)\n"
	    "  -n, --no-xml           leave out the sessions' XML\n"
	    "      --left-out FILE    write there what was left out\n"
	    "      --strict           leave out sessions with forbidden bytes or characters\n"
	    "  -v, --verbose          tell what is done\n"
	    "      --help, --version\n");
	exit(code == 0 && fflush(to) == EOF ? EX_IOERR : code);
}

static void
take_host(char out[HOST_SIZE], const char *text)
{
	if (host_normalise(text, strlen(text), out) == 0)
		return;
	msg_warn("%s: no name of a host", text);
	usage(EX_USAGE);
}

static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
	    {"host", required_argument, NULL, 'H'},
	    {"keep", required_argument, NULL, 'k'},
	    {"no-xml", no_argument, NULL, 'n'},
	    {"left-out", required_argument, NULL, 'l'},
	    {"strict", no_argument, NULL, 's'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	o->lsid = xcalloc((size_t)argc, sizeof(*o->lsid));
	while ((c = getopt_long(argc, argv, "H:k:nv", longs, NULL)) != -1)
		switch (c) {
		case 'H':
			take_host(o->host_text, optarg);
			o->host = o->host_text;
			break;
		case 'k':
			o->lsid[o->report.lsids++] = optarg;
			break;
		case 'n':
			o->report.no_xml = 1;
			break;
		case 'l':
			o->list = optarg;
			break;
		case 's':
			o->report.strict = 1;
			break;
		case 'v':
			msg_level++;
			break;
		case 'h':
			usage(0);
		case 'V':
			printf("praic-split " PRAIC_VERSION "\n");
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		default:
			usage(EX_USAGE);
		}
	o->report.lsid = o->lsid;
}

/* All operands, before the file system is given up. */
static int
open_operands(char **argv, int n, struct operand *operand)
{
	struct rlimit limit;
	int i, code = 0;

	/* A directory of old files is more than a shell's usual limit. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	for (i = 0; i < n; i++) {
		operand[i].name = argv[i];
		operand[i].fd = 0;
		if (strcmp(argv[i], "-") == 0) {
			operand[i].name = "standard input";
			continue;
		}
		operand[i].fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		if (operand[i].fd == -1) {
			msg_errno("%s", argv[i]);
			code = EX_NOINPUT;
		}
	}
	return code;
}

/* Every operand in turn. */
static void
split_all(const struct options *o, struct report *report, const struct operand *operand, int n)
{
	int i, go_on = 1;

	for (i = 0; i < n && go_on; i++) {
		if (operand[i].fd == -1)
			continue;
		go_on = input_read(report, o->host, operand[i].fd, operand[i].name) == 0;
		msg_tell(1, "%s: read, exit code so far %d", operand[i].name, report->code);
		if (operand[i].fd != 0)
			close(operand[i].fd);
	}
}

static int
split(struct options *o, char **argv, int n)
{
	struct operand *operand;
	struct rec_writer *out;
	struct report *report;
	const char *why;
	int code;

	if (o->list != NULL && (o->report.list = leftout_open(o->list)) == NULL)
		return EX_CANTCREAT;
	operand = xcalloc((size_t)n, sizeof(*operand));
	code = open_operands(argv, n, operand);
	parse_prepare();
	if (sandbox_enter(&why) == -1)
		msg_tell(1, "no sandbox: %s", why);
	out = rec_new(STDOUT_FILENO, "standard output");
	rec_head(out, TABLE_SET_REPORT);
	report = report_new(out, &o->report);
	split_all(o, report, operand, n);
	code = code_worse(code, report->code);
	session_drift(report->session);
	/* Before the end mark: without the list, nobody would know. */
	if (o->report.list != NULL)
		code = code_worse(code, leftout_finish(o->report.list));
	/* Whatever was cut has no end mark: readers know by that. */
	if (code == 0 || code == EX_DATAERR)
		rec_end(out, report->left_out);
	code = code_worse(code, rec_finish(out));
	report_free(report);
	rec_free(out);
	free(operand);
	return code;
}

int
main(int argc, char **argv)
{
	static char standard_input[] = "-", *only[] = {standard_input, NULL};
	struct options o = {0};
	int code;

	msg_start(argv[0]);
	file_std_fds();
	read_options(argc, argv, &o);
	if (optind < argc)
		code = split(&o, argv + optind, argc - optind);
	else
		code = split(&o, only, 1);
	free(o.lsid);
	return code;
}
