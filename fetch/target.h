/*
 * Where a run's documents go in the end: standard output, or with -d a file
 * of the spool, which has its name only when all of it is there.
 */
#ifndef PRAIC_FETCH_TARGET_H
#define PRAIC_FETCH_TARGET_H

#include "document.h"
#include "spool.h"

struct target {
	struct spool spool;
	int fd;
	int spooled;
	char tmp[SPOOL_NAME];
};

/* spool may be NULL.  0, or an exit code after a message. */
int target_open(struct target *, const char *spool);

/*
 * The end of a run with this code: 0 gives the file its name and prints it.
 * The code, or that of what went wrong.
 */
int target_close(struct target *, int code, const char *name);

/* The name of a question's answer; "at" is when, for one that names no time. */
void target_name(char out[SPOOL_NAME], const struct site *, const struct question *,
    const struct answer *, int64_t at);

/* HOST-sessions-WHAT.xml */
void target_sessions(char out[SPOOL_NAME], const struct site *, const char *what);

/* 20241203T152605Z, at the end of a buffer */
void target_time(struct buf *, int64_t);

#endif
