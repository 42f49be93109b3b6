/*
 * One transfer: see sched_work.h.  First everything that is fetched becomes
 * a file of the spool, then the mark moves, then files go to the destination
 * in their order.  Whatever dies in between leaves something to be done
 * twice, which does no harm, and nothing undone.
 *
 *	sched_step.c	what fetching and storing have in common
 *	sched_fetch.c	reports, from the appliance into the spool
 *	sched_files.c	recordings and backups, likewise
 *	sched_store.c	from the spool to the destination
 */
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "sched_log.h"
#include "sched_pipe.h"
#include "sched_step.h"
#include "sched_work.h"

#define DAY 86400

#define REPORTS                                                            \
	((1u << SETTINGS_DATA_SESSION) | (1u << SETTINGS_DATA_RECORDING) | \
	    (1u << SETTINGS_DATA_SHELL) | (1u << SETTINGS_DATA_SCREEN))

int
work_limits(struct settings *s, struct work_limits *l)
{
	const struct {
		const char *name;
		int64_t *value, unit;
	} wanted[] = {
	    {"overlap", &l->overlap, 1},
	    {"sweep-days", &l->sweep, DAY},
	    {"retention-days", &l->retention, DAY},
	    {"stage-time", &l->stage, 1},
	    {"jobs", &l->jobs, 1},
	    {"spool-floor", &l->floor, 1},
	    {"spool-cap", &l->cap, 1},
	};
	size_t i;
	int code = 0;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && code == 0; i++) {
		code = settings_number(s, wanted[i].name, wanted[i].value);
		*wanted[i].value *= wanted[i].unit;
	}
	return code;
}

int64_t
work_since(const struct work_limits *l, int64_t mark, int64_t swept, int64_t oldest_open,
    int64_t now, int *sweep)
{
	int64_t since, back;

	/* A daily run is a little early at times; and should the clock have
	 * been wrong then, or be now, once more does no harm. */
	*sweep = mark == DB_NEVER || swept == DB_NEVER || now - swept >= DAY - 3600 ||
	    swept - now >= DAY;
	if (mark == DB_NEVER)
		return DB_NEVER;
	since = mark - l->overlap;
	if (!*sweep)
		return since;
	back = mark - l->sweep;
	if (oldest_open != DB_NEVER && oldest_open < back)
		back = oldest_open;
	if (back < mark - l->retention)
		back = mark - l->retention;
	return back < since ? back : since;
}

/* What was noted already, and what could not even be noted. */
static void
note_code(struct work *w, int code)
{
	if (code != WORK_STOPPED)
		w->code = code_worse(w->code, code);
}

/* A kind that fails holds up no other. */
static void
work_kinds(struct work *w)
{
	unsigned kinds = w->transfer->kinds;
	struct kind_state k;
	int i, code;

	if ((kinds & REPORTS) != 0)
		note_code(w, fetch_reports(w, kinds & REPORTS));
	for (i = 0; i < SETTINGS_DATA && pipe_stop == 0; i++) {
		enum settings_data kind = (enum settings_data)i;

		if ((kinds & (1u << i)) == 0)
			continue;
		if (kind != SETTINGS_DATA_SESSION) {
			if ((code = db_kind(w->settings, w->transfer->id, kind, &k)) != 0)
				note_code(w, code);
			else if (kind == SETTINGS_DATA_BACKUP)
				note_code(w, fetch_backup(w, &k));
			else
				note_code(w, fetch_recordings(w, kind, &k));
		}
		if (pipe_stop == 0)
			note_code(w, store_kind(w, kind));
	}
}

