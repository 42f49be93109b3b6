/*
 * What a dry run would have stored by now.  Each of its batches is rolled
 * back, so the database knows nothing of a session that came before; its next
 * copy is judged by what is noted here, as that of a real run would be by
 * the database.
 *
 * The notes are in a temporary database, for there may be any number of them.
 */
#ifndef TOSQL_TRIAL_H
#define TOSQL_TRIAL_H

#include "batch.h"

struct trial;

/* force as of db_options.  NULL after a message, and *code. */
struct trial *trial_new(int force, int *code);
/* NULL is fine. */
void trial_free(struct trial *);

/*
 * Sessions [from, to) of the batch have their fates from the database: make
 * them those of a real run.  0, also for NULL; or a code after a message.
 */
int trial_judge(struct trial *, struct batch *, size_t from, size_t to);

#endif
