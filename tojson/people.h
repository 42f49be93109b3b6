/*
 * Who takes part in a session, users and customers: events name them by
 * gs_number.  And the fields of the Elastic Common Schema, which tell of them.
 */
#ifndef TOJSON_PEOPLE_H
#define TOJSON_PEOPLE_H

#include "held.h"
#include "rec.h"

/* Of a session.  Real ones have some tens, since who comes back counts anew. */
#define PEOPLE_MAX 1024

/*
 * A longer value is cut.  Each event repeats the values of two people, so a
 * long one would make gigabytes of a small session.
 */
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
	struct buf text; /* what the fields point into: it does not move */
};

/* A row of a user or a customer.  0, or -1 when these are too many. */
int people_add(struct people *, enum table_id, const struct rec_value *value);
/* Or NULL.  Where several have the number, the first one counts. */
const struct person *people_find(const struct people *, enum table_id, int64_t gs_number);
/* The first of a table, for users the first primary one if there is any. */
const struct person *people_main(const struct people *, enum table_id);

/* ,"performed_by_user_name": and so on, null where there is nobody. */
void people_join(struct held *, const char *role, const struct person *);

/* Each of these adds members to an object, each with a comma behind it, and
 * needs a limit of memory that is not reached. */
void ecs_session(struct held *, const struct rec_value *session_row);
void ecs_event(
    struct held *, struct rec_value host, struct rec_value lsid, const struct rec_value *event_row);
/* Who did it, to whom, and the endpoint (each may be NULL).  Related are all of
 * `all', or these two if that is NULL. */
void ecs_people(struct held *, const struct person *by, const struct person *to,
    const struct person *host, const struct people *all);

#endif
