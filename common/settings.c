/*
 * The settings database as a file: found, checked, opened, made.  What
 * is in it is read in settings_read.c; see settings.h.
 *
 * It keeps a rollback journal and not a WAL: a reader then needs no right to
 * write beside it, and it is one file but for the moments of a change.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "secret.h"
#include "settings.h"
#include "settings_schema.h"

/* Changes here are small: who waits longer than this waits in vain. */
#define BUSY_SECONDS 20

struct settings {
	char *path;
	sqlite3 *h;
};

/* NULL, after a message, when there is no home either. */
static char *
default_path(void)
{
	const char *given = getenv("PRAIC_SETTINGS"), *dir;

	if (given != NULL && *given != '\0')
		return xstrdup(given);
	if (geteuid() == 0)
		return xstrdup("/etc/praic/settings.db");
	dir = getenv("XDG_CONFIG_HOME");
	if (dir != NULL && *dir == '/')
		return xasprintf("%s/praic/settings.db", dir);
	dir = getenv("HOME");
	if (dir != NULL && *dir == '/')
		return xasprintf("%s/.config/praic/settings.db", dir);
	msg_warn("settings database: neither $PRAIC_SETTINGS nor $HOME says where it is");
	return NULL;
}

const char *
settings_path(const struct settings *s)
{
	return s->path;
}

sqlite3 *
settings_handle(struct settings *s)
{
	return s->h;
}

/* What went wrong, in words; its code. */
static int
complain(struct settings *s, int rc, const char *doing)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		msg_warn("%s: %s: another program has been writing to it for %d seconds", s->path,
		    doing, BUSY_SECONDS);
		return EX_TEMPFAIL;
	case SQLITE_NOMEM:
		xnomem();
	case SQLITE_FULL:
		msg_warn("%s: %s: the disk is full", s->path, doing);
		return EX_IOERR;
	case SQLITE_NOTADB:
		msg_warn("%s: this is no SQLite database", s->path);
		return EX_CONFIG;
	case SQLITE_CANTOPEN:
		msg_warn("%s: %s: %s", s->path, doing, sqlite3_errmsg(s->h));
		return EX_NOINPUT;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		msg_warn("%s: %s: it may not be written to", s->path, doing);
		return EX_NOPERM;
	case SQLITE_CORRUPT:
		msg_warn("%s: %s: it is damaged (%s); a backup of it, or sqlite3's \".recover\", "
			 "may help",
		    s->path, doing, sqlite3_errmsg(s->h));
		return EX_CONFIG;
	case SQLITE_CONSTRAINT:
		msg_warn("%s: %s: %s", s->path, doing, sqlite3_errmsg(s->h));
		return EX_DATAERR;
	case SQLITE_ERROR:
	case SQLITE_SCHEMA:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_INTERNAL:
		msg_warn("%s: %s: %s", s->path, doing, sqlite3_errmsg(s->h));
		return EX_SOFTWARE;
	default:
		errno = s->h != NULL ? sqlite3_system_errno(s->h) : 0;
		if (errno != 0)
			msg_errno("%s: %s: %s", s->path, doing, sqlite3_errmsg(s->h));
		else
			msg_warn("%s: %s: %s", s->path, doing, sqlite3_errmsg(s->h));
		return EX_IOERR;
	}
}

int
settings_failed(struct settings *s, const char *doing)
{
	return complain(s, sqlite3_extended_errcode(s->h), doing);
}

sqlite3_stmt *
settings_prepare(struct settings *s, const char *sql)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(s->h, sql, -1, &stmt, NULL) == SQLITE_OK)
		return stmt;
	settings_failed(s, "reading it");
	return NULL;
}

