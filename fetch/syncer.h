/*
 * fsync in threads of its own: a disk that is slow to say "done" must not
 * hold up connections.  Nothing else is done in them.
 */
#ifndef PRAIC_FETCH_SYNCER_H
#define PRAIC_FETCH_SYNCER_H

struct site;
struct syncer;

/* A result ends the call_drive of this site.  NULL after a message. */
struct syncer *syncer_new(struct site *);
/* Waits for all that is under way. */
void syncer_free(struct syncer *);

/* Sync a file; thing comes back by syncer_done.  fd stays open until then. */
void syncer_add(struct syncer *, int fd, void *thing);
/* One that is synced, and *error: 0 or an errno; NULL: none is just now. */
void *syncer_done(struct syncer *, int *error);

#endif
