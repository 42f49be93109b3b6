/* A destination of the settings database, as options. */
#ifndef TOFS_DESTINATION_H
#define TOFS_DESTINATION_H

/*
 * Gives each field that is set, by the name of its long option, to set (with
 * arg), until that returns an exit code that is not 0.  The values are kept.
 * 0, or an exit code after a message.
 */
int destination_load(const char *name, int (*set)(void *, const char *, const char *), void *arg);

#endif
