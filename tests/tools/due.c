/*
 * Prints due times, as due.h computes them.  AT is hh:mm or -, LAST may be -, the
 * others are UNIX seconds.  The environment variable TZ sets the zone.
 *
 *	due next CREATED PERIOD AT LAST NOW	the next run
 *	due count CREATED PERIOD AT LAST NOW	the number of due runs
 *	due run CREATED PERIOD AT FROM TO STEP	each run of a scheduler with a pass
 *						every STEP seconds
 *	due clock CREATED PERIOD AT NOW...	the same, with passes at these times
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "due.h"

static int64_t
number(const char *text)
{
	return strcmp(text, "-") == 0 ? DUE_NEVER : strtoll(text, NULL, 10);
}

static int64_t
look(const struct due *s, int64_t last, int64_t now)
{
	last = due_last(s, last, now); /* as the scheduler stores it */
	if (due_next(s, last, now) > now)
		return last;
	printf("%lld\n", (long long)now);
	return now;
}

int
main(int argc, char **argv)
{
	struct due s;
	int64_t last = DUE_NEVER, now;
	int hour, minute, i;

	if (argc < 6)
		return 64;
	tzset();
	s.created = number(argv[2]);
	s.period = number(argv[3]);
	s.at = sscanf(argv[4], "%d:%d", &hour, &minute) == 2 ? hour * 60 + minute : DUE_NO_TIME;
	if (strcmp(argv[1], "next") == 0 && argc == 7)
		printf("%lld\n", (long long)due_next(&s, number(argv[5]), number(argv[6])));
	else if (strcmp(argv[1], "count") == 0 && argc == 7)
		printf("%lld\n", (long long)due_count(&s, number(argv[5]), number(argv[6])));
	else if (strcmp(argv[1], "run") == 0 && argc == 8)
		for (now = number(argv[5]); now <= number(argv[6]); now += number(argv[7]))
			last = look(&s, last, now);
	else if (strcmp(argv[1], "clock") == 0)
		for (i = 5; i < argc; i++)
			last = look(&s, last, number(argv[i]));
	else
		return 64;
	return 0;
}
