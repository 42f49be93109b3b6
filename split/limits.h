/*
 * What one session may cost: every limit of praic-split, and why it is there.
 *
 * A session that passes a limit is left out; the sessions beside it stand.
 * libxml2's own limits are not reached (XML_PARSE_HUGE: 1 GB a value; depth 2048),
 * or cost the session alone as ours do (10 MB a name): parse.c passes over the
 * session's rest itself, and a new parser goes on behind it.
 */
#ifndef PRAIC_LIMITS_H
#define PRAIC_LIMITS_H

#include "rec.h"

/* ---- of the bytes, by decode.c --------------------------------------- */

/* A start tag, of which libxml2 holds all in memory: an attribute may be as
 * long as a line of the record stream (REC_MAX_LINE, 64 MiB). */
#define LIMIT_TAG (REC_MAX_LINE + 65536)
/* Attributes and namespaces of a tag: libxml2 compares each with each. */
#define LIMIT_TAG_ATTRIBUTES 1000
/* libxml2 holds all of a CDATA section: a longer one is cut into several,
 * which say the same. */
#define LIMIT_SECTION 65536
/* Comments and instructions say nothing: the rest of a longer one is dropped. */
#define LIMIT_COMMENT 4096

/* ---- of a session, by parse.c ---------------------------------------- */

/* Real sessions nest 9 deep, with 4 attributes and names of 34 letters. */
#define LIMIT_DEPTH	 128
#define LIMIT_ATTRIBUTES 64
/* Of elements, attributes and namespaces. */
#define LIMIT_NAME 1000
/* Different names: libxml2 keeps each as long as the parser lives. */
#define LIMIT_NAMES 10000
/* Behind a session that brought more than this, a new parser goes on, so that
 * no session is left out for the names of others. */
#define LIMIT_NAMES_KEPT 1000
/* Namespaces that are declared at the same time: libxml2 looks through them
 * for each name. */
#define LIMIT_NAMESPACES 256

/* ---- of a document --------------------------------------------------- */

/* Each session carries the root's namespace declarations, of which there are
 * two or three; more of them would make much of a small input. */
#define LIMIT_INHERITED 4096

/* ---- of the rows, by rows.c and event.c ------------------------------- */

/* Columns of system information: appliances send some ten, and each cell may
 * have to be compared with each of them. */
#define LIMIT_COLUMNS 256
/* Rows that have to wait, not counting the longest: ten thousand users, the
 * data of an event that tells at its end who did it, cells before their heads. */
#define LIMIT_HELD ((size_t)8 << 20)

#endif
