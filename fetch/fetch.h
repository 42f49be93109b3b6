/*
 * praic-fetch.  Calls go one way: main.c, a verb (sessions, report,
 * recordings, single, check), a question (document, download), credentials,
 * call, libcurl.
 */
#ifndef PRAIC_FETCH_H
#define PRAIC_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>
#include <jansson.h>

#include "answer.h"
#include "buf.h"
#include "host.h"
#include "sha256.h"

/*
 * site.c: one appliance, the account to ask it with, and how to reach it.
 * Options and the settings database fill it: see main.c.
 */

#define SITE_TEXTS 64 /* of --nothing and --expired, each */

struct site_texts {
	const char *text[SITE_TEXTS];
	size_t n;
};

struct site {
	/* As they were given; kept, not copied. */
	const char *host;	/* may have a port */
	const char *name_given; /* --name, or NULL */
	const char *client_id;
	const char *secret_ref;
	const char *ca_file; /* NULL: the system's authorities */
	const char *pin;     /* sha256//...[;sha256//...] */
	const char *cert, *key, *key_password_ref;
	const char *proxy;	    /* NULL: the environment's; "": none */
	const char *proxy_user_ref; /* to "user:password" */
	const char *backup_password_ref;
	const char *product, *rate_given, *timeout_given;
	struct site_texts nothing, expired;

	/* Worked out by site_check and later. */
	int rs;		      /* Remote Support: its report names */
	int64_t rate;	      /* requests a second; 0: no limit */
	int64_t timeout;      /* seconds: for an answer, and for tries after a failure */
	char name[HOST_SIZE]; /* as the records have it */
	char *url;	      /* https://host:port, no final slash */
	char *secret, *key_password, *proxy_user, *backup_password;
	char *basic;	     /* of the token call; a secret, too */
	struct token *token; /* credentials.c's */
	long proxy_auth;     /* call.c's: how the proxy is asked */
	int answered;	     /* the appliance has, with whatever */
	uint64_t received;   /* bytes of good answers' bodies */
	int64_t date;	     /* the appliance's clock: its last Date; 0: not known yet */
	int64_t date_at;     /* call_clock() then */
};

/* Is it complete and sound?  0, or a code after a message. */
int site_check(struct site *);
/* Read what is secret: into memory, and only there. */
int site_secrets(struct site *);
void site_free(struct site *);
/* Has this text the form of a session's lsid? */
int site_is_lsid(const char *, size_t n);
#define SITE_LSID "an lsid is 32 hexadecimal digits, as reports have it"
/* Does the appliance say with this text that it has deleted a recording? */
int site_is_expired(const struct site *, const char *text);

/*
 * cache.c: small files about an account, which all processes of a user share.
 * They may be removed at any time.
 */

/* Open, or make, the file of that name.  0 and *fd, which is -1 where there is
 * no place for such files; or an exit code after a message. */
int cache_open(const struct site *, const char *what, int *fd);
/* An object, to be freed; empty where there is nothing good. */
json_t *cache_read(int fd);
void cache_write(const struct site *, int fd, const json_t *);

/*
 * rate.c: not more calls a second than an account is allowed, over all
 * processes of a user.
 */

/* How long, in milliseconds, until the next call may start; 0 books it. */
int64_t rate_book(const struct site *);
/* No call of this process for so long. */
void rate_hold(int64_t ms);

/*
 * call.c: one HTTP call.  A connection for each call, HTTPS only, verified
 * always.  Nothing there knows what a report is.
 */

#define CALL_EXCERPT	208 /* of what an appliance says, for a message; and its NUL */
#define CALL_STOP_AGAIN (-1)

enum call_auth { CALL_OPEN, CALL_BASIC, CALL_BEARER };

enum call_end {
	CALL_DONE,  /* 200 or 206, and the body to its last byte */
	CALL_AGAIN, /* it may go better later */
	CALL_MOVED, /* redirected on this host: start it again, at once */
	CALL_TOKEN, /* 401: start it again with another token */
	CALL_FAILED /* it would not go better */
};

/* The certificate that was seen last in a call; all zero: none. */
struct call_certificate {
	int error;	      /* X509_V_ERR_..., or 0 */
	int64_t begins, ends; /* UNIX seconds */
	char issuer[128];
	char names[256]; /* of its subjectAltName; empty: it has none */
};

