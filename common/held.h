/*
 * Bytes that wait until they may be passed on: in memory, and in an unlinked
 * temporary file where they are more than a limit.  An output is the same: what
 * is over its limit goes to its descriptor and is not seen again.
 */
#ifndef PRAIC_HELD_H
#define PRAIC_HELD_H

#include <sys/types.h>

#include "buf.h"

struct held {
	/* The last bytes: add to it, then call held_check(). */
	struct buf mem;
	size_t limit;
	/* Bytes before these; they are in this file. */
	off_t in_file;
	int fd;		  /* -1: there is no temporary file yet */
	const char *name; /* of an output; NULL: a temporary file */
	struct buf piece; /* what held_at() read */
	/* 0, or an exit code after a message: all after that is lost. */
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
/* Nothing is held any more. */
void held_reset(struct held *);

/* Some of the bytes from `at' on, at least one and at most *n, valid until the
 * next call for the same struct; NULL at the end, and after a failure. */
const char *held_at(struct held *, off_t at, size_t *n);
/* So many bytes from `at' on.  0, or -1 after a failure. */
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
