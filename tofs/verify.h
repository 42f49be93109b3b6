/* DIRECTORY against its ledger: what is missing, changed or unknown. */
#ifndef TOFS_VERIFY_H
#define TOFS_VERIFY_H

#include "tofs.h"

/* Lines on standard output for what is wrong; the exit code. */
int verify(const struct options *);

#endif
