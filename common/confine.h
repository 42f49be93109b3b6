/*
 * Giving up the right to files and networks that a program has no business
 * with, by landlock(7): whoever takes it over by what it reads can then
 * change what it was to change anyway, and nothing else.
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
 * What has this path now, or will be below it, stays within reach.  What is
 * not there is passed over: whoever wants it will say so.  Files that are
 * open, and pipes, need nothing.
 */
void confine_allow(struct confine *, const char *path, enum confine_right);
/* Likewise the files that a program is to read; "-" is passed over. */
void confine_allow_operands(struct confine *, char *const operand[], int operands);
/* All is to stay as it is, for this reason (a constant). */
void confine_give_up(struct confine *, const char *why);
/*
 * From here on nothing else can be opened or made (EACCES), no program started
 * and, as far as the kernel knows how, no TCP port reached and no other process
 * sent a signal.  Where there is no such thing all stays as it is; -v tells
 * which it is, and why.  Frees.
 */
void confine_enter(struct confine *);

#endif
