/*
 * A report whose parts are known: where each session is in it, and what of
 * the rest of its document bears upon it.  Found by a small scanner of its
 * own, for well-formed XML of eight bits.
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
	int known; /* each session of the output was found in the bytes */
};

/* Reads the file, runs it.  Ends the program when that cannot be. */
void seed_read(struct seed *, const char *name, const struct harness_options *);

#endif
