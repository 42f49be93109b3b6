/*
 * Bytes that are held back: in memory, and beyond a limit in an unlinked temporary file.
 * Or a buffered output: beyond the limit, bytes go to its descriptor.
 */
#ifndef PRAIC_HELD_H
#define PRAIC_HELD_H

#include <sys/types.h>

#include "buf.h"

struct held {
	/* The last bytes; append to it, then call held_check(). */
	struct buf mem;
	size_t limit;
	/* The number of bytes before these, which are in the file. */
	off_t in_file;
	int fd;		  /* -1: there is no temporary file yet */
	const char *name; /* of an output; NULL: a temporary file */
	struct buf piece; /* what held_at() read */
	/* 0, or an exit code after a message; later bytes are dropped. */
	int code;
	int reader_gone; /* EPIPE: there was no message */
};

void held_open(struct held *, size_t limit);
/* fd is not closed; name, for messages, is kept. */
void held_open_output(struct held *, int fd, const char *name);
void held_close(struct held *);

/* Write what is in memory to the file. */
void held_flush(struct held *);
void held_add(struct held *, const char *p, size_t n);
/* Drop all bytes. */
void held_reset(struct held *);

/* Bytes from the offset at on: at least one and at most *n, valid until the next call
 * for the same struct.  NULL at the end and after a failure. */
const char *held_at(struct held *, off_t at, size_t *n);
/* Copy n bytes from the offset at on.  0, or -1 after a failure. */
int held_get(struct held *, off_t at, void *p, size_t n);
/* Copy all, and reset. */
void held_move(struct held *to, struct held *from);

static inline off_t
held_size(const struct held *h)
{
	return h->in_file + (off_t)h->mem.n;
}

static inline void
held_check(struct held *h)
{
	if (h->mem.n > h->limit)
		held_flush(h);
}

#endif
