/*
 * praic-conf log: what the two logs have, and what praic-conf itself adds to
 * the client's: who changed what, when.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "conf.h"
#include "file.h"
#include "logfile.h"
#include "msg.h"
#include "when.h"

/* Names of fields, but no values. */
int
log_note(struct conf *c, unsigned user, int argc, char **argv)
{
	struct buf line = {0};
	int64_t now = (int64_t)time(NULL);
	char stamp[WHEN_SIZE], *dir;
	int i, code = settings_text(c->s, "log-directory", &dir);

	if (code != 0 || dir == NULL)
		return code;
	when_format(now, stamp);
	buf_printf(&line, "%s praic-conf: user %u:", stamp, user);
	for (i = 0; i < argc; i++) {
		buf_addc(&line, ' ');
		msg_harmless(&line, argv[i], strcspn(argv[i], "="));
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
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), bad = 0;

	if (fd == -1 && errno == ENOENT)
		return 0; /* removed meanwhile: it was old */
	while (fd != -1 && !bad && (got = file_read(fd, piece, sizeof(piece))) > 0)
		bad = file_write(STDOUT_FILENO, piece, (size_t)got) == -1;
	if (bad || got == -1)
		msg_errno("%s", bad ? "standard output" : path);
	if (fd != -1)
		close(fd);
	return bad || got == -1 ? EX_IOERR : 0;
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
