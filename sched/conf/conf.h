/*
 * praic-conf.  What is edited (site, destination, schedule, transfer,
 * setting) is a list of fields (settings.h); one engine edits and shows all
 * of them (row.c).  A failure of the settings database is in its code.
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
	int json, force;	   /* --json, --force */
	int quiet;		   /* a test says nothing when all is well */
	int nested;		   /* within the transaction of load */
	char *reason;		   /* of the last test that failed, when quiet */
};

/* Does something with the operands after its name.  An exit code. */
typedef int conf_do(struct conf *, int argc, char **argv);

struct verb {
	const char *name;
	conf_do *run;
	int least, most; /* operands; most -1: any number */
	int changes;	 /* it is noted in the client's log */
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
	/* The rows, for reading: id, name, the kind of a destination, and the
	 * fields in their order.  NULL: the table has these columns. */
	const char *select;
	const char *list; /* what list shows */
	/* May be stored: 0, or a code after a message.  It may change values. */
	int (*check)(struct conf *, struct row *);
	/* Within the transaction; NULL: the columns of the table. */
	int (*write)(struct conf *, struct row *);
	/* Within the transaction, once it is written. */
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
    row_disable, row_list_settings;
/* As row_add, but all fields of a transfer are NAME=VALUE. */
conf_do row_add_fields;
/* Begin and end a transaction, unless it is load's; end commits if code is 0. */
void conf_begin(struct conf *);
int conf_end(struct conf *, int code);

/* transfer.c */
int transfer_check(struct conf *, struct row *);
int transfer_write(struct conf *, struct row *);
int transfer_written(struct conf *, struct row *);
/* Make and remove rows of job, and what belongs to none of them any more. */
void transfer_jobs(struct conf *);
/* Jobs that waited for a site, destination or transfer that is changed are due. */
void transfer_hurry(struct conf *, const struct row *);

/* spool.c: the directories that praic-run works in */
int spool_use(struct conf *, const char *path); /* make or adopt it */
int spool_tidy(struct conf *);			/* number it; what was of no job goes */
int spool_at_work(struct conf *, int64_t job);	/* is praic-run at work on it? */
conf_do conf_init;

/* secret.c: secrets as people give them */
int secret_read(const char *what, const char *given, char **stored);

/* ask.c: the filters, asked whether it could work */
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
 * show.c: rows of cells; on a terminal as a table, in a pipe with TABs between
 * the cells and no head, with --json as JSON.  Text is made harmless (msg.h).
 */
enum { SHOW_TIME = 100, SHOW_REAL }; /* besides the forms of fields */

struct show;
struct show *show_new(struct conf *);
/* The next cell of the row, under this name (copied); NULL: there is none. */
void show_cell(struct show *, const char *name, int form, const char *text);
void show_int(struct show *, const char *name, int form, int64_t);
void show_end(struct show *); /* a row is complete */
/* All rows of a query.  A column is called NAME, or NAME:FORM with a form of
 * count, span, flag, time, real or secret.  NULL after a message. */
struct show *show_query(struct conf *, sqlite3_stmt *);

enum show_how {
	SHOW_TABLE,
	SHOW_LIST,  /* one row, a cell a line */
	SHOW_BLOCKS /* each row a paragraph of at most 80 columns, its reason apart */
};
/* Print it and free it.  mark: what each line begins with in a pipe, or NULL. */
int show_print(struct show *, enum show_how, const char *mark);
/* The rows as a JSON array, for a part of something greater; frees. */
void show_json(struct buf *, struct show *);
int show_out(const struct buf *);

#endif
