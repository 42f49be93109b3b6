/*
 * Between the files of praic-tofs, from the bottom up: formats and names, the
 * directory, files without a name yet, the ledger, its index, where a content
 * goes, the store, and what uses that.
 */
#ifndef TOFS_H
#define TOFS_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "leftout.h"
#include "rec.h"
#include "sha256.h"

/* ---- format.c: the guide's "File Name Format", taken apart ----------------- */

enum kind { KIND_SESSION, KIND_RECORDING, KIND_SHELL, KIND_SCREEN, KIND_BACKUP, KINDS };
extern const char *const kind_name[KINDS];
/* The kind of this name, or KINDS. */
enum kind kind_find(const char *p, size_t n);

/* Its "Special Replacement Values". */
enum field {
	FIELD_LSEQ,
	FIELD_LSID,
	FIELD_EXTERNAL_KEY,
	FIELD_SESSION_TYPE,
	FIELD_SUPPORT_SITE_HOST,
	FIELD_INSTANCE,
	FIELD_EXTENSION,
	FIELD_KIND,
	FIELD_START_DATE,
	FIELDS
};

/* A parsed format is its text, with one such byte for each %FIELD%. */
#define FORMAT_FIELD(field) ((field) + 1)

/* What the guide's programs and people expect to find. */
extern const char *const format_default[KINDS];

/* NULL after a message. */
char *format_parse(const char *text);
int format_has(const char *format, enum field);
/*
 * Could these formats give two different things of one session the same
 * name?  0 when it is certain that they cannot.  Shells and screens differ in
 * their instance from others of their kind; a session's extension is xml, and
 * no other is (name.c); any other value may be anything.
 */
int format_meet(const char *, enum kind, const char *, enum kind);

/* ---- name.c: from a format and values to a name below DIRECTORY ------------ */

/*
 * The values come from strangers; whatever they hold, the name is relative,
 * has no component that is empty, ".", ".." or hidden, can be kept by Linux
 * file systems and Windows shares alike, and drives no terminal.  Where a
 * value was changed a short hash of the original follows, so that different
 * values keep giving different names.
 */

/* Bytes that a component may have; the rest of the 255 that file systems
 * give is for the number that is added later. */
#define NAME_BUDGET 239

/*
 * Replaces what is in the buffer.  A value that is NULL counts as empty.
 * kind is the thing's.  fold: names that differ in case only would be one.
 */
void name_make(
    struct buf *, const char *format, enum kind, const struct rec_value value[FIELDS], int fold);
/* The guide's AppendNumber: ".number" before the last dot of the last component. */
void name_number(struct buf *, const char *name, uint64_t number);
/* Undoes name_number: 1 and the name without its number, 0 when it has none. */
int name_unnumber(struct buf *, const char *name, size_t n);
/* Where the last component begins. */
const char *name_last(const char *name);

/* ---- What a destination is told (main.c) ----------------------------------- */

enum conflict { CONFLICT_APPEND, CONFLICT_OVERWRITE, CONFLICT_SKIP, CONFLICTS };

/* Nothing of it is changed once input is read. */
struct options {
	const char *directory;
	const char *spool;	      /* NULL: no files can come */
	char *format_text[KINDS + 1]; /* as given, or NULL; the last is that of all others */
	char *format[KINDS];
	enum conflict conflict;
	int64_t retain;	   /* prior backups to keep; -1: all of them */
	int in_progress;   /* store sessions that are not over, too */
	mode_t mode;	   /* of files */
	int existing;	   /* the ledger must be there: else EX_CANTCREAT */
	int dry_run, list; /* both or none: store nothing, print what is there */
	int verify, print_head;
	unsigned kinds;		       /* to be stored: 1 << kind */
	const char *head, *head_chain; /* of --head, or NULL: NUMBER:CHAIN, and its second part */
	uint64_t head_number;
	const char *list_name;
	struct leftout *left_out; /* the list of what was left out, or NULL */
};

