/*
 * What the scheduler reads and writes of the settings database,
 * praic-settings(5): schedules and transfers, marks, failures, history.
 */
#ifndef PRAIC_SCHED_DB_H
#define PRAIC_SCHED_DB_H

#include <stdint.h>

#include "sched_due.h"
#include "sched_pipe.h"
#include "sched_spool.h"
#include "settings.h"

#define DB_NEVER INT64_MIN /* a time that is NULL */

struct schedule {
	int64_t id;
	char *name;
	struct due due;
	int64_t last_due; /* or DUE_NEVER */
};

struct transfer {
	int64_t id, schedule_id;
	char *schedule, *site, *destination, *command; /* command: NULL unless exec */
	int destination_kind;
	unsigned kinds;	  /* 1 << enum settings_data */
	int64_t retry_at; /* the first back-off that ends; or DB_NEVER */
	int64_t due;	  /* since when, and not yet done; or DB_NEVER */
};

struct plan {
	struct schedule *schedule;
	size_t schedules;
	struct transfer *transfer;
	size_t transfers;
	char *spool, *log_directory;
	int64_t log_days, history_days, parallel;
};

/* All that is enabled.  0, or a code after a message. */
int db_plan(struct settings *, struct plan *);
void db_plan_free(struct plan *);

/*
 * It is due now: 1 when this process is the one that may run it, 0 when
 * another was faster; -1 after a message.
 */
int db_claim(struct settings *, const struct schedule *, int64_t now);
/* Within the same transaction: its transfers are due, until they are done. */
int db_due(struct settings *, int64_t schedule, int64_t now);
int db_done(struct settings *, int64_t transfer);
/* Its last run was the mistake of a clock: this is taken for it from now on. */
int db_mend_due(struct settings *, const struct schedule *, int64_t last);
/* It has run. */
int db_ran(struct settings *, int64_t schedule, int64_t started);
/* praic-sched was invoked; by this process, if it is not 0, it runs. */
int db_invoked(struct settings *, int64_t now, int64_t pid);
/*
 * The time that what is old is told by: no later than the appliances' clocks
 * say, as the latest mark has it, so that a clock that is ahead once has
 * nothing thrown away.  0, or a code.
 */
int db_oldest_now(struct settings *, int64_t now, int64_t *t);
/* Forget the history before this. */
int db_prune(struct settings *, int64_t before);
/*
 * Where the clock was set back, times of failures that are still to come
 * would keep things from being tried, or told: they become now.
 */
int db_believe(struct settings *, int64_t now);
/* A new configuration: every back-off ends. */
int db_clear_waits(struct settings *);

struct kind_state {
	int64_t mark, swept; /* or DB_NEVER */
	int64_t last_number;
	int64_t retry_at[2];	 /* fetch, store; DB_NEVER: no back-off */
	int failing[2], code[2]; /* code: of what fails */
};

enum step { STEP_FETCH, STEP_STORE };
extern const char *const step_name[2];

/* Has it never run? */
int db_is_new(struct settings *, int64_t transfer, int *is_new);
int db_kind(struct settings *, int64_t transfer, enum settings_data, struct kind_state *);
/* Begin of the oldest session without an end; or DB_NEVER. */
int db_oldest_open(struct settings *, int64_t transfer, int64_t *start);

struct counts {
	int64_t sessions, rows, files, bytes, left_out; /* -1: nobody counted */
	int64_t since, until; /* what was fetched; DB_NEVER: as was asked for */
	int64_t number;	      /* of the file in the spool; or DB_NEVER */
};

/*
 * For whoever has the transfer's lock: what history says is running was
 * killed with the process that ran it.
 */
int db_bury(struct settings *, int64_t transfer);
/* A run of history begins: its number, or -1 after a message. */
int64_t db_begin_run(struct settings *, const struct transfer *, enum settings_data, enum step,
    int64_t now, int64_t since, int64_t until, int sweep);
/*
 * What was counted of a file of the spool when it came: a report, or else
 * records of files.  Nothing is, where nobody counted.
 */
int db_counted(struct settings *, int64_t transfer, enum settings_data, int report, int64_t number,
    struct counts *);
int db_end_run(struct settings *, int64_t run, const struct pipe *, int code, const char *reason,
    const struct counts *);

/*
 * A step failed: back-off from a minute to an hour.  What failed while one
 * lasts, though nobody asked for it, makes that no longer.  A pipe tells more.
 * Or it went well.
 */
int db_failed(struct settings *, int64_t transfer, enum settings_data, enum step, int64_t now,
    int asked, int code, const struct pipe *, const char *reason);
int db_fine(struct settings *, int64_t transfer, enum settings_data, enum step, int64_t now);
/* Something was left out, once: for the next mail only. */
int db_left_out(
    struct settings *, int64_t transfer, enum settings_data, int64_t now, const char *reason);

int db_backlog(struct settings *, int64_t transfer, enum settings_data, const struct backlog *);
int db_stored(struct settings *, int64_t transfer, enum settings_data, int64_t now);

/*
 * Within a transaction of the caller's: what was fetched is safe.  swept:
 * DB_NEVER where this was no look-back.
 */
int db_mark(struct settings *, int64_t transfer, unsigned kinds, int64_t mark, int64_t swept,
    int64_t number);
/* A mark was a mistake: it goes back to this one, and a look-back is due. */
int db_mark_back(struct settings *, int64_t transfer, unsigned kinds, int64_t mark);
/*
 * When the report was asked for that moved the mark to this, by this
 * machine's clock; DB_NEVER where history does not tell.
 */
int db_marked(struct settings *, int64_t transfer, enum settings_data, int64_t mark, int64_t *when);
/* Did the report that was asked for last come? */
int db_reports_come(struct settings *, int64_t transfer, enum settings_data, int *come);
/* A session was seen; end: has it one? */
int db_seen(struct settings *, int64_t transfer, const char *host, int host_n, const char *lsid,
    int lsid_n, int64_t start, int end);
int db_forget_open(struct settings *, int64_t transfer, int64_t before);

/*
 * A statement with its numbers (DB_NEVER is NULL), and its texts (NULL is,
 * too); NULL, after a message, where it cannot be prepared.
 */
sqlite3_stmt *db_prepare(struct settings *, const char *sql, int n, const int64_t *number);
#define DB_PREPARE(s, sql, ...)                                                       \
	db_prepare(s, sql, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
	    (const int64_t[]){__VA_ARGS__})
void db_bind(sqlite3_stmt *, int at, const char *text);
int64_t db_column_time(sqlite3_stmt *, int at);
/* After the last row: 0, or a code after a message. */
int db_finish(struct settings *, sqlite3_stmt *, int rc);

#endif
