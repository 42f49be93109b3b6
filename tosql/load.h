/*
 * From record streams to a database: gathers sessions, has them written,
 * and keeps the account of what became of each.
 */
#ifndef TOSQL_LOAD_H
#define TOSQL_LOAD_H

#include "db.h"
#include "leftout.h"
#include "trial.h"

struct load {
	const struct db_ops *ops;
	const struct db_options *options;
	struct db *db; /* NULL: it is made once input is no refused one */
	struct batch *batch;
	struct buf *states;	  /* of -n --list: lines for standard output, or NULL */
	struct leftout *list;	  /* of --left-out, or NULL */
	struct trial *trial;	  /* of a dry run, or NULL */
	struct rec_reader *input; /* being read, or NULL */
	int no_system_information;
	int code; /* the worst so far */
	int stop; /* the database takes no more */

	/* Sessions that were read to their end; read is the sum of the
	 * others. */
	uint64_t read, stored, unchanged, older, left_out, not_stored;
};

/* For db_options: keeps the input flowing while a batch is written. */
void load_meanwhile(void *load);

/* Read one input to its end.  fd is not closed. */
void load_input(struct load *, int fd, const char *name);
/* Write what is still in memory. */
void load_finish(struct load *);
/* The account, for -v. */
void load_report(const struct load *);

#endif
