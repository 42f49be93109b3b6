/* The body of an event whose text XML cannot hold: base64, RFC 2045 6.8. */
#ifndef PRAIC_BASE64_H
#define PRAIC_BASE64_H

#include "buf.h"

/* 0, or -1 when it is no base64: white space in it is passed over, its
 * padding must be there. */
int base64_check(const char *p, size_t n);

/*
 * Decode what was checked as text of the record stream, escapes and all, at
 * the end of a buffer: what is no UTF-8, and what XML 1.0 forbids, is shown
 * as U+FFFD, one for each maximal bad sequence.
 */
void base64_text(const char *p, size_t n, struct buf *line);

#endif
