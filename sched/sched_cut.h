/*
 * Reports of the spool that praic-split takes for cut (75).  They were whole
 * when they came, so no later try brings more of them; but whoever reads
 * records that have no end says 75, too, and would say so for reasons of its
 * own: a busy database, an appliance with no time.  To tell the two apart,
 * the records that praic-split can write are given their end mark here, with
 * what is missing counted as left out.  Then 75 means what it says.
 */
#ifndef PRAIC_SCHED_CUT_H
#define PRAIC_SCHED_CUT_H

#include <stdint.h>

#include "sched_step.h"

/* Did such a pipe, praic-split its first stage, come to nothing for that? */
int cut_is(const struct pipe *);

/*
 * praic-split alone, with its X lines or without, into a file of tmp/.  It
 * takes the place of the stages in p.  0 and the file's path, to be removed
 * by cut_rest; else the code that all of the step has.
 */
int cut_split(struct work *, struct pipe *p, const char *xml, int bare, char **records);
/*
 * The stages that read that file: run, and put behind those of p, which is
 * judged anew.  The code: 65 where they did well.
 */
int cut_rest(struct work *, struct pipe *p, struct pipe *rest, char *records);

/*
 * Cut records after their last whole session, or else after their H lines,
 * and give them an end mark.  How many sessions these are; -1 after a message.
 */
int64_t cut_to_whole(int fd, int left_out);

#endif
