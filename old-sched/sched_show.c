/*
 * praic-sched -n: the next runs of each schedule as comments, and each
 * transfer's filters as a shell would take them.  They are made by the very
 * functions that make those that are run; only the files of the spool in
 * between are left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "sched_argv.h"
#include "sched_due.h"
#include "sched_show.h"
#include "sched_spool.h"
#include "sched_work.h"

#define NEXT 5

static void
add_time(struct buf *b, int64_t t)
{
	time_t clock = (time_t)t;
	struct tm tm;
	char text[40];

	localtime_r(&clock, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &tm);
	buf_printf(b, " %s", text);
}

static void
show_schedule(struct buf *b, const struct schedule *c, int64_t now)
{
	int64_t t = due_next(&c->due, c->last_due, now);
	int i;

	buf_adds(b, "# ");
	msg_harmless(b, c->name, strlen(c->name));
	buf_adds(b, ":");
	if (t <= now) {
		buf_adds(b, " now");
		t = now;
	} else
		add_time(b, t);
	for (i = 1; i < NEXT; i++)
		add_time(b, t = due_after(&c->due, t));
	buf_addc(b, '\n');
}

static int
report_span(struct settings *s, const struct transfer *t, int64_t now, struct span *span)
{
	struct work_limits l;
	struct kind_state k;
	int64_t oldest, mark = INT64_MAX, swept = INT64_MAX;
	int i, sweep, code = work_limits(s, &l);

	for (i = 0; i < SETTINGS_DATA_BACKUP && code == 0; i++) {
		if ((t->kinds & (1u << i)) == 0)
			continue;
		code = db_kind(s, t->id, (enum settings_data)i, &k);
		mark = k.mark < mark ? k.mark : mark;
		swept = k.swept < swept ? k.swept : swept;
	}
	if (code == 0)
		code = db_oldest_open(s, t->id, &oldest);
	if (code != 0)
		return code;
	span->since = work_since(&l, mark, swept, oldest, now, &sweep);
	if (span->since == DB_NEVER) {
		span->since = l.retention;
		span->back = 1;
	}
	return 0;
}

static void
join(struct pipe *to, struct pipe *from)
{
	int i;

	for (i = 0; i < from->stages && to->stages < PIPE_STAGES; i++)
		to->stage[to->stages++] = from->stage[i];
	from->stages = 0;
}

static void
show_pipe(struct buf *b, struct pipe *first, struct pipe *second)
{
	pipe_show(b, first);
	b->n--; /* its line end */
	buf_adds(b, " | ");
	pipe_show(b, second);
	pipe_free(first);
	pipe_free(second);
}

static int
show_transfer(
    struct settings *s, struct buf *b, const struct transfer *t, const char *spool, int64_t now)
{
	char *path = tspool_path(spool, t->id);
	struct pipe p, q, d;
	struct span span = {.until = DB_NEVER};
	int64_t jobs = 4;
	int i, code = 0;

	buf_printf(b, "# transfer %lld: ", (long long)t->id);
	msg_harmless(b, t->site, strlen(t->site));
	buf_adds(b, " to ");
	msg_harmless(b, t->destination, strlen(t->destination));
	buf_addc(b, '\n');
	if ((t->kinds & ~(1u << SETTINGS_DATA_BACKUP)) != 0)
		code = report_span(s, t, now, &span);
	if (code == 0)
		code = settings_number(s, "jobs", &jobs);
	for (i = 0; i < SETTINGS_DATA && code == 0; i++) {
		if ((t->kinds & (1u << i)) == 0)
			continue;
		pipe_init(&p, "", 0);
		pipe_init(&q, "", 0);
		pipe_init(&d, "", 0);
		if (i == SETTINGS_DATA_BACKUP)
			argv_backup(&p, t, path);
		else
			argv_report(&p, t, &span);
		if (i == SETTINGS_DATA_SESSION)
			argv_store(&q, t, NULL, NULL);
		else
			argv_files(&q, t, NULL, path);
		if (i != SETTINGS_DATA_SESSION && i != SETTINGS_DATA_BACKUP) {
			argv_download(&d, t, (enum settings_data)i, NULL, path, jobs);
			join(&p, &d);
		}
		show_pipe(b, &p, &q);
	}
	free(path);
	return code;
}

int
show_plan(struct settings *s, const struct plan *p, int64_t now)
{
	struct buf b = {0};
	size_t i, k;
	int code = 0;

	for (i = 0; i < p->schedules && code == 0; i++) {
		show_schedule(&b, &p->schedule[i], now);
		for (k = 0; k < p->transfers && code == 0; k++)
			if (p->transfer[k].schedule_id == p->schedule[i].id)
				code = show_transfer(s, &b, &p->transfer[k], p->spool, now);
	}
	if (code == 0 && file_write(1, b.p, b.n) == -1) {
		msg_errno("standard output");
		code = EX_IOERR;
	}
	buf_free(&b);
	return code;
}
