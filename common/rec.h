/*
 * The record stream, praic-records(5).
 *
 * The session is the unit of commit, and the stream is the unit of progress.  The
 * reader checks every rule of the page and turns a stream into events.  A program
 * keeps the contract if it commits on REC_COMMIT, forgets on REC_DROP and exits with
 * rec_code().  The writer can only write streams that follow the rules.  One that
 * fails ends early, and readers notice that.
 */
#ifndef PRAIC_REC_H
#define PRAIC_REC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "tables.h"

#define REC_MARK    "praic-records"
#define REC_VERSION "1"
/* An X line with its mark and LF: short, to keep readers small. */
#define REC_MAX_XML 32768
/* Any other line with its LF: more than libxml2's 10 MB for an attribute, less than a
 * database takes for a value. */
#define REC_MAX_LINE ((size_t)64 << 20)

/* p is NULL for NULL, but not for an empty value.  It does not end with a NUL. */
struct rec_value {
	const char *p;
	size_t n;
};

enum rec_event {
	REC_TABLES, /* a stream begins; r->tables says which are in it */
	REC_BEGIN,  /* a session begins: r->host, r->lsid */
	REC_ROW,    /* r->table, r->value[] */
	REC_XML,    /* rec_xml_text(): a piece of the session's XML */
	REC_COMMIT, /* the session is complete and may be committed */
	REC_DROP,   /* the session begun is left out; r->reason says why */
	REC_END,    /* the stream is complete; another may follow */
	REC_EOF	    /* nothing more is read; rec_code() is final */
};

struct rec_reader {
	/* of the last event */
	unsigned tables;	     /* set of TABLE_BIT */
	struct rec_value host, lsid; /* valid until the next REC_BEGIN */
	enum table_id table;
	/* by this program's column numbers (tables.h), NULL where the stream
	 * has no such column; valid until the next event */
	struct rec_value value[TABLE_MAX_COLUMNS];
	const char *reason; /* of REC_DROP */
	const char *code;   /* of REC_DROP: the reason as a word, see leftout.h */
	/* of REC_DROP: the input ended within the session, which may be complete
	 * another time */
	int cut;
	/* the unchanged line of the last event, without its LF; empty for REC_DROP and
	 * REC_EOF */
	const char *line;
	size_t line_n;
	/* the unchanged lines before the first session of this stream */
	struct rec_value head;

	/* Set by a caller that passes lines on: value[] is only set for session rows,
	 * other values are not checked against the type of their column, and rows of
	 * unknown tables are events, too (table is TABLES). */
	int lines_only;

	/* Set by the caller: no message for input that is cut, because the writer has
	 * said why. */
	int cut_is_known;

	/* so far, over all streams of this input */
	uint64_t lineno;   /* of the line last read, from 1 */
	uint64_t complete; /* REC_COMMIT events */
	uint64_t dropped;  /* REC_DROP events */
	uint64_t left_out; /* sum of the Z lines */
	uint64_t rows;	   /* of the current session */
	/* a fault of the stream itself (EX_DATAERR), or NULL */
	const char *fault;

	struct rec_state *state;
};

/* fd is not closed.  name, for messages, is kept. */
struct rec_reader *rec_open(int fd, const char *name);
/* Open an operand; "-" is standard input.  NULL after a message. */
struct rec_reader *rec_open_operand(const char *name);
void rec_close(struct rec_reader *);

/*
 * The next event; faults of the input give a message first.  REC_TABLES comes before the
 * first REC_BEGIN of each stream.  Each REC_BEGIN is followed by rows and XML, and by
 * one REC_COMMIT or REC_DROP.  After REC_EOF every call returns REC_EOF.
 */
enum rec_event rec_next(struct rec_reader *);

/*
 * Read what a pipe holds, without waiting, up to some MiB.  A program that is busy
 * calls it now and then, so that the writer can go on.  It invalidates value[], but not
 * r->line.
 */
void rec_take_in(struct rec_reader *);

/* Of REC_XML: the piece, unescaped; valid until the next event. */
struct rec_value rec_xml_text(struct rec_reader *);

/* Leave out the current session for this reason (kept), with a message.  The next event
 * is its REC_DROP. */
void rec_reject(struct rec_reader *, const char *reason);

/*
 * The exit code for the input so far: 0, EX_DATAERR (something was left out),
 * EX_TEMPFAIL (cut), EX_USAGE (not a record stream, or of another version), EX_IOERR (a
 * read failed).
 */
int rec_code(const struct rec_reader *);

/*
 * These make a line of a row in a buffer:
 *
 *	rec_row(b, TABLE_TEAM); rec_int(b, 7); rec_text(b, p, n);
 *	rec_null(b); rec_end_row(b);
 */
void rec_row(struct buf *, enum table_id);
void rec_text(struct buf *, const char *p, size_t n);
void rec_int(struct buf *, int64_t);
void rec_null(struct buf *);
/* NULL if p is NULL. */
void rec_value(struct buf *, struct rec_value);
void rec_end_row(struct buf *);
/* The line of the row that was read last, with all columns that its table has now. */
void rec_copy_row(struct buf *, const struct rec_reader *);
/* Append the escaped form of a value. */
void rec_escape(struct buf *, const char *p, size_t n);

/* The writer collects lines and writes large pieces.  After an error it writes no more,
 * and rec_finish returns the code. */
struct rec_writer;

/* fd is not closed.  name, for messages, is kept. */
struct rec_writer *rec_new(int fd, const char *name);
void rec_free(struct rec_writer *);

/* The head of a stream with these tables. */
void rec_head(struct rec_writer *, unsigned tables);

void rec_begin(struct rec_writer *, struct rec_value host, struct rec_value lsid);
/* Add this number of rows to the current session. */
void rec_rows(struct rec_writer *, const char *p, size_t n, uint64_t rows);
/* Add to the session's XML: whole characters of UTF-8. */
void rec_xml(struct rec_writer *, const char *p, size_t n);
void rec_commit(struct rec_writer *);
/* Give the session up: no E line follows its lines. */
void rec_drop(struct rec_writer *);
/* The Z line, which ends the stream. */
void rec_end(struct rec_writer *, uint64_t left_out);
/* Write what is still in memory.  0, or EX_IOERR after a message. */
int rec_finish(struct rec_writer *);
/* Has a write failed?  Then the caller can stop. */
int rec_failed(const struct rec_writer *);

#endif
