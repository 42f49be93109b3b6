/*
 * Recordings and backups, out of the spool that praic-fetch filled.  What a
 * `file` row says about a file is checked against its bytes; the file itself
 * is left to its owner.
 */
#ifndef TOFS_SPOOLED_H
#define TOFS_SPOOLED_H

#include "rec.h"
#include "store.h"

/* One file row. */
struct spooled {
	enum kind kind;
	int64_t instance;		     /* as an owner's (tofs.h) */
	char *name, *extension, *fetched_at; /* NULL for NULL */
	uint64_t bytes;
	char sha256[SHA256_HEX];
	const char *bad; /* why it cannot be stored, or NULL */
};

/* The rows of a session; all zero is empty. */
struct spooled_list {
	struct spooled *row;
	size_t rows;
	size_t size; /* of the texts in them */
};

/* Take a row along, good or bad, if its file came; NULL, or why the whole session is too much. */
const char *spooled_add(struct spooled_list *, const struct rec_value value[FILE_COLUMNS]);
void spooled_forget(struct spooled_list *);

/*
 * The row's file of this spool, checked, as a draft.  0 and *draft, which is
 * NULL when *why says why the file cannot be stored, and *fault as one word; or a code after a
 * message when the spool cannot be read.
 */
int spooled_read(struct store *, const struct options *, int spool, const struct spooled *,
    struct draft **, const char **fault, const char **why);

#endif
