/*
 * praic-conf's own.  What is edited (site, destination, schedule, transfer,
 * setting) is a list of fields (settings.h); one engine edits and shows all
 * of them (row.c, edit.c).
 */
#ifndef CONF_H
#define CONF_H

#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "settings.h"

struct thing;

struct conf {
	struct settings *s;
	const struct thing *thing; /* that is edited, or NULL */
	int json, force;	   /* --json, --force */
	int quiet;		   /* a test says nothing when all is well */
	int nested;		   /* within the transaction of load */
	char *spool;		   /* gets this number once the transaction is in */
	int64_t spool_id;
	char *reason; /* of the last test that failed, when quiet */
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
	/*
	 * The rows, for reading: id, name, the kind of a destination, and the
	 * fields in their order.  NULL: the table has these columns.
	 */
	const char *select;
	const char *list; /* what list shows */
	/* May be stored: 0, or a code after a message.  It may change values. */
	int (*check)(struct conf *, struct row *);
	/* Within the transaction; NULL: the columns of the table. */
	int (*write)(struct conf *, struct row *);
	/* Within the transaction, once it is written; or NULL. */
	int (*written)(struct conf *, struct row *);
};

extern const struct thing things[]; /* ends with a NULL name */
const struct thing *thing_find(const char *name);

/* main.c */
extern const struct verb alone[];
void usage_lines(FILE *, const char *thing, const struct verb *);

/* row.c: rows, read, changed by NAME=VALUE operands, and written. */
const char *row_value(const struct row *, const char *field);
const char *row_was(const struct row *, const char *field);
int row_changed(const struct row *, const char *field);
int row_has(const struct row *, const struct settings_field *); /* is it of its kind? */
void row_free(struct row *);
/* The row of this name; EX_CONFIG after a message when there is none. */
int row_load(struct conf *, const char *name, struct row *);
/* Rows one by one: a statement, and what it found last. */
sqlite3_stmt *row_select(struct conf *, const struct thing *, const char *where);
void row_read(const struct thing *, sqlite3_stmt *, struct row *);
int row_set(struct row *, int argc, char **argv);
int row_write(struct conf *, struct row *);
/* Is this a name that can be shown and typed, and free? */
int row_name_free(struct conf *, const struct thing *, const char *name);

/* A statement with one parameter, or two; a number, or 0 where there is none. */
int conf_sql(struct conf *, const char *sql, int64_t a, int64_t b);
int conf_sql_text(struct conf *, const char *sql, int64_t a, const char *b);
int64_t conf_number(struct conf *, const char *sql, int64_t a);
/* The first column of the first row; NULL where there is none.  To be freed. */
char *conf_text(struct conf *, const char *sql, int64_t a);
int conf_begin(struct conf *);
int conf_end(struct conf *, int code); /* commits if the code is 0 */

/* edit.c: verbs of all things */
conf_do edit_add, edit_set, edit_unset, edit_show, edit_list, edit_rename, edit_remove, edit_enable,
    edit_disable, edit_list_settings;
int edit_written(struct conf *, struct row *);
/* As edit_add, but all fields of a transfer are NAME=VALUE. */
conf_do edit_add_fields;

/* transfer.c */
int transfer_check(struct conf *, struct row *);
int transfer_write(struct conf *, struct row *);
int transfer_written(struct conf *, struct row *);
/* Make and remove rows of job, and what belongs to none of them any more. */
int transfer_jobs(struct conf *);
/* Jobs that waited for a site, destination or transfer that is changed are due. */
int transfer_hurry(struct conf *, const struct row *);

/* spool.c: the directories that praic-run works in */
int spool_number(const char *spool, int64_t id); /* writes SPOOL/id; 0, or a code */
int spool_use(struct conf *, const char *path);	 /* make or adopt it */
void spool_tidy(struct conf *);			 /* what was of no job goes */
/* Why praic-run would not touch it, or NULL.  To be freed. */
char *spool_fault(struct conf *, const char *path);
/* Is praic-run at work on this job? */
int spool_at_work(struct conf *, int64_t job);
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

/* state.c, metrics.c, log.c, dump.c */
conf_do conf_status, conf_runs, conf_retry, conf_ack, conf_metrics, conf_log, conf_dump, conf_load,
    conf_help, conf_complete;
int log_note(struct conf *, unsigned user, int argc, char **argv);

#endif
