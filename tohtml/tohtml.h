/*
 * praic-tohtml: record streams in, pages for people out.
 *
 *	page.c		the page of one session
 *	html.c		text of strangers as HTML
 *	files.c		what praic-tofs has stored, by its ledger
 *	archive.c	pages in DIRECTORY
 *	index.c		their indexes
 *	state.c		what is known of them: a SQLite database
 */
#ifndef TOHTML_H
#define TOHTML_H

#include <sqlite3.h>
#include <stdint.h>

#include "held.h"
#include "rec.h"

/*
 * Text of strangers.  It never becomes markup.  Characters that are invisible or
 * move other text are shown by their numbers.
 */
/* For the space between tags. */
void html_text(struct buf *, const char *p, size_t n);
/* The same for text in which & < > and " are written as entities. */
void html_escaped(struct buf *, const char *p, size_t n);
/* A relative path as a URL: it cannot become one with a scheme, host or query. */
void html_path(struct buf *, const char *p, size_t n);
/* 6442450944 as 6.4 GB (6442450944 bytes); text that is not a number is not changed. */
void html_size(struct buf *, const char *p, size_t n);
/* A time of the stream's form as <time>2024-12-03 15:26:05</time>. */
void html_time(struct buf *, const char *p, size_t n);
/* Seconds as 0:01:23. */
void html_span(struct buf *, int64_t seconds);
/* The head of a page up to <body>, and its end.  The title is plain text. */
void html_head(struct buf *, const char *title, size_t n);
void html_tail(struct buf *);
/* style.css and script.js, which the Makefile puts into the program. */
extern const char tohtml_style[], tohtml_script[];

/* What a page and the indexes say about a session.  The texts before T_COLUMNS and all
 * numbers are columns of the table session in the state. */
enum text {
	T_HOST,
	T_LSID,
	T_MONTH, /* 2026/01, or undated */
	T_NAME,	 /* of the page, in the folder of its month */
	T_START, /* empty: not known */
	T_END,
	T_TYPE,
	T_WHO,
	T_PEOPLE, /* the others who took part */
	T_ENDPOINT,
	T_KEY,
	T_GROUP,
	T_DURATION,
	T_EXPECTED, /* the recordings that the appliance has, as JSON: ["shell 0",...] */
	T_COLUMNS,
	T_ACCOUNT = T_COLUMNS,
	T_COMPUTER,
	T_ADDRESS,
	T_ENDPOINT_ACCOUNT,
	T_ENDPOINT_COMPUTER,
	T_ENDPOINT_ADDRESS,
	T_ISSUE,
	T_TEAM,
	T_JUMPOINT,
	T_PUBLIC_SITE,
	T_LSEQ,
	TEXTS
};
enum number { N_OVER, N_EVENTS, N_COMMANDS, N_CHATS, N_FILES, NUMBERS };

struct summary {
	struct buf text[TEXTS];
	int64_t number[NUMBERS];
};

/*
 * The page of one session.  Rows become HTML as they come and wait, for each part of
 * the page, because the top of the page comes last in the stream.
 */
struct page;

struct page *page_new(void);
void page_free(struct page *);
/* nth: the session's number on its page, from 1. */
void page_begin(struct page *, uint64_t nth);
/* It may reject the session (rec_reject). */
void page_row(struct page *, struct rec_reader *);
/* All rows of this session have come. */
struct summary *page_end(struct page *, const struct rec_reader *);
/* The page's head, with a title from the session. */
void page_head(struct page *, struct held *out);
/* The session.  recordings: the HTML of that section.  up: the path to the directory
 * of the index of everything, or NULL. */
void page_write(struct page *, const struct buf *recordings, const char *up, struct held *out);
void page_tail(struct held *out);
/* 0, or an exit code after a message: a temporary file failed. */
int page_code(const struct page *);

/*
 * The state: what is in the pages, what is in the ledger of praic-tofs, and which
 * indexes are out of date.  After a failure code is set, and nothing more is done.
 */
struct state {
	sqlite3 *db;
	char *path;
	struct {
		const char *sql;
		sqlite3_stmt *q;
	} statement[64];
	int code;
};

/* path NULL: a temporary one.  Returns the code. */
int state_open(struct state *, const char *path);
void state_close(struct state *);
/* Run SQL that has no results.  Returns the code. */
int state_run(struct state *, const char *sql);
/* A statement with n texts bound.  The pointer sql is the key under which the statement
 * is kept.  NULL after a failure. */
sqlite3_stmt *state_query(struct state *, const char *sql, int n, ...);
/* One more row?  1 or 0. */
int state_step(struct state *, sqlite3_stmt *);
/* The first number of the first row, or 0. */
int64_t state_number(struct state *, sqlite3_stmt *);
/* Add the text of the first column of all rows to a buffer.  Returns the number of rows. */
int64_t state_put(struct state *, sqlite3_stmt *, struct buf *);

#define STATE_COLUMNS                                                                        \
	"host,lsid,month,name,start,end,type,who,people,endpoint,key,grp,duration,expected," \
	"over,events,commands,chats,files"

/* Read the new lines of the ledger in this directory.  Sessions that have a page and a
 * new file are noted as stale.  0 or a code. */
int files_read(struct state *, const char *directory);
/* The section of a session's recordings, between two comments: the stored ones, below
 * path, which leads to praic-tofs's directory (NULL: there is none), and the others that
 * the appliance has. */
void files_section(struct state *, struct buf *, const char *prefix, const char *host,
    const char *lsid, const char *expected, const char *path);
extern const char files_begin[], files_end[]; /* the comments */

/*
 * Pages in DIRECTORY: HOST/YYYY/MM/LSID.html, an index of each month, and an
 * index of everything.  A page is written, synced and then named; then its row goes
 * into the state; the indexes come last.  After a crash at any moment, another run with
 * the same input makes the same files.
 */
struct archive;

/* Waits while another praic-tohtml works there.  files: praic-tofs's directory, or NULL.
 * Returns NULL after a message, and *code. */
struct archive *archive_open(const char *directory, const char *files, int *code);
/* Write what waits, then the indexes; clean up.  0 or a code. */
int archive_close(struct archive *);
/* The session in the page is complete.  Failures are in archive_code(). */
void archive_put(struct archive *, struct page *, const struct rec_reader *);
int archive_code(const struct archive *);

/* For the indexes. */
struct draft { /* a file that is being written */
	int fd;
	char name[24];
	struct held out;
};
void draft_open(struct archive *, struct draft *);
/* Sync it and give it this name below DIRECTORY. */
void draft_publish(struct archive *, struct draft *, const char *path);
int archive_has(struct archive *, const char *path);
/* Make the indexes that are missing or in which a session has changed. */
void index_update(struct archive *, struct state *);

#endif
