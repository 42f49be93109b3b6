/*
 * praic-run: does one step of a transfer, under the lock of its job, and notes the
 * result in the settings database.  praic-run(1) and praic-sched(8) have the rules.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "msg.h"
#include "run.h"
#include "when.h"

static const struct {
	const char *step, *data;
	void (*function)(struct run *);
} steps[] = {
    {"fetch", "session", fetch_sessions},
    {"fetch", "file", fetch_files},
    {"store", "session", store_log},
    {"store", "file", store_log},
    {"backup", "backup", store_backup},
};

static int
take_now(void *arg, const char *text)
{
	struct run *r = arg;

	if (when_parse_unix(text, strlen(text), &r->fixed_now) == 0 && r->fixed_now > 0)
		return 0;
	msg_warn("--now %s: UNIX seconds", text);
	return EX_USAGE;
}

static const struct command_option options[] = {
    {'n', "dry-run", NULL, "print the commands that it would run", offsetof(struct run, dry), NULL},
    {0, "now", "SECONDS", "take this for the time (for tests)", 0, take_now}, {0}};

static const struct command command = {"praic-run [-nv] fetch SITE session|file\n"
				       "       praic-run [-nv] store TRANSFER session|file\n"
				       "       praic-run [-nv] backup TRANSFER",
    "\nDoes one step, as praic-sched would.", options};

int64_t
run_now(const struct run *r)
{
	return r->fixed_now != 0 ? r->fixed_now : (int64_t)time(NULL);
}

void
run_clear(struct run *r)
{
	free(r->program);
	free(r->reason);
	r->program = r->reason = NULL;
	r->code = r->failed = 0;
}

int
run_fail(struct run *r, int code, const char *program, const char *fmt, ...)
{
	va_list ap;

	if (r->failed)
		return r->code;
	run_clear(r);
	r->failed = 1;
	r->code = code;
	r->program = xstrdup(program);
	va_start(ap, fmt);
	r->reason = xvasprintf(fmt, ap);
	va_end(ap);
	return code;
}

char *
run_path(const struct run *r, const char *fmt, ...)
{
	char *name, *path;
	va_list ap;

	va_start(ap, fmt);
	name = xvasprintf(fmt, ap);
	va_end(ap);
	path = xasprintf("%s/%s", r->dir, name);
	free(name);
	return path;
}

int
run_commit(struct run *r)
{
	if (db_end(r->db, 0) == 0)
		return 0;
	return run_fail(
	    r, r->db->code, msg_program(), "%s: it could not be read or written", r->db->path);
}

/*
 * The job.
 */

static int
job_open(struct run *r, const char *step, const char *object, const char *data)
{
	sqlite3_stmt *row = db_ask(r->db,
	    "SELECT id, site_id, transfer_id, destination_id, step, data, name, site, destination,"
	    " kind FROM job_view WHERE step = ?1 AND data = ?3"
	    " AND ?2 = CASE WHEN step = 'fetch' THEN site ELSE transfer_id || '' END",
	    "ttt", step, object, data);

	while (db_row(r->db, row)) {
		r->job = db_column(row, 0);
		r->site = db_column(row, 1);
		r->transfer = db_column(row, 2);
		r->destination = db_column(row, 3);
		r->step = db_copy(row, 4);
		r->data = db_copy(row, 5);
		r->name = db_copy(row, 6);
		r->site_name = db_copy(row, 7);
		r->destination_name = db_copy(row, 8);
		if (r->destination_name != NULL)
			r->kind = settings_kind(db_string(row, 9));
	}
	if (r->db->code == 0 && r->job == 0) {
		msg_warn("%s %s %s: there is no such job; praic-conf status shows them", step,
		    object, data);
		return EX_CONFIG;
	}
	r->logs = settings_text(r->db, "log-directory");
	return r->db->code;
}

