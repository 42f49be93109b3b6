/*
 * One HTTP call: libcurl set up as praic wants it, and what its end means.
 * A connection for each call, HTTPS only, verified always, redirects only to
 * the same host.  Nothing here knows what a report is.
 */
#ifndef PRAIC_FETCH_CALL_H
#define PRAIC_FETCH_CALL_H

#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "buf.h"
#include "site.h"

/* How a proxy is asked first. */
#define CALL_PROXY_AUTH ((long)CURLAUTH_BASIC | (long)CURLAUTH_DIGEST)
#define CALL_EXCERPT	208 /* of what an appliance says, for a message; and its NUL */

enum call_auth { CALL_OPEN, CALL_BASIC, CALL_BEARER };

/* The certificate that was seen last in this call; all zero: none. */
struct call_certificate {
	int error;	      /* X509_V_ERR_..., or 0 */
	int64_t begins, ends; /* UNIX seconds */
	char issuer[128];
	char names[256]; /* of its subjectAltName; empty: it has none */
};

/* What a call has come to. */
enum call_end {
	CALL_DONE,  /* 200 or 206, and the body to its last byte */
	CALL_AGAIN, /* it may go better later */
	CALL_MOVED, /* redirected on this host: start it again, at once */
	CALL_TOKEN, /* 401: start it again with another token */
	CALL_FAILED /* it would not go better */
};

struct call {
	/* The question; what is pointed to outlives the call. */
	struct site *site;
	enum call_auth auth;
	const char *credentials; /* of that kind; a secret, copied by call_start */
	int token_number;	 /* credentials.c's: which token that is */
	const char *path;	 /* "/api/reporting" */
	const char *query;	 /* after ?, or NULL */
	const char *body;	 /* sent by POST; NULL for a GET */
	const char *body_type;
	int64_t range;	      /* begin at this byte; 0: no range */
	const char *if_range; /* validator that goes with it */
	int64_t max_time;     /* seconds for all of it */
	uint64_t max_bytes;   /* of the body; 0: no limit */
	/*
	 * The header of a 200 or 206 is here (may be NULL), then its body.
	 * Another value than 0 ends the call: CALL_FAILED with this as code,
	 * or CALL_AGAIN when it is CALL_STOP_AGAIN.
	 */
	int (*head)(struct call *);
	int (*take)(struct call *, const char *, size_t);
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
	int torn;	/* done, but it may have been cut: it had no length,
					 * and the connection no proper end */
	struct buf why; /* for a message */

	/* It has ended, so, and waits for call_end. */
	int over;
	CURLcode result;

	/* call.c's own. */
	CURL *easy;
	struct curl_slist *headers;
	struct buf url, moved, location, said;
	int redirects, stopped, told, broken, headed;
	struct call_certificate certificate;
	struct ssl_ctx_st *context; /* of the appliance's TLS, until call_end */
	int64_t began, last, last_at;
	uint64_t last_bytes;
	char error[CURL_ERROR_SIZE];
};

#define CALL_STOP_AGAIN (-1)

/* Called now and then while something is waited for, if it is not NULL. */
extern void (*call_idle)(void);

/* Milliseconds of a clock that never jumps. */
int64_t call_clock(void);

/* Both to be called once; call_close gives back what calls of a site share. */
int call_open(struct site *);
void call_close(struct site *);

void call_free(struct call *);

/*
 * Start another try.  It goes on whenever call_drive is called, beside the
 * other calls of its site, until c->over; then call_end says what has come
 * of it.
 */
void call_start(struct call *);
enum call_end call_end(struct call *);

/*
 * Let all calls of a site go on, and wait for something to happen, for so
 * many milliseconds at most.  0, or EX_SOFTWARE after a message.
 */
int call_drive(struct site *, int64_t ms);
/*
 * How long, in milliseconds, until the next call may start; 0 books it.
 * After a Retry-After nobody calls before its time.
 */
int64_t call_pace(struct site *);

/* Tries of one thing, until the site's time for that is used up. */
struct retry {
	int tries;
	int64_t since; /* call_clock() of the first failure */
};

/*
 * After a failure: how many milliseconds to wait until the next try, or -1
 * when the time for tries is up.  Doubles, with full jitter; never less
 * than the Retry-After of c.
 */
int64_t call_retry(struct retry *, const struct call *);

/* Wait for the pace and run the call; redirects are followed. */
enum call_end call_run(struct call *);
/* Seconds until the first byte of an answer must be there. */
int64_t call_answer_time(const struct site *);
/* Wait; the other calls of the site go on meanwhile. */
void call_sleep(struct site *, int64_t ms);

static inline int
call_is_good(const struct call *c)
{
	return c->status == 200 || c->status == 206 ||
	    (c->status == 201 && c->auth == CALL_BASIC); /* a token was made */
}

/* Not there, or not for this account: an appliance says the same to both. */
static inline int
call_is_refused(const struct call *c)
{
	return c->status == 403 || c->status == 404 || c->status == 410;
}

/* The appliance's time now; 0 when it never told. */
int64_t call_now(const struct site *);

/* Something the appliance said, cut to fit into a message, blanks drawn together. */
const char *call_excerpt(const char *p, size_t n, char out[CALL_EXCERPT]);

/* Say why a call was given up; "what" is what was asked for. */
void call_complain(const struct call *, const char *what);

#endif
