/*
 * A line of the record stream as fields: for who reads streams (recread.c,
 * reccolumns.c) alone; others see values, in rec.h.
 */
#ifndef PRAIC_RECFIELD_H
#define PRAIC_RECFIELD_H

#include <sys/types.h>

#include "rec.h"

/* More fields than any stream has reason for; an H line with more is none. */
#define FIELD_MAX 256

struct field_space {
	struct buf scratch; /* values that held escapes */
	int escapes;	    /* the line at hand has any */
};

/* Cut a line at its TABs; all fields are counted, FIELD_MAX kept. */
int field_split(const char *line, size_t n, struct rec_value *field);

/* Before the fields of a line are unescaped; the values before are void. */
void field_line(struct field_space *, const char *line, size_t n);

/*
 * Undo the escapes of one field of that line.  The value points into the
 * line, or into the space where there were any.  -1 when an escape is none.
 */
static inline int field_unescape(
    struct field_space *, struct rec_value field, struct rec_value *value);

/* How long the value is; -1 when an escape is none.  NULL is 0. */
ssize_t field_length(struct rec_value field);
/* The same for text, which is characters that XML allows, no TAB, not NULL: else -1. */
ssize_t field_text_length(struct rec_value field);

int field_is(struct rec_value, const char *text);
int field_same(struct rec_value, struct rec_value);

/* Is the value what its column's type asks for? */
int field_well_typed(enum table_type, struct rec_value);

/* The same where the line has an escape, which few have. */
int field_unescape_any(struct field_space *, struct rec_value field, struct rec_value *value);

static inline int
field_unescape(struct field_space *s, struct rec_value field, struct rec_value *value)
{
	*value = field;
	return s->escapes ? field_unescape_any(s, field, value) : 0;
}

#endif
