/*
 * praic-sched: sched.c has the loop, job.c the jobs that are due and their
 * processes, report.c logs, mails and other output.  A failure of the settings
 * database is in the database's code.
 */
#ifndef PRAIC_SCHEDULER_H
#define PRAIC_SCHEDULER_H

#include <stdint.h>

#include "buf.h"
#include "settings.h"

extern int64_t sched_fixed_now; /* --now, or 0 */
extern int sched_once;		/* -1, -r */
int64_t sched_now(void);

/*
 * job.c.  job_mark_due marks the jobs of schedules that are due, and returns when
 * the next schedule is due.  job_mark marks those of one schedule, due or not (-r).
 */
int64_t job_mark_due(struct settings *, int64_t now);
void job_mark(struct settings *, int64_t schedule, int64_t now);
void job_end_waits(struct settings *);		  /* end all back-offs (SIGHUP) */
int64_t job_wake(struct settings *, int64_t now); /* when the next back-off ends */
void job_prune(struct settings *);		  /* remove old history and logs */
/* Start the jobs that can be done, of one schedule or (0) of all.  Returns the number
 * of jobs that wait only for a pause between two starts. */
size_t job_begin(struct settings *, int64_t schedule, int verbose);
/* Start another program with this standard input; ended() is called with its code and
 * last message. */
int job_other(const char *const *argv, const struct buf *input,
    void (*ended)(struct settings *, int code, const char *reason));
/* Reap processes that have ended; settings NULL: note nothing.  Returns the number of
 * jobs among them. */
int job_reap(struct settings *, int stopping);
size_t job_running(void);
void job_signal(int signal);
extern int job_code;	  /* the worst of all jobs that ended */
int job_ran(int64_t job); /* was it started by this process? */

/* report.c */
extern char *report_directory; /* of the logs, or NULL */
/* Write to the log, and to standard error: always at level 0, with -v at level 1. */
void report_say(int level, const char *, ...) __attribute__((format(printf, 2, 3)));
/* Write what a step did to the log, and with -v to standard output. */
void report_step(
    struct settings *, int64_t job, const char *label, int code, int noted, const char *reason);
/* Name the jobs that wait for the end of a back-off.  0, or 75 if there are any. */
int report_waiting(struct settings *, int64_t now);
/* Start a mail if there is news and no other mail is being sent. */
void report_mail(struct settings *, int64_t now);
void report_metrics(struct settings *);
int report_plan(struct settings *, int64_t now); /* -n */

#endif
