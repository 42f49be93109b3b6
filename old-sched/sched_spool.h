/*
 * The spool of one transfer, SPOOL/ID: what was fetched and is not stored.
 *
 *	lock		held by whoever works on the transfer
 *	tmp/		on its way; rubbish once nobody holds the lock
 *	new/KIND/	whole, numbered in their order: .xml reports, .rec records
 *	files/		recordings and backups, by praic-fetch
 *	done/		a file for each recording that is stored: empty; or that
 *			the destination refused: not empty
 *	failed/		what was left out
 */
#ifndef PRAIC_SCHED_SPOOL_H
#define PRAIC_SCHED_SPOOL_H

#include <stdint.h>
#include <sys/types.h>

#include "frame.h"
#include "settings.h"

struct transfer_spool {
	char *path;
	int dir, lock;
};

struct backlog {
	int64_t files, bytes, since; /* since: 0 where there is none */
};

/*
 * Make what is missing, take the lock, clear tmp/.  0; -1 when another
 * process has the lock; or an exit code after a message.
 */
int tspool_open(struct transfer_spool *, const char *spool, int64_t transfer);
void tspool_close(struct transfer_spool *);
/* Its path, even where it is not there yet; to be freed. */
char *tspool_path(const char *spool, int64_t transfer);

/* A file of tmp/ to write: its descriptor, or -1 after a message. */
int tspool_create(struct transfer_spool *, const char *name);
/* fsync and close: 0, or an exit code after a message. */
int tspool_finish(struct transfer_spool *, int fd, const char *name);
/* Close it, and let it go: it may be what fills the disk. */
void tspool_drop(struct transfer_spool *, int fd, const char *name);
/*
 * Give a finished file of tmp/ a number in new/ of each of these kinds (a
 * set of 1 << kind), durably, and take it out of tmp/.  0, or a code.
 */
int tspool_publish(struct transfer_spool *, const char *name, unsigned kinds, int64_t number,
    const char *extension);

/*
 * The end mark of a report, praic-fetch(1), "Frames": its last line, which
 * praic-fetch writes when everything is there.  at: the byte that it begins
 * with.  0, or -1 when the last line is no end mark.
 */
int tspool_end(int fd, struct frame *, off_t *at);

/*
 * The first of new/KIND with this extension whose number is above after: its
 * number, or 0 when there is none, or -1 after a message.
 */
int64_t tspool_first(
    struct transfer_spool *, enum settings_data, const char *extension, int64_t after);
/* The greatest number there is in new/. */
int64_t tspool_last(struct transfer_spool *);
/* "new/KIND/0000000007.xml", below the spool's path. */
void tspool_name(char out[64], enum settings_data, int64_t number, const char *extension);

/* Another name in the same directory of new/.  0, or a code after a message. */
int tspool_rename(struct transfer_spool *, const char *name, const char *to);
/* It is stored, or no longer wanted.  0, or a code after a message. */
int tspool_remove(struct transfer_spool *, const char *name);
/*
 * Keep a copy (a link) in failed/, as COMPLAINT-CONTENT.EXTENSION, durably;
 * one of the same content is there once.  The name goes to as; is_new: no
 * file of this complaint was there.  0, or a code after a message.
 */
#define TSPOOL_NAME 96
int tspool_fail(struct transfer_spool *, const char *name, uint64_t complaint,
    const char *extension, char as[TSPOOL_NAME], int *is_new);

/* Has anything been fetched into it, ever? */
int tspool_used(struct transfer_spool *);
/* How many files failed/ has. */
int64_t tspool_failed(struct transfer_spool *);

/*
 * The recordings that a file of records names are stored, or some of them
 * are refused: an entry in done/ for each.  0, or a code.
 */
int tspool_done(struct transfer_spool *, const char *name, int refused);
/* Once no records wait, remove from files/ what is stored. */
void tspool_clean(struct transfer_spool *);
/* Forget the entries of done/ from before this. */
void tspool_forget(struct transfer_spool *, int64_t before);

/* What waits in new/KIND. */
void tspool_backlog(struct transfer_spool *, enum settings_data, struct backlog *);
/* Free bytes of the file system; all that the spools of all transfers hold.
 * 0, or a code. */
int tspool_room(struct transfer_spool *, int64_t *free_bytes, int64_t *used);

#endif
