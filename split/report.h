/*
 * What comes of a document: its sessions, one after the other, each with its
 * rows and its XML, or left out with a reason; and the words about it.
 *
 * A session's XML is not written anew from what the parser says: it is
 * copied from the input, from its start tag to its end tag, with the
 * namespace declarations that it inherits.
 */
#ifndef PRAIC_REPORT_H
#define PRAIC_REPORT_H

#include <stdint.h>

#include "leftout.h"
#include "session.h"
#include "source.h"

struct report_options {
	const char *const *lsid; /* only these sessions; all when lsids is 0 */
	int lsids;
	int no_xml;	      /* leave out the sessions' XML */
	int strict;	      /* leave out sessions with replaced bytes */
	struct leftout *list; /* of --left-out, or NULL */
};

struct report {
	/* so far */
	uint64_t left_out; /* sessions left out, errors, bad documents */
	int code;
	/* of the document: */
	enum { REPORT_BETWEEN, REPORT_SESSION, REPORT_UNWANTED } within;
	struct buf *text; /* where that of the element that is open goes, or NULL */
	uint64_t settled; /* up to here the input was dealt with */
	uint64_t place;	  /* of what is being looked at */
	struct session *session;
	struct report_state *state;
};

/* The options are kept. */
struct report *report_new(struct rec_writer *, const struct report_options *);
void report_free(struct report *);

/* Can nothing more be written?  The exit code, then. */
int report_stopped(const struct report *);

/* "FILE: byte N: ..." */
void report_warn(struct report *, uint64_t byte, const char *, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * Something was left out as bad; the message was given.  lsid.p is NULL for
 * what is no session.  code is its fixed word in the list of --left-out.
 */
void report_bad(struct report *, struct rec_value lsid, const char *code, const char *sentence);

/*
 * A document begins.  host: of its sessions, or NULL when nothing
 * named it, which is an error as soon as there is a session.  Source and host
 * are kept.
 */
void report_document(struct report *, struct source *, const char *host);
void report_host(struct report *, const char *host);
/* It ends here (UINT64_MAX: with the source's document): tell of forbidden bytes outside of its sessions. */
void report_document_end(struct report *, uint64_t place);
/* All input was read: tell of elements that no rule knows. */
void report_drift(struct report *);
/*
 * What its sessions inherit: n namespaces, of each the prefix (NULL for none)
 * and the name.  NULL, or why that is too much.
 */
const char *report_inherit(struct report *, const xmlChar **ns, int n);
/* The same as text for a start tag, at the end of a buffer. */
void report_inherited(const struct report *, struct buf *);

/*
 * A session's start tag, from here to there; its own declarations.  -1 when
 * nothing more can be done: r->code.
 */
int report_begin(
    struct report *, uint64_t from, uint64_t to, struct rec_value lsid, const xmlChar **ns, int n);
/* Below a session: see session.h.  The place is behind the tag. */
static inline void report_start_element(struct report *, uint64_t place, enum name,
    const char *element, const struct session_attribute *, int attributes);
static inline void report_end_element(struct report *, uint64_t place);
/* Its end tag ends here. */
void report_end(struct report *, uint64_t place);
/* Leave it out; the rest of the document stands. */
void report_give_up(struct report *, const char *code, const char *why);
/* The document ends within it: its lsid; p is NULL outside of any. */
struct rec_value report_break(struct report *);
/* Of an lsid in messages: real ones have 32 characters. */
#define REPORT_SHOWN 80

/* What stands before this place was dealt with, and is not needed again. */
void report_settle(struct report *, uint64_t place);

static inline void
report_start_element(struct report *r, uint64_t place, enum name name, const char *element,
    const struct session_attribute *a, int n)
{
	const char *refusal;

	r->place = place;
	refusal = session_start_element(r->session, name, element, a, n, &r->text);
	if (refusal != NULL)
		report_give_up(r, "too-long", refusal);
}

static inline void
report_end_element(struct report *r, uint64_t place)
{
	const char *refusal;

	r->place = place;
	refusal = session_end_element(r->session, &r->text);
	if (refusal != NULL)
		report_give_up(r, "too-long", refusal);
}

#endif
