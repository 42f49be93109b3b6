/* Functions for fuzz targets. */
#ifndef PRAIC_TESTS_FUZZ_H
#define PRAIC_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A check that fails aborts. */
static inline void
must(int holds)
{
	if (!holds)
		abort();
}

/* The input as a string, up to the first NUL; the caller frees it. */
static inline char *
text_of(const uint8_t *p, size_t n)
{
	char *s = malloc(n + 1);

	must(s != NULL);
	if (n > 0)
		memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

#endif
