/*
 * praic-split within one process, for tests that run it many times: XML in, record
 * stream out, without starting a program.
 *
 * The code under test is that of split/, unchanged; only read(2) is wrapped
 * by the linker (-Wl,--wrap=read), so that input comes in pieces of any size.
 */
#ifndef PRAIC_TEST_HARNESS_H
#define PRAIC_TEST_HARNESS_H

#include "buf.h"

struct harness_options {
	const char *host; /* -H; NULL for none */
	int strict;
	int no_xml; /* -n */
	/* The maximum size of a read; 0 for no limit; negative for a number
	 * that changes from read to read. */
	int piece;
};

/* Call before the first run.  Messages are dropped until harness_words is called. */
void harness_start(void);
/* Switches messages on standard error on or off. */
void harness_words(int on);

/* Returns the exit code; appends the output to the caller's buffer. */
int harness_run(const void *input, size_t n, const struct harness_options *, struct buf *out);

/* A session of an output: from S to behind E. */
struct harness_session {
	size_t from, to;
	struct buf xml; /* its X lines, unescaped and joined */
};
struct harness_sessions {
	struct harness_session *session;
	size_t n, cap;
};

/*
 * Read an output with the reader of record streams and collect the sessions that it
 * commits.  Returns the reader's exit code.
 */
int harness_read(const struct buf *out, struct harness_sessions *);
void harness_forget(struct harness_sessions *);

/*
 * The properties for any input: the exit code is documented, the reader's code agrees
 * with it, and the XML of each session gives the same records again.  Returns NULL, or
 * the property that does not hold.
 */
const char *harness_check(const void *input, size_t n, const struct harness_options *);

#endif
