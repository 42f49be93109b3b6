/* Decimal numbers of 64 bits, in text without a final NUL. */
#ifndef PRAIC_NUM_H
#define PRAIC_NUM_H

#include <stddef.h>
#include <stdint.h>

/* An optional sign and digits.  0 and *v, or -1 for other text and if it does not fit. */
int num_parse(const char *p, size_t n, int64_t *v);

/* As num_parse, but only plain digits, at most max. */
int num_parse_count(const char *p, size_t n, uint64_t max, uint64_t *v);

/* Bytes: 500, 64K, 100M, 2G, 1T.  0, or -1. */
int num_parse_size(const char *text, int64_t *v);

#define NUM_SIZE 21 /* -9223372036854775808 and its NUL */

/* Decimal text; returns its length. */
int num_format(int64_t v, char out[NUM_SIZE]);

#endif
