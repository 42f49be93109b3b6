/*
 * The kind of an answer, by its first and last bytes: a report, an <error>,
 * JSON, a web page, a video.  XML is not parsed here, which is praic-split's
 * work: the middle of a document need not be well-formed.
 */
#ifndef PRAIC_FETCH_ANSWER_H
#define PRAIC_FETCH_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum answer_kind {
	ANSWER_EMPTY, /* no byte, or blanks only */
	ANSWER_XML,
	ANSWER_HTML,
	ANSWER_JSON,
	ANSWER_TEXT,  /* none of these, but text */
	ANSWER_BINARY /* extension says of what sort */
};

#define ANSWER_NAME 64	 /* of an element; a longer one is cut */
#define ANSWER_SAID 4096 /* of an error's text */
#define ANSWER_HEAD ((size_t)64 * 1024)

struct answer {
	enum answer_kind kind;
	int known; /* it is settled, before the end too */
	/* of ANSWER_BINARY: "flv", "mp4", ..., "bin"; of others NULL */
	const char *extension;
	uint64_t bytes;
	struct buf head; /* the first ANSWER_HEAD bytes, but of what is binary */

	/* The rest is known at the end; of ANSWER_XML: */
	char root[ANSWER_NAME]; /* with its prefix */
	int whole;		/* the root is closed, and nothing is behind it */
	int empty;		/* there is nothing in it */
	int error;		/* the root, or its first or last child, is an error */
	int beside;		/* and it is not alone in there */
	/* What an error says: the text of <error>, or JSON's word for it. */
	struct buf said;
	int denied; /* JSON that says that the token is no good */

	struct buf tail;
};

void answer_start(struct answer *);
void answer_free(struct answer *);
void answer_add(struct answer *, const char *, size_t);
void answer_end(struct answer *);

/* In words, for a message: "a web page". */
const char *answer_what(const struct answer *);

/* What these bytes say as an error, at the end of a buffer; or nothing. */
void answer_error(const char *, size_t, struct buf *);
/* Does a refusal of a token mean the client id or the secret?  RFC 6749, 5.2. */
int answer_is_client_error(const char *, size_t);

#endif
