/*
 * Storing: the files of the spool go to the destination, in their order, and
 * are removed when it has all of them.  What it refuses is kept once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "code.h"
#include "sched_argv.h"
#include "sched_log.h"
#include "sched_step.h"

/* What is known of the file that was stored. */
static int
count_stored(struct work *w, enum settings_data kind, int64_t number, int code, struct counts *c)
{
	int bad = db_counted(
	    w->settings, w->transfer->id, kind, kind == SETTINGS_DATA_SESSION, number, c);

	if (code == 0)
		c->left_out = 0;
	else if (c->left_out == 0)
		c->left_out = -1; /* some were, and nobody counted */
	return bad;
}

static int
store_one(struct work *w, enum settings_data kind, int64_t number)
{
	int records = kind != SETTINGS_DATA_SESSION;
	const char *extension = records ? "rec" : "xml";
	struct counts c = step_uncounted;
	char name[64], *path, *failed;
	struct stat st;
	struct pipe p;
	int64_t run, before;
	int code, bad = 0, is_new = 0;
	char text[PIPE_REASON];

	tspool_name(name, kind, number, extension);
	path = xasprintf("%s/%s", w->spool.path, name);
	failed = xasprintf("%s/failed", w->spool.path);
	step_pipe(w, &p, kind, STEP_STORE);
	run = db_begin_run(
	    w->settings, w->transfer, kind, STEP_STORE, log_now(), DB_NEVER, DB_NEVER, 0);
	if (records)
		argv_files(&p, w->transfer, path, w->spool.path);
	else
		argv_store(&p, w->transfer, path, failed);
	c.number = number;
	if (fstatat(w->spool.dir, name, &st, 0) == 0)
		c.bytes = (int64_t)st.st_size;
	before = tspool_failed(&w->spool);
	code = pipe_run(&p);
	if (w->transfer->destination_kind == SETTINGS_FS)
		c.files = (int64_t)p.lines;
	if (code == EX_DATAERR)
		bad = step_keep_failed(w, &p, before, name, extension, &is_new);
	if (bad == 0 && (code == 0 || code == EX_DATAERR)) {
		if (records)
			bad = tspool_done(&w->spool, name, code != 0);
		if (bad == 0)
			bad = count_stored(w, kind, number, code, &c);
		if (bad == 0)
			bad = tspool_remove(&w->spool, name);
	}
	code = step_end(w, kind, STEP_STORE, run, &p, code_worse(code, bad),
	    bad != 0 ? "the spool or the settings cannot be written to" : NULL, &c);
	/* Only now: what failed before is over, and would be in its place. */
	if (is_new && code == 0)
		code = db_left_out(w->settings, w->transfer->id, kind, log_now(),
		    step_reason(&p, text, sizeof(text)));
	pipe_free(&p);
	free(failed);
	free(path);
	return code;
}

int
store_kind(struct work *w, enum settings_data kind)
{
	const char *extension = kind == SETTINGS_DATA_SESSION ? "xml" : "rec";
	struct kind_state k;
	struct backlog b;
	int64_t n = 0;
	int code = db_kind(w->settings, w->transfer->id, kind, &k), bad;

	while (code == 0 && pipe_stop == 0 && !step_is_waiting(w, &k, STEP_STORE) &&
	    (n = tspool_first(&w->spool, kind, extension, n)) > 0)
		code = store_one(w, kind, n);
	if (n == -1 && code == 0)
		code = EX_IOERR;
	/* What failed is not there: somebody has taken it away. */
	if (code == 0 && n == 0 && k.failing[STEP_STORE] && pipe_stop == 0 &&
	    !step_is_waiting(w, &k, STEP_STORE))
		code = db_fine(w->settings, w->transfer->id, kind, STEP_STORE, log_now());
	tspool_clean(&w->spool);
	tspool_backlog(&w->spool, kind, &b);
	bad = db_backlog(w->settings, w->transfer->id, kind, &b);
	if (bad == 0 && code == 0 && b.files == 0 && !k.failing[STEP_FETCH])
		bad = db_stored(w->settings, w->transfer->id, kind, log_now());
	return code != 0 ? code : bad;
}
