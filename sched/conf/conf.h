/*
 * praic-conf.  A thing (site, destination, schedule, transfer, setting) is a
 * list of fields (settings.h); one engine edits and shows all things (row.c).
 * A failure of the settings database is in the database's code.
 */
#ifndef CONF_H
#define CONF_H

#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "settings.h"

struct thing;

struct conf {
	struct settings *db;
	const struct thing *thing; /* that is edited, or NULL */
	const char *verb;
	int json, force; /* --json, --force */
	int quiet;	 /* a test says nothing when all is well */
	int nested;	 /* within the transaction of load */
	char *reason;	 /* of the last test that failed, when quiet */
};

/* Does something with the operands after its name.  An exit code. */
typedef int conf_do(struct conf *, int argc, char **argv);

struct verb {
	const char *name;
	conf_do *run;
	int least, most; /* operands; most -1: any number */
	int changes;	 /* note it in the client's log */
	const char *usage;
};

#define ROW_FIELDS 24

/* One row of a thing: its fields as stored, and as they were. */
struct row {
	const struct thing *thing;
	int64_t id; /* 0: it is not stored */
	int fresh;  /* it was not there before */
	char *name; /* a transfer's is its number */
	int kind;   /* of a destination */
	char *value[ROW_FIELDS], *was[ROW_FIELDS];
};

struct thing {
	const char *name; /* and its table */
	const struct settings_field *fields;
	const struct verb *verbs;
	/* Reads rows: id, name, the kind of a destination, and the fields in
	 * their order.  NULL: these are columns of the table. */
	const char *select;
	const char *list; /* a query: what list shows */
	/* May this row be stored?  0, or a code after a message.  It may change values. */
	int (*check)(struct conf *, struct row *);
	/* Within the transaction; NULL: write the columns of the table. */
	int (*write)(struct conf *, struct row *);
	/* Within the transaction, after the write. */
	int (*written)(struct conf *, struct row *);
};

extern const struct thing things[]; /* ends with a NULL name */
const struct thing *thing_find(const char *name);
extern const struct verb alone[];

/* row.c: rows, and the verbs that are the same for all things */
const char *row_value(const struct row *, const char *field);
const char *row_was(const struct row *, const char *field);
int row_changed(const struct row *, const char *field);
void row_free(struct row *);
/* The row of this name; EX_CONFIG after a message when there is none. */
int row_load(struct conf *, const char *name, struct row *);
/* Rows one by one: a statement, and what it found last. */
sqlite3_stmt *row_select(struct conf *, const struct thing *, const char *where, const char *name);
void row_read(const struct thing *, sqlite3_stmt *, struct row *);
int row_write(struct conf *, struct row *);
int row_written(struct conf *, struct row *);
conf_do row_add, row_set, row_unset, row_show, row_list, row_rename, row_remove, row_enable,
    row_list_settings;
/* As row_add, with all fields of a transfer as NAME=VALUE. */
conf_do row_add_fields;
/* Begin and end a transaction, except within that of load; the end commits if code is 0. */
void conf_begin(struct conf *);
int conf_end(struct conf *, int code);

/* transfer.c */
int transfer_check(struct conf *, struct row *);
int transfer_write(struct conf *, struct row *);
int transfer_written(struct conf *, struct row *);
/* Make and remove rows of job, and other rows that no job needs. */
void transfer_jobs(struct conf *);
/* End the back-offs of jobs of a site, destination or transfer that has changed. */
void transfer_hurry(struct conf *, const struct row *);

/* spool.c: the directories that praic-run works in */
int spool_use(struct conf *, const char *path); /* make or adopt it */
int spool_tidy(struct conf *);			/* number it; remove files of removed jobs */
int spool_at_work(struct conf *, int64_t job);	/* does praic-run hold its lock? */
conf_do conf_init;

/* secret.c: secrets as people give them */
int secret_read(const char *what, const char *given, char **stored);

/* ask.c: checks, with the filters that will use the values */
int ask_site(struct conf *, struct row *);
int ask_destination(struct conf *, struct row *);
int ask_schedule(struct conf *, struct row *);
int ask_running(struct conf *, struct row *);
int ask_settings(struct conf *, struct row *);
conf_do conf_test, test_mail, conf_check;

/* state.c, text.c */
conf_do conf_status, conf_runs, conf_retry, conf_ack, conf_metrics, conf_log, conf_dump, conf_load,
    conf_help, conf_complete;
int log_note(struct conf *, unsigned user, int argc, char **argv);

/*
 * show.c: rows of cells.  They are printed as a table on a terminal, with TABs
 * and no head in a pipe, and as JSON with --json.  Control characters are escaped
 * (msg.h).
 */
enum { SHOW_TIME = 100, SHOW_REAL }; /* besides the forms of fields */

struct show;
struct show *show_new(struct conf *);
/* The next cell of the row, with the name of its column; NULL: it is empty. */
void show_cell(struct show *, const char *name, int form, const char *text);
void show_end(struct show *); /* the row is complete */
/* All rows of a query.  A column is called NAME, or NAME:FORM with a form of
 * count, span, flag, time, real or clock. */
struct show *show_query(struct conf *, sqlite3_stmt *);

enum show_how {
	SHOW_TABLE,
	SHOW_LIST,  /* one row, a cell a line */
	SHOW_BLOCKS /* each row a paragraph of at most 80 columns, its reason apart */
};
/* Print it and free it.  mark: the first cell of each line in a pipe, or NULL. */
void show_print(struct show *, enum show_how, const char *mark);
/* The rows as a JSON array, for a part of something greater; frees. */
void show_json(struct show *);

#endif
