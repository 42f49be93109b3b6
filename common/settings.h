/*
 * The settings database, praic-settings(5): sites, destinations, schedules,
 * transfers and what the scheduler has to remember of them.  Here it is
 * found, checked and opened, and a site or destination is read as the
 * options of the filter that wants it.  praic-conf, praic-sched and
 * praic-run write their own SQL.
 *
 * It holds secrets.  A secret is stored as a reference (secret.h), or as
 * "plain:" and the secret itself; what is read here is always a reference.
 */
#ifndef PRAIC_SETTINGS_H
#define PRAIC_SETTINGS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/* "PRse": praic's settings database, and no other one. */
#define SETTINGS_APPLICATION_ID 0x50527365
#define SETTINGS_STORAGE_ID	0x50527374 /* a storage database's (praic-tosql) */
#define SETTINGS_VERSION	4	   /* user_version */
#define SETTINGS_PLAIN		"plain:"

struct settings {
	char *path;
	sqlite3 *h;
	int code; /* of the first failure, which was told; then nothing more is done */
};

enum settings_open {
	SETTINGS_OPEN,
	SETTINGS_CREATE /* where there is none; that there is one is no error */
};

/*
 * Open it.  One of praic 1 is refused.  It must be its owner's alone:
 * mode 0600 or less, and belong to this user (root may open anybody's), in a
 * directory that not everybody can write to.  path NULL: the file of
 * $PRAIC_SETTINGS; else /etc/praic/settings.db for root and
 * $XDG_CONFIG_HOME/praic/settings.db (below ~/.config) for others.  NULL
 * after a message, and *code: EX_NOINPUT (there is none), EX_CONFIG,
 * EX_NOPERM, EX_TEMPFAIL, EX_IOERR, ...
 */
struct settings *settings_open(const char *path, enum settings_open, int *code);
void settings_close(struct settings *); /* NULL is fine */

/*
 * Statements, with foreign keys enforced; another writer is waited for.
 * Parameters by their types: i an int64_t (DB_NULL is NULL), t a text (NULL
 * is NULL), v a struct rec_value.  What fails is told and noted as the code of the settings.
 */
#define DB_NULL INT64_MIN
sqlite3_stmt *db_ask(struct settings *, const char *sql, const char *types, ...);
/* 1 and a row; else 0, and the statement is finalized.  NULL is fine. */
int db_row(struct settings *, sqlite3_stmt *);
int64_t db_column(sqlite3_stmt *, int);
char *db_copy(sqlite3_stmt *, int); /* a text, or NULL; to be freed */
/* How many rows it changed; the first column of the last row, or DB_NULL, NULL. */
int db_do(struct settings *, const char *sql, const char *types, ...);
int64_t db_number(struct settings *, const char *sql, const char *types, ...);
char *db_text(struct settings *, const char *sql, const char *types, ...);
void db_script(struct settings *, const char *sql);
void db_begin(struct settings *); /* to write */
/* Commit where code is 0 and nothing failed, else roll back.  The code. */
int db_end(struct settings *, int code);

/* What a value looks like, and so how it is taken, shown and checked. */
enum settings_form {
	SETTINGS_TEXT,
	SETTINGS_LIST, /* texts, one a line */
	SETTINGS_FLAG, /* 1 or 0 */
	SETTINGS_COUNT,
	SETTINGS_SPAN,	 /* stored in seconds */
	SETTINGS_SIZE,	 /* stored in bytes */
	SETTINGS_CLOCK,	 /* 03:30, stored in minutes after midnight */
	SETTINGS_PATH,	 /* absolute */
	SETTINGS_FILE,	 /* absolute, and there */
	SETTINGS_CHOICE, /* one of a few words */
	SETTINGS_KINDS,	 /* of data, parted by commas */
	SETTINGS_MAILS,	 /* addresses, parted by commas */
	SETTINGS_SECRET
};

enum settings_kind { /* of a destination, in a set */
	SETTINGS_SQL = 1,
	SETTINGS_FS = 2,
	SETTINGS_EXEC = 4
};

