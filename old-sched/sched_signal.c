/* The scheduler's signals: see sched_signal.h. */
#include <signal.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "sched_pipe.h"
#include "sched_signal.h"

static volatile sig_atomic_t got_hup, got_usr1;
static sigset_t waiting_mask; /* while it waits, signals come */

static volatile sig_atomic_t of_parent; /* in a child: its pid */
static volatile sig_atomic_t parent_stops;

/*
 * A terminal and systemd tell all processes at once to stop, and then the
 * scheduler tells its children: that is once, and not twice.
 */
static void
told_to_stop(pid_t by)
{
	if (of_parent == 0)
		pipe_stop = pipe_stop + 1;
	else if (by == of_parent)
		parent_stops = parent_stops + 1;
	if (of_parent != 0 && pipe_stop < parent_stops)
		pipe_stop = parent_stops;
	if (pipe_stop == 0)
		pipe_stop = 1;
}

static void
on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (sig == SIGTERM || sig == SIGINT)
		told_to_stop(info->si_code <= 0 ? info->si_pid : 0);
	else if (sig == SIGHUP)
		got_hup = 1;
	else if (sig == SIGUSR1)
		got_usr1 = 1;
}

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
static void (*pipe_before)(int);

void
signal_start(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &sa, NULL);
		sigaddset(&block, signals[i]);
	}
	pipe_before = signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &block, &waiting_mask);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigdelset(&waiting_mask, signals[i]);
}

void
signal_end(void)
{
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	if (pipe_before != SIG_ERR)
		signal(SIGPIPE, pipe_before);
	sigprocmask(SIG_SETMASK, &waiting_mask, NULL);
}

void
signal_child(pid_t parent)
{
	of_parent = parent;
	sigprocmask(SIG_SETMASK, &waiting_mask, NULL);
}

void
signal_wait(int64_t seconds)
{
	struct timespec t = {.tv_sec = seconds > 0 ? (time_t)seconds : 0};

	(void)pselect(0, NULL, NULL, NULL, &t, &waiting_mask);
}

int
signal_came(int sig)
{
	volatile sig_atomic_t *which = sig == SIGHUP ? &got_hup : &got_usr1;
	int came = *which;

	*which = 0;
	return came;
}
