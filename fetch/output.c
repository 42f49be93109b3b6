/* Documents in frames to a descriptor: see output.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "frame.h"
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

/* The document's bytes as they came: the mark has promised as many. */
static int
copy(struct output *o, const struct document *d)
{
	uint64_t at = 0, left;
	ssize_t n;

	if (o->buffer == NULL)
		o->buffer = xmalloc(COPY_BYTES);
	while ((left = d->answer.bytes - at) > 0) {
		n = pread(
		    d->fd, o->buffer, left < COPY_BYTES ? (size_t)left : COPY_BYTES, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			msg_errno("temporary file for a report");
			return EX_IOERR;
		}
		if (put(o, o->buffer, (size_t)n) != 0)
			return EX_IOERR;
		at += (uint64_t)n;
	}
	return 0;
}

int
output_document(struct output *o, const struct document *d)
{
	char mark[FRAME_SIZE];
	int code;

	if (d->answer.kind != ANSWER_XML)
		return copy(o, d);
	o->documents++;
	if (!o->raw && (code = put(o, mark, frame_site(mark, o->site->name, d->answer.bytes))) != 0)
		return code;
	code = copy(o, d);
	return code != 0 ? code : put(o, "\n", 1);
}

int
output_end(struct output *o, int64_t until)
{
	char mark[FRAME_SIZE];

	return o->raw ? 0 : put(o, mark, frame_end(mark, o->documents, until != 0, until));
}
