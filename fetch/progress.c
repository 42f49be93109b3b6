/* A line on the terminal: see progress.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "file.h"
#include "msg.h"
#include "progress.h"

#define EVERY_MS 200

static struct {
	const struct site *site;
	const char *unit;
	uint64_t done, total, sessions, share;
	int64_t began, drawn;
	int shown;
} bar;

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

static void
draw(void)
{
	int64_t now = call_clock(), left;
	double seconds = (double)(now - bar.began) / 1000;
	char line[200], all[32], rate[32];
	int n;

	if (now - bar.drawn < EVERY_MS)
		return;
	bar.drawn = now;
	n = snprintf(line, sizeof(line), "\r\033[K%s: %llu of %llu %s", bar.site->name,
	    (unsigned long long)bar.done, (unsigned long long)bar.total, bar.unit);
	if (n > 120)
		return; /* a name as long as that leaves no room */
	n += snprintf(line + n, sizeof(line) - (size_t)n, ", %llu sessions, %s, %s/s",
	    (unsigned long long)bar.sessions,
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

void
progress_open(const struct site *s, const char *unit, int data)
{
	if (msg_level > 0 || !isatty(2) || (data && isatty(1)))
		return;
	memset(&bar, 0, sizeof(bar));
	bar.site = s;
	bar.unit = unit;
	bar.began = call_clock();
	msg_before = wipe;
	call_idle = draw;
}

void
progress_at(uint64_t done, uint64_t total, uint64_t sessions, uint64_t share)
{
	bar.done = done;
	bar.total = total;
	bar.sessions = sessions;
	bar.share = share;
}

void
progress_close(void)
{
	wipe();
	msg_before = NULL;
	call_idle = NULL;
}
