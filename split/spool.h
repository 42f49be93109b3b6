/* Bytes that have to wait: in memory while they are few, then in a
 * temporary file. */
#ifndef PRAIC_SPOOL_H
#define PRAIC_SPOOL_H

#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

struct spool {
	int fd;		 /* a temporary file */
	off_t size;	 /* of what is in it */
	struct buf tail; /* what comes behind that */
	int failed;	 /* a message was given */
};

/* Where the next bytes are to be written, and that they were. */
static inline struct buf *
spool_open(struct spool *s)
{
	return &s->tail;
}
void spool_close(struct spool *);
/* The same at once. */
void spool_add(struct spool *, const char *p, size_t n);
void spool_adds(struct spool *, const char *s);
int spool_empty(const struct spool *);
/* Hand the bytes to a function, in pieces, then forget them. */
void spool_drain(struct spool *, void (*)(void *arg, const char *p, size_t n), void *arg);
void spool_reset(struct spool *);

#endif
