/*
 * praic-run: does one step of a transfer, and notes what became of it in the
 * settings database.  See run.h for where things are.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "code.h"
#include "due.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "path.h"
#include "run.h"

enum { OPT_NOW = 256, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
    {"dry-run", no_argument, NULL, 'n'},
    {"verbose", no_argument, NULL, 'v'},
    {"now", required_argument, NULL, OPT_NOW},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const struct {
	const char *step, *data;
	void (*function)(struct run *);
} steps[] = {
    {"fetch", "session", fetch_sessions},
    {"fetch", "file", fetch_files},
    {"store", "session", store_log},
    {"store", "file", store_log},
    {"backup", "backup", store_backup},
};

static _Noreturn void
usage(int code)
{
	fputs("usage: praic-run [-nv] fetch SITE session|file\n"
	      "       praic-run [-nv] store TRANSFER session|file\n"
	      "       praic-run [-nv] backup TRANSFER\n"
	      "Does one step, as praic-sched would: see praic-run(1).\n"
	      "  -n, --dry-run      print the commands that it would run\n"
	      "  -v, --verbose      tell each step\n"
	      "      --now SECONDS  the time that is noted, since 1970, for tests\n"
	      "      --help, --version\n",
	    code == 0 ? stdout : stderr);
	exit(code == 0 && fflush(stdout) == EOF ? EX_IOERR : code);
}

int64_t
run_now(const struct run *r)
{
	return r->fixed_now != 0 ? r->fixed_now : (int64_t)time(NULL);
}

int
run_fail(struct run *r, int code, const char *program, const char *fmt, ...)
{
	va_list ap;

	if (r->failed)
		return r->code;
	r->failed = 1;
	r->code = code;
	free(r->program);
	free(r->reason);
	r->program = xstrdup(program);
	va_start(ap, fmt);
	if (vasprintf(&r->reason, fmt, ap) == -1)
		xnomem();
	va_end(ap);
	return code;
}

char *
run_path(const struct run *r, const char *fmt, ...)
{
	char *name, *path;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&name, fmt, ap) == -1)
		xnomem();
	va_end(ap);
	path = xasprintf("%s/%s", r->dir, name);
	free(name);
	return path;
}

int64_t
run_setting(struct run *r, const char *name)
{
	int64_t n = 0;

	if (r->db_code == 0)
		r->db_code = settings_number(r->settings, name, &n);
	return n;
}

/* What is wrong before the step begins, and what its end says.  The exit code. */
static int
work(struct run *r, void (*step)(struct run *))
{
	int code;

	if ((code = spool_open(r)) != 0 || (!r->dry && (code = job_lock(r)) != 0))
		return code;
	r->started = run_now(r);
	step(r);
	if (r->dry)
		return r->db_code != 0 ? r->db_code : r->code;
	/* What is committed stands, and the step is no failure. */
	if (pipe_stop > 0) {
		msg_warn("%s: told to stop", r->name);
		return EX_TEMPFAIL;
	}
	if (r->db_code == 0)
		(void)job_end(r);
	if (r->db_code != 0)
		return r->db_code;
	if (r->code != 0 && r->program != NULL)
		msg_warn("%s: %s: %s", r->name, r->program, r->reason);
	else if (r->code != 0)
		msg_warn(
		    "%s: %s", r->name, r->reason != NULL ? r->reason : "something was left out");
	msg_tell(1, "%s: %lld sessions, %lld files, %lld bytes", r->name, (long long)r->sessions,
	    (long long)r->files, (long long)r->bytes);
	return r->code;
}

static int
parse(struct run *r, int argc, char **argv)
{
	size_t n;
	int c;

	while ((c = getopt_long(argc, argv, "nv", long_options, NULL)) != -1)
		switch (c) {
		case 'n':
			r->dry = 1;
			break;
		case 'v':
			msg_level++;
			break;
		case OPT_NOW:
			n = strlen(optarg);
			if (num_parse(optarg, n, &r->fixed_now) == -1 || r->fixed_now <= 0)
				usage(EX_USAGE);
			break;
		case OPT_HELP:
			usage(0);
		case OPT_VERSION:
			puts("praic-run " PRAIC_VERSION);
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		default:
			usage(EX_USAGE);
		}
	return optind;
}

int
main(int argc, char **argv)
{
	struct run r = {.transfer = NONE, .lock = -1, .command_lock = -1};
	const char *data;
	size_t i;
	int code;

	msg_start(argv[0]);
	file_std_fds();
	argv += parse(&r, argc, argv);
	data = argv[0] != NULL && argv[1] != NULL ? argv[2] : NULL;
	if (argv[0] != NULL && strcmp(argv[0], "backup") == 0 && data == NULL)
		data = "backup";
	else if (data == NULL || argv[3] != NULL)
		usage(EX_USAGE);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(argv[0], steps[i].step) == 0 && strcmp(data, steps[i].data) == 0)
			break;
	if (i == sizeof(steps) / sizeof(steps[0]))
		usage(EX_USAGE);
	path_extend();
	pipe_signals();
	if ((code = settings_become_owner()) != 0 ||
	    (r.settings = settings_open(NULL, SETTINGS_OPEN, &code)) == NULL)
		return code;
	if ((code = job_open(&r, argv[0], argv[1], data)) == 0)
		code = work(&r, steps[i].function);
	settings_close(r.settings);
	if (fflush(stdout) == EOF) {
		msg_errno("standard output");
		code = code_worse(code, EX_IOERR);
	}
	return code;
}
