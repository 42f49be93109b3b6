/*
 * The name of a site as the records have it: the first half of every key,
 * so there must be one way to write it.
 */
#ifndef PRAIC_HOST_H
#define PRAIC_HOST_H

#include <stddef.h>

#define HOST_SIZE 256 /* RFC 1035: 253 characters; and the NUL */

/*
 * Lower case, no port, no final dot; "[v6]:port" loses its port, not its
 * brackets.  0 and the name, or -1 when it is no host name: empty, too
 * long, or with anything but letters, digits, dots, dashes and underscores
 * (or, in brackets, an IPv6 address).
 */
int host_normalise(const char *p, size_t n, char out[HOST_SIZE]);

#endif
