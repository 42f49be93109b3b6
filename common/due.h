/*
 * When a schedule is due: functions of the schedule, its last run, the clock and the
 * zone ($TZ, tzset(3)) alone.  praic-sched(8), "When a schedule is due", has the rules.
 */
#ifndef PRAIC_DUE_H
#define PRAIC_DUE_H

#include <stdint.h>

#define DUE_NEVER   INT64_MIN /* no last run */
#define DUE_NO_TIME INT64_MIN /* no time of day */

/* Times are UNIX seconds, spans seconds. */
struct due {
	int64_t created;
	int64_t period; /* with a time of day whole days */
	int64_t at;	/* minutes after midnight, local time; or DUE_NO_TIME */
};

/*
 * When the schedule is due next; a result up to now means that it is due.  last is
 * when it was last due, by this clock; it may be ahead of now if the clock was set
 * back.
 */
int64_t due_next(const struct due *, int64_t last, int64_t now);

/*
 * The last run, or now if last is so far ahead that the clock was wrong then.  The
 * caller must store the result, or the schedule would never become due.
 */
int64_t due_last(const struct due *, int64_t last, int64_t now);

/* How often it was due after last, up to now: 1 if no run was missed. */
int64_t due_count(const struct due *, int64_t last, int64_t now);

/* The first time after t. */
int64_t due_after(const struct due *, int64_t t);

/* Is the zone of $TZ known?  The C library would silently take UTC for another one.
 * 0, or EX_CONFIG after a message. */
int due_zone(void);

#endif
