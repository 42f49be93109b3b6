/*
 * Gives up, by landlock(7), all rights to files and networks that a program does not
 * need.  An attacker who takes it over through its input can then change only files
 * that the program may change.
 */
#ifndef PRAIC_CONFINE_H
#define PRAIC_CONFINE_H

enum confine_right {
	CONFINE_READ,	/* the file, or what is below the directory */
	CONFINE_CHANGE, /* that, and to make, write, rename and remove there */
};

struct confine;

struct confine *confine_new(void);
/*
 * Keep access to the file or directory of this path, and to files below it.  A path
 * that does not exist is skipped: opening it will fail anyway.  Open files and pipes
 * need no rule.
 */
void confine_allow(struct confine *, const char *path, enum confine_right);
/* The same for file operands; "-" is skipped. */
void confine_allow_operands(struct confine *, char *const operand[], int operands);
/* Give up no rights, for this reason (a constant string). */
void confine_give_up(struct confine *, const char *why);
/*
 * From here on, opening or making another file fails (EACCES), as does starting a
 * program and, if the kernel supports it, using a TCP port or sending a signal to
 * another process.  Without Landlock nothing changes; -v says so, and why.  Frees.
 */
void confine_enter(struct confine *);

#endif
