/*
 * The settings database as a file: find, check, open and make it; see settings.h.
 * settings_read.c reads its content.
 *
 * It has a rollback journal and not a WAL, so that a reader needs no right to write
 * beside it, and it is one file except during a change.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "secret.h"
#include "settings.h"

/* Changes are small: a writer that holds the lock for longer is stuck. */
#define BUSY_SECONDS 20

/* NULL after a message. */
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

/* Reports an error of SQLite.  The exit code. */
static int
complain(struct settings *s, int rc, const char *doing)
{
	static const struct {
		int rc, code;
		const char *advice;
	} known[] = {{SQLITE_BUSY, EX_TEMPFAIL, ": another program is writing to it"},
	    {SQLITE_LOCKED, EX_TEMPFAIL, ""}, {SQLITE_FULL, EX_IOERR, ""},
	    {SQLITE_NOTADB, EX_CONFIG, ""}, {SQLITE_CANTOPEN, EX_NOINPUT, ""},
	    {SQLITE_READONLY, EX_NOPERM, ""}, {SQLITE_PERM, EX_NOPERM, ""},
	    {SQLITE_AUTH, EX_NOPERM, ""}, {SQLITE_CONSTRAINT, EX_DATAERR, ""},
	    {SQLITE_CORRUPT, EX_CONFIG,
		": a backup of it, or the command .recover of sqlite3, may help"},
	    {SQLITE_ERROR, EX_SOFTWARE, ""}, {SQLITE_SCHEMA, EX_SOFTWARE, ""},
	    {SQLITE_MISUSE, EX_SOFTWARE, ""}, {SQLITE_RANGE, EX_SOFTWARE, ""},
	    {SQLITE_INTERNAL, EX_SOFTWARE, ""}};
	size_t i, n = sizeof(known) / sizeof(known[0]);

	if (rc == SQLITE_NOMEM)
		xnomem();
	for (i = 0; i < n && known[i].rc != (rc & 0xff); i++)
		;
	errno = i == n && s->h != NULL ? sqlite3_system_errno(s->h) : 0;
	msg_warn("%s: %s: %s%s%s%s", s->path, doing,
	    s->h != NULL ? sqlite3_errmsg(s->h) : sqlite3_errstr(rc), i < n ? known[i].advice : "",
	    errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
	return i < n ? known[i].code : EX_IOERR;
}

/*
 * Statements.
 */

static int
fail(struct settings *s, int rc, const char *doing)
{
	return s->code = complain(s, rc, doing);
}

static sqlite3_stmt *
ask(struct settings *s, const char *sql, const char *types, va_list ap)
{
	struct rec_value value;
	sqlite3_stmt *stmt;
	int64_t n;
	int i, rc;

	if (s->code != 0)
		return NULL;
	if ((rc = sqlite3_prepare_v2(s->h, sql, -1, &stmt, NULL)) != SQLITE_OK) {
		fail(s, rc, "reading it");
		return NULL;
	}
	for (i = 1; types[i - 1] != '\0'; i++) {
		if (types[i - 1] == 't')
			rc = sqlite3_bind_text(
			    stmt, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
		else if (types[i - 1] == 'v') {
			value = va_arg(ap, struct rec_value);
			rc = sqlite3_bind_text(stmt, i, value.p, (int)value.n, SQLITE_TRANSIENT);
		} else if ((n = va_arg(ap, int64_t)) != DB_NULL)
			rc = sqlite3_bind_int64(stmt, i, n);
		if (rc == SQLITE_NOMEM) /* it would be NULL */
			xnomem();
	}
	return stmt;
}

sqlite3_stmt *
db_ask(struct settings *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = ask(s, sql, types, ap);
	va_end(ap);
	return stmt;
}

int
db_row(struct settings *s, sqlite3_stmt *stmt)
{
	int rc = stmt != NULL ? sqlite3_step(stmt) : SQLITE_DONE;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		fail(s, sqlite3_extended_errcode(s->h),
		    stmt == NULL || sqlite3_stmt_readonly(stmt) ? "reading it" : "writing to it");
	sqlite3_finalize(stmt);
	return 0;
}

int64_t
db_column(sqlite3_stmt *stmt, int i)
{
	return sqlite3_column_type(stmt, i) == SQLITE_NULL ? DB_NULL :
							     sqlite3_column_int64(stmt, i);
}

const char *
db_string(sqlite3_stmt *stmt, int i)
{
	const char *text = (const char *)sqlite3_column_text(stmt, i);

	if (text == NULL && sqlite3_errcode(sqlite3_db_handle(stmt)) == SQLITE_NOMEM)
		xnomem();
	return text;
}

char *
db_copy(sqlite3_stmt *stmt, int i)
{
	const char *text = db_string(stmt, i);

	return text != NULL ? xstrdup(text) : NULL;
}

int
db_do(struct settings *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = ask(s, sql, types, ap);
	va_end(ap);
	if (stmt == NULL)
		return 0;
	while (db_row(s, stmt))
		;
	return s->code == 0 ? sqlite3_changes(s->h) : 0;
}

int64_t
db_number(struct settings *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	int64_t n = DB_NULL;
	va_list ap;

	va_start(ap, types);
	stmt = ask(s, sql, types, ap);
	va_end(ap);
	while (db_row(s, stmt))
		n = db_column(stmt, 0);
	return n;
}

char *
db_text(struct settings *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	char *text = NULL;
	va_list ap;

	va_start(ap, types);
	stmt = ask(s, sql, types, ap);
	va_end(ap);
	while (db_row(s, stmt)) {
		free(text);
		text = db_copy(stmt, 0);
	}
	return text;
}

void
db_script(struct settings *s, const char *sql)
{
	int rc = s->code != 0 ? SQLITE_OK : sqlite3_exec(s->h, sql, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		fail(s, rc, "writing to it");
}

void
db_begin(struct settings *s)
{
	db_script(s, "BEGIN IMMEDIATE");
}

int
db_end(struct settings *s, int code)
{
	if (code == 0)
		db_script(s, "COMMIT");
	if (!sqlite3_get_autocommit(s->h))
		sqlite3_exec(s->h, "ROLLBACK", NULL, NULL, NULL);
	return code != 0 ? code : s->code;
}

/* Is it praic's settings database, of a known version?  0 and *version, or a code
 * after a message. */
static int
inspect(struct settings *s, enum settings_open how, int64_t *version)
{
	int64_t application = db_number(s, "PRAGMA application_id", "");
	int64_t things = db_number(s, "SELECT count(*) FROM sqlite_master", "");

	*version = db_number(s, "PRAGMA user_version", "");
	if (s->code != 0)
		return s->code;
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
	int64_t version;
	int code = inspect(s, how, &version);
	char *sql;

	if (code != 0 || version == SETTINGS_VERSION)
		return code;
	db_begin(s);
	code = inspect(s, how, &version); /* another process may have made them */
	if (code == 0 && version != SETTINGS_VERSION) {
		sql = xasprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = %d",
		    settings_tables, SETTINGS_APPLICATION_ID, SETTINGS_VERSION);
		db_script(s, sql);
		free(sql);
	}
	return db_end(s, code);
}

/* The directory of a path; to be freed. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Strangers must not be able to replace the file. */
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
 * Only its owner may have access.  The check is by name, before SQLite opens the
 * file: closing another descriptor of it would release SQLite's locks.
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
		msg_warn("%s: this is not a regular file", path);
		return EX_CONFIG;
	}
	if (st.st_uid != geteuid() && geteuid() != 0) {
		msg_warn("%s: it belongs to user %u, and this is user %u: only its owner may "
			 "read settings",
		    path, (unsigned)st.st_uid, (unsigned)geteuid());
		return EX_NOPERM;
	}
	if ((st.st_mode & 077) != 0) {
		msg_warn(
		    "%s: it holds secrets, and other users have access to it: chmod 600 it", path);
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
	/* With a slash, so that SQLite gives no name a special meaning (":memory:"). */
	char *name = xasprintf("%s%s", *s->path == '/' ? "" : "./", s->path);
	int rc = sqlite3_open_v2(name, &s->h, SQLITE_OPEN_READWRITE, NULL);

	free(name);
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(s->h, 1);
		sqlite3_busy_timeout(s->h, BUSY_SECONDS * 1000);
		sqlite3_db_config(s->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(s->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		/* secure_delete: overwrite a secret that is replaced. */
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
		/* The filters must find the same database. */
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

/*
 * The spool.
 */

/* 0: there is none. */
static int64_t
read_id(const char *spool)
{
	char *path = xasprintf("%s/id", spool), text[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd != -1 ? file_read(fd, text, sizeof(text)) : -1;
	uint64_t id;

	if (fd != -1)
		close(fd);
	free(path);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	return n > 0 && num_parse_count(text, (size_t)n, INT64_MAX, &id) == 0 ? (int64_t)id : 0;
}

int64_t
settings_spool_id(const char *spool)
{
	int64_t id = read_id(spool);
	DIR *d = id == 0 ? opendir(spool) : NULL;
	struct dirent *e;
	int used = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		used |= strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, "id.tmp") != 0;
	if (d != NULL)
		closedir(d);
	/* Another process may have numbered and used it just now. */
	return used && (id = read_id(spool)) == 0 ? -1 : id;
}

/* A crash leaves either the whole file or a temporary one. */
int
settings_number_spool(const char *spool, int64_t id)
{
	char *tmp = xasprintf("%s/id.tmp", spool), text[NUM_SIZE + 1];
	int made = file_make_dirs(spool), n = num_format(id, text), fd, bad;
	int dir = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	text[n++] = '\n';
	/* Several jobs may find the spool empty at the same time. */
	while (dir != -1 && flock(dir, LOCK_EX) == -1 && errno == EINTR)
		;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bad = made == -1 || dir == -1 || fd == -1 || file_write(fd, text, (size_t)n) == -1 ||
	    fsync(fd) == -1;
	if (fd != -1)
		bad |= close(fd) == -1;
	bad = bad || file_publish(dir, "id.tmp", "id") == -1;
	if (bad)
		msg_errno("%s/id", spool);
	if (dir != -1)
		close(dir);
	free(tmp);
	return bad ? EX_CANTCREAT : 0;
}

/* The scheduler's lock file, or -1; with a message, unless it is only missing. */
static int
open_lock(struct settings *s, int flags)
{
	char *spool = settings_needed(s, "spool"), *path;
	int fd;

	if (spool == NULL)
		return -1;
	path = xasprintf("%s/" SETTINGS_LOCK, spool);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1 && (errno != ENOENT || (flags & O_CREAT) != 0)) {
		msg_errno("%s", path);
		s->code = EX_CANTCREAT;
	}
	free(path);
	free(spool);
	return fd;
}

int
settings_lock(struct settings *s)
{
	int fd = open_lock(s, O_RDWR | O_CREAT);

	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno == EWOULDBLOCK) {
		msg_warn("%s: a scheduler is already running for it", s->path);
		s->code = EX_TEMPFAIL;
	} else {
		msg_errno("%s in the spool", SETTINGS_LOCK);
		s->code = EX_IOERR;
	}
	close(fd);
	return -1;
}

int
settings_locked(struct settings *s)
{
	int locked, fd = open_lock(s, O_RDONLY);

	if (fd == -1)
		return 0;
	locked = flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}
