/* A fast hash without a key, only for tables that compare whole keys, too. */
#ifndef PRAIC_HASH_H
#define PRAIC_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)

/* FNV-1a: continue h, or HASH_START, with these bytes. */
static inline uint64_t
hash_add(uint64_t h, const char *p, size_t n)
{
	while (n-- > 0)
		h = (h ^ (unsigned char)*p++) * UINT64_C(1099511628211);
	return h;
}

#endif
