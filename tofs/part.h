/*
 * Files that have no final name yet.  They are below DIRECTORY/.praic-tmp,
 * so that giving them one is a rename within a file system, and locked by
 * who writes them: what a killed run left behind has no lock, and goes when
 * the next run begins.
 */
#ifndef TOFS_PART_H
#define TOFS_PART_H

#include <stddef.h>

#include "tree.h"

#define PART_NAME 24

struct part_file {
	int fd;
	char name[PART_NAME]; /* in the folder of parts; empty: it has left it */
};

struct parts;

/* Removes what others left; hold the ledger's lock, for they may be about to
 * begin.  NULL and *code after a message. */
struct parts *parts_open(struct tree *, mode_t, int *code);
/* The folder goes, too, if nobody else has anything in it. */
void parts_close(struct parts *);
int parts_fd(const struct parts *);

/* A new file, open for writing.  0, or -1 and errno. */
int part_new(struct parts *, struct part_file *);
/*
 * One more name for a file that is there, open as fd (which is then the
 * part's): 0, or -1 and errno when it cannot be, for whatever reason.
 */
int part_link(struct parts *, struct part_file *, int dir, const char *name, int fd);
/* No more is to be written: 0, or -1 and errno. */
int part_close(struct part_file *);
/* Close it, and remove it if it was not given a final name. */
void part_drop(struct parts *, struct part_file *);

#endif
