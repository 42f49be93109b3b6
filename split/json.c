/* Sessions as JSON: see json.h. */
#include <stdlib.h>

#include "code.h"
#include "file.h"
#include "json.h"
#include "msg.h"
#include "spool.h"

#define FLUSH_AT 65536

/* The arrays of a session that its tables become, in the order of the page. */
static const struct {
	enum table_id table;
	const char *name;
} arrays[] = {
    {TABLE_USER, "users"},
    {TABLE_TEAM, "teams"},
    {TABLE_CUSTOMER, "customers"},
    {TABLE_CUSTOM_ATTRIBUTE, "custom_attributes"},
    {TABLE_SESSION_EVENT, "events"},
    {TABLE_RECORDING, "recordings"},
};
#define ARRAYS (int)(sizeof(arrays) / sizeof(arrays[0]))

_Static_assert(ARRAYS + 1 == JSON_SCRATCHES, "one for each array, one for system information");

struct json {
	int fd;
	const char *name;
	int code;
	struct buf out;
	struct buf session; /* its own columns */
	struct spool array[TABLES];
	struct spool sysinfo; /* of the event that is open */
	int event_open, data;
};

struct json *
json_new(int fd, const char *name, const int scratch[JSON_SCRATCHES])
{
	struct json *j = xcalloc(1, sizeof(*j));
	int i;

	j->fd = fd;
	j->name = name;
	for (i = 0; i < ARRAYS; i++)
		j->array[arrays[i].table].fd = scratch[i];
	j->sysinfo.fd = scratch[ARRAYS];
	file_widen_pipe(fd);
	return j;
}

void
json_free(struct json *j)
{
	int i;

	if (j == NULL)
		return;
	for (i = 0; i < TABLES; i++)
		buf_free(&j->array[i].tail);
	buf_free(&j->sysinfo.tail);
	buf_free(&j->out);
	buf_free(&j->session);
	free(j);
}

static void
write_out(struct json *j, const char *p, size_t n)
{
	if (j->code == 0 && file_write(j->fd, p, n) == -1) {
		msg_errno("%s", j->name);
		j->code = EX_IOERR;
	}
}

static void
put(void *arg, const char *p, size_t n)
{
	struct json *j = arg;

	if (j->out.n + n >= FLUSH_AT) {
		write_out(j, j->out.p, j->out.n);
		buf_reset(&j->out);
	}
	if (n >= FLUSH_AT)
		write_out(j, p, n);
	else
		buf_add(&j->out, p, n);
}

static void
puts_(struct json *j, const char *text)
{
	put(j, text, strlen(text));
}

/*
 * A value of the record stream as one of JSON.  Its escapes (\t \n \r \\)
 * are JSON's own; the quotation mark is left, and control characters, which
 * no XML can hold but other writers' records might.
 */
static void
add_value(struct buf *b, enum table_type type, const char *p, size_t n)
{
	const char *end = p + n, *start;

	if (n == 2 && memcmp(p, "\\N", 2) == 0) {
		buf_adds(b, "null");
		return;
	}
	if (type == TABLE_INT) {
		buf_add(b, p, n);
		return;
	}
	if (type == TABLE_BOOL) {
		buf_adds(b, *p == '1' ? "true" : "false");
		return;
	}
	buf_addc(b, '"');
	for (start = p; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x20 && c != '"')
			continue;
		buf_add(b, start, (size_t)(p - start));
		if (c == '"')
			buf_adds(b, "\\\"");
		else
			buf_printf(b, "\\u%04x", c);
		start = p + 1;
	}
	buf_add(b, start, (size_t)(end - start));
	buf_addc(b, '"');
}

