/*
 * Exit codes, the same in every program.  They are sysexits(3); what each
 * asks of whoever started the program is in praic(7) under EXIT STATUS.
 */
#ifndef PRAIC_CODE_H
#define PRAIC_CODE_H

#include <sysexits.h>

/*
 * The worse of two codes.  A fault that will not go away by itself (usage, a
 * full disk, a refusal) hides "try again later", which hides "some data were
 * bad", which hides success.
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
