/* Which filters a transfer runs, with which options: all of them, here. */
#ifndef PRAIC_SCHED_ARGV_H
#define PRAIC_SCHED_ARGV_H

#include "sched_db.h"
#include "sched_pipe.h"

/*
 * A span to ask for.  Where nothing is known of the appliance's clock, both
 * are seconds back from what it shows: no clock here matters then.
 */
struct span {
	int64_t since, until; /* until: DB_NEVER for the appliance's now */
	int back;	      /* seconds back, not times */
};

/* The site's sessions that changed in it. */
void argv_report(struct pipe *, const struct transfer *, const struct span *);
/* A report (NULL: standard input) to the destination; failed may be NULL. */
void argv_store(struct pipe *, const struct transfer *, const char *xml, const char *failed);
/* Its first stage: a report to records, bare of XML or not. */
void argv_split(struct pipe *, const char *xml, int bare);
/* The recordings that a report (or NULL) names, below spool; done may be NULL. */
void argv_download(struct pipe *, const struct transfer *, enum settings_data, const char *xml,
    const char *spool, int64_t jobs);
void argv_backup(struct pipe *, const struct transfer *, const char *spool);
/* Recordings and backups to the destination; records NULL: standard input. */
void argv_files(struct pipe *, const struct transfer *, const char *records, const char *spool);

#endif
