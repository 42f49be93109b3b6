/*
 * What an answer is, by its bytes: the report that was asked for, an <error>
 * in its stead, JSON, a web page, a video.  It looks at tags and at the
 * first and last bytes; it does not parse XML, which is praic-split's work,
 * and does not care whether the middle of a document is well-formed.
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

/* How its characters are written, as far as the scanner must know. */
enum answer_form { ANSWER_BYTES, ANSWER_UTF16LE, ANSWER_UTF16BE };

#define ANSWER_NAME  64	  /* of an element; a longer one is cut */
#define ANSWER_HEAD  512  /* first bytes that decide */
#define ANSWER_SAID  4096 /* of an error's text */
#define ANSWER_LSID  1024 /* of a session's lsid; no longer one is asked for */
#define ANSWER_SMALL ((size_t)64 * 1024)

struct answer {
	enum answer_kind kind;
	enum answer_form form;
	/* of ANSWER_BINARY: "flv", "mp4", ..., "bin"; of others NULL */
	const char *extension;

	/* of ANSWER_XML */
	char root[ANSWER_NAME]; /* with its prefix */
	int error;		/* the root, or a child of it, is an error */
	int whole;		/* the root is closed, and nothing is behind it */
	uint64_t children;	/* elements right below the root */
	int filled;		/* there is text right below the root */
	/*
	 * The caller's, kept by answer_start: the lsid of the only session that
	 * was asked for, or NULL.  Is it there, and is another, called lsid?
	 */
	const char *only;
	int ours, theirs;
	struct buf lsid;
	/* The text of an error: of <error>, or what JSON has to say. */
	struct buf said;
	int denied; /* JSON that says that the token is no good */

	/* The first ANSWER_SMALL bytes, but for XML and binary. */
	struct buf small;
	uint64_t bytes;

	/* The scanner's own. */
	unsigned char head[ANSWER_HEAD];
	size_t head_n;
	int known, state, depth, roots, closed, junk, nested;
	int in_error, error_depth;
	char quote, before, held;
	int matched; /* bytes that match what the state waits for */
	char name[ANSWER_NAME];
	size_t name_n, root_n, same, cdata_at;
	int names_root;
	uint64_t scanned;	 /* decoded bytes */
	int in_session, in_lsid; /* in its tag; in that attribute's value */
	unsigned char odd[4];	 /* of a UTF-16 character that a piece cut */
	size_t odd_n;
};

void answer_start(struct answer *);
void answer_free(struct answer *);
void answer_add(struct answer *, const char *, size_t);
void answer_end(struct answer *);

/* In words, for a message: "a web page". */
const char *answer_what(const struct answer *);

/*
 * A text as two answers are compared by it: references resolved, blanks
 * drawn together, none at the ends.
 */
void answer_normalise(struct buf *);
/* The reference at p ("&amp;", "&#8217;") as UTF-8; its length, or 0. */
size_t answer_reference(const char *p, size_t n, char out[4], size_t *out_n);
/* For an error's text, which may have been cut at ANSWER_SAID. */
void answer_to_utf8(struct buf *);
/* Of what a token's maker says, what cannot be a token. */
void answer_only_errors(struct buf *);

/* saying.c, for answer_end: a whole answer in JSON or gzip. */
void answer_end_json(struct answer *);
void answer_end_gzip(struct answer *);

#endif
