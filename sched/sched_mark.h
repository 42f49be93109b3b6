/*
 * The mark that ends a report, praic-fetch(1), "Marks".  What it says moves
 * the transfer's mark, so nothing else may be taken for it: a session's text
 * can hold the same words.
 */
#ifndef PRAIC_SCHED_MARK_H
#define PRAIC_SCHED_MARK_H

#include <stdint.h>

struct end_mark {
	int64_t documents;
	int64_t until; /* UNIX seconds; -1: it does not tell */
	int64_t at;    /* the byte that it begins with */
	int empty;     /* before it is nothing but the site's mark */
};

/* 0, or -1 when the file does not end in such a mark. */
int mark_read(int fd, struct end_mark *);

#endif
