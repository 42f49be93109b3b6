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
#include "sched_logfile.h"
#include "when.h"

int
conf_log_note(struct settings *s, int argc, char **argv)
{
	struct buf line = {0};
	int64_t now = (int64_t)time(NULL);
	char stamp[WHEN_SIZE], *dir;
	int i, code = settings_text(s, "log-directory", &dir);

	if (code != 0 || dir == NULL)
		return code;
	when_format(now, stamp);
	buf_printf(&line, "%s praic-conf: user %u:", stamp, (unsigned)getuid());
	for (i = 0; i < argc; i++) {
		size_t n = strcspn(argv[i], "=");

		buf_addc(&line, ' ');
		msg_harmless(&line, argv[i], n);
	}
	buf_addc(&line, '\n');
	code = logfile_add(dir, "client", now, &line);
	if (code != 0)
		msg_warn("the change is made, but not noted");
	buf_free(&line);
	free(dir);
	return code;
}

static const char *wanted;

static int
is_log(const struct dirent *e)
{
	return logfile_day(e->d_name, wanted) != -1;
}

static int
copy(const char *path)
{
	char piece[65536];
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), bad = fd == -1;

	if (bad && errno == ENOENT)
		return 0; /* removed meanwhile: it was old */
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
