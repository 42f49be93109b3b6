/* Where sessions go: see output.h. */
#include <stdlib.h>

#include "code.h"
#include "json.h"
#include "output.h"

struct output {
	struct rec_writer *records; /* either */
	struct json *json;	    /* or */
};

struct output *
output_new(int fd, const char *name, const int *scratch)
{
	struct output *o = xcalloc(1, sizeof(*o));

	if (scratch != NULL)
		o->json = json_new(fd, name, scratch);
	else {
		o->records = rec_new(fd, name);
		rec_head(o->records, TABLE_SET_REPORT);
	}
	return o;
}

void
output_free(struct output *o)
{
	if (o == NULL)
		return;
	rec_free(o->records);
	json_free(o->json);
	free(o);
}

void
output_begin(struct output *o, struct rec_value host, struct rec_value lsid)
{
	if (o->json != NULL)
		json_begin(o->json);
	else
		rec_begin(o->records, host, lsid);
}

void
output_rows(struct output *o, const char *p, size_t n, uint64_t rows)
{
	if (o->json != NULL)
		json_rows(o->json, p, n);
	else
		rec_rows(o->records, p, n, rows);
}

void
output_xml(struct output *o, const char *p, size_t n)
{
	if (o->json == NULL)
		rec_xml(o->records, p, n);
}

void
output_commit(struct output *o)
{
	if (o->json != NULL)
		json_commit(o->json);
	else
		rec_commit(o->records);
}

void
output_drop(struct output *o)
{
	if (o->json == NULL)
		rec_drop(o->records);
}

void
output_end(struct output *o, uint64_t left_out)
{
	if (o->json == NULL)
		rec_end(o->records, left_out);
}

int
output_finish(struct output *o)
{
	return o->json != NULL ? json_finish(o->json) : rec_finish(o->records);
}

int
output_failed(const struct output *o)
{
	if (o->json != NULL)
		return json_code(o->json);
	return rec_failed(o->records) ? EX_IOERR : 0;
}
