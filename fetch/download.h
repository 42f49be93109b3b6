/*
 * Files from the appliance into the spool, several side by side.  A download
 * ends in a whole, typed, synced file under its final name, or in none; what
 * a break leaves is resumed where that is provably right.
 */
#ifndef PRAIC_FETCH_DOWNLOAD_H
#define PRAIC_FETCH_DOWNLOAD_H

#include "answer.h"
#include "call.h"
#include "site.h"
#include "spool.h"

#define DOWNLOAD_JOBS  32 /* -j at most */
#define DOWNLOAD_SLOTS (2 * DOWNLOAD_JOBS)

enum download_is {
	DOWNLOAD_WHOLE,	    /* job->file says what it is */
	DOWNLOAD_EXPIRED,   /* the appliance has deleted it */
	DOWNLOAD_REFUSED,   /* the appliance says no to it, and repeats that */
	DOWNLOAD_FORBIDDEN, /* it is not there, or the account may not have it */
	DOWNLOAD_BUSY,	    /* another process is fetching it */
	DOWNLOAD_FAILED	    /* job->code */
};

enum job_state { JOB_FREE, JOB_LOCK, JOB_READY, JOB_RUN, JOB_WAIT, JOB_SYNC, JOB_OVER };

struct job {
	char base[SPOOL_NAME];
	char what[160];	    /* for messages */
	void *owner;	    /* the caller's */
	size_t item;	    /* the caller's */
	const char *report; /* of a recording, a constant; else NULL */
	/* Always made anew, under a name with its time (a backup). */
	int dated;
	/* Into part.fd, which the caller has opened and closes: no name, no notes. */
	int scratch;
	enum download_is is;
	int code;
	struct spool_file file;
	struct buf reason; /* why it did not come: the message, without its beginning */

	/* download.c's own */
	struct downloads *downloads;
	enum job_state state;
	struct buf query, validator;
	struct call call;
	struct answer answer;
	struct spool_part part;
	struct sha256 *hash;
	uint64_t noted;
	uint64_t furthest;   /* that any try came to */
	uint64_t torn_bytes; /* of the last try, if it may have been cut */
	struct retry retry;
	struct buf refusal; /* what the appliance said in its stead */
	int refusals;	    /* so often in a row, and nothing else */
	int64_t at;	    /* JOB_LOCK, JOB_WAIT, JOB_SYNC: when to go on */
};

struct downloads {
	struct site *site;
	struct spool *spool;
	struct job job[DOWNLOAD_SLOTS];
	int jobs;	     /* -j */
	int64_t last_good;   /* call_clock() of the last file that came whole */
	uint64_t whole, had; /* files fetched; found */
	int fatal;	     /* exit code: no use in going on */
	/* The caller's, may be NULL: called by downloads_wait when a slot may
	 * be free, though no job is over. */
	void (*more)(void *);
	void *more_arg;
	struct buf believed; /* what was repeated to the end in the place of a file */
};

void downloads_open(struct downloads *, struct site *, struct spool *, int jobs);
/* What is under way is given up, and kept where it can be resumed. */
void downloads_close(struct downloads *);

/* A free slot, or NULL. */
struct job *downloads_slot(struct downloads *);
/*
 * Fetch into it: GET path?query, or POST path with a JSON body, if there is
 * one.  base, what, report, dated and scratch were filled in.  The query is
 * copied, path and body are not.
 */
void download_begin(struct job *, const char *path, const char *query, const char *body);

/*
 * Work until a job is over: that one, to be given back by download_release.
 * NULL when none is under way, or d->fatal was set.
 */
struct job *downloads_wait(struct downloads *);
void download_release(struct job *);

#endif
