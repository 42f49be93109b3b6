/* A row of the table file: see filerow.h. */
#include <string.h>

#include "filerow.h"
#include "rec.h"
#include "when.h"

static void
text_or_null(struct buf *b, const char *p, size_t n)
{
	if (n > 0)
		rec_text(b, p, n);
	else
		rec_null(b);
}

void
filerow_add(struct buf *b, const char *kind, const char *instance, const struct spool_file *f)
{
	char time[WHEN_SIZE] = "";

	if (f->fetched_at > 0 && f->fetched_at <= WHEN_MAX)
		when_format(f->fetched_at, time);
	rec_row(b, TABLE_FILE);
	rec_text(b, kind, strlen(kind));
	text_or_null(b, instance, instance != NULL ? strlen(instance) : 0);
	rec_text(b, f->name, strlen(f->name));
	rec_text(b, f->extension, strlen(f->extension));
	text_or_null(b, f->type.p, f->type.n);
	rec_int(b, (int64_t)f->bytes);
	rec_text(b, f->sha256, strlen(f->sha256));
	text_or_null(b, time, strlen(time));
	rec_end_row(b);
}
