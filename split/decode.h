/*
 * Bytes of a document to clean UTF-8, before a strict parser sees them.
 *
 * The appliance writes window titles and shell output as they come, so a
 * report may hold bytes that are no UTF-8, control characters and references
 * to such (&#x1b;), none of which XML allows: a strict parser refuses the
 * whole report for one of them, and a lenient one passes on whatever it
 * likes.  Here each becomes U+FFFD, and is counted.
 *
 * A tag over the limits (limits.h) is shortened, long CDATA sections are cut
 * in pieces and long comments lose their rest: libxml2 would have to hold all
 * of them, or give the document up.
 *
 * UTF-16 and ISO-8859-1 become UTF-8 here, too, so that libxml2 never looks
 * for a converter (it would open files for it).
 */
#ifndef PRAIC_DECODE_H
#define PRAIC_DECODE_H

#include <stddef.h>

#include "buf.h"

enum encoding { ENCODING_UTF8, ENCODING_LATIN1, ENCODING_UTF16LE, ENCODING_UTF16BE };

/* Where in the markup we are: a reference is none within these. */
enum decode_inside { DECODE_CONTENT, DECODE_CDATA, DECODE_COMMENT, DECODE_PI };

/* All that it remembers from one call to the next. */
struct decode_state {
	enum encoding encoding;
	enum decode_inside inside;
	unsigned char tag; /* within a tag: where */
	char quote;	   /* of the value that is open */
	unsigned char dropping, after_cr, name_too_long;
	unsigned attributes; /* of the tag */
	size_t length;	     /* of the tag or the section so far */
	size_t name_length;
};

enum decode_note {
	DECODE_REPLACED, /* something forbidden stands as U+FFFD */
	DECODE_TAG_CUT,	 /* a tag over the limits lost its rest */
	DECODE_CHANGED	 /* it goes on in another way than it came */
};

struct decoder {
	struct decode_state at;
	/* Called for each such thing, with its place in out; or NULL. */
	void (*note)(void *, enum decode_note, size_t out_offset);
	void *arg;
	struct buf utf8; /* for itself: what was UTF-16 or ISO-8859-1 */
};

/*
 * Decode n bytes to the end of out.  Returns how many of them were used:
 * all but a few that need what follows; when final, all of them.
 */
size_t decode(struct decoder *, const char *p, size_t n, int final, struct buf *out);

/* Is what was decoded last within a tag, a comment or the like? */
int decode_in_markup(const struct decoder *);

/*
 * The encoding of this name, as an XML declaration gives it.  0, or -1 when
 * praic does not read it.
 */
int decode_by_name(const char *name, size_t n, enum encoding *);

#endif
