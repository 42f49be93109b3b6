/* Times: see when.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "num.h"
#include "when.h"

/* Two digits, or more, of a number within limits; moves p on. */
static int
digits(const char **p, const char *end, int count, int low, int high, int *v)
{
	int i, t = 0;

	if (end - *p < count)
		return -1;
	for (i = 0; i < count; i++) {
		if ((*p)[i] < '0' || (*p)[i] > '9')
			return -1;
		t = t * 10 + ((*p)[i] - '0');
	}
	if (t < low || t > high)
		return -1;
	*p += count;
	*v = t;
	return 0;
}

static int
literal(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return -1;
	(*p)++;
	return 0;
}

/* YYYY-MM-DD, a day that exists. */
static int
read_date(const char **p, const char *end, struct tm *tm)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y;

	if (digits(p, end, 4, 1, 9999, &y) == -1 || literal(p, end, '-') == -1 ||
	    digits(p, end, 2, 1, 12, &tm->tm_mon) == -1 || literal(p, end, '-') == -1 ||
	    digits(p, end, 2, 1, days[tm->tm_mon - 1], &tm->tm_mday) == -1)
		return -1;
	if (tm->tm_mon == 2 && tm->tm_mday == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0)))
		return -1;
	tm->tm_mon--;
	tm->tm_year = y - 1900;
	return 0;
}

/* hh:mm:ss, where :ss may be left out if allowed.  A leap second is cut. */
static int
read_time(const char **p, const char *end, struct tm *tm, int short_form)
{
	if (digits(p, end, 2, 0, 23, &tm->tm_hour) == -1 || literal(p, end, ':') == -1 ||
	    digits(p, end, 2, 0, 59, &tm->tm_min) == -1)
		return -1;
	tm->tm_sec = 0;
	if (short_form && (*p == end || **p != ':'))
		return 0;
	if (literal(p, end, ':') == -1 || digits(p, end, 2, 0, 60, &tm->tm_sec) == -1)
		return -1;
	if (tm->tm_sec == 60)
		tm->tm_sec = 59;
	return 0;
}

/* Z, +hh:mm, +hhmm, +hh, up to 14 hours, as in XML Schema.  0 with seconds east; 1 when there
 * is none; -1. */
static int
read_offset(const char **p, const char *end, int *seconds)
{
	int sign, h, m = 0;

	if (*p == end)
		return 1;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		*seconds = 0;
		return 0;
	}
	if (**p != '+' && **p != '-')
		return 1;
	sign = *(*p)++ == '-' ? -1 : 1;
	if (digits(p, end, 2, 0, 14, &h) == -1)
		return -1;
	if (*p < end) {
		if (**p == ':')
			(*p)++;
		if (digits(p, end, 2, 0, h == 14 ? 0 : 59, &m) == -1)
			return -1;
	}
	*seconds = sign * (h * 3600 + m * 60);
	return 0;
}

