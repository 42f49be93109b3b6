/*
 * praic-conf init, and the spool: a directory with a number, SPOOL/id, that
 * the settings database holds, too.  A spool that belongs to another
 * database, or has lost its number, is left alone.
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
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "conf.h"
#include "file.h"
#include "msg.h"
#include "num.h"

/* Nothing in it but an id that was never finished, or nothing there. */
static int
is_empty(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int entries = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		entries += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, "id.tmp") != 0;
	if (d != NULL)
		closedir(d);
	return entries == 0;
}

/* The number in SPOOL/id; -1 where there is none. */
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
	return n > 0 && num_parse_count(text, (size_t)n, INT64_MAX, &id) == 0 ? (int64_t)id : -1;
}

/* A crash leaves a file of another name, or all of it. */
int
spool_number(const char *spool, int64_t id)
{
	char *tmp = xasprintf("%s/id.tmp", spool), text[NUM_SIZE + 1];
	int dir = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = num_format(id, text), fd,
	    bad;

	text[n++] = '\n';
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bad = dir == -1 || fd == -1 || file_write(fd, text, (size_t)n) == -1 || fsync(fd) == -1;
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

int
spool_use(struct conf *c, const char *path)
{
	int64_t id = conf_number(c, "SELECT value FROM setting WHERE name = 'spool-id'", 0), there;
	int64_t waiting = conf_number(c, "SELECT count(*) FROM log", 0);
	int code;

	if (file_make_dirs(path) == -1) {
		msg_errno("setting spool: %s", path);
		return EX_CANTCREAT;
	}
	there = read_id(path);
	if (there != -1 && there == id)
		return 0;
	if (!is_empty(path)) {
		msg_warn("setting spool: %s: %s; move it away, or use the settings database that "
			 "it belongs to",
		    path,
		    there == -1 ? "it is not empty, and it is no spool" :
				  "it is the spool of another settings database");
		return EX_CONFIG;
	}
	if (waiting > 0) {
		msg_warn("setting spool: %lld files in the spool that there is wait for their "
			 "destinations: move that to %s first, or let the scheduler store them",
		    (long long)waiting, path);
		return EX_USAGE;
	}
	if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
		msg_errno("random number");
		return EX_OSERR;
	}
	id = (int64_t)((uint64_t)id >> 1) | 1;
	code = conf_sql(c,
	    "INSERT INTO setting (name, value) VALUES ('spool-id', ?1) ON CONFLICT (name) DO "
	    "UPDATE SET value = excluded.value",
	    id, 0);
	free(c->spool);
	c->spool = xstrdup(path);
	c->spool_id = id;
	return code;
}

char *
spool_fault(struct conf *c, const char *path)
{
	int64_t id = conf_number(c, "SELECT value FROM setting WHERE name = 'spool-id'", 0);

	if (read_id(path) == id)
		return NULL;
	return xasprintf(
	    "%s/id is not the number that the settings have: it is the spool of another "
	    "settings database, or one of them was restored",
	    path);
}

int
spool_at_work(struct conf *c, int64_t job)
{
	char *spool, *path;
	int fd, locked;

	if (settings_text(c->s, "spool", &spool) != 0)
		return 0;
	path = xasprintf("%s/lock/%lld", spool != NULL ? spool : "", (long long)job);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	locked = fd != -1 && flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	if (fd != -1)
		close(fd);
	free(path);
	free(spool);
	return locked;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	if (remove(path) == -1)
		msg_errno("%s", path);
	return 0;
}

static void
remove_tree(const char *path)
{
	if (access(path, F_OK) == 0)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What a site keeps in the spool goes with the site; a log goes with its fetch. */
void
spool_tidy(struct conf *c)
{
	static const char *const part[] = {"session", "file", "files"};
	char *spool, *path, *sql;
	struct dirent *e;
	uint64_t id;
	DIR *d;
	int i;

	if (settings_text(c->s, "spool", &spool) != 0 || spool == NULL ||
	    read_id(spool) !=
		conf_number(c, "SELECT value FROM setting WHERE name = 'spool-id'", 0)) {
		free(spool);
		return;
	}
	d = opendir(spool);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (num_parse_count(e->d_name, strlen(e->d_name), INT64_MAX, &id) == -1)
			continue;
		if (conf_number(c, "SELECT count(*) FROM site WHERE id = ?1", (int64_t)id) == 0) {
			path = xasprintf("%s/%s", spool, e->d_name);
			remove_tree(path);
			free(path);
			continue;
		}
		for (i = 0; i < 3; i++) {
			path = xasprintf("%s/%s/%s", spool, e->d_name, part[i]);
			sql = xasprintf(
			    "SELECT count(*) FROM job WHERE site_id = ?1 AND step = 'fetch' "
			    "AND data = '%s'",
			    i == 0 ? "session" : "file");
			if (conf_number(c, sql, (int64_t)id) == 0)
				remove_tree(path);
			free(sql);
			free(path);
		}
	}
	if (d != NULL)
		closedir(d);
	free(spool);
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

/* Where does what the scheduler writes go, beside this database? */
static void
folders(const char *path, char *folder[2])
{
	const char *given = getenv("PRAIC_SETTINGS"), *slash = strrchr(path, '/');
	char *state;

	if (given == NULL || *given == '\0') {
		if (geteuid() == 0) {
			folder[0] = xstrdup("/var/lib/praic/spool");
			folder[1] = xstrdup("/var/log/praic");
			return;
		}
		state = home_folder("XDG_STATE_HOME", ".local/state");
	} else
		state = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	folder[0] = xasprintf("%s/spool", state);
	folder[1] = xasprintf("%s/log", state);
	free(state);
}

/* Both directories are written down, so that root, a service and a person's
 * shell see the same ones.  What was set before stays. */
static int
fill(struct conf *c, const char *full)
{
	static const char *const name[] = {"spool", "log-directory"};
	char *folder[2], *path, *sql;
	int code, i;

	folders(full, folder);
	code = conf_begin(c);
	for (i = 0; i < 2; i++) {
		sql = xasprintf("INSERT INTO setting (name, value) SELECT '%s', ?2 WHERE ?1 "
				"ON CONFLICT DO NOTHING",
		    name[i]);
		if (code == 0)
			code = conf_sql_text(c, sql, 1, folder[i]);
		path = NULL;
		if (code == 0)
			code = settings_text(c->s, name[i], &path);
		if (code == 0 && i == 0)
			code = spool_use(c, path);
		else if (code == 0 && file_make_dirs(path) == -1) {
			msg_errno("setting %s: %s", name[i], path);
			code = EX_CANTCREAT;
		}
		free(path);
		free(sql);
		free(folder[i]);
	}
	return conf_end(c, code);
}

int
conf_init(struct conf *c, int argc, char **argv)
{
	char full[PATH_MAX];
	int code = 0;

	(void)argc;
	(void)argv;
	if (realpath(settings_path(c->s), full) == NULL) {
		msg_errno("%s", settings_path(c->s));
		return EX_OSERR;
	}
	code = fill(c, full);
	if (code == 0 && printf("%s\n", full) < 0)
		code = EX_IOERR;
	return code;
}
