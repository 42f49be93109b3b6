/*
 * The fields of a line of the record stream, for recread.c and a few others.  Most
 * programs use the values in rec.h.
 */
#ifndef PRAIC_RECFIELD_H
#define PRAIC_RECFIELD_H

#include <sys/types.h>

#include "rec.h"

/* The most fields of a line; an H line with more is refused. */
#define FIELD_MAX 256

struct field_space {
	struct buf scratch; /* unescaped values */
	int escapes;	    /* does the current line have escapes? */
};

/* Split a line at its TABs.  Returns the number of fields; FIELD_MAX are kept. */
int field_split(const char *line, size_t n, struct rec_value *field);

/* Prepare to unescape the fields of a line; this invalidates earlier values. */
void field_line(struct field_space *, const char *line, size_t n);

/*
 * Unescape a field of that line.  The value points into the line, or into the space if
 * it has escapes.  -1 for a bad escape.
 */
static inline int field_unescape(
    struct field_space *, struct rec_value field, struct rec_value *value);

/* The length of the value; -1 for a bad escape.  NULL has the length 0. */
ssize_t field_length(struct rec_value field);
/* The same for text; -1 also for NULL, a TAB, or a character that XML forbids. */
ssize_t field_text_length(struct rec_value field);

int field_is(struct rec_value, const char *text);
int field_same(struct rec_value, struct rec_value);

/* Does the value have the form of its column's type? */
int field_well_typed(enum table_type, struct rec_value);

/* field_unescape() for a line with escapes, which are rare. */
int field_unescape_any(struct field_space *, struct rec_value field, struct rec_value *value);

static inline int
field_unescape(struct field_space *s, struct rec_value field, struct rec_value *value)
{
	*value = field;
	return s->escapes ? field_unescape_any(s, field, value) : 0;
}

#endif