/* 0 and the descriptor, EX_TEMPFAIL if another process has it, or a code. */
static int
take(struct run *r, const char *kind, int64_t id, int *fd)
{
	char *path = xasprintf("%s/lock/%s%lld", r->spool, kind, (long long)id);
	int code = 0;

	/* Not closed on exec: filters go on holding it if praic-run is killed. */
	*fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0600);
	if (*fd == -1 || flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		code = *fd != -1 && errno == EWOULDBLOCK ? EX_TEMPFAIL : EX_CANTCREAT;
		if (code == EX_TEMPFAIL)
			msg_warn("%s: another process is doing it", r->name);
		else
			msg_errno("%s", path);
	}
	free(path);
	return code;
}

static int
lock(struct run *r)
{
	int code = take(r, "", r->job, &r->lock);

	/* A command need not expect to run twice at a time. */
	if (code == 0 && r->kind == SETTINGS_EXEC)
		code = take(r, "destination-", r->destination, &r->command_lock);
	return code;
}

#define OWED "FROM recording WHERE site_id = ?1 AND state = 'owed'"
#define MET  "f.good >= ifnull(asked, 0)"
#define WELL "code = NULL, program = NULL, reason = NULL, since = NULL, wait = NULL, tries = 0"

/*
 * End the jobs of this site that have nothing left to do.  A fetch of files ends when
 * nothing is owed and reports were fetched after it was asked for.  A store ends when
 * it has read all of that.  A fetch that takes longer than the period of its schedule
 * is always asked for again; then last_success is the beginning of the last good
 * fetch.
 */
static void
settle(struct run *r)
{
	db_do(r->db,
	    "UPDATE job SET next = max(?2, (SELECT min(ifnull(next, 0)) " OWED "))"
	    " WHERE site_id = ?1 AND step = 'fetch' AND data = 'file' AND code IS NULL"
	    " AND EXISTS (SELECT 1 " OWED ")"
	    " AND (next IS NULL OR next > (SELECT min(ifnull(next, 0)) " OWED "))",
	    "ii", r->site, run_now(r));
	db_do(r->db,
	    "UPDATE job SET next = iif(" MET ", NULL, next), good_start = f.good,"
	    " last_success = iif(" MET ", ?2, max(ifnull(last_success, 0), f.good)), " WELL
	    " FROM (SELECT good_start AS good FROM job WHERE site_id = ?1 AND step = 'fetch'"
	    "  AND data = 'session') AS f"
	    " WHERE site_id = ?1 AND step = 'fetch' AND data = 'file' AND f.good IS NOT NULL"
	    " AND NOT EXISTS (SELECT 1 " OWED ")",
	    "ii", r->site, run_now(r));
	/* A store may have been asked for in the second in which the fetch began. */
	db_do(r->db,
	    "UPDATE job SET next = ?2 WHERE site_id = ?1 AND step = 'store' AND next IS NULL"
	    " AND asked >= ?3 AND position < (SELECT last FROM job AS f"
	    "  WHERE f.site_id = ?1 AND f.step = 'fetch' AND f.data = job.data)",
	    "iii", r->site, run_now(r), r->started);
	db_do(r->db,
	    "UPDATE job SET next = iif(" MET ", NULL, next), last_success = iif(" MET ", ?2,"
	    "  iif(id = ?3 OR last_success IS NOT NULL, max(ifnull(last_success, 0), f.good),"
	    "   last_success)), " WELL
	    " FROM (SELECT d.data AS log, d.last AS end, min(s.good_start, d.good_start) AS good"
	    "  FROM job AS s JOIN job AS d ON d.site_id = s.site_id AND d.step = 'fetch'"
	    "  WHERE s.site_id = ?1 AND s.step = 'fetch' AND s.data = 'session') AS f"
	    " WHERE site_id = ?1 AND step = 'store' AND data = f.log AND position >= f.end"
	    " AND f.good IS NOT NULL AND (next IS NOT NULL OR code IS NOT NULL OR id = ?3)",
	    "iii", r->site, run_now(r), r->job);
}

