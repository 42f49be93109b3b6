/* What a session becomes: one object, or one for each of its events. */
#ifndef TOJSON_SESSION_H
#define TOJSON_SESSION_H

#include "rec.h"

struct session_options {
	int events; /* one object an event, not one a session */
	int ecs;    /* fields of the Elastic Common Schema, too */
};

struct session;

/* What is written goes to standard output. */
struct session *session_new(const struct session_options *);
void session_free(struct session *);

/* REC_BEGIN. */
void session_begin(struct session *);
/* REC_ROW.  Calls rec_reject() where the row cannot be used. */
void session_row(struct session *, struct rec_reader *);
/* REC_COMMIT: write it. */
void session_commit(struct session *, const struct rec_reader *);
/* Write what is still in memory. */
void session_flush(struct session *);
/* 0, or an exit code after a message: there is no use in going on. */
int session_code(const struct session *);

#endif
