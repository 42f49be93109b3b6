/*
 * One transfer, from its marks to its destination: in a process of its own,
 * which holds the transfer's lock.
 */
#ifndef PRAIC_SCHED_WORK_H
#define PRAIC_SCHED_WORK_H

#include "sched_db.h"

enum work_how {
	WORK_DUE,   /* its schedule is due: back-offs are kept */
	WORK_RETRY, /* a back-off has ended: what failed, again */
	WORK_NOW    /* somebody asks for it: whatever the back-offs say */
};

/* Exit codes beyond sysexits: another process has the lock; told to stop. */
#define WORK_BUSY    100
#define WORK_STOPPED 101
/* Added to one: it failed, and not even that could be noted. */
#define WORK_UNNOTED 128

int work_transfer(const struct transfer *, const char *spool, enum work_how);

/* What one transfer has to know of the settings. */
struct work_limits {
	int64_t overlap, sweep, retention, stage, jobs, floor, cap;
};
int work_limits(struct settings *, struct work_limits *);

/*
 * From where to ask: *sweep says whether that is the daily look-back.  Where
 * mark is DB_NEVER nothing was fetched yet, and so is the answer: as far back
 * as the appliance keeps it, by its own clock.
 */
int64_t work_since(const struct work_limits *, int64_t mark, int64_t swept, int64_t oldest_open,
    int64_t now, int *sweep);

#endif
