/*
 * A report with the position of each session and of the parts of its document that
 * affect it.  A small scanner for well-formed XML in eight-bit encodings finds them.
 */
#ifndef PRAIC_TEST_SEED_H
#define PRAIC_TEST_SEED_H

#include "buf.h"
#include "harness.h"

struct seed_session {
	size_t from, to; /* its bytes */
	/* From the end of the session before its document to the end of its
	 * root tag: the end tags of the document before, marks, declaration. */
	size_t prolog_from, prolog_to;
	int marked;		 /* a declaration or a mark is in there */
	size_t out_from, out_to; /* its lines in the seed's output */
};

struct seed {
	const char *name;
	struct buf bytes, out;
	int code;
	struct seed_session *session;
	size_t n;
	int known; /* each session of the output was found in the input */
};

/* Reads the file and runs praic-split with it.  Ends the program on errors. */
void seed_read(struct seed *, const char *name, const struct harness_options *);

#endif
