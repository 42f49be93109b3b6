/*
 * The appliance's clock, where its answers bear no Date: get_api_info of the
 * command API tells the time, too, if the account may ask for that.
 */
#ifndef PRAIC_FETCH_CLOCK_H
#define PRAIC_FETCH_CLOCK_H

#include "site.h"

/* Sees to it that site_now knows the time; if it cannot, site_now stays 0. */
void clock_learn(struct site *);

#endif
