/*
 * STATE: the digests of sessions that COMMAND has taken, and when each was
 * noted last, in a SQLite database.
 */
#ifndef UNIQ_STATE_H
#define UNIQ_STATE_H

#include <stdint.h>

#include "digests.h"

struct state;

/*
 * Opens it, makes it if there is none, and keeps every other process out
 * until state_close.  Notes from before `forget' (UNIX seconds) are dropped.
 * NULL after a message, and *code.
 */
struct state *state_open(const char *path, int64_t forget, int *code);
/* The directory that it is in: SQLite keeps a journal there. */
const char *state_directory(const struct state *);
/* Is it noted?  0 or 1; -1 after a message, and *code. */
int state_has(struct state *, const struct digest *, int *code);
/* Note all of these, or none.  0, or a code after a message. */
int state_note(struct state *, const struct digests *, int64_t now);
void state_close(struct state *);

#endif
