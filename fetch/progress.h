/*
 * One line on a terminal that says how far it is: windows or files done,
 * bytes, rate, time left; and what is wrong, while it waits to try again.
 * Without a terminal the latter is a message, after some seconds.  With -v,
 * which tells each step in a line of its own, there is neither.
 */
#ifndef PRAIC_FETCH_PROGRESS_H
#define PRAIC_FETCH_PROGRESS_H

#include <stdint.h>

#include "call.h"

/*
 * unit: what is counted, in the plural ("files").  data: standard output has
 * them all the time, and if that is the terminal, too, they go first.
 */
void progress_open(const struct site *, const char *unit, int data);
/* share: how much of all is done, in thousandths of thousandths. */
void progress_at(uint64_t done, uint64_t total, uint64_t share);
void progress_close(void);

/* This call, for "what", has failed, and is tried again in so many milliseconds. */
void progress_trouble(const struct call *, const char *what, int64_t delay);

#define PROGRESS_ALL 1000000

#endif
