/* Rows of the table file: see fetch.h. */
#include <string.h>

#include "fetch.h"
#include "msg.h"
#include "rec.h"

static void
text_or_null(struct buf *b, const char *p, size_t n)
{
	if (n > 0)
		rec_text(b, p, n);
	else
		rec_null(b);
}

static void
begin(struct buf *b, const char *kind, const char *instance)
{
	rec_row(b, TABLE_FILE);
	rec_text(b, kind, strlen(kind));
	text_or_null(b, instance, instance != NULL ? strlen(instance) : 0);
}

void
filerow_add(struct buf *b, const char *kind, const char *instance, const struct spool_file *f)
{
	char time[WHEN_SIZE] = "";
	struct buf type = {0};

	if (f->fetched_at > 0 && f->fetched_at <= WHEN_MAX)
		when_format(f->fetched_at, time);
	begin(b, kind, instance);
	rec_text(b, f->name, strlen(f->name));
	rec_text(b, f->extension, strlen(f->extension));
	msg_harmless(&type, f->type.p, f->type.n);
	text_or_null(b, type.p, type.n);
	buf_free(&type);
	rec_int(b, (int64_t)f->bytes);
	rec_text(b, f->sha256, strlen(f->sha256));
	text_or_null(b, time, strlen(time));
	rec_text(b, "came", 4);
	rec_null(b);
	rec_end_row(b);
}

void
filerow_add_outcome(
    struct buf *b, const char *kind, const char *instance, const char *outcome, const char *reason)
{
	int c;

	begin(b, kind, instance);
	for (c = FILE_NAME; c < FILE_OUTCOME; c++)
		rec_null(b);
	rec_text(b, outcome, strlen(outcome));
	rec_text(b, reason, strlen(reason));
	rec_end_row(b);
}
