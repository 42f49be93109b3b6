/*
 * One download, from its call's first header to its final name: for
 * download.c, which runs several.
 */
#ifndef PRAIC_FETCH_JOB_H
#define PRAIC_FETCH_JOB_H

#include "download.h"

/* What the call does with header and body. */
int job_head(struct call *);
int job_take(struct call *, const char *, size_t);

/* Its call is over. */
void job_ended(struct job *);

/* All of it is in the part: sync it ... */
void job_finish(struct job *, int resumed);
/* ... and give it its name.  error: 0, or the errno of the sync. */
void job_synced(struct job *, int error);

void job_over(struct job *, enum download_is, int code);
/* Neither this one nor any other will get on. */
void job_fatal(struct job *, int code);
/* Begin anew; if that cannot be, the job is over. */
void job_start_over(struct job *);
/* Close its part, and keep what can be resumed. */
void job_let_go(struct job *, int keep);

#endif
