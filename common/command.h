/*
 * What every main() does: options from one table, which also makes --help, and
 * operands one after the other.
 */
#ifndef PRAIC_COMMAND_H
#define PRAIC_COMMAND_H

#include <stddef.h>

struct command_option {
	char letter; /* 0: it has none */
	const char *name;
	const char *argument; /* what it takes, as the help calls it; NULL: nothing */
	const char *help;     /* a line, or several */
	/* Where in the caller's struct it goes: the argument, a const char *
	 * that is kept; without an argument an int, which becomes 1. */
	size_t at;
	/* Instead of that: 0, or an exit code after a message. */
	int (*take)(void *arg, const char *argument);
};

struct command {
	const char *usage;   /* the lines behind "usage: " */
	const char *summary; /* what it does */
	/* -v, --help and --version come by themselves; the last one has no name */
	const struct command_option *option;
};

/* Call it first.  It sets up messages and standard descriptors, and ignores
 * SIGPIPE: a write to a pipe without a reader fails instead. */
void command_start(const char *argv0);

/*
 * Options into the struct at arg; operands begin at argv[optind].  0, or the
 * worst code of those that were not taken.  Ends the program for --help,
 * --version, and after what is no option of it.
 */
int command_options(const struct command *, int argc, char **argv, void *arg);

/* What the option of this name does: for a field of the settings database. */
int command_set(const struct command *, void *arg, const char *name, const char *value);

/* How it is used, on standard error: ends the program with EX_USAGE. */
void command_usage(const struct command *) __attribute__((noreturn));

/*
 * Each operand in turn, "-" and none at all being standard input, until one()
 * says something else than 0.  Those that cannot be opened do not stop the
 * others.  0, or EX_NOINPUT after messages.
 */
int command_operands(char *const operand[], int operands,
    int (*one)(void *arg, int fd, const char *name), void *arg);

#endif
