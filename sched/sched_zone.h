/* $TZ: a zone that is not known would count as UTC, without a word. */
#ifndef PRAIC_SCHED_ZONE_H
#define PRAIC_SCHED_ZONE_H

/* 0, or EX_CONFIG after a message. */
int zone_check(void);

#endif
