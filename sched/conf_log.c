/*
 * praic-conf log: the two logs of the guide's log window, and what praic-conf
 * itself adds to the client's: who changed what, when.  A log is a file a
 * day, client-2026-11-22.log, below the setting log-directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf.h"
#include "conf_log.h"
#include "file.h"
#include "msg.h"
#include "when.h"

static int
append(const char *dir, const struct buf *line)
{
	time_t now = time(NULL);
	char day[16];
	struct tm tm;
	char *path;
	int fd, bad;

	if (localtime_r(&now, &tm) == NULL || strftime(day, sizeof(day), "%Y-%m-%d", &tm) == 0)
		return EX_OSERR;
	path = xasprintf("%s/client-%s.log", dir, day);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	bad = fd == -1 || file_write(fd, line->p, line->n) == -1;
	if (fd != -1)
		bad |= close(fd) == -1;
	if (bad)
		msg_errno("%s: the change is made, but not noted", path);
	free(path);
	return bad ? EX_IOERR : 0;
}

int
conf_log_note(struct settings *s, int argc, char **argv)
{
	struct buf line = {0};
	char now[WHEN_SIZE], *dir;
	int i, code = settings_text(s, "log-directory", &dir);

	if (code != 0 || dir == NULL)
		return code;
	when_format((int64_t)time(NULL), now);
	buf_printf(&line, "%s praic-conf: user %u:", now, (unsigned)getuid());
	for (i = 0; i < argc; i++) {
		size_t n = strcspn(argv[i], "=");

		buf_addc(&line, ' ');
		msg_harmless(&line, argv[i], n);
	}
	buf_addc(&line, '\n');
	code = append(dir, &line);
	buf_free(&line);
	free(dir);
	return code;
}

static const char *wanted;

/* WANTED-YYYY-MM-DD.log */
static int
is_log(const struct dirent *e)
{
	size_t n = strlen(wanted), i;
	const char *p = e->d_name;

	if (strncmp(p, wanted, n) != 0 || p[n] != '-' || strlen(p + n) != strlen("-2026-11-22.log"))
		return 0;
	for (i = 1; i <= 10; i++)
		if (i == 5 || i == 8 ? p[n + i] != '-' : p[n + i] < '0' || p[n + i] > '9')
			return 0;
	return strcmp(p + n + 11, ".log") == 0;
}

static int
copy(const char *path)
{
	char piece[65536];
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), bad = fd == -1;

	if (bad && errno == ENOENT)
		return 0;	/* removed meanwhile: it was old */
	while (!bad && (got = file_read(fd, piece, sizeof(piece))) > 0)
		if (file_write(STDOUT_FILENO, piece, (size_t)got) == -1) {
			msg_errno("standard output");
			close(fd);
			return EX_IOERR;
		}
	bad |= got == -1;
	if (bad)
		msg_errno("%s", path);
	if (fd != -1)
		close(fd);
	return bad ? EX_IOERR : 0;
}

int
conf_log(struct conf *c, int argc, char **argv)
{
	struct dirent **entry;
	char *dir, *path;
	int i, n, code;

	wanted = argc == 0 ? "client" : argv[0];
	if (strcmp(wanted, "client") != 0 && strcmp(wanted, "scheduler") != 0) {
		msg_warn("log %s: client or scheduler", wanted);
		return EX_USAGE;
	}
	if ((code = settings_text(c->s, "log-directory", &dir)) != 0 || dir == NULL)
		return code;
	n = scandir(dir, &entry, is_log, alphasort);
	if (n == -1) {
		msg_errno("%s", dir);
		code = EX_NOINPUT;
	}
	for (i = 0; i < n; i++) {
		if (code == 0) {
			path = xasprintf("%s/%s", dir, entry[i]->d_name);
			code = copy(path);
			free(path);
		}
		free(entry[i]);
	}
	if (n != -1)
		free(entry);
	free(dir);
	return code;
}
