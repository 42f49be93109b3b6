/* Long lines from a descriptor: see lines.h. */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "lines.h"
#include "msg.h"

#define READ_SIZE ((size_t)256 * 1024)
/* What rec_take_in may hold: what is written while a batch is committed. */
#define TAKE_IN_SIZE ((size_t)4 << 20)
/* Of a line that is too long, this much is kept: enough to tell what it is. */
#define KEPT 64

void
lines_open(struct lines *l, int fd, const char *name, size_t max)
{
	struct stat st;

	memset(l, 0, sizeof(*l));
	l->fd = fd;
	l->name = name;
	l->max = max;
	l->line = "";
	l->is_pipe = fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
	file_widen_pipe(fd);
}

void
lines_close(struct lines *l)
{
	buf_free(&l->in);
}

/* Read once more.  0, or -1 at the end of the file or of what can be had. */
static int
read_more(struct lines *l)
{
	ssize_t n;

	if (l->ended)
		return -1;
	buf_reserve(&l->in, READ_SIZE);
	while ((n = read(l->fd, l->in.p + l->in.n, READ_SIZE)) == -1 && file_wait(l->fd, POLLIN))
		;
	if (n == -1) {
		msg_errno("%s", l->name);
		l->failed = 1;
	}
	if (n <= 0) {
		l->ended = 1;
		return -1;
	}
	l->in.n += (size_t)n;
	return 0;
}

/* What is before the line at hand is done with. */
static void
drop_lines(struct lines *l)
{
	buf_drop(&l->in, l->at);
	l->next -= l->at;
	l->at = 0;
}

void
lines_take_in(struct lines *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	int in_buffer = l->in.n > 0 && l->line == l->in.p + l->at;

	if (!l->is_pipe || l->ended)
		return;
	if (l->at >= TAKE_IN_SIZE / 2)
		drop_lines(l);
	while (l->in.n - l->at < TAKE_IN_SIZE && poll(&p, 1, 0) == 1 && read_more(l) == 0)
		;
	if (in_buffer)
		l->line = l->in.p + l->at;
}

int
lines_next(struct lines *l)
{
	size_t looked;
	char *lf;

	l->at = l->next;
	if (l->in.cap > 4 * READ_SIZE && l->in.n - l->at < READ_SIZE) {
		struct buf small = {0}; /* a huge line has gone by */

		buf_add(&small, l->in.p + l->at, l->in.n - l->at);
		buf_free(&l->in);
		l->in = small;
		l->at = l->next = 0;
	}
	l->too_long = 0;
	looked = l->at;
	for (;;) {
		lf = l->in.n > looked ? memchr(l->in.p + looked, '\n', l->in.n - looked) : NULL;
		if (lf != NULL)
			break;
		if (l->in.n - l->at >= l->max) {
			l->too_long = 1;
			l->in.n = l->at + KEPT;
		}
		looked = l->in.n - l->at;
		drop_lines(l);
		if (read_more(l) == -1) {
			l->line = l->in.n > 0 ? l->in.p : "";
			l->n = l->in.n;
			l->next = l->in.n;
			return -1;
		}
	}
	l->line = l->in.p + l->at;
	l->n = (size_t)(lf - l->line);
	l->next = (size_t)(lf - l->in.p) + 1;
	if (l->n + 1 > l->max)
		l->too_long = 1;
	return 0;
}
