/* One input as a window of clean UTF-8: see source.h. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "msg.h"
#include "source.h"

/* What is read at once: what a pipe holds, usually. */
#define BLOCK 65536
/* Raw bytes are kept this far back, for the message about a place and for a
 * declaration that says how to read on, even while a huge value passes. */
#define KEEP_RAW (4 * BLOCK)
/* More memory than this was for something huge, and is given back. */
#define KEEP_MEMORY (32 * BLOCK)
/* From one state of the decoder that is kept to the next: what may have to
 * be decoded once more to tell where in the input a place is. */
#define STEP 2048

/* Where decoding was, and how: it can begin again from here. */
struct step {
	uint64_t raw, place;
	struct decode_state state;
	int changed; /* decoded and raw bytes differ, up to the next */
};

struct source {
	int fd;
	const char *name;
	int ended, failed;
	struct decoder decoder;

	struct buf raw;	 /* bytes as they came */
	uint64_t raw_at; /* where raw.p begins */
	size_t raw_used; /* of them decoded, or passed over */
	uint64_t limit;	 /* where the document ends */

	struct buf win;	 /* decoded bytes */
	uint64_t win_at; /* the place where win.p begins */
	size_t win_from; /* before it nothing is wanted any more */
	uint64_t long_tag;

	struct step *step;
	size_t steps, step_cap;

	/* a bit for each byte of the window where something was replaced, as
	 * far as there is any; and how many went with what was let go */
	struct buf replaced;
	uint64_t replaced_before;
};

static void
note(void *arg, enum decode_note what, size_t out_offset)
{
	struct source *s = arg;
	size_t byte = out_offset / 8, more;

	s->step[s->steps - 1].changed = 1;
	if (what == DECODE_LONG_TAG)
		s->long_tag = s->win_at + out_offset - s->decoder.at.length;
	if (what != DECODE_REPLACED)
		return;
	if (byte >= s->replaced.n) {
		more = byte + 1 - s->replaced.n;
		buf_reserve(&s->replaced, more);
		memset(s->replaced.p + s->replaced.n, 0, more);
		s->replaced.n += more;
	}
	s->replaced.p[byte] |= (char)(1 << out_offset % 8);
}

/* How many bits are set before this one. */
static uint64_t
count_bits(const struct buf *b, size_t bit)
{
	uint64_t n = 0, eight;
	size_t i = 0, bytes = bit / 8 < b->n ? bit / 8 : b->n;

	for (; bytes - i >= sizeof(eight); i += sizeof(eight)) {
		memcpy(&eight, b->p + i, sizeof(eight));
		n += (uint64_t)__builtin_popcountll(eight);
	}
	for (; i < bytes; i++)
		n += (uint64_t)__builtin_popcount((unsigned char)b->p[i]);
	if (bit / 8 < b->n)
		n += (uint64_t)__builtin_popcount(
		    (unsigned char)b->p[bit / 8] & ((1u << bit % 8) - 1));
	return n;
}

struct source *
source_new(int fd, const char *name)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->fd = fd;
	s->name = name;
	s->decoder.note = note;
	s->decoder.arg = s;
	file_widen_pipe(fd);
	return s;
}

void
source_free(struct source *s)
{
	if (s == NULL)
		return;
	buf_free(&s->raw);
	buf_free(&s->win);
	buf_free(&s->decoder.utf8);
	buf_free(&s->replaced);
	free(s->step);
	free(s);
}

const char *
source_name(const struct source *s)
{
	return s->name;
}

/* Where in the input the next byte to decode is. */
static uint64_t
now_at(const struct source *s)
{
	return s->raw_at + s->raw_used;
}

int
source_ended(const struct source *s)
{
	return now_at(s) == s->limit || (s->ended && s->raw_used == s->raw.n);
}

int
source_in_markup(const struct source *s)
{
	return decode_in_markup(&s->decoder);
}

uint64_t
source_long_tag(const struct source *s)
{
	return s->long_tag;
}

int
source_failed(const struct source *s)
{
	return s->failed;
}

enum encoding
source_encoding(const struct source *s)
{
	return s->decoder.at.encoding;
}

