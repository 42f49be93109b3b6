/* Documents and marks to a descriptor: see output.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "output.h"

#define COPY_BYTES ((size_t)256 * 1024)

void
output_open(struct output *o, struct site *s, int fd, const char *name, int raw)
{
	memset(o, 0, sizeof(*o));
	o->site = s;
	o->fd = fd;
	o->name = name;
	o->raw = raw;
	file_widen_pipe(fd);
}

void
output_close(struct output *o)
{
	free(o->buffer);
	o->buffer = NULL;
}

static int
put(struct output *o, const char *p, size_t n)
{
	if (file_write(o->fd, p, n) == 0)
		return 0;
	msg_errno("%s", o->name);
	return EX_IOERR;
}

/* ASCII, in the form of the last document. */
static int
put_text(struct output *o, const char *text)
{
	struct buf b = {0};
	size_t i, n = strlen(text);
	int code;

	if (o->form == ANSWER_BYTES)
		return put(o, text, n);
	for (i = 0; i < n; i++) {
		if (o->form == ANSWER_UTF16BE)
			buf_addc(&b, '\0');
		buf_addc(&b, text[i]);
		if (o->form == ANSWER_UTF16LE)
			buf_addc(&b, '\0');
	}
	code = put(o, b.p, b.n);
	buf_free(&b);
	return code;
}

static int
put_mark(struct output *o, const char *end)
{
	char text[HOST_SIZE + 32];

	snprintf(text, sizeof(text), "<?praic-site %s?>%s", o->site->name, end);
	return put_text(o, text);
}

/* Bytes of the document from one place to another. */
static int
copy(struct output *o, const struct document *d, uint64_t from, uint64_t to)
{
	ssize_t n;

	if (o->buffer == NULL)
		o->buffer = xmalloc(COPY_BYTES);
	while (from < to) {
		n = pread(d->fd, o->buffer,
		    to - from < COPY_BYTES ? (size_t)(to - from) : COPY_BYTES, (off_t)from);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			msg_errno("temporary file for a report");
			return EX_IOERR;
		}
		if (put(o, o->buffer, (size_t)n) != 0)
			return EX_IOERR;
		from += (uint64_t)n;
	}
	return 0;
}

/*
 * How many bytes of the document the line end there takes; 0 when there is
 * none, -1 after a message.
 */
static int
line_end(const struct document *d, uint64_t at)
{
	size_t wide = d->answer.form == ANSWER_BYTES ? 1 : 2, i;
	size_t low = d->answer.form == ANSWER_UTF16BE;
	char c[4] = {0}, text[2] = {0};
	ssize_t n;

	do
		n = pread(d->fd, c, 2 * wide, (off_t)at);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		msg_errno("temporary file for a report");
		return -1;
	}
	for (i = 0; i < 2 && (i + 1) * wide <= (size_t)n; i++)
		if (wide == 1 || c[i * wide + 1 - low] == 0)
			text[i] = c[i * wide + (wide == 2 ? low : 0)];
	return text[0] == '\n' ? (int)wide : text[0] == '\r' && text[1] == '\n' ? 2 * (int)wide : 0;
}

/* Does it end in LF? */
static int
ends_line(const struct answer *a)
{
	const unsigned char *last = a->last + sizeof(a->last);

	switch (a->form) {
	case ANSWER_UTF16LE:
		return last[-2] == '\n' && last[-1] == 0;
	case ANSWER_UTF16BE:
		return last[-2] == 0 && last[-1] == '\n';
	case ANSWER_BYTES:
		break;
	}
	return last[-1] == '\n';
}

/*
 * The mark has a line of its own, behind the XML declaration and the line
 * end that follows it, or else before everything but a byte order mark.
 */
static int
marked(struct output *o, const struct document *d)
{
	const struct answer *a = &d->answer;
	uint64_t at = a->mark_at;
	const char *before = "";
	int code, end;

	if (a->declared) {
		end = line_end(d, at);
		if (end == -1)
			return EX_IOERR;
		at += (uint64_t)end;
		before = end == 0 ? "\n" : "";
	}
	if ((code = copy(o, d, 0, at)) != 0 || (code = put_text(o, before)) != 0 ||
	    (code = put_mark(o, "\n")) != 0)
		return code;
	return copy(o, d, at, a->bytes);
}

int
output_document(struct output *o, const struct document *d)
{
	const struct answer *a = &d->answer;
	int code;

	/* The next one starts on a line of its own, in whatever form. */
	if (o->open_line && (code = put_text(o, "\n")) != 0)
		return code;
	o->form = a->form;
	o->documents++;
	o->open_line = a->kind == ANSWER_XML && !ends_line(a);
	if (o->raw || a->kind != ANSWER_XML)
		return copy(o, d, 0, a->bytes);
	return marked(o, d);
}

int
output_end(struct output *o, int64_t until)
{
	char text[96];
	int n, code;

	if (o->raw)
		return 0;
	if (o->open_line && (code = put_text(o, "\n")) != 0)
		return code;
	if (o->documents == 0 && (code = put_mark(o, "")) != 0)
		return code;
	n = snprintf(
	    text, sizeof(text), "<?praic-end documents=\"%llu\"", (unsigned long long)o->documents);
	if (until != 0)
		n += snprintf(
		    text + n, sizeof(text) - (size_t)n, " until=\"%lld\"", (long long)until);
	snprintf(text + n, sizeof(text) - (size_t)n, "?>\n");
	return put_text(o, text);
}
