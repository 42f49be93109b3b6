/* What praic-fetch can be asked to do, one function for each. */
#ifndef PRAIC_FETCH_FETCH_H
#define PRAIC_FETCH_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "site.h"

#define FETCH_LSIDS 10000 /* --lsid's, counted singly */

struct options {
	struct site site;
	const char *since, *until;
	char **lsid; /* owned; no commas in them */
	size_t lsids;
	int raw;
	const char *spool; /* -d, or NULL */
	int jobs;	   /* -j */
	int verify;
	int dry_run;	/* --dry-run: look at the options only */
	char **operand; /* behind the verb */
	int operands;
};

/* Each returns an exit code, after a message when it is not 0. */
int sessions_run(struct options *);
int report_run(struct options *, const char *report);
int recordings_run(struct options *);
int backup_run(struct options *);
int single_run(struct options *, const char *kind);
int check_run(struct options *);

/* The report that recordings of a kind come by. */
const char *recordings_report(const struct site *, const char *kind);

#endif
