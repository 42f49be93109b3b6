/*
 * A question to the reporting API, and its answer as a whole document in an
 * unlinked temporary file: judged before a byte of it is passed on.
 */
#ifndef PRAIC_FETCH_DOCUMENT_H
#define PRAIC_FETCH_DOCUMENT_H

#include "answer.h"
#include "call.h"
#include "site.h"

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
	const char *report;  /* that was asked for last */
	const char *root;    /* the only root that will do, or NULL: any */
	const char *only;    /* the only session that will do, or NULL: any */
	uint64_t torn_bytes; /* of the last answer that may have been cut */
};

/* 0, or EX_CANTCREAT after a message. */
int document_open(struct document *, struct site *);
void document_close(struct document *);

/* Ask once (a 401 is answered with another token). */
enum document_is document_try(struct document *, const struct question *);

/* As that, but without a judgement of what came. */
enum call_end document_ask(struct document *, const struct question *);

/*
 * Ask, and again while that may help.  0 with *is DATA or NOTHING; else the
 * exit code, after a message.
 */
int document_get(struct document *, const struct question *, enum document_is *is);

/* Say what became of a question; for results that document_get complains of. */
void document_complain(const struct document *, enum document_is, const char *what);

/*
 * Does this text mean "nothing found"?  1 or 0; -1 when it could not be
 * found out now.  d is used to ask, so its answer is lost.
 */
int document_is_nothing(struct document *d, const struct question *, const char *text);

#endif
