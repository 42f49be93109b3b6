/* The attributes of a long tag: see longtag.h. */
#include <string.h>

#include "longtag.h"

int
longtag_attributes(struct longtag *t, const struct source *source, uint64_t from)
{
	const char *p, *end, *q;
	size_t have;

	if (t->place < from) {
		memset(t, 0, sizeof(*t));
		t->place = from;
	}
	p = source_have(source, t->place, &have);
	end = p + have;
	t->place += have;
	while (p < end && t->where != LONGTAG_NONE)
		if (t->where == LONGTAG_BEFORE) {
			if ((p = memchr(p, '<', (size_t)(end - p))) == NULL)
				break;
			if (++p == end) { /* of what? Next time. */
				t->place--;
				break;
			}
			t->where = *p == '!' || *p == '?' ? LONGTAG_NONE : LONGTAG_WITHIN;
		} else if (t->quote != '\0') {
			if ((q = memchr(p, t->quote, (size_t)(end - p))) == NULL)
				break;
			p = q + 1;
			t->quote = '\0';
		} else if (*p == '"' || *p == '\'') {
			t->quote = *p++;
			t->attributes++;
		} else if (*p++ == '>')
			t->where = LONGTAG_NONE;
	return t->attributes;
}
