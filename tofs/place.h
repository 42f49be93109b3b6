/*
 * Which name a content gets: the guide's "File Name Conflict Handling".
 * The ledger's lock must be held for all of this.
 */
#ifndef TOFS_PLACE_H
#define TOFS_PLACE_H

#include "index.h"
#include "tofs.h"
#include "tree.h"

struct content {
	const char *name; /* that the format gives */
	uint64_t bytes;
	const char *sha256;
	/* where it is, whole and on disk; not needed by place_has */
	int dir;
	const char *part;
};

enum placed {
	PLACED,	      /* under *final: a new file */
	PLACED_THERE, /* it was there already, and the ledger knows */
	PLACED_FOUND, /* it was there under *final, but the ledger does not know */
	PLACED_NOT    /* something is in its way, or it was not asked for */
};

struct place;

/* The things given are kept. */
struct place *place_new(struct tree *, struct index *, const struct options *);
void place_free(struct place *);

/*
 * Move it to its name.  0, EX_DATAERR (PLACED_NOT, or PLACED under a name
 * aside) or what is wrong with DIRECTORY; all but 0 after a message.
 */
int place_put(struct place *, const struct content *, enum placed *, struct buf *final);

/* Is nothing to be done for it?  1, 0, or -1 after a message.  Does not need
 * the content, and not all that place_put would find out is found out. */
int place_has(struct place *, const struct content *);

#endif
