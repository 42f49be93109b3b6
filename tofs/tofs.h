/*
 * What a destination is told: filled from options (main.c), and the same for
 * a destination that is kept in the settings database.  Nothing here is
 * changed once input is read.
 */
#ifndef TOFS_H
#define TOFS_H

#include <stdint.h>
#include <sys/types.h>

#include "format.h"
#include "leftout.h"

enum conflict { CONFLICT_APPEND, CONFLICT_OVERWRITE, CONFLICT_SKIP, CONFLICTS };

struct options {
	const char *directory;
	const char *spool;	      /* NULL: no files can come */
	char *format_text[KINDS + 1]; /* as given, or NULL; the last is that of all others */
	struct format format[KINDS];  /* from options_finish on */
	enum conflict conflict;
	int64_t retain;		       /* prior backups to keep; -1: all of them */
	int in_progress;	       /* store sessions that are not over, too */
	mode_t mode;		       /* of files */
	int existing;		       /* the ledger must be there: else EX_CANTCREAT */
	int list;		       /* -n --list: store nothing, print what is there */
	unsigned kinds;		       /* to be stored: 1 << kind */
	const char *head, *head_chain; /* of --head, or NULL: see head.h */
	uint64_t head_number;
	struct leftout *left_out; /* the list of what was left out, or NULL */
};

/*
 * The mode of the ledger and its index, of which a folder's is made: what
 * others may do to files that were stored for them, they may not do to the
 * record of them, nor to their names.
 */
mode_t options_own_mode(const struct options *);

void options_init(struct options *);
/* These take texts as people write them, which are kept.  0, or EX_USAGE
 * after a message. */
int options_conflict(struct options *, const char *);
/* [KIND=]FORMAT,...; without a kind, or of all, for those that have none of their
 * own. */
int options_format(struct options *, const char *);
/* KIND,...: no others are stored. */
int options_kinds(struct options *, const char *);
int options_mode(struct options *, const char *);
int options_retain(struct options *, const char *);
/* Formats are taken apart, and what does not go together is refused. */
int options_finish(struct options *);
void options_free(struct options *);

/*
 * Whose a file is: what the ledger says beside its name.  The texts are the
 * caller's.  instance tells things of one kind apart: the number of a shell
 * or a screen; of a backup, when it was fetched, in UNIX seconds; -1 for a
 * thing that has none.
 */
struct owner {
	enum kind kind;
	const char *host, *lsid;
	size_t host_n, lsid_n;
	int64_t instance;
};

/* The thing was left out: code and sentence go to the list, if there is one. */
void options_list(
    const struct options *, const struct owner *, const char *code, const char *sentence);

/* The code for what an errno says about DIRECTORY as a whole: EX_CANTCREAT,
 * EX_IOERR or EX_TEMPFAIL; 0 when it is about one name only. */
int tofs_fault(int err);

#endif