/*
 * The mode of the ledger and its index, of which a folder's is made: what
 * others may do to files that were stored for them, they may not do to the
 * record of them, nor to their names.
 */
static inline mode_t
options_own_mode(const struct options *opt)
{
	return opt->mode & ~(mode_t)022;
}

/*
 * Whose a file is: what the ledger says beside its name.  instance tells
 * things of one kind apart: the number of a shell or a screen; of a backup,
 * when it was fetched, in UNIX seconds; -1 for a thing that has none.
 */
struct owner {
	enum kind kind;
	struct rec_value host, lsid;
	int64_t instance;
};

/* The thing was left out: code and sentence go to the list, if there is one
 * (store.c). */
void owner_left_out(
    const struct options *, const struct owner *, const char *code, const char *sentence);

/* ---- tree.c: DIRECTORY and what is below it -------------------------------- */

/*
 * Nothing is ever opened or made outside of it: names are relative, no symbolic
 * link is followed, and ".." is in no name.  Folders are made as they are
 * needed and kept open for a while.
 */
struct tree {
	const char *path;
	int fd; /* of DIRECTORY */
	/* the rest is tree.c's own */
	mode_t folder_mode;
	struct folder *folder;
	size_t folders;
	size_t last; /* what tree_folder found */
	unsigned long calls;
};

/* Where praic keeps what is its own: names that no format can give. */
#define TREE_LEDGER ".praic-ledger"
#define TREE_INDEX  ".praic-index"
#define TREE_PARTS  ".praic-tmp"

/* mode is that of files; folders get x where it has r.  path is kept.  NULL and
 * *code after a message. */
struct tree *tree_open(const char *path, mode_t mode, int *code);
void tree_close(struct tree *);

/*
 * A descriptor of the folder that a name is in, which the tree owns and
 * which holds until the next call; *last is the name's last component.
 * With make the folders that are missing are made.  -1 and errno.
 */
int tree_folder(struct tree *, const char *name, int make, const char **last);
/* The folder that tree_folder found last has got or lost a name. */
void tree_changed(struct tree *);
/* All that was changed is made durable.  0, or -1 and errno. */
int tree_sync(struct tree *);
/* As open(2), for reading, of a regular file; other things: -1 and ENOENT,
 * ELOOP, EISDIR or ENXIO. */
int tree_read(struct tree *, const char *name);
/* lstat(2). */
int tree_stat(struct tree *, const char *name, struct stat *);

/* The code for what an errno says about DIRECTORY as a whole: EX_CANTCREAT,
 * EX_IOERR or EX_TEMPFAIL; else, when it is about one name only, this one. */
int tree_code(int err, int otherwise);

/* ---- part.c: files that have no final name yet ----------------------------- */

/*
 * They are below DIRECTORY/.praic-tmp, so that giving them a name is a rename
 * within a file system, and locked by who writes them: what a killed run left
 * behind has no lock, and goes when the next run begins.
 */
struct part_file {
	int fd;
	char name[24]; /* in the folder of parts; empty: it has left it */
};

struct parts {
	struct tree *tree;
	mode_t mode;
	int fd;
};

/* Removes what others left; hold the ledger's lock, for they may be about to
 * begin.  NULL and *code after a message. */
struct parts *parts_open(struct tree *, mode_t, int *code);
/* The folder goes, too, if nobody else has anything in it. */
void parts_close(struct parts *);
/* A new file, open for writing.  0, or -1 and errno. */
int part_new(struct parts *, struct part_file *);
/*
 * One more name for a file that is there, open as fd (which is then the
 * part's): 0, or -1 and errno when it cannot be, for whatever reason.
 */
int part_link(struct parts *, struct part_file *, int dir, const char *name, int fd);
/* No more is to be written: 0, or -1 and errno. */
int part_close(struct part_file *);
/* Close it, and remove it if it was not given a final name. */
void part_drop(struct parts *, struct part_file *);

/* ---- ledger.c: a line for each file, only ever added to -------------------- */

/*
 * The form is in praic-tofs(1), LEDGER.  Whoever gives files their names or
 * adds lines holds its lock, so that the order of lines is the order of what
 * was done.
 */
