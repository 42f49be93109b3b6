/* A line on the terminal: see fetch.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fetch.h"
#include "file.h"
#include "msg.h"
#include "utf8.h"

#define EVERY_MS   200
#define TROUBLE_MS 10000 /* then it is a message, where there is no line */

static struct {
	const struct site *site;
	const char *unit;
	uint64_t done, total, share;
	int64_t began, drawn;
	int shown;
} bar;

/* The trouble, from the first failure to the next good answer. */
static struct {
	const struct site *site;
	struct buf text;
	int64_t since, again; /* when_clock() of the first failure; of the next try */
	uint64_t received;    /* the site's, then */
	int told;
} trouble;

static void
wipe(void)
{
	if (bar.shown)
		(void)!file_write(2, "\r\033[K", 4);
	bar.shown = 0;
}

/* 1234567 as "1.2 MB" */
static const char *
size_text(double bytes, char *out, size_t n)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	size_t i;

	for (i = 0; bytes >= 1000 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		bytes /= 1000;
	snprintf(out, n, i == 0 ? "%.0f %s" : "%.1f %s", bytes, units[i]);
	return out;
}

/* 1 if there is trouble, and the seconds until the next try. */
static int
waits(int64_t now, int64_t *seconds)
{
	if (trouble.site == NULL)
		return 0;
	if (trouble.site->received > trouble.received) {
		trouble.site = NULL;
		return 0;
	}
	*seconds = trouble.again > now ? (trouble.again - now + 999) / 1000 : 0;
	return 1;
}

static void
draw(int64_t now)
{
	double seconds = (double)(now - bar.began) / 1000;
	char line[400], all[32], rate[32];
	int64_t left;
	int n;

	if (now - bar.drawn < EVERY_MS)
		return;
	bar.drawn = now;
	if (waits(now, &left)) {
		n = snprintf(line, sizeof(line), "\r\033[K%.60s, trying again in %lld s",
		    buf_text(&trouble.text), (long long)left);
		if (trouble.text.n > 60)
			n = snprintf(line, sizeof(line), "\r\033[K%.*s..., trying again in %lld s",
			    (int)utf8_floor(trouble.text.p, 60), trouble.text.p, (long long)left);
		(void)!file_write(2, line, (size_t)n);
		bar.shown = 1;
		return;
	}
	n = snprintf(line, sizeof(line), "\r\033[K%s: %llu of %llu %s", bar.site->name,
	    (unsigned long long)bar.done, (unsigned long long)bar.total, bar.unit);
	if (n > 120)
		return; /* a name as long as that leaves no room */
	n += snprintf(line + n, sizeof(line) - (size_t)n, ", %s, %s/s",
	    size_text((double)bar.site->received, all, sizeof(all)),
	    size_text(seconds > 0 ? (double)bar.site->received / seconds : 0, rate, sizeof(rate)));
	if (bar.share > 0 && seconds > 2) {
		left = (int64_t)(seconds * (double)(PROGRESS_ALL - bar.share) / (double)bar.share);
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", %lld:%02lld left",
		    (long long)left / 60, (long long)left % 60);
	}
	(void)!file_write(2, line, (size_t)n);
	bar.shown = 1;
}

/* call_idle. */
static void
tick(void)
{
	int64_t now = when_clock(), left;

	if (bar.site != NULL)
		draw(now);
	else if (!trouble.told && waits(now, &left) && now - trouble.since >= TROUBLE_MS) {
		trouble.told = 1;
		msg_warn("%s: %s; trying again", trouble.site->name, buf_text(&trouble.text));
	}
}

void
progress_trouble(const struct call *c, const char *what, int64_t delay)
{
	const struct site *s = c->site;
	int64_t now = when_clock(), left;

	msg_tell(1, "%s: %s: %.*s: trying again in %.1f s", s->name, what, (int)c->why.n, c->why.p,
	    (double)delay / 1000);
	if (msg_level > 0)
		return;
	if (!waits(now, &left)) {
		trouble.since = now;
		trouble.told = 0;
	}
	trouble.site = s;
	trouble.received = s->received;
	trouble.again = now + delay;
	buf_reset(&trouble.text);
	msg_harmless(&trouble.text, c->why.p, c->why.n);
	call_idle = tick;
}

int
progress_wait(struct retry *r, const struct call *c, const char *what)
{
	int64_t delay = call_retry(r, c);

	if (delay == -1)
		return -1;
	progress_trouble(c, what, delay);
	call_sleep(delay);
	return 0;
}

void
progress_open(const struct site *s, const char *unit, int data)
{
	if (msg_level > 0 || !isatty(2) || (data && isatty(1)))
		return;
	memset(&bar, 0, sizeof(bar));
	bar.site = s;
	bar.unit = unit;
	bar.began = when_clock();
	msg_before = wipe;
	call_idle = tick;
}

void
progress_at(uint64_t done, uint64_t total, uint64_t share)
{
	bar.done = done;
	bar.total = total;
	bar.share = share;
}

void
progress_close(void)
{
	wipe();
	bar.site = NULL;
	msg_before = NULL;
	call_idle = NULL;
}
