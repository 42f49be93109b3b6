/*
 * Storing the files of a log from the transfer's position on, in order.  To store a
 * file twice is the same as once, so the position moves after the store.  And
 * backups, each of which is fetched and stored.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "rec.h"
#include "run.h"
#include "sha256.h"

/* Was something stored in the destination before? */
static int
is_made(struct run *r)
{
	return db_number(r->db, "SELECT existing FROM destination WHERE id = ?1", "i",
		   r->destination) == 1;
}

/* The filter of the destination, which reads a file of records. */
static void
add_filter(struct pipe *p, const char *path, const char *files, const char *list)
{
	struct run *r = p->run;
	struct stage *s;
	char *kinds, *head, *command;

	if (r->kind == SETTINGS_EXEC) {
		p->in = path;
		(void)setenv("PRAIC_SPOOL", files, 1);
		command = db_text(
		    r->db, "SELECT command FROM destination WHERE id = ?1", "i", r->destination);
		pipe_stage(p, "sh", "-c", command, (char *)NULL)->is_command = 1;
		free(command);
		return;
	}
	s = pipe_stage(p, r->kind == SETTINGS_SQL ? "praic-tosql" : "praic-tofs", "-D",
	    r->destination_name, (char *)NULL);
	if (is_made(r))
		pipe_add(s, "--existing");
	if (r->kind == SETTINGS_FS) {
		pipe_add(s, "-i");
		pipe_add(s, "%s", files);
		head = db_text(
		    r->db, "SELECT head FROM destination WHERE id = ?1", "i", r->destination);
		if (head != NULL) {
			pipe_add(s, "--head");
			pipe_add(s, "%s", head);
		}
		kinds = db_text(r->db,
		    "SELECT group_concat(kind) FROM reading WHERE transfer_id = ?1 AND data = ?2",
		    "it", r->transfer, r->data);
		pipe_add(s, "-k");
		pipe_add(s, "%s", kinds != NULL ? kinds : "");
		free(kinds);
		free(head);
	}
	if (list != NULL) {
		pipe_add(s, "--left-out");
		pipe_add(s, "%s", list);
	}
	pipe_add(s, "%s", path);
}

/* Does the transfer want the kind of this file row? */
static int
is_wanted(void *arg, const struct rec_reader *in)
{
	struct run *r = arg;

	return db_number(r->db, "SELECT 1 FROM reading WHERE transfer_id = ?1 AND kind = ?2", "iv",
		   r->transfer, in->value[FILE_KIND]) == 1;
}

/* Must the kinds that the transfer does not want be taken out for a command? */
static int
must_filter(struct run *r)
{
	return r->kind == SETTINGS_EXEC && strcmp(r->data, "file") == 0 &&
	    db_number(r->db,
		"SELECT 1 FROM reading WHERE site_id = ?1 AND data = 'file' AND kind NOT IN"
		" (SELECT kind FROM reading WHERE transfer_id = ?2)",
		"ii", r->site, r->transfer) == 1;
}

/* A command has no list of what it left out: report that once a day. */
static void
forget_command(struct run *r)
{
	db_do(r->db,
	    "DELETE FROM left_out WHERE transfer_id = ?1 AND program = 'sh' AND first < ?2", "ii",
	    r->transfer, run_now(r) - DAY);
}

/*
 * Store a file of records with this number of sessions, and set the job's position
 * (unless it is DB_NULL).  If something is left out, the file is kept in failed/ as
 * name (unless it is NULL).  0, EX_DATAERR, or a code that is noted.
 */
static int
store_file(struct run *r, const char *path, const char *files, const char *name, int64_t position,
    int64_t sessions)
{
	char *list = run_path(r, "tmp/%lld.left-out", (long long)r->job);
	/* A file for -n must not be that of a step that runs. */
	char *filtered = run_path(r, "tmp/%lld%s.rec", (long long)r->job, r->dry ? "-n" : "");
	struct pipe p;
	int code = 0, is_new;

	if (must_filter(r)) {
		code = files_copy(r, path, filtered, is_wanted, r);
		path = filtered;
	}
	pipe_init(&p, r, NULL, NULL);
	add_filter(&p, path, files, r->dry ? NULL : list);
	if (code == 0 && r->db->code == 0)
		code = pipe_run(&p);
	if (!r->dry && r->db->code == 0 && (code == 0 || code == EX_DATAERR)) {
		db_begin(r->db);
		if (code == EX_DATAERR) {
			r->code = code_worse(r->code, EX_DATAERR);
			if (r->kind == SETTINGS_EXEC)
				forget_command(r);
			is_new = spool_left_out(r, r->kind == SETTINGS_EXEC ? NULL : list,
			    r->kind == SETTINGS_EXEC ? "sh" : p.stage[0].argv[0],
			    position != DB_NULL);
			if (is_new > 0 && name != NULL && spool_keep(r, path, name) != 0)
				r->db->code = EX_IOERR;
		}
		if (position != DB_NULL)
			db_do(r->db, "UPDATE job SET position = ?2 WHERE id = ?1", "ii", r->job,
			    position);
		/* A destination is made by its first store of something. */
		if (r->kind == SETTINGS_FS ? p.lines > 0 : code == 0 && sessions > 0)
			db_do(r->db,
			    "UPDATE destination SET existing = 1 WHERE id = ?1 AND NOT existing",
			    "i", r->destination);
		if (run_commit(r) != 0)
			code = r->code;
		else if (r->kind == SETTINGS_FS)
			r->files += p.lines;
	}
	pipe_free(&p);
	if (!r->dry) {
		(void)unlink(list);
		(void)unlink(filtered);
	}
	free(list);
	free(filtered);
	return code;
}

