/*
 * praic-conf's own: one file for each thing that it edits or shows, each
 * with a table of what can be done with it.
 */
#ifndef SCHED_CONF_H
#define SCHED_CONF_H

#include <stdint.h>

#include "settings.h"

struct object_type;

struct conf {
	struct settings *s;
	const struct object_type *type; /* of the thing that is edited, or NULL */
	int json;			/* --json */
	int quiet;			/* the tests of a check say nothing when all is well */
};

/* Does something with the operands after its name.  An exit code. */
typedef int conf_do(struct conf *, int argc, char **argv);

struct conf_verb {
	const char *name;
	conf_do *run;
	int least, most; /* operands; most -1: any number */
	int changes;	 /* it is noted in the client's log */
	const char *usage;
};

/* conf_site.c, conf_destination.c, ...: each list ends with a NULL name */
extern const struct conf_verb conf_site_verbs[];
extern const struct conf_verb conf_destination_verbs[];
extern const struct conf_verb conf_schedule_verbs[];
extern const struct conf_verb conf_transfer_verbs[];
extern const struct conf_verb conf_setting_verbs[];
extern const struct conf_verb conf_notify_verbs[];

/* Of those that conf_object.h edits. */
extern const struct object_type conf_site_type, conf_destination_type, conf_schedule_type;

conf_do conf_status;
conf_do conf_log;
conf_do conf_check;
conf_do conf_metrics;

#endif
