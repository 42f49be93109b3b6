/* Who takes part in a session, users and customers: for events, which name
 * them by gs_number. */
#ifndef PRAIC_PEOPLE_H
#define PRAIC_PEOPLE_H

#include "rec.h"

/*
 * What is kept of a session's people, in bytes.  praic-split holds back as
 * much; real people take some 300 bytes.
 */
#define PEOPLE_MAX ((size_t)8 << 20)

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
/* The names of the joined ones. */
extern const char *const person_name[PERSON_JOINED];

struct person {
	enum table_id table; /* TABLE_USER, or TABLE_CUSTOMER */
	int has_gs_number;
	int64_t gs_number;
	size_t order; /* as the rows came */
	int is_primary;
	struct rec_value field[PERSON_FIELDS];
	/* Of addresses that are some: the IP address alone; p is NULL
	 * otherwise, and port -1. */
	struct rec_value public_ip, private_ip;
	int64_t port;
};

struct people {
	struct person *person;
	size_t n, cap;
	struct buf text; /* what the fields point into, once sorted */
};

void people_free(struct people *);
void people_reset(struct people *);
/* A row of a user or a customer.  0, or -1 when these are too many. */
int people_add(struct people *, enum table_id, const struct rec_value *value);
/* All are there: persons can be found. */
void people_sort(struct people *);
/* Or NULL.  Where several have the number, the first one counts. */
const struct person *people_find(const struct people *, enum table_id, int64_t gs_number);
/* The first of a table, for users the first primary one if there is any. */
const struct person *people_main(const struct people *, enum table_id);

#endif
