/*
 * What the scheduler has begun and has still to begin: a process for each
 * transfer, as many side by side as the setting parallel says.  The others
 * queue, in the order in which they were wanted.
 *
 * What is due is noted in the settings database (transfer.due) from the claim
 * until its work has ended, or its failure is noted.  So a scheduler that is
 * stopped, or killed, or a database that cannot be written to, lose no run,
 * even if the next one would be a week later: see take_left().
 */
#ifndef PRAIC_SCHED_CHILD_H
#define PRAIC_SCHED_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "sched_db.h"
#include "sched_work.h"

/* A schedule that was due: it has run when its last transfer has. */
struct batch {
	int64_t schedule, started;
	int left, fault;
};

/* Of a process that is begun: what it is to close, or -1. */
extern int child_lock;

/* Does a process of ours run for it, or will one? */
int child_has(int64_t transfer);
/* Will one, and do no more than what failed before? */
int child_retries(int64_t transfer);
/*
 * It is to run, not before this time; in the place of one that retries, if
 * there is one.  batch may be NULL; it is freed when its last transfer has
 * ended.
 */
void child_want(int64_t transfer, enum work_how, struct batch *, int64_t after);
/*
 * Begin what may be begun.  What the plan does not have any more is dropped.
 * When the first of those that have to wait for their time may begin; or
 * INT64_MAX.
 */
int64_t child_begin(const struct plan *, int64_t now);
/* Send mail. */
void child_mail(const char *spool);
int child_mailing(void);
/* Note those that ended. */
void child_reap(void);
/* To be told to stop as often as this process was. */
void child_pass_on(void);
void child_show(void);

size_t child_running(void);
size_t child_waiting(void);

/* Transfers so far; the worst code of those that ended; and when the last
 * mail failed, or 0. */
int child_begun(void);
int child_code(void);
int64_t child_mail_failed(void);

#endif
