/*
 * Long lines from a descriptor, read in big pieces.  For the reader of
 * record streams, which alone uses it; what a line means is not known here.
 */
#ifndef PRAIC_LINES_H
#define PRAIC_LINES_H

#include <stddef.h>

#include "buf.h"

struct lines {
	/* the line at hand, without its LF, until the next call; at the end
	 * of the input, what stands behind the last LF */
	const char *line;
	size_t n;
	int too_long; /* it was: only its beginning is there */
	int failed;   /* a read did, after a message */

	int fd;
	const char *name;
	size_t max; /* bytes of a line, with its LF */
	int is_pipe, ended;
	struct buf in;	 /* what was read; the line at hand is in it */
	size_t at, next; /* where the line begins, where the next one does */
};

/* fd is not closed; name, for messages, is kept. */
void lines_open(struct lines *, int fd, const char *name, size_t max);
void lines_close(struct lines *);

/* 0, or -1 at the end of the input, or of what could be read of it. */
int lines_next(struct lines *);

/* Take in what a pipe holds, without waiting, up to some MiB.  The line at
 * hand stays, though it may move. */
void lines_take_in(struct lines *);

#endif
