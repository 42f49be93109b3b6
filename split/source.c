/* One input as a window of clean UTF-8: see source.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "msg.h"
#include "source.h"

/* What is read at once: a pipe's usual fill, and small in any memory. */
#define BLOCK 32768
/* Raw bytes are kept this far back, to be read again.  The parser reads
 * some kilobytes ahead, no more. */
#define KEEP_RAW ((size_t)1 << 20)
/* Replacements this near to each other are one run: no boundary between two
 * sessions fits in between. */
#define RUN_GAP 16

/* A block, as it was when its decoding began. */
struct block {
	uint64_t raw, place;
	enum encoding encoding;
	enum decode_inside inside;
	int changed;		/* decoded and raw bytes differ */
	char carry[64];		/* decoded, but not yet passed on */
	size_t carry_n;
};

struct run {
	uint64_t from, to, count;
};

struct source {
	int fd;
	const char *name;
	int ended, failed;
	struct decoder decoder;

	struct buf raw;		/* bytes as they came */
	uint64_t raw_at;	/* where raw.p begins */
	size_t raw_used;	/* of them decoded */

	struct buf win;		/* decoded bytes */
	uint64_t win_at;	/* the place where win.p begins */
	size_t win_from;	/* before it nothing is wanted any more */

	struct block *block;
	size_t blocks, block_cap;
	struct run *run;
	size_t runs, run_cap;
};

static void
note_replaced(void *arg, size_t out_offset)
{
	struct source *s = arg;
	uint64_t place = s->win_at + out_offset;

	if (s->blocks > 0)
		s->block[s->blocks - 1].changed = 1;
	if (s->runs > 0 && place - s->run[s->runs - 1].to <= RUN_GAP) {
		s->run[s->runs - 1].to = place;
		s->run[s->runs - 1].count++;
		return;
	}
	if (s->runs == s->run_cap) {
		s->run_cap = s->run_cap == 0 ? 16 : s->run_cap * 2;
		s->run = xrealloc(s->run, s->run_cap * sizeof(*s->run));
	}
	s->run[s->runs].from = s->run[s->runs].to = place;
	s->run[s->runs++].count = 1;
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
	free(s->block);
	free(s->run);
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
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		msg_errno("%s", s->name);
		s->failed = 1;
	}
	if (n <= 0)
		s->ended = 1;
	else
		s->raw.n += (size_t)n;
}

static void
add_block(struct source *s)
{
	struct block *b;

	if (s->blocks == s->block_cap) {
		s->block_cap = s->block_cap == 0 ? 16 : s->block_cap * 2;
		s->block = xrealloc(s->block, s->block_cap * sizeof(*s->block));
	}
	b = &s->block[s->blocks++];
	b->raw = s->raw_at + s->raw_used;
	b->place = s->win_at + s->win.n;
	b->encoding = s->decoder.encoding;
	b->inside = s->decoder.inside;
	b->changed = b->encoding != ENCODING_UTF8;
	b->carry_n = s->decoder.utf8.n < sizeof(b->carry) ? s->decoder.utf8.n : 0;
	if (b->carry_n > 0)
		memcpy(b->carry, s->decoder.utf8.p, b->carry_n);
}

/* Let go of what nobody can ask for. */
static void
tidy(struct source *s)
{
	uint64_t place = s->win_at + s->win_from;
	size_t gone;

	if (s->win_from > BLOCK && s->win_from >= s->win.n / 2) {
		if (s->win.cap > 64 * BLOCK && s->win.n - s->win_from < BLOCK) {
			struct buf small = {0};	/* a huge token has gone by */

			buf_add(&small, s->win.p + s->win_from, s->win.n - s->win_from);
			buf_free(&s->win);
			s->win = small;
		} else
			buf_drop(&s->win, s->win_from);
		s->win_at = place;
		s->win_from = 0;
	}
	for (gone = 0; gone + 1 < s->blocks && s->block[gone + 1].place <= place; gone++)
		;
	if (gone > 0) {
		s->blocks -= gone;
		memmove(s->block, s->block + gone, s->blocks * sizeof(*s->block));
	}
	if (s->blocks > 0 && s->block[0].raw > s->raw_at)
		gone = (size_t)(s->block[0].raw - s->raw_at);
	else
		gone = 0;
	if (s->raw_used > KEEP_RAW && s->raw_used - KEEP_RAW > gone)
		gone = s->raw_used - KEEP_RAW / 2;
	if (gone > BLOCK) {
		buf_drop(&s->raw, gone);
		s->raw_at += gone;
		s->raw_used -= gone;
	}
}

