/* Reports that praic-split takes for cut: see sched_cut.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "sched_argv.h"
#include "sched_cut.h"

#define RECORDS "cut.rec"

/*
 * Out of memory is 75 as well, but may be over the next time.  Its words are
 * a line that nothing else can be: all others name a file.
 */
static int
is_cut(const struct stage *split)
{
	return split->code == EX_TEMPFAIL && strcmp(split->last, "praic-split: out of memory") != 0;
}

int
cut_is(const struct pipe *p)
{
	return p->code == EX_TEMPFAIL && !p->stopped && !p->late && is_cut(&p->stage[0]);
}

int64_t
cut_to_whole(int fd, int left_out)
{
	char block[1 << 16], mark[2 * NUM_SIZE + 8];
	off_t at = 0, end = 0;
	int64_t sessions = 0;
	int column = 0, is_end = 0, in_head = 1, n;
	ssize_t got, i;

	got = lseek(fd, 0, SEEK_SET) == -1 ? -1 : 1;
	while (got > 0 && (got = file_read(fd, block, sizeof(block))) > 0)
		for (i = 0; i < got; i++, at++) {
			if (column == 0)
				in_head = in_head && (block[i] == 'p' || block[i] == 'H');
			if (column < 2)
				is_end = (column == 0 || is_end) && block[i] == "E\t"[column];
			column += column < 2;
			if (block[i] != '\n')
				continue;
			is_end = is_end && column == 2;
			if (is_end || in_head)
				end = at + 1;
			sessions += is_end;
			column = is_end = 0;
		}
	n = snprintf(mark, sizeof(mark), "Z\t%lld\t%d\n", (long long)sessions, left_out);
	if (got == -1 || ftruncate(fd, end) == -1 || lseek(fd, end, SEEK_SET) == -1 ||
	    file_write(fd, mark, (size_t)n) == -1) {
		msg_errno("records that were cut");
		return -1;
	}
	return sessions;
}

int
cut_split(struct work *w, struct pipe *p, const char *xml, int bare, char **records)
{
	int64_t limit = p->limit;
	int code, fd = tspool_create(&w->spool, RECORDS);

	*records = NULL;
	if (fd == -1)
		return EX_CANTCREAT;
	pipe_free(p);
	pipe_init(p, w->where, limit);
	argv_split(p, xml, bare);
	p->out = fd;
	code = pipe_run(p);
	p->out = -1;
	/* Whatever else it is now, it was something that passes. */
	if (code == 0 || code == EX_DATAERR)
		code = EX_TEMPFAIL;
	else if (cut_is(p))
		code = cut_to_whole(fd, 1) == -1 ? EX_IOERR : 0;
	if (code != 0)
		tspool_drop(&w->spool, fd, RECORDS);
	else
		code = tspool_finish(&w->spool, fd, RECORDS);
	if (code == 0)
		*records = xasprintf("%s/tmp/" RECORDS, w->spool.path);
	return code;
}

int
cut_rest(struct work *w, struct pipe *p, struct pipe *rest, char *records)
{
	int i, code = pipe_run(rest);

	p->blame = 0;
	if (code != 0 && code != EX_DATAERR)
		p->blame = p->stages + rest->blame;
	for (i = 0; i < rest->stages; i++)
		p->stage[p->stages++] = rest->stage[i];
	rest->stages = 0;
	p->stopped = rest->stopped;
	p->late = rest->late;
	p->lines = rest->lines;
	p->seconds += rest->seconds;
	p->code = p->blame == 0 ? EX_DATAERR : code;
	free(records);
	return code_worse(p->code, tspool_remove(&w->spool, "tmp/" RECORDS));
}
