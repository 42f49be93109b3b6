/*
 * The input of praic-fetch recordings: what of the records is needed, in a
 * temporary file, so that no connection waits for whoever writes the input,
 * and it is known how much there is to do.
 */
#ifndef PRAIC_FETCH_INTAKE_H
#define PRAIC_FETCH_INTAKE_H

#include <stdint.h>

#include "buf.h"
#include "fetch.h"
#include "rec.h"

struct intake {
	uint64_t sessions, files; /* that are to be fetched */
	uint64_t left_out;	  /* sessions and inputs, after messages */
	int code;		  /* of what was left out: EX_DATAERR, or 0 */
};

/*
 * All operands, or standard input, into scratch: a record stream of sessions
 * and the recordings that are wanted of them.  The worst exit code of an
 * input, after messages.
 */
int intake_read(struct intake *, const struct options *, int scratch);

/* The row that was just read, as a writer takes it. */
void intake_row(struct buf *, const struct rec_reader *);

#endif
