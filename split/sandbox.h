/*
 * Giving up what reading XML needs no right to: files, the network, other
 * processes.  Whoever takes over the parser can then write to what is open
 * already, and nothing else.
 */
#ifndef PRAIC_SANDBOX_H
#define PRAIC_SANDBOX_H

/*
 * From here on only reading, writing, memory and ending are allowed; any
 * other system call kills the program.  0; -1 where the kernel or the build
 * has no such thing, with the reason.
 */
int sandbox_enter(const char **why);

#endif
