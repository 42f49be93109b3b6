/*
 * Where documents go, with the marks that let the next program know whose
 * they are and that they are all there: praic-fetch(1), "Marks".
 */
#ifndef PRAIC_FETCH_OUTPUT_H
#define PRAIC_FETCH_OUTPUT_H

#include "document.h"

struct output {
	struct site *site;
	int fd;
	const char *name; /* for messages */
	int raw;	  /* no marks */
	uint64_t documents;
	enum answer_form form; /* of the last one */
	int open_line;	       /* it did not end in a line end */
	char *buffer;
};

void output_open(struct output *, struct site *, int fd, const char *name, int raw);
void output_close(struct output *);

/* A document as it came, with the site's mark if it is XML. */
int output_document(struct output *, const struct document *);

/* Everything that was asked for is there, up to this time (0: not known). */
int output_end(struct output *, int64_t until);

#endif
