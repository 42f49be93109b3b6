/*
 * The list of --left-out: what a program left out, for other programs.  Each line has
 * these fields, separated by TAB, with the escapes of the record stream:
 *
 *	host  lsid  kind  instance  code  sentence
 *
 * code is a fixed word for the reason.  An unknown field is \N.  The kind "stream" is
 * the input itself.  The Z line does not count entries of the list.
 */
#ifndef PRAIC_LEFTOUT_H
#define PRAIC_LEFTOUT_H

#include "rec.h"

struct leftout;

/* Make the file (mode 0600), or empty it; path is kept.  NULL after a message. */
struct leftout *leftout_open(const char *path);
/* The values and kind may be NULL; instance -1 means none.  A NULL list is fine, here
 * and below. */
void leftout_add(struct leftout *, struct rec_value host, struct rec_value lsid, const char *kind,
    int64_t instance, const char *code, const char *sentence);
/* Add what this event leaves out: REC_DROP a session, REC_EOF a fault of the stream. */
void leftout_read(struct leftout *, const struct rec_reader *, enum rec_event);
/* Write what is still in memory, close and free.  0, or EX_IOERR after a message. */
int leftout_finish(struct leftout *);

#endif
