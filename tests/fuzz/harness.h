/*
 * praic-split within one process, for tests that run it very often: XML in,
 * record stream out, no program started.
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
	/* No read gives more bytes than this, 0 for as many as it likes;
	 * or, when negative, than a number that changes from read to read. */
	int piece;
};

/* Before the first run.  Words go nowhere, until harness_words. */
void harness_start(void);
/* From here on, or no more, what is said goes to standard error. */
void harness_words(int on);

/* The exit code; the output is put into a buffer of the caller's. */
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
 * Read an output by the reader of record streams: the sessions that it would
 * commit.  Returns the reader's exit code.
 */
int harness_read(const struct buf *out, struct harness_sessions *);
void harness_forget(struct harness_sessions *);

/*
 * What must hold for any input at all: the exit code is one of the table, the
 * reader agrees with it, and each session's XML gives the same lines again.
 * NULL, or what does not hold.
 */
const char *harness_check(const void *input, size_t n, const struct harness_options *);

#endif
