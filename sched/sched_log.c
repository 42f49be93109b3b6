/* The two logs: see sched_log.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "msg.h"
#include "sched_log.h"
#include "when.h"

static const char *directory;
static int64_t fixed_now;

void
log_open(int64_t now)
{
	fixed_now = now;
}

void
log_directory(const char *path)
{
	directory = path;
}

int64_t
log_now(void)
{
	return fixed_now != 0 ? fixed_now : (int64_t)time(NULL);
}

/* One write to a file opened for it: renamed, removed, shared: all is fine. */
static void
put(const char *which, const struct buf *line)
{
	char day[16];
	time_t now = (time_t)log_now();
	struct tm tm;
	char *path;
	int fd;

	localtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	path = xasprintf("%s/%s-%s.log", directory, which, day);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1 || file_write(fd, line->p, line->n) == -1) {
		msg_errno("%s", path);
		(void)!file_write(2, line->p, line->n);
	}
	if (fd != -1)
		close(fd);
	free(path);
}

static void
begin_line(struct buf *b)
{
	char now[WHEN_SIZE];

	when_format(log_now(), now);
	buf_printf(b, "%s ", now);
}

void
log_say(int level, const char *fmt, ...)
{
	struct buf words = {0}, line = {0};
	va_list ap;
	int n;

	if (level > msg_level && level > 0 && directory == NULL)
		return;
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	buf_reserve(&words, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(words.p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	words.n = (size_t)n;
	if (directory != NULL) {
		begin_line(&line);
		msg_harmless(&line, words.p, words.n);
		buf_addc(&line, '\n');
		put("scheduler", &line);
	}
	if (level <= msg_level && (directory == NULL || level > 0))
		msg_warn("%s", buf_text(&words));
	buf_free(&words);
	buf_free(&line);
}

void
log_client(const char *where, const char *p, size_t n)
{
	struct buf line = {0};

	if (directory != NULL)
		begin_line(&line);
	buf_printf(&line, "%s ", where);
	msg_harmless(&line, p, n);
	buf_addc(&line, '\n');
	if (directory != NULL)
		put("client", &line);
	if (directory == NULL || msg_level > 0)
		(void)!file_write(2, line.p, line.n);
	buf_free(&line);
}

/* client-YYYY-MM-DD.log or scheduler-YYYY-MM-DD.log: its day, or -1. */
static int64_t
day_of(const char *name)
{
	char iso[WHEN_SIZE];
	int64_t t;
	size_t n;

	if (strncmp(name, "client-", 7) == 0)
		name += 7;
	else if (strncmp(name, "scheduler-", 10) == 0)
		name += 10;
	else
		return -1;
	n = strlen(name);
	if (n != 14 || strcmp(name + 10, ".log") != 0)
		return -1;
	snprintf(iso, sizeof(iso), "%.10sT00:00:00Z", name);
	return when_parse(iso, strlen(iso), &t) == 0 ? t : -1;
}

void
log_prune(int64_t days)
{
	DIR *d = directory != NULL && days > 0 ? opendir(directory) : NULL;
	struct dirent *e;
	int64_t day;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		day = day_of(e->d_name);
		if (day == -1 || log_now() - day < (days + 1) * 86400)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) == -1 && errno != ENOENT)
			msg_errno("%s/%s", directory, e->d_name);
	}
	closedir(d);
}
