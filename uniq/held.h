/*
 * The session that is being read, held back until it is complete, and the
 * record stream that the sessions go out to.  Lines are passed on as they
 * came, so that tables and columns of later versions pass, too.
 */
#ifndef UNIQ_HELD_H
#define UNIQ_HELD_H

#include "digests.h"
#include "rec.h"

struct held;

/* fd is not closed; name, for messages, is kept. */
struct held *held_new(int fd, const char *name);
void held_free(struct held *);

/*
 * A stream begins in the input.  If its head differs from that of the output,
 * the output's stream ends, with this many left out, and another one begins;
 * left_out -1: it ends without its end mark.  1 if it ends, else 0.
 */
int held_stream(struct held *, struct rec_value head, int64_t left_out);

void held_begin(struct held *, const char *line, size_t n);
void held_row(struct held *, const char *line, size_t n);
void held_xml(struct held *, const char *line, size_t n);
/* The session is complete: its last line, and the digest of its content. */
struct digest held_end(struct held *, const char *line, size_t n);
/* Write that session, or forget it.  A session that is not complete can only
 * be forgotten. */
void held_write(struct held *);
void held_forget(struct held *);

/* End the last stream, if there is one, as held_stream does, and write what is
 * still in memory. */
void held_finish(struct held *, int64_t left_out);
/* 0, or EX_IOERR after a message. */
int held_code(const struct held *);
/* The reader of the output has gone: there was no message. */
int held_reader_gone(const struct held *);

#endif
