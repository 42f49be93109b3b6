/*
 * The spool.  SPOOL/id must be the spool-id of the settings database, because its
 * tables decide which files are removed.  Below SPOOL/SITEID:
 *
 *	session/N.rec, file/N.rec	the logs, each with tmp/ for unfinished files
 *	files/		recordings
 *	backup/TRANSFER	a backup that is not stored
 *	failed/		files with something that was left out, for people
 *	tmp/		temporary files of stores
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "recfield.h"
#include "run.h"
#include "sha256.h"

static int
check_id(struct run *r)
{
	int64_t id = db_number(r->db, "SELECT value FROM setting WHERE name = 'spool-id'", "");
	int64_t there = settings_spool_id(r->spool);
	char theirs[NUM_SIZE] = "missing", is[NUM_SIZE] = "missing";

	if (r->db->code != 0 || there == id)
		return r->db->code;
	if (there == 0 && id != DB_NULL)
		return settings_number_spool(r->spool, id);
	if (id != DB_NULL)
		num_format(id, theirs);
	if (there > 0)
		num_format(there, is);
	msg_warn("%s: this spool belongs to other settings than %s (its id is %s, theirs is %s): "
		 "nothing in it is touched; choose another directory with praic-conf setting set "
		 "spool=",
	    r->spool, r->db->path, is, theirs);
	return EX_CONFIG;
}

int
spool_open(struct run *r)
{
	static const char *const folders[] = {
	    "lock", "session/tmp", "file/tmp", "files", "backup", "failed", "tmp"};
	char *path;
	size_t i;
	int code;

	if ((r->spool = settings_needed(r->db, "spool")) == NULL)
		return r->db->code;
	code = check_id(r);
	r->dir = xasprintf("%s/%lld", r->spool, (long long)r->site);
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]) && code == 0; i++) {
		path = xasprintf("%s/%s", i == 0 ? r->spool : r->dir, folders[i]);
		if (file_make_dirs(path) == -1) {
			msg_errno("%s", path);
			code = EX_CANTCREAT;
		}
		free(path);
	}
	return code;
}

static int64_t used;

static int
add_used(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	/* A recording may be a hard link to the file in a destination: share its size. */
	if (type == FTW_F)
		used += (int64_t)st->st_blocks * 512 / (st->st_nlink > 0 ? st->st_nlink : 1);
	return 0;
}

int
spool_room(struct run *r, int files)
{
	int64_t floor = settings_number(r->db, "spool-floor"),
		cap = settings_number(r->db, "spool-cap"), room;
	struct statvfs v;

	if (statvfs(r->spool, &v) == -1)
		return run_fail(r, EX_IOERR, msg_program(), "%s: %s", r->spool, strerror(errno));
	room = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
	if (room < floor)
		return run_fail(r, EX_IOERR, msg_program(),
		    "%s: %lld bytes are free, and nothing is fetched below %lld: make room, or "
		    "change the setting spool-floor",
		    r->spool, (long long)room, (long long)floor);
	used = 0;
	if (files && cap > 0)
		(void)nftw(r->spool, add_used, 16, FTW_PHYS);
	if (cap > 0 && used > cap)
		return run_fail(r, EX_IOERR, msg_program(),
		    "%s: it holds %lld bytes, and no recordings and backups are fetched beyond "
		    "%lld: see which stores fail, or change the setting spool-cap",
		    r->spool, (long long)used, (long long)cap);
	return 0;
}

int
spool_hash(const char *path, int64_t *bytes, char hex[SHA256_HEX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), bad;
	struct stat st;

	bad = fd == -1 || fstat(fd, &st) == -1 || sha256_file(fd, hex) == -1;
	*bytes = bad ? 0 : (int64_t)st.st_size;
	if (fd != -1)
		close(fd);
	return bad ? -1 : 0;
}

int
spool_publish(struct run *r, const char *tmp, const char *path)
{
	if (file_publish(AT_FDCWD, tmp, path) == 0)
		return 0;
	return run_fail(r, EX_IOERR, msg_program(), "%s: %s", path, strerror(errno));
}

int
spool_keep(struct run *r, const char *path, const char *name)
{
	char *as = run_path(r, "failed/%s", name);
	int code = 0;

	/* A file of that name is from a step that was killed. */
	if ((unlinkat(AT_FDCWD, as, 0) == -1 && errno != ENOENT) ||
	    linkat(AT_FDCWD, path, AT_FDCWD, as, 0) == -1 || file_sync_folder(AT_FDCWD, as) == -1)
		code = run_fail(r, EX_IOERR, msg_program(), "%s: %s", as, strerror(errno));
	else
		msg_warn("%s: something was left out; the input is kept as %s", r->name, as);
	free(as);
	return code;
}

/* Call f for each file of a folder. */
static void
each_name(struct run *r, const char *folder, void (*f)(struct run *, const char *, const char *))
{
	char *path = run_path(r, "%s", folder), *file;
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		file = xasprintf("%s/%s", path, e->d_name);
		f(r, file, e->d_name);
		free(file);
	}
	if (d != NULL)
		closedir(d);
	free(path);
}

