/*
 * The token of an account, and what else is worth remembering of it from
 * one process to the next.  An appliance knows 30 tokens of an account, and
 * forgets the oldest for a new one: so all processes of a user share one, in
 * a file that only they can read.
 */
#ifndef PRAIC_FETCH_TOKEN_H
#define PRAIC_FETCH_TOKEN_H

#include "site.h"

/*
 * Have a token that ought to be valid: the one in memory, the cached one,
 * or a new one.  0; or an exit code after a message.
 */
int token_get(struct site *);

/* As token_get, but a new one in any case: to see whether one can be had. */
int token_new(struct site *);

/*
 * The token of that number did not do.  0 and another one; EX_NOPERM after a
 * message when it was the second in a row, and new, for then the account is
 * the trouble; another code when none could be had.
 */
int token_renew(struct site *, int number);

/* Which token is the one in memory: it counts up with each new one. */
int token_number(const struct site *);

/* It was good for a call. */
void token_worked(struct site *);

/* The token, or NULL.  A secret. */
const char *token_text(const struct site *);

void token_free(struct site *);

/*
 * Texts that mean "nothing found" to one kind of question, remembered for a
 * day beside the token.
 * token_knows is true when this one is among them.
 */
int token_knows(struct site *, const char *kind, const char *text);
void token_remember(struct site *, const char *kind, const char *text);

#endif
