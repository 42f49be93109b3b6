/*
 * One JSON object a session, on a line of its own (RFC 8259, in the manner
 * of NDJSON): the session's columns, then users, teams, customers,
 * custom_attributes, events (each with its data and system_information) and
 * recordings.  Made of the record stream's lines.
 */
#ifndef PRAIC_JSON_H
#define PRAIC_JSON_H

#include "rec.h"

struct json;

/* Temporary files for what is too much for memory, one for each thing that
 * a session may have any number of. */
#define JSON_SCRATCHES 7

/* They are not closed. */
struct json *json_new(int fd, const char *name, const int scratch[JSON_SCRATCHES]);
void json_free(struct json *);

void json_begin(struct json *);
void json_rows(struct json *, const char *p, size_t n);
void json_commit(struct json *);
/* 0, or an exit code after a message. */
int json_finish(struct json *);
int json_code(const struct json *);

#endif