static void
remove_file(struct run *r, const char *path, const char *name)
{
	(void)r;
	(void)name;
	if (unlinkat(AT_FDCWD, path, 0) == -1 && errno != ENOENT && errno != EISDIR &&
	    errno != EPERM)
		msg_errno("%s", path);
}

void
spool_empty(struct run *r, const char *folder)
{
	each_name(r, folder, remove_file);
}

static void
remove_unlogged(struct run *r, const char *path, const char *name)
{
	uint64_t n;
	size_t length = strspn(name, "0123456789");

	if (strcmp(name + length, ".rec") != 0 ||
	    num_parse_count(name, length, INT64_MAX, &n) == -1 ||
	    db_number(r->db,
		"SELECT 1 FROM log JOIN job USING (site_id, data) WHERE site_id = ?1 AND data = ?2"
		" AND step = 'fetch' AND number = ?3 AND number <= last",
		"iti", r->site, r->data, (int64_t)n) == 1 ||
	    r->db->code != 0)
		return;
	msg_tell(1, "%s: %s: no log names it: removed", r->name, path);
	remove_file(r, path, name);
}

void
spool_clean_log(struct run *r, const char *data)
{
	char *tmp = xasprintf("%s/tmp", data);

	spool_empty(r, tmp);
	each_name(r, data, remove_unlogged);
	free(tmp);
}

void
spool_trim(struct run *r, const char *data)
{
	int64_t first,
	    past = db_number(r->db,
		"SELECT ifnull((SELECT min(position) FROM job WHERE site_id = ?1"
		" AND step = 'store' AND data = ?2), (SELECT last FROM job"
		" WHERE site_id = ?1 AND step = 'fetch' AND data = ?2))",
		"it", r->site, data);
	char *path;

	while ((first = db_number(r->db,
		    "SELECT min(number) FROM log WHERE site_id = ?1 AND data = ?2 AND number <= ?3",
		    "iti", r->site, data, past)) != DB_NULL) {
		/* The row first: a row without a file would count as a loss. */
		db_do(r->db, "DELETE FROM log WHERE site_id = ?1 AND data = ?2 AND number = ?3",
		    "iti", r->site, data, first);
		if (r->db->code != 0)
			break;
		path = run_path(r, "%s/%lld.rec", data, (long long)first);
		remove_file(r, path, NULL);
		free(path);
	}
}

/*
 * Recordings that no records name.  If some records cannot be read, nothing is
 * removed, because they may name any recording.
 */

static int names_unread;

static void
note_names(struct run *r, const char *path, const char *name)
{
	size_t n = strlen(name);
	struct rec_reader *in;
	enum rec_event e;
	int fd;

	if (n <= 4 || strcmp(name + n - 4, ".rec") != 0)
		return;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		/* A store may have removed it just now. */
		if (errno != ENOENT) {
			msg_errno("%s: no recordings are removed", path);
			names_unread = 1;
		}
		return;
	}
	in = rec_open(fd, path);
	while ((e = rec_next(in)) != REC_EOF)
		if (e == REC_ROW && in->table == TABLE_FILE && in->value[FILE_NAME].p != NULL)
			db_do(r->db, "INSERT OR IGNORE INTO file_named VALUES (?1)", "v",
			    in->value[FILE_NAME]);
	names_unread |= rec_code(in) == EX_IOERR;
	rec_close(in);
	close(fd);
}

static void
remove_unnamed(struct run *r, const char *path, const char *name)
{
	struct stat st;

	/* A younger file may not be complete, or its records may not be written yet. */
	if (lstat(path, &st) == -1 || st.st_ctime > time(NULL) - DAY ||
	    db_number(r->db, "SELECT 1 FROM file_named WHERE name = ?1", "t", name) == 1 ||
	    r->db->code != 0)
		return;
	msg_tell(1, "%s: %s: no records name it: removed", r->name, path);
	remove_file(r, path, name);
}

void
spool_clean_files(struct run *r)
{
	db_do(r->db, "CREATE TEMP TABLE IF NOT EXISTS file_named (name TEXT PRIMARY KEY)", "");
	db_do(r->db, "DELETE FROM file_named", "");
	each_name(r, "file", note_names);
	each_name(r, "failed", note_names);
	if (!names_unread)
		each_name(r, "files", remove_unnamed);
}

/*
 * The list of --left-out.
 */

/* A recording that is missing in the spool, or changed there, is owed again. */
static int
owe_again(struct run *r, char *const *f)
{
	if (strcmp(f[4], "missing") != 0 && strcmp(f[4], "changed") != 0)
		return 0;
	return db_do(r->db,
		   "UPDATE recording SET state = 'owed', next = NULL, number = NULL, reason = ?6"
		   " WHERE site_id = ?1 AND host_name = ?2 AND lsid = ?3 AND kind = ?4"
		   " AND instance = ?5",
		   "itttit", r->site, f[0], f[1], f[2],
		   *f[3] != '\0' ? (int64_t)strtoll(f[3], NULL, 10) : (int64_t)-1, f[5]) > 0;
}

