/* Values of the record stream as JSON (RFC 8259). */
#ifndef PRAIC_JSON_H
#define PRAIC_JSON_H

#include "rec.h"
#include "strand.h"

/* A text between quotation marks. */
void json_text(struct buf *, const char *p, size_t n);
/* A value by its type: null, true, a number, or a text. */
void json_value(struct buf *, enum table_type, struct rec_value);
/* ,"name": and the value. */
void json_member(struct buf *, const char *name, enum table_type, struct rec_value);

/* The same where values of any length wait. */
void json_add_value(struct strands *, struct strand *, enum table_type, struct rec_value);

/* Call it once before json_add_columns(). */
void json_start(void);
/* The columns of a row from this one on, without the braces around them. */
void json_add_columns(
    struct strands *, struct strand *, enum table_id, const struct rec_value *, int from);

#endif
