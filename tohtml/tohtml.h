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
 * Text of strangers.  Nothing of it is ever markup, and what a reader would not
 * see, or would see in another place than where it stands, is shown by its
 * number.
 */
/* For between tags. */
void html_text(struct buf *, const char *p, size_t n);
/* The same for text in which & < > and " are written as entities. */
void html_escaped(struct buf *, const char *p, size_t n);
/* A relative path as an URL; no scheme, host or query can come of it. */
void html_path(struct buf *, const char *p, size_t n);
/* 6442450944 as 6.4 GB (6442450944 bytes); what is no number as it is. */
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

/* What a page and the indexes say of a session.  The first texts and all numbers are
 * columns of the state's table session. */
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
 * The page of one session.  Its rows become HTML as they come, and wait by part
 * of the page, for what stands first there comes last in the stream.
 */
struct page;

struct page *page_new(void);
void page_free(struct page *);
/* nth is 1 for the first session on a page. */
void page_begin(struct page *, uint64_t nth);
/* May leave the session out (rec_reject). */
void page_row(struct page *, struct rec_reader *);
/* All rows of this session have come. */
struct summary *page_end(struct page *, const struct rec_reader *);
/* The page's head, with a title from the session. */
void page_head(struct page *, struct held *out);
/* The session.  recordings is that section, ready; up leads to the index of
 * everything, or is NULL. */
void page_write(struct page *, const struct buf *recordings, const char *up, struct held *out);
void page_tail(struct held *out);
/* 0, or an exit code after a message: a temporary file failed. */
int page_code(const struct page *);

/*
 * What is known of the pages: of sessions, of the ledger of praic-tofs, and
 * which indexes are to be made.  Failures stick in code, after a message.
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
/* SQL without results.  Returns the code. */
int state_run(struct state *, const char *sql);
/* A statement with n texts bound; sql is kept.  NULL after a failure. */
sqlite3_stmt *state_query(struct state *, const char *sql, int n, ...);
/* One more row?  1 or 0. */
int state_step(struct state *, sqlite3_stmt *);
int64_t state_number(struct state *, const char *sql);
/* The text of the first column of all rows of a query.  How many rows there were. */
int64_t state_put(struct state *, sqlite3_stmt *, struct buf *);

#define STATE_COLUMNS                                                                        \
	"host,lsid,month,name,start,end,type,who,people,endpoint,key,grp,duration,expected," \
	"over,events,commands,chats,files"

/* Take in what the ledger of this directory has beyond what is known.  Of
 * sessions that have a page it notes that the page is stale.  0 or a code. */
int files_read(struct state *, const char *directory);
/* The section of a session's recordings, between two comments: what is stored,
 * under the path that leads to praic-tofs's directory (NULL: there is none),
 * and what the appliance has beyond that. */
void files_section(struct state *, struct buf *, const char *prefix, const char *host,
    const char *lsid, const char *expected, const char *path);
extern const char files_begin[], files_end[]; /* the comments */

/*
 * Pages in DIRECTORY: HOST/YYYY/MM/LSID.html, an index of each month, and an
 * index of everything.  A page is written, made durable and then named; then
 * the state has a row for it; the indexes come last.  After a crash at any
 * moment the same input ends in the same files.
 */
struct archive;

/* Waits for another praic-tohtml.  files: praic-tofs's directory, or NULL.
 * NULL and *code after a message. */
struct archive *archive_open(const char *directory, const char *files, int *code);
/* Flush, make the indexes, clean up.  0 or a code. */
int archive_close(struct archive *);
/* The session that the page has is complete.  Failures stick in archive_code. */
void archive_put(struct archive *, struct page *, const struct rec_reader *);
int archive_code(const struct archive *);

/* For the indexes. */
struct draft { /* a file that is being written */
	int fd;
	char name[24];
	struct held out;
};
void draft_open(struct archive *, struct draft *);
/* Give it this name below DIRECTORY, now and for good. */
void draft_publish(struct archive *, struct draft *, const char *path);
int archive_has(struct archive *, const char *path);
/* Make those indexes that are not there, or in which a session has changed. */
void index_update(struct archive *, struct state *);

#endif
