/*
 * Not more calls a second than an account is allowed, over all processes of
 * a user that ask the same appliance by the same account; as far as they
 * share a cache directory.
 */
#ifndef PRAIC_FETCH_RATE_H
#define PRAIC_FETCH_RATE_H

#include <stdint.h>

#include "site.h"

struct rate;

struct rate *rate_new(void);
void rate_free(struct rate *);

/* How long, in milliseconds, until the next call may start; 0 books it. */
int64_t rate_book(struct rate *, const struct site *);
/* No call of this process for so long; others find out for themselves. */
void rate_hold(struct rate *, int64_t ms);

#endif
