/* One input as a window of clean UTF-8: see source.h. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blank.h"
#include "buf.h"
#include "file.h"
#include "msg.h"
#include "source.h"

/* What is read at once: what a pipe holds, usually. */
#define BLOCK 65536
/* Raw bytes are kept this far back, to be read again where the next document
 * begins: a comment that does not end may have taken it in, until libxml2
 * gives it up at 10 MB, which are 20 in UTF-16. */
#define KEEP_RAW ((size_t)24 << 20)
/* More memory than this was for something huge, and is given back. */
#define KEEP_MEMORY (32 * BLOCK)
/* From one state of the decoder that is kept to the next: what may have to
 * be decoded once more to tell where in the input a place is. */
#define STEP 2048

/* Where decoding was, and how: it can begin again from here. */
struct step {
	uint64_t raw, place;
	enum encoding encoding;
	enum decode_inside inside;
	int changed; /* decoded and raw bytes differ, up to the next */
};

struct source {
	int fd;
	const char *name;
	int ended, failed;
	struct decoder decoder;

	struct buf raw;	 /* bytes as they came */
	uint64_t raw_at; /* where raw.p begins */
	size_t raw_used; /* of them decoded */

	struct buf win;	 /* decoded bytes */
	uint64_t win_at; /* the place where win.p begins */
	size_t win_from; /* before it nothing is wanted any more */

	struct step *step;
	size_t steps, step_cap;
	int new_step; /* the last one's decoder is not ours any more */

	/* a bit for each byte of the window where something was replaced, as
	 * far as there is any; and how many went with what was let go */
	struct buf replaced;
	uint64_t replaced_before;
};

static void
note_replaced(void *arg, size_t out_offset)
{
	struct source *s = arg;
	size_t byte = out_offset / 8, more;

	s->step[s->steps - 1].changed = 1;
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
	s->decoder.replaced = note_replaced;
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

int
source_ended(const struct source *s)
{
	return s->ended;
}

int
source_cut(const struct source *s)
{
	return s->ended && s->raw_used < s->raw.n;
}

int
source_failed(const struct source *s)
{
	return s->failed;
}

enum encoding
source_encoding(const struct source *s)
{
	return s->decoder.encoding;
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

	if (s->steps > 0 && raw - s->step[s->steps - 1].raw < STEP && !s->new_step)
		return;
	if (s->steps == s->step_cap) {
		s->step_cap = s->step_cap == 0 ? 64 : s->step_cap * 2;
		s->step = xrealloc(s->step, s->step_cap * sizeof(*s->step));
	}
	t = &s->step[s->steps++];
	t->raw = raw;
	t->place = s->win_at + s->win.n;
	t->encoding = d->encoding;
	t->inside = d->inside;
	t->changed = t->encoding != ENCODING_UTF8;
	s->new_step = 0;
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
		gone = s->raw_used - KEEP_RAW / 2;
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

	add_step(s);
	s->raw_used +=
	    decode(&s->decoder, s->raw.p + s->raw_used, n, s->ended && n == left, &s->win);
}

/* Decode another block.  0, or -1 at the end of the input. */
static int
source_more(struct source *s)
{
	size_t before;

	tidy_window(s);
	before = s->win.n;
	if (s->raw_used < s->raw.n)
		decode_some(s);
	while (s->win.n == before && !s->ended) {
		tidy_raw(s);
		read_block(s);
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
	again.encoding = t->encoding;
	again.inside = t->inside;
	at = used = (size_t)(t->raw - s->raw_at);
	while (out.n < place - t->place && at < s->raw.n) {
		at++;
		used += decode(&again, s->raw.p + used, at - used, 0, &out);
	}
	buf_free(&out);
	buf_free(&again.utf8);
	return s->raw_at + used;
}

int
source_restart(struct source *s, uint64_t place, enum encoding encoding)
{
	uint64_t raw = source_offset(s, place);
	const struct step *t = step_of(s, place);
	size_t at = (size_t)(place - s->win_at);

	if (t == NULL || raw < s->raw_at || (t->changed && t->raw < s->raw_at))
		return -1;
	s->win.n = at;
	if (at / 8 < s->replaced.n) {
		s->replaced.n = at / 8 + 1;
		s->replaced.p[at / 8] &= (char)((1 << at % 8) - 1);
	}
	s->raw_used = (size_t)(raw - s->raw_at);
	s->steps = (size_t)(t - s->step) + (t->place < place);
	s->new_step = 1;
	s->decoder.encoding = encoding;
	s->decoder.inside = DECODE_CONTENT;
	return 0;
}

/* By the first bytes, as XML 1.0, appendix F, has it. */
static enum encoding
encoding_of(const unsigned char *p, size_t n, enum encoding now)
{
	/* One byte is half of a character that is cut. */
	if (n >= 1 && p[0] == 0xff && (n == 1 || p[1] == 0xfe))
		return ENCODING_UTF16LE;
	if (n >= 1 && p[0] == 0xfe && (n == 1 || p[1] == 0xff))
		return ENCODING_UTF16BE;
	if (n >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return ENCODING_UTF8;
	if (n >= 2 && p[0] == '<' && p[1] == 0)
		return ENCODING_UTF16LE;
	if (n >= 1 && p[0] == 0 && (n == 1 || p[1] == '<'))
		return ENCODING_UTF16BE;
	/* After a document in UTF-16, bytes of eight bits again? */
	if (now == ENCODING_UTF8 || now == ENCODING_LATIN1 || n < 2)
		return now;
	if (p[0] == '<' ||
	    (blank_is(p[0]) &&
		(blank_is(p[1]) || p[1] == '<' ||
		    (n >= 4 && p[1] == 0xef && p[2] == 0xbb && p[3] == 0xbf) ||
		    (n >= 3 && p[1] == 0xff && p[2] == 0xfe) ||
		    (n >= 3 && p[1] == 0xfe && p[2] == 0xff))))
		return ENCODING_UTF8;
	return now;
}

void
source_detect(struct source *s, uint64_t place)
{
	enum encoding now = s->decoder.encoding, then;
	uint64_t raw;
	size_t at;

	if (s->steps == 0 && s->raw.n == 0) {
		/* The very first bytes: nothing was decoded yet. */
		while (!s->ended && s->raw.n < 4)
			read_block(s);
		s->decoder.encoding =
		    encoding_of((unsigned char *)s->raw.p, s->raw.n, ENCODING_UTF8);
		return;
	}
	raw = source_offset(s, place);
	if (raw < s->raw_at)
		return;
	at = (size_t)(raw - s->raw_at);
	while (!s->ended && s->raw.n - at < 4)
		read_block(s);
	then = encoding_of((unsigned char *)s->raw.p + at, s->raw.n - at, now);
	if (then != now)
		(void)source_restart(s, place, then);
}

uint64_t
source_replaced(const struct source *s, uint64_t place)
{
	return s->replaced_before + count_bits(&s->replaced, (size_t)(place - s->win_at));
}
