/*
 * The spool: a directory that files from the appliance come into, each under
 * a name that is fixed by what it is, so that what is there whole is known.
 *
 *	BASE.flv	whole, synced, checked: it never changes again
 *	.BASE.part	being fetched; locked by who does it; kept for a resume
 *	.praic-fetch-*.tmp	a document on its way; locked, else rubbish
 *
 * What is known of a file stands in an extended attribute of its own, so that
 * one file costs one file.  Where the file system has no such attributes a
 * whole file is read to know it, and a part is begun anew.
 *
 * A file is trusted only if nobody else can have put it there: it is of this
 * user, nobody else may write to it, and it has one name.
 */
#ifndef PRAIC_FETCH_SPOOL_H
#define PRAIC_FETCH_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "sha256.h"

#define SPOOL_NAME	256 /* a name and its NUL */
#define SPOOL_EXTENSION 8

struct spool {
	const char *path;
	int dir;
	int verify;   /* read what is there whole, and fetch it again where it was changed */
	int unsynced; /* names were given since the last sync */
};

/* A whole file, as a row of records has it. */
struct spool_file {
	char name[SPOOL_NAME];
	char extension[SPOOL_EXTENSION];
	struct buf type; /* Content-Type as it came; may be empty */
	uint64_t bytes;
	char sha256[SHA256_HEX];
	int64_t fetched_at; /* 0: not known */
};

/* A file that is on its way, and how to see that its first part still fits. */
struct spool_part {
	int fd;	       /* -1: none */
	uint64_t size; /* bytes that can be trusted */
	struct buf etag, modified, type;
	char extension[SPOOL_EXTENSION];
	char sha256[SHA256_HEX]; /* of the whole, if all of it is here; else empty */
	int64_t length;		 /* of the whole; -1: not known */
	int64_t fetched_at;	 /* the appliance's time of its last answer; or 0 */
};

/* 0, or an exit code after a message. */
int spool_open(struct spool *, const char *path);
void spool_close(struct spool *);

/*
 * The name of a thing without its extension.  kind is "recording", "shell",
 * "screen"; instance is NULL where there is none.  Whatever host and lsid
 * hold, it is one harmless component, and two things never share one.
 */
void spool_base(char out[SPOOL_NAME], const char *host, const char *lsid, size_t lsid_n,
    const char *kind, const char *instance);

/* Text as part of a name: letters, digits and . stay, the rest is _XX. */
void spool_escape(struct buf *, const char *, size_t, const char *also);

/* Is it there whole?  1 and *f; 0; -1 after a message. */
int spool_find(struct spool *, const char *base, struct spool_file *f);

/*
 * Open the part of a thing, locked.  0; 1 when another process has it; -1
 * after a message.
 */
int spool_part_open(struct spool *, const char *base, struct spool_part *);
/* Let go of it; what is there is kept if it can be resumed. */
void spool_part_close(struct spool *, const char *base, struct spool_part *, int keep);
/* Begin anew.  0, or -1 after a message. */
int spool_part_reset(struct spool *, struct spool_part *);
/* Read what is there of it.  0, or -1 after a message. */
int spool_part_hash(struct spool *, struct spool_part *, struct sha256 *);
/*
 * Make what is there durable and note it, so that it can be resumed even
 * after a power failure.  0, or -1 after a message.
 */
int spool_part_note(struct spool *, const char *base, struct spool_part *);
/* The part is the whole: its time is set and its note written.  0, or -1 after a message. */
int spool_part_seal(struct spool *, struct spool_part *, const struct spool_file *f);
/* Begin to write it out; spool_part_finish then has less to wait for. */
void spool_part_write_out(struct spool_part *);
/*
 * Sync the part and give it its name, which is durable only after spool_sync.
 * f's extension, type, bytes, sha256 and fetched_at are given; its name,
 * unless it has one, is made from the base.  0, or -1 after a message.
 */
int spool_part_finish(struct spool *, const char *base, struct spool_part *, struct spool_file *f);

/* The names given so far are durable.  0, or EX_IOERR after a message. */
int spool_sync(struct spool *);

/* A new file for a document, and its temporary name.  -1 after a message. */
int spool_create(struct spool *, char tmp[SPOOL_NAME]);
/* Its final name, durable; an older one of that name is replaced.  The
 * descriptor is closed in any case.  0, or EX_IOERR after a message. */
int spool_publish(struct spool *, int fd, const char *tmp, const char *name);
void spool_discard(struct spool *, int fd, const char *tmp);

void spool_file_free(struct spool_file *);

#endif
