/*
 * When a schedule is due: functions of the schedule, its last run, the clock
 * and the zone ($TZ, tzset(3)), and of nothing else.  The rules are those of
 * praic-sched(8), "When".
 */
#ifndef PRAIC_DUE_H
#define PRAIC_DUE_H

#include <stdint.h>

#define DUE_NEVER   INT64_MIN /* as a last run: there was none */
#define DUE_NO_TIME INT64_MIN /* as a time of day */

/* Times are UNIX seconds, spans seconds. */
struct due {
	int64_t created;
	int64_t period; /* with a time of day whole days */
	int64_t at;	/* minutes after midnight, local time; or DUE_NO_TIME */
};

/*
 * When the schedule runs next; that is now, if it is not after now.  last is
 * when it last was found due, by this clock; it may lie ahead of now, if the
 * clock was set back.
 */
int64_t due_next(const struct due *, int64_t last, int64_t now);

/*
 * The last run as far as it is believed: now, when it lies so far ahead that
 * only a clock that was wrong can have said so.  Whoever keeps last runs has
 * to keep that, too, or the schedule would be due in a while for ever.
 */
int64_t due_last(const struct due *, int64_t last, int64_t now);

/* How often it was due from after last until now: 1 when nothing was missed. */
int64_t due_count(const struct due *, int64_t last, int64_t now);

/* The first time after t. */
int64_t due_after(const struct due *, int64_t t);

/*
 * Is the zone of $TZ known here?  One that is not would count as UTC without
 * a word.  0, or EX_CONFIG after a message.
 */
int due_zone(void);

#endif
