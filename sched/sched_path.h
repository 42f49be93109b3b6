/*
 * Where the filters are found: where a shell would find them; else those
 * that came with this program, beside it or in the folders of its source.
 */
#ifndef PRAIC_SCHED_PATH_H
#define PRAIC_SCHED_PATH_H

/* Adds those places to the end of $PATH. */
void path_extend(void);

#endif
