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
#include <zlib.h>

#include "answer.h"
#include "buf.h"
#include "host.h"
#include "sha256.h"
#include "when.h"

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
	/* As given; the strings are kept, not copied. */
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
	char *basic;	     /* credentials of the token call, a secret */
	struct token *token; /* credentials.c's */
	long proxy_auth;     /* call.c's: how the proxy is asked */
	int answered;	     /* the host has answered a call */
	uint64_t received;   /* bytes of good answers' bodies */
	int64_t date;	     /* the appliance's clock: its last Date; 0: not known yet */
	int64_t date_at;     /* when_clock() then */
};

/* Check the site, and work out the fields above.  0, or a code after a message. */
int site_check(struct site *);
/* Read the secrets into memory.  0, or a code after a message. */
int site_secrets(struct site *);
void site_free(struct site *);
/* Has this text the form of a session's lsid? */
int site_is_lsid(const char *, size_t n);
#define SITE_LSID "not an lsid: it has letters and digits only, as reports have it"
/* Does this error text mean that the appliance has deleted the recording? */
int site_is_expired(const struct site *, const char *text);

/*
 * cache.c: small files about an account, which all processes of a user share
 * and which may be removed at any time.
 */

/* Open or create a file.  0 and *fd, which is -1 where there is no place for
 * such files; or an exit code after a message. */
int cache_open(const struct site *, const char *what, int *fd);
/* A JSON object, to be freed; empty if the file holds none. */
json_t *cache_read(int fd);
void cache_write(const struct site *, int fd, const json_t *);

/*
 * rate.c: limits the calls a second of an account, over all processes of a user.
 */

/* Milliseconds until the next call may start; 0: it is booked. */
int64_t rate_book(const struct site *);
/* Start no call of this process for so long. */
void rate_hold(int64_t ms);

/*
 * call.c: one HTTPS call, over a connection of its own.
 */

#define CALL_EXCERPT	208 /* bytes of an appliance's text in a message, with NUL */
#define CALL_STOP_AGAIN (-1)

enum call_auth { CALL_OPEN, CALL_BASIC, CALL_BEARER };

enum call_end {
	CALL_DONE,  /* 200 or 206, and the body to its last byte */
	CALL_AGAIN, /* it failed; a later try may succeed */
	CALL_MOVED, /* redirected on this host: start it again, at once */
	CALL_TOKEN, /* 401: start it again with another token */
	CALL_FAILED /* it failed for good */
};

/* The last certificate of a call; all zero: none. */
struct call_certificate {
	int error;	      /* X509_V_ERR_..., or 0 */
	int64_t begins, ends; /* UNIX seconds */
	char issuer[128];
	char names[256]; /* of its subjectAltName; empty: it has none */
};

struct call {
	/* The question.  The strings must outlive the call. */
	struct site *site;
	enum call_auth auth;
	const char *credentials; /* of that kind, a secret; copied by call_start */
	int token_number;	 /* credentials.c's: which token that is */
	int renewed;		 /* tokens of this question that were replaced */
	const char *path;	 /* "/api/reporting" */
	const char *query;	 /* after ?, or NULL */
	const char *body;	 /* sent by POST; NULL for a GET */
	const char *body_type;
	int64_t range;	      /* begin at this byte; 0: no range */
	const char *if_range; /* validator that goes with it */
	int64_t max_time;     /* seconds for all of it */
	uint64_t max_bytes;   /* of the body; 0: no limit */
	/* Called with the header of a 200 or 206 (may be NULL), and for its body (NULL: it is
	 * kept in said).  A result other than 0 ends the call: CALL_STOP_AGAIN with
	 * CALL_AGAIN, an exit code with CALL_FAILED. */
	int (*head)(struct call *);
	int (*take)(struct call *, const char *, size_t);
	/* Called after a whole body (may be NULL): does it refuse the token or the client? */
	int (*denies)(struct call *);
	void *arg;

	/* The answer, valid from its header on. */
	long status;
	int64_t date;				      /* its Date; 0: none */
	int64_t retry_after;			      /* seconds; -1: none */
	int64_t length;				      /* Content-Length; -1: none */
	int64_t range_first, range_total;	      /* Content-Range; -1 */
	int encoded;				      /* Content-Encoding, other than identity */
	int chunked;				      /* Transfer-Encoding, and so no length */
	struct buf type, etag, modified, disposition; /* as they came */
	struct buf said;			      /* the body, without take */
	uint64_t bytes;				      /* of the body, so far */

	/* After call_end. */
	enum call_end end;
	int code;	/* exit code of a failure */
	int slow;	/* a limit of time was exceeded */
	int big;	/* max_bytes was exceeded */
	int torn;	/* done, but perhaps cut: no length, and no end of TLS */
	int told;	/* a message was written */
	struct buf why; /* for the message of a failure */
	struct call_certificate certificate;

