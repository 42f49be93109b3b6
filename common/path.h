/* The filters are found in $PATH, else in the directory of this program. */
#ifndef PRAIC_PATH_H
#define PRAIC_PATH_H

/* Add the program's own directory to the end of $PATH. */
void path_extend(void);

#endif
