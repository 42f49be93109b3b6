/*
 * What a session's content comes to: equal for two copies whose rows mean
 * the same, whatever the order of the stream's columns and tables, and
 * whether its XML was along.  A column that is NULL counts as absent: so a
 * later praic, that knows more columns, finds an old session changed only
 * where it has something to add.
 */
#ifndef TOSQL_HASH_H
#define TOSQL_HASH_H

#include "batch.h"

/* SHA-256, for nobody must be able to pass a changed session off as the
 * old one.  0, or -1 after a message (the temporary file cannot be read). */
int hash_session(const struct batch *, size_t session, char out[SHA256_HEX]);

#endif
