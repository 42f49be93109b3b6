/*
 * The ledger as a table: what it says about a name, a content, an owner.
 * The table is a SQLite file beside the ledger, used under the ledger's lock
 * alone (DIRECTORY may be a share, where SQLite's own locks are unreliable)
 * and never synced.  It is brought up to date with the ledger whenever
 * something is asked, and made anew when it does not fit; where it cannot be
 * had, a temporary one serves.
 */
#ifndef TOFS_INDEX_H
#define TOFS_INDEX_H

#include <sqlite3.h>

#include "ledger.h"

struct index;

/* The things given are kept.  scratch: in a temporary file that nobody else
 * has touched. */
struct index *index_new(struct ledger *, struct tree *, const struct options *, int scratch);
void index_free(struct index *);

/* A line; the texts are valid until the next call. */
struct found {
	int64_t id; /* greater: later in the ledger */
	const char *name;
	int removed;
	uint64_t bytes;
	const char *sha256; /* 64 digits, and NUL */
	int64_t time;	    /* of that line; by the clock here */
};

/* The ledger's lock must be held for these.  1, 0, or -1 after a message. */

/* The last line of this name. */
int index_name(struct index *, const char *name, struct found *);

/* A file that is not removed, has this content, and is called base with a
 * number (name_number), not base itself. */
int index_content(struct index *, const char *base, const char *sha256, struct found *);

/* For --verify: take note of the line; a row that has none has seen IS NULL. */
int index_seen(struct index *, int64_t id);

/*
 * For -n --list: "same", "newer" (than what is stored, which is another
 * content) or "new"; sha256 NULL: whatever the content.  Without an index
 * everything is new.  NULL after a message.
 */
const char *index_state(struct index *, const struct owner *, const char *sha256);

/* A line l that is stored and the last of its name. */
#define INDEX_STORED                          \
	"l.bytes IS NOT NULL AND NOT EXISTS " \
	"(SELECT 1 FROM line WHERE hash = l.hash AND name = l.name AND id > l.id)"

/*
 * A query of the table line (index.c), which is up to date; text is bound to
 * ?1, and what is given back is the caller's to finalize.  NULL after a
 * message.
 */
sqlite3_stmt *index_select(struct index *, const char *sql, const struct buf *text);
/* After sqlite3_step: 1 for a row, 0 for none, -1 after a message. */
int index_row(struct index *, int rc);
/* A text that cannot be NULL, but for want of memory. */
const char *index_text(sqlite3_stmt *, int column);

#endif
