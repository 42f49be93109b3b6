/*
 * One session: from the elements below <session> to rows.
 *
 * It knows what praic-records(5), "Tables", says about where each column
 * comes from, and nothing of bytes, documents and parsers.
 */
#ifndef PRAIC_SESSION_H
#define PRAIC_SESSION_H

#include <stddef.h>

#include "names.h"
#include "output.h"

struct session;

struct session_attribute {
	enum name name;
	struct rec_value value;
};

/* Called with words on what was wrong with a value; counted by the caller. */
typedef void session_warning(void *arg, const char *element, const char *text);

/* Called before rows go out: what belongs before them goes first. */
typedef void session_rows_go(void *arg);

struct session *session_new(struct output *, session_warning *, session_rows_go *, void *arg);
void session_free(struct session *);

/* Host and lsid are copied. */
void session_begin(struct session *, const char *host, struct rec_value lsid);

/* An element below <session>; its unprefixed attributes.  element is kept
 * until the element ends. */
void session_start_element(struct session *, enum name, const char *element,
    const struct session_attribute *, int attributes);
void session_text(struct session *, const char *p, size_t n);
void session_end_element(struct session *);

/*
 * The session's end: all of its rows are out.  NULL, or why it has to be
 * left out; asked at any time, the same without an end.
 */
const char *session_finish(struct session *);
const char *session_refusal(const struct session *);

#endif
