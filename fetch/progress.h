/*
 * One line on a terminal that says how far it is: windows or files done,
 * sessions, bytes, rate, time left.  Where standard error is no terminal,
 * or with -v, which tells each step in a line of its own, it does nothing.
 */
#ifndef PRAIC_FETCH_PROGRESS_H
#define PRAIC_FETCH_PROGRESS_H

#include <stdint.h>

#include "site.h"

/*
 * unit: what is counted, in the plural ("files").  data: standard output has
 * them all the time, and if that is the terminal, too, they go first.
 */
void progress_open(const struct site *, const char *unit, int data);
/* share: how much of all is done, in thousandths of thousandths. */
void progress_at(uint64_t done, uint64_t total, uint64_t sessions, uint64_t share);
void progress_close(void);

#define PROGRESS_ALL 1000000

#endif