static int
job_end(struct run *r)
{
	const struct settings_step step = {r->job, r->before, r->started, run_now(r), r->code,
	    r->failed, r->program, r->reason, r->sessions, r->rows, r->files, r->bytes,
	    r->left_out};

	db_begin(r->db);
	if (!r->failed)
		db_do(r->db,
		    "UPDATE job SET " WELL ", next = CASE WHEN next IS NOT ?2 THEN next"
		    "  WHEN step = 'store' THEN ?3 ELSE NULL END,"
		    " good_start = CASE WHEN step = 'fetch' AND data = 'session' THEN ?4"
		    "  ELSE good_start END,"
		    " last_success = CASE WHEN step = 'backup' OR (step = 'fetch'"
		    "  AND data = 'session') THEN ?3 ELSE last_success END WHERE id = ?1",
		    "iiii", r->job, r->before, step.now, r->started);
	settings_end_step(r->db, &step);
	settle(r);
	return run_commit(r);
}

/* Lock, step, result.  The exit code. */
static int
work(struct run *r, void (*step)(struct run *))
{
	int code;

	if ((code = spool_open(r)) != 0 || (!r->dry && (code = lock(r)) != 0))
		return code;
	r->started = run_now(r);
	r->before = db_number(r->db, "SELECT next FROM job WHERE id = ?1", "i", r->job);
	r->last = db_number(r->db, "SELECT last FROM job WHERE id = ?1", "i", r->job);
	r->position = db_number(r->db, "SELECT position FROM job WHERE id = ?1", "i", r->job);
	step(r);
	if (r->dry == 1 && r->db->code == 0 && r->code == 0)
		printf("# %s: nothing is waiting\n", r->name);
	if (r->dry)
		return r->db->code != 0 ? r->db->code : r->code;
	/* What is committed stays, and the step has not failed. */
	if (pipe_stop > 0) {
		msg_warn("%s: told to stop", r->name);
		return EX_TEMPFAIL;
	}
	if (job_end(r) != 0)
		return r->db->code;
	if (r->code != 0 && r->program != NULL)
		msg_warn("%s: %s: %s", r->name, r->program, r->reason);
	else if (r->code != 0)
		msg_warn(
		    "%s: %s", r->name, r->reason != NULL ? r->reason : "something was left out");
	msg_tell(1, "%s: %lld sessions, %lld files, %lld bytes", r->name, (long long)r->sessions,
	    (long long)r->files, (long long)r->bytes);
	return r->code;
}

int
main(int argc, char **argv)
{
	struct run r = {.transfer = DB_NULL, .lock = -1, .command_lock = -1};
	const char *data;
	size_t i;
	int code;

	command_start(argv[0]);
	if ((code = command_options(&command, argc, argv, &r)) != 0)
		return code;
	argv += optind;
	argc -= optind;
	data = argc == 3 ? argv[2] : argc == 2 && strcmp(argv[0], "backup") == 0 ? "backup" : "";
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (argc > 0 && strcmp(argv[0], steps[i].step) == 0 &&
		    strcmp(data, steps[i].data) == 0)
			break;
	if (i == sizeof(steps) / sizeof(steps[0]))
		command_usage(&command,
		    argc == 0 ? NULL :
				"give fetch SITE session|file, store TRANSFER session|file, or "
				"backup TRANSFER");
	command_extend_path();
	pipe_signals();
	if ((code = settings_become_owner()) != 0 ||
	    (r.db = settings_open(NULL, SETTINGS_OPEN, &code)) == NULL)
		return code;
	if ((code = job_open(&r, argv[0], argv[1], data)) == 0)
		code = work(&r, steps[i].function);
	settings_close(r.db);
	if (fflush(stdout) == EOF) {
		msg_errno("standard output");
		code = code_worse(code, EX_IOERR);
	}
	return code;
}
