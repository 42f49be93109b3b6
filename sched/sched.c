/*
 * praic-sched: one loop over the settings database.  Mark the jobs of
 * schedules that are due, start praic-run for each job that can be done,
 * reap, mail, tell systemd, sleep until the next thing is due.  It keeps no
 * queue: what is to be done is a query over the table job (job.c).
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "due.h"
#include "file.h"
#include "msg.h"
#include "path.h"
#include "scheduler.h"
#include "secret.h"
#include "when.h"

/* The longest sleep: the clock may be set, settings may change. */
#define LONGEST_SLEEP 20
/* Seconds that praic-run has to end its filters when it is told to stop. */
#define GRACE 25

int64_t sched_fixed_now;
int sched_once;

int64_t
sched_now(void)
{
	return sched_fixed_now != 0 ? sched_fixed_now : (int64_t)time(NULL);
}

/*
 * Signals are blocked save while it sleeps.
 */

static volatile sig_atomic_t stops, got_hup, got_usr1;
static sigset_t sleep_mask;

static void
on_signal(int sig)
{
	if (sig == SIGTERM || sig == SIGINT)
		stops = stops + 1;
	else if (sig == SIGHUP)
		got_hup = 1;
	else if (sig == SIGUSR1)
		got_usr1 = 1;
}

static void
signals_start(void)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &sa, NULL);
		sigaddset(&block, signals[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &block, &sleep_mask);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigdelset(&sleep_mask, signals[i]);
}

static void
sleep_for(int64_t seconds)
{
	struct timespec t = {.tv_sec = seconds > 0 ? (time_t)seconds : 0};

	if (stops == 0)
		(void)pselect(0, NULL, NULL, NULL, &t, &sleep_mask);
}

/*
 * Settings.
 */

/* Opened for each pass: it may be replaced meanwhile. */
static struct settings *
open_settings(int *code)
{
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, code);
	char *directory;

	if (s == NULL)
		return NULL;
	if ((*code = settings_text(s, "log-directory", &directory)) != 0) {
		settings_close(s);
		return NULL;
	}
	free(report_directory);
	report_directory = directory;
	return s;
}

static void
reload(void)
{
	int code;
	struct settings *s = open_settings(&code);

	(void)due_zone();
	tzset();
	if (s != NULL && job_end_waits(s) == 0)
		report_say("HUP: all back-offs end");
	settings_close(s);
}

/*
 * The end: nothing more is started, and the jobs are told to stop.
 */
static void
stop_children(void)
{
	struct settings *s;
	int code, killed = 0;
	time_t end = time(NULL) + GRACE;

	child_stop(SIGTERM);
	while (child_running() > 0) {
		struct timespec t = {.tv_sec = 1};

		if (!killed && (stops > 1 || time(NULL) >= end)) {
			child_stop(SIGKILL);
			killed = 1;
		}
		(void)pselect(0, NULL, NULL, NULL, &t, &sleep_mask);
		s = open_settings(&code);
		(void)child_reap(s, 1);
		settings_close(s);
	}
}

/*
 * The daemon.
 */

/* One pass; returns how long to sleep after it. */
static int64_t
pass(void)
{
	static int64_t pruned = NEVER;
	int code;
	struct settings *s = open_settings(&code);
	int64_t now = sched_now(), wake = now + LONGEST_SLEEP, next;

	if (s == NULL)
		return LONGEST_SLEEP; /* it said why; it may be back then */
	if (child_reap(s, 0) > 0)
		report_metrics(s);
	(void)job_mark_due(s, now, &wake);
	if (child_begin(s, 0, msg_level > 0) > 0)
		wake = now + 1;
	if ((next = job_wake(s, now)) < wake)
		wake = next;
	report_mail(s, now);
	if (pruned > now || pruned < now - 86400) {
		job_prune(s, report_directory, now);
		pruned = now;
	}
	settings_close(s);
	return wake > now + LONGEST_SLEEP ? LONGEST_SLEEP : wake - now;
}

