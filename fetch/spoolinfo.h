/*
 * .BASE.info: what is known of a file of the spool, between processes.  For
 * spool.c and part.c.
 *
 * It is written without a sync.  A note that a power failure garbled is no
 * note; a whole file can be read again to make it anew, and a part without
 * one is begun anew.
 */
#ifndef PRAIC_FETCH_SPOOLINFO_H
#define PRAIC_FETCH_SPOOLINFO_H

#include "spool.h"

/* 0, or -1 after a message. */
int info_write_file(struct spool *, const char *base, const struct spool_file *);
/* synced: bytes that a power failure would leave. */
int info_write_part(struct spool *, const char *base, const struct spool_part *, uint64_t synced);

/* 1 if there is such a note. */
int info_read_file(struct spool *, const char *base, struct spool_file *);
/* *synced is UINT64_MAX if the machine has not been started since. */
int info_read_part(struct spool *, const char *base, struct spool_part *, uint64_t *synced);

int info_remove(struct spool *, const char *base);

#endif
