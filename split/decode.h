/*
 * Bytes of a document to clean UTF-8, before a strict parser sees them.
 *
 * The appliance writes window titles and shell output as they come, so a
 * report may hold bytes that are no UTF-8, control characters and references
 * to such (&#x1b;), none of which XML allows: a strict parser refuses the
 * whole report for one of them, and a lenient one passes on whatever it
 * likes.  Here each becomes U+FFFD, and is counted.
 *
 * Long CDATA sections are cut in pieces and long comments lose their rest,
 * for libxml2 would have to hold all of them.  A tag over the limits is noted.
 *
 * UTF-16 and ISO-8859-1 become UTF-8 here, too, so that libxml2 never looks
 * for a converter (it would open files for it).
 */
#ifndef PRAIC_DECODE_H
#define PRAIC_DECODE_H

#include <stddef.h>

#include "rec.h"

enum encoding { ENCODING_UTF8, ENCODING_LATIN1, ENCODING_UTF16LE, ENCODING_UTF16BE };

/* Where in the markup we are: a reference is none within these. */
enum decode_inside { DECODE_CONTENT, DECODE_CDATA, DECODE_COMMENT, DECODE_PI };

/* All that it remembers from one call to the next. */
struct decode_state {
	enum encoding encoding;
	enum decode_inside inside;
	char quote; /* of the value that is open, or 0 */
	char last;  /* the last byte */
	unsigned char in_tag, too_long, dropping, after_cr;
	unsigned char rooted; /* a tag has begun */
	unsigned char plain;  /* a declaration behind a root begins the next document */
	unsigned char next;   /* which stands here: no more is decoded */
	unsigned attributes;  /* of the tag */
	size_t length;	      /* of the tag or the section so far */
};

enum decode_note {
	DECODE_REPLACED, /* something forbidden stands as U+FFFD */
	DECODE_LONG_TAG, /* the tag that began at.length before is over the limits */
	DECODE_CHANGED	 /* it goes on in another way than it came */
};

struct decoder {
	struct decode_state at;
	/* Called for each such thing, with its place in out and how many bytes
	 * longer it makes what came. */
	void (*note)(void *, enum decode_note, size_t out_offset, ptrdiff_t grown);
	void *arg;
	struct buf utf8; /* for itself: what was UTF-16 or ISO-8859-1 */
};

/*
 * Decode n bytes to the end of out.  Returns how many of them were used:
 * all but a few that need what follows; when final, all of them.
 */
size_t decode(struct decoder *, const char *p, size_t n, int final, struct buf *out);

/* How many bytes this UTF-8 was in another encoding. */
size_t decode_length_before(enum encoding, const char *p, size_t n);

/* Is what was decoded last within a tag, a comment or the like? */
int decode_in_markup(const struct decoder *);

/*
 * The encoding of a document that begins with these bytes: UTF-16 shows in the
 * first two, others are named by the declaration.  *refused is a name of which
 * praic knows no encoding, or NULL.
 */
enum encoding decode_detect(const char *p, size_t n, struct rec_value *refused);

/* The value behind NAME= in a tag or declaration; p is NULL without one. */
struct rec_value decode_attribute(const char *p, size_t n, const char *name);

#endif
