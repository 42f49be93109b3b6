/*
 * get_api_info of the command API: what the account may do besides reports,
 * and what time it is on the appliance.
 */
#ifndef PRAIC_FETCH_APIINFO_H
#define PRAIC_FETCH_APIINFO_H

#include "buf.h"
#include "site.h"

/* The answer, at the end of a buffer; nothing where it is refused, or fails. */
void apiinfo_ask(struct site *, struct buf *);

/*
 * For an appliance whose answers bear no Date: sees to it that site_now knows
 * the time; if the account may not ask for that, site_now stays 0.
 */
void apiinfo_learn_time(struct site *);

#endif
