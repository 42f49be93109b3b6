/* praic-conf asks the filters themselves: they know what they can do. */
#ifndef SCHED_CONF_RUN_H
#define SCHED_CONF_RUN_H

#include <stddef.h>

#define RUN_MAX 128	/* arguments */

/* A command line that is put together. */
struct run {
	const char *arg[RUN_MAX + 1];
	size_t n;
	int text_fd;		/* -1, or what text went to; closed by run_end */
	int quiet;		/* its standard output goes nowhere */
	int missing;		/* run_end: the program is not to be had */
};

void run_start(struct run *, const char *program);
void run_add(struct run *, const char *arg);
/* An option and its argument. */
void run_option(struct run *, const char *option, const char *value);
/* "@/dev/fd/N", from which the program can read this text; NULL after a
 * message.  To be freed.  Once for each run. */
char *run_text(struct run *, const char *text);

/*
 * Run it with this input, and wait.  Its exit code; EX_OSERR after a message
 * when it could not be run; EX_SOFTWARE, after one, when a signal ended it.
 */
int run_end(struct run *, const char *input, size_t n);

/* An empty record stream with these tables: enough to start a filter. */
struct buf;
int run_empty_stream(struct buf *, unsigned tables);

#endif
