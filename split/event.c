/* The events of a session: see event.h. */
#include <string.h>

#include "base64.h"
#include "event.h"

void
event_prepare(struct event *e, struct rows *rows)
{
	e->rows = rows;
	e->sysinfo = sysinfo_new();
}

void
event_free(struct event *e)
{
	row_free(&e->row);
	buf_free(&e->category);
	sysinfo_free(e->sysinfo);
}

void
event_begin_session(struct event *e)
{
	e->seq = 0;
}

void
event_begin(struct event *e)
{
	row_begin(&e->row, TABLE_SESSION_EVENT);
	row_set_number(&e->row, EVENT_SEQ, ++e->seq);
	e->values = 0;
	rows_event_open(e->rows);
}

void
event_complete(struct event *e)
{
	if (!rows_event_out(e->rows))
		rows_event(e->rows, &e->row);
}

/* The beginning of a row of the event's data, up to its value. */
static struct buf *
open_value(struct event *e, struct rec_value name)
{
	struct buf *line = rows_open(e->rows, ROWS_OF_EVENT);

	rec_row(line, TABLE_SESSION_EVENT_DATA);
	rec_int(line, e->seq);
	rec_int(line, ++e->values);
	rec_value(line, name);
	return line;
}

static void
close_value(struct event *e, struct buf *line)
{
	rec_end_row(line);
	rows_close(e->rows);
}

void
event_value(struct event *e, struct rec_value name, struct rec_value value)
{
	static const char download[] = "download_url", view[] = "view_url";
	struct buf *line;

	/* Signed addresses: whoever has them may need no login. */
	if ((name.n == sizeof(download) - 1 && memcmp(name.p, download, name.n) == 0) ||
	    (name.n == sizeof(view) - 1 && memcmp(name.p, view, name.n) == 0))
		return;
	line = open_value(e, name);
	rec_text(line, value.p, value.n);
	close_value(e, line);
}

void
event_leaf(struct event *e, const char *name, struct rec_value value)
{
	struct rec_value n = {name, strlen(name)};

	event_value(e, n, value);
}

const char *
event_encoded_body(struct event *e, struct rec_value base64)
{
	static const struct rec_value body = {"body", 4};
	struct buf *line;

	if (base64_check(base64.p, base64.n) == -1) {
		event_leaf(e, "encoded_body", base64);
		return "no base64; it is kept as it is";
	}
	line = open_value(e, body);
	buf_addc(line, '\t');
	base64_text(base64.p, base64.n, line);
	close_value(e, line);
	event_leaf(e, "encoded_body", base64);
	return NULL;
}

void
event_begin_category(struct event *e, struct rec_value name)
{
	e->has_category = name.p != NULL;
	buf_reset(&e->category);
	buf_add(&e->category, name.p, name.n);
	sysinfo_begin(e->sysinfo);
}

void
event_end_category(struct event *e)
{
	struct rec_value text = sysinfo_end(e->sysinfo);
	struct buf *line;

	if (sysinfo_refusal(e->sysinfo) != NULL)
		return;
	line = rows_open(e->rows, ROWS_OF_EVENT);
	rec_row(line, TABLE_SYSTEM_INFORMATION);
	rec_int(line, e->seq);
	if (e->has_category)
		rec_text(line, e->category.p, e->category.n);
	else
		rec_null(line);
	rec_text(line, text.p, text.n);
	rec_end_row(line);
	rows_close(e->rows);
}
