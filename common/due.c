/*
 * When a schedule is due: see due.h.
 *
 * Due times are points on a grid that begins with the schedule.  So a late run does
 * not move later ones, and one run makes up for all points that have passed.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "due.h"
#include "msg.h"
#include "when.h"

#define DAY 86400

/* A last run that is further ahead was noted by a wrong clock. */
#define BELIEVED DAY

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* A day of the local calendar, counted from 1970-01-01. */
static int64_t
day_of(int64_t t)
{
	return floor_div(t + when_east(t), DAY);
}

static int64_t
on_day(const struct due *s, int64_t day)
{
	return when_local(day * DAY + s->at * 60, 0);
}

/* The first day whose time of day is not before the schedule was made. */
static int64_t
first_day(const struct due *s)
{
	int64_t day = day_of(s->created);

	return on_day(s, day) >= s->created ? day : day + 1;
}

int64_t
due_after(const struct due *s, int64_t t)
{
	int64_t days = s->period / DAY, first, day, when;

	if (s->at == DUE_NO_TIME)
		return s->created + (floor_div(t - s->created, s->period) + 1) * s->period;
	first = first_day(s);
	day = first + floor_div(day_of(t) - 1 - first, days) * days;
	while ((when = on_day(s, day)) <= t)
		day += days;
	return when;
}

int64_t
due_last(const struct due *s, int64_t last, int64_t now)
{
	int64_t ahead = s->period > BELIEVED ? s->period : BELIEVED;

	/* The clock may also have been wrong when the schedule was made. */
	if (last == DUE_NEVER && (s->at == DUE_NO_TIME || s->created - 1 <= now + ahead))
		return last;
	return last == DUE_NEVER || last > now + ahead ? now : last;
}

int64_t
due_next(const struct due *s, int64_t last, int64_t now)
{
	last = due_last(s, last, now);
	if (last == DUE_NEVER && s->at == DUE_NO_TIME)
		return s->created < now ? s->created : now;
	return due_after(s, last == DUE_NEVER ? s->created - 1 : last);
}

int64_t
due_count(const struct due *s, int64_t last, int64_t now)
{
	int64_t t, n = 0;

	if (last == DUE_NEVER || last >= now)
		return 1;
	if (s->at == DUE_NO_TIME)
		return floor_div(now - s->created, s->period) -
		    floor_div(last - s->created, s->period);
	for (t = due_after(s, last); t <= now; t = due_after(s, t))
		n++;
	return n;
}

/* CET-1CEST...: a name of letters or within <>, and then an offset. */
static int
is_rule(const char *tz)
{
	const char *p = tz;

	if (*p == '<') {
		if ((p = strchr(p, '>')) == NULL)
			return 0;
		p++;
	} else {
		while (isalpha((unsigned char)*p))
			p++;
		if (p - tz < 3)
			return 0;
	}
	p += *p == '+' || *p == '-';
	return isdigit((unsigned char)*p);
}

int
due_zone(void)
{
	const char *tz = getenv("TZ"), *folder = getenv("TZDIR");
	char *path;
	int there;

	if (tz == NULL || *tz == '\0')
		return 0;
	tz += *tz == ':';
	if (strcmp(tz, "UTC") == 0 || is_rule(tz))
		return 0;
	path = *tz == '/' ? xstrdup(tz) :
			    xasprintf("%s/%s", folder != NULL ? folder : "/usr/share/zoneinfo", tz);
	there = access(path, R_OK) == 0;
	if (!there)
		msg_errno("TZ=%s: no such time zone is known here: %s", tz, path);
	free(path);
	return there ? 0 : EX_CONFIG;
}
