/* The name of a site in records.  It is part of every key, so it has exactly one form. */
#ifndef PRAIC_HOST_H
#define PRAIC_HOST_H

#include <stddef.h>

#define HOST_SIZE 256 /* RFC 1035: 253 characters; and the NUL */

/*
 * Change to lower case, and remove the port and a final dot; an IPv6 address keeps its
 * brackets.  0 and the name, or -1 if it is empty, too long, or has other characters
 * than letters, digits, dots, dashes and underscores (or is not an IPv6 address in
 * brackets).
 */
int host_normalise(const char *p, size_t n, char out[HOST_SIZE]);

#endif
