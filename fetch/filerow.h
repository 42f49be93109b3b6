/* Rows of the table file, praic-records(5), "Files". */
#ifndef PRAIC_FETCH_FILEROW_H
#define PRAIC_FETCH_FILEROW_H

#include "buf.h"
#include "spool.h"

/* The file came.  instance may be NULL. */
void filerow_add(struct buf *, const char *kind, const char *instance, const struct spool_file *);
/* It did not: outcome is "expired", "refused" or "later". */
void filerow_add_outcome(
    struct buf *, const char *kind, const char *instance, const char *outcome, const char *reason);

#endif
