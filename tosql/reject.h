/*
 * What was left out, kept: --reject DIRECTORY.  Each session becomes a file,
 * a record stream of its own with its lines as they came, and the reason as
 * a row of a table that readers pass over (praic_reject).  So it can be read
 * by a person, mended, and loaded again.
 *
 * The lines of the sessions of the batch wait in an unlinked temporary
 * file, since it is known only afterwards which ones the database refuses.
 */
#ifndef TOSQL_REJECT_H
#define TOSQL_REJECT_H

#include "rec.h"

struct reject;

/* The directory must be there.  NULL after a message, and *code. */
struct reject *reject_open(const char *directory, int *code);
/* NULL is fine; so it is below, where it does nothing. */
void reject_close(struct reject *);

/* Has something failed?  A code, after a message. */
int reject_code(const struct reject *);

/* A session begins, in a stream with this head; its lines, the S line too. */
void reject_begin(struct reject *, struct rec_value head);
void reject_line(struct reject *, const char *line, size_t n);
/* The session begun is number n (from 0) of the batch. */
void reject_gathered(struct reject *);
/* The session begun was left out: more lines may follow, then reject_end. */
void reject_dropped(
    struct reject *, struct rec_value host, struct rec_value lsid, const char *reason);
/* The session begun, if any, has no more lines. */
void reject_end(struct reject *);
/* The session begun is of no interest. */
void reject_forget(struct reject *);

/* Session i of the batch was left out; none that was dropped is begun. */
void reject_gathered_one(
    struct reject *, size_t i, struct rec_value host, struct rec_value lsid, const char *reason);
/* The batch is written: the next session gathered is number 0. */
void reject_shift(struct reject *);

#endif
