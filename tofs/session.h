/*
 * Saved session XML: a whole document around the one session element that
 * the X lines of a record stream hold, which praic-split reads again.
 */
#ifndef TOFS_SESSION_H
#define TOFS_SESSION_H

#include "rec.h"
#include "store.h"

struct document;

struct document *document_new(struct store *);
void document_free(struct document *);

/* The next piece of the session's XML; host is its site.  NULL, or why this
 * session cannot be saved. */
const char *document_add(struct document *, struct rec_value host, const char *p, size_t n);
/* Has anything been added? */
int document_begun(const struct document *);
/* The whole of it, which is the caller's now; the next one may begin.  NULL
 * when it is none: *why says why. */
struct draft *document_end(struct document *, const char **why);
/* Forget what was added. */
void document_drop(struct document *);

#endif
