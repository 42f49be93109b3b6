/*
 * Between the files of praic-tofs, from the bottom up: formats and names, the
 * directory, files without a name yet, the ledger, its index, where a content
 * goes, the store, and what uses it.
 */
#ifndef TOFS_H
#define TOFS_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "leftout.h"
#include "rec.h"
#include "sha256.h"

/* ---- format.c: the guide's "File Name Format" ------------------------------ */

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
 * The values come from strangers.  The name is relative, no component of it is
 * empty, ".", ".." or hidden, Linux file systems and Windows shares can keep it,
 * and it is safe on a terminal.  Where a value had to be changed, a short hash
 * of the original follows, so that different values give different names.
 */

/* Bytes of a component; the rest of the 255 that file systems take is for the
 * number that is added later. */
#define NAME_BUDGET 239

/* Replaces what is in the buffer.  NULL counts as empty.  fold: names that differ
 * only in case would be one. */
void name_make(
    struct buf *, const char *format, enum kind, const struct rec_value value[FIELDS], int fold);
/* The guide's AppendNumber: ".number" before the last dot of the last component. */
void name_number(struct buf *, const char *name, uint64_t number);
/* Undoes name_number: 1 and the name without its number, 0 when it has none. */
int name_unnumber(struct buf *, const char *name, size_t n);
/* Where the last component begins. */
const char *name_last(const char *name);

/* ---- The options (main.c); nothing changes them once input is read --------- */

enum conflict { CONFLICT_APPEND, CONFLICT_OVERWRITE, CONFLICT_SKIP, CONFLICTS };

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

/* The mode of the ledger, its index and, with x, of folders: others may be allowed
 * to change files that were stored for them, but not the record of them. */
static inline mode_t
options_own_mode(const struct options *opt)
{
	return opt->mode & ~(mode_t)022;
}

/*
 * To whom a file belongs.  instance tells things of one kind apart: the number
 * of a shell or a screen; when a backup was fetched, in UNIX seconds; else -1.
 */
struct owner {
	enum kind kind;
	struct rec_value host, lsid;
	int64_t instance;
};

/* Write this to the list of what was left out, if there is one (store.c). */
void owner_left_out(
    const struct options *, const struct owner *, const char *code, const char *sentence);

/* ---- tree.c: DIRECTORY and what is below it -------------------------------- */

/*
 * Nothing is opened or made outside of it: names are relative, no symbolic link
 * is followed, and ".." is in no name.  Folders are made as they are needed and
 * kept open for a while.
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

/* Praic's own names, which no format can give. */
#define TREE_LEDGER ".praic-ledger"
#define TREE_INDEX  ".praic-index"
#define TREE_PARTS  ".praic-tmp"

/* mode is that of files; folders get x where it has r.  path is kept.  NULL and
 * *code after a message. */
struct tree *tree_open(const char *path, mode_t mode, int *code);
void tree_close(struct tree *);
/*
 * A descriptor of the folder that a name is in, valid until the next call; *last
 * is the name's last component.  With make, missing folders are made.  -1 and
 * errno.
 */
int tree_folder(struct tree *, const char *name, int make, const char **last);
/* The folder that tree_folder found last has got or lost a name. */
void tree_changed(struct tree *);
/* Make all changes durable.  0, or -1 and errno. */
int tree_sync(struct tree *);
/* As open(2), for reading, of a regular file; other things: -1 and ENOENT,
 * ELOOP, EISDIR or ENXIO. */
int tree_read(struct tree *, const char *name);
/* lstat(2). */
int tree_stat(struct tree *, const char *name, struct stat *);

/* The code for an errno that is about DIRECTORY as a whole: EX_CANTCREAT,
 * EX_IOERR or EX_TEMPFAIL; for one that is about one name: otherwise. */
int tree_code(int err, int otherwise);

/* ---- part.c: files that have no final name yet ----------------------------- */

/*
 * They are below DIRECTORY/.praic-tmp, so that a rename within one file system
 * gives them their names, and their writer has them locked: files of a killed
 * run are not locked, and the next run removes them.
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

/* Removes what killed runs left.  The ledger's lock must be held, for others may
 * be about to begin.  NULL and *code after a message. */
