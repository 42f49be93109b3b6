/*
 * Fuzz target: a format and untrusted values, the name that praic-tofs makes of them,
 * and untrusted lines of a ledger.  The properties of valid names are checked here.
 *
 * The input is the format, a value for each field, and the number of the kind, each
 * followed by the byte 0xff, which does not occur in UTF-8.
 */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "fuzz.h"
#include "msg.h"
#include "tofs.h"
#include "utf8.h"

static void
check_component(const char *p, size_t n)
{
	must(n > 0 && n <= NAME_BUDGET);
	must(p[0] != '.' && p[0] != '-');
	must(p[n - 1] != '.' && p[n - 1] != ' ');
}

static void
check_name(const char *name, size_t n)
{
	const char *p = name, *slash;
	struct buf numbered = {0}, back = {0};

	must(strlen(name) == n && utf8_valid(name, n) == n);
	for (; (slash = strchr(p, '/')) != NULL; p = slash + 1)
		check_component(p, (size_t)(slash - p));
	check_component(p, strlen(p));
	/* A number can be inserted and removed again. */
	name_number(&numbered, name, 4294967295u);
	must(strlen(name_last(numbered.p)) <= 255);
	must(name_unnumber(&back, numbered.p, numbered.n) == 1);
	must(back.n == n && memcmp(back.p, name, n) == 0);
	buf_free(&numbered);
	buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rec_value value[FIELDS + 1];
	char *f = NULL;
	struct ledger_line line;
	struct buf name = {0}, text = {0};
	const char *p = (const char *)data, *end = p + n, *stop;
	enum kind kind;
	int i;

	(void)ledger_parse(&line, p, n);
	stop = n > 0 ? memchr(p, 0xff, n) : NULL;
	if (stop == NULL)
		return 0;
	buf_add(&text, p, (size_t)(stop - p));
	for (i = 0, p = stop + 1; i <= FIELDS; i++, p = stop + (stop < end)) {
		stop = p < end ? memchr(p, 0xff, (size_t)(end - p)) : NULL;
		if (stop == NULL)
			stop = end;
		value[i].p = p;
		value[i].n = (size_t)(stop - p);
	}
	kind = value[FIELDS].n > 0 ? (enum kind)((unsigned char)*value[FIELDS].p % KINDS) : 0;
	if ((text.n == 0 || memchr(text.p, '\0', text.n) == NULL) &&
	    (f = format_parse(buf_text(&text))) != NULL) {
		for (i = 0; i < 2; i++) {
			name_make(&name, f, kind, value, i);
			check_name(name.p, name.n);
		}
		for (i = 0; i < KINDS; i++)
			(void)format_meet(f, kind, f, (enum kind)i);
	}
	free(f);
	buf_free(&name);
	buf_free(&text);
	return 0;
}
