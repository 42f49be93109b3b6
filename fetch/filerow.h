/* A row of the table file, praic-records(5), "Files". */
#ifndef PRAIC_FETCH_FILEROW_H
#define PRAIC_FETCH_FILEROW_H

#include "buf.h"
#include "spool.h"

/* instance may be NULL. */
void filerow_add(struct buf *, const char *kind, const char *instance, const struct spool_file *);

#endif
