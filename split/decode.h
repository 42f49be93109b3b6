/*
 * Bytes of a document to clean UTF-8, before a strict parser sees them.
 *
 * The appliance writes window titles and shell output as they come, so a
 * report may hold bytes that are no UTF-8, control characters and references
 * to such (&#x1b;), none of which XML allows: a strict parser refuses the
 * whole report for one of them, and a lenient one passes on whatever it
 * likes.  Here each becomes U+FFFD, and is counted.
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

struct decoder {
	enum encoding encoding;
	enum decode_inside inside;
	/* Called for each thing replaced, with its place in out. */
	void (*replaced)(void *, size_t out_offset);
	void *arg;
	struct buf utf8; /* for itself: what was UTF-16 or ISO-8859-1 */
};

/*
 * Decode n bytes to the end of out.  Returns how many of them were used:
 * all but a few that need what follows; when final, all but those of a
 * character that is cut.
 */
size_t decode(struct decoder *, const char *p, size_t n, int final, struct buf *out);

/*
 * The encoding of this name, as an XML declaration gives it.  0, or -1 when
 * praic does not read it.
 */
int decode_by_name(const char *name, size_t n, enum encoding *);

#endif
