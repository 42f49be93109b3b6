/*
 * Which sessions were there before: in this input, in memory, and in those of
 * earlier runs, in STATE, an SQLite database.
 */
#ifndef UNIQ_SEEN_H
#define UNIQ_SEEN_H

#include <stddef.h>
#include <stdint.h>

/*
 * The first half of a SHA-256 of the session.  Whoever fills in sessions
 * chooses content, so the hash must be cryptographic: to have somebody else's
 * session taken for a repetition takes a second preimage, 2^128 trials; to
 * write two sessions of one's own of which one is left out takes 2^64, and the
 * appliance puts an identifier and times into each that cannot be foreseen.
 * By accident, 10^9 sessions collide with a probability of 10^-21.
 */
#define DIGEST_SIZE 16

struct digest {
	unsigned char byte[DIGEST_SIZE];
};

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *);

/*
 * Use STATE: make it if there is none, keep every other process out until
 * seen_free(), and drop what was noted before `forget' (UNIX seconds).
 * 0, or a code after a message.
 */
int seen_open(struct seen *, const char *path, int64_t forget);
/* The directory that STATE is in: SQLite keeps a journal there. */
const char *seen_directory(const struct seen *);

/* Add one.  1 if it is new, 0 if it was there before; -1 after a message, and
 * *code. */
int seen_add(struct seen *, const struct digest *, int *code);
/* Note in STATE what this input had.  0, or a code after a message. */
int seen_note(struct seen *, int64_t now);

#endif
