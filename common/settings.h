/*
 * The settings database, praic-settings(5): sites, destinations, schedules,
 * transfers and the scheduler's state.  These functions find, check and open it, and
 * read a site or destination as options of a filter.  praic-conf, praic-sched and
 * praic-run have SQL of their own.
 *
 * A secret is stored as a reference (secret.h), or as "plain:" and the secret.  These
 * functions always return a reference.
 */
#ifndef PRAIC_SETTINGS_H
#define PRAIC_SETTINGS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/* "PRse": praic's settings database. */
#define SETTINGS_APPLICATION_ID 0x50527365
#define SETTINGS_STORAGE_ID	0x50527374 /* a storage database's (praic-tosql) */
#define SETTINGS_VERSION	4	   /* user_version */
#define SETTINGS_PLAIN		"plain:"

struct settings {
	char *path;
	sqlite3 *h;
	int code; /* of the first failure, after a message; later statements do nothing */
};

enum settings_open {
	SETTINGS_OPEN,
	SETTINGS_CREATE /* make it unless it exists */
};

/*
 * Open it.  It must have mode 0600 or less, belong to this user (root may open any),
 * and be in a directory that not everybody can write to.  A database of praic 1 is
 * refused.  path NULL: $PRAIC_SETTINGS; else /etc/praic/settings.db for root, and
 * $XDG_CONFIG_HOME/praic/settings.db (below ~/.config) for others.  NULL after a
 * message, and *code: EX_NOINPUT (no such file), EX_CONFIG, EX_NOPERM, EX_TEMPFAIL,
 * EX_IOERR, ...
 */
struct settings *settings_open(const char *path, enum settings_open, int *code);
void settings_close(struct settings *); /* NULL is fine */

/*
 * Statements, with foreign keys enforced; they wait for another writer.  types has a
 * letter for each parameter: i an int64_t (DB_NULL is NULL), t a text (NULL is NULL),
 * v a struct rec_value.  A failure gives a message and sets the code of the settings.
 */
#define DB_NULL INT64_MIN
sqlite3_stmt *db_ask(struct settings *, const char *sql, const char *types, ...);
/* 1 if there is another row; else 0, and the statement is finalized.  NULL is fine. */
int db_row(struct settings *, sqlite3_stmt *);
int64_t db_column(sqlite3_stmt *, int);
const char *db_string(sqlite3_stmt *, int); /* a text, or NULL; until the next row */
char *db_copy(sqlite3_stmt *, int);	    /* the same, to be freed */
/* db_do returns the number of rows changed; the others the first column of the last
 * row, or DB_NULL or NULL. */
int db_do(struct settings *, const char *sql, const char *types, ...);
int64_t db_number(struct settings *, const char *sql, const char *types, ...);
char *db_text(struct settings *, const char *sql, const char *types, ...);
void db_script(struct settings *, const char *sql);
void db_begin(struct settings *); /* to write */
/* Commit if code is 0 and nothing failed, else roll back.  The code. */
int db_end(struct settings *, int code);

/* The form of a value: how it is read, shown and checked. */
enum settings_form {
	SETTINGS_TEXT,
	SETTINGS_LIST, /* texts, one a line */
	SETTINGS_FLAG, /* 1 or 0 */
	SETTINGS_COUNT,
	SETTINGS_SPAN,	 /* stored in seconds */
	SETTINGS_SIZE,	 /* stored in bytes */
	SETTINGS_CLOCK,	 /* 03:30, stored in minutes after midnight */
	SETTINGS_PATH,	 /* absolute */
	SETTINGS_FILE,	 /* absolute, and exists */
	SETTINGS_CHOICE, /* one of a few words */
	SETTINGS_KINDS,	 /* of data, separated by commas */
	SETTINGS_MAILS,	 /* addresses, separated by commas */
	SETTINGS_SECRET
};

enum settings_kind { /* of a destination, in a set */
	SETTINGS_SQL = 1,
	SETTINGS_FS = 2,
	SETTINGS_EXEC = 4
};

/* A field of a table: its column is its name with _ for -. */
struct settings_field {
	const char *name; /* also the filter's long option, if it has one */
	enum settings_form form;
	int needed;	      /* for a destination: kinds that need it */
	int kinds;	      /* for a destination: kinds that have it */
	const char *fallback; /* the default, or NULL */
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
 * For a filter: read a site, or a destination of this kind, from the default
 * database.  set() is called for each field that is set, with a value as for an
 * option: a list one text at a time, a secret as a reference.  The value stays valid
 * until the program ends.  If set() returns another code than 0, that code ends it
 * and is returned.  EX_CONFIG, after a message, if there is no such site or
 * destination.
 */
typedef int settings_set(void *arg, const char *name, const char *value);
int settings_load_site(const char *name, settings_set *, void *arg);
int settings_load_destination(const char *name, int kind, settings_set *, void *arg);

/*
 * One of settings_fields, or its default.  The text is to be freed, or NULL; a secret
 * is a reference.  A number is in seconds or bytes, a count, or 1 and 0.
 */
char *settings_text(struct settings *, const char *name);
int64_t settings_number(struct settings *, const char *name);
char *settings_needed(struct settings *, const char *name); /* NULL is a failure */

/* Check a value by its form.  0 and the text to store (to be freed), or EX_USAGE after
 * a message that begins with what. */
int settings_parse(const struct settings_field *, const char *what, const char *text, char **value);

/*
 * Call each() for each address of a list; it may have a name: "A, B" <a@example.com>.
 * 0, or the first result of each() that is not 0.  settings_is_address: is it
 * user@host, with no character that needs quoting anywhere?
 */
int settings_mails(const char *list, int (*each)(const char *, size_t));
int settings_is_address(const char *, size_t);

/*
 * The environment variables with secrets (env:NAME) that the filter of this site or
 * destination (table "setting": of the mail settings) does not need, and must not
 * see.  Ends with NULL; the caller frees it.
 */
char **settings_hidden_env(struct settings *, const char *table, const char *name);

/*
 * If root runs this for the settings database of another user (or for a new one in
 * that user's directory), become that user, so that no files of root are left.  Call
 * it before anything is opened.  0, or EX_OSERR after a message.
 */
int settings_become_owner(void);

/*
 * The number in SPOOL/id, which must be the setting spool-id.  0: the directory is
 * empty or missing; -1: it has files, but no number.
 */
int64_t settings_spool_id(const char *spool);
int settings_number_spool(const char *spool, int64_t id); /* 0, or a code */

/*
 * The running scheduler holds an flock(2) of this file in the spool.  settings_lock
 * takes the lock: the descriptor, close-on-exec, or -1 after a message.
 * settings_locked: 1 if a scheduler runs, else 0.
 */
#define SETTINGS_LOCK "scheduler.lock"
int settings_lock(struct settings *);
int settings_locked(struct settings *);

/*
 * Note the result of a step in the job's row and in the history, with a back-off if it
 * failed.  next is the column's value at the start of the step: if it differs now,
 * somebody has asked for the job again.
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