int
settings_exec(struct settings *s, const char *sql)
{
	int rc = sqlite3_exec(s->h, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : complain(s, rc, "writing to it");
}

int
settings_run(struct settings *s, sqlite3_stmt *stmt, const char *doing)
{
	int rc, code = 0;

	if (stmt == NULL)
		return EX_SOFTWARE; /* it was said why */
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		;
	if (rc != SQLITE_DONE)
		code = settings_failed(s, doing);
	sqlite3_finalize(stmt);
	return code;
}

int
settings_begin(struct settings *s)
{
	return settings_exec(s, "BEGIN IMMEDIATE");
}

int
settings_commit(struct settings *s)
{
	int code = settings_exec(s, "COMMIT");

	if (code != 0)
		settings_rollback(s);
	return code;
}

void
settings_rollback(struct settings *s)
{
	if (!sqlite3_get_autocommit(s->h))
		sqlite3_exec(s->h, "ROLLBACK", NULL, NULL, NULL);
}

/* One number out of it; 0 where there is none. */
static int
ask(struct settings *s, const char *sql, int64_t *answer)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(s->h, sql, -1, &stmt, NULL);

	*answer = 0;
	if (rc != SQLITE_OK)
		return complain(s, rc, "reading it");
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*answer = sqlite3_column_int64(stmt, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		rc = settings_failed(s, "reading it");
	else
		rc = 0;
	sqlite3_finalize(stmt);
	return rc;
}

/* Whose is it, and how old?  0 and *version; or a code after a message. */
static int
inspect(struct settings *s, enum settings_open how, int64_t *version)
{
	int64_t application, things;
	int code;

	if ((code = ask(s, "PRAGMA application_id", &application)) != 0 ||
	    (code = ask(s, "PRAGMA user_version", version)) != 0 ||
	    (code = ask(s, "SELECT count(*) FROM sqlite_master", &things)) != 0)
		return code;
	if (application == SETTINGS_STORAGE_ID) {
		msg_warn("%s: this is a storage database; the settings are kept in a file of "
			 "their own",
		    s->path);
		return EX_CONFIG;
	}
	if (application != SETTINGS_APPLICATION_ID && (application != 0 || things != 0)) {
		msg_warn("%s: this is another program's database, not praic's settings", s->path);
		return EX_CONFIG;
	}
	if (*version > SETTINGS_VERSION) {
		msg_warn("%s: it is of version %lld, and this %s knows up to %d: install the "
			 "newer praic",
		    s->path, (long long)*version, msg_program(), SETTINGS_VERSION);
		return EX_CONFIG;
	}
	if (application != 0 && *version < SETTINGS_VERSION) {
		msg_warn(
		    "%s: it was made by praic 1, which this praic does not read: move it and its "
		    "spool away, and enter the settings again (NEWS, 2.0.0)",
		    s->path);
		return EX_CONFIG;
	}
	if (application == 0 && how != SETTINGS_CREATE) {
		msg_warn("%s: it is empty; praic-conf init makes the settings database", s->path);
		return EX_CONFIG;
	}
	return 0;
}

/* Make its tables, where there are none yet. */
static int
make_tables(struct settings *s, enum settings_open how)
{
	struct buf sql = {0};
	int64_t version;
	int code;

	code = inspect(s, how, &version);
	if (code != 0 || version == SETTINGS_VERSION)
		return code;
	if ((code = settings_begin(s)) != 0)
		return code;
	code = inspect(s, how, &version); /* somebody may have been faster */
	buf_printf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    SETTINGS_APPLICATION_ID, SETTINGS_VERSION);
	if (code == 0 && version != SETTINGS_VERSION)
		code = settings_exec(s, settings_tables);
	if (code == 0)
		code = settings_exec(s, buf_text(&sql));
	if (code == 0)
		code = settings_commit(s);
	settings_rollback(s);
	buf_free(&sql);
	return code;
}

/* The directory that it is in; to be freed. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Could a stranger put another file in its place? */
static int
check_folder(const char *path)
{
	char *folder = folder_of(path);
	struct stat st;
	int code = 0;

	if (stat(folder, &st) == -1) {
		msg_errno("%s", folder);
		code = EX_NOINPUT;
	} else if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0) {
		msg_warn("%s: everybody may write to the directory of the settings database: "
			 "chmod o-w it",
		    folder);
		code = EX_CONFIG;
	}
	free(folder);
	return code;
}

