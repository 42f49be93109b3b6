/*
 * The scheduler's signals: blocked but while it waits, so that none comes
 * between a look and the wait; and in its children, where a terminal or
 * systemd may have told all processes to stop before the scheduler does.
 */
#ifndef PRAIC_SCHED_SIGNAL_H
#define PRAIC_SCHED_SIGNAL_H

#include <stdint.h>
#include <sys/types.h>

/* TERM and INT count in pipe_stop; HUP, USR1 and CHLD end a wait. */
void signal_start(void);
/* As if it had not been started; what came meanwhile comes now. */
void signal_end(void);
/* In a child of this process: signals come as they may. */
void signal_child(pid_t parent);
/* Until a signal, or so many seconds. */
void signal_wait(int64_t seconds);
/* SIGHUP or SIGUSR1: has one come since this was asked last? */
int signal_came(int sig);

#endif
