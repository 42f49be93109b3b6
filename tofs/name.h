/*
 * From a format and values to a name below DIRECTORY.  The values come from
 * strangers; whatever they hold, the name is relative, has no component that
 * is empty, ".", ".." or hidden, can be kept by Linux file systems and
 * Windows shares alike, and drives no terminal.  Where a value was changed a
 * short hash of the original follows, so that different values keep giving
 * different names.
 */
#ifndef TOFS_NAME_H
#define TOFS_NAME_H

#include <stdint.h>

#include "buf.h"
#include "format.h"
#include "rec.h"

/* Bytes that a component may have; the rest of the 255 that file systems
 * give is for the number that is added later. */
#define NAME_BUDGET 239

/*
 * Replaces what is in the buffer.  A value that is NULL counts as empty.
 * kind is the thing's.  fold: names that differ in case only would be one.
 */
void name_make(
    struct buf *, const struct format *, enum kind, const struct rec_value value[FIELDS], int fold);

/* The guide's AppendNumber: ".number" before the last dot of the last component. */
void name_number(struct buf *, const char *name, uint64_t number);

/* Undoes name_number: 1 and the name without its number, 0 when it has none. */
int name_unnumber(struct buf *, const char *name, size_t n);

/* Where the last component begins. */
const char *name_last(const char *name);

#endif