struct call {
	/* The question; what is pointed to outlives the call. */
	struct site *site;
	enum call_auth auth;
	const char *credentials; /* of that kind; a secret, copied by call_start */
	int token_number;	 /* credentials.c's: which token that is */
	int renewed;		 /* so often was the token of this question replaced */
	const char *path;	 /* "/api/reporting" */
	const char *query;	 /* after ?, or NULL */
	const char *body;	 /* sent by POST; NULL for a GET */
	const char *body_type;
	int64_t range;	      /* begin at this byte; 0: no range */
	const char *if_range; /* validator that goes with it */
	int64_t max_time;     /* seconds for all of it */
	uint64_t max_bytes;   /* of the body; 0: no limit */
	/* The header of a 200 or 206 is here (may be NULL), then its body.
	 * Another value than 0 ends the call: CALL_FAILED with this as code,
	 * or CALL_AGAIN when it is CALL_STOP_AGAIN. */
	int (*head)(struct call *);
	int (*take)(struct call *, const char *, size_t);
	/* The body is whole (may be NULL).  Does it say that the token is no good? */
	int (*denies)(struct call *);
	void *arg;

	/* The answer, valid once its header is here. */
	long status;
	int64_t date;				      /* its Date; 0: none */
	int64_t retry_after;			      /* seconds; -1: not said */
	int64_t length;				      /* Content-Length; -1: not said */
	int64_t range_first, range_total;	      /* Content-Range; -1 */
	int encoded;				      /* Content-Encoding, other than identity */
	int chunked;				      /* Transfer-Encoding, and so no length */
	struct buf type, etag, modified, disposition; /* as they came */
	uint64_t bytes;				      /* of the body, so far */

	/* After call_end. */
	enum call_end end;
	int code;	/* exit code, if it is given up */
	int slow;	/* a limit of time was met */
	int big;	/* max_bytes was met */
	int torn;	/* done, but perhaps cut: no length, and no proper end of TLS */
	int told;	/* a message says why */
	struct buf why; /* for a message */
	struct call_certificate certificate;

	/* It has ended, so, and waits for call_end. */
	int over;
	CURLcode result;

	/* call.c's own. */
	CURL *easy;
	long proxy_auth; /* how its proxy was asked */
	struct curl_slist *headers;
	struct buf url, moved, said;
	int redirects, stopped, broken, headed;
	struct ssl_ctx_st *context; /* of the appliance's TLS, until call_end */
	int closed;		    /* with close_notify */
	int64_t began, last_at;
	uint64_t last_bytes;
	char error[CURL_ERROR_SIZE];
};

/* Called now and then while something is waited for, if it is not NULL. */
extern void (*call_idle)(void);

int64_t call_clock(void); /* milliseconds of a clock that never jumps */

int call_open(struct site *);
void call_close(void);

/* Start another try.  It goes on whenever call_drive is called, until c->over;
 * then call_end says what has come of it. */
void call_start(struct call *);
enum call_end call_end(struct call *);
void call_free(struct call *);

/* Let all calls go on, for so many milliseconds at most, or until something
 * happens.  0, or EX_SOFTWARE after a message. */
int call_drive(int64_t ms);
void call_sleep(int64_t ms); /* the calls go on meanwhile */

/* Wait for the rate and run the call; redirects are followed. */
enum call_end call_run(struct call *);

struct retry {
	int tries;
	int64_t since; /* call_clock() of the first failure */
};

/* After a failure: how many milliseconds to wait until the next try, or -1
 * when the time for tries is up. */
int64_t call_retry(struct retry *, const struct call *);

/* Seconds until the first byte of an answer must be there. */
int64_t call_answer_time(const struct site *);
/* The appliance's time now; 0 when it never told. */
int64_t call_now(const struct site *);
/* Something the appliance said, cut to fit into a message. */
const char *call_excerpt(const char *p, size_t n, char out[CALL_EXCERPT]);
/* Say why a call was given up; "what" is what was asked for. */
void call_complain(const struct call *, const char *what);

/*
 * progress.c: one line on a terminal that says how far it is, and what is
 * wrong while it waits to try again.  Without a terminal the latter is a
 * message, after some seconds.  With -v there is neither.
 */

#define PROGRESS_ALL 1000000

/* unit: what is counted ("files").  data: standard output has them all the
 * time, and if that is the terminal, too, they go first. */
