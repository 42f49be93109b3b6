/*
 * The two logs: the client's, with the words of the filters, and the
 * scheduler's own.  A file for each day, DIRECTORY/client-2026-11-22.log and
 * scheduler-2026-11-22.log; a line is
 *
 *	2026-11-22T18:00:03Z transfer 3 session fetch praic-fetch: words
 *
 * Without a log directory they go to standard error.
 */
#ifndef PRAIC_SCHED_LOG_H
#define PRAIC_SCHED_LOG_H

#include <stddef.h>
#include <stdint.h>

/* now is --now's, or 0 for the clock's. */
void log_open(int64_t now);
/* Where the files are, kept; or NULL. */
void log_directory(const char *);

/* UNIX seconds: what the scheduler goes by. */
int64_t log_now(void);

/* A line of the scheduler's log; beyond level 0 only with -v. */
void log_say(int level, const char *, ...) __attribute__((format(printf, 2, 3)));
/* A line of the client's log: where (transfer, kind, step) and words. */
void log_client(const char *where, const char *p, size_t n);

/* Remove files that are this many days older than now; 0: none. */
void log_prune(int64_t days, int64_t now);

#endif
