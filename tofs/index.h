/*
 * A table on disk from 64-bit keys to offsets in a file: it lets the ledger
 * be asked about a name in constant time and memory.  It only points; who
 * asks looks at what is there, so that a table which a crash left wrong or
 * old costs time, never truth.  It can be made anew from the ledger at any
 * moment, and is never synced.
 */
#ifndef TOFS_INDEX_H
#define TOFS_INDEX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct index;

/* Of the file that is indexed, up to where: its last bytes before that. */
#define INDEX_TAIL 64

/* Is what stands at the offset what was asked for?  1, 0, or -1 and errno. */
typedef int index_match(void *arg, uint64_t offset);

/*
 * A new, empty one with room for so many keys.  name NULL: a file without a
 * name, in $TMPDIR.  NULL and errno.
 */
struct index *index_new(int dir, const char *name, mode_t, uint64_t keys);
/* One that is there.  NULL and errno; EINVAL: this is none. */
struct index *index_open(int dir, const char *name);
void index_close(struct index *);

/* What others changed since: 0, -1 and errno (EINVAL: it was replaced). */
int index_load(struct index *);
/* Let others know of how far it goes.  0, or -1 and errno. */
int index_store(struct index *);
/* Others are to open it anew. */
int index_retire(struct index *);

/* How much of the file is in it, and the bytes before. */
uint64_t index_covered(const struct index *, char tail[INDEX_TAIL]);
void index_cover(struct index *, uint64_t covered, const char tail[INDEX_TAIL]);

/* Too full to take one more key well. */
int index_full(const struct index *);
uint64_t index_keys(const struct index *);

/* 1 and the offset, 0, or -1 and errno. */
int index_find(struct index *, uint64_t key, index_match *, void *arg, uint64_t *offset);
/* The key's offset from now on is this; the one that matches is replaced. */
int index_put(struct index *, uint64_t key, index_match *, void *arg, uint64_t offset);

/* Mark what index_find found last; then each entry that has no mark. */
int index_mark(struct index *);
int index_unmarked(struct index *, int (*each)(void *arg, uint64_t offset), void *arg);

#endif
