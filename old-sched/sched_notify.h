/* systemd's protocol for services, sd_notify(3): a datagram, if it asks. */
#ifndef PRAIC_SCHED_NOTIFY_H
#define PRAIC_SCHED_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." */
void notify_tell(const char *state);
/* Seconds within which a WATCHDOG=1 is wanted; 0: none is. */
int64_t notify_watchdog(void);

#endif
