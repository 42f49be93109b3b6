/* The spool, asked by praic-conf: see conf_spool.h. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf_spool.h"
#include "msg.h"
#include "num.h"

static int64_t
files_in(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int64_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return n;
}

/* Does a process hold its lock? */
static int
is_locked(const char *spool, int64_t transfer)
{
	char *path = xasprintf("%s/%lld/lock", spool, (long long)transfer);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int locked = fd != -1 && flock(fd, LOCK_SH | LOCK_NB) == -1;

	if (fd != -1)
		close(fd);
	free(path);
	return locked;
}

static int64_t
one_waiting(const char *spool, int64_t transfer, enum settings_data kind)
{
	int64_t n = 0;
	char *path;
	int k;

	if (is_locked(spool, transfer))
		return -1;
	for (k = 0; k < SETTINGS_DATA; k++) {
		if (kind != SETTINGS_DATA && (int)kind != k)
			continue;
		path =
		    xasprintf("%s/%lld/new/%s", spool, (long long)transfer, settings_data_name[k]);
		n += files_in(path);
		free(path);
	}
	return n;
}

int64_t
conf_spool_waiting(const char *spool, int64_t transfer, enum settings_data kind)
{
	struct dirent *e;
	int64_t n = 0, one;
	uint64_t id;
	DIR *d;

	if (transfer != 0)
		return one_waiting(spool, transfer, kind);
	d = opendir(spool);
	while (d != NULL && n != -1 && (e = readdir(d)) != NULL) {
		if (num_parse_count(e->d_name, strlen(e->d_name), INT64_MAX, &id) == -1)
			continue;
		one = one_waiting(spool, (int64_t)id, kind);
		n = one == -1 ? -1 : n + one;
	}
	if (d != NULL)
		closedir(d);
	return n;
}

int
conf_spool_lost(struct settings *s, const char *spool)
{
	sqlite3_stmt *stmt = settings_prepare(s,
	    "SELECT transfer_id, sum(backlog_files) "
	    "FROM transfer_kind GROUP BY transfer_id HAVING sum(backlog_files) > 0");
	int64_t id, left, n;
	int rc, code = 0;

	if (stmt == NULL)
		return EX_SOFTWARE;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		id = sqlite3_column_int64(stmt, 0);
		left = sqlite3_column_int64(stmt, 1);
		n = conf_spool_waiting(spool, id, SETTINGS_DATA);
		if (n == -1 || n >= left)
			continue;
		msg_warn(
		    "transfer %lld: %lld files waited in %s for its destination, and %lld are "
		    "there: what was in the others can be asked for again (praic-conf transfer set "
		    "%lld since=TIME)",
		    (long long)id, (long long)left, spool, (long long)n, (long long)id);
		code = EX_NOINPUT;
	}
	if (rc != SQLITE_DONE)
		code = settings_failed(s, "reading it");
	sqlite3_finalize(stmt);
	return code;
}

int
conf_spool_leave(struct settings *s, const char *spool)
{
	int64_t n = conf_spool_waiting(spool, 0, SETTINGS_DATA);

	if (settings_locked(s)) {
		msg_warn("setting spool: a scheduler is running, by the spool that there is: stop "
			 "it first");
		return EX_USAGE;
	}
	if (n == -1)
		msg_warn("setting spool: a transfer is at work in %s", spool);
	else if (n > 0)
		msg_warn("setting spool: %lld files in %s wait for their destinations, and would "
			 "wait for ever (praic-sched -r stores them)",
		    (long long)n, spool);
	return n != 0 ? EX_USAGE : 0;
}
