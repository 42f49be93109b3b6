/*
 * Elements below sessions that no rule knows, counted by their path: newer
 * appliances say more than praic knows, and its user should hear of it.
 */
#ifndef PRAIC_DRIFT_H
#define PRAIC_DRIFT_H

struct drift;

struct drift *drift_new(void);
void drift_free(struct drift *);

/* A session begins. */
void drift_session(struct drift *);
/* Such an element, with the names from the session's down to its own. */
void drift_add(struct drift *, const char *const *path, int names);
/* One warning about all of them, if there were any. */
void drift_tell(const struct drift *);

#endif
