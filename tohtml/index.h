/* The index of each month, and the one of everything. */
#ifndef TOHTML_INDEX_H
#define TOHTML_INDEX_H

#include "archive.h"

/* Make those anew that are not there, or in which a session has changed. */
void index_update(struct archive *);

#endif
