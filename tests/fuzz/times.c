/* Fuzz target: times are refused or within range, and their output can be parsed. */
#include "fuzz.h"
#include "when.h"

#define NOW INT64_C(1767258000)

static void
check_time(int64_t t)
{
	char text[WHEN_SIZE];
	int64_t again;

	must(t >= WHEN_MIN && t <= WHEN_MAX);
	when_format(t, text);
	must(strlen(text) == WHEN_SIZE - 1);
	must(when_parse(text, strlen(text), &again) == 0 && again == t);
	must(when_parse_iso(text, strlen(text), &again) == 0 && again == t);
	must(when_parse_user(text, NOW, &again) == 0 && again == t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = text_of(data, n), form[WHEN_SIZE];
	const char *p = (const char *)data;
	int64_t t;

	if (when_parse(p, n, &t) == 0) {
		check_time(t);
		when_format(t, form); /* there is one form only */
		must(n == strlen(form) && memcmp(form, p, n) == 0);
	}
	if (when_parse_iso(p, n, &t) == 0)
		check_time(t);
	if (when_parse_unix(p, n, &t) == 0)
		check_time(t);
	if (when_parse_user(text, NOW, &t) == 0)
		check_time(t);
	if (when_parse_span(text, &t) == 0)
		must(t >= 0);
	free(text);
	return 0;
}
