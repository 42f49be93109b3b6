/*
 * What a download's answer is a file of: by its first bytes, for headers say
 * anything.
 */
#ifndef PRAIC_FETCH_MEDIA_H
#define PRAIC_FETCH_MEDIA_H

#include "download.h"

/* The extension of what has come whole; NULL: it is no file, but a page, an
 * error or the like. */
const char *media_extension(const struct job *);
/* Before its end: may it be a file, though it is text? */
int media_may_be_text(const struct job *);

#endif
