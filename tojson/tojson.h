/*
 * praic-tojson: values (json.c), fields of the Elastic Common Schema (ecs.c),
 * sessions and events (main.c).
 */
#ifndef TOJSON_H
#define TOJSON_H

#include "held.h"
#include "rec.h"

/* Users and customers of a session.  Real sessions have some tens: each return counts. */
#define PEOPLE_MAX 1024
/* A longer value is cut: each event repeats the values of two people, and long ones
 * would make gigabytes of a small session. */
#define PERSON_MAX_VALUE 1024

enum person_field {
	PERSON_USER_NAME,
	PERSON_DISPLAY_NAME,
	PERSON_PUBLIC_IP,
	PERSON_PRIVATE_IP,
	PERSON_HOST_NAME,
	PERSON_JOINED, /* those before it are joined to events */
	PERSON_OPERATING_SYSTEM = PERSON_JOINED,
	PERSON_USER_ID,
	PERSON_FIELDS
};

struct person {
	enum table_id table; /* TABLE_USER, or TABLE_CUSTOMER */
	int has_gs_number;
	int64_t gs_number;
	int is_primary;
	struct rec_value field[PERSON_FIELDS];
};

struct people {
	struct person person[PEOPLE_MAX];
	size_t n;
	struct buf text; /* the fields point into it: it does not move */
};

/* A text between quotation marks. */
void json_text(struct held *, struct rec_value);
/* A value by its type: null, true, a number, or a text. */
void json_value(struct held *, enum table_type, struct rec_value);
/* The columns of a row, beginning with column `from', without braces. */
void json_columns(struct held *, enum table_id, const struct rec_value *, int from);

/* These add members with a comma behind each.  The struct held must have a limit that
 * is never reached. */
void ecs_session(struct held *, const struct rec_value *session_row);
void ecs_event(
    struct held *, struct rec_value host, struct rec_value lsid, const struct rec_value *event_row);
/* by: who did it; to: to whom; host: the endpoint; each may be NULL.  related.* is made of
 * all people in `all', or of `by' and `to' if that is NULL. */
void ecs_people(struct held *, const struct person *by, const struct person *to,
    const struct person *host, const struct people *all);

#endif
