/*
 * One document, from what is behind its declaration to the end tag of its
 * root, by libxml2: the only file that calls it (besides names.c).
 *
 * libxml2 is given clean UTF-8 and pulls it; nothing is loaded from
 * anywhere, a DOCTYPE is refused, and recovery from errors is not used.
 */
#ifndef PRAIC_PARSE_H
#define PRAIC_PARSE_H

#include "report.h"

enum parse_outcome {
	PARSE_WHOLE,  /* nothing was wrong with it */
	PARSE_BAD,    /* it is not well-formed, or no session report */
	PARSE_CUT,    /* the bytes ended within it */
	PARSE_STOPPED /* nothing can go on: the report's code */
};

struct parse_result {
	uint64_t end; /* all before this place was understood; UINT64_MAX: all of it */
	/* of PARSE_BAD, and of PARSE_CUT in case that the bytes are complete */
	const char *code; /* for the list of --left-out, or NULL */
	char why[600];
	struct rec_value lsid; /* of the session that is lost, or NULL */
};

/*
 * host: of its sessions, or NULL when nothing named it.  plain: an instruction
 * may name it, too.  What was wrong with sessions was said and counted in the
 * report; of the document it is told in the result.
 */
enum parse_outcome parse_document(struct report *, struct source *, uint64_t place,
    const char *host, int plain, struct parse_result *);

/* Before the first document: libxml2 is set up, so that it opens nothing
 * later. */
void parse_prepare(void);

#endif
