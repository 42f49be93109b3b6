/*
 * The record stream, praic-records(5): the one format between programs.
 *
 * The session is the unit of commit, the stream the unit of progress.  The
 * reader enforces every rule of the page and turns a stream into events; a
 * program that commits on REC_COMMIT, forgets on REC_DROP and ends with
 * rec_code() keeps the contract.  The writer cannot write a stream that
 * breaks the rules, save by ending early, which is how a writer says that
 * it could not go on.
 */
#ifndef PRAIC_REC_H
#define PRAIC_REC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "tables.h"

#define REC_MARK    "praic-records"
#define REC_VERSION "1"
/* An X line with its mark and LF: small, so that readers' memory is. */
#define REC_MAX_XML 32768
/* Any other line with its LF: above the 10 MB that libxml2 gives one
 * attribute, below what a database takes for one value. */
#define REC_MAX_LINE ((size_t)64 << 20)

/* p is NULL for NULL, and not for an empty value.  No NUL stands behind. */
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
	/* of REC_DROP: there was nothing wrong, but the input ended within
	 * the session: it will be whole another time */
	int cut;
	/* the line of the last event as it came, without its LF; empty
	 * where the event is not one line's (REC_DROP, REC_EOF) */
	const char *line;
	size_t line_n;
	/* the lines before the first session of this stream, as they came */
	struct rec_value head;

	/* Set by the caller: it passes lines on.  value[] is that of session
	 * rows alone, and whether a value is what its column's type asks for
	 * is left to the program that uses it.  Rows of tables that this
	 * program does not know are events, too: table is TABLES. */
	int lines_only;

	/* Set by the caller: its writer has said why the input is cut, and that
	 * is the better message. */
	int cut_is_known;

	/* so far, over all streams of this input */
	uint64_t lineno;   /* of the line last read, from 1 */
	uint64_t complete; /* REC_COMMIT events */
	uint64_t dropped;  /* REC_DROP events */
	uint64_t left_out; /* what the Z lines said */
	uint64_t rows;	   /* of the session begun */
	/* what was wrong with the stream itself (EX_DATAERR), or NULL */
	const char *fault;

	struct rec_state *state;
};

/* fd is not closed.  name, for messages, is kept. */
struct rec_reader *rec_open(int fd, const char *name);
/* The same of an operand, "-" being standard input.  NULL after a message. */
struct rec_reader *rec_open_operand(const char *name);
void rec_close(struct rec_reader *);

/*
 * The next event.  Whatever is wrong with the input was said in a message
 * when this returns; REC_EOF is returned again and again.  REC_TABLES comes
 * before the first REC_BEGIN of each stream; each REC_BEGIN is followed by
 * one REC_COMMIT or REC_DROP, rows and XML in between.
 */
enum rec_event rec_next(struct rec_reader *);

/*
 * Take in what a pipe holds, without waiting and up to some MiB: called now
 * and then by a program that is busy with something else, it lets the writer
 * work on meanwhile.  Afterwards r->line is still good, but value[] is not.
 */
void rec_take_in(struct rec_reader *);

/* Of REC_XML: the piece, unescaped; valid until the next event. */
struct rec_value rec_xml_text(struct rec_reader *);

/*
 * Leave out the session begun, for a reason of the caller's (kept, said in
 * a message): the next event is its REC_DROP.
 */
void rec_reject(struct rec_reader *, const char *reason);

/*
 * What the input was worth so far: 0, EX_DATAERR (something was left out),
 * EX_TEMPFAIL (it was cut), EX_USAGE (no record stream, or one of another
 * version), EX_IOERR (a read failed).
 */
int rec_code(const struct rec_reader *);

/*
 * A row is put together in a buffer, as a line:
 *
 *	rec_row(b, TABLE_TEAM); rec_int(b, 7); rec_text(b, p, n);
 *	rec_null(b); rec_end_row(b);
 */
void rec_row(struct buf *, enum table_id);
void rec_text(struct buf *, const char *p, size_t n);
void rec_int(struct buf *, int64_t);
void rec_null(struct buf *);
/* NULL where p is. */
void rec_value(struct buf *, struct rec_value);
void rec_end_row(struct buf *);
/* A value in its escaped form, at the end of a buffer. */
void rec_escape(struct buf *, const char *p, size_t n);

/*
 * The writer gathers lines in memory and writes them in big pieces; errors
 * stick, and rec_finish tells.
 */
struct rec_writer;

/* fd is not closed.  name, for messages, is kept. */
struct rec_writer *rec_new(int fd, const char *name);
void rec_free(struct rec_writer *);

/* The head of a stream with these tables. */
void rec_head(struct rec_writer *, unsigned tables);

void rec_begin(struct rec_writer *, struct rec_value host, struct rec_value lsid);
/* Rows of the session begun; how many they are. */
void rec_rows(struct rec_writer *, const char *p, size_t n, uint64_t rows);
/* More of the session's XML: UTF-8, but a piece may end within a character. */
void rec_xml(struct rec_writer *, const char *p, size_t n);
void rec_commit(struct rec_writer *);
/* Give the session up: its lines are out, but no E follows. */
void rec_drop(struct rec_writer *);
/* The Z line: everything that was begun is accounted for. */
void rec_end(struct rec_writer *, uint64_t left_out);
/* Write what is still in memory.  0, or EX_IOERR after a message. */
int rec_finish(struct rec_writer *);
/* Has a write failed?  Then there is no use in going on. */
int rec_failed(const struct rec_writer *);

#endif
