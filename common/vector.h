/*
 * Sixteen bytes at a time, in vectors of the compiler: SIMD instructions if the processor
 * has them, else plain code.
 */
#ifndef PRAIC_VECTOR_H
#define PRAIC_VECTOR_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define VECTOR 16

/* Without SSE (i386), gcc warns that vectors are passed differently.  These functions are
 * inline, so it does not matter. */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__SSE2__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

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

/* Of two words; four bytes count with zeros behind them. */
static inline vector
vector_of(uint64_t a, uint64_t b)
{
	typedef uint64_t words __attribute__((vector_size(VECTOR)));

	return (vector)(words){a, b};
}

/* 4 to 15 bytes, some of them twice: to find out whether any byte is of a kind. */
static inline vector
vector_load_short(const char *p, size_t n)
{
	uint64_t a = 0, b = 0;

	if (n >= 8) {
		memcpy(&a, p, 8);
		memcpy(&b, p + n - 8, 8);
	} else {
		memcpy(&a, p, 4);
		memcpy(&b, p + n - 4, 4);
	}
	return vector_of(a, b);
}

/* The first byte that a comparison set, or VECTOR if none. */
static inline unsigned
vector_first(vector v)
{
#ifdef __SSE2__
	unsigned set = (unsigned)_mm_movemask_epi8((__m128i)v);

	return set != 0 ? (unsigned)__builtin_ctz(set) : VECTOR;
#else
	unsigned i;

	for (i = 0; i < VECTOR; i++)
		if (v[i] != 0)
			return i;
	return VECTOR;
#endif
}

/* Is no byte set? */
static inline int
vector_none(vector v)
{
#ifdef __SSE2__
	return _mm_movemask_epi8((__m128i)v) == 0;
#else
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	return (half[0] | half[1]) == 0;
#endif
}

#endif
