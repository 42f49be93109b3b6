/* One input as a window of clean UTF-8. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "msg.h"
#include "split.h"

/* Bytes of one read: the usual size of a pipe. */
#define BLOCK 65536
/* Bytes that are decoded at a time. */
#define STEP 8192
/* A buffer that a huge value made larger than this is freed. */
#define KEEP_MEMORY (32 * BLOCK)

/* The last change before a place, or the first of all. */
static const struct change *
change_before(const struct source *s, uint64_t place)
{
	size_t low = 0, high = s->changes, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (s->change[mid].place < place)
			low = mid + 1;
		else
			high = mid;
	}
	return &s->change[low > 0 ? low - 1 : 0];
}

/* The byte of the input for a place. */
static uint64_t
raw_of(const struct source *s, uint64_t place)
{
	const struct change *c = change_before(s, place);
	uint64_t from = c->place > s->win_at ? c->place : s->win_at;

	if (s->decoder.at.encoding == ENCODING_UTF8)
		return c->raw + (place - c->place);
	if (from > place)
		return c->raw; /* approximate; for a message only */
	return c->raw +
	    decode_length_before(
		s->decoder.at.encoding, s->win.p + (from - s->win_at), (size_t)(place - from));
}

uint64_t
source_offset(const struct source *s, uint64_t place)
{
	return place < s->win_at + s->win.n ? raw_of(s, place) : source_now(s);
}

uint64_t
source_replaced(const struct source *s, uint64_t place)
{
	return change_before(s, place)->replaced;
}

static void
add_change(struct source *s, uint64_t place, uint64_t raw)
{
	struct change *c;

	if (s->changes == s->change_cap) {
		s->change_cap = s->change_cap == 0 ? 64 : s->change_cap * 2;
		s->change = xrealloc(s->change, s->change_cap * sizeof(*s->change));
	}
	c = &s->change[s->changes++];
	c->place = place;
	c->raw = raw;
	c->replaced = s->changes > 1 ? c[-1].replaced : 0;
}

static void
note(void *arg, enum decode_note what, size_t out_offset, ptrdiff_t grown)
{
	struct source *s = arg;
	uint64_t place = s->win_at + out_offset;
	size_t from = s->changed > s->win_at ? (size_t)(s->changed - s->win_at) : 0;
	struct change *c;

	if (what == DECODE_LONG_TAG) {
		s->long_tag = place - s->decoder.at.length;
		return;
	}
	if (s->changes == 1 || memchr(s->win.p + from, '<', out_offset - from) != NULL)
		add_change(s, place, raw_of(s, place));
	s->changed = place;
	c = &s->change[s->changes - 1];
	c->replaced += what == DECODE_REPLACED;
	if (s->decoder.at.encoding == ENCODING_UTF8)
		c->raw -= (uint64_t)grown;
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
	source_open(s, 0, ENCODING_UTF8, 0);
	return s;
}

void
source_free(struct source *s)
{
	buf_free(&s->raw);
	buf_free(&s->win);
	buf_free(&s->decoder.utf8);
	free(s->change);
	free(s);
}

int
source_ended(const struct source *s)
{
	return source_now(s) == s->limit || (s->ended && s->raw_used == s->raw.n);
}

/* Remove the first n bytes, and shrink a buffer that was huge. */
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

/* Read one more block of raw bytes. */
static void
read_block(struct source *s)
{
	ssize_t n;

	drop(&s->raw, s->raw_used);
	s->raw_at += s->raw_used;
	s->raw_used = 0;
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

/* Forget what is before win_from. */
static void
tidy_window(struct source *s)
{
	size_t gone = 0;

	if (s->win_from <= BLOCK || s->win_from < s->win.n / 2)
		return;
	drop(&s->win, s->win_from);
	s->win_at += s->win_from;
	s->win_from = 0;
	while (gone + 1 < s->changes && s->change[gone + 1].place < s->win_at)
		gone++;
	s->changes -= gone;
	memmove(s->change, s->change + gone, s->changes * sizeof(*s->change));
}

/* Decode a step of the raw bytes; it may end in an incomplete character. */
static void
decode_some(struct source *s)
{
	size_t left = s->raw.n - s->raw_used, n = left < STEP ? left : STEP;
	int final = s->ended && n == left;

	if (n >= s->limit - source_now(s)) {
		n = (size_t)(s->limit - source_now(s));
		final = 1;
	}
	if (s->decoder.at.encoding != ENCODING_UTF8)
		add_change(s, s->win_at + s->win.n, source_now(s));
	s->raw_used += decode(&s->decoder, s->raw.p + s->raw_used, n, final, &s->win);
	if (s->decoder.at.next)
		s->limit = source_now(s);
}

/* Decode some more.  0, or -1 at the end of the document. */
static int
source_more(struct source *s)
{
	size_t before;

	tidy_window(s);
	before = s->win.n;
	while (s->win.n == before) {
		if (source_ended(s))
			return -1;
		if (!s->ended && s->raw.n - s->raw_used < STEP)
			read_block(s);
		decode_some(s);
	}
	return 0;
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
	/* source_more() may have moved the window. */
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

const char *
source_raw(struct source *s, size_t want, size_t *have)
{
	while (s->raw.n - s->raw_used < want && !s->ended)
		read_block(s);
	*have = s->raw.n - s->raw_used;
	return *have > 0 ? s->raw.p + s->raw_used : "";
}

uint64_t
source_skip(struct source *s, uint64_t bytes)
{
	uint64_t left = bytes;
	size_t have;

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
source_open(struct source *s, uint64_t bytes, enum encoding encoding, int plain)
{
	s->limit = bytes < UINT64_MAX - source_now(s) ? source_now(s) + bytes : UINT64_MAX;
	memset(&s->decoder.at, 0, sizeof(s->decoder.at));
	s->decoder.at.encoding = encoding;
	s->decoder.at.plain = plain != 0;
	buf_trim(&s->win, KEEP_MEMORY);
	s->win_at = s->win_from = 0;
	s->long_tag = UINT64_MAX;
	s->changes = 0;
	s->changed = 0;
	add_change(s, 0, source_now(s));
}

uint64_t
source_close(struct source *s)
{
	uint64_t left = s->limit - source_now(s);

	return left - source_skip(s, left);
}
