/*
 * The credentials of an account: its token, and each call that needs one.  An
 * appliance knows 30 tokens of an account and forgets the oldest for a new
 * one: so all processes of a user share one, in a file that only they can
 * read.
 */
#ifndef PRAIC_FETCH_CREDENTIALS_H
#define PRAIC_FETCH_CREDENTIALS_H

#include "call.h"
#include "site.h"

/*
 * Have a token that ought to be valid: the one in memory, the cached one,
 * or a new one.  0; or an exit code after a message.
 */
int credentials_get(struct site *);

/* As credentials_get, but a new one in any case: to see whether one can be had. */
int credentials_new(struct site *);

/* Before each call_start of a call with a token.  0; or a code after a message. */
int credentials_sign(struct call *);

/*
 * A call has ended with CALL_TOKEN: its token did not do.  0 and there is
 * another one; EX_NOPERM after a message when it was the second in a row, and
 * new, for then the account is the trouble; another code when none could be
 * had.
 */
int credentials_renew(struct call *);

/* Its token was good for something. */
void credentials_worked(struct site *);

/* call_run, with a token and, after a 401, once more with a new one. */
enum call_end credentials_run(struct call *);

void credentials_free(struct site *);

#endif
