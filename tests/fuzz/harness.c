/* praic-split within one process: see harness.h. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "harness.h"
#include "msg.h"
#include "split.h"

static int in_fd, out_fd, null_fd, standard_error;
static int piece;
static unsigned piece_state;

ssize_t __real_read(int, void *, size_t);
ssize_t __wrap_read(int, void *, size_t);

ssize_t
__wrap_read(int fd, void *p, size_t n)
{
	size_t most = n;

	if (piece > 0)
		most = (size_t)piece;
	else if (piece < 0) {
		piece_state = piece_state * 1103515245 + 12345;
		most = 1 + (piece_state >> 16) % (unsigned)-piece;
	}
	return __real_read(fd, p, n < most ? n : most);
}

static int
memory_file(void)
{
	int fd = memfd_create("harness", 0);

	if (fd == -1)
		err(1, "memfd_create");
	return fd;
}

void
harness_start(void)
{
	in_fd = memory_file();
	out_fd = memory_file();
	if ((null_fd = open("/dev/null", O_WRONLY)) == -1 || (standard_error = dup(2)) == -1)
		err(1, "/dev/null");
	msg_start("praic-split");
	parse_prepare();
	harness_words(0);
}

void
harness_words(int on)
{
	if (dup2(on ? standard_error : null_fd, 2) == -1)
		_exit(1);
}

static void
fill(int fd, const void *p, size_t n)
{
	if (lseek(fd, 0, SEEK_SET) == -1 || ftruncate(fd, 0) == -1 || file_write(fd, p, n) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1)
		abort();
}

int
harness_run(const void *input, size_t n, const struct harness_options *o, struct buf *to)
{
	struct report_options options = {.no_xml = o->no_xml, .strict = o->strict};
	struct rec_writer *out;
	struct report *report;
	off_t size;
	int code;

	fill(in_fd, input, n);
	fill(out_fd, "", 0);
	out = rec_new(out_fd, "output");
	rec_head(out, TABLE_SET_REPORT);
	report = report_new(out, &options);
	piece = o->piece;
	piece_state = 1;
	(void)input_read(report, o->host, in_fd, "input");
	piece = 0;
	code = report->code;
	if (code == 0 || code == EX_DATAERR)
		rec_end(out, report->left_out);
	code = code_worse(code, rec_finish(out));
	report_free(report);
	rec_free(out);

	size = lseek(out_fd, 0, SEEK_END);
	buf_reset(to);
	buf_reserve(to, (size_t)size + 1);
	if (pread(out_fd, to->p, (size_t)size, 0) != size)
		abort();
	to->n = (size_t)size;
	return code;
}

int
harness_read(const struct buf *out, struct harness_sessions *s)
{
	struct rec_reader *r;
	struct harness_session *now = NULL;
	struct rec_value xml;
	const char *base, *lf;
	uint64_t line = 0;
	enum rec_event e;
	int code;

	fill(in_fd, out->p, out->n);
	r = rec_open(in_fd, "output");
	s->n = 0;
	base = out->p;
	do {
		e = rec_next(r);
		if (e == REC_BEGIN || e == REC_COMMIT)
			for (; line + (e == REC_BEGIN) < r->lineno; line++) {
				lf = memchr(base, '\n', (size_t)(out->p + out->n - base));
				base = lf + 1;
			}
		if (e == REC_BEGIN) {
			if (s->n == s->cap) {
				s->cap = s->cap == 0 ? 16 : 2 * s->cap;
				s->session = xrealloc(s->session, s->cap * sizeof(*s->session));
				memset(s->session + s->n, 0, (s->cap - s->n) * sizeof(*s->session));
			}
			now = &s->session[s->n];
			now->from = (size_t)(base - out->p);
			buf_reset(&now->xml);
		} else if (e == REC_XML) {
			xml = rec_xml_text(r);
			buf_add(&now->xml, xml.p, xml.n);
		} else if (e == REC_COMMIT) {
			now->to = (size_t)(base - out->p);
			s->n++;
		}
	} while (e != REC_EOF);
	code = rec_code(r);
	rec_close(r);
	return code;
}

void
harness_forget(struct harness_sessions *s)
{
	size_t i;

	for (i = 0; i < s->cap; i++)
		buf_free(&s->session[i].xml);
	free(s->session);
	memset(s, 0, sizeof(*s));
}

/* Does the XML of a session, as a document, give the same records? */
static int
same_again(
    const struct buf *out, const struct harness_session *session, const struct harness_options *o)
{
	struct harness_options alone = *o;
	struct harness_sessions two = {0};
	struct buf again = {0};
	const char *host = out->p + session->from + 2, *tab = strchr(host, '\t');
	char *name = xstrndup(host, (size_t)(tab - host));
	int same;

	alone.host = name;
	same = harness_run(session->xml.p, session->xml.n, &alone, &again) == 0 &&
	    harness_read(&again, &two) == 0 && two.n == 1 &&
	    two.session[0].to - two.session[0].from == session->to - session->from &&
	    memcmp(again.p + two.session[0].from, out->p + session->from,
		session->to - session->from) == 0;
	free(name);
	buf_free(&again);
	harness_forget(&two);
	return same;
}

const char *
harness_check(const void *input, size_t n, const struct harness_options *o)
{
	static struct buf out;
	static struct harness_sessions sessions;
	int code = harness_run(input, n, o, &out), reader;
	const char *wrong = NULL;
	size_t i;

	if (code != 0 && code != EX_USAGE && code != EX_DATAERR && code != EX_TEMPFAIL)
		return "an exit code that is not in the table";
	reader = harness_read(&out, &sessions);
	if (reader != (code == EX_USAGE ? EX_TEMPFAIL : code))
		return "the reader takes the stream for another exit code";
	for (i = 0; i < sessions.n && wrong == NULL; i++)
		if (!o->no_xml && !same_again(&out, &sessions.session[i], o))
			wrong = "a session's XML does not give the same lines again";
	return wrong;
}
