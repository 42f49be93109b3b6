/*
 * What the ledger says about a name, or about a content: asked whenever a
 * name is taken, so it must not take longer as the ledger grows.
 */
#ifndef TOFS_LOOKUP_H
#define TOFS_LOOKUP_H

#include "ledger.h"

struct lookup;

/*
 * Looks into this ledger, which it keeps.  scratch: with an index of its own
 * that nobody else has touched, for the lines that are there now.  NULL and
 * *code after a message.
 */
struct lookup *lookup_new(
    struct ledger *, struct tree *, const struct options *, int scratch, int *code);
void lookup_free(struct lookup *);

/* What was found; valid until the next call. */
struct found {
	const char *name;
	size_t name_n;
	int removed;
	uint64_t bytes;
	const char *sha256; /* 64 digits, no NUL */
	uint64_t offset;    /* of its line; 0 when it is not written yet */
	int64_t time;	    /* of that line; by the clock here */
};

/* The ledger's lock must be held for these.  1, 0, or -1 after a message. */

/* The last line of this name. */
int lookup_name(struct lookup *, const char *name, struct found *);

/* A file that is not removed, has this content, and is called base with a
 * number (name_number), not base itself. */
int lookup_content(struct lookup *, const char *base, const char *sha256, struct found *);

/* With an index of its own: the lines that were added since.  0 or -1. */
int lookup_update(struct lookup *);

/* For --verify: take note of the name found last; then each last line of
 * names that were not. */
int lookup_seen(struct lookup *);
int lookup_unseen(struct lookup *, int (*each)(void *, const struct found *), void *arg);

#endif
