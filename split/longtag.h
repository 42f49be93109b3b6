/*
 * The attributes of a tag that the parser has not finished yet.
 *
 * libxml2 reads a start tag as a whole, and compares each attribute with all
 * before it: a tag of some megabytes keeps it busy for minutes, in which it
 * calls nobody.  But it asks for more input meanwhile.
 */
#ifndef PRAIC_LONGTAG_H
#define PRAIC_LONGTAG_H

#include <stdint.h>

#include "source.h"

/* Shorter ones are not worth the look. */
#define LONGTAG_BYTES 8192

/* All zero before the first use. */
struct longtag {
	uint64_t place; /* it was looked at up to here */
	enum { LONGTAG_BEFORE, LONGTAG_WITHIN, LONGTAG_NONE } where;
	char quote;
	int attributes;
};

/*
 * How many attributes there are so far in what stands from this place on, if
 * that is a tag, in what was read already.
 */
int longtag_attributes(struct longtag *, const struct source *, uint64_t from);

#endif
