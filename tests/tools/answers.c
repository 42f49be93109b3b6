/*
 * Prints how praic-fetch (fetch/answer.c) classifies a file.
 *
 *	answers FILE		print the class
 *	answers -c FILE		also check that the class is the same for pieces of any
 *				size, and that no truncated part is a complete document
 */
#include <stdio.h>
#include <string.h>

#include "../../fetch/answer.h"

static char bytes[1 << 20];
static size_t n;

static void
describe(const struct answer *a, char *out, size_t size)
{
	static const char *const kinds[] = {"empty", "xml", "html", "json", "text", "binary"};

	snprintf(out, size,
	    "%s ext=%s root=%s whole=%d empty=%d error=%d beside=%d denied=%d "
	    "said=%.*s",
	    kinds[a->kind], a->extension != NULL ? a->extension : "-",
	    a->root[0] != '\0' ? a->root : "-", a->whole, a->empty, a->error, a->beside, a->denied,
	    (int)a->said.n, a->said.n > 0 ? a->said.p : "");
}

/* Pass the first "all" bytes in pieces of this size, the first one shorter. */
static void
judge(size_t all, size_t first, size_t piece, char *out, size_t size, int *whole)
{
	static struct answer a;
	size_t at = 0, take;

	answer_start(&a);
	while (at < all) {
		take = at == 0 && first > 0 ? first : piece;
		if (take > all - at)
			take = all - at;
		answer_add(&a, bytes + at, take);
		at += take;
	}
	answer_end(&a);
	*whole = a.kind == ANSWER_XML && a.whole;
	describe(&a, out, size);
}

static int
is_blank_from(size_t i)
{
	for (; i < n; i++)
		if (strchr(" \t\r\n", bytes[i]) == NULL && bytes[i] != '\0')
			return 0;
	return 1;
}

int
main(int argc, char **argv)
{
	char want[8192], got[8192];
	int check = argc > 1 && strcmp(argv[1], "-c") == 0, whole, bad = 0;
	FILE *f = argc > 1 + check ? fopen(argv[1 + check], "rb") : NULL;
	size_t i;

	if (f == NULL)
		return 66;
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	judge(n, 0, n > 0 ? n : 1, want, sizeof(want), &whole);
	puts(want);
	if (!check)
		return 0;
	for (i = 1; i <= n && !bad; i++) {
		judge(n, i, n, got, sizeof(got), &whole);
		if (strcmp(want, got) != 0)
			bad = printf("cut in two at %zu: %s\n", i, got) > 0;
		if (i > 64)
			continue;
		judge(n, 0, i, got, sizeof(got), &whole);
		if (strcmp(want, got) != 0)
			bad = printf("in pieces of %zu: %s\n", i, got) > 0;
	}
	for (i = 0; i < n && !bad; i++) {
		judge(i, 0, n, got, sizeof(got), &whole);
		if (whole && !is_blank_from(i))
			bad = printf("the first %zu bytes are a whole document\n", i) > 0;
	}
	return bad;
}