void progress_open(const struct site *, const char *unit, int data);
/* share: how much of all is done, of PROGRESS_ALL. */
void progress_at(uint64_t done, uint64_t total, uint64_t share);
void progress_close(void);
/* This call, for "what", has failed, and is tried again in so many milliseconds. */
void progress_trouble(const struct call *, const char *what, int64_t delay);

/*
 * credentials.c: the token, and each call that needs one.  An appliance knows
 * 30 tokens of an account and forgets the oldest for a new one, so all
 * processes of a user share one.
 */

/* Have a token that ought to be valid.  0; or an exit code after a message. */
int credentials_get(struct site *);
/* A new one in any case: to see whether one can be had. */
int credentials_new(struct site *);
/* Before each call_start with a token.  0; or a code after a message. */
int credentials_sign(struct call *);
/* The token of a call was refused.  0: there is another one.  -1: another one was
 * refused, too, and c->why says so: the account may not have what was asked for.
 * Else there is no token: the exit code, after a message. */
int credentials_renew(struct call *);
/* call_run, with a token and, after a 401, once more with a new one. */
enum call_end credentials_run(struct call *);
void credentials_free(struct site *);

/*
 * document.c: a question to the reporting API, and its answer as a whole
 * document in an unlinked temporary file, judged before a byte of it is passed
 * on.
 */

#define QUESTION_PARAMS 32

struct question {
	const char *report; /* the API's name of it */
	struct {
		const char *name, *value; /* not owned */
	} param[QUESTION_PARAMS];
	size_t n;
};

/* 0, or -1 when there are too many. */
int question_add(struct question *, const char *name, const char *value);
/* name=value&..., percent-encoded, at the end of a buffer. */
void question_encode(struct buf *, const struct question *);

enum document_is {
	DOCUMENT_DATA,
	DOCUMENT_NOTHING, /* the appliance says that there is nothing */
	DOCUMENT_ERROR,	  /* it says something else, in d->answer.said */
	DOCUMENT_AGAIN,	  /* d->call says why, and whether it was slow */
	DOCUMENT_FAILED	  /* for good: d->call.code */
};

struct document {
	struct site *site;
	struct call call;
	struct answer answer;
	int fd;
	int64_t took;	     /* milliseconds */
	struct buf body;     /* the question, encoded */
	uint64_t max_bytes;  /* of an answer */
	const char *report;  /* that was asked for last */
	const char *root;    /* the only root that will do, or NULL: any */
	uint64_t torn_bytes; /* of the last answer that may have been cut */
};

/* 0, or EX_CANTCREAT after a message. */
int document_open(struct document *, struct site *);
void document_close(struct document *);
/* Ask once (a 401 is answered with another token). */
enum document_is document_try(struct document *, const struct question *);
/* As that, but without a judgement of what came. */
enum call_end document_ask(struct document *, const struct question *);
/* Ask, and again while that may help.  0 with *is DATA or NOTHING; else the
 * exit code, after a message. */
int document_get(struct document *, const struct question *, enum document_is *is);
/* Say what became of a question. */
void document_complain(const struct document *, enum document_is, const char *what);
/* Does this text mean "nothing found"?  1 or 0; -1 when it could not be found
 * out now.  d is used to ask, so its answer is lost. */
int document_is_nothing(struct document *d, const struct question *, const char *text);

/*
 * spool.c: a directory that files from the appliance come into, each under a
 * name that is fixed by what it is, so that what is there whole is known.
 *
 *	BASE.flv	whole, synced, checked: it never changes again
 *	.BASE.part	being fetched; locked by who does it; kept for a resume
 *	.praic-fetch-*.tmp	a document on its way; locked, else rubbish
 *
 * What is known of a file stands in an extended attribute of its own, so that
 * one file costs one file.  Where the file system has none, a whole file is
 * read to know it, and a part is begun anew.  A file is trusted only if this
 * user owns it, no other user may write to it, and it has one name.
 */

#define SPOOL_NAME	256 /* a name and its NUL */
#define SPOOL_EXTENSION 8

struct spool {
	const char *path;
	int dir;
	int verify;   /* read what is there whole, and fetch it again where it was changed */
	int unsynced; /* names were given since the last sync */
};

/* A whole file, as a row of records has it. */
struct spool_file {
	char name[SPOOL_NAME];
	char extension[SPOOL_EXTENSION];
	struct buf type; /* Content-Type as it came; may be empty */
	uint64_t bytes;
	char sha256[SHA256_HEX];
	int64_t fetched_at; /* 0: not known */
};

