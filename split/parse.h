/*
 * One document, from its root element's start tag to its end tag, by
 * libxml2: the only file that calls it (besides names.c).
 *
 * libxml2 is given clean UTF-8 and pulls it; nothing is loaded from
 * anywhere, a DOCTYPE is refused, and recovery from errors is not used.
 * A session's XML is not written anew from what the parser says: it is
 * copied from the input, with the namespace declarations that it inherits.
 */
#ifndef PRAIC_PARSE_H
#define PRAIC_PARSE_H

#include <stdint.h>

#include "output.h"
#include "source.h"

struct parse_options {
	const char *const *lsid;	/* only these sessions; all when lsids is 0 */
	int lsids;
	int no_xml;			/* leave out the sessions' XML */
	int strict;			/* leave out sessions with replaced bytes */
};

enum parse_outcome {
	PARSE_WHOLE,	/* the root element ended */
	PARSE_BAD,	/* it is not well-formed, or no session report */
	PARSE_CUT,	/* the input ended within it */
	PARSE_STOPPED	/* nothing can go on: p->code */
};

struct parse {
	/* of the last document */
	uint64_t end;		/* the place behind it; of a bad one, where to look on */
	/* so far */
	uint64_t left_out;	/* sessions left out, and <error> elements */
	int code;
	struct parse_state *state;
};

/* The options are kept. */
struct parse *parse_new(struct output *, const struct parse_options *);
void parse_free(struct parse *);

/*
 * The root element begins at this place.  host: of its sessions, or NULL
 * when nothing named it, which is an error as soon as there is a session.
 */
enum parse_outcome parse_document(struct parse *, struct source *, uint64_t place,
    const char *host);

/* Before the first document: libxml2 is set up, so that it opens nothing
 * later. */
void parse_prepare(void);

#endif
