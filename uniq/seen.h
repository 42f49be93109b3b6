/*
 * The sessions that were there before, by digests of their content: those of this
 * input in a temporary table, those of earlier runs in STATE, an SQLite database.
 */
#ifndef UNIQ_SEEN_H
#define UNIQ_SEEN_H

#include <stddef.h>
#include <stdint.h>

struct seen;

/*
 * path: STATE, which is made if it is not there and kept locked until seen_free();
 * NULL: remember this input only.  What was noted before `forget' (UNIX seconds) is
 * dropped.  NULL after a message, and *code.
 */
struct seen *seen_open(const char *path, int64_t forget, int *code);
void seen_free(struct seen *);
/* The directory of STATE, in which SQLite keeps a journal. */
const char *seen_directory(const struct seen *);

/* A session's content, in pieces of any length. */
void seen_bytes(struct seen *, const char *p, size_t n);
/* The session is given up. */
void seen_drop(struct seen *);
/* The session is complete.  1 if it is new, 0 if it was there before; -1 after a
 * message, and *code. */
int seen_add(struct seen *, int *code);

/* Note in STATE what this input had.  0, or a code after a message. */
int seen_note(struct seen *, int64_t now);

#endif