	/* The call has ended and waits for call_end. */
	int over;
	CURLcode result;

	/* call.c's own. */
	CURL *easy;
	z_stream unpack;
	int unpacked;	 /* zlib's last result */
	long proxy_auth; /* how its proxy was asked */
	struct curl_slist *headers;
	struct buf url, moved;
	int redirects, stopped, broken, headed;
	struct ssl_ctx_st *context; /* of the appliance's TLS, until call_end */
	int closed;		    /* with close_notify */
	int64_t began, last_at;
	uint64_t last_bytes, trailers;
	char error[CURL_ERROR_SIZE];
};

/* Called several times a second while calls are waited for; may be NULL. */
extern void (*call_idle)(void);

int call_open(struct site *);
void call_close(void);

/* Start a try.  call_drive works on it until c->over; then call_end returns the
 * result. */
void call_start(struct call *);
enum call_end call_end(struct call *);
void call_free(struct call *);

/* Work on all calls, for so many milliseconds at most, or until something
 * happens.  0, or EX_SOFTWARE after a message. */
int call_drive(int64_t ms);
void call_sleep(int64_t ms); /* works on the calls meanwhile */

/* Wait for the rate and run the call; redirects are followed. */
enum call_end call_run(struct call *);

struct retry {
	int tries;
	int64_t since; /* when_clock() of the first failure */
};

/* After a failure: how many milliseconds to wait until the next try, or -1
 * when the time for tries is up. */
int64_t call_retry(struct retry *, const struct call *);

/* Seconds within which the first byte of an answer must come. */
int64_t call_answer_time(const struct site *);
/* The appliance's time now; 0: not known. */
int64_t call_now(const struct site *);
/* A text of the appliance, made harmless and cut for a message. */
const char *call_excerpt(const char *p, size_t n, char out[CALL_EXCERPT]);
/* Write why a call failed; "what" names what was asked for. */
void call_complain(const struct call *, const char *what);

/*
 * progress.c: a line on a terminal with the progress, or with the trouble while a
 * call waits to be tried again.  Without a terminal, trouble is a message after
 * some seconds.  With -v there is neither.
 */

#define PROGRESS_ALL 1000000

/* unit: of the counts ("files").  data: standard output gets data all the time;
 * if it is the terminal, too, there is no line. */
void progress_open(const struct site *, const char *unit, int data);
/* share: the part of all that is done, from 0 to PROGRESS_ALL. */
void progress_at(uint64_t done, uint64_t total, uint64_t share);
void progress_close(void);
/* This call, for "what", has failed and is tried again after a delay (milliseconds). */
void progress_trouble(const struct call *, const char *what, int64_t delay);
/* Wait until this call is to be tried again.  0; -1: the time for tries is up. */
int progress_wait(struct retry *, const struct call *, const char *what);

/*
 * credentials.c: the token, and calls with a token.  An appliance keeps 30 tokens
 * of an account, and a new one replaces the oldest; so all processes of a user
 * share one.
 */

/* Get a token: the cached one if it has not expired.  0; or an exit code after a
 * message. */
int credentials_get(struct site *);
/* Ask for a new token, to try the secret.  Likewise. */
int credentials_new(struct site *);
/* Give a call its token, before each call_start.  Likewise. */
int credentials_sign(struct call *);
/* The token of a call was refused.  0: there is another one.  -1: another one was
 * refused, too, so the account may not have what was asked for; c->why says so.
 * Else there is no token: the exit code, after a message. */
int credentials_renew(struct call *);
/* call_run with a token, and after a 401 once more with a new one. */
enum call_end credentials_run(struct call *);
void credentials_free(struct site *);

/*
 * document.c: a question to the reporting API.  The answer goes into an unlinked
 * temporary file, and is judged before a byte of it is passed on.
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
	DOCUMENT_NOTHING, /* nothing was found */
	DOCUMENT_ERROR,	  /* an error: its text is d->answer.said */
	DOCUMENT_AGAIN,	  /* a later try may succeed: d->call has the reason */
	DOCUMENT_FAILED	  /* it failed for good: d->call has the reason */
};

struct document {
	struct site *site;
	struct call call;
	struct answer answer;
	int fd;
	int64_t took;	     /* milliseconds */
	struct buf body;     /* the question, encoded */
	uint64_t max_bytes;  /* of an answer */
	const char *report;  /* of the last question */
	const char *root;    /* the root that a report must have; NULL: any */
	uint64_t torn_bytes; /* length of the last answer, if it may have been cut */
};

/* 0, or EX_CANTCREAT after a message. */
int document_open(struct document *, struct site *);
void document_close(struct document *);
/* Ask once (a 401 is answered with another token). */
enum document_is document_try(struct document *, const struct question *);
/* As document_try, but do not judge the answer. */
enum call_end document_ask(struct document *, const struct question *);
/* Ask, and try again for as long as that may help.  0 with *is DATA or NOTHING;
 * else the exit code, after a message. */
