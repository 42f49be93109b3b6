/*
 * The files of the two logs: WHICH-YYYY-MM-DD.log, a file for each day of the
 * local calendar, where WHICH is "client" or "scheduler".  praic-sched and
 * praic-conf both write them.
 */
#ifndef PRAIC_LOGFILE_H
#define PRAIC_LOGFILE_H

#include <stdint.h>

#include "buf.h"

/*
 * Add a line to the file of this time, in one write: renamed, removed,
 * shared, all is fine.  0, or EX_IOERR after a message.
 */
int logfile_add(const char *directory, const char *which, int64_t now, const struct buf *line);

/* The day (its midnight, as if in UTC) of a file that has such a name; or -1.
 * which NULL: of either log. */
int64_t logfile_day(const char *name, const char *which);

#endif
