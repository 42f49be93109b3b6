/*
 * The rate of calls: see fetch.h.
 *
 * The file says when the next call may start, by a clock that all processes
 * of a machine share.  The clock begins anew with the machine: a time that is
 * too far ahead is not believed.  Without the file, a process keeps to the
 * rate by itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "fetch.h"

#define PATIENCE   2000	 /* ms with a lock that another process holds */
#define MOST	   10000 /* ms: a time further ahead than that is wrong */
#define STATE_SIZE 32

static int64_t next; /* call of this process: when_clock() */

/* Milliseconds between two calls, and a little more, because calls do not take
 * equally long to arrive. */
static int64_t
gap(const struct site *s)
{
	return (1050 + s->rate - 1) / s->rate;
}

/* As rate_book, among processes. */
static int64_t
book_shared(const struct site *s, int64_t now)
{
	static int opened, fd = -1;
	static int64_t locked_since; /* 0: not */
	char text[STATE_SIZE + 1];
	int64_t shared = 0;
	ssize_t n;

	if (!opened) {
		opened = 1;
		(void)cache_open(s, "rate", &fd);
	}
	if (fd == -1)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		locked_since = locked_since != 0 ? locked_since : now;
		return errno == EWOULDBLOCK && now - locked_since < PATIENCE ? 1 : 0;
	}
	locked_since = 0;
	n = pread(fd, text, STATE_SIZE, 0);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%" SCNd64, &shared) != 1 || shared > now + MOST)
		shared = 0;
	if (shared <= now) {
		/* The text has a fixed length, so the file need not be cut. */
		snprintf(text, sizeof(text), "%-31" PRId64 "\n", now + gap(s));
		(void)!pwrite(fd, text, STATE_SIZE, 0);
	}
	(void)flock(fd, LOCK_UN);
	return shared > now ? shared - now : 0;
}

int64_t
rate_book(const struct site *s)
{
	int64_t now = when_clock(), wait;

	if (next > now)
		return next - now;
	if (s->rate == 0)
		return 0;
	wait = book_shared(s, now);
	if (wait == 0)
		next = now + gap(s);
	return wait;
}

void
rate_hold(int64_t ms)
{
	if (when_clock() + ms > next)
		next = when_clock() + ms;
}
