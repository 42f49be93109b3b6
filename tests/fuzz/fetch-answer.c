/*
 * Fuzz target: an untrusted answer, as praic-fetch classifies it.  The first byte is
 * the size of the pieces, on which the class must not depend.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct answer one, other;
	size_t piece, at, take;

	if (n == 0)
		return 0;
	piece = (size_t)*data++ % 67 + 1;
	n--;
	answer_start(&one);
	answer_add(&one, (const char *)data, n);
	answer_end(&one);
	answer_start(&other);
	for (at = 0; at < n; at += take) {
		take = n - at < piece ? n - at : piece;
		answer_add(&other, (const char *)data + at, take);
	}
	answer_end(&other);
	must(one.kind == other.kind && one.whole == other.whole);
	must(one.error == other.error && one.denied == other.denied);
	must(one.empty == other.empty && one.beside == other.beside);
	must(strcmp(one.root, other.root) == 0 && one.bytes == other.bytes);
	must(one.said.n == other.said.n &&
	    (one.said.n == 0 || memcmp(one.said.p, other.said.p, one.said.n) == 0));
	must(one.kind != ANSWER_BINARY || one.extension != NULL);
	return 0;
}
