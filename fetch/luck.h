/*
 * Files that are refused with 403, 404 or 410: one file, for it is no longer
 * there, or all of its kind, for the account may not have them?  For an
 * appliance says the same to both.
 */
#ifndef PRAIC_FETCH_LUCK_H
#define PRAIC_FETCH_LUCK_H

#include "download.h"

/* Of one kind of file.  All zero: nothing is known. */
struct luck {
	int good;      /* one of this kind came, or had come before */
	int since;     /* so many were refused since one last did */
	int forbidden; /* one of these with 403 */
	uint64_t last; /* the answer of the last of these, among all */
};

/* One came, or is there from before, or is known to have been deleted. */
void luck_good(struct luck *, const struct job *);
/* One was refused: 1 if that is so of the whole kind. */
int luck_bad(struct luck *, const struct job *);
/* No more will be asked for: the same, of those that were refused last. */
int luck_end(struct luck *, struct downloads *, const char *report);

#endif
