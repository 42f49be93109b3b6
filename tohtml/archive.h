/*
 * Pages in DIRECTORY: HOST/YYYY/MM/LSID.html, an index of each month, and an
 * index of everything.  A page is written, made durable and then named; then
 * the state has a row for it; the indexes come last.  After a crash at any
 * moment the same input ends in the same files.
 */
#ifndef TOHTML_ARCHIVE_H
#define TOHTML_ARCHIVE_H

#include "page.h"
#include "state.h"

struct archive;
struct draft; /* a file that is being written */

/* Waits for another praic-tohtml.  files: praic-tofs's directory, or NULL.
 * NULL and *code after a message. */
struct archive *archive_open(const char *directory, const char *files, int *code);
/* Flush, make the indexes, clean up.  0 or a code. */
int archive_close(struct archive *);

/* The session that the page has is complete.  Failures stick in archive_code. */
void archive_put(struct archive *, struct page *, const struct rec_reader *);
/* What was put is on disk and has its names. */
void archive_flush(struct archive *);
int archive_waiting(const struct archive *);
int archive_code(const struct archive *);

/* For the indexes (index.c). */
struct state *archive_state(struct archive *);
struct draft *draft_new(struct archive *);
void draft_add(void *draft, const char *, size_t);
/* Give it this name below DIRECTORY, now and for good; the draft is gone. */
void draft_publish(struct draft *, const char *path);
int archive_has(struct archive *, const char *path);

#endif
