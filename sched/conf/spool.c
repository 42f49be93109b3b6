/*
 * praic-conf init, and the spool: a directory with a number in SPOOL/id, which
 * is also in the settings database.  Where the two differ the spool belongs to
 * another database, and nothing in it is touched.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "conf.h"
#include "file.h"
#include "msg.h"
#include "num.h"

int
spool_use(struct conf *c, const char *path)
{
	int64_t there, waiting;

	if (file_make_dirs(path) == -1) {
		msg_errno("setting spool: %s", path);
		return EX_CANTCREAT;
	}
	there = settings_spool_id(path);
	if (there > 0 &&
	    there == db_number(c->db, "SELECT value FROM setting WHERE name = 'spool-id'", ""))
		return 0;
	if (there != 0) {
		msg_warn("setting spool: %s: %s; move it away, or use the settings database that "
			 "it belongs to",
		    path,
		    there == -1 ? "it is not empty, and it is no spool" :
				  "it is the spool of another settings database");
		return EX_CONFIG;
	}
	waiting = db_number(c->db, "SELECT count(*) FROM log", "");
	if (waiting > 0) {
		msg_warn("setting spool: %lld files in the present spool are not stored yet: move "
			 "it to %s first, or let the scheduler store them",
		    (long long)waiting, path);
		return EX_USAGE;
	}
	db_do(
	    c->db, "INSERT OR REPLACE INTO setting VALUES ('spool-id', abs(random() / 2) + 1)", "");
	return c->db->code;
}

int
spool_at_work(struct conf *c, int64_t job)
{
	char *spool = settings_text(c->db, "spool");
	char *path = xasprintf("%s/lock/%lld", spool != NULL ? spool : "", (long long)job);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int locked = fd != -1 && flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;

	if (fd != -1)
		close(fd);
	free(path);
	free(spool);
	return locked;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	if (remove(path) == -1)
		msg_errno("%s", path);
	return 0;
}

/* Takes a path that xasprintf() made. */
static void
remove_tree(char *path)
{
	if (access(path, F_OK) == 0)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

/* Remove what is named by a number in a folder, where a query does not find it. */
static void
tidy(struct conf *c, const char *folder, const char *sql)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	uint64_t id;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (num_parse_count(e->d_name, strlen(e->d_name), INT64_MAX, &id) == 0 &&
		    db_number(c->db, sql, "i", (int64_t)id) == DB_NULL && c->db->code == 0)
			remove_tree(xasprintf("%s/%s", folder, e->d_name));
	if (d != NULL)
		closedir(d);
}

/* A folder goes with its site, a log with its fetch, a backup with its transfer.  No
 * query is open while files are removed, because others must wait for it to write. */
static void
tidy_all(struct conf *c, const char *spool)
{
	static const char *const part[][2] = {
	    {"session", "session"}, {"file", "file"}, {"files", "file"}};
	int64_t site = 0;
	char *backups;
	int i;

	tidy(c, spool, "SELECT 1 FROM site WHERE id = ?1");
	while ((site = db_number(c->db, "SELECT min(id) FROM site WHERE id > ?1", "i", site)) !=
	    DB_NULL) {
		for (i = 0; i < 3; i++)
			if (db_number(c->db,
				"SELECT 1 FROM job WHERE site_id = ?1 AND step = 'fetch'"
				" AND data = ?2",
				"it", site, part[i][1]) == DB_NULL &&
			    c->db->code == 0)
				remove_tree(
				    xasprintf("%s/%lld/%s", spool, (long long)site, part[i][0]));
		backups = xasprintf("%s/%lld/backup", spool, (long long)site);
		tidy(c, backups, "SELECT 1 FROM job WHERE transfer_id = ?1 AND step = 'backup'");
		free(backups);
	}
}

int
spool_tidy(struct conf *c)
{
	int64_t id = db_number(c->db, "SELECT value FROM setting WHERE name = 'spool-id'", "");
	char *spool = settings_text(c->db, "spool");
	int code = 0;

	if (spool != NULL && id > 0 && settings_spool_id(spool) == 0)
		code = settings_number_spool(spool, id);
	if (spool != NULL && id > 0 && settings_spool_id(spool) == id)
		tidy_all(c, spool);
	free(spool);
	return code != 0 ? code : c->db->code;
}

/* $VARIABLE, else ~/OTHERWISE. */
static char *
home_folder(const char *variable, const char *otherwise)
{
	const char *dir = getenv(variable), *home = getenv("HOME");

	if (dir != NULL && *dir == '/')
		return xasprintf("%s/praic", dir);
	return xasprintf("%s/%s/praic", home != NULL ? home : "", otherwise);
}

/* The default spool and log directory for this database. */
static void
folders(const char *path, char *folder[2])
{
	const char *given = getenv("PRAIC_SETTINGS"), *slash = strrchr(path, '/');
	char *state;

	if ((given == NULL || *given == '\0') && geteuid() == 0) {
		folder[0] = xstrdup("/var/lib/praic/spool");
		folder[1] = xstrdup("/var/log/praic");
		return;
	}
	if (given == NULL || *given == '\0')
		state = home_folder("XDG_STATE_HOME", ".local/state");
	else
		state = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	folder[0] = xasprintf("%s/spool", state);
	folder[1] = xasprintf("%s/log", state);
	free(state);
}

/* Stores both directories, so that root, a service and a person's shell use the
 * same ones.  Settings that exist stay. */
int
conf_init(struct conf *c, int argc, char **argv)
{
	char full[PATH_MAX], *folder[2], *spool, *logs;
	int code = 0;

	(void)argc;
	(void)argv;
	if (realpath(c->db->path, full) == NULL) {
		msg_errno("%s", c->db->path);
		return EX_OSERR;
	}
	folders(full, folder);
	conf_begin(c);
	db_do(c->db,
	    "INSERT INTO setting VALUES ('spool', ?1), ('log-directory', ?2)"
	    " ON CONFLICT DO NOTHING",
	    "tt", folder[0], folder[1]);
	spool = settings_text(c->db, "spool");
	logs = settings_text(c->db, "log-directory");
	if (c->db->code == 0)
		code = spool_use(c, spool);
	if (code == 0 && c->db->code == 0 && file_make_dirs(logs) == -1) {
		msg_errno("setting log-directory: %s", logs);
		code = EX_CANTCREAT;
	}
	code = conf_end(c, code);
	/* A crash after the commit leaves an empty spool, which init accepts. */
	if (code == 0)
		code = spool_tidy(c);
	if (code == 0)
		printf("%s\n", full);
	free(spool);
	free(logs);
	free(folder[0]);
	free(folder[1]);
	return code;
}