int
source_more(struct source *s)
{
	size_t before, used;

	tidy(s);
	before = s->win.n;
	for (;;) {
		if (s->raw_used == s->raw.n || s->win.n == before) {
			if (s->ended && s->raw_used == s->raw.n && s->decoder.utf8.n == 0)
				return -1;
			if (!s->ended)
				read_block(s);
		}
		add_block(s);
		used = decode(&s->decoder, s->raw.p + s->raw_used, s->raw.n - s->raw_used, s->ended,
		    &s->win);
		if (used != s->raw.n - s->raw_used)
			s->block[s->blocks - 1].changed |= s->decoder.encoding != ENCODING_UTF8;
		s->raw_used += used;
		if (s->win.n > before)
			return 0;
		s->blocks--;	/* nothing came of it yet */
		if (s->ended && s->raw_used == s->raw.n)
			return -1;
	}
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
	const char *p = source_have(s, place, have);

	while (*have < want && source_more(s) == 0)
		p = source_have(s, place, have);
	return p;
}

void
source_keep(struct source *s, uint64_t place)
{
	size_t from = (size_t)(place - s->win_at);

	if (place > s->win_at && from > s->win_from)
		s->win_from = from < s->win.n ? from : s->win.n;
}

/* The block that a place is in, or NULL when there is none any more. */
static const struct block *
block_of(const struct source *s, uint64_t place)
{
	size_t low = 0, high = s->blocks, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (s->block[mid].place <= place)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? &s->block[low - 1] : NULL;
}

uint64_t
source_offset(struct source *s, uint64_t place)
{
	const struct block *b = block_of(s, place);
	struct decoder again = {0};
	struct buf out = {0};
	uint64_t raw;
	size_t at, used;

	if (b == NULL)
		return s->raw_at;
	if (!b->changed)
		return b->raw + (place - b->place);
	if (b->raw < s->raw_at)
		return b->raw;	/* near enough for a message */
	/* Decode it once more, byte by byte, until we are there. */
	again.encoding = b->encoding;
	again.inside = b->inside;
	buf_add(&again.utf8, b->carry, b->carry_n);
	raw = b->raw;
	at = (size_t)(b->raw - s->raw_at);
	used = at;
	while (out.n < place - b->place && at < s->raw.n) {
		at++;
		used += decode(&again, s->raw.p + used, at - used, 0, &out);
		raw = s->raw_at + used;
	}
	buf_free(&out);
	buf_free(&again.utf8);
	return raw;
}

int
source_restart(struct source *s, uint64_t place, enum encoding encoding)
{
	uint64_t raw = source_offset(s, place);
	const struct block *b = block_of(s, place);

	if (b == NULL || raw < s->raw_at || (b->changed && b->raw < s->raw_at))
		return -1;
	s->win.n = (size_t)(place - s->win_at);
	s->raw_used = (size_t)(raw - s->raw_at);
	s->blocks = (size_t)(b - s->block) + (b->place < place);
	while (s->runs > 0 && s->run[s->runs - 1].to >= place)
		s->runs--;
	s->decoder.encoding = encoding;
	s->decoder.inside = DECODE_CONTENT;
	buf_reset(&s->decoder.utf8);
	return 0;
}

static int
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* By the first bytes, as XML 1.0, appendix F, has it. */
static enum encoding
encoding_of(const unsigned char *p, size_t n, enum encoding now)
{
	if (n >= 2 && p[0] == 0xff && p[1] == 0xfe)
		return ENCODING_UTF16LE;
	if (n >= 2 && p[0] == 0xfe && p[1] == 0xff)
		return ENCODING_UTF16BE;
	if (n >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return ENCODING_UTF8;
	if (n >= 2 && p[0] == '<' && p[1] == 0)
		return ENCODING_UTF16LE;
	if (n >= 2 && p[0] == 0 && p[1] == '<')
		return ENCODING_UTF16BE;
	/* After a document in UTF-16, bytes of eight bits again? */
	if (now != ENCODING_LATIN1 && n >= 2 && (p[0] == '<' || is_blank(p[0])) && p[1] != 0 &&
	    (is_blank(p[1]) || p[1] == '<' || p[0] == '<'))
		return ENCODING_UTF8;
	return now;
}

void
source_detect(struct source *s, uint64_t place)
{
	enum encoding now = s->decoder.encoding, then;
	uint64_t raw;
	size_t at;

	if (s->blocks == 0 && s->raw_used == 0 && s->raw.n == 0) {
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
source_replaced(struct source *s, uint64_t from, uint64_t to)
{
	uint64_t count = 0;
	size_t i, gone = 0;

	for (i = 0; i < s->runs; i++) {
		if (s->run[i].from >= from && s->run[i].from < to)
			count += s->run[i].count;
		if (s->run[i].from < to)
			gone = i + 1;
	}
	s->runs -= gone;
	if (gone > 0)
		memmove(s->run, s->run + gone, s->runs * sizeof(*s->run));
	return count;
}
