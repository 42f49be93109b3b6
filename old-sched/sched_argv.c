/* The filters of a transfer: see sched_argv.h. */
#include "sched_argv.h"

static struct stage *
fetch(struct pipe *p, const struct transfer *t, const char *what)
{
	struct stage *g = pipe_stage(p, "praic-fetch");

	pipe_add(g, "-s");
	pipe_add(g, "%s", t->site);
	pipe_add(g, "%s", what);
	return g;
}

void
argv_split(struct pipe *p, const char *xml, int bare)
{
	struct stage *g = pipe_stage(p, "praic-split");

	if (bare)
		pipe_add(g, "-n");
	if (xml != NULL)
		pipe_add(g, "%s", xml);
}

static struct stage *
destination(struct pipe *p, const struct transfer *t)
{
	struct stage *g = pipe_stage(p,
	    t->destination_kind == SETTINGS_SQL	   ? "praic-tosql" :
		t->destination_kind == SETTINGS_FS ? "praic-tofs" :
						     "sh");

	if (t->destination_kind == SETTINGS_EXEC) {
		pipe_add(g, "-c");
		pipe_add(g, "%s", t->command);
	} else {
		pipe_add(g, "-D");
		pipe_add(g, "%s", t->destination);
	}
	return g;
}

void
argv_report(struct pipe *p, const struct transfer *t, const struct span *span)
{
	const char *unit = span->back ? "s" : "";
	struct stage *g = fetch(p, t, "sessions");

	pipe_add(g, "--since");
	pipe_add(g, "%lld%s", (long long)span->since, unit);
	if (span->until != DB_NEVER) {
		pipe_add(g, "--until");
		pipe_add(g, "%lld%s", (long long)span->until, unit);
	}
}

void
argv_store(struct pipe *p, const struct transfer *t, const char *xml, const char *failed)
{
	struct stage *g;

	argv_split(p, xml, 0);
	g = destination(p, t);
	if (t->destination_kind == SETTINGS_SQL && failed != NULL) {
		pipe_add(g, "--reject");
		pipe_add(g, "%s", failed);
	}
}

void
argv_download(struct pipe *p, const struct transfer *t, enum settings_data kind, const char *xml,
    const char *spool, int64_t jobs)
{
	struct stage *g;

	argv_split(p, xml, 1);
	g = fetch(p, t, "recordings");
	pipe_add(g, "-d");
	pipe_add(g, "%s/files", spool);
	pipe_add(g, "--done");
	pipe_add(g, "%s/done", spool);
	pipe_add(g, "--kind");
	pipe_add(g, "%s", settings_data_name[kind]);
	pipe_add(g, "-j");
	pipe_add(g, "%lld", (long long)jobs);
}

void
argv_backup(struct pipe *p, const struct transfer *t, const char *spool)
{
	struct stage *g = fetch(p, t, "backup");

	pipe_add(g, "-d");
	pipe_add(g, "%s/files", spool);
}

void
argv_files(struct pipe *p, const struct transfer *t, const char *records, const char *spool)
{
	struct stage *g;

	/* A command reads standard input, and finds the files in $PRAIC_SPOOL. */
	if (t->destination_kind == SETTINGS_EXEC && records != NULL)
		pipe_add(pipe_stage(p, "cat"), "%s", records);
	g = destination(p, t);
	if (t->destination_kind == SETTINGS_EXEC)
		return;
	pipe_add(g, "-i");
	pipe_add(g, "%s/files", spool);
	if (records != NULL)
		pipe_add(g, "%s", records);
}
