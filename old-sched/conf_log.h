/* What praic-conf leaves in the client's log. */
#ifndef SCHED_CONF_LOG_H
#define SCHED_CONF_LOG_H

#include "settings.h"

/*
 * Note a change: the verb and its operands, values left out.  0, or a code
 * after a message.
 */
int conf_log_note(struct settings *, int argc, char **argv);

#endif
