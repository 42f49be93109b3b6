/*
 * Fuzz target: untrusted values of settings; the first byte selects the field.  An
 * accepted value is accepted again and stays the same.
 */
#include "code.h"
#include "fuzz.h"
#include "settings.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct settings_field *const lists[] = {
	    settings_site_fields, settings_destination_fields, settings_fields};
	const struct settings_field *f;
	char *text, *value = NULL, *again = NULL;
	size_t i, count = 0;
	int code;

	if (n == 0)
		return 0;
	for (i = 0; i < 3; i++)
		for (f = lists[i]; f->name != NULL; f++)
			count++;
	must(count > 0);
	count = *data % count;
	for (i = 0, f = lists[0]; count > 0; count--)
		for (f++; f->name == NULL; f = lists[++i])
			;
	text = text_of(data + 1, n - 1);
	code = settings_parse(f, "fuzz", text, &value);
	must(code == 0 || code == EX_USAGE);
	if (code == 0) {
		must(value != NULL);
		must(settings_parse(f, "fuzz", value, &again) == 0);
		must(strcmp(value, again) == 0);
	}
	free(value);
	free(again);
	free(text);
	return 0;
}
