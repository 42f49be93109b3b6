/*
 * A pipe of filters, run as a shell would run it: started, listened to,
 * ended when it takes too long or the scheduler is told to stop, and judged.
 */
#ifndef PRAIC_SCHED_PIPE_H
#define PRAIC_SCHED_PIPE_H

#include <signal.h>
#include <stdint.h>

#include "buf.h"

#define PIPE_STAGES 3
#define PIPE_ARGS   24
#define PIPE_REASON 400

struct stage {
	char *argv[PIPE_ARGS]; /* owned, ended by NULL */
	int args;
	/* how it ended */
	int code; /* 70 when a signal ended it */
	int signal;
	double seconds;
	char last[PIPE_REASON]; /* its last words */
	uint64_t complaint;	/* a sum of all its words, without the digits */
};

struct pipe {
	struct stage stage[PIPE_STAGES];
	int stages;
	int out;	   /* where the last one writes; -1: lines are counted */
	const char *where; /* for the log */
	int64_t limit;	   /* seconds */
	/* afterwards */
	int code;	/* of all of it, as praic-sched(8) says */
	int blame;	/* the stage it is of */
	int stopped;	/* ended on the scheduler's own order */
	int late;	/* ended for it took too long */
	uint64_t lines; /* of output */
	double seconds;
};

/* How often the scheduler was told to stop. */
extern volatile sig_atomic_t pipe_stop;

/* All zero but for out.  pipe_free frees the arguments. */
void pipe_init(struct pipe *, const char *where, int64_t limit);
struct stage *pipe_stage(struct pipe *, const char *program);
void pipe_add(struct stage *, const char *, ...) __attribute__((format(printf, 2, 3)));
void pipe_free(struct pipe *);

/* Run it.  The code, which is also in p. */
int pipe_run(struct pipe *);

/* As a person would type it, at the end of b. */
void pipe_show(struct buf *b, const struct pipe *);

#endif