int document_get(struct document *, const struct question *, enum document_is *is);
/* Write why there is no document. */
void document_complain(const struct document *, enum document_is, const char *what);
/* Does this error text mean "nothing found"?  1 or 0; -1: it cannot be found out
 * now.  d is used to ask, so its answer is lost. */
int document_is_nothing(struct document *d, const struct question *, const char *text);

/*
 * spool.c: the directory for files of the appliance.  The name of a file follows
 * from site, session and kind, so that a whole file is found again.
 *
 *	BASE.flv	whole and synced; it does not change any more
 *	.BASE.part	being fetched, and locked; or kept to be resumed
 *	.praic-fetch-*.tmp	a document being written, and locked; or left by a
 *			killed process
 *
 * A note on each file is an extended attribute, which costs no second file.  On
 * a file system without them, whole files are read and parts are begun anew.  A
 * file is trusted only if this user owns it, no other user may write to it, and
 * it has a single link.
 */

#define SPOOL_NAME	256 /* a name and its NUL */
#define SPOOL_EXTENSION 8

struct spool {
	const char *path;
	int dir;
	int verify;   /* read whole files, to see whether they were changed */
	int unsynced; /* files were renamed since the last sync */
};

/* A whole file, as a file row describes it. */
struct spool_file {
	char name[SPOOL_NAME];
	char extension[SPOOL_EXTENSION];
	struct buf type; /* the Content-Type; may be empty */
	uint64_t bytes;
	char sha256[SHA256_HEX];
	int64_t fetched_at; /* 0: not known */
};

/* A file that is being fetched, and the validators for a resume. */
struct spool_part {
	int fd;	       /* -1: none */
	uint64_t size; /* bytes that are there and can be trusted */
	struct buf etag, modified, type;
	char extension[SPOOL_EXTENSION];
	char sha256[SHA256_HEX]; /* if the part is the whole file; else empty */
	int64_t length;		 /* of the whole file; -1: not known */
	int64_t fetched_at;	 /* the Date of the last answer; or 0 */
};

/* 0, or an exit code after a message. */
int spool_open(struct spool *, const char *path);
void spool_close(struct spool *);
/* The name of a file without its extension.  instance may be NULL.  It is one
 * component of a path, whatever characters host and lsid have, and two files
 * never have the same one. */
void spool_base(char out[SPOOL_NAME], const char *host, const char *lsid, size_t lsid_n,
    const char *kind, const char *instance);
/* Text as part of a name: letters, digits and . stay, the rest is _XX. */
void spool_escape(struct buf *, const char *, size_t, const char *also);
/* Find a whole file.  1 and *f; 0: there is none; after a message -1, or
 * SPOOL_BLOCKED where a directory has the name. */
#define SPOOL_BLOCKED 2
int spool_find(struct spool *, const char *base, struct spool_file *f);
void spool_file_free(struct spool_file *);

/* The functions for parts return 0, or -1 after a message. */
/* Open and lock a part.  1: it is locked already; or SPOOL_BLOCKED. */
int spool_part_open(struct spool *, const char *base, struct spool_part *);
/* Close a part; without keep it is removed. */
void spool_part_close(struct spool *, const char *base, struct spool_part *, int keep);
int spool_part_reset(struct spool *, struct spool_part *);
/* Add the bytes that are there to a hash. */
int spool_part_hash(struct spool *, struct spool_part *, struct sha256 *);
/* Sync the part and write its note, so that it can be resumed even after a power
 * failure. */
int spool_part_note(struct spool *, const char *base, struct spool_part *);
/* The part is the whole file: set its time and write its note. */
int spool_part_seal(struct spool *, struct spool_part *, const struct spool_file *f);
/* Have the kernel begin to write; the sync in spool_part_finish is then shorter. */
void spool_part_write_out(struct spool_part *);
/* Sync the part and give it its final name, which is on disk after spool_sync. */
int spool_part_finish(struct spool *, const char *base, struct spool_part *, struct spool_file *f);
/* Sync the directory.  0, or EX_IOERR after a message. */
int spool_sync(struct spool *);

/* Create a file for a document, under a temporary name.  Its descriptor, or -1
 * after a message. */
int spool_create(struct spool *, char tmp[SPOOL_NAME]);
/* Sync it and give it its final name, in place of an older file.  fd is closed
 * in any case.  0, or EX_IOERR after a message. */
int spool_publish(struct spool *, int fd, const char *tmp, const char *name);
void spool_discard(struct spool *, int fd, const char *tmp);

/*
 * download.c: fetches several files at a time.  A download ends with a whole and
 * synced file under its final name, or with none.  A broken download is resumed
 * if a validator proves that the file is still the same.
 */