struct parts *parts_open(struct tree *, mode_t, int *code);
/* Removes the folder, too, if it is empty. */
void parts_close(struct parts *);
/* A new file, open for writing.  0, or -1 and errno. */
int part_new(struct parts *, struct part_file *);
/* One more name for a file that is open as fd, which is the part's from then on.
 * 0, or -1 and errno. */
int part_link(struct parts *, struct part_file *, int dir, const char *name, int fd);
/* No more is to be written: 0, or -1 and errno. */
int part_close(struct part_file *);
/* Close it, and remove it if it has no final name. */
void part_drop(struct parts *, struct part_file *);

/* ---- ledger.c: a line for each file, only ever added to -------------------- */

/*
 * The form is in praic-tofs(1), LEDGER.  A program that names files or adds
 * lines holds the ledger's lock, so lines are in the order of what was done.
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

/* The longest host or lsid: lines must stay small. */
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
/* The chain that the second line continues: the hash of the first. */
void ledger_chain_start(struct sha256 *, char chain[SHA256_HEX]);

struct ledger {
	int fd;
	int reads;  /* nothing is ever added */
	char *path; /* for messages */
	struct sha256 *hash;
	struct buf pending;	/* lines with LF, but without chain, to be written */
	uint64_t end;		/* where the last line known here ends */
	char chain[SHA256_HEX]; /* that line's */
};

/* With make it is made if need be.  NULL and *code after a message. */
struct ledger *ledger_open(struct tree *, const struct options *, int make, int *code);
void ledger_close(struct ledger *);
/* Shared when it was not opened with make.  0, or a code after a message. */
int ledger_lock(struct ledger *);
void ledger_unlock(struct ledger *);
/* Add a pending line; sha256 NULL: the file was removed. */
void ledger_add(
    struct ledger *, const struct owner *, const char *name, uint64_t bytes, const char *sha256);
/* Write the pending lines, chained, under the lock.  0, or a code after a message:
 * then they are forgotten. */
int ledger_write(struct ledger *);
/* 0, or a code after a message. */
int ledger_sync(struct ledger *);
/*
 * Call each for each whole line from *from on, without its LF, until there are
 * no more (0), each returns something else than 0 (that), or a read fails (-1
 * after a message).  *from is then the first line that each was not called for,
 * or refused.
 */
int ledger_each(struct ledger *, uint64_t *from,
    int (*each)(void *arg, const char *p, size_t n, uint64_t offset), void *arg);

/* ---- index.c: what the ledger says about a name, a content, an owner ------- */

/*
 * A SQLite file beside the ledger, used under the ledger's lock alone
 * (DIRECTORY may be a share, where SQLite's own locks are unreliable) and
 * never synced.  Each question first brings it up to date with the ledger; it
 * is made anew when it does not fit, and is a temporary file if need be.
 */
struct index;

/* scratch: use a temporary file. */
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
/* For --verify, with scratch: note the line in the table seen. */
int index_seen(struct index *, int64_t id);
/* For -n --list: "same", "newer" or "new"; sha256 NULL: whatever the content.
 * Without an index everything is new.  NULL after a message. */
const char *index_state(struct index *, const struct owner *, const char *sha256);

/* Condition: a line l that is the last of its name, and whose file is not removed. */
#define INDEX_STORED                          \
	"l.bytes IS NOT NULL AND NOT EXISTS " \
	"(SELECT 1 FROM line WHERE hash = l.hash AND name = l.name AND id > l.id)"

/* A query of the table line, with text bound to ?1; to be finalized by the caller.
 * NULL after a message. */
sqlite3_stmt *index_select(struct index *, const char *sql, const struct buf *text);
/* After sqlite3_step: 1 for a row, 0 for none, -1 after a message. */
int index_row(struct index *, int rc);
/* A text that is not NULL unless memory is short. */
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
/* Move it to its name.  0, EX_DATAERR (PLACED_NOT) or a code that is about all of
 * DIRECTORY; all but 0 after a message. */
