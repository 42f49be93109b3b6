/* Names as numbers: see names.h. */
#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "names.h"

void
names_fill(struct names *n, xmlDictPtr dict)
{
	static const char *const text[NAMES_COUNT] = {
	    NULL,
#define X(name) #name,
	    NAMES(X)
#undef X
	};
	const xmlChar *key;
	unsigned slot;
	int i;

	memset(n, 0, sizeof(*n));
	for (i = 1; i < NAMES_COUNT; i++) {
		key = xmlDictLookup(dict, (const xmlChar *)text[i], -1);
		if (key == NULL)
			xnomem();
		for (slot = names_slot(key); n->key[slot] != NULL;)
			slot = (slot + 1) % NAMES_SLOTS;
		n->key[slot] = key;
		n->name[slot] = (unsigned char)i;
	}
}
