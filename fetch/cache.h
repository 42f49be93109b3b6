/*
 * Small files about an account, which all processes of a user share: in a
 * directory, and of a mode, that keep others out.  They may be removed at
 * any time.
 */
#ifndef PRAIC_FETCH_CACHE_H
#define PRAIC_FETCH_CACHE_H

#include "site.h"

/*
 * Open the file of that name ("token"), which is made if need be.  0 and
 * *fd, which is -1 where there is no place for such files; or an exit code
 * after a message.
 */
int cache_open(const struct site *, const char *what, int *fd);

#endif
