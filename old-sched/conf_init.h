/* praic-conf init: make the settings database, print its name. */
#ifndef SCHED_CONF_INIT_H
#define SCHED_CONF_INIT_H

/* An exit code. */
int conf_init(void);

#endif
