/*
 * The spool, as whoever changes settings has to know it: is anything there
 * that a change would strand?  What it is made of: sched_spool.h.
 */
#ifndef SCHED_CONF_SPOOL_H
#define SCHED_CONF_SPOOL_H

#include <stdint.h>

#include "settings.h"

/*
 * Files that wait for the destination of a transfer, or (0) of any one, of a
 * kind, or (SETTINGS_DATA) of all; by the files themselves, for a process
 * that was killed has told nobody.  -1 when a process is at work on it.
 */
int64_t conf_spool_waiting(const char *spool, int64_t transfer, enum settings_data);

/*
 * Is there less in the spool than the scheduler left there?  Somebody has
 * removed it, then.  0, or EX_NOINPUT after a message for each transfer.
 */
int conf_spool_lost(struct settings *, const char *spool);

/* May the spool be another than this one from now on?  0, or EX_USAGE. */
int conf_spool_leave(struct settings *, const char *spool);

#endif
