/*
 * praic-sched: runs what the schedules say, unattended, for years.  It is a
 * loop over what is due, locks, children and marks; what edits and shows the
 * settings is praic-conf, what moves data are the filters.
 *
 *	sched.c		options
 *	sched_run.c	passes: what is due
 *	sched_child.c	processes, and what waits for one
 *	sched_signal.c	signals
 *	sched_due.c	when
 *	sched_work.c	one transfer, in a process of its own: sched_step.c,
 *			sched_fetch.c, sched_files.c, sched_store.c
 *	sched_argv.c	which filters, with which options
 *	sched_pipe.c	a pipe of them
 *	sched_spool.c	the files of a transfer
 *	sched_db.c, sched_db_run.c	the settings database
 *	sched_report.c	mails
 *	sched_log.c, sched_logfile.c, sched_path.c, sched_show.c,
 *	sched_notify.c, sched_zone.c
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "sched_log.h"
#include "sched_path.h"
#include "sched_run.h"
#include "sched_signal.h"
#include "sched_zone.h"
#include "secret.h"
#include "when.h"

enum { OPT_NOW = 256, OPT_HELP, OPT_VERSION };

static const struct option longs[] = {
    {"once", no_argument, NULL, '1'},
    {"dry-run", no_argument, NULL, 'n'},
    {"run", required_argument, NULL, 'r'},
    {"now", required_argument, NULL, OPT_NOW},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: praic-sched [-v]\n"
    "       praic-sched -1 | -n | -r SCHEDULE [--now SECONDS] [-v]\n"
    "\n"
    "Runs the schedules of the settings database ($PRAIC_SETTINGS), in the foreground.\n"
    "\n"
    "  -1, --once           one pass: what is due now, then end (cron, systemd timer)\n"
    "  -n, --dry-run        show the next runs, and each transfer as a shell would run it\n"
    "  -r, --run SCHEDULE   run its transfers now\n"
    "      --now SECONDS    take this for the time (for tests)\n"
    "  -v, --verbose        tell each step\n"
    "      --help, --version\n";

static _Noreturn void
usage(int code)
{
	fputs(help, code == 0 ? stdout : stderr);
	exit(code == 0 && fflush(stdout) == EOF ? EX_IOERR : code);
}

int
main(int argc, char **argv)
{
	const char *name = NULL;
	int64_t now = 0;
	int c, mode = 0, modes = 0;

	signal_start(); /* first: a HUP may come at any moment */
	file_std_fds();
	msg_start(argv[0]);
	secret_guard();
	while ((c = getopt_long(argc, argv, "1nr:v", longs, NULL)) != -1)
		switch (c) {
		case 'r':
			name = optarg;
			mode = c;
			modes++;
			break;
		case '1':
		case 'n':
			mode = c;
			modes++;
			break;
		case OPT_NOW:
			if (when_parse_unix(optarg, strlen(optarg), &now) == -1 || now <= 0) {
				msg_warn("--now %s: UNIX seconds", optarg);
				return EX_USAGE;
			}
			break;
		case 'v':
			msg_level++;
			break;
		case OPT_HELP:
			usage(0);
		case OPT_VERSION:
			printf("praic-sched " PRAIC_VERSION "\n");
			return fflush(stdout) == EOF ? EX_IOERR : 0;
		default:
			usage(EX_USAGE);
		}
	if (optind != argc || modes > 1 || (now != 0 && mode == 0))
		usage(EX_USAGE);
	path_extend();
	if ((c = zone_check()) != 0)
		return c;
	tzset();
	log_open(now);
	if (mode == 'n') {
		signal_end();
		return run_show();
	}
	return mode == '1' ? run_once() : mode == 'r' ? run_named(name) : run_daemon();
}