enum ledger_field {
	LEDGER_TIME,
	LEDGER_HOST,
	LEDGER_KIND,
	LEDGER_LSID,
	LEDGER_INSTANCE,
	LEDGER_NAME,
	LEDGER_BYTES,
	LEDGER_SHA256,
	LEDGER_CHAIN,
	LEDGER_FIELDS
};

/* Longer texts of a host or an lsid are nobody's: lines must stay small. */
#define LEDGER_MAX_KEY 4096

/* A line taken apart; it points into the caller's bytes.  The fields are
 * still escaped, but a name never has anything to escape. */
struct ledger_line {
	const char *field[LEDGER_FIELDS];
	size_t n[LEDGER_FIELDS];
	enum kind kind;
	uint64_t bytes;
	int removed; /* the file is gone: no bytes, no sha256 */
};

/* 0, or -1 when these bytes (without LF) are no line of a ledger. */
int ledger_parse(struct ledger_line *, const char *p, size_t n);

extern const char ledger_head[]; /* the first line, with its LF */
/* The chain before the second: its hash. */
void ledger_chain_start(struct sha256 *, char chain[SHA256_HEX]);

struct ledger {
	int fd;
	int reads;  /* nothing is ever added */
	char *path; /* for messages */
	struct sha256 *hash;
	struct buf pending;
	uint64_t end;		/* where the last line known here ends */
	char chain[SHA256_HEX]; /* that line's */
};

/* Opened, and with make made if need be.  NULL and *code after a message. */
struct ledger *ledger_open(struct tree *, const struct options *, int make, int *code);
void ledger_close(struct ledger *);
/* Shared when it was not opened with make.  0, or a code after a message. */
int ledger_lock(struct ledger *);
void ledger_unlock(struct ledger *);
/* A line for later; sha256 NULL: the file was removed. */
void ledger_add(
    struct ledger *, const struct owner *, const char *name, uint64_t bytes, const char *sha256);
/* Write them, chained.  The lock must be held.  0, or a code after a message:
 * then they are forgotten. */
int ledger_write(struct ledger *);
/* Make them durable.  0, or a code after a message. */
int ledger_sync(struct ledger *);
/*
 * Each whole line from *from on, without its LF: until there are no more (0),
 * each says something else than 0 (that), or a read fails (-1 after a message).
 * *from is then where the first line begins that was not given.
 */
int ledger_each(struct ledger *, uint64_t *from,
    int (*each)(void *arg, const char *p, size_t n, uint64_t offset), void *arg);

/* ---- index.c: what the ledger says about a name, a content, an owner ------- */

/*
 * A SQLite file beside the ledger, used under the ledger's lock alone
 * (DIRECTORY may be a share, where SQLite's own locks are unreliable) and
 * never synced.  It is brought up to date with the ledger whenever something
 * is asked, and made anew when it does not fit; where it cannot be had, a
 * temporary one serves.
 */
struct index;

/* scratch: in a temporary file that nobody else has touched. */
struct index *index_new(struct ledger *, struct tree *, const struct options *, int scratch);
void index_free(struct index *);

/* A line; the texts are valid until the next call. */
struct found {
	int64_t id; /* greater: later in the ledger */
	const char *name;
	int removed;
	uint64_t bytes;
	const char *sha256; /* 64 digits, and NUL */
	int64_t time;	    /* of that line; by the clock here */
};

/* The ledger's lock must be held for these.  1, 0, or -1 after a message. */

/* The last line of this name. */
int index_name(struct index *, const char *name, struct found *);
/* A file that is not removed, has this content, and is called base with a
 * number (name_number), not base itself. */
int index_content(struct index *, const char *base, const char *sha256, struct found *);
/* For --verify, with scratch: take note of the line, in the table seen. */
int index_seen(struct index *, int64_t id);
/*
 * For -n --list: "same", "newer" (than what is stored, which is another
 * content) or "new"; sha256 NULL: whatever the content.  Without an index
 * everything is new.  NULL after a message.
 */
