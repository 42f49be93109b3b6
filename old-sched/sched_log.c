/* The two logs: see sched_log.h. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "msg.h"
#include "sched_log.h"
#include "sched_logfile.h"
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

/* What a file cannot take is said on standard error. */
static void
put(const char *which, const struct buf *line)
{
	if (logfile_add(directory, which, log_now(), line) != 0)
		(void)!file_write(2, line->p, line->n);
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

void
log_prune(int64_t days, int64_t now)
{
	DIR *d = directory != NULL && days > 0 ? opendir(directory) : NULL;
	struct dirent *e;
	int64_t day;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		day = logfile_day(e->d_name, NULL);
		if (day == -1 || now - day < (days + 1) * 86400)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) == -1 && errno != ENOENT)
			msg_errno("%s/%s", directory, e->d_name);
	}
	closedir(d);
}
