/* Values of the record stream as JSON (RFC 8259). */
#ifndef TOJSON_JSON_H
#define TOJSON_JSON_H

#include "held.h"
#include "rec.h"

/* A text between quotation marks. */
void json_text(struct held *, struct rec_value);
/* A value by its type: null, true, a number, or a text. */
void json_value(struct held *, enum table_type, struct rec_value);
/* The columns of a row from this one on, without the braces around them. */
void json_columns(struct held *, enum table_id, const struct rec_value *, int from);

#endif
