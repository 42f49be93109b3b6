/*
 * Byte strings that grow side by side while a session is read, and are read
 * back when it is complete.  Together they take STRANDS_HELD bytes of memory;
 * what is beyond that waits in one unlinked temporary file.
 */
#ifndef PRAIC_STRAND_H
#define PRAIC_STRAND_H

#include <sys/types.h>

#include "buf.h"

/* Real sessions take some 100 KiB.  Growing a buffer takes up to three times
 * its size for a moment, and 16 MiB must do. */
#define STRANDS_HELD ((size_t)4 << 20)
/* What is added without strand_check() in between, and what is read at once. */
#define STRAND_PIECE ((size_t)64 << 10)

struct strand {
	struct buf tail;   /* add to this, then call strand_check() */
	size_t counted;	   /* bytes of it that strands.held counts */
	off_t first, last; /* chunks in the file; -1: none */
	int is_read;	   /* the tail must not move */
	struct strand *next;
};

struct strands {
	int fd; /* the temporary file, or -1 */
	off_t end;
	size_t held; /* bytes in all tails */
	struct strand *list;
	int code; /* 0, or an exit code after a message: then nothing is kept */
};

void strands_open(struct strands *);
void strands_close(struct strands *);
/* All strands become empty. */
void strands_reset(struct strands *);

/* Add an empty strand, which must be all zero. */
void strand_open(struct strands *, struct strand *);
/* Count what was added to the tail, and move the tails to the file if there
 * is too much of them. */
void strand_check(struct strands *, struct strand *);
void strand_add(struct strands *, struct strand *, const char *p, size_t n);
void strand_reset(struct strands *, struct strand *);
int strand_empty(const struct strand *);

/* Reads a strand from its beginning, piece by piece.  All of it must be read. */
struct strand_cursor {
	const char *p; /* the piece at hand */
	size_t n;
	struct strands *in;
	struct strand *strand;
	off_t at, left, next; /* in the chunk at hand */
	size_t tail_at;
	char piece[STRAND_PIECE];
};

void strand_read(struct strands *, struct strand *, struct strand_cursor *);
/* The next piece: 0, or -1 at the end (or after a failure, see strands.code). */
int strand_next(struct strand_cursor *);

#endif
