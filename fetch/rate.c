/*
 * So many calls a second: see rate.h.
 *
 * The file says when the next call may start, by a clock that all processes
 * of a machine share.  The clock begins anew with the machine: a time that is
 * too far ahead is not believed.  The lock is held for a few system calls;
 * who cannot have it for a while, or cannot have the file, keeps to the rate
 * by itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "cache.h"
#include "rate.h"

#define SECOND	   INT64_C(1000000)
#define PATIENCE   (2 * SECOND)	 /* with a lock */
#define MOST	   (10 * SECOND) /* nobody books so far ahead: the file is wrong */
#define STATE_SIZE 32

struct rate {
	int64_t next;	      /* of this process: us */
	int64_t locked_since; /* 0: not */
	int opened, fd;
};

struct rate *
rate_new(void)
{
	struct rate *r = xcalloc(1, sizeof(*r));

	r->fd = -1;
	return r;
}

void
rate_free(struct rate *r)
{
	if (r == NULL)
		return;
	if (r->fd != -1)
		close(r->fd);
	free(r);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

/* A little more than its share: calls do not take equally long to arrive, and
 * an appliance may look at any second. */
static int64_t
gap(const struct site *s)
{
	return SECOND * 21 / 20 / s->rate;
}

/* When the next call of any process may start; 0 when nothing is known. */
static int64_t
read_next(struct rate *r, int64_t now)
{
	char text[STATE_SIZE + 1];
	int64_t next;
	ssize_t n = pread(r->fd, text, STATE_SIZE, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%" SCNd64, &next) != 1 || next > now + MOST)
		return 0;
	return next;
}

static void
write_next(struct rate *r, int64_t next)
{
	char text[STATE_SIZE + 1];

	/* Always as long, and in one piece: there is nothing left to cut. */
	snprintf(text, sizeof(text), "%-31" PRId64 "\n", next);
	(void)!pwrite(r->fd, text, STATE_SIZE, 0);
}

/* As rate_book, among processes. */
static int64_t
book_shared(struct rate *r, const struct site *s, int64_t now)
{
	int64_t next;

	if (!r->opened) {
		r->opened = 1;
		(void)cache_open(s, "rate", &r->fd);
	}
	if (r->fd == -1)
		return 0;
	if (flock(r->fd, LOCK_EX | LOCK_NB) == -1) {
		if (r->locked_since == 0)
			r->locked_since = now;
		return errno == EWOULDBLOCK && now - r->locked_since < PATIENCE ? 1 : 0;
	}
	r->locked_since = 0;
	next = read_next(r, now);
	if (next <= now)
		write_next(r, now + gap(s));
	(void)flock(r->fd, LOCK_UN);
	return next > now ? (next - now + 999) / 1000 : 0;
}

int64_t
rate_book(struct rate *r, const struct site *s)
{
	int64_t now = now_us(), wait;

	if (r->next > now)
		return (r->next - now + 999) / 1000;
	if (s->rate == 0)
		return 0;
	wait = book_shared(r, s, now);
	if (wait == 0)
		r->next = now + gap(s);
	return wait;
}

void
rate_hold(struct rate *r, int64_t ms)
{
	int64_t until = now_us() + ms * 1000;

	if (until > r->next)
		r->next = until;
}
