/*
 * The command line: options by one table, which also makes --help, and file operands.
 */
#ifndef PRAIC_COMMAND_H
#define PRAIC_COMMAND_H

#include <stddef.h>

struct command_option {
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* its name in the help; NULL: the option has none */
	const char *help;     /* one line or more */
	/* The place in the caller's struct: of a const char * for the argument, which
	 * is kept, or of an int that becomes 1. */
	size_t at;
	/* Or a function: 0, or an exit code after a message. */
	int (*take)(void *arg, const char *argument);
};

struct command {
	const char *usage;   /* the lines behind "usage: " */
	const char *summary; /* what the program does */
	/* without -v, --help and --version, which are added; the last one has no name */
	const struct command_option *option;
};

/* Call it first.  It sets up messages and standard descriptors, and ignores
 * SIGPIPE: a write to a pipe without a reader fails instead. */
void command_start(const char *argv0);

/*
 * Read options into the struct at arg; operands begin at argv[optind].  0, or the worst
 * code of a function.  Ends the program for --help, --version and unknown options.
 */
int command_options(const struct command *, int argc, char **argv, void *arg);

/* Set the option of this name, for a field of the settings database. */
int command_set(const struct command *, void *arg, const char *name, const char *value);

/* Print the reason on standard error, or without one (NULL) the usage, and end the
 * program with EX_USAGE. */
void command_usage(const struct command *, const char *reason, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

/*
 * Call one() for each file operand, until it returns another value than 0.  "-", or no
 * operand at all, is standard input.  A file that cannot be opened does not stop the
 * others.  0, or EX_NOINPUT after messages.
 */
int command_operands(char *const operand[], int operands,
    int (*one)(void *arg, int fd, const char *name), void *arg);

/* Add the program's own directory to the end of $PATH, to find the filters there. */
void command_extend_path(void);

#endif