/* A file that is on its way, and how to see that its first part still fits. */
struct spool_part {
	int fd;	       /* -1: none */
	uint64_t size; /* bytes that can be trusted */
	struct buf etag, modified, type;
	char extension[SPOOL_EXTENSION];
	char sha256[SHA256_HEX]; /* of the whole, if all of it is here; else empty */
	int64_t length;		 /* of the whole; -1: not known */
	int64_t fetched_at;	 /* the appliance's time of its last answer; or 0 */
};

/* 0, or an exit code after a message. */
int spool_open(struct spool *, const char *path);
void spool_close(struct spool *);
/* The name of a thing without its extension.  instance may be NULL.  Whatever
 * host and lsid hold, it is one harmless component, and two things never share
 * one. */
void spool_base(char out[SPOOL_NAME], const char *host, const char *lsid, size_t lsid_n,
    const char *kind, const char *instance);
/* Text as part of a name: letters, digits and . stay, the rest is _XX. */
void spool_escape(struct buf *, const char *, size_t, const char *also);
/* Is it there whole?  1 and *f; 0; after a message -1, or SPOOL_BLOCKED where a
 * directory has the name. */
#define SPOOL_BLOCKED 2
int spool_find(struct spool *, const char *base, struct spool_file *f);
void spool_file_free(struct spool_file *);

/* Those without another word return 0, or -1 after a message. */
/* Open the part of a thing, locked.  1 when another process has it; or SPOOL_BLOCKED. */
int spool_part_open(struct spool *, const char *base, struct spool_part *);
/* Let go of it; keep: it can be resumed. */
void spool_part_close(struct spool *, const char *base, struct spool_part *, int keep);
int spool_part_reset(struct spool *, struct spool_part *);
/* Read what is there of it. */
int spool_part_hash(struct spool *, struct spool_part *, struct sha256 *);
/* Make what is there durable and note it, so that it can be resumed even after
 * a power failure. */
int spool_part_note(struct spool *, const char *base, struct spool_part *);
/* The part is the whole: its time is set and its note written. */
int spool_part_seal(struct spool *, struct spool_part *, const struct spool_file *f);
/* Begin to write it out; spool_part_finish then has less to wait for. */
void spool_part_write_out(struct spool_part *);
/* Sync the part and give it its name, which is durable only after spool_sync. */
int spool_part_finish(struct spool *, const char *base, struct spool_part *, struct spool_file *f);
/* The names given so far are durable.  0, or EX_IOERR after a message. */
int spool_sync(struct spool *);

/* A new file for a document, and its temporary name. */
int spool_create(struct spool *, char tmp[SPOOL_NAME]);
/* Its final name, durable; an older one of that name is replaced.  fd is closed
 * in any case.  0, or EX_IOERR after a message. */
int spool_publish(struct spool *, int fd, const char *tmp, const char *name);
void spool_discard(struct spool *, int fd, const char *tmp);

/*
 * download.c: files from the appliance, several side by side.  A download ends
 * in a whole, typed, synced file under its final name, or in none; what a
 * break leaves is resumed where that is provably right.
 */

#define DOWNLOAD_JOBS  32 /* -j at most */
#define DOWNLOAD_SLOTS (2 * DOWNLOAD_JOBS)

enum download_is {
	DOWNLOAD_WHOLE,	    /* job->file says what it is */
	DOWNLOAD_EXPIRED,   /* the appliance has deleted it */
	DOWNLOAD_REFUSED,   /* the appliance says no to it, and repeats that */
	DOWNLOAD_FORBIDDEN, /* it is not there, or the account may not have it */
	DOWNLOAD_BUSY,	    /* another process is fetching it */
	DOWNLOAD_FAILED	    /* job->code */
};

/* JOB_SYNC: whole, and waits to be synced; JOB_BATCH: its batch is being synced */
enum job_state { JOB_FREE, JOB_LOCK, JOB_READY, JOB_RUN, JOB_WAIT, JOB_SYNC, JOB_BATCH, JOB_OVER };

struct job {
	char base[SPOOL_NAME];
	char what[160];	    /* for messages */
	void *owner;	    /* the caller's */
	size_t item;	    /* the caller's */
	const char *report; /* of a recording, a constant; NULL: a backup */
	int scratch; /* into part.fd, which the caller has opened and closes: no name, no resume */
	enum download_is is;
	int code;
	struct spool_file file;
	struct buf reason; /* why it did not come: the message, without its beginning */

