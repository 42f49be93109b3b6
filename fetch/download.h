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
#include "syncer.h"

#define DOWNLOAD_JOBS	 32 /* -j at most */
#define DOWNLOAD_SLOTS	 (2 * DOWNLOAD_JOBS)
#define DOWNLOAD_TEXTS	 16
#define DOWNLOAD_REPORTS 4 /* that files come by */

enum download_is {
	DOWNLOAD_WHOLE,	  /* job->file says what it is */
	DOWNLOAD_EXPIRED, /* the appliance has deleted it */
	DOWNLOAD_BAD,	  /* what it sends is no such file, and stays so */
	DOWNLOAD_BUSY,	  /* another process is fetching it */
	DOWNLOAD_FAILED	  /* job->code */
};

enum job_state { JOB_FREE, JOB_LOCK, JOB_HASH, JOB_READY, JOB_RUN, JOB_WAIT, JOB_SYNC, JOB_OVER };

struct job {
	char base[SPOOL_NAME];
	char what[160];	    /* for messages */
	void *owner;	    /* the caller's */
	size_t item;	    /* the caller's */
	const char *report; /* of a recording, a constant; else NULL */
	int numbered;	    /* that report takes an instance */
	/* Always made anew, under a name with its time (a backup). */
	int dated;
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
	uint64_t hashed, noted;
	uint64_t furthest;   /* that any try came to */
	uint64_t torn_bytes; /* of the last try, if it may have been cut */
	struct retry retry;
	uint64_t answered;  /* which of all answers was its last; 0: none */
	struct buf refusal; /* what the appliance said in its stead */
	int refusals;	    /* so often in a row, and nothing else */
	int64_t at;	    /* JOB_LOCK, JOB_WAIT: when to go on */
};

/* The last whole file that came by a report in this run. */
struct download_last {
	const char *report;
	int64_t at;	   /* call_clock() of when it had its name */
	uint64_t answered; /* as in its job */
	struct buf query;  /* that it came by */
};

struct downloads {
	struct site *site;
	struct spool *spool;
	struct syncer *syncer;
	struct job job[DOWNLOAD_SLOTS];
	int jobs;	   /* -j */
	int64_t last_good; /* call_clock() of the last good answer */
	struct download_last last_whole[DOWNLOAD_REPORTS];
	uint64_t whole, had; /* files fetched; found */
	uint64_t answers;
	int fatal; /* exit code: no use in going on */
	int freed; /* a job waits for the disk only, or for later */
	/* The caller's, may be NULL: called by downloads_wait when a slot may
	 * be free, though no job is over. */
	void (*more)(void *);
	void *more_arg;
	/* Refusals that were found to be for good: the first will do. */
	char *believed[DOWNLOAD_TEXTS];
	size_t believed_n;
};

/* 0, or EX_SOFTWARE after a message. */
int downloads_open(struct downloads *, struct site *, struct spool *, int jobs);
/* What is under way is given up, and kept where it can be resumed. */
void downloads_close(struct downloads *);

/* A free slot, or NULL. */
struct job *downloads_slot(struct downloads *);
/*
 * Fetch into it: GET path?query, or POST path with a JSON body, if there is
 * one.  base, what, report, numbered and dated were filled in.  The query is
 * copied, path and body are not.
 */
void download_begin(struct job *, const char *path, const char *query, const char *body);

/*
 * Work until a job is over: that one, to be given back by download_release.
 * NULL when none is under way, or d->fatal was set.
 */
struct job *downloads_wait(struct downloads *);
void download_release(struct job *);

/* The place of a report, a constant; all zero but for its name, if none came. */
struct download_last *download_last(struct downloads *, const char *report);

#endif
