/*
 * praic-sched: sched.c the loop, job.c which jobs are due and their processes,
 * report.c what people are told.  A failure of the settings database is noted
 * in the settings (code).
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
 * job.c.  Mark the jobs of schedules that are due, and say when the next
 * schedule is; or those of one schedule, due or not (-r).
 */
int64_t job_mark_due(struct settings *, int64_t now);
void job_mark(struct settings *, int64_t schedule, int64_t now);
void job_end_waits(struct settings *);		  /* all back-offs, SIGHUP */
int64_t job_wake(struct settings *, int64_t now); /* when the next back-off ends */
void job_prune(struct settings *);		  /* history and logs that are too old */
/* Begin what can be done, of one schedule or (0) of all; how many jobs wait for
 * nothing but a moment. */
size_t job_begin(struct settings *, int64_t schedule, int verbose);
/* Begin another program: its text on standard input, then ended(code, reason). */
int job_other(const char *const *argv, const struct buf *input,
    void (*ended)(struct settings *, int code, const char *reason));
/* Look who has ended; settings NULL: nothing is noted.  How many jobs had. */
int job_reap(struct settings *, int stopping);
size_t job_running(void);
void job_signal(int signal);
extern int job_code;	  /* the worst of all that ended */
int job_ran(int64_t job); /* by this process? */

/* report.c */
extern char *report_directory; /* of the logs, or NULL */
/* To the log; to standard error, too, as a failure (level 0) or with -v (1). */
void report_say(int level, const char *, ...) __attribute__((format(printf, 2, 3)));
/* What a step did: to the log, and with -v to standard output. */
void report_step(
    struct settings *, int64_t job, const char *label, int code, int noted, const char *reason);
/* The jobs that wait for the end of a back-off.  0, or 75 when there are any. */
int report_waiting(struct settings *, int64_t now);
/* Begin a mail if there is something new to tell and nobody is at one. */
void report_mail(struct settings *, int64_t now);
void report_metrics(struct settings *);
int report_plan(struct settings *, int64_t now); /* -n */

#endif