#define DOWNLOAD_JOBS  32 /* -j at most */
#define DOWNLOAD_SLOTS (2 * DOWNLOAD_JOBS)

enum download_is {
	DOWNLOAD_WHOLE,	    /* job->file describes it */
	DOWNLOAD_EXPIRED,   /* the appliance has deleted it */
	DOWNLOAD_REFUSED,   /* the appliance answers with an error again and again */
	DOWNLOAD_FORBIDDEN, /* 401, 403, 404, 410: gone, or not for this account */
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
	int scratch;	    /* fetch into part.fd, which the caller opens and closes; no resume */
	enum download_is is;
	int code;
	struct spool_file file;
	struct buf reason; /* why it did not come: the message without the object */

	/* download.c's own. */
	struct downloads *downloads;
	enum job_state state;
	struct buf query, validator;
	struct call call;
	struct answer answer;
	struct spool_part part;
	struct sha256 *hash;
	uint64_t noted;	     /* size of the part at its last note */
	uint64_t furthest;   /* size of the part after the best try */
	uint64_t torn_bytes; /* length of the last answer, if it may have been cut */
	struct retry retry;
	struct buf refusal; /* text of the last error */
	int refusals;	    /* errors in a row with that text */
	int64_t at;	    /* JOB_LOCK, JOB_WAIT, JOB_SYNC: when to go on */
};

struct downloads {
	struct site *site;
	struct spool *spool;
	struct job job[DOWNLOAD_SLOTS];
	int jobs;	     /* -j */
	int64_t last_good;   /* when_clock() of the last whole file */
	uint64_t whole, had; /* files fetched; found in the spool */
	int fatal;	     /* exit code: everything has to end */
	/* The caller's, may be NULL: called several times a second. */
	void (*more)(void *);
	void *more_arg;
	struct buf believed; /* text of an error that refused a file to the end */
};

void downloads_open(struct downloads *, struct site *, struct spool *, int jobs);
/* Downloads under way are given up; parts that can be resumed are kept. */
void downloads_close(struct downloads *);
/* A free slot, or NULL. */
struct job *downloads_slot(struct downloads *);
/* Begin: GET path?query; or, with a body (JSON), POST.  The query is copied, path
 * and body are not. */
void download_begin(struct job *, const char *path, const char *query, const char *body);
/* Work until a job is over, and return it; download_release frees its slot.
 * NULL: no job is under way, or d->fatal is set. */
struct job *downloads_wait(struct downloads *);
void download_release(struct job *);

/*
 * filerow.c: rows of the table file, praic-records(5), "Files".
 */

/* A file that came.  instance may be NULL. */
void filerow_add(struct buf *, const char *kind, const char *instance, const struct spool_file *);
/* A file that did not come; the outcome is "expired", "refused" or "later". */
void filerow_add_outcome(
    struct buf *, const char *kind, const char *instance, const char *outcome, const char *reason);

/*
 * output.c: writes documents to standard output, or with -d into a file of the
 * spool, which gets its name when it is whole.  XML is written in frames; see
 * praic-fetch(1), "Frames".
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
/* End a run that has this exit code.  With 0 the file of the spool gets its name,
 * which is printed.  The code, or a worse one after a message. */
int output_close(struct output *, int code, const char *name);
/* Write a document, in a frame if it is XML. */
int output_document(struct output *, const struct document *);
/* Copy the first so many bytes of a file. */
int output_copy(struct output *, int fd, uint64_t bytes);
/* Write the end mark.  until may be 0: not known. */
int output_end(struct output *, int64_t until);
/* The name of the file for an answer.  "at", its time, is part of the name if the
 * question names no time. */
void output_name(char out[SPOOL_NAME], const struct site *, const struct question *,
    const struct answer *, int64_t at);
/* HOST-sessions-WHAT.xml */
void output_sessions(char out[SPOOL_NAME], const struct site *, const char *what);
/* 20241203T152605Z, at the end of a buffer */
void output_time(struct buf *, int64_t);

/*
 * The verbs.  Each returns an exit code, after a message when it is not 0.
 */

#define FETCH_LSIDS 10000 /* of --lsid */

struct options {
	struct site site;
	const char *since, *until;
	char **lsid; /* owned */
	size_t lsids;
	int raw;
	const char *spool; /* -d, or NULL */
	int jobs;	   /* -j */
	int verify;
	int dry_run; /* check the options only */
	const char *verb;
	char **operand; /* after the verb */
	int operands;
};

int sessions_run(struct options *);
int report_run(struct options *);
int recordings_run(struct options *);
int backup_run(struct options *);
int single_run(struct options *);
int check_run(struct options *);

/* The name of the report for recordings of a kind. */
const char *recordings_report(const struct site *, const char *kind);

#endif
