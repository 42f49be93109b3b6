/* Standard output, or a file of the spool: see target.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "sha256.h"
#include "target.h"
#include "when.h"

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LONGEST	 200

int
target_open(struct target *t, const char *spool)
{
	int code;

	memset(t, 0, sizeof(*t));
	t->fd = 1;
	if (spool == NULL)
		return 0;
	if ((code = spool_open(&t->spool, spool)) != 0)
		return code;
	t->spooled = 1;
	t->fd = spool_create(&t->spool, t->tmp);
	if (t->fd == -1) {
		spool_close(&t->spool);
		return EX_CANTCREAT;
	}
	return 0;
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
target_close(struct target *t, int code, const char *name)
{
	if (!t->spooled)
		return code;
	if (code != 0)
		spool_discard(&t->spool, t->fd, t->tmp);
	else {
		code = spool_publish(&t->spool, t->fd, t->tmp, name);
		if (code == 0)
			code = print(t->spool.path, name);
	}
	spool_close(&t->spool);
	return code;
}

void
target_time(struct buf *b, int64_t t)
{
	char text[WHEN_SIZE];

	when_format(t, text);
	buf_printf(b, "%.4s%.2s%.5s%.2s%.3s", text, text + 5, text + 8, text + 14, text + 17);
}

/* A name that fits, or as much of it as fits and a hash of it all. */
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
target_name(char out[SPOOL_NAME], const struct site *s, const struct question *q,
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
		target_time(&b, at);
	}
	settle(out, &b, extension_of(a));
}

void
target_sessions(char out[SPOOL_NAME], const struct site *s, const char *what)
{
	struct buf b = {0};

	spool_escape(&b, s->name, strlen(s->name), "-");
	buf_adds(&b, "-sessions-");
	spool_escape(&b, what, strlen(what), CAPITALS "-");
	settle(out, &b, "xml");
}
