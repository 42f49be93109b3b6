/*
 * The rows of a session on their way out.
 *
 * A row goes out as soon as nothing in it can change: most at once, an
 * event's data after the event's own row, users and teams at the end of the
 * session, which tells who the primary one was.  What has to wait is held in
 * memory, up to a limit.
 */
#ifndef PRAIC_ROWS_H
#define PRAIC_ROWS_H

#include "rec.h"
#include "row.h"

struct rows;

enum rows_order {
	ROWS_NOW,
	ROWS_OF_EVENT, /* not before the row of the event that is open */
	ROWS_AT_END
};

/* Called before rows are handed on: what belongs before them goes first. */
typedef void rows_go(void *arg);

/* *refusal becomes which limit was passed, when one was. */
struct rows *rows_new(struct rec_writer *, rows_go *, void *arg, const char **refusal);
void rows_free(struct rows *);

/* A session begins. */
void rows_begin(struct rows *);

/*
 * A row in two steps: where to write its line, and that it was written; or
 * in one.
 */
struct buf *rows_open(struct rows *, enum rows_order);
void rows_close(struct rows *);
void rows_add(struct rows *, enum rows_order, const struct row *);

/* An event begins; its own row, when it is complete. */
void rows_event_open(struct rows *);
void rows_event(struct rows *, const struct row *);
/* Did the row of the event go out? */
int rows_event_out(const struct rows *);

/*
 * A user or a team, at the end.  Its is_primary (this column, which is set
 * to 0) becomes 1 when the key is that of the session's primary one.
 */
void rows_hold(struct rows *, const struct row *, int column, struct rec_value key);
/* The session's end: those rows, then its own.  Either key may be empty. */
void rows_finish(struct rows *, struct rec_value primary_user, struct rec_value primary_team,
    const struct row *session);

#endif
