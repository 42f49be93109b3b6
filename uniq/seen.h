/*
 * Which sessions were there before: in this input, in memory, and in those of
 * earlier runs, in STATE, an SQLite database.
 */
#ifndef UNIQ_SEEN_H
#define UNIQ_SEEN_H

#include <stddef.h>
#include <stdint.h>

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *);

/*
 * Use STATE: make it if there is none, keep every other process out until
 * seen_free(), and drop what was noted before `forget' (UNIX seconds).
 * 0, or a code after a message.
 */
int seen_open(struct seen *, const char *path, int64_t forget);
/* The directory that STATE is in: SQLite keeps a journal there. */
const char *seen_directory(const struct seen *);

/* A session begins; then, what it is made of, in pieces of any length. */
void seen_begin(struct seen *);
void seen_bytes(struct seen *, const char *p, size_t n);
/* It is complete.  1 if it is new, 0 if it was there before; -1 after a message,
 * and *code. */
int seen_add(struct seen *, int *code);

/* Note in STATE what this input had.  0, or a code after a message. */
int seen_note(struct seen *, int64_t now);

#endif
