/*
 * A set of digests: 16 bytes each, in a table that is never less than seven
 * eighths full once it has grown.
 */
#ifndef UNIQ_DIGESTS_H
#define UNIQ_DIGESTS_H

#include <stddef.h>

/*
 * The first half of a SHA-256.  Whoever fills in sessions chooses content, so
 * the hash must be cryptographic: to have somebody else's session taken for
 * a repetition takes a second preimage, 2^128 trials; to write two sessions of
 * one's own of which one is left out takes 2^64, and the appliance puts an
 * identifier and times into each that cannot be foreseen.  By accident, 10^9
 * sessions collide with a probability of 10^-21.
 */
#define DIGEST_SIZE 16

struct digest {
	unsigned char byte[DIGEST_SIZE];
};

/* All zero is an empty set. */
struct digests {
	struct digest *slot;
	size_t slots, room, used; /* room: slots, and those behind the last */
};

/* Add one.  1 if it was not there before, else 0. */
int digests_add(struct digests *, struct digest);
/* Call for each in ascending order until one returns other than 0; return that. */
int digests_each(const struct digests *, int (*)(void *arg, const struct digest *), void *arg);
void digests_free(struct digests *);

#endif
