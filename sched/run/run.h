/*
 * praic-run: main.c the options, the job, its lock and what is noted of a
 * step; pipe.c filters as processes; spool.c the spool; fetch.c, file.c and
 * store.c the steps.
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
	int64_t job, site, transfer, destination, before; /* before: next, at the start */
	int64_t last, position, fixed_now, started;
	char *step, *data, *name, *site_name, *destination_name;
	int kind;		  /* of the destination, SETTINGS_SQL ... */
	char *spool, *dir, *logs; /* SPOOL, SPOOL/SITEID, the log-directory or NULL */
	int lock, command_lock;	  /* what a command leaves behind does not hold them */
	int dry;		  /* -n */

	/* how the step ended, for job_end */
	int code;
	int failed; /* it is to be tried again */
	char *program, *reason;
	int64_t sessions, rows, files, bytes, left_out;
};

/* By this machine's clock, or --now. */
int64_t run_now(const struct run *);
/* Note why the step fails; the worst counts.  Returns the code. */
int run_fail(struct run *, int code, const char *program, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The step has not failed, after all, and has no reason. */
void run_clear(struct run *);
char *run_path(const struct run *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* db_end; a failure is the step's.  0, or a code. */
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
	const char *in, *out; /* files, or NULL; out is kept open: fd */
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
 * Run it, or with -n print it.  The code; what was written is on disk if it is
 * 0 or EX_DATAERR, and any other is noted as the step's.
 */
int pipe_run(struct pipe *);
void pipe_free(struct pipe *);

/* spool.c */
int spool_open(struct run *);
int spool_room(struct run *, int files);
int spool_hash(const char *path, int64_t *bytes, char hex[65]);
/* tmp, synced, becomes path. */
int spool_publish(struct run *, const char *tmp, const char *path);
/* Link a file into failed/. */
int spool_keep(struct run *, const char *path, const char *name);
/* Under the lock of the fetch job: remove what no log row names. */
void spool_clean_log(struct run *, const char *data);
/* Log rows that all readers are past, then their files. */
void spool_trim(struct run *, const char *data);
/* Recordings that nothing names. */
void spool_clean_files(struct run *);
/*
 * Note what the list of --left-out names, within a transaction.  How many of
 * them are new.  owed: recordings that are missing in the spool are owed again.
 */
int spool_left_out(struct run *, const char *list, const char *program, int owed);
/* A file of the log is not what its log row says. */
void spool_damaged(struct run *, int64_t number, const char *why);

/* Remove all files of a folder. */
void spool_empty(struct run *, const char *folder);

/*
 * file.c.  Copy a stream of files, with the file rows that are to be kept; 0,
 * or a code that is noted.
 */
struct rec_reader;
int files_copy(struct run *, const char *from, const char *to,
    int (*keep)(void *, const struct rec_reader *), void *);
/* Owed recordings that are too old, by the appliance's clock, are lost. */
void fetch_lost(struct run *, int64_t clock);

/* fetch.c, file.c, store.c: the steps.  Their outcome is in the run. */
void fetch_sessions(struct run *);
void fetch_files(struct run *);
void store_log(struct run *);
void store_backup(struct run *);

#endif
