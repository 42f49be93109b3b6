/*
 * Where documents go: to standard output, or with -d into a file of the
 * spool, which has its name only when all of it is there.  XML goes in frames,
 * so that the next program knows which site each document is of, where it
 * ends, and that all are there; praic-fetch(1), "Frames".
 */
#ifndef PRAIC_FETCH_OUTPUT_H
#define PRAIC_FETCH_OUTPUT_H

#include "document.h"
#include "spool.h"

struct output {
	struct site *site;
	struct spool spool;
	int spooled;
	char tmp[SPOOL_NAME];
	int fd;
	const char *name; /* for messages */
	int raw;	  /* no mark lines */
	uint64_t documents;
	char *buffer;
};

/* spool may be NULL.  0, or an exit code after a message. */
int output_open(struct output *, struct site *, const char *spool, int raw);

/*
 * The end of a run with this code: 0 gives the file of the spool its name and
 * prints it.  The code, or that of what went wrong.
 */
int output_close(struct output *, int code, const char *name);

/* A document as it came; in a frame if it is XML. */
int output_document(struct output *, const struct document *);

/* The first so many bytes of a file. */
int output_copy(struct output *, int fd, uint64_t bytes);

/* Everything that was asked for is there, up to this time (0: not known). */
int output_end(struct output *, int64_t until);

/* The name of a question's answer; "at" is when, for one that names no time. */
void output_name(char out[SPOOL_NAME], const struct site *, const struct question *,
    const struct answer *, int64_t at);

/* HOST-sessions-WHAT.xml */
void output_sessions(char out[SPOOL_NAME], const struct site *, const char *what);

/* 20241203T152605Z, at the end of a buffer */
void output_time(struct buf *, int64_t);

#endif
