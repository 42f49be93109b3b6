/*
 * The scheduler's passes: what is due is begun, what has ended is noted.
 */
#ifndef PRAIC_SCHED_RUN_H
#define PRAIC_SCHED_RUN_H

/* praic-sched: passes until it is told to stop.  An exit code. */
int run_daemon(void);
/* -1: one pass, and what it began is waited for.  The worst code of it. */
int run_once(void);
/* -r: the transfers of this schedule, now. */
int run_named(const char *schedule);
/* -n */
int run_show(void);

#endif
