/*
 * praic-split, from bytes to records:
 *
 *	input.c		the documents of an input
 *	source.c	an input as a window of clean UTF-8
 *	decode.c	bytes to clean UTF-8
 *	parse.c		one document, by libxml2
 *	report.c	its sessions, and messages about them
 *	session.c	one session: from elements to rows, by rules.c
 *	event.c		its events
 *	rows.c		rows on their way out
 */
#ifndef SPLIT_H
#define SPLIT_H

#include <stdint.h>

#include "leftout.h"
#include "rec.h"
#include "rules.h"

static inline int
blank_is(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- limits ---------------------------------------------------------------- */

/*
 * A session that passes a limit is left out; the sessions beside it are not.
 * libxml2's own limits are either never reached (XML_PARSE_HUGE: 1 GB a value; depth
 * 2048), or cost that session only (10 MB a name): parse.c skips the rest of the session
 * and begins a new parser behind it.
 */

/* Checked by decode.c. */

/* A start tag, all of which libxml2 holds in memory.  An attribute may be as long as a
 * line of the record stream (REC_MAX_LINE, 64 MiB). */
#define LIMIT_TAG (REC_MAX_LINE + 65536)
/* Attributes and namespaces of a tag: libxml2 compares each with each. */
#define LIMIT_TAG_ATTRIBUTES 1000
/* libxml2 holds all of a CDATA section: a longer one is split into several, which mean
 * the same. */
#define LIMIT_SECTION 65536
/* Comments and instructions are ignored: the rest of a longer one is dropped. */
#define LIMIT_COMMENT 4096

/* Checked by parse.c, for a session. */

/* Real sessions nest 9 deep, with 4 attributes and names of 34 letters. */
#define LIMIT_DEPTH	 128
#define LIMIT_ATTRIBUTES 64
/* Of elements, attributes and namespaces. */
#define LIMIT_NAME 1000
/* Different names: libxml2 keeps each as long as the parser lives. */
#define LIMIT_NAMES 10000
/* After a session with more names than this a new parser begins, so that no session is
 * left out for the names of others. */
#define LIMIT_NAMES_KEPT 1000
/* Namespaces that are declared at the same time: libxml2 searches them for each name. */
#define LIMIT_NAMESPACES 256

/* Each session repeats the root's namespace declarations.  Real roots have two or three;
 * many of them would make a large output from a small input. */
#define LIMIT_INHERITED 4096

/* Checked by rows.c and event.c. */

/* Columns of system information.  Appliances send some ten; each cell may have to be
 * compared with each of them. */
#define LIMIT_COLUMNS 256
/* Rows that are held back, except the longest one: users; data of an event that names its
 * parties last; cells before their heads. */
#define LIMIT_HELD ((size_t)8 << 20)

/* ---- decode.c -------------------------------------------------------------- */

/*
 * Window titles and shell output may contain invalid UTF-8, control characters and
 * references to them (&#x1b;).  XML forbids these, and a strict parser refuses a whole
 * report for one of them.  Each becomes U+FFFD and is counted.  Long CDATA sections are
 * split and long comments are cut, because libxml2 holds all of them.  A tag over the
 * limits is noted.  UTF-16 and ISO-8859-1 become UTF-8, so that libxml2 loads no
 * converter for them.
 */
enum encoding { ENCODING_UTF8, ENCODING_LATIN1, ENCODING_UTF16LE, ENCODING_UTF16BE };

/* The kind of markup that is open.  References have a meaning in content only. */
enum decode_inside { DECODE_CONTENT, DECODE_CDATA, DECODE_COMMENT, DECODE_PI };

/* The state that is kept from one call to the next. */
struct decode_state {
	enum encoding encoding;
	enum decode_inside inside;
	char quote; /* of the value that is open, or 0 */
	char last;  /* the last byte */
	unsigned char in_tag, too_long, dropping, after_cr;
	unsigned char rooted; /* a tag has begun */
	unsigned char plain;  /* a declaration behind a root begins the next document */
	unsigned char next;   /* it is here: no more is decoded */
	unsigned attributes;  /* of the tag */
	size_t length;	      /* of the tag or the section so far */
};

enum decode_note {
	DECODE_REPLACED, /* something forbidden became U+FFFD */
	DECODE_LONG_TAG, /* the tag that began at.length before is over the limits */
	DECODE_CHANGED	 /* bytes were added or removed */
};

struct decoder {
	struct decode_state at;
	/* Called for each of these, with its place in out and by how many bytes the
	 * output is longer than the input. */
	void (*note)(void *, enum decode_note, size_t out_offset, ptrdiff_t grown);
	void *arg;
	struct buf utf8; /* private: input that was UTF-16 or ISO-8859-1 */
};

/*
 * Decode n bytes to the end of out.  Returns how many of them were used:
 * all but a few that need what follows; when final, all of them.
 */
size_t decode(struct decoder *, const char *p, size_t n, int final, struct buf *out);

/* How many bytes this UTF-8 had in the other encoding. */
size_t decode_length_before(enum encoding, const char *p, size_t n);

/* Is a tag, a comment or the like open at the end of what was decoded? */
int decode_in_markup(const struct decoder *);

/*
 * The encoding of a document that begins with these bytes: UTF-16 shows in the
 * first two, others are named by the declaration.  *refused is a name of which
 * praic knows no encoding, or NULL.
 */
enum encoding decode_detect(const char *p, size_t n, struct rec_value *refused);

/* The value behind NAME= in a tag or declaration; p is NULL without one. */
struct rec_value decode_attribute(const char *p, size_t n, const char *name);

/* ---- source.c -------------------------------------------------------------- */

/*
 * A place is a count of decoded bytes since the document's beginning.  The window can be
 * read again from any place that is still kept.
 */

/*
 * The distance between decoded and raw bytes changes at this place.  All changes between
 * two tags are one struct, because messages and counts are about tags.
 */
struct change {
	uint64_t place, raw;
	uint64_t replaced; /* so far */
};

struct source {
	int fd;
	const char *name;
	int ended;
	int failed; /* reading did, after a message */
	struct decoder decoder;

	struct buf raw;	 /* bytes of the input */
	uint64_t raw_at; /* where raw.p begins */
	size_t raw_used; /* decoded or skipped bytes in raw */
	uint64_t limit;	 /* where the document ends */

	struct buf win;	   /* decoded bytes */
	uint64_t win_at;   /* the place where win.p begins */
	size_t win_from;   /* what is before it is not needed any more */
	uint64_t long_tag; /* where the last tag over the limits begins, or UINT64_MAX */

	struct change *change;
	size_t changes, change_cap;
	uint64_t changed; /* the place of the last one of all */
};

/* fd is not closed; name, for messages, is kept. */
struct source *source_new(int fd, const char *name);
void source_free(struct source *);

/*
 * A document of so many bytes begins here: its places count from 0.  If it is
 * plain, it may end sooner, where the next one begins: decoder.at.next.
 */
void source_open(struct source *, uint64_t bytes, enum encoding, int plain);
/* Skip the rest of the document.  Returns how many of its bytes are missing. */
uint64_t source_close(struct source *);

/*
 * The bytes at a place: at least `want', fewer only at the end of the input.  Valid until
 * the next call that reads.
 */
const char *source_at(struct source *, uint64_t place, size_t want, size_t *have);

/* The same, of bytes that have been read already. */
const char *source_have(const struct source *, uint64_t place, size_t *have);

/* Move a place behind the next occurrence of a text; what is before it is forgotten.
 * -1 at the end of the document. */
int source_pass(struct source *, uint64_t *place, const char *text);

/* Nothing before this place will be asked for again. */
void source_keep(struct source *, uint64_t place);

/* The byte of the input for a place that is still kept; for UINT64_MAX the byte that
 * comes next. */
uint64_t source_offset(const struct source *, uint64_t place);

/* How many U+FFFD were put in before a tag that is still kept. */
uint64_t source_replaced(const struct source *, uint64_t place);

/* Has the end of the document or of the input been read? */
int source_ended(const struct source *);

/*
 * Between documents raw bytes are read: at least `want', fewer only at the end of the
 * input.  source_now() is where they are.
 */
const char *source_raw(struct source *, size_t want, size_t *have);
static inline uint64_t
source_now(const struct source *s)
{
	return s->raw_at + s->raw_used;
}
/* Skip so many raw bytes.  Returns how many there were. */
uint64_t source_skip(struct source *, uint64_t bytes);

/* ---- rows.c ---------------------------------------------------------------- */

/*
 * A row goes out as soon as it is complete: most at once, an event's data after the
 * event's own row, users and teams at the end of the session, which names the primary
 * one.  Rows that wait are held in memory, up to a limit.
 */
enum row_is {
	ROW_ABSENT,
	ROW_NOTHING, /* it was there, but is NULL: empty or invalid */
	ROW_TEXT,
	ROW_NUMBER,
	ROW_AT_END /* is_primary: set by rows_finish() */
};

struct row {
	enum table_id table;
	const struct table_column *column; /* the table's */
	struct buf text;
	struct row_cell {
		enum row_is is;
		int64_t number;
		size_t at, n; /* in text */
	} cell[TABLE_MAX_COLUMNS];
};

void row_begin(struct row *, enum table_id);

/*
 * Set a column to a value of its type (p == NULL: do nothing).  Returns NULL, or why the
 * value is invalid and the column becomes NULL.
 */
const char *row_set(struct row *, int column, struct rec_value);
void row_set_text(struct row *, int column, const char *p, size_t n);
void row_set_number(struct row *, int column, int64_t);

/*
 * Set a time: stamp if it is UNIX seconds, else text with its offset; either may be NULL.
 * Returns NULL, or what was wrong, and *wrong.
 */
const char *row_set_time(struct row *, int column, struct rec_value stamp, struct rec_value text,
    struct rec_value *wrong);

/* Was it there? */
static inline int
row_has(const struct row *r, int column)
{
	return r->cell[column].is != ROW_ABSENT;
}

/* Has it a text that is not empty? */
static inline int
row_filled(const struct row *r, int column)
{
	return r->cell[column].is == ROW_TEXT && r->cell[column].n > 0;
}

/* The row as a line, at the end of a buffer. */
void row_write(const struct row *, struct buf *);

/* Remove white space at both ends. */
struct rec_value row_trim(struct rec_value);

enum rows_order {
	ROWS_NOW,
	ROWS_OF_EVENT, /* not before the row of the event that is open */
	ROWS_AT_END
};

/* Called before rows go out, so that their XML can go first. */
typedef void rows_go(void *arg);

struct rows {
	struct rec_writer *out;
	rows_go *go;
	void *arg;
	const char *refusal; /* which limit was passed, or NULL */

	struct lines {
		struct buf text;
		uint64_t n;
	} lines[ROWS_AT_END + 1]; /* index: when they may go out */
	enum rows_order order;	  /* of the row that is open */
	size_t from;		  /* where it begins */
	size_t longest;
	int event_out;
};

void rows_free(struct rows *);

/* A session begins. */
void rows_begin(struct rows *);

/*
 * Add a row: write its line into the buffer that rows_open() returns and call
 * rows_close(); or call rows_add().
 */
struct buf *rows_open(struct rows *, enum rows_order);
void rows_close(struct rows *);
void rows_add(struct rows *, enum rows_order, const struct row *);

/* The event's own row is complete. */
void rows_event(struct rows *, const struct row *);

/* The session ends: users and teams go out, then its own row.  The keys of the primary
 * user and team may be empty. */
void rows_finish(struct rows *, struct rec_value primary_user, struct rec_value primary_team,
    const struct row *session);

/* ---- event.c --------------------------------------------------------------- */

/*
 * A category of an endpoint's system information.  In the XML, heads and rows of cells
 * are apart; here they are joined into the text of system_information.information.
 */
struct sysinfo_field {
	struct rec_value id, name, text;
};

/* A field's three values, one behind the other in a buffer. */
struct kept {
	enum { A_HEAD, A_CELL, ROW_BEGINS, ROW_ENDS } what;
	size_t at, id_n, name_n, text_n;
};

struct sysinfo {
	struct buf bytes; /* of heads and of waiting cells */
	struct kept head[LIMIT_COLUMNS];
	int heads, heads_done;
	int with_id, with_name; /* has any head one? */
	struct kept *waiting;
	size_t waiting_n, waiting_cap;
	size_t position; /* of the next cell in its row */
	struct buf text;
	const char **refusal; /* of the session's rows */
};

void sysinfo_head(struct sysinfo *, const struct sysinfo_field *);
/* The heads are complete. */
void sysinfo_end_heads(struct sysinfo *);
void sysinfo_begin_row(struct sysinfo *);
void sysinfo_cell(struct sysinfo *, const struct sysinfo_field *);
void sysinfo_end_row(struct sysinfo *);

struct event {
	struct rows *rows;
	struct row row;		/* of the event that is open */
	int64_t seq, values;	/* so far: of the session's events, of its data */
	struct sysinfo sysinfo; /* the category that is open */
	struct buf category;
	int has_category; /* has it a name? */
};

void event_free(struct event *);

void event_begin(struct event *);
/* The event's own row is complete.  Further calls do nothing. */
void event_complete(struct event *);

/* Add a row of data; the addresses of recordings are left out. */
void event_value(struct event *, struct rec_value name, struct rec_value value);
/* The same for an element. */
void event_leaf(struct event *, const char *name, struct rec_value value);
/* Add a body in base64.  NULL, or why it is invalid. */
const char *event_encoded_body(struct event *, struct rec_value base64);

/* A category of system information: its content goes to e->sysinfo. */
void event_begin_category(struct event *, struct rec_value name);
void event_end_category(struct event *);

/* ---- session.c ------------------------------------------------------------- */

struct session;

struct session_attribute {
	enum name name;
	struct rec_value value;
};

/* Called with a message about an invalid value. */
typedef void session_warning(void *arg, const char *element, const char *text);

struct session *session_new(struct rec_writer *, session_warning *, rows_go *, void *arg);
void session_free(struct session *);

/* Host and lsid are copied. */
void session_begin(struct session *, const char *host, struct rec_value lsid);

/*
 * The start and the end of an element below <session>, with the attributes whose names
 * praic knows.  The pointer `element' is kept until the end.  *text: where to add the
 * text that follows, at most REC_MAX_LINE; NULL: ignore it.  Returns NULL, or why the
 * session is left out; then no further call is allowed.
 */
const char *session_start_element(struct session *, enum name, const char *element,
    const struct session_attribute *, int attributes, struct buf **text);
const char *session_end_element(struct session *, struct buf **text);

/* Warn once of all elements below sessions that no rule knows. */
void session_drift(const struct session *);

/* The session ends.  NULL when all rows are out, or why it is left out. */
const char *session_finish(struct session *);

/* ---- report.c -------------------------------------------------------------- */

/*
 * A session's XML is copied from the input, from its start tag to its end tag, with the
 * namespace declarations that it inherits.
 */
struct report_options {
	const char **lsid; /* only these sessions; all when lsids is 0 */
	int lsids;
	int no_xml;	      /* leave out the sessions' XML */
	int strict;	      /* leave out sessions with replaced bytes */
	struct leftout *list; /* of --left-out, or NULL */
};

struct report {
	/* so far */
	uint64_t left_out; /* sessions left out, errors, bad documents */
	int code;
	/* of the document: */
	enum { REPORT_BETWEEN, REPORT_SESSION, REPORT_UNWANTED } within;
	struct buf *text; /* where text of the open element goes, or NULL */
	uint64_t settled; /* what is before this place is done */
	uint64_t place;	  /* the end of the current tag */
	struct session *session;
	struct source *source;
	const char *host; /* of its sessions, or NULL */
	/* for report.c alone: */
	struct rec_writer *out;
	const struct report_options *options;
	struct buf inherited; /* the root's namespace declarations */

	/* the session that is open */
	struct buf lsid;
	uint64_t start; /* the byte of the input */
	uint64_t xml_from;
	uint64_t replaced;	/* before it */
	uint64_t replaced_told; /* in the sessions of this document */
	unsigned warnings;
};

/* The options are kept. */
struct report *report_new(struct rec_writer *, const struct report_options *);
void report_free(struct report *);

/* "FILE: byte N: ..." */
void report_warn(struct report *, uint64_t byte, const char *, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * Count or list something bad that was left out, after its message.  lsid.p is NULL for
 * a document.  code is the word for the list of --left-out.
 */
void report_bad(struct report *, struct rec_value lsid, const char *code, const char *sentence);

/*
 * A document begins.  host: the site of its sessions, or NULL if it is unknown, which is
 * an error as soon as a session comes.  Source and host are kept.
 */
void report_document(struct report *, struct source *, const char *host);
/* The document ends here (UINT64_MAX: where the source's document ends): warn of forbidden
 * bytes outside of its sessions. */
void report_document_end(struct report *, uint64_t place);
/*
 * The namespaces that its sessions inherit: n pairs of prefix (or NULL) and name.  NULL,
 * or why that is too much.
 */
const char *report_inherit(struct report *, const xmlChar **ns, int n);
/* The same as text for a start tag, without those that its own declarations hide. */
void report_inherited(struct report *, struct buf *, const xmlChar **ns, int n);

/*
 * A session begins: the places of its start tag, and its own namespaces.  -1 if the
 * program cannot go on: see r->code.
 */
int report_begin(
    struct report *, uint64_t from, uint64_t to, struct rec_value lsid, const xmlChar **ns, int n);
/* The session's end tag ends here. */
void report_end(struct report *, uint64_t place);
/* Leave out the open session; the document goes on. */
void report_give_up(struct report *, const char *code, const char *why);
/* The document ends.  Returns the lsid of the session that is cut; p is NULL if none is
 * open. */
struct rec_value report_break(struct report *);
/* Bytes of an lsid in messages.  Real ones have 32. */
#define REPORT_SHOWN 80

/* What is before this place is done and not needed again. */
void report_settle(struct report *, uint64_t place);

/* ---- parse.c --------------------------------------------------------------- */

enum parse_outcome {
	PARSE_WHOLE,  /* nothing was wrong with it */
	PARSE_BAD,    /* it is malformed or not a session report */
	PARSE_CUT,    /* the bytes ended within it */
	PARSE_STOPPED /* the program cannot go on: see the report's code */
};

struct parse_result {
	uint64_t end; /* the place up to which it was understood; UINT64_MAX: all of it */
	/* of PARSE_BAD; and of PARSE_CUT, in case all bytes are there */
	const char *code; /* for the list of --left-out, or NULL */
	char why[600];
	struct rec_value lsid; /* of the session that is lost, or NULL */
};

/*
 * host: the site of its sessions, or NULL.  plain: an instruction may name the site, too.
 * Errors of sessions are reported and counted here, errors of the document are in the
 * result.
 */
enum parse_outcome parse_document(struct report *, struct source *, uint64_t place,
    const char *host, int plain, struct parse_result *);

/* Set up libxml2 before the first document, so that it opens no file later. */
void parse_prepare(void);

/* ---- input.c --------------------------------------------------------------- */

/*
 * Read all documents of one input.  host: that of -H, or NULL.  The exit code is in the
 * report.  0, or -1 if the program cannot go on.
 */
int input_read(struct report *, const char *host, int fd, const char *name);

#endif
