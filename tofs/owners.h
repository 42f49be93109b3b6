/*
 * What the ledger has of each thing, whatever it is called: for -n --list.
 * It is read once, into a temporary database.
 */
#ifndef TOFS_OWNERS_H
#define TOFS_OWNERS_H

#include "tofs.h"

struct owners;

/* Nothing is made; without a ledger there is nothing, unless it must be there.
 * NULL and *code after a message. */
struct owners *owners_open(const struct options *, int *code);
void owners_close(struct owners *);

/*
 * "same", "newer" (than what is stored, which is another content) or "new";
 * sha256 NULL: whatever the content.  NULL after a message.
 */
const char *owners_state(struct owners *, const struct owner *, const char *sha256);

#endif
