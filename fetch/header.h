/* The header of an answer, line by line: for call.c. */
#ifndef PRAIC_FETCH_HEADER_H
#define PRAIC_FETCH_HEADER_H

#include "call.h"

/* As if none had come. */
void header_forget(struct call *);
/* One line; no blanks are around the value. */
void header_one(struct call *, const char *name, size_t name_n, const char *p, size_t n);
/* That was the last one: what depends on two is worked out. */
void header_settle(struct call *);

#endif
