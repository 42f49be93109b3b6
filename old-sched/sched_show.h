/* praic-sched -n: what would be run, and when. */
#ifndef PRAIC_SCHED_SHOW_H
#define PRAIC_SCHED_SHOW_H

#include "sched_db.h"

/* 0, or a code after a message. */
int show_plan(struct settings *, const struct plan *, int64_t now);

#endif
