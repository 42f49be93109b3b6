/*
 * A transfer's work is made of steps: a pipe of filters that fetches one
 * kind of data into the spool, or stores one file of it.  Each is begun,
 * run, judged and noted the same way, here.
 */
#ifndef PRAIC_SCHED_STEP_H
#define PRAIC_SCHED_STEP_H

#include <stddef.h>
#include <stdint.h>

#include "sched_db.h"
#include "sched_pipe.h"
#include "sched_spool.h"
#include "sched_work.h"

/* One transfer, as long as its lock is held. */
struct work {
	struct settings *settings;
	const struct transfer *transfer;
	struct transfer_spool spool;
	enum work_how how;
	struct work_limits limit;
	char where[80];	 /* for the log: transfer, kind, step */
	int code;	 /* the worst so far */
	unsigned failed; /* kinds and steps whose failure is noted: one back-off for all */
	int unnoted;	 /* the settings could not be written to */
};

extern const struct counts step_uncounted;

/* An empty pipe for this step. */
void step_pipe(struct work *, struct pipe *, enum settings_data, enum step);
/* The words to remember of a step: those of the stage that is to blame. */
const char *step_reason(const struct pipe *, char *text, size_t size);
/*
 * The step has ended: history, failure and log are told.  code is the pipe's,
 * or a worse one from what came after it, which words tells about; p is NULL
 * where nothing was run.  0 where work may go on (something left out is no
 * reason to stop), else a code.
 */
int step_end(struct work *, enum settings_data, enum step, int64_t run, const struct pipe *p,
    int code, const char *words, const struct counts *);

/* Does a back-off last? */
int step_is_waiting(const struct work *, const struct kind_state *, enum step);
/* Is the appliance to be asked?  A retry asks only for what failed. */
int step_is_asked(const struct work *, const struct kind_state *);
/* 0 when there is room to fetch; else a code, and why. */
int step_room(struct work *, char *why, size_t size);

/*
 * Something was left out of this file of the spool.  praic-tosql --reject
 * keeps each session once for each reason; whatever else was left out, or by
 * whom, is kept with the whole file, for nobody can say which part of it was
 * bad.  before is what tspool_failed() said before the filters ran, or -1
 * where none of them keeps anything.  is_new: there was no such complaint
 * before, which is a reason to tell about it.  0, or a code after a message:
 * then the file is not kept, and must stay where it is.
 */
int step_keep_failed(struct work *, const struct pipe *, int64_t before, const char *name,
    const char *extension, int *is_new);

/* sched_fetch.c: kinds is a set of those that are read from reports. */
int fetch_reports(struct work *, unsigned kinds);
/* sched_files.c */
int fetch_recordings(struct work *, enum settings_data, const struct kind_state *);
int fetch_backup(struct work *, const struct kind_state *);
/* sched_store.c: all that waits of this kind. */
int store_kind(struct work *, enum settings_data);

#endif