/* How things stand, for whoever measures: praic-conf(1) knows how. */
static void
write_metrics(struct work *w)
{
	struct stage *g;
	struct pipe p;
	char *path;

	if (pipe_stop > 0 || settings_text(w->settings, "metrics", &path) != 0 || path == NULL)
		return;
	snprintf(w->where, sizeof(w->where), "transfer %lld metrics", (long long)w->transfer->id);
	pipe_init(&p, w->where, w->limit.stage);
	g = pipe_stage(&p, "praic-conf");
	pipe_add(g, "metrics");
	pipe_add(g, "%s", path);
	if (pipe_run(&p) != 0)
		log_say(0, "%s: not written: %s", path, p.stage[0].last);
	pipe_free(&p);
	free(path);
}

/* Without its spool nothing can be done; that is to be seen, and mailed. */
static int
note_no_spool(const struct transfer *t, const char *path, const char *why, int error)
{
	char reason[PIPE_REASON];
	int code, k = 0, noted = 0;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	while (k < SETTINGS_DATA && (t->kinds & (1u << k)) == 0)
		k++;
	snprintf(reason, sizeof(reason), "%s: %s", path, why);
	log_say(0, "transfer %lld: %s", (long long)t->id, reason);
	if (s != NULL && k < SETTINGS_DATA)
		noted = db_failed(s, t->id, (enum settings_data)k, STEP_FETCH, log_now(), 1, error,
			    NULL, reason) == 0;
	settings_close(s);
	return noted ? error : error | WORK_UNNOTED;
}

/*
 * Numbers of transfers begin anew with a new settings database.  What another
 * one's transfer has fetched is for its destination, and what that has stored
 * this one's has not.
 */
static int
is_strange(struct work *w, int *strange)
{
	int code = db_is_new(w->settings, w->transfer->id, strange);

	*strange = *strange && tspool_used(&w->spool);
	return code;
}

/* The spool is there, and locked. */
static int
work_spool(struct work *w)
{
	int64_t old;
	int code, strange = 0;

	if ((code = work_limits(w->settings, &w->limit)) != 0 ||
	    (code = db_bury(w->settings, w->transfer->id)) != 0 ||
	    (code = db_oldest_now(w->settings, log_now(), &old)) != 0 ||
	    (code = is_strange(w, &strange)) != 0)
		return code | WORK_UNNOTED;
	if (strange) {
		msg_warn("%s: it was a transfer's of another settings database, and may hold what "
			 "is not for \"%s\": move it away",
		    w->spool.path, w->transfer->destination);
		return note_no_spool(w->transfer, w->spool.path,
		    "it was a transfer's of another settings database: move it away", EX_CONFIG);
	}
	tspool_forget(&w->spool, old - w->limit.retention - w->limit.sweep - DAY);
	work_kinds(w);
	write_metrics(w);
	/* A command's may be any, and those from there on have their meaning. */
	code = w->code < WORK_BUSY ? w->code : EX_SOFTWARE;
	if (code != 0 && code != EX_DATAERR && (w->unnoted || w->failed == 0))
		return code | WORK_UNNOTED;
	return code;
}

int
work_transfer(const struct transfer *t, const char *spool, enum work_how how)
{
	struct work w = {.transfer = t, .how = how};
	char *files;
	int code;

	code = tspool_open(&w.spool, spool, t->id);
	if (code == -1) {
		if (how == WORK_NOW)
			msg_warn("transfer %lld: another process is at it", (long long)t->id);
		log_say(
		    how == WORK_NOW, "transfer %lld: another process is at it", (long long)t->id);
		return WORK_BUSY;
	}
	if (code != 0)
		return note_no_spool(t, spool, "the spool cannot be used", code);
	files = xasprintf("%s/files", w.spool.path);
	if (setenv("PRAIC_SPOOL", files, 1) == -1)
		xnomem();
	free(files);
	w.settings = settings_open(NULL, SETTINGS_OPEN, &code);
	code = w.settings != NULL ? work_spool(&w) : code | WORK_UNNOTED;
	settings_close(w.settings);
	tspool_close(&w.spool);
	return pipe_stop > 0 ? WORK_STOPPED : code;
}
