/*
 * praic-sched: one loop over the settings database.  It marks the jobs of
 * schedules that are due, starts praic-run for each job that can be done, reaps,
 * sends mails, notifies systemd, and sleeps until the next thing is due.  There is
 * no queue: a query over the table job finds what to do (job.c).
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "due.h"
#include "msg.h"
#include "num.h"
#include "scheduler.h"
#include "secret.h"
#include "when.h"

/* The longest sleep, in seconds: the clock or the settings may change meanwhile. */
#define LONGEST_SLEEP 20
/* Seconds for praic-run to end its filters after TERM. */
#define GRACE 25

int64_t sched_fixed_now;
int sched_once;

int64_t
sched_now(void)
{
	return sched_fixed_now != 0 ? sched_fixed_now : (int64_t)time(NULL);
}

/*
 * Signals are blocked except during the sleep.
 */

static volatile sig_atomic_t stops, got_hup;
static sigset_t sleep_mask;

static void
on_signal(int sig)
{
	if (sig == SIGTERM || sig == SIGINT)
		stops = stops + 1;
	else if (sig == SIGHUP)
		got_hup = 1;
}

static void
signals_start(void)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &sa, NULL);
		sigaddset(&block, signals[i]);
	}
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
 * systemd's protocol, sd_notify(3).
 */

static void
tell_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = path != NULL ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof(to.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = '\0'; /* an abstract address */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		msg_errno("$NOTIFY_SOCKET");
	if (fd != -1)
		close(fd);
}

