/*
 * A set of digests: see digests.h.
 *
 * Linear probing in a table whose entries are in ascending order, as their
 * home slots are: the home is the digest's place between 0 and 2^32, scaled
 * to the table.  Because of that order the table grows in place, by little at
 * a time, so that no second copy is ever in memory.  Digests are uniformly
 * distributed, so runs of full slots are short (a few hundred at most); they
 * do not wrap around, but may go on behind the last slot.
 */
#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "digests.h"

#define FIRST_SLOTS 1024
/* Slots behind the last one, which no digest calls its home. */
#define BEHIND 256

static int
is_empty(const struct digest *d)
{
	static const struct digest none;

	return memcmp(d, &none, sizeof(none)) == 0;
}

static size_t
home(const struct digests *s, const struct digest *d)
{
	uint32_t place = (uint32_t)d->byte[0] << 24 | (uint32_t)d->byte[1] << 16 |
	    (uint32_t)d->byte[2] << 8 | d->byte[3];

	return (size_t)((uint64_t)place * s->slots >> 32);
}

/* Move all entries to the table's end, then each to its new place: that is
 * never behind where it is read from. */
static int
spread(struct digests *s, size_t old_room)
{
	struct digest d;
	size_t from, to = s->room, next = 0;

	for (from = old_room; from-- > 0;)
		if (!is_empty(&s->slot[from]))
			s->slot[--to] = s->slot[from];
	memset(s->slot, 0, to * sizeof(*s->slot));
	for (from = to; from < s->room; from++) {
		d = s->slot[from];
		memset(&s->slot[from], 0, sizeof(d));
		to = home(s, &d);
		if (to < next)
			to = next;
		/* The last run is longer than what stands behind: not at home. */
		if (to > from)
			to = from;
		s->slot[to] = d;
		next = to + 1;
	}
	return is_empty(&s->slot[s->room - 1]) ? 0 : -1;
}

static void
grow(struct digests *s)
{
	size_t old;

	do {
		old = s->room;
		s->slots = s->slots == 0 ? FIRST_SLOTS : s->slots + s->slots / 16;
		s->room = s->slots + BEHIND;
		s->slot = xrealloc(s->slot, s->room * sizeof(*s->slot));
		memset(s->slot + old, 0, (s->room - old) * sizeof(*s->slot));
	} while (spread(s, old) == -1);
}

int
digests_add(struct digests *s, struct digest d)
{
	size_t i, end;

	/* All zero is an empty slot. */
	if (is_empty(&d))
		d.byte[DIGEST_SIZE - 1] = 1;
	if (s->used >= s->slots - s->slots / 16 || !is_empty(&s->slot[s->room - 1]))
		grow(s);
	for (i = home(s, &d); !is_empty(&s->slot[i]); i++) {
		int order = memcmp(&s->slot[i], &d, sizeof(d));

		if (order == 0)
			return 0;
		if (order > 0)
			break;
	}
	/* The last slot is empty. */
	for (end = i; !is_empty(&s->slot[end]); end++)
		;
	memmove(&s->slot[i + 1], &s->slot[i], (end - i) * sizeof(d));
	s->slot[i] = d;
	s->used++;
	return 1;
}

int
digests_each(const struct digests *s, int (*call)(void *arg, const struct digest *), void *arg)
{
	size_t i;
	int stop = 0;

	for (i = 0; i < s->room && stop == 0; i++)
		if (!is_empty(&s->slot[i]))
			stop = call(arg, &s->slot[i]);
	return stop;
}

void
digests_free(struct digests *s)
{
	free(s->slot);
	memset(s, 0, sizeof(*s));
}