static int
run_daemon(void)
{
	int64_t watchdog = systemd_watchdog(), wait;
	int code, lock = -1;
	struct settings *s = open_settings(&code);

	if (s == NULL)
		return code;
	if ((lock = settings_lock(s, &code)) == -1 && code == 0) {
		msg_warn("%s: a scheduler is running for it already", settings_path(s));
		code = EX_TEMPFAIL;
	}
	settings_close(s);
	if (code != 0)
		return code;
	report_say("started, process %ld", (long)getpid());
	systemd_tell("READY=1");
	while (stops == 0) {
		wait = pass();
		if (watchdog > 0)
			systemd_tell("WATCHDOG=1");
		sleep_for(watchdog > 0 && wait > watchdog ? watchdog : wait);
		if (got_hup)
			reload();
		if (got_usr1) {
			msg_warn("%zu processes", child_running());
			child_show();
		}
		got_hup = got_usr1 = 0;
	}
	systemd_tell("STOPPING=1");
	report_say("told to stop, with %zu processes", child_running());
	stop_children();
	report_say("stopped");
	close(lock);
	return 0;
}

/*
 * One pass, -1 and -r: until nothing is left that can be done.
 */

static int
find_schedule(struct settings *s, const char *name, int64_t *id)
{
	sqlite3_stmt *row = settings_prepare(s, "SELECT id, enabled FROM schedule WHERE name = ?1");
	int code = EX_CONFIG, enabled = 0;

	if (row == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(row) == SQLITE_ROW) {
		*id = sqlite3_column_int64(row, 0);
		enabled = sqlite3_column_int(row, 1);
		code = enabled ? 0 : EX_CONFIG;
	}
	sqlite3_finalize(row);
	if (*id == 0)
		msg_warn("%s: there is no schedule \"%s\"; praic-conf schedule list shows them",
		    settings_path(s), name);
	else if (!enabled)
		msg_warn("%s: schedule \"%s\" is disabled", settings_path(s), name);
	return code;
}

static void
work(struct settings *s, int64_t schedule)
{
	size_t waiting;

	while (stops == 0) {
		waiting = child_begin(s, schedule, msg_level > 0);
		if (waiting == 0 && child_running() == 0)
			return;
		sleep_for(waiting > 0 ? 1 : LONGEST_SLEEP);
		(void)child_reap(s, stops > 0);
	}
}

static int
run_once(const char *name)
{
	int64_t now = sched_now(), wake = now, schedule = 0;
	int code;
	struct settings *s = open_settings(&code);

	if (s == NULL)
		return code;
	code = name == NULL ? job_mark_due(s, now, &wake) : find_schedule(s, name, &schedule);
	if (code == 0 && name != NULL)
		code = job_mark_schedule(s, schedule, now);
	if (code == 0) {
		work(s, schedule);
		code = child_code();
		if (name == NULL)
			code = code_worse(code, report_waiting(s, sched_now(), schedule));
		report_mail(s, sched_now());
		report_metrics(s);
		while (stops == 0 && child_running() > 0) {
			sleep_for(LONGEST_SLEEP);
			(void)child_reap(s, 0);
		}
		job_prune(s, report_directory, now);
	}
	settings_close(s);
	if (stops > 0) {
		stop_children();
		return 0;
	}
	return code;
}

static int
run_plan(void)
{
	int code;
	struct settings *s = open_settings(&code);

	if (s != NULL)
		code = report_plan(s, sched_now());
	settings_close(s);
	return code;
}

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
    "  -1, --once           one pass: what is due now, and what follows from it, then end\n"
    "  -n, --dry-run        show the next runs of each schedule, and its jobs\n"
    "  -r, --run SCHEDULE   run its transfers now\n"
    "      --now SECONDS    take this for the time (for tests)\n"
    "  -v, --verbose        tell what each job did\n"
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
	int c, mode = 0, modes = 0;

	signals_start(); /* first: a HUP may come at any moment */
	file_std_fds();
	msg_start(argv[0]);
	while ((c = getopt_long(argc, argv, "1nr:v", longs, NULL)) != -1)
		switch (c) {
		case 'r':
			name = optarg;
			/* fallthrough */
		case '1':
		case 'n':
			mode = c;
			modes++;
			break;
		case OPT_NOW:
			if (when_parse_unix(optarg, strlen(optarg), &sched_fixed_now) == -1 ||
			    sched_fixed_now <= 0) {
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
	if (optind != argc || modes > 1 || (sched_fixed_now != 0 && mode == 0))
		usage(EX_USAGE);
	path_extend();
	if ((c = due_zone()) != 0 || (c = settings_become_owner()) != 0)
		return c;
	tzset();
	sched_once = mode != 0;
	return mode == 'n' ? run_plan() : mode == 0 ? run_daemon() : run_once(name);
}
