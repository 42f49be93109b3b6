/*
 * Where sessions go: the record stream, or (-j) one JSON object a session.
 * Both take the rows as lines of the record stream, in its order.
 */
#ifndef PRAIC_OUTPUT_H
#define PRAIC_OUTPUT_H

#include "json.h"
#include "rec.h"

struct output;

/* With scratch, temporary files that are not closed, it is JSON. */
#define OUTPUT_SCRATCHES JSON_SCRATCHES
struct output *output_new(int fd, const char *name, const int *scratch);
void output_free(struct output *);

void output_begin(struct output *, struct rec_value host, struct rec_value lsid);
void output_rows(struct output *, const char *p, size_t n, uint64_t rows);
void output_xml(struct output *, const char *p, size_t n);
void output_commit(struct output *);
void output_drop(struct output *);

/* The end mark. */
void output_end(struct output *, uint64_t left_out);
/* Write what is still in memory.  0, or an exit code after a message. */
int output_finish(struct output *);
/* Nothing more can be written: 0 while it can, else the exit code. */
int output_failed(const struct output *);

#endif