/* Seconds between signs of life, half of what systemd allows; or 0. */
static int64_t
watchdog_time(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t v;

	if (usec == NULL || num_parse_count(usec, strlen(usec), INT64_MAX, &v) == -1 ||
	    (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return v > 2000000 ? (int64_t)(v / 2000000) : 1;
}

/*
 * The daemon.
 */

/* For each pass, because the file may be replaced meanwhile.  NULL after a message. */
static struct settings *
open_settings(int *code)
{
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, code);

	if (s != NULL) {
		free(report_directory);
		report_directory = settings_text(s, "log-directory");
	}
	return s;
}

static void
reload(void)
{
	int code;
	struct settings *s = open_settings(&code);

	(void)due_zone();
	tzset();
	if (s != NULL)
		job_end_waits(s);
	settings_close(s);
}

/* Tell the jobs to stop, and wait for them. */
static void
stop_jobs(void)
{
	struct settings *s;
	int code, killed = 0;
	time_t end = time(NULL) + GRACE;

	job_signal(SIGTERM);
	while (job_running() > 0) {
		struct timespec t = {.tv_sec = 1};

		if (!killed && (stops > 1 || time(NULL) >= end)) {
			job_signal(SIGKILL);
			killed = 1;
		}
		(void)pselect(0, NULL, NULL, NULL, &t, &sleep_mask);
		s = open_settings(&code);
		(void)job_reap(s, 1);
		settings_close(s);
	}
}

/* One pass.  Returns the seconds to sleep after it. */
static int64_t
pass(void)
{
	static int64_t pruned;
	int code;
	struct settings *s = open_settings(&code);
	int64_t now = sched_now(), wake, next;

	if (s == NULL)
		return LONGEST_SLEEP; /* the database may be back then */
	if (job_reap(s, 0) > 0)
		report_metrics(s);
	wake = job_mark_due(s, now);
	if (job_begin(s, 0, msg_level > 0) > 0)
		wake = now + 1;
	if ((next = job_wake(s, now)) < wake)
		wake = next;
	report_mail(s, now);
	if (pruned > now || pruned < now - 86400) {
		job_prune(s);
		pruned = now;
	}
	settings_close(s);
	return wake > now + LONGEST_SLEEP ? LONGEST_SLEEP : wake - now;
}

static int
run_daemon(void)
{
	int64_t watchdog = watchdog_time(), wait;
	int code, lock;
	struct settings *s = open_settings(&code);

	if (s == NULL)
		return code;
	lock = settings_lock(s);
	code = s->code;
	settings_close(s);
	if (code != 0)
		return code;
	report_say(1, "started, process %ld", (long)getpid());
	tell_systemd("READY=1");
	while (stops == 0) {
		wait = pass();
		if (watchdog > 0)
			tell_systemd("WATCHDOG=1");
		sleep_for(watchdog > 0 && wait > watchdog ? watchdog : wait);
		if (got_hup)
			reload();
		got_hup = 0;
	}
	tell_systemd("STOPPING=1");
	report_say(1, "told to stop, with %zu processes", job_running());
	stop_jobs();
	report_say(1, "stopped");
	close(lock);
	return 0;
}

/*
 * One pass of -1 and -r: until no job can be done.
 */

/* 0 after a message. */
static int64_t
find_schedule(struct settings *s, const char *name)
{
	int64_t id = db_number(s, "SELECT id FROM schedule WHERE name = ?1", "t", name);

	if (id == DB_NULL && s->code == 0)
		msg_warn("%s: there is no schedule \"%s\"; praic-conf schedule list shows them",
		    s->path, name);
	else if (db_number(s, "SELECT enabled FROM schedule WHERE id = ?1", "i", id) == 1)
		return id;
	else if (s->code == 0)
		msg_warn("%s: schedule \"%s\" is disabled", s->path, name);
	return 0;
}

/* Keep a failure of the settings database for the exit code, and go on with other jobs. */
static void
go_on(struct settings *s)
{
	job_code = code_worse(job_code, s->code);
	s->code = 0;
}

static int
run_once(const char *name)
{
	int64_t schedule = 0;
	size_t waiting;
	int code;
	struct settings *s = open_settings(&code);

	if (s == NULL)
		return code;
	if (name == NULL)
		job_mark_due(s, sched_now());
	else if ((schedule = find_schedule(s, name)) != 0)
		job_mark(s, schedule, sched_now());
	if (s->code != 0 || (name != NULL && schedule == 0)) {
		code = s->code != 0 ? s->code : EX_CONFIG;
		settings_close(s);
		return code;
	}
	while (stops == 0 &&
	    ((waiting = job_begin(s, schedule, msg_level > 0)) > 0 || job_running() > 0)) {
		go_on(s);
		sleep_for(waiting > 0 ? 1 : LONGEST_SLEEP);
		(void)job_reap(s, stops > 0);
	}
	code = name == NULL ? report_waiting(s, sched_now()) : 0;
	go_on(s);
	code = code_worse(code, job_code);
	report_mail(s, sched_now());
	report_metrics(s);
	while (stops == 0 && job_running() > 0) {
		sleep_for(LONGEST_SLEEP);
		(void)job_reap(s, 0);
	}
	job_prune(s);
	settings_close(s);
	if (stops == 0)
		return code;
	stop_jobs();
	return 0;
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

struct arguments {
	const char *name;
	int once, plan;
};

static int
take_now(void *arg, const char *text)
{
	(void)arg;
	if (when_parse_unix(text, strlen(text), &sched_fixed_now) == 0 && sched_fixed_now > 0)
		return 0;
	msg_warn("--now %s: UNIX seconds", text);
	return EX_USAGE;
}

static const struct command_option options[] = {
    {'1', "once", NULL, "one pass: what is due now, and what follows from it, then end",
	offsetof(struct arguments, once), NULL},
    {'n', "dry-run", NULL, "show the next runs of each schedule, and its jobs",
	offsetof(struct arguments, plan), NULL},
    {'r', "run", "SCHEDULE", "run its transfers now", offsetof(struct arguments, name), NULL},
    {0, "now", "SECONDS", "take this for the time (for tests)", 0, take_now}, {0}};

static const struct command command = {
    "praic-sched [-v]\n"
    "       praic-sched -1 | -n | -r SCHEDULE [--now SECONDS] [-v]",
    "\nRuns the schedules of the settings database ($PRAIC_SETTINGS), in the foreground.", options};

int
main(int argc, char **argv)
{
	struct arguments a = {0};
	int code, modes;

	signals_start(); /* first: a HUP may come at any moment */
	command_start(argv[0]);
	if ((code = command_options(&command, argc, argv, &a)) != 0)
		return code;
	modes = a.once + a.plan + (a.name != NULL);
	if (optind != argc)
		command_usage(&command, "%s: no operand is expected", argv[optind]);
	if (modes > 1)
		command_usage(&command, "give one of -1, -n and -r");
	if (sched_fixed_now != 0 && modes == 0)
		command_usage(&command, "--now needs -1, -n or -r");
	command_extend_path();
	if ((code = due_zone()) != 0 || (code = settings_become_owner()) != 0)
		return code;
	tzset();
	sched_once = modes != 0;
	return a.plan ? run_plan() : sched_once ? run_once(a.name) : run_daemon();
}