/* Note the head of the ledger of praic-tofs, which the next store must find. */
static void
keep_head(struct run *r)
{
	struct pipe p;
	int code = r->code;

	if (r->kind != SETTINGS_FS || r->dry || !is_made(r))
		return;
	pipe_init(&p, r, NULL, NULL);
	pipe_stage(&p, "praic-tofs", "-D", r->destination_name, "--print-head", (char *)NULL);
	if (pipe_run(&p) == 0 && p.first.n > 0)
		db_do(r->db, "UPDATE destination SET head = ?2 WHERE id = ?1", "it", r->destination,
		    buf_text(&p.first));
	else if (r->failed) {
		/* This is not a failure of the store. */
		r->code = code;
		r->failed = 0;
	}
	pipe_free(&p);
}

/* Does the file agree with its log row?  If not, report it and have it fetched again. */
static int
is_whole(struct run *r, int64_t number, const char *path, int64_t bytes, const char *sha)
{
	char is[SHA256_HEX], *why;
	int64_t is_bytes;

	errno = 0;
	if (spool_hash(path, &is_bytes, is) == 0 && is_bytes == bytes && strcmp(is, sha) == 0)
		return 1;
	why = errno != 0 ? xasprintf("%s: %s: it is fetched again", path, strerror(errno)) :
			   xasprintf("%s: it was changed or damaged: it is fetched again", path);
	if (!r->dry)
		spool_damaged(r, number, why);
	free(why);
	return 0;
}

static int
store_number(struct run *r, int64_t number)
{
	sqlite3_stmt *row = db_ask(r->db,
	    "SELECT sessions, bytes, sha256 FROM log WHERE site_id = ?1 AND data = ?2"
	    " AND number = ?3",
	    "iti", r->site, r->data, number);
	int64_t sessions = 0, bytes = 0;
	char *sha = NULL, *path = run_path(r, "%s/%lld.rec", r->data, (long long)number);
	char *files = run_path(r, "files"), *name;
	int code = 0;

	while (db_row(r->db, row)) {
		sessions = db_column(row, 0);
		bytes = db_column(row, 1);
		free(sha);
		sha = xstrdup(db_string(row, 2));
	}
	name = xasprintf("%lld-%s-%lld.rec", (long long)r->transfer, r->data, (long long)number);
	/* Without a row, another reader has reported it as damaged. */
	if (sha == NULL && !r->dry)
		db_do(r->db, "UPDATE job SET position = ?2 WHERE id = ?1", "ii", r->job, number);
	else if (sha != NULL && is_whole(r, number, path, bytes, sha)) {
		code = store_file(r, path, files, name, number, sessions);
		if (code == 0 || code == EX_DATAERR) {
			r->sessions += sessions;
			r->bytes += bytes;
		}
	}
	free(sha);
	free(path);
	free(files);
	free(name);
	return r->db->code != 0 ? r->db->code : code == EX_DATAERR ? 0 : code;
}

void
store_log(struct run *r)
{
	int64_t number = r->position, last;
	int code = 0;

	do {
		last = db_number(r->db,
		    "SELECT last FROM job WHERE site_id = ?1 AND step = 'fetch' AND data = ?2",
		    "it", r->site, r->data);
		if (last == DB_NULL || number >= last)
			break;
		code = store_number(r, ++number);
		if (code == 0 && !r->dry)
			spool_trim(r, r->data);
	} while (code == 0 && pipe_stop == 0);
	if (number > r->position && pipe_stop == 0 && !r->failed)
		keep_head(r);
}

void
store_backup(struct run *r)
{
	char *folder = xasprintf("backup/%lld", (long long)r->transfer), *files, *tmp, *path;
	struct pipe p;
	int code = 0;

	files = run_path(r, "%s", folder);
	tmp = run_path(r, "%s/.backup.rec", folder);
	path = run_path(r, "%s/backup.rec", folder);
	if (!r->dry && file_make_dirs(files) == -1)
		run_fail(r, EX_CANTCREAT, msg_program(), "%s: %s", files, strerror(errno));
	else if (access(path, F_OK) == -1 && (r->dry || spool_room(r, 1) == 0)) {
		pipe_init(&p, r, NULL, tmp);
		pipe_stage(
		    &p, "praic-fetch", "-s", r->site_name, "backup", "-d", files, (char *)NULL);
		if (pipe_run(&p) == EX_DATAERR)
			run_fail(r, EX_DATAERR, "praic-fetch", "the backup was left out");
		pipe_free(&p);
		if (!r->dry && !r->failed && pipe_stop == 0)
			(void)spool_publish(r, tmp, path);
	}
	if (!r->failed && pipe_stop == 0 && (!r->dry || access(path, F_OK) == 0)) {
		code = store_file(r, path, files, NULL, DB_NULL, 0);
		if (!r->dry && (code == 0 || code == EX_DATAERR)) {
			/* The records first: they name the other files. */
			(void)unlinkat(AT_FDCWD, path, 0);
			spool_empty(r, folder);
			keep_head(r);
		}
	}
	free(folder);
	free(files);
	free(tmp);
	free(path);
}
