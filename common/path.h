/*
 * Where the filters are found: where a shell would find them; else those
 * that came with this program, beside it.
 */
#ifndef PRAIC_PATH_H
#define PRAIC_PATH_H

/* Add the program's own directory to the end of $PATH. */
void path_extend(void);

#endif
