/*
 * praic-split: session XML in, record stream out.
 *
 * It reads what appliances send and what old files hold.  No other program parses
 * session XML.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
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
};

/* An operand: opened before the sandbox closes. */
struct operand {
	const char *name;
	int fd;
};

static int
take_host(void *arg, const char *text)
{
	struct options *o = arg;

	o->host = o->host_text;
	if (host_normalise(text, strlen(text), o->host_text) == 0)
		return 0;
	msg_warn("-H %s: not the name of a host", text);
	return EX_USAGE;
}

static int
take_lsid(void *arg, const char *lsid)
{
	struct report_options *r = &((struct options *)arg)->report;

	r->lsid = xrealloc(r->lsid, (size_t)(r->lsids + 1) * sizeof(*r->lsid));
	r->lsid[r->lsids++] = lsid;
	return 0;
}

static const struct command_option option[] = {
    {'H', "host", "HOST", "the site, where the input does not name it", 0, take_host},
    {'k', "keep", "LSID", "only this session (may be repeated)", 0, take_lsid},
    {'n', "no-xml", NULL, "leave out the sessions' XML", offsetof(struct options, report.no_xml),
	NULL},
    {0, "left-out", "FILE", "list there what was left out", offsetof(struct options, list), NULL},
    {0, "strict", NULL, "leave out sessions with forbidden bytes or characters",
	offsetof(struct options, report.strict), NULL},
    {0, NULL, NULL, NULL, 0, NULL},
};

static const struct command command = {
    "praic-split [-nv] [-H HOST] [-k LSID]... [--left-out FILE] [--strict] [FILE...]",
    "Session XML of a PRA appliance in, praic records out: see praic-split(1).", option};

/* All operands, before the file system is given up. */
static int
open_operands(char **argv, int n, struct operand *operand)
{
	struct rlimit limit;
	int i, code = 0;

	/* A directory may have more files than a shell's usual limit. */
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
	/* Before the end mark, which does not count what is in the list. */
	if (o->report.list != NULL)
		code = code_worse(code, leftout_finish(o->report.list));
	/* Without an end mark readers know that the input was cut. */
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
	static char standard_input[] = "-", *only[] = {standard_input};
	struct options o = {0};
	int code;

	command_start(argv[0]);
	/* When the reader is gone, end without a message: the reader has said why. */
	signal(SIGPIPE, SIG_DFL);
	code = command_options(&command, argc, argv, &o);
	if (code == 0)
		code = optind < argc ? split(&o, argv + optind, argc - optind) : split(&o, only, 1);
	free(o.report.lsid);
	return code;
}
