/* $TZ: see sched_zone.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "sched_zone.h"

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
zone_check(void)
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
