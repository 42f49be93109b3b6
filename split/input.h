/*
 * One input: the documents in it, and the marks between them.
 *
 * libxml2 takes one document and wants nothing behind it; here is what
 * joins them: XML declarations, <?praic-site HOST?>, <?praic-end ...?>, and
 * where to go on when a document was bad.
 */
#ifndef PRAIC_INPUT_H
#define PRAIC_INPUT_H

#include "report.h"

struct input_options {
	const char *host;	/* where no mark names one, or NULL */
	const char *force_host; /* whatever the marks say, or NULL */
};

/*
 * All documents of one input.  What was bad is counted in the report.  0,
 * EX_DATAERR, EX_TEMPFAIL when the input is cut, EX_IOERR, or what else the
 * report's code says when nothing can go on, which clears *go_on.
 */
int input_read(struct report *, const struct input_options *, int fd, const char *name, int *go_on);

#endif
