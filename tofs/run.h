/* From record streams to the store. */
#ifndef TOFS_RUN_H
#define TOFS_RUN_H

#include "tofs.h"

/* These operands, read in turn, or standard input: the exit code. */
int run(const struct options *, char *const operand[], int operands);

#endif