/* Returns 1 if it is new. */
static int
note(struct run *r, const char *program, char *const *f)
{
	int64_t now = run_now(r), instance = *f[3] != '\0' ? strtoll(f[3], NULL, 10) : -1;

	/* A ledger that lacks another head was changed again: acknowledging the first
	 * change must not hide it. */
	if (strcmp(f[2], "ledger") == 0)
		db_do(r->db,
		    "DELETE FROM left_out WHERE transfer_id IS ? AND kind = 'ledger' AND reason <> "
		    "?",
		    "it", r->transfer, f[5]);
	if (db_do(r->db,
		"UPDATE left_out SET last = ?9 WHERE site_id = ?1 AND transfer_id IS ?2"
		" AND program = ?3 AND host_name = ?4 AND lsid = ?5 AND kind = ?6"
		" AND instance = ?7 AND code = ?8",
		"iittttiti", r->site, r->transfer, program, f[0], f[1], f[2], instance, f[4],
		now) > 0)
		return 0;
	return db_do(r->db,
	    "INSERT INTO left_out (site_id, transfer_id, program, host_name, lsid, kind,"
	    " instance, code, reason, first, last)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
	    "iittttitti", r->site, r->transfer, program, f[0], f[1], f[2], instance, f[4], f[5],
	    now);
}

int
spool_left_out(struct run *r, const char *list, const char *program, int owed)
{
	struct field_space space = {0};
	struct rec_value field[FIELD_MAX], value;
	FILE *in = list != NULL ? fopen(list, "re") : NULL;
	char *line = NULL, *f[6];
	char *const unlisted[] = {"", "", "session", "", "left-out",
	    "it left something out without a list: see the client log"};
	int64_t before = r->left_out;
	size_t cap = 0;
	ssize_t n;
	int i, fields, is_new = 0;

	while (in != NULL && (n = getline(&line, &cap, in)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		fields = field_split(line, (size_t)n, field);
		field_line(&space, line, (size_t)n);
		for (i = 0; i < 6; i++)
			f[i] = i < fields && field_unescape(&space, field[i], &value) == 0 &&
				value.p != NULL && !field_is(field[i], "\\N") ?
			    xstrndup(value.p, value.n) :
			    xstrdup("");
		r->left_out++;
		if (r->reason == NULL)
			r->reason = xstrdup(f[5]);
		if (!owed || !owe_again(r, f))
			is_new += note(r, program, f);
		for (i = 0; i < 6; i++)
			free(f[i]);
	}
	if (in != NULL)
		fclose(in);
	free(line);
	buf_free(&space.scratch);
	if (r->left_out == before) {
		r->left_out++;
		is_new = note(r, program, unlisted);
	}
	return is_new;
}

void
spool_damaged(struct run *r, int64_t number, const char *why)
{
	int64_t now = run_now(r), transfer = r->transfer;
	char instance[NUM_SIZE];
	char *const f[] = {"", "", r->data, instance, "damaged", (char *)why};

	db_begin(r->db);
	db_do(r->db,
	    "UPDATE job SET mark = min(mark, (SELECT since FROM log WHERE site_id = ?1"
	    " AND data = 'session' AND number = ?3)) WHERE site_id = ?1 AND step = 'fetch'"
	    " AND data = 'session' AND ?2 = 'session' AND EXISTS (SELECT 1 FROM log"
	    " WHERE site_id = ?1 AND data = 'session' AND number = ?3)",
	    "iti", r->site, r->data, number);
	/* Only the first reader that sees the damage reports it. */
	if (db_do(r->db, "DELETE FROM log WHERE site_id = ?1 AND data = ?2 AND number = ?3", "iti",
		r->site, r->data, number) > 0) {
		num_format(number, instance);
		r->transfer = DB_NULL;
		(void)note(r, msg_program(), f);
		r->transfer = transfer;
		db_do(r->db,
		    "UPDATE recording SET state = 'owed', next = NULL, number = NULL"
		    " WHERE site_id = ?1 AND number = ?2 AND state = 'came' AND ?3 = 'file'",
		    "iit", r->site, number, r->data);
		db_do(r->db,
		    "UPDATE job SET next = ?3, asked = ?3 WHERE site_id = ?1 AND step = 'fetch'"
		    " AND data = ?2",
		    "iti", r->site, r->data, now);
		r->left_out++;
		r->code = code_worse(r->code, EX_DATAERR);
		msg_warn("%s: %s", r->name, why);
		if (r->reason == NULL)
			r->reason = xstrdup(why);
	}
	db_do(r->db, "UPDATE job SET position = ?2 WHERE id = ?1", "ii", r->job, number);
	(void)run_commit(r);
}
