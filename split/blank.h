/* XML's white space, which no locale changes. */
#ifndef PRAIC_BLANK_H
#define PRAIC_BLANK_H

static inline int
blank_is(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

#endif