int place_put(struct place *, const struct content *, enum placed *, struct buf *final);
/* Is it certain that nothing is to be done for it?  1, 0, or -1 after a message. */
int place_has(struct place *, const struct content *);

/* ---- store.c: contents on their way to their names ------------------------- */

/*
 * In batches: all are written, then all are made durable, then each gets its
 * name, then the folders are made durable, then the ledger has a line for
 * each, then its name is printed.  This is as safe as one at a time, and much
 * faster.
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
	size_t waiting; /* drafts in the batch */
	uint64_t waiting_bytes;
	struct buf printed;
	struct sha256 *spare; /* of a draft that is done with it */
	int fatal;	      /* the code after which nothing more can be stored */
	int folds;	      /* DIRECTORY does not tell upper from lower case */
	int dry;
	uint64_t stored, there; /* how many */
	int silenced;		/* standard output took no more names */
};

/* NULL and *code after a message. */
struct store *store_open(const struct options *, int *code);
/* One into which nothing is stored: drafts are only hashed.  Without a ledger, which
 * --existing demands, its index is NULL. */
struct store *store_dry(const struct options *, int *code);
/* store_flush, and clean up.  0 or a code. */
int store_close(struct store *);

/* Small ones stay in memory, others go into a file at once. */
struct draft *draft_new(struct store *);
/* Errors stick: store_put reports them. */
void draft_add(struct draft *, const void *, size_t);
/* NULL is fine. */
void draft_free(struct draft *);
/* No more can be added. */
const char *draft_sha256(struct draft *);
/* A content that is in a file already, open as fd (which is the draft's from then
 * on) and called name in dir: the file gets one more name.  NULL when it cannot. */
struct draft *draft_link(
    struct store *, int dir, const char *name, int fd, uint64_t bytes, const char *sha256);

/* Store the draft, which is the store's from then on, under this name.  0, or a
 * code after messages. */
int store_put(struct store *, struct draft *, const struct owner *, const char *name);
/* Is it there already, and nothing is to be done?  1, 0, or -1 after a message. */
int store_has(struct store *, const char *name, uint64_t bytes, const char *sha256);
/* Make all that was put safe.  0 or a code; after one that is not EX_DATAERR
 * nothing more can be stored. */
int store_flush(struct store *);
/* Write lines to standard output.  store_close reports a failure. */
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
 * when it is not whole: *why says why. */
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

/* Add a row, good or bad, if its file came; NULL, or why the session is too much. */
const char *spooled_add(struct spooled_list *, const struct rec_value value[FILE_COLUMNS]);
void spooled_forget(struct spooled_list *);
/*
 * The row's file of this spool, checked against the row, as a draft; the file
 * itself stays.  0 and *draft; 0 and NULL, *fault (a word) and *why when the
 * file cannot be stored; or a code after a message when the spool cannot be read.
 */
int spooled_read(struct store *, const struct options *, int spool, const struct spooled *,
    struct draft **, const char **fault, const char **why);

/* ---- retain.c: the guide's "Retention Count" ------------------------------- */

/*
 * Only files that the ledger names as a backup of that site are removed, and
 * only while a newer one is safe.  The newest is the one that was fetched last.
 */

/* Remove all backups of this site but the newest and count before it.  "- name" and
 * LF go into the buffer for each.  0, or a code after messages. */
int retain_backups(struct store *, struct rec_value host, int64_t count, struct buf *);
/*
 * Would a backup of the site have to go at once?  1: as many newer ones as are
 * kept are there; 2: it was stored and removed before.  Else 0, or -1 after a
 * message.  fetched_at is -1 when it is not known.
 */
int retain_needless(
    struct store *, struct rec_value host, int64_t count, int64_t fetched_at, const char *sha256);

/* ---- What main.c calls: the exit code --------------------------------------- */

/* run.c: input to files. */
int run_all(const struct options *, char *const operand[], int operands);
/* verify.c: compare DIRECTORY with its ledger; prints what is missing, changed or
 * unknown. */
int verify(const struct options *);
int head_print(const struct options *);
/* Is the head that was given part of this ledger?  0, or a code after a message. */
int head_check(const struct options *, struct ledger *);

#endif
