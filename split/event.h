/*
 * The events of a session: the event's own row, its data, its system
 * information.
 */
#ifndef PRAIC_EVENT_H
#define PRAIC_EVENT_H

#include "rows.h"

struct sysinfo;

struct event {
	struct rows *rows;
	struct row row;		 /* of the event that is open */
	int64_t seq, values;	 /* so far: of the session's events, of its data */
	struct sysinfo *sysinfo; /* the category that is open */
	struct buf category;
	int has_category; /* has it a name? */
};

void event_prepare(struct event *, struct rows *);
void event_free(struct event *);

/* A session begins; an event. */
void event_begin_session(struct event *);
void event_begin(struct event *);
/* Nothing in the event's own row can change any more; more than once, it
 * may be. */
void event_complete(struct event *);

/* A row of its data; the addresses of recordings are left out. */
void event_value(struct event *, struct rec_value name, struct rec_value value);
/* The same of an element. */
void event_leaf(struct event *, const char *name, struct rec_value value);
/* A body in base64.  NULL, or why it cannot be read. */
const char *event_encoded_body(struct event *, struct rec_value base64);

/* A category of system information; what is in it goes to e->sysinfo. */
void event_begin_category(struct event *, struct rec_value name);
void event_end_category(struct event *);

/*
 * A category of an endpoint's system information: column heads in one
 * place, rows of cells in another, joined into the text of the column
 * system_information.information.
 */
struct sysinfo_field {
	struct rec_value id, name, text;
};

void sysinfo_head(struct sysinfo *, const struct sysinfo_field *);
/* The heads are complete. */
void sysinfo_end_heads(struct sysinfo *);
void sysinfo_begin_row(struct sysinfo *);
void sysinfo_cell(struct sysinfo *, const struct sysinfo_field *);
void sysinfo_end_row(struct sysinfo *);
/* NULL, or which limit was passed. */
const char *sysinfo_refusal(const struct sysinfo *);

#endif
