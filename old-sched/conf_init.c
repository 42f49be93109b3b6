/*
 * praic-conf init: the settings database, and the two directories that the
 * scheduler cannot do without.  Both are written down, so that root, a
 * service and a person's shell see the same ones.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf_init.h"
#include "file.h"
#include "msg.h"
#include "settings.h"

/* $VARIABLE, else ~/OTHERWISE. */
static char *
home_folder(const char *variable, const char *otherwise)
{
	const char *dir = getenv(variable), *home = getenv("HOME");

	if (dir != NULL && *dir == '/')
		return xasprintf("%s/praic", dir);
	return xasprintf("%s/%s/praic", home != NULL ? home : "", otherwise);
}

/* Where does what the scheduler writes go, beside this database? */
static void
folders(const char *path, char **spool, char **log)
{
	const char *given = getenv("PRAIC_SETTINGS"), *slash = strrchr(path, '/');
	char *state;

	if (given == NULL || *given == '\0') {
		if (geteuid() == 0) {
			*spool = xstrdup("/var/lib/praic/spool");
			*log = xstrdup("/var/log/praic");
			return;
		}
		state = home_folder("XDG_STATE_HOME", ".local/state");
	} else
		state = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	*spool = xasprintf("%s/spool", state);
	*log = xasprintf("%s/log", state);
	free(state);
}

/* What was set before stays. */
static int
note(struct settings *s, const char *name, const char *path)
{
	sqlite3_stmt *stmt = settings_prepare(
	    s, "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING");

	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, path, -1, SQLITE_STATIC);
	return settings_run(s, stmt, "writing to it");
}

static int
fill(struct settings *s, const char *full)
{
	static const char *const name[] = {"spool", "log-directory"};
	char *path[2], *now;
	int code, i;

	folders(full, &path[0], &path[1]);
	if ((code = settings_begin(s)) == 0) {
		for (i = 0; i < 2 && code == 0; i++)
			code = note(s, name[i], path[i]);
		if (code == 0)
			code = settings_commit(s);
		settings_rollback(s);
	}
	for (i = 0; i < 2; i++) {
		now = NULL;
		if (code == 0 && (code = settings_text(s, name[i], &now)) == 0 && now != NULL &&
		    file_make_dirs(now) == -1) {
			msg_errno("%s", now);
			code = EX_CANTCREAT;
		}
		free(now);
		free(path[i]);
	}
	return code;
}

int
conf_init(void)
{
	char full[PATH_MAX];
	struct settings *s;
	int code;

	s = settings_open(NULL, SETTINGS_CREATE, &code);
	if (s == NULL)
		return code;
	if (realpath(settings_path(s), full) == NULL) {
		msg_errno("%s", settings_path(s));
		code = EX_OSERR;
	} else
		code = fill(s, full);
	if (code == 0 && printf("%s\n", full) < 0)
		code = EX_IOERR;
	settings_close(s);
	return code;
}
