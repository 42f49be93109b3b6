/*
 * The list of --left-out: what a program left out, for other programs.  One
 * line each, TAB-separated, with the escapes of the record stream:
 *
 *	host  lsid  kind  instance  code  sentence
 *
 * code is one fixed word that says why; what is not known is \N, and kind
 * "stream" is the input itself.  What is in
 * the list is not counted in the Z line: the reader of the list knows of it.
 */
#ifndef PRAIC_LEFTOUT_H
#define PRAIC_LEFTOUT_H

#include "rec.h"

struct leftout;

/* Make the file (mode 0600), or empty it; path is kept.  NULL after a message. */
struct leftout *leftout_open(const char *path);
/* The values and kind may be NULL; instance is -1 for none.  A NULL list is fine;
 * so it is below. */
void leftout_add(struct leftout *, struct rec_value host, struct rec_value lsid, const char *kind,
    int64_t instance, const char *code, const char *sentence);
/* What this event says of the input: REC_DROP, or REC_EOF for the stream itself. */
void leftout_read(struct leftout *, const struct rec_reader *, enum rec_event);
/* Write what is still in memory, close and free.  0, or EX_IOERR after a message. */
int leftout_finish(struct leftout *);

#endif
