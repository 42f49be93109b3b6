/*
 * The page of one session.  Its rows become HTML as they come, which waits:
 * what stands first on the page comes last in the stream.
 */
#ifndef TOHTML_PAGE_H
#define TOHTML_PAGE_H

#include "rec.h"

/* style.css and script.js, which the Makefile puts into the program. */
extern const char tohtml_style[], tohtml_script[];

/* What the indexes show of a session. */
struct summary {
	struct buf type, who, people, endpoint, key, group;
	/* The recordings that the appliance has: a line each, its kind, a
	 * blank, its instance or nothing. */
	struct buf expected;
	char start[21], end[21]; /* empty: not known */
	struct buf duration;
	int over;
	uint64_t events, commands, chats, files;
};

/* Where pieces of a page go. */
struct sink {
	void (*put)(void *arg, const char *p, size_t n);
	void *arg;
};

struct page;

struct page *page_new(void);
void page_free(struct page *);

/* nth is 1 for the first session on a page. */
void page_begin(struct page *, uint64_t nth);
/* May leave the session out (rec_reject). */
void page_row(struct page *, struct rec_reader *);
/* All rows have come. */
const struct summary *page_end(struct page *);
/* Title of the page, plain text. */
void page_title(const struct page *, struct buf *);
/*
 * The session without the page's head and tail; the first one opens <main>.
 * recordings is that section, ready; up leads to the index of everything, or
 * is NULL.
 */
void page_write(struct page *, const struct rec_reader *, const struct buf *recordings,
    const char *up, struct sink);
/* 0, or an exit code after a message: the temporary file failed. */
int page_code(const struct page *);

#endif