const char *index_state(struct index *, const struct owner *, const char *sha256);

/* A line l that is stored and the last of its name. */
#define INDEX_STORED                          \
	"l.bytes IS NOT NULL AND NOT EXISTS " \
	"(SELECT 1 FROM line WHERE hash = l.hash AND name = l.name AND id > l.id)"

/*
 * A query of the table line, which is up to date; text is bound to ?1, and what
 * is given back is the caller's to finalize.  NULL after a message.
 */
sqlite3_stmt *index_select(struct index *, const char *sql, const struct buf *text);
/* After sqlite3_step: 1 for a row, 0 for none, -1 after a message. */
int index_row(struct index *, int rc);
/* A text that cannot be NULL, but for want of memory. */
const char *index_text(sqlite3_stmt *, int column);

/* ---- place.c: the guide's "File Name Conflict Handling" -------------------- */

/* The ledger's lock must be held for all of this. */
struct content {
	const char *name; /* that the format gives */
	uint64_t bytes;
	const char *sha256;
	/* where it is, whole and on disk; not needed by place_has */
	int dir;
	const char *part;
};

enum placed {
	PLACED,	      /* under *final: a new file */
	PLACED_THERE, /* it was there already, and the ledger knows */
	PLACED_FOUND, /* it was there under *final, but the ledger does not know */
	PLACED_NOT    /* something is in its way, or it was not asked for */
};

struct place;
struct place *place_new(struct tree *, struct index *, const struct options *);
void place_free(struct place *);
/*
 * Move it to its name.  0, EX_DATAERR (PLACED_NOT, or PLACED under a name
 * aside) or what is wrong with DIRECTORY; all but 0 after a message.
 */
int place_put(struct place *, const struct content *, enum placed *, struct buf *final);
/* Is nothing to be done for it?  1, 0, or -1 after a message.  Not all that
 * place_put would find out is found out. */
int place_has(struct place *, const struct content *);

/* ---- store.c: contents on their way to their names ------------------------- */

/*
 * In batches: all are written, then all are made durable, then each gets its
 * name, then the folders are made durable, then the ledger has a line for
 * each, then its name is printed.  One at a time the disk would have to turn
 * over three times for each; so it is as safe, and much faster.
 */
/* A content that is being written. */
struct draft {
	struct store *store;
	struct buf memory;
	struct part_file part; /* fd -1: all is in memory */
	int error;	       /* errno of what failed */
	uint64_t bytes;
	struct sha256 *hash;
	char sha256[SHA256_HEX];
	/* from store_put on */
	struct owner owner;
	char *host, *lsid, *name;
};

#define STORE_BATCH 128 /* files in a batch, each of which is open */

struct store {
	const struct options *opt;
	struct tree *tree;
	struct parts *parts;
	struct ledger *ledger;
	struct index *index;
	struct place *place;
	struct draft *batch[STORE_BATCH];
	size_t waiting;
	uint64_t waiting_bytes;
	struct buf printed;
	struct sha256 *spare; /* of a draft that is done with it */
	int fatal;	      /* nothing more can be stored */
	int folds;
	int dry;
	uint64_t stored, there; /* how many */
	int silenced;		/* standard output took no more names */
};

/* NULL and *code after a message. */
struct store *store_open(const struct options *, int *code);
/* One into which nothing is ever stored: what is there is asked for, and drafts
 * are only hashed.  Without a ledger nothing is there, and store_index is NULL,
 * unless it must be there. */
struct store *store_dry(const struct options *, int *code);
/* store_flush, and clean up.  0 or a code. */
int store_close(struct store *);

/* Small ones stay in memory, others go into a file at once. */
struct draft *draft_new(struct store *);
/* Errors stick: store_put tells. */
void draft_add(struct draft *, const void *, size_t);
/* NULL is fine. */
void draft_free(struct draft *);
/* No more can be added. */
const char *draft_sha256(struct draft *);
/*
 * A content that is in a file already, open as fd (which is the draft's from
 * now on) and called name in dir: no copy is made, the file gets one more
 * name.  NULL when it cannot be had; then fd is still the caller's.
 */
