/*
 * Where documents go: XML in frames, so that the next program knows which
 * site each document is of, where it ends, and that all are there;
 * praic-fetch(1), "Frames".
 */
#ifndef PRAIC_FETCH_OUTPUT_H
#define PRAIC_FETCH_OUTPUT_H

#include "document.h"

struct output {
	struct site *site;
	int fd;
	const char *name; /* for messages */
	int raw;	  /* no mark lines */
	uint64_t documents;
	char *buffer;
};

void output_open(struct output *, struct site *, int fd, const char *name, int raw);
void output_close(struct output *);

/* A document as it came; in a frame if it is XML. */
int output_document(struct output *, const struct document *);

/* Everything that was asked for is there, up to this time (0: not known). */
int output_end(struct output *, int64_t until);

#endif
