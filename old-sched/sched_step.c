/* A step of a transfer: see sched_step.h. */
#include <signal.h>
#include <stdio.h>

#include "code.h"
#include "sched_log.h"
#include "sched_step.h"

const struct counts step_uncounted = {-1, -1, -1, -1, -1, DB_NEVER, DB_NEVER, DB_NEVER};

void
step_pipe(struct work *w, struct pipe *p, enum settings_data kind, enum step step)
{
	snprintf(w->where, sizeof(w->where), "transfer %lld %s %s", (long long)w->transfer->id,
	    settings_data_name[kind], step_name[step]);
	pipe_init(p, w->where, w->limit.stage);
}

/* The words to remember of a step: those of the stage that is to blame. */
const char *
step_reason(const struct pipe *p, char *text, size_t size)
{
	const struct stage *g = &p->stage[p->blame];

	if (g->last[0] != '\0')
		return g->last;
	if (g->signal == SIGPIPE)
		snprintf(text, size, "%s: its reader ended before it had read all", g->argv[0]);
	else if (g->signal != 0)
		snprintf(text, size, "%s: ended by signal %d", g->argv[0], g->signal);
	else
		snprintf(text, size, "%s: exit code %d", g->argv[0], g->code);
	return text;
}

/* code is the pipe's, or a worse one from what came after it. */
int
step_end(struct work *w, enum settings_data kind, enum step step, int64_t run, const struct pipe *p,
    int code, const char *words, const struct counts *c)
{
	const struct transfer *t = w->transfer;
	char text[PIPE_REASON];
	const char *reason = code == 0 ? NULL :
	    words != NULL	       ? words :
					 step_reason(p, text, sizeof(text));
	unsigned bit = 1u << (2 * (unsigned)kind + (unsigned)step);
	int bad = 0;

	if (run != -1)
		bad = db_end_run(w->settings, run, p, code, reason, c);
	if (p != NULL && p->stopped)
		return WORK_STOPPED;
	if (bad == 0 && (code == 0 || code == EX_DATAERR)) {
		if (step == STEP_STORE || kind == SETTINGS_DATA_SESSION ||
		    kind == SETTINGS_DATA_BACKUP)
			bad = db_fine(w->settings, t->id, kind, step, log_now());
	} else if (bad == 0 && (w->failed & bit) == 0) {
		w->failed |= bit;
		bad = db_failed(
		    w->settings, t->id, kind, step, log_now(), w->how == WORK_NOW, code, p, reason);
	}
	w->unnoted |= bad != 0;
	log_say(code == 0 ? 1 : 0, "transfer %lld (%s: %s to %s) %s %s: %s%s%s", (long long)t->id,
	    t->schedule, t->site, t->destination, settings_data_name[kind], step_name[step],
	    code == 0		   ? "done" :
		code == EX_DATAERR ? "something left out" :
				     "failed",
	    reason != NULL ? ": " : "", reason != NULL ? reason : "");
	w->code = code_worse(w->code, code_worse(code, bad));
	return code != 0 && code != EX_DATAERR ? code : bad;
}

/* Does a back-off last? */
int
step_is_waiting(const struct work *w, const struct kind_state *k, enum step step)
{
	return w->how != WORK_NOW && k->retry_at[step] != DB_NEVER && k->retry_at[step] > log_now();
}

/* Is the appliance to be asked?  A retry asks only for what failed. */
int
step_is_asked(const struct work *w, const struct kind_state *k)
{
	return !step_is_waiting(w, k, STEP_FETCH) &&
	    (w->how != WORK_RETRY || k->failing[STEP_FETCH]);
}

/* 0 when there is room to fetch; else a code, and why. */
int
step_room(struct work *w, char *why, size_t size)
{
	int64_t free_bytes, used;
	int code = tspool_room(&w->spool, &free_bytes, &used);

	if (code != 0)
		snprintf(why, size, "%s: its file system cannot be asked", w->spool.path);
	else if (free_bytes < w->limit.floor) {
		snprintf(why, size,
		    "%s: %lld bytes are free, and nothing is fetched below %lld "
		    "(setting spool-floor)",
		    w->spool.path, (long long)free_bytes, (long long)w->limit.floor);
		code = EX_IOERR;
	} else if (w->limit.cap > 0 && used > w->limit.cap) {
		snprintf(why, size,
		    "%s: the spool holds %lld bytes, and nothing is fetched "
		    "beyond %lld (setting spool-cap)",
		    w->spool.path, (long long)used, (long long)w->limit.cap);
		code = EX_IOERR;
	}
	return code;
}

/* One sum for one complaint: all the words without what differs in each report. */
static uint64_t
complaint_of(const struct pipe *p)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < p->stages; i++)
		sum = (sum ^ p->stage[i].complaint) * UINT64_C(0x100000001b3);
	return sum;
}

int
step_keep_failed(struct work *w, const struct pipe *p, int64_t before, const char *name,
    const char *extension, int *is_new)
{
	char as[TSPOOL_NAME];
	int code;

	if (before != -1 && w->transfer->destination_kind == SETTINGS_SQL &&
	    p->stage[0].code == 0) {
		*is_new = tspool_failed(&w->spool) > before;
		return 0;
	}
	code = tspool_fail(&w->spool, name, complaint_of(p), extension, as, is_new);
	if (code == 0)
		log_say(0, "%s: kept as %s/%s", w->where, w->spool.path, as);
	return code;
}