/* Not by the C library, for speed: it runs for each time in a record stream. */
static int64_t
utc_seconds(const struct tm *tm)
{
	/* From 1 March of the year 0, so that a leap day ends a year. */
	int64_t y = tm->tm_year + 1900 - (tm->tm_mon < 2), m = (tm->tm_mon + 10) % 12;
	int64_t day = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + tm->tm_mday - 1;

	return (((day - 719468) * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec;
}

static int
in_range(int64_t t)
{
	return t >= WHEN_MIN && t <= WHEN_MAX ? 0 : -1;
}

static void
two_digits(char *out, int v)
{
	out[0] = (char)('0' + v / 10);
	out[1] = (char)('0' + v % 10);
}

/* Not by gmtime_r, which takes a lock and looks for the zone's file: it runs for each
 * event. */
void
when_format(int64_t t, char out[WHEN_SIZE])
{
	static const char pattern[] = "0000-00-00T00:00:00Z";
	/* Days of 400, 100 and 4 years. */
	enum { DAYS_400 = 146097, DAYS_100 = 36524, DAYS_4 = 1461 };
	/* From 1 March of the year 0, so that a leap day ends a year. */
	int64_t day = (t - (t < 0 ? 86399 : 0)) / 86400 + 719468;
	int second = (int)(t - (day - 719468) * 86400), d = (int)(day % DAYS_400), y, m;

	y = (d - d / (DAYS_4 - 1) + d / DAYS_100 - d / (DAYS_400 - 1)) / 365;
	d -= 365 * y + y / 4 - y / 100;
	m = (5 * d + 2) / 153; /* 0 is March */
	d -= (153 * m + 2) / 5 - 1;
	y += (int)(day / DAYS_400) * 400 + (m >= 10);
	m += m < 10 ? 3 : -9;

	memcpy(out, pattern, sizeof(pattern));
	two_digits(out, y / 100);
	two_digits(out + 2, y % 100);
	two_digits(out + 5, m);
	two_digits(out + 8, d);
	two_digits(out + 11, second / 3600);
	two_digits(out + 14, second / 60 % 60);
	two_digits(out + 17, second % 60);
}

int
when_parse(const char *p, size_t n, int64_t *t)
{
	if (n != WHEN_SIZE - 1 || p[10] != 'T' || p[n - 1] != 'Z' || p[17] == '6')
		return -1;
	return when_parse_iso(p, n, t);
}

int
when_parse_unix(const char *p, size_t n, int64_t *t)
{
	return num_parse(p, n, t) == -1 ? -1 : in_range(*t);
}

int
when_parse_span(const char *text, int64_t *seconds)
{
	size_t n = strlen(text);
	uint64_t v, unit = 1;

	if (n == 0)
		return -1;
	switch (text[n - 1]) {
	case 'w':
		unit = 7 * 86400;
		break;
	case 'd':
		unit = 86400;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'm':
		unit = 60;
		break;
	case 's':
		break;
	default:
		n++; /* plain seconds */
	}
	/* At most a thousand years. */
	if (num_parse_count(text, n - 1, 31556952000u / unit, &v) == -1)
		return -1;
	*seconds = (int64_t)(v * unit);
	return 0;
}

int64_t
when_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
when_east(int64_t t)
{
	time_t clock = (time_t)t;
	struct tm tm;

	return localtime_r(&clock, &tm) != NULL ? tm.tm_gmtoff : 0;
}

int64_t
when_local(int64_t local, int last)
{
	int64_t before = local - when_east(local - 86400), after = local - when_east(local + 86400);
	int64_t low, high, middle;

	if (last && after + when_east(after) == local)
		return after;
	if (before + when_east(before) == local)
		return before;
	if (after + when_east(after) == local)
		return after;
	/* The zone changes within (after, before]: the end of the gap. */
	low = after;
	high = before;
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (middle + when_east(middle) < local)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* A date and time with a fraction, in UTC where it has no offset.  Or, where a
 * person gives it (local), a date alone, seconds left out, and local time. */
static int
parse_calendar(const char *p, size_t n, int local, int last, int64_t *t)
{
	const char *end = p + n, *fraction;
	struct tm tm = {0};
	int east = 0, kind;

	if (read_date(&p, end, &tm) == -1)
		return -1;
	if (p < end && (*p == 'T' || *p == ' ')) {
		p++;
		if (read_time(&p, end, &tm, local) == -1)
			return -1;
	} else if (!local)
		return -1;
	if (!local && p < end && (*p == '.' || *p == ',')) {
		for (fraction = ++p; p < end && *p >= '0' && *p <= '9'; p++)
			;
		if (p == fraction)
			return -1;
	}
	kind = read_offset(&p, end, &east);
	if (kind == -1 || p != end)
		return -1;
	*t = utc_seconds(&tm) - east;
	if (local && kind == 1) {
		tzset();
		*t = when_local(*t, last);
	}
	return in_range(*t);
}

int
when_parse_iso(const char *p, size_t n, int64_t *t)
{
	return parse_calendar(p, n, 0, 0, t);
}

static int
parse_user(const char *text, int64_t now, int last, int64_t *t)
{
	size_t n = strlen(text);
	char date[16];

	if (strcmp(text, "now") == 0) {
		*t = now;
		return 0;
	}
	if (*text == '@')
		return when_parse_unix(text + 1, n - 1, t);
	if (n == 8 && strspn(text, "0123456789") == n) {
		n = (size_t)snprintf(
		    date, sizeof(date), "%.4s-%.2s-%.2s", text, text + 4, text + 6);
		return parse_calendar(date, n, 1, last, t);
	}
	if (n > 0 && strspn(text, "0123456789") == n)
		return when_parse_unix(text, n, t);
	if (n > 0 && text[n - 1] != 'Z' && when_parse_span(text, t) == 0) {
		*t = now - *t;
		return in_range(*t);
	}
	return parse_calendar(text, n, 1, last, t);
}

int
when_parse_user(const char *text, int64_t now, int64_t *t)
{
	return parse_user(text, now, 0, t);
}

int
when_parse_until(const char *text, int64_t now, int64_t *t)
{
	return parse_user(text, now, 1, t);
}
