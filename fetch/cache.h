/*
 * Small files about an account, which all processes of a user share: in a
 * directory, and of a mode, that keep others out.  They may be removed at
 * any time.
 */
#ifndef PRAIC_FETCH_CACHE_H
#define PRAIC_FETCH_CACHE_H

#include <jansson.h>

#include "site.h"

/*
 * Open the file of that name ("token"), which is made if need be.  0 and
 * *fd, which is -1 where there is no place for such files; or an exit code
 * after a message.
 */
int cache_open(const struct site *, const char *what, int *fd);

/* What is in it: an object, to be freed, empty where there is nothing good. */
json_t *cache_read(int fd);
/* In place: half a file is none.  fd may be -1. */
void cache_write(const struct site *, int fd, const json_t *);

#endif
