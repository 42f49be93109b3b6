/* The body of an event whose text XML cannot hold: base64, RFC 2045 6.8. */
#ifndef PRAIC_BASE64_H
#define PRAIC_BASE64_H

#include "buf.h"

/*
 * Decode as text: what is no UTF-8, and what XML 1.0 forbids, is shown as
 * U+FFFD, one for each maximal bad sequence.  White space in the base64 is
 * passed over; its padding must be there.  0, or -1 when it is no base64.
 */
int base64_text(const char *p, size_t n, struct buf *out);

#endif
