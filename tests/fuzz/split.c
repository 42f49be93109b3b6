/*
 * Fuzz target: praic-split, with the checks of harness.h and options that depend on
 * the length of the input.  A fault aborts.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static int started;
	struct harness_options o = {.host = "def.example"};
	const char *wrong;

	if (!started) {
		harness_start();
		started = 1;
	}
	o.strict = n % 8 == 2;
	o.no_xml = n % 8 == 3;
	o.host = n % 8 == 4 ? NULL : o.host;
	o.piece = n % 8 == 5 ? -100 : 0;
	wrong = harness_check(p, n, &o);
	if (wrong != NULL) {
		harness_words(1);
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	return 0;
}