/* The bytes as they came, a block more of them. */
static void
read_block(struct source *s)
{
	ssize_t n;

	buf_reserve(&s->raw, BLOCK);
	do
		n = read(s->fd, s->raw.p + s->raw.n, BLOCK);
	while (n == -1 && file_wait(s->fd, POLLIN));
	if (n == -1) {
		msg_errno("%s", s->name);
		s->failed = 1;
	}
	if (n <= 0)
		s->ended = 1;
	else
		s->raw.n += (size_t)n;
}

/* The decoder's state, now and then. */
static void
add_step(struct source *s)
{
	const struct decoder *d = &s->decoder;
	uint64_t raw = s->raw_at + s->raw_used;
	struct step *t;

	if (s->steps > 0 && raw - s->step[s->steps - 1].raw < STEP)
		return;
	/* Of what is dropped, one step is enough. */
	if (s->steps > 1 && s->step[s->steps - 1].place == s->win_at + s->win.n)
		s->steps--;
	if (s->steps == s->step_cap) {
		s->step_cap = s->step_cap == 0 ? 64 : s->step_cap * 2;
		s->step = xrealloc(s->step, s->step_cap * sizeof(*s->step));
	}
	t = &s->step[s->steps++];
	t->raw = raw;
	t->place = s->win_at + s->win.n;
	t->state = d->at;
	/* What is dropped is not noted again. */
	t->changed = d->at.encoding != ENCODING_UTF8 || d->at.dropping;
}

/* The first bytes go; and what something huge needed, when it has gone by. */
static void
drop(struct buf *b, size_t n)
{
	struct buf rest = {0};

	if (b->cap <= KEEP_MEMORY || b->n - n >= 2 * BLOCK) {
		buf_drop(b, n);
		return;
	}
	buf_add(&rest, b->p + n, b->n - n);
	buf_free(b);
	*b = rest;
}

/* The first bytes of the window go, and what is known of them. */
static void
drop_window(struct source *s, size_t n)
{
	n &= ~(size_t)7;
	s->replaced_before += count_bits(&s->replaced, n);
	if (n / 8 < s->replaced.n)
		drop(&s->replaced, n / 8);
	else
		buf_trim(&s->replaced, KEEP_MEMORY);
	drop(&s->win, n);
	s->win_at += n;
	s->win_from -= n;
}

/* Let go of what nobody can ask for. */
static void
tidy_window(struct source *s)
{
	if (s->win_from > BLOCK && s->win_from >= s->win.n / 2)
		drop_window(s, s->win_from);
}

/* The same of what is as it came, before more of it is read: then there is
 * little left to move. */
static void
tidy_raw(struct source *s)
{
	uint64_t place = s->win_at + s->win_from;
	size_t gone;

	for (gone = 0; gone + 1 < s->steps && s->step[gone + 1].place <= place; gone++)
		;
	if (gone > 0) {
		s->steps -= gone;
		memmove(s->step, s->step + gone, s->steps * sizeof(*s->step));
	}
	gone =
	    s->steps > 0 && s->step[0].raw > s->raw_at ? (size_t)(s->step[0].raw - s->raw_at) : 0;
	if (s->raw_used > KEEP_RAW && s->raw_used - KEEP_RAW > gone)
		gone = s->raw_used - KEEP_RAW;
	if (gone > BLOCK / 2) {
		drop(&s->raw, gone);
		s->raw_at += gone;
		s->raw_used -= gone;
	}
}

/* Some of what was read, as far as it can be told what it is: not more, for
 * it may have to be decoded otherwise from the next document on. */
static void
decode_some(struct source *s)
{
	size_t left = s->raw.n - s->raw_used, n = left < STEP ? left : STEP;
	int final = s->ended && n == left;

	if (n >= s->limit - now_at(s)) {
		n = (size_t)(s->limit - now_at(s));
		final = 1;
	}
	add_step(s);
	s->raw_used += decode(&s->decoder, s->raw.p + s->raw_used, n, final, &s->win);
}

/* Decode another block.  0, or -1 at the end of the document. */
static int
source_more(struct source *s)
{
	size_t before;

	tidy_window(s);
	before = s->win.n;
	if (s->raw_used < s->raw.n)
		decode_some(s);
	while (s->win.n == before && !source_ended(s)) {
		if (!s->ended && s->raw.n - s->raw_used < STEP) {
			tidy_raw(s);
			read_block(s);
		}
		decode_some(s);
	}
	return s->win.n > before ? 0 : -1;
}

