/* praic-conf asks the filters themselves: they know what they can do. */
#ifndef SCHED_CONF_RUN_H
#define SCHED_CONF_RUN_H

#include <stddef.h>

/* A command line that is put together: copies of what it is told. */
struct run {
	char **arg; /* ended by NULL */
	size_t n;
	int secret_fd; /* -1, or what the secret went to */
	int quiet;     /* its standard output goes nowhere */
	int missing;   /* run_end: the program is not to be had */
};

void run_start(struct run *, const char *program);
void run_add(struct run *, const char *arg);
/* An option and its argument. */
void run_option(struct run *, const char *option, const char *value);
/* The same with a reference to a secret, "file:/dev/fd/N", that the program can
 * read: once for each run.  0, or -1 after a message. */
int run_secret(struct run *, const char *option, const char *secret);
/* What will not be run after all. */
void run_free(struct run *);

/*
 * Run it with this input, wait, and free it.  Its exit code; EX_OSERR after a message
 * when it could not be run; EX_SOFTWARE, after one, when a signal ended it.
 */
int run_end(struct run *, const char *input, size_t n);

/* An empty record stream with these tables: enough to start a filter. */
struct buf;
int run_empty_stream(struct buf *, unsigned tables);

#endif
