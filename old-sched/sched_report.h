/*
 * Mails about failures: the first time, once a day while it lasts, and when
 * it is over; one mail for all that there is to say.
 */
#ifndef PRAIC_SCHED_REPORT_H
#define PRAIC_SCHED_REPORT_H

#include "settings.h"

/* Is there anything to mail?  1, 0; -1 after a message. */
int report_wanted(struct settings *, int64_t now);
/* In a process of its own: make the mail, have it sent, note that. */
int report_send(const char *spool);

#endif
