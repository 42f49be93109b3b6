/*
 * Sixteen bytes at a time, in the compiler's own vectors: instructions where
 * the processor has any, plain code where it has none.
 */
#ifndef PRAIC_VECTOR_H
#define PRAIC_VECTOR_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define VECTOR 16

typedef unsigned char vector __attribute__((vector_size(VECTOR)));
typedef signed char signed_vector __attribute__((vector_size(VECTOR)));

static inline vector
vector_load(const void *p)
{
	vector v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
vector_store(void *p, vector v)
{
	memcpy(p, &v, sizeof(v));
}

/* The first byte that a comparison set, or VECTOR when it set none. */
static inline unsigned
vector_first(vector v)
{
#ifdef __SSE2__
	unsigned set = (unsigned)_mm_movemask_epi8((__m128i)v);

	return set != 0 ? (unsigned)__builtin_ctz(set) : VECTOR;
#else
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (half[0] != 0)
		return (unsigned)__builtin_ctzll(half[0]) / 8;
	if (half[1] != 0)
		return 8 + (unsigned)__builtin_ctzll(half[1]) / 8;
#else
	if (half[0] != 0)
		return (unsigned)__builtin_clzll(half[0]) / 8;
	if (half[1] != 0)
		return 8 + (unsigned)__builtin_clzll(half[1]) / 8;
#endif
	return VECTOR;
#endif
}

#endif
