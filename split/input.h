/*
 * One input: a framed stream of praic-fetch, or plain documents.
 */
#ifndef PRAIC_INPUT_H
#define PRAIC_INPUT_H

#include "report.h"

/*
 * All documents of one input; host is that of -H, or NULL.  What was bad is
 * counted in the report.  0, EX_DATAERR, EX_TEMPFAIL when the input is cut,
 * EX_IOERR, or what else the report's code says when nothing can go on, which
 * clears *go_on.
 */
int input_read(struct report *, const char *host, int fd, const char *name, int *go_on);

#endif