/* A field of a table: its column is its name with _ for -. */
struct settings_field {
	const char *name; /* and the filter's long option, where it has one */
	enum settings_form form;
	int needed;	      /* for a destination: kinds that need it */
	int kinds;	      /* for a destination: kinds that have it */
	const char *fallback; /* what counts while it is not set; or NULL */
	const char *help;
	int64_t low, high;   /* of a number; high 0: no limit of its own */
	const char *choices; /* a|b|c */
};

/* Each list ends with a NULL name. */
extern const struct settings_field settings_site_fields[];
extern const struct settings_field settings_destination_fields[];
extern const struct settings_field settings_schedule_fields[];
extern const struct settings_field settings_transfer_fields[];
extern const struct settings_field settings_fields[];

const struct settings_field *settings_field(const struct settings_field *, const char *name);
/* 0 when there is no such kind; NULL when the set is not one kind. */
int settings_kind(const char *name);
const char *settings_kind_name(int kind);

/*
 * For a filter: open the default database, read a site, or a destination of
 * this kind, and close it.  Each field that is set is given to a function,
 * under its name, as an option's argument would be: a list one text at a
 * time, a secret as a reference.  value stays valid until the program ends.
 * What the function returns, if it is not 0, ends it and is returned.
 * EX_CONFIG, after a message, when there is no such site or destination.
 */
typedef int settings_set(void *arg, const char *name, const char *value);
int settings_load_site(const char *name, settings_set *, void *arg);
int settings_load_destination(const char *name, int kind, settings_set *, void *arg);

/*
 * One of settings_fields, or what it falls back to.  The text is to be freed,
 * NULL where there is none; a secret is a reference.  A number is of seconds,
 * bytes, things, or 1 and 0.
 */
char *settings_text(struct settings *, const char *name);
int64_t settings_number(struct settings *, const char *name);
char *settings_needed(struct settings *, const char *name); /* NULL is a failure */

/*
 * Read a value as its form has it, for storing: 0 and the text (to be
 * freed), or EX_USAGE after a message that begins with what.
 */
int settings_parse(const struct settings_field *, const char *what, const char *text, char **value);

/*
 * Each of a list of addresses, which may have a name ("A, B" <a@example.com>):
 * 0, or what the function returned, if that was not 0.  An address alone is
 * user@host, of characters that need no quoting anywhere.
 */
int settings_mails(const char *list, int (*each)(const char *, size_t));
int settings_is_address(const char *, size_t);

/*
 * The environment variables that hold secrets (env:NAME) of anything but the
 * site or destination of this name (table "setting": the mail settings), and not
 * of it, too: what starts a filter for one of them unsets the others in the child.
 * NULL-ended, kept by the caller.
 */
char **settings_hidden_env(struct settings *, const char *table, const char *name);

/*
 * Where root runs this for a settings database of another user (or a new one
 * in that user's directory): become that user, before anything is opened, so that no
 * file of root's is left behind.  0, or EX_OSERR after a message.
 */
int settings_become_owner(void);

/*
 * The number in SPOOL/id, which is that of the settings, too (spool-id).  0:
 * nothing is there; -1: something is, but no number.
 */
int64_t settings_spool_id(const char *spool);
int settings_number_spool(const char *spool, int64_t id); /* 0, or a code */

/*
 * The running scheduler holds an flock(2) of this file in the spool.  Takes
 * it: the descriptor, close-on-exec; -1 after a message.  Looks: 1 it runs, 0
 * it does not.
 */
#define SETTINGS_LOCK "scheduler.lock"
int settings_lock(struct settings *);
int settings_locked(struct settings *);

/*
 * Note in the job's row and in the history how a step ended: with a back-off if
 * it failed.  next is as the step found it: when it is another one now,
 * somebody has asked again.
 */
struct settings_step {
	int64_t job, next, started, now;
	int code, failed;
	char *program, *reason;
	int64_t sessions, rows, files, bytes, left_out;
};
void settings_end_step(struct settings *, const struct settings_step *);

extern const char settings_tables[]; /* settings.sql */

#endif
