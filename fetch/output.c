/* Documents in frames to a descriptor: see fetch.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "fetch.h"
#include "file.h"
#include "frame.h"
#include "msg.h"

#define CAPITALS   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LONGEST	   200 /* of a name without its extension */
#define COPY_BYTES ((size_t)256 * 1024)

int
output_open(struct output *o, struct site *s, const char *spool, int raw)
{
	int code;

	memset(o, 0, sizeof(*o));
	o->site = s;
	o->fd = 1;
	o->name = spool != NULL ? spool : "standard output";
	o->raw = raw;
	if (spool == NULL) {
		file_widen_pipe(1);
		return 0;
	}
	if ((code = spool_open(&o->spool, spool)) != 0)
		return code;
	o->spooled = 1;
	o->fd = spool_create(&o->spool, o->tmp);
	if (o->fd == -1) {
		spool_close(&o->spool);
		return EX_CANTCREAT;
	}
	return 0;
}

static int
put(struct output *o, const char *p, size_t n)
{
	if (file_write(o->fd, p, n) == 0)
		return 0;
	msg_errno("%s", o->name);
	return EX_IOERR;
}

int
output_copy(struct output *o, int fd, uint64_t bytes)
{
	uint64_t at = 0, left;
	ssize_t n;

	if (o->buffer == NULL)
		o->buffer = xmalloc(COPY_BYTES);
	while ((left = bytes - at) > 0) {
		n = pread(fd, o->buffer, left < COPY_BYTES ? (size_t)left : COPY_BYTES, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			msg_errno("temporary file in %s", file_scratch_dir());
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
		return output_copy(o, d->fd, d->answer.bytes);
	o->documents++;
	if (!o->raw && (code = put(o, mark, frame_site(mark, o->site->name, d->answer.bytes))) != 0)
		return code;
	code = output_copy(o, d->fd, d->answer.bytes);
	return code != 0 ? code : put(o, "\n", 1);
}

int
output_end(struct output *o, int64_t until)
{
	char mark[FRAME_SIZE];

	return o->raw ? 0 : put(o, mark, frame_end(mark, o->documents, until != 0, until));
}

static int
print(const char *path, const char *name)
{
	struct buf b = {0};
	int code = 0;

	buf_printf(&b, "%s/%s\n", path, name);
	if (file_write(1, b.p, b.n) == -1) {
		msg_errno("standard output");
		code = EX_IOERR;
	}
	buf_free(&b);
	return code;
}

int
output_close(struct output *o, int code, const char *name)
{
	free(o->buffer);
	o->buffer = NULL;
	if (!o->spooled)
		return code;
	if (code != 0)
		spool_discard(&o->spool, o->fd, o->tmp);
	else {
		code = spool_publish(&o->spool, o->fd, o->tmp, name);
		if (code == 0)
			code = print(o->spool.path, name);
	}
	spool_close(&o->spool);
	return code;
}

void
output_time(struct buf *b, int64_t t)
{
	char text[WHEN_SIZE];

	when_format(t, text);
	buf_printf(b, "%.4s%.2s%.5s%.2s%.3s", text, text + 5, text + 8, text + 14, text + 17);
}

/* Shorten a name that is too long, and add a hash of all of it. */
static void
settle(char out[SPOOL_NAME], struct buf *b, const char *extension)
{
	char hex[SHA256_HEX];
	struct sha256 *h;

	if (b->n > LONGEST) {
		h = sha256_new();
		sha256_add(h, b->p, b->n);
		sha256_hex(h, hex);
		sha256_free(h);
		b->n = LONGEST - 34;
		buf_printf(b, "-_%.32s", hex);
	}
	snprintf(out, SPOOL_NAME, "%s.%s", buf_text(b), extension);
	buf_free(b);
}

static const char *
extension_of(const struct answer *a)
{
	switch (a->kind) {
	case ANSWER_JSON:
		return "json";
	case ANSWER_TEXT:
		return "txt";
	case ANSWER_BINARY:
		return a->extension;
	default:
		return "xml";
	}
}

void
output_name(char out[SPOOL_NAME], const struct site *s, const struct question *q,
    const struct answer *a, int64_t at)
{
	struct buf b = {0};
	int timed = 0;
	size_t i;

	spool_escape(&b, s->name, strlen(s->name), "-");
	buf_printf(&b, "-%s", q->report);
	for (i = 0; i < q->n; i++) {
		buf_printf(&b, "-%s=", q->param[i].name);
		spool_escape(&b, q->param[i].value, strlen(q->param[i].value), CAPITALS "-");
		timed |= strstr(q->param[i].name, "time") != NULL ||
		    strstr(q->param[i].name, "date") != NULL;
	}
	if (!timed && at > 0 && at <= WHEN_MAX) {
		buf_addc(&b, '-');
		output_time(&b, at);
	}
	settle(out, &b, extension_of(a));
}

void
output_sessions(char out[SPOOL_NAME], const struct site *s, const char *what)
{
	struct buf b = {0};

	spool_escape(&b, s->name, strlen(s->name), "-");
	buf_adds(&b, "-sessions-");
	spool_escape(&b, what, strlen(what), CAPITALS "-");
	settle(out, &b, "xml");
}
