/*
 * Contents on their way to their final names, in batches: all are written,
 * then all are made durable, then each gets its name, then the folders are
 * made durable, then the ledger has a line for each, then its name is
 * printed.  One at a time the disk would have to turn over three times for
 * each; so it is as safe, and much faster.
 */
#ifndef TOFS_STORE_H
#define TOFS_STORE_H

#include "tofs.h"
#include "index.h"
#include "tree.h"

struct store;
struct draft; /* a content that is being written */

/* The options are kept.  NULL and *code after a message. */
struct store *store_open(const struct options *, int *code);
/* One into which nothing is ever stored: what is there is asked for, and drafts
 * are only hashed.  Without a ledger nothing is there, and store_index is NULL,
 * unless it must be there.  NULL and *code after a message. */
struct store *store_dry(const struct options *, int *code);
/* store_flush, and clean up.  0 or a code. */
int store_close(struct store *);

/* What others ask about the same directory. */
struct tree *store_tree(const struct store *);
struct ledger *store_ledger(const struct store *);
struct index *store_index(const struct store *);

/* Small ones stay in memory, others go into a file at once. */
struct draft *draft_new(struct store *);
/* Errors stick: store_put tells. */
void draft_add(struct draft *, const void *, size_t);
int draft_failed(const struct draft *);
/* NULL is fine. */
void draft_free(struct draft *);
/* How much it has, and its sha256; nothing can be added any more. */
uint64_t draft_bytes(const struct draft *);
const char *draft_sha256(struct draft *);

/*
 * A content that is in a file already, open as fd (which is the draft's from
 * now on) and called name in dir: no copy is made, the file gets one more
 * name.  NULL when it cannot be had; then fd is still the caller's.
 */
struct draft *draft_link(
    struct store *, int dir, const char *name, int fd, uint64_t bytes, const char *sha256);

/* It belongs to this owner and is to be called this; the draft is the
 * store's.  0, or the worst code of what was done, after messages. */
int store_put(struct store *, struct draft *, const struct owner *, const char *name);

/* Does DIRECTORY not tell upper from lower case? */
int store_folds(const struct store *);

/* Is it there already, and nothing is to be done?  1, 0, or -1 after a
 * message. */
int store_has(struct store *, const char *name, uint64_t bytes, const char *sha256);

/* All that was put is safe now.  0 or a code; after one that is not
 * EX_DATAERR nothing more can be stored. */
int store_flush(struct store *);
/* Lines for standard output, where the names go.  That nobody takes them is
 * told by store_close. */
void store_print(struct store *, const struct buf *);
/* So: is there no use in going on? */
int store_failed(const struct store *);
/* Is something waiting for store_flush? */
int store_waiting(const struct store *);

#endif
