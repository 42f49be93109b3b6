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
 * Add a line to the file of this day, in one write.  Other programs may write, rename or
 * remove the file.  0, or EX_IOERR after a message.
 */
int logfile_add(const char *directory, const char *which, int64_t now, const struct buf *line);

/* The day of a file by its name, as midnight in UTC; or -1 for another name.  which NULL:
 * either log. */
int64_t logfile_day(const char *name, const char *which);

#endif
