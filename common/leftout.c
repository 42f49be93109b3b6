/* The list of --left-out: see leftout.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "leftout.h"
#include "msg.h"

#define FLUSH_AT 65536

struct leftout {
	const char *path;
	int fd, failed;
	struct buf text;
};

struct leftout *
leftout_open(const char *path)
{
	struct leftout *l;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd == -1) {
		msg_errno("%s", path);
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	l->path = path;
	l->fd = fd;
	return l;
}

static void
flush(struct leftout *l)
{
	if (!l->failed && file_write(l->fd, l->text.p, l->text.n) == -1) {
		msg_errno("%s", l->path);
		l->failed = 1;
	}
	buf_reset(&l->text);
}

static void
add(struct buf *b, const char *p, size_t n)
{
	if (p != NULL)
		rec_escape(b, p, n);
	else
		buf_adds(b, "\\N");
}

void
leftout_add(struct leftout *l, struct rec_value host, struct rec_value lsid, const char *kind,
    int64_t instance, const char *code, const char *sentence)
{
	struct buf *b;

	if (l == NULL)
		return;
	b = &l->text;
	add(b, host.p, host.n);
	buf_addc(b, '\t');
	add(b, lsid.p, lsid.n);
	buf_addc(b, '\t');
	add(b, kind, kind != NULL ? strlen(kind) : 0);
	if (instance >= 0)
		buf_printf(b, "\t%lld", (long long)instance);
	else
		buf_adds(b, "\t\\N");
	buf_printf(b, "\t%s\t", code);
	add(b, sentence, strlen(sentence));
	buf_addc(b, '\n');
	if (b->n >= FLUSH_AT)
		flush(l);
}

void
leftout_read(struct leftout *l, const struct rec_reader *r, enum rec_event e)
{
	static const struct rec_value none;

	if (e == REC_DROP && !r->cut)
		leftout_add(l, r->host, r->lsid, "session", -1, r->code, r->reason);
	else if (e == REC_EOF && r->fault != NULL)
		leftout_add(l, none, none, "stream", -1, "malformed", r->fault);
}

int
leftout_finish(struct leftout *l)
{
	int failed;

	if (l == NULL)
		return 0;
	flush(l);
	if (close(l->fd) == -1 && !l->failed) {
		msg_errno("%s", l->path);
		l->failed = 1;
	}
	failed = l->failed;
	buf_free(&l->text);
	free(l);
	return failed ? EX_IOERR : 0;
}
