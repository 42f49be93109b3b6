/*
 * The recordings and documents that praic-tofs has stored, found by its
 * ledger: praic-tofs(1), LEDGER.
 */
#ifndef TOHTML_FILES_H
#define TOHTML_FILES_H

#include "state.h"

/* Take in what the ledger of this directory has beyond what is known.  Of
 * sessions that have a page it notes that the page is stale.  0 or a code. */
int files_read(struct state *, const char *directory);

/*
 * The section of a session's recordings, between two comments: what is stored,
 * under the path that leads to praic-tofs's directory (NULL: there is none),
 * and what the appliance has beyond that.  *stored: how many recordings are.
 */
void files_section(struct state *, struct buf *, const char *prefix, const char *host,
    const char *lsid, const struct buf *expected, const char *path, int64_t *stored);
extern const char files_begin[], files_end[]; /* the comments */

#endif
