/* Names as numbers: see names.h. */
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "names.h"

static const char *const text[NAMES_COUNT - 1] = {
#define X(name) #name,
    NAMES(X)
#undef X
};

static int
compare(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

enum name
names_learn(struct names *n, const xmlChar *key)
{
	const char *const *found = bsearch(key, text, NAMES_COUNT - 1, sizeof(*text), compare);
	unsigned slot = names_slot(key), i = 0;

	/* Where there is none free, the first goes: a report has few names,
	 * and to look one up again costs little. */
	while (i < NAMES_TRIES && n->key[slot + i] != NULL)
		i++;
	slot += i < NAMES_TRIES ? i : 0;
	n->learned++;
	n->too_long |= found == NULL && strlen((const char *)key) > LIMIT_NAME;
	n->key[slot] = key;
	n->name[slot] = found != NULL ? (unsigned char)(found - text + 1) : N_UNKNOWN;
	return (enum name)n->name[slot];
}
