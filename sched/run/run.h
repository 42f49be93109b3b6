/*
 * praic-run: main.c has the options, the job, its lock and its result; pipe.c the
 * filters as processes; spool.c the spool; fetch.c, file.c and store.c the steps.
 */
#ifndef PRAIC_RUN_H
#define PRAIC_RUN_H

#include <signal.h>
#include <stdint.h>

#include "buf.h"
#include "frame.h"
#include "settings.h"

#define DAY 86400

struct run {
	struct settings *db;
	int64_t job, site, transfer, destination, before; /* before: next at the start */
	int64_t last, position, fixed_now, started;
	char *step, *data, *name, *site_name, *destination_name;
	int kind;		  /* of the destination, SETTINGS_SQL ... */
	char *spool, *dir, *logs; /* SPOOL, SPOOL/SITEID, the log-directory or NULL */
	int lock, command_lock;	  /* closed in the process of a command */
	int dry;		  /* -n; 2: a command was printed */

	/* the result of the step, for job_end */
	int code;
	int failed; /* try it again */
	char *program, *reason;
	int64_t sessions, rows, files, bytes, left_out;
};

/* By this machine's clock, or --now. */
int64_t run_now(const struct run *);
/* Note why the step fails; the first failure counts.  Returns its code. */
int run_fail(struct run *, int code, const char *program, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Forget a failure and its reason. */
void run_clear(struct run *);
char *run_path(const struct run *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Commit; a failure is the step's.  0, or a code. */
int run_commit(struct run *);

/* pipe.c */
#define PIPE_STAGES 3
#define PIPE_ARGS   24

struct stage {
	char *argv[PIPE_ARGS];
	int args, is_command;
	int pid, fd, code, signal;
	struct buf line, last; /* of standard error */
};

struct pipe {
	struct run *run;
	struct stage stage[PIPE_STAGES];
	int stages;
	const char *in, *out; /* files, or NULL; fd is open on out */
	int fd;
	int64_t limit; /* seconds */
	/* of standard output, without out */
	int heard;
	struct buf line, first;
	int64_t lines;
	/* afterwards */
	int code;
	struct stage *blame;
};

/* The signal that told praic-run to stop, or 0. */
extern volatile sig_atomic_t pipe_stop;
void pipe_signals(void);

void pipe_init(struct pipe *, struct run *, const char *in, const char *out);
struct stage *pipe_stage(struct pipe *, const char *program, ...) __attribute__((sentinel));
void pipe_add(struct stage *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Run it, or print it with -n.  With 0 and EX_DATAERR, the file out is synced; any
 * other code is noted as the step's.
 */
int pipe_run(struct pipe *);
void pipe_free(struct pipe *);

/* spool.c */
int spool_open(struct run *);
int spool_room(struct run *, int files);
int spool_hash(const char *path, int64_t *bytes, char hex[65]);
/* Rename tmp, which is synced, to path. */
int spool_publish(struct run *, const char *tmp, const char *path);
/* Link a file into failed/. */
int spool_keep(struct run *, const char *path, const char *name);
/* Under the lock of the fetch job: remove files without a log row. */
void spool_clean_log(struct run *, const char *data);
/* Remove the log rows that all readers are past, then their files. */
void spool_trim(struct run *, const char *data);
/* Remove recordings that no file of records names. */
void spool_clean_files(struct run *);
/*
 * Within a transaction, note what a list of --left-out names.  Returns the number of
 * new entries.  owed: recordings that are missing in the spool are owed again.
 */
int spool_left_out(struct run *, const char *list, const char *program, int owed);
/* A file of the log differs from its log row: report it, and have it fetched again. */
void spool_damaged(struct run *, int64_t number, const char *why);

/* Remove all files of a folder. */
void spool_empty(struct run *, const char *folder);

/* file.c.  Copy a stream of files, with the file rows that keep() accepts.  0, or a
 * code that is noted. */
struct rec_reader;
int files_copy(struct run *, const char *from, const char *to,
    int (*keep)(void *, const struct rec_reader *), void *);
/* Owed recordings that the appliance cannot have any more, by its clock, are lost. */
void fetch_lost(struct run *, int64_t clock);

/* fetch.c, file.c, store.c: the steps.  Their result is in the run. */
void fetch_sessions(struct run *);
void fetch_files(struct run *);
void store_log(struct run *);
void store_backup(struct run *);

#endif