	/* download.c's own */
	struct downloads *downloads;
	enum job_state state;
	struct buf query, validator;
	struct call call;
	struct answer answer;
	struct spool_part part;
	struct sha256 *hash;
	uint64_t noted;
	uint64_t furthest;   /* that any try came to */
	uint64_t torn_bytes; /* of the last try, if it may have been cut */
	struct retry retry;
	struct buf refusal; /* what the appliance said in its stead */
	int refusals;	    /* so often in a row, and nothing else */
	int64_t at;	    /* JOB_LOCK, JOB_WAIT, JOB_SYNC: when to go on */
};

struct downloads {
	struct site *site;
	struct spool *spool;
	struct job job[DOWNLOAD_SLOTS];
	int jobs;	     /* -j */
	int64_t last_good;   /* call_clock() of the last file that came whole */
	uint64_t whole, had; /* files fetched; found */
	int fatal;	     /* exit code: no use in going on */
	/* The caller's, may be NULL: called when a slot may be free. */
	void (*more)(void *);
	void *more_arg;
	struct buf believed; /* what was repeated to the end in the place of a file */
};

void downloads_open(struct downloads *, struct site *, struct spool *, int jobs);
/* What is under way is given up, and kept where it can be resumed. */
void downloads_close(struct downloads *);
/* A free slot, or NULL. */
struct job *downloads_slot(struct downloads *);
/* Fetch into it: GET path?query, or POST path with a JSON body, if there is
 * one.  The query is copied, path and body are not. */
void download_begin(struct job *, const char *path, const char *query, const char *body);
/* Work until a job is over: that one, to be given back by download_release.
 * NULL when none is under way, or d->fatal was set. */
struct job *downloads_wait(struct downloads *);
void download_release(struct job *);

/*
 * filerow.c: rows of the table file, praic-records(5), "Files".
 */

/* instance may be NULL. */
void filerow_add(struct buf *, const char *kind, const char *instance, const struct spool_file *);
/* It did not come: outcome is "expired", "refused" or "later". */
void filerow_add_outcome(
    struct buf *, const char *kind, const char *instance, const char *outcome, const char *reason);

/*
 * output.c: where documents go, to standard output, or with -d into a file of
 * the spool, which has its name only when all of it is there.  XML goes in
 * frames; praic-fetch(1), "Frames".
 */

struct output {
	struct site *site;
	struct spool spool;
	int spooled;
	char tmp[SPOOL_NAME];
	int fd;
	const char *name; /* for messages */
	int raw;	  /* no mark lines */
	uint64_t documents;
	char *buffer;
};

/* spool may be NULL.  0, or an exit code after a message. */
int output_open(struct output *, struct site *, const char *spool, int raw);
/* The end of a run with this code: 0 gives the file of the spool its name and
 * prints it.  The code, or that of what went wrong. */
int output_close(struct output *, int code, const char *name);
/* A document as it came; in a frame if it is XML. */
int output_document(struct output *, const struct document *);
/* The first so many bytes of a file. */
int output_copy(struct output *, int fd, uint64_t bytes);
/* Everything that was asked for is there, up to this time (0: not known). */
int output_end(struct output *, int64_t until);
/* The name of a question's answer; "at" is when, for one that names no time. */
void output_name(char out[SPOOL_NAME], const struct site *, const struct question *,
    const struct answer *, int64_t at);
/* HOST-sessions-WHAT.xml */
void output_sessions(char out[SPOOL_NAME], const struct site *, const char *what);
/* 20241203T152605Z, at the end of a buffer */
void output_time(struct buf *, int64_t);

/*
 * The verbs: main.c has the list.  Each returns an exit code, after a message when it is not 0.
 */

#define FETCH_LSIDS 10000 /* --lsid's, counted singly */

struct options {
	struct site site;
	const char *since, *until;
	char **lsid; /* owned; no commas in them */
	size_t lsids;
	int raw;
	const char *spool; /* -d, or NULL */
	int jobs;	   /* -j */
	int verify;
	int dry_run; /* look at the options only */
	const char *verb;
	char **operand; /* behind it */
	int operands;
};

int sessions_run(struct options *);
int report_run(struct options *);
int recordings_run(struct options *);
int backup_run(struct options *);
int single_run(struct options *);
int check_run(struct options *);

/* The report that recordings of a kind come by. */
const char *recordings_report(const struct site *, const char *kind);

#endif
