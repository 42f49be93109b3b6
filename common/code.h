/*
 * Exit codes, the same in every program: those of sysexits(3).  praic(7), EXIT STATUS,
 * says what the caller should do.
 */
#ifndef PRAIC_CODE_H
#define PRAIC_CODE_H

#include <sysexits.h>

/*
 * The worse of two codes; the first one if they are equal.  A lasting failure (usage, a
 * full disk, a refusal) is worse than "try again later", which is worse than "some data
 * were bad", which is worse than success.
 */
static inline int
code_worse(int a, int b)
{
	int ra = a == 0		? 0 :
	    a == EX_DATAERR	? 1 :
	    a == EX_TEMPFAIL	? 2 :
	    a == EX_UNAVAILABLE ? 3 :
				  4;
	int rb = b == 0		? 0 :
	    b == EX_DATAERR	? 1 :
	    b == EX_TEMPFAIL	? 2 :
	    b == EX_UNAVAILABLE ? 3 :
				  4;

	return rb > ra ? b : a;
}

#endif