struct draft *draft_link(
    struct store *, int dir, const char *name, int fd, uint64_t bytes, const char *sha256);

/* It belongs to this owner and is to be called this; the draft is the
 * store's.  0, or the worst code of what was done, after messages. */
int store_put(struct store *, struct draft *, const struct owner *, const char *name);
/* Is it there already, and nothing is to be done?  1, 0, or -1 after a
 * message. */
int store_has(struct store *, const char *name, uint64_t bytes, const char *sha256);
/* All that was put is safe now.  0 or a code; after one that is not
 * EX_DATAERR nothing more can be stored. */
int store_flush(struct store *);
/* Lines for standard output, where the names go.  That nobody takes them is
 * told by store_close. */
void store_print(struct store *, const struct buf *);

/* ---- session.c: a whole document around a session's X lines ---------------- */

struct document;
struct document *document_new(struct store *);
void document_free(struct document *);
/* The next piece of the session's XML; host is its site.  NULL, or why this
 * session cannot be saved. */
const char *document_add(struct document *, struct rec_value host, const char *p, size_t n);
/* Has anything been added? */
int document_begun(const struct document *);
/* The whole of it, which is the caller's now; the next one may begin.  NULL
 * when it is none: *why says why. */
struct draft *document_end(struct document *, const char **why);
/* Forget what was added. */
void document_drop(struct document *);

/* ---- spooled.c: recordings and backups out of the spool -------------------- */

/* One file row. */
struct spooled {
	enum kind kind;
	int64_t instance;		     /* as an owner's */
	char *name, *extension, *fetched_at; /* NULL for NULL */
	uint64_t bytes;
	char sha256[SHA256_HEX];
	const char *bad; /* why it cannot be stored, or NULL */
};

/* The rows of a session; all zero is empty. */
struct spooled_list {
	struct spooled *row;
	size_t rows;
	size_t size; /* of the texts in them */
};

/* Take a row along, good or bad, if its file came; NULL, or why the whole
 * session is too much. */
const char *spooled_add(struct spooled_list *, const struct rec_value value[FILE_COLUMNS]);
void spooled_forget(struct spooled_list *);
/*
 * The row's file of this spool, checked against the row, as a draft; the file
 * itself is left to its owner.  0 and *draft, which is NULL when *why says why
 * the file cannot be stored, and *fault as one word; or a code after a message
 * when the spool cannot be read.
 */
int spooled_read(struct store *, const struct options *, int spool, const struct spooled *,
    struct draft **, const char **fault, const char **why);

/* ---- retain.c: the guide's "Retention Count" ------------------------------- */

/*
 * Only what the ledger names as a backup of that site ever goes, and only
 * while a newer one is safe.  The newest is the one that was fetched last, by
 * the appliance's clock, which the ledger has as its instance, as far as that
 * fits the time when it was stored, by the clock here.
 */

/*
 * Remove all backups of this site but the newest and count before it.  The
 * names that go are put into the buffer, "- name" and LF each.  0, or a code
 * after messages.
 */
int retain_backups(struct store *, struct rec_value host, int64_t count, struct buf *);
/*
 * Would a backup of the site have to go at once?  It would when there are as
 * many as are kept, and all of them are newer (1), or this one was stored and
 * went before (2).  Else 0, or -1 after a message.  fetched_at is -1 when it is
 * not known.
 */
int retain_needless(
    struct store *, struct rec_value host, int64_t count, int64_t fetched_at, const char *sha256);

/* ---- What main.c calls: the exit code --------------------------------------- */

/* run.c: input to files. */
int run_all(const struct options *, char *const operand[], int operands);
/* verify.c: DIRECTORY against its ledger; what is missing, changed or unknown
 * on standard output. */
int verify(const struct options *);
int head_print(const struct options *);
/* Is the head that was given part of this ledger?  0, or a code after a message. */
int head_check(const struct options *, struct ledger *);

#endif
