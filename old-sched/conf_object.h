/*
 * Sites and destinations are the same to edit: a name, and fields of a list
 * that NAME=VALUE operands set.
 */
#ifndef SCHED_CONF_OBJECT_H
#define SCHED_CONF_OBJECT_H

#include "conf.h"

#define OBJECT_FIELDS 32

struct object {
	const struct object_type *type;
	char *name;
	int kind;		    /* of a destination, else 0 */
	char *value[OBJECT_FIELDS]; /* as stored, in the order of the fields */
};

struct object_type {
	const char *table; /* and what it is called */
	const struct settings_field *fields;
	/* Make a value right or refuse it: 0, or EX_USAGE after a message. */
	int (*tidy)(struct object *, const struct settings_field *, char **value);
	/* Could it work?  0, or a code after messages; EX_USAGE, EX_CONFIG:
	 * never. */
	int (*check)(const struct object *);
};

const char *object_value(const struct object *, const char *field);

/* Verbs, the same for every type: of the one in struct conf. */
conf_do object_set, object_show, object_remove, object_rename;
/* What follows the name differs: fields are NAME=VALUE. */
int object_add(struct conf *, const char *name, int kind, int fields, char **field);
/* Read what is stored; EX_CONFIG after a message when there is none. */
int object_load(struct conf *, const struct object_type *, const char *name, struct object *);
void object_free(struct object *);

/* A name that can be shown and typed: 0, or EX_USAGE after a message. */
int object_name(const char *what, const char *name);

/*
 * The id of what has this name; 0 after a message when there is none (*code
 * EX_CONFIG), or another code.
 */
int64_t object_id(struct conf *, const char *table, const char *name, int *code);

/*
 * The value in NAME=VALUE, and its field; NULL after a message.  "what" is
 * for that message.
 */
const struct settings_field *object_operand(const struct settings_field *, int kind,
    const char *what, const char *operand, const char **value);

#endif
