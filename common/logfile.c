/* The files of the two logs: see logfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "logfile.h"
#include "when.h"

int
logfile_add(const char *directory, const char *which, int64_t now, const struct buf *line)
{
	time_t clock = (time_t)now;
	char day[16];
	struct tm tm;
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	char *path;
	int fd, bad;

	if (localtime_r(&clock, &tm) == NULL || strftime(day, sizeof(day), "%Y-%m-%d", &tm) == 0) {
		msg_warn("the time of the clock has no date");
		return EX_IOERR;
	}
	path = xasprintf("%s/%s-%s.log", directory, which, day);
	fd = open(path, flags, 0600);
	/* The directory was removed. */
	if (fd == -1 && errno == ENOENT && file_make_dirs(directory) == 0)
		fd = open(path, flags, 0600);
	bad = fd == -1 || file_write(fd, line->p, line->n) == -1;
	if (fd != -1)
		bad |= close(fd) == -1;
	if (bad)
		msg_errno("%s", path);
	free(path);
	return bad ? EX_IOERR : 0;
}

int64_t
logfile_day(const char *name, const char *which)
{
	static const char *const either[] = {"client", "scheduler"};
	char iso[WHEN_SIZE];
	int64_t t;
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = strlen(either[i]);
		if ((which == NULL || strcmp(which, either[i]) == 0) &&
		    strncmp(name, either[i], n) == 0 && name[n] == '-')
			break;
	}
	if (i == 2 || strlen(name + n) != strlen("-2026-11-22.log") ||
	    strcmp(name + n + 11, ".log") != 0)
		return -1;
	snprintf(iso, sizeof(iso), "%.10sT00:00:00Z", name + n + 1);
	return when_parse(iso, strlen(iso), &t) == 0 ? t : -1;
}
