/* COMMAND, which reads a pipe that this program writes. */
#ifndef UNIQ_COMMAND_H
#define UNIQ_COMMAND_H

#include <sys/types.h>

struct command {
	char *const *argv;
	pid_t pid;
	int fd; /* its standard input */
};

/* Start it.  argv is kept.  0, or a code after a message. */
int command_start(struct command *, char *const *argv);
/*
 * Close its input and wait until it ends.  0 when it ended well and had read
 * all that was written; else a code after a message.
 */
int command_wait(struct command *, int stopped_reading);

#endif