/*
 * Its owner's alone?  By name, before SQLite opens it: a descriptor of ours
 * that is closed would take SQLite's locks along.
 */
static int
check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			msg_warn("%s: there is no settings database; praic-conf init makes one, "
				 "and $PRAIC_SETTINGS names another",
			    path);
		else
			msg_errno("%s", path);
		return errno == EACCES ? EX_NOPERM : EX_NOINPUT;
	}
	if (!S_ISREG(st.st_mode)) {
		msg_warn("%s: this is no regular file", path);
		return EX_CONFIG;
	}
	if (st.st_uid != geteuid() && geteuid() != 0) {
		msg_warn("%s: it belongs to user %u, and this is user %u: settings are read by "
			 "their owner only",
		    path, (unsigned)st.st_uid, (unsigned)geteuid());
		return EX_NOPERM;
	}
	if ((st.st_mode & 077) != 0) {
		msg_warn("%s: others may use it, and it holds secrets: chmod 600 it", path);
		return EX_CONFIG;
	}
	return check_folder(path);
}

static int
make_file(const char *path)
{
	char *folder = folder_of(path);
	int fd, code = 0;

	if (file_make_dirs(folder) == -1) {
		msg_errno("%s", folder);
		code = EX_CANTCREAT;
	} else {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd != -1)
			close(fd);
		else if (errno != EEXIST) {
			msg_errno("%s", path);
			code = EX_CANTCREAT;
		}
	}
	free(folder);
	return code;
}

static int
open_file(struct settings *s, enum settings_open how)
{
	/* No name has a meaning of its own, such as ":memory:". */
	char *name = xasprintf("%s%s", *s->path == '/' ? "" : "./", s->path);
	int rc = sqlite3_open_v2(name, &s->h, SQLITE_OPEN_READWRITE, NULL);

	free(name);
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(s->h, 1);
		sqlite3_busy_timeout(s->h, BUSY_SECONDS * 1000);
		sqlite3_db_config(s->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(s->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		/* secure_delete: a secret that was changed is gone. */
		rc = sqlite3_exec(s->h,
		    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		    "PRAGMA secure_delete = ON",
		    NULL, NULL, NULL);
	}
	if (rc != SQLITE_OK)
		return complain(s, rc, "opening it");
	return make_tables(s, how);
}

int
settings_become_owner(void)
{
	char *path, *folder;
	struct passwd *owner;
	struct stat st;
	int bad = 0;

	if (geteuid() != 0)
		return 0;
	path = default_path();
	folder = folder_of(path);
	if ((stat(path, &st) == 0 || stat(folder, &st) == 0) && st.st_uid != 0) {
		owner = getpwuid(st.st_uid);
		/* The filters, too, must find the same database. */
		bad = setenv("PRAIC_SETTINGS", path, 1) == -1 ||
		    (owner != NULL ? initgroups(owner->pw_name, owner->pw_gid) :
				     setgroups(0, NULL)) == -1 ||
		    setgid(owner != NULL ? owner->pw_gid : st.st_gid) == -1 ||
		    setuid(st.st_uid) == -1;
		if (bad)
			msg_errno("%s: becoming its owner, user %u", path, (unsigned)st.st_uid);
	}
	free(path);
	free(folder);
	return bad ? EX_OSERR : 0;
}

struct settings *
settings_open(const char *path, enum settings_open how, int *code)
{
	struct settings *s;
	char *name = path != NULL ? xstrdup(path) : default_path();

	*code = EX_CONFIG;
	if (name == NULL)
		return NULL;
	*code = how == SETTINGS_CREATE ? make_file(name) : 0;
	if (*code == 0)
		*code = check_file(name);
	if (*code != 0) {
		free(name);
		return NULL;
	}
	secret_guard();
	s = xcalloc(1, sizeof(*s));
	s->path = name;
	*code = open_file(s, how);
	if (*code == 0)
		return s;
	settings_close(s);
	return NULL;
}

void
settings_close(struct settings *s)
{
	if (s == NULL)
		return;
	sqlite3_close(s->h);
	free(s->path);
	free(s);
}
