/*
 * Times: signed 64-bit seconds since 1970-01-01 UTC.  These functions read and write
 * their text forms.
 */
#ifndef PRAIC_WHEN_H
#define PRAIC_WHEN_H

#include <stddef.h>
#include <stdint.h>

/* Years 0001 to 9999, the range of record streams and databases. */
#define WHEN_MIN (-62135596800LL)
#define WHEN_MAX 253402300799LL

#define WHEN_SIZE 21 /* 2024-12-03T15:26:05Z and its NUL */

/* The record stream's form.  t must lie between WHEN_MIN and WHEN_MAX. */
void when_format(int64_t t, char out[WHEN_SIZE]);

/*
 * The stream's own form, exactly: 0 and *t, or -1.
 */
int when_parse(const char *p, size_t n, int64_t *t);

/*
 * ISO 8601 as appliances write it: 2024-12-03T15:26:05+00:00.  The T may be a blank.
 * The offset may be Z, +hh:mm, +hhmm, +hh, or absent (UTC).  A fraction of a second is
 * cut.  0 and *t, or -1.
 */
int when_parse_iso(const char *p, size_t n, int64_t *t);

/* UNIX seconds as decimal text, within the range above.  0, or -1. */
int when_parse_unix(const char *p, size_t n, int64_t *t);

/*
 * A time as a person gives it: 2024-12-03 or 20241203; a date and time, local unless it
 * has an offset or Z; UNIX seconds, perhaps after @; "now"; or a span back from now:
 * 90s, 15m, 36h, 7d, 2w.  A local time that comes twice is the first one.  0 and *t, or
 * -1.
 */
int when_parse_user(const char *text, int64_t now, int64_t *t);
/* The same for the end of a span: a local time that comes twice is the second one. */
int when_parse_until(const char *text, int64_t now, int64_t *t);

/* The seconds that the zone ($TZ, tzset(3)) is east of UTC at a time. */
int64_t when_east(int64_t t);
/*
 * The time of a local time, which is given in seconds as if it were UTC.  If it comes
 * twice, the first one or the last one; if it does not come at all, the end of the gap.
 */
int64_t when_local(int64_t local, int last);

/* Milliseconds of a clock that never jumps. */
int64_t when_clock(void);

/* A span: 90s, 15m, 36h, 7d, 2w, or plain seconds.  0, or -1. */
int when_parse_span(const char *text, int64_t *seconds);

#endif
