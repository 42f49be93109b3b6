/*
 * One document, from its root element's start tag to its end tag, by
 * libxml2: the only file that calls it (besides names.c).
 *
 * libxml2 is given clean UTF-8 and pulls it; nothing is loaded from
 * anywhere, a DOCTYPE is refused, and recovery from errors is not used.
 */
#ifndef PRAIC_PARSE_H
#define PRAIC_PARSE_H

#include "report.h"

enum parse_outcome {
	PARSE_WHOLE,  /* the root element ended */
	PARSE_BAD,    /* it is not well-formed, or no session report */
	PARSE_CUT,    /* the input ended within it */
	PARSE_TORN,   /* it was cut, and another put behind it */
	PARSE_STOPPED /* nothing can go on: the report's code */
};

/*
 * The root element begins at this place.  host: see report_document.  *end
 * is the place behind the document, or where to look for the next one.  What
 * was wrong was said and counted in the report.
 */
enum parse_outcome parse_document(
    struct report *, struct source *, uint64_t place, const char *host, uint64_t *end);

/* Before the first document: libxml2 is set up, so that it opens nothing
 * later. */
void parse_prepare(void);

#endif