const char *
source_have(const struct source *s, uint64_t place, size_t *have)
{
	size_t at = (size_t)(place - s->win_at);

	*have = at < s->win.n ? s->win.n - at : 0;
	return *have > 0 ? s->win.p + at : "";
}

const char *
source_at(struct source *s, uint64_t place, size_t want, size_t *have)
{
	do
		(void)source_have(s, place, have);
	while (*have < want && source_more(s) == 0);
	/* The window may have moved even though nothing came of it. */
	return source_have(s, place, have);
}

void
source_keep(struct source *s, uint64_t place)
{
	size_t from = (size_t)(place - s->win_at);

	if (place > s->win_at && from > s->win_from)
		s->win_from = from < s->win.n ? from : s->win.n;
}

int
source_pass(struct source *s, uint64_t *place, const char *text)
{
	size_t have, len = strlen(text);
	const char *p, *found;

	for (;;) {
		p = source_at(s, *place, len, &have);
		if (have < len)
			return -1;
		found = memmem(p, have, text, len);
		*place += found != NULL ? (size_t)(found - p) + len : have - len + 1;
		source_keep(s, *place - 1);
		if (found != NULL)
			return 0;
	}
}

/* The step that a place is in, or NULL when there is none any more. */
static const struct step *
step_of(const struct source *s, uint64_t place)
{
	size_t low = 0, high = s->steps, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (s->step[mid].place <= place)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? &s->step[low - 1] : NULL;
}

uint64_t
source_offset(struct source *s, uint64_t place)
{
	const struct step *t = step_of(s, place);
	struct decoder again = {0};
	struct buf out = {0};
	size_t at, used;

	if (t == NULL)
		return s->raw_at;
	if (!t->changed)
		return t->raw + (place - t->place);
	if (t->raw < s->raw_at)
		return t->raw; /* near enough for a message */
	/* Decode it once more, byte by byte, until we are there. */
	again.at = t->state;
	at = used = (size_t)(t->raw - s->raw_at);
	while (out.n < place - t->place && at < s->raw.n) {
		at++;
		used += decode(&again, s->raw.p + used, at - used, 0, &out);
	}
	buf_free(&out);
	buf_free(&again.utf8);
	return s->raw_at + used;
}

void
source_end(struct source *s, uint64_t place)
{
	s->raw_used = (size_t)(source_offset(s, place) - s->raw_at);
	s->steps = 0;
}

uint64_t
source_raw_offset(const struct source *s)
{
	return now_at(s);
}

const char *
source_raw(struct source *s, size_t want, size_t *have)
{
	while (s->raw.n - s->raw_used < want && !s->ended) {
		drop(&s->raw, s->raw_used);
		s->raw_at += s->raw_used;
		s->raw_used = 0;
		read_block(s);
	}
	*have = s->raw.n - s->raw_used;
	return *have > 0 ? s->raw.p + s->raw_used : "";
}

uint64_t
source_skip(struct source *s, uint64_t bytes)
{
	uint64_t left = bytes;
	size_t have;

	s->steps = 0;
	do {
		source_raw(s, left > 0 ? 1 : 0, &have);
		if (have > left)
			have = (size_t)left;
		s->raw_used += have;
		left -= have;
	} while (have > 0);
	return bytes - left;
}

void
source_open(struct source *s, uint64_t bytes, enum encoding encoding)
{
	s->limit = bytes < UINT64_MAX - now_at(s) ? now_at(s) + bytes : UINT64_MAX;
	memset(&s->decoder.at, 0, sizeof(s->decoder.at));
	s->decoder.at.encoding = encoding;
	buf_trim(&s->win, KEEP_MEMORY);
	buf_trim(&s->replaced, KEEP_MEMORY);
	s->win_at = s->win_from = s->replaced_before = 0;
	s->long_tag = UINT64_MAX;
	s->steps = 0;
}

uint64_t
source_close(struct source *s)
{
	uint64_t left = s->limit - now_at(s);

	return left - source_skip(s, left);
}

uint64_t
source_replaced(const struct source *s, uint64_t place)
{
	return s->replaced_before + count_bits(&s->replaced, (size_t)(place - s->win_at));
}
