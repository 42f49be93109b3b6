/*
 * One input, read in blocks, as a window of clean UTF-8 that moves along it.
 *
 * A place is a count of decoded bytes since the document's beginning.  The
 * window can be read again from any place that was not let go.
 */
#ifndef PRAIC_SOURCE_H
#define PRAIC_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "decode.h"

struct source;

/* fd is not closed; name, for messages, is kept. */
struct source *source_new(int fd, const char *name);
void source_free(struct source *);
const char *source_name(const struct source *);

/*
 * A document of so many bytes begins here: its places count from 0.  If it is
 * plain, it may end sooner, where the next one begins: source_at_next().
 */
void source_open(struct source *, uint64_t bytes, enum encoding, int plain);
int source_at_next(const struct source *);
/* Pass over what was not read of it.  Returns how many bytes were not there. */
uint64_t source_close(struct source *);

/*
 * What stands at a place: at least want bytes, less only at the end of the
 * input.  Valid until the next call that reads.
 */
const char *source_at(struct source *, uint64_t place, size_t want, size_t *have);

/* The same without reading on: what was read already. */
const char *source_have(const struct source *, uint64_t place, size_t *have);

/* Move a place to behind the next such text; what is before is let go.  -1 at
 * the end of the document. */
int source_pass(struct source *, uint64_t *place, const char *text);

/* Nothing before this place will be asked for again. */
void source_keep(struct source *, uint64_t place);

/* Where in the input, in bytes as they came, a place is that was not let go;
 * UINT64_MAX: what comes next. */
uint64_t source_offset(const struct source *, uint64_t place);

/* How many things were replaced by U+FFFD before a tag that was not let go. */
uint64_t source_replaced(const struct source *, uint64_t place);

/* Where the last tag over the limits begins; UINT64_MAX: there was none. */
uint64_t source_long_tag(const struct source *);

/* Was the end of the document, or of the input, read?  Is that in the middle
 * of a tag or the like?  Did reading fail (a message was given)? */
int source_ended(const struct source *);
int source_in_markup(const struct source *);
int source_failed(const struct source *);

/*
 * Between documents the bytes are read as they come: at least so many, less
 * only at the end of the input; and where they are.
 */
const char *source_raw(struct source *, size_t want, size_t *have);
uint64_t source_raw_offset(const struct source *);
/* Pass over so many bytes; returns how many there were. */
uint64_t source_skip(struct source *, uint64_t bytes);

#endif
