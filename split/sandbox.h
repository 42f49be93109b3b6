/*
 * Gives up the rights that reading XML does not need: files, the network, other
 * processes.  An attacker who takes over the parser can then only write to files that
 * are open already.
 */
#ifndef PRAIC_SANDBOX_H
#define PRAIC_SANDBOX_H

/*
 * From here on only system calls for reading, writing, memory and exit are allowed; any
 * other one kills the program.  0; or -1 and the reason, if the kernel or the build does
 * not support it.
 */
int sandbox_enter(const char **why);

#endif
