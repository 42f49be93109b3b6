/*
 * One session: from the elements below <session> to rows.
 *
 * It knows what praic-records(5), "Tables", says about where each column
 * comes from, and nothing of bytes, documents and parsers.
 */
#ifndef PRAIC_SESSION_H
#define PRAIC_SESSION_H

#include "rules.h"
#include "rows.h"

struct session;

struct session_attribute {
	enum name name;
	struct rec_value value;
};

/* Called with words on what was wrong with a value; counted by the caller. */
typedef void session_warning(void *arg, const char *element, const char *text);

struct session *session_new(struct rec_writer *, session_warning *, rows_go *, void *arg);
void session_free(struct session *);

/* Host and lsid are copied. */
void session_begin(struct session *, const char *host, struct rec_value lsid);

/*
 * What is below <session>: an element with those of its attributes that have
 * a name of ours, and its end.  The element's name is kept until then.  *text is
 * where to add the text that comes now, up to REC_MAX_LINE of it; NULL when it
 * is not wanted.  NULL, or why the session has to be left out; nothing more
 * may be given after that.
 */
const char *session_start_element(struct session *, enum name, const char *element,
    const struct session_attribute *, int attributes, struct buf **text);
const char *session_end_element(struct session *, struct buf **text);

/* One warning that lists the elements below sessions that no rule knows. */
void session_drift(const struct session *);

/* The session's end: all of its rows are out, or why it is left out. */
const char *session_finish(struct session *);

#endif
