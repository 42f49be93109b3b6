/* The Elastic Common Schema: the fields that an object has besides praic's. */
#ifndef PRAIC_ECS_H
#define PRAIC_ECS_H

#include "people.h"

/* Each adds members to an object, each member with a comma behind it. */

/* From a session row. */
void ecs_session(struct buf *, const struct rec_value *value);
/* From a session_event row. */
void ecs_event(
    struct buf *, struct rec_value host, struct rec_value lsid, const struct rec_value *value);

struct ecs_people {
	const struct person *by, *to; /* or NULL: who did it, and to whom */
	const struct person *host;    /* the endpoint, or NULL */
	/* all of these, or, if this is NULL, by and to */
	const struct people *related;
};
void ecs_people(struct buf *, const struct ecs_people *);

#endif
