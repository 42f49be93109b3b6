/*
 * praic-sched, in four files: sched.c the loop, job.c which jobs are due,
 * child.c their processes, report.c what people are told.
 */
#ifndef PRAIC_SCHEDULER_H
#define PRAIC_SCHEDULER_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "buf.h"
#include "settings.h"

#define NEVER INT64_MIN /* a time that is NULL */

extern int64_t sched_fixed_now; /* --now, or 0 */
extern int sched_once;		/* -1, -r */
int64_t sched_now(void);

/*
 * job.c.  A statement with its parameters ?1, ?2 bound; NULL after a message.
 */
sqlite3_stmt *job_query(struct settings *, const char *sql, int64_t a, int64_t b);

/*
 * Mark the jobs of schedules that are due; *wake is when the next schedule is
 * due.  Or those of one schedule, due or not (-r).  0, or a code after a
 * message.
 */
int job_mark_due(struct settings *, int64_t now, int64_t *wake);
int job_mark_schedule(struct settings *, int64_t schedule, int64_t now);
/* Ends all back-offs (SIGHUP). */
int job_end_waits(struct settings *);

struct job {
	int64_t id, site;
	int64_t exec; /* the exec destination that it stores into, or 0 */
	int64_t next; /* NEVER: only its look-back is due */
	int64_t runs;
	char *step, *object, *data; /* arguments of praic-run; data may be NULL */
	char *label;		    /* "store 3 session (vendor to archive)" */
};

/*
 * The jobs that can be done now, longest due first, one at a time: 1 and a
 * job, whose texts stay valid until the next call; 0 when there are no more;
 * -1 after a message.  schedule: of this one only, or 0.
 */
sqlite3_stmt *job_ready(struct settings *, int64_t now, int64_t schedule);
int job_step(struct settings *, sqlite3_stmt *, struct job *);
/* When the next back-off ends. */
int64_t job_wake(struct settings *, int64_t now);
/* Has praic-run noted that the step ended?  1, 0, or -1 after a message. */
int job_noted(struct settings *, const struct job *);
/* Note the failure of a praic-run that could not.  0, or -1 after a message. */
int job_note(struct settings *, const struct job *, int code, const char *reason, int64_t started);
/* Remove history and logs that are too old. */
void job_prune(struct settings *, const char *log_directory, int64_t now);

/*
 * child.c.  Begins what can be done; returns how many jobs wait for nothing
 * but a moment or a free place.
 */
size_t child_begin(struct settings *, int64_t schedule, int verbose);
/* Begins another program: its text on standard input, then ended(code, reason). */
int child_other(const char *const *argv, const struct buf *input,
    void (*ended)(struct settings *, int code, const char *reason));
/* Looks who has ended; s may be NULL, then nothing is noted.  How many jobs had. */
int child_reap(struct settings *, int stopping);
size_t child_running(void);
void child_stop(int signal);
void child_show(void);
int child_code(void); /* the worst of all that ended */
/* Did it run in this process? */
int child_ran(int64_t job);

/* report.c */
extern char *report_directory; /* of the logs, or NULL */
/* To the log; to standard error, too, as a failure or with -v. */
void report_failure(const char *, ...) __attribute__((format(printf, 1, 2)));
void report_say(const char *, ...) __attribute__((format(printf, 1, 2)));
/* What a step did: to the log, and with -v to standard output. */
void report_step(struct settings *, const struct job *, int code, int noted, const char *reason);
/* The jobs that wait for the end of a back-off.  0, or 75 when there are any. */
int report_waiting(struct settings *, int64_t now, int64_t schedule);
/* Begins a mail if there is something new to tell and nobody is at one. */
void report_mail(struct settings *, int64_t now);
void report_metrics(struct settings *);
/* -n */
int report_plan(struct settings *, int64_t now);
/* Local time with its zone; one at a time. */
const char *report_time(int64_t);

/* systemd.c: sd_notify(3), and seconds between signs of life, or 0. */
void systemd_tell(const char *state);
int64_t systemd_watchdog(void);

#endif