/* The columns of a row, without the braces around them. */
static void
add_columns(struct buf *b, enum table_id t, const char *p, const char *end)
{
	const char *tab;
	int c, first = 1;

	for (c = 0; c < table_list[t].columns && p != NULL; c++) {
		tab = memchr(p, '\t', (size_t)(end - p));
		/* Which event it is of is told by where it stands. */
		if (c > 0 || (t != TABLE_SESSION_EVENT_DATA && t != TABLE_SYSTEM_INFORMATION)) {
			buf_adds(b, first ? "\"" : ",\"");
			buf_adds(b, table_list[t].column[c].name);
			buf_adds(b, "\":");
			add_value(b, table_list[t].column[c].type, p,
			    (size_t)((tab != NULL ? tab : end) - p));
			first = 0;
		}
		p = tab != NULL ? tab + 1 : NULL;
	}
}

static void
to_events(void *arg, const char *p, size_t n)
{
	struct json *j = arg;

	spool_add(&j->array[TABLE_SESSION_EVENT], p, n);
}

static void
close_event(struct json *j)
{
	struct spool *events = &j->array[TABLE_SESSION_EVENT];

	if (!j->event_open)
		return;
	spool_adds(events, "],\"system_information\":[");
	spool_drain(&j->sysinfo, to_events, j);
	spool_adds(events, "]}");
	j->event_open = 0;
}

static void
one_row(struct json *j, const char *p, const char *end)
{
	const char *tab;
	struct spool *to;
	struct buf *b;
	int t, is_first;

	p += 2; /* R and TAB */
	tab = memchr(p, '\t', (size_t)(end - p));
	for (t = 0; t < TABLES; t++)
		if (table_list[t].name_n == (size_t)(tab - p) &&
		    memcmp(table_list[t].name, p, (size_t)(tab - p)) == 0)
			break;
	if (t == TABLES)
		return;
	if (t == TABLE_SESSION) {
		add_columns(&j->session, TABLE_SESSION, tab + 1, end);
		return;
	}
	if (t == TABLE_SESSION_EVENT)
		close_event(j);
	to = t == TABLE_SESSION_EVENT_DATA ? &j->array[TABLE_SESSION_EVENT] :
	    t == TABLE_SYSTEM_INFORMATION  ? &j->sysinfo :
					     &j->array[t];
	is_first = t == TABLE_SESSION_EVENT_DATA ? j->data++ == 0 : spool_empty(to);
	b = spool_open(to);
	buf_adds(b, is_first ? "{" : ",{");
	add_columns(b, (enum table_id)t, tab + 1, end);
	if (t == TABLE_SESSION_EVENT) {
		buf_adds(b, ",\"data\":[");
		j->event_open = 1;
		j->data = 0;
	} else
		buf_addc(b, '}');
	spool_close(to);
}

void
json_begin(struct json *j)
{
	int i;

	buf_trim(&j->session, FLUSH_AT);
	for (i = 0; i < ARRAYS; i++)
		spool_reset(&j->array[arrays[i].table]);
	spool_reset(&j->sysinfo);
	j->event_open = 0;
}

void
json_rows(struct json *j, const char *p, size_t n)
{
	const char *end = p + n, *lf;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		one_row(j, p, lf);
	}
}

void
json_commit(struct json *j)
{
	int i;

	close_event(j);
	for (i = 0; i < ARRAYS; i++)
		if (j->array[arrays[i].table].failed || j->sysinfo.failed)
			j->code = EX_IOERR;
	if (j->code != 0)
		return;
	puts_(j, "{");
	put(j, j->session.p, j->session.n);
	for (i = 0; i < ARRAYS; i++) {
		puts_(j, ",\"");
		puts_(j, arrays[i].name);
		puts_(j, "\":[");
		spool_drain(&j->array[arrays[i].table], put, j);
		puts_(j, "]");
	}
	puts_(j, "}\n");
}

int
json_code(const struct json *j)
{
	return j->code;
}

int
json_finish(struct json *j)
{
	write_out(j, j->out.p, j->out.n);
	buf_reset(&j->out);
	return j->code;
}
