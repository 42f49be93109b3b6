/* Reads the record stream: see rec.h.  praic-records(5), "Meaning", has the rules; all
 * else is refused. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "recfield.h"
#include "utf8.h"

/* ---- lines, read in big pieces ------------------------------------------- */

#define READ_SIZE ((size_t)256 * 1024)
/* The limit of rec_take_in: what a writer writes while a batch is committed. */
#define TAKE_IN_SIZE ((size_t)4 << 20)
/* So much is kept of a line that is too long: enough to know its kind. */
#define KEPT 64

struct lines {
	/* the current line without its LF; at the end of the input, the text after the
	 * last LF */
	const char *line;
	size_t n;
	int too_long; /* only the beginning of the line is kept */
	int failed;   /* a read failed, after a message */

	int fd;
	const char *name;
	int is_pipe, ended;
	struct buf in;	 /* input, with the current line */
	size_t at, next; /* offsets of the current and the next line */
};

static void
lines_open(struct lines *l, int fd, const char *name)
{
	struct stat st;

	l->fd = fd;
	l->name = name;
	l->line = "";
	l->is_pipe = fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
	file_widen_pipe(fd);
}

/* Read once.  0, or -1 at the end of the file or after a failure. */
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

/* Drop the input before the current line. */
static void
drop_lines(struct lines *l)
{
	buf_drop(&l->in, l->at);
	l->next -= l->at;
	l->at = 0;
}

/* Read what a pipe holds, without waiting, up to a limit.  The current line stays, though
 * it may move. */
static void
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

/* The next line.  0, or -1 at the end of the input or after a failure. */
static int
lines_next(struct lines *l)
{
	size_t looked;
	char *lf;

	l->at = l->next;
	if (l->in.cap > 4 * READ_SIZE && l->in.n - l->at < READ_SIZE) {
		struct buf small = {0}; /* the last line was huge */

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
		if (l->in.n - l->at >= REC_MAX_LINE) {
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
	if (l->n + 1 > REC_MAX_LINE)
		l->too_long = 1;
	return 0;
}

/* ---- what the H lines say ------------------------------------------------ */

/* The most tables of later versions, which this program does not know. */
#define COLUMNS_MAX_OTHERS 64

struct columns {
	/* for each table: is it in the stream, how many columns does it have there,
	 * and which field (from 2) has a column of ours (-1: none) */
	int declared[TABLES];
	int columns[TABLES];
	int field[TABLES][TABLE_MAX_COLUMNS];
	/* for tables of later versions: their names, in one buffer, and numbers of
	 * columns */
	struct buf others;
	struct {
		size_t name, n;
		int columns;
	} other[COLUMNS_MAX_OTHERS];
	int other_n;
};

static void
columns_reset(struct columns *k)
{
	memset(k->declared, 0, sizeof(k->declared));
	buf_reset(&k->others);
	k->other_n = 0;
}

static int
find_other(const struct columns *k, struct rec_value name)
{
	int i;

	for (i = 0; i < k->other_n; i++)
		if (k->other[i].n == name.n &&
		    memcmp(k->others.p + k->other[i].name, name.p, name.n) == 0)
			return i;
	return -1;
}

static int
find(struct rec_value name)
{
	int t;

	for (t = 0; t < TABLES; t++)
		if (name.n == table_list[t].name_n &&
		    memcmp(name.p, table_list[t].name, name.n) == 0)
			break;
	return t;
}

/* Read an H line.  Returns its table, TABLES for one of a later version, or -1 for a bad
 * line. */
static int
columns_add(struct columns *k, const char *line, size_t length)
{
	struct rec_value field[FIELD_MAX];
	int n = field_split(line, length, field), t, c, f, g;

	if (n < 3 || n > FIELD_MAX || utf8_valid(line, length) != length)
		return -1;
	for (f = 1; f < n; f++) {
		if (field[f].n == 0 || memchr(field[f].p, '\\', field[f].n) != NULL)
			return -1;
		for (g = 2; g < f; g++)
			if (field_same(field[f], field[g]))
				return -1;
	}
	t = find(field[1]);
	if (t == TABLES) {
		/* Of a later version: its rows are checked and skipped. */
		if (k->other_n == COLUMNS_MAX_OTHERS || find_other(k, field[1]) != -1)
			return -1;
		k->other[k->other_n].name = k->others.n;
		k->other[k->other_n].n = field[1].n;
		k->other[k->other_n++].columns = n - 2;
		buf_add(&k->others, field[1].p, field[1].n);
		return t;
	}
	if (k->declared[t])
		return -1;
	k->declared[t] = 1;
	k->columns[t] = n - 2;
	for (c = 0; c < table_list[t].columns; c++) {
		k->field[t][c] = -1;
		for (f = 2; f < n; f++)
			if (field_is(field[f], table_list[t].column[c].name))
				k->field[t][c] = f;
	}
	return t;
}

/* The table of a row, and its number of columns.  TABLES for one of a later version, -1
 * if no H line names it. */
static int
columns_table(const struct columns *k, struct rec_value name, int *columns)
{
	int t = find(name), i;

	if (t == TABLES) {
		i = find_other(k, name);
		*columns = i == -1 ? 0 : k->other[i].columns;
		return i == -1 ? -1 : TABLES;
	}
	*columns = k->columns[t];
	return k->declared[t] ? t : -1;
}

/* The name of the column in a field, for messages. */
static const char *
columns_name(const struct columns *k, int t, int f)
{
	int c;

	for (c = 0; t < TABLES && c < table_list[t].columns; c++)
		if (k->field[t][c] == f)
			return table_list[t].column[c].name;
	return "(a later version's column)";
}

/* ---- the reader ---------------------------------------------------------- */

/* Codes for a list of --left-out. */
#define MALFORMED "malformed"
#define FORBIDDEN "forbidden" /* a character that XML forbids */

enum where {
	AT_START, /* before a stream's first line */
	AT_HEAD,  /* among the H lines */
	AT_TOP,	  /* between sessions */
	IN_SESSION,
	IN_BAD_SESSION, /* left out: its lines are skipped */
	AT_END
};

struct rec_state {
	const char *name;
	int code;
	enum where where;
	int first;    /* no stream has begun yet */
	int dropping; /* the next event is REC_DROP */
	int pending;  /* look at the current line (again) */
	int close_fd; /* with the reader */
	struct lines in;

	struct field_space space;
	struct buf session; /* host and lsid of the session begun */
	struct buf reason;
	const char *drop_code;
	struct buf fault;

	/* of this stream */
	struct columns columns;
	struct buf head;
	uint64_t stream_complete;
	uint64_t xml_bytes, xml_lines, session_rows;
};

struct rec_reader *
rec_open(int fd, const char *name)
{
	struct rec_reader *r = xcalloc(1, sizeof(*r));

	r->state = xcalloc(1, sizeof(*r->state));
	lines_open(&r->state->in, fd, name);
	r->state->name = name;
	r->state->first = 1;
	return r;
}

struct rec_reader *
rec_open_operand(const char *name)
{
	struct rec_reader *r;
	int fd;

	if (strcmp(name, "-") == 0)
		return rec_open(STDIN_FILENO, "standard input");
	if ((fd = open(name, O_RDONLY | O_CLOEXEC)) == -1) {
		msg_errno("%s", name);
		return NULL;
	}
	r = rec_open(fd, name);
	r->state->close_fd = 1;
	return r;
}

void
rec_close(struct rec_reader *r)
{
	if (r == NULL)
		return;
	if (r->state->close_fd)
		close(r->state->in.fd);
	buf_free(&r->state->in.in);
	buf_free(&r->state->space.scratch);
	buf_free(&r->state->session);
	buf_free(&r->state->reason);
	buf_free(&r->state->fault);
	buf_free(&r->state->columns.others);
	buf_free(&r->state->head);
	free(r->state);
	free(r);
}

int
rec_code(const struct rec_reader *r)
{
	return r->state->code;
}

void
rec_take_in(struct rec_reader *r)
{
	int in_lines = r->line == r->state->in.line;

	lines_take_in(&r->state->in);
	if (in_lines)
		r->line = r->state->in.line;
}

/* Read nothing more. */
static enum rec_event
stop(struct rec_reader *r, int code)
{
	struct rec_state *s = r->state;

	s->code = code_worse(s->code, code);
	s->where = AT_END;
	r->line = "";
	r->line_n = 0;
	return REC_EOF;
}

/* Report a fault of the stream, and not of one session; keep the first one. */
static void fault(struct rec_reader *, const char *, ...) __attribute__((format(printf, 2, 3)));

static void
fault(struct rec_reader *r, const char *fmt, ...)
{
	struct rec_state *s = r->state;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	msg_warn("%s: line %llu: %s", s->name, (unsigned long long)r->lineno, text);
	s->code = code_worse(s->code, EX_DATAERR);
	if (r->fault == NULL) {
		buf_adds(&s->fault, text);
		r->fault = buf_text(&s->fault);
	}
}

/* Show so much of a key: real ones have 32 characters. */
static int
shown(struct rec_value v)
{
	return (int)(v.n < 100 ? v.n : 100);
}

/* Leave out the current session: the next event is its REC_DROP. */
static void spoil(struct rec_reader *r, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
spoil(struct rec_reader *r, const char *code, const char *fmt, ...)
{
	struct rec_state *s = r->state;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_reset(&s->reason);
	buf_adds(&s->reason, text);
	s->drop_code = code;
	s->dropping = 1;
	s->code = code_worse(s->code, EX_DATAERR);
	msg_warn("%s: line %llu: session %.*s of %.*s left out: %s", s->name,
	    (unsigned long long)r->lineno, shown(r->lsid), r->lsid.p, shown(r->host), r->host.p,
	    text);
}

static enum rec_event
drop(struct rec_reader *r)
{
	struct rec_state *s = r->state;

	r->cut = !s->dropping;
	s->dropping = 0;
	if (s->where == IN_SESSION)
		s->where = IN_BAD_SESSION;
	r->dropped++;
	r->reason = buf_text(&s->reason);
	r->code = s->drop_code;
	r->line = "";
	r->line_n = 0;
	return REC_DROP;
}

/* The input ends within the current session; the caller gives the message. */
static enum rec_event
cut_short(struct rec_reader *r)
{
	buf_reset(&r->state->reason);
	buf_adds(&r->state->reason, "the input ends within it");
	return drop(r);
}

void
rec_reject(struct rec_reader *r, const char *reason)
{
	if (r->state->where == IN_SESSION && !r->state->dropping)
		spoil(r, MALFORMED, "%s", reason);
}

/* A message for input that is not a record stream. */
static const char *
guess(const char *p, size_t n)
{
	while (n > 0 && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++, n--;
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3, n -= 3;
	if (n > 0 && *p == '<')
		return "this is XML: praic-split makes records of it";
	if (n > 0 && *p == '{')
		return "this is JSON, which no praic program reads";
	if (n > 15 && memcmp(p, "SQLite format 3", 15) == 0)
		return "this is an SQLite database";
	return "this is no record stream; praic-split writes one";
}

static void
keep_head(struct rec_reader *r)
{
	struct buf *head = &r->state->head;

	buf_add(head, r->line, r->line_n);
	buf_addc(head, '\n');
	r->head.p = head->p;
	r->head.n = head->n;
}

static enum rec_event
read_start(struct rec_reader *r)
{
	static const char mark[] = REC_MARK "\t";
	struct rec_state *s = r->state;
	int is_mark = r->line_n > sizeof(mark) - 1 && memcmp(r->line, mark, sizeof(mark) - 1) == 0;

	if (!is_mark && !s->first) {
		fault(r, "not a line of a record stream");
		return stop(r, EX_DATAERR);
	}
	if (!is_mark) {
		msg_warn("%s: %s", s->name, guess(r->line, r->line_n));
		return stop(r, EX_USAGE);
	}
	if (r->line_n > sizeof(mark) && r->line[r->line_n - 1] == '\r') {
		msg_warn("%s: its lines end with CR LF: a record stream has LF alone", s->name);
		return stop(r, EX_USAGE);
	}
	if (r->line_n != sizeof(mark) || r->line[sizeof(mark) - 1] != REC_VERSION[0]) {
		msg_warn("%s: line %llu: record stream of version %.*s; this program reads "
			 "version " REC_VERSION,
		    s->name, (unsigned long long)r->lineno,
		    (int)(r->line_n < 40 ? r->line_n - sizeof(mark) + 1 : 20),
		    r->line + sizeof(mark) - 1);
		return stop(r, EX_USAGE);
	}
	s->first = 0;
	s->where = AT_HEAD;
	s->stream_complete = 0;
	columns_reset(&s->columns);
	buf_reset(&s->head);
	keep_head(r);
	r->tables = 0;
	return REC_TABLES; /* for read_line: go on with the H lines */
}

/* Is the line UTF-8 with the characters that XML allows?  NULL, or the code. */
static const char *
check_text(const struct rec_reader *r)
{
	if (utf8_xml_valid(r->line, r->line_n) == r->line_n)
		return NULL;
	return utf8_valid(r->line, r->line_n) != r->line_n ? MALFORMED : FORBIDDEN;
}

static const char *
text_fault(const char *code)
{
	return strcmp(code, FORBIDDEN) == 0 ? "has a character that XML forbids" : "is no UTF-8";
}

static enum rec_event
read_begin(struct rec_reader *r)
{
	struct rec_state *s = r->state;
	struct rec_value field[FIELD_MAX], value[2] = {{"", 0}, {"", 0}};
	int n = field_split(r->line, r->line_n, field), i, bad = 0;
	const char *text;

	if (n != 3) {
		fault(r, "an S line has a host name and an lsid");
		return stop(r, EX_DATAERR);
	}
	field_line(&s->space, r->line, r->line_n);
	text = check_text(r);
	for (i = 0; i < 2 && text == NULL && !bad; i++)
		if (field_unescape(&s->space, field[i + 1], &value[i]) == -1 || value[i].p == NULL)
			bad = 1;
	buf_reset(&s->session);
	for (i = 0; i < 2; i++)
		if (value[i].p != NULL)
			buf_add(&s->session, value[i].p, value[i].n);
	buf_text(&s->session);
	r->host.p = s->session.p;
	r->host.n = value[0].n;
	r->lsid.p = s->session.p + value[0].n;
	r->lsid.n = value[1].n;
	r->rows = 0;
	s->session_rows = s->xml_bytes = s->xml_lines = 0;
	s->where = IN_SESSION;
	if (text != NULL)
		spoil(r, text, "its S line %s", text_fault(text));
	else if (bad)
		spoil(r, MALFORMED, "its S line is no text");
	else if (r->host.n == 0)
		spoil(r, MALFORMED, "it names no host");
	return REC_BEGIN;
}

/* Check the number and the escapes of all fields, also of unknown columns.  t is TABLES
 * for an unknown table. */
static int
check_fields(struct rec_reader *r, int t, const struct rec_value *field, int n, int wanted)
{
	struct rec_state *s = r->state;
	const char *table = t < TABLES ? table_list[t].name : "(a later version's table)", *text;
	int f;

	if (n - 2 != wanted) {
		spoil(
		    r, MALFORMED, "a row of %s with %d values instead of %d", table, n - 2, wanted);
		return -1;
	}
	if ((text = check_text(r)) != NULL) {
		spoil(r, text, "a row of %s that %s", table, text_fault(text));
		return -1;
	}
	field_line(&s->space, r->line, r->line_n);
	for (f = 2; s->space.escapes && f < n; f++)
		if (field_length(field[f]) == -1) {
			spoil(r, MALFORMED, "a bad escape in %s.%s", table,
			    columns_name(&s->columns, t, f));
			return -1;
		}
	return 0;
}

/* 1: a row for the caller.  0: a row of an unknown table.  -1: a bad row. */
static int
read_row(struct rec_reader *r)
{
	struct rec_state *s = r->state;
	struct rec_value field[FIELD_MAX], *v;
	int n = field_split(r->line, r->line_n, field), t = -1, c, f, wanted;

	r->rows++;
	if (n >= 2)
		t = columns_table(&s->columns, field[1], &wanted);
	if (t == -1) {
		spoil(r, MALFORMED, "a row of a table that no H line names");
		return -1;
	}
	if (check_fields(r, t, field, n, wanted) == -1)
		return -1;
	r->table = (enum table_id)t;
	if (t == TABLES && r->lines_only)
		return 1;
	if (t == TABLES)
		return 0;
	if (r->lines_only && t != TABLE_SESSION)
		return 1;
	for (c = 0; c < table_list[t].columns; c++) {
		v = &r->value[c];
		v->p = NULL;
		v->n = 0;
		if ((f = s->columns.field[t][c]) == -1)
			continue;
		(void)field_unescape(&s->space, field[f], v);
		if (!field_well_typed(table_list[t].column[c].type, *v)) {
			spoil(r, MALFORMED, "%s.%s is not what its type asks for",
			    table_list[t].name, table_list[t].column[c].name);
			return -1;
		}
	}
	if (t != TABLE_SESSION)
		return 1;
	if (++s->session_rows > 1) {
		spoil(r, MALFORMED, "it has two session rows");
		return -1;
	}
	if ((s->columns.field[t][SESSION_LSID] != -1 &&
		!field_same(r->value[SESSION_LSID], r->lsid)) ||
	    (s->columns.field[t][SESSION_HOST_NAME] != -1 &&
		!field_same(r->value[SESSION_HOST_NAME], r->host))) {
		spoil(r, MALFORMED, "its session row has another key than its S line");
		return -1;
	}
	return 1;
}

static int
read_xml(struct rec_reader *r)
{
	struct rec_state *s = r->state;
	struct rec_value text = {r->line + 2, r->line_n - 2};
	const char *bad;
	ssize_t length;

	if (r->line_n + 1 > REC_MAX_XML) {
		spoil(r, "too-long", "an X line of more than %d bytes", REC_MAX_XML);
		return -1;
	}
	length = field_text_length(text);
	if (length == -1) {
		if ((bad = check_text(r)) != NULL)
			spoil(r, bad, "an X line that %s", text_fault(bad));
		else
			spoil(r, MALFORMED, "an X line that is no text");
		return -1;
	}
	s->xml_bytes += (uint64_t)length;
	s->xml_lines++;
	return 0;
}

struct rec_value
rec_xml_text(struct rec_reader *r)
{
	struct rec_value text = {r->line + 2, r->line_n - 2}, xml;

	field_line(&r->state->space, r->line, r->line_n);
	(void)field_unescape(&r->state->space, text, &xml);
	return xml;
}

static enum rec_event
read_commit(struct rec_reader *r)
{
	struct rec_state *s = r->state;
	struct rec_value field[FIELD_MAX], lsid;
	uint64_t rows, bytes;
	int n = field_split(r->line, r->line_n, field);

	field_line(&s->space, r->line, r->line_n);
	if (n != 4 || field_unescape(&s->space, field[1], &lsid) == -1 || lsid.p == NULL ||
	    num_parse_count(field[2].p, field[2].n, UINT64_MAX, &rows) == -1 ||
	    num_parse_count(field[3].p, field[3].n, UINT64_MAX, &bytes) == -1)
		spoil(r, MALFORMED, "its E line is none");
	else if (!field_same(lsid, r->lsid))
		spoil(r, MALFORMED, "its E line is that of session %.*s", (int)lsid.n, lsid.p);
	else if (rows != r->rows)
		spoil(r, MALFORMED, "%llu rows instead of %llu", (unsigned long long)r->rows,
		    (unsigned long long)rows);
	else if (s->xml_lines > 0 && bytes != s->xml_bytes)
		spoil(r, MALFORMED, "%llu bytes of XML instead of %llu",
		    (unsigned long long)s->xml_bytes, (unsigned long long)bytes);
	else if (s->session_rows == 0)
		spoil(r, MALFORMED, "it has no session row");
	s->where = AT_TOP;
	s->stream_complete++; /* even if bad: the Z line counts it */
	if (s->dropping)
		return REC_EOF;
	r->complete++;
	return REC_COMMIT;
}

static enum rec_event
read_end(struct rec_reader *r)
{
	struct rec_state *s = r->state;
	struct rec_value field[FIELD_MAX];
	uint64_t sessions, left_out;
	int n = field_split(r->line, r->line_n, field);

	if (n != 3 || num_parse_count(field[1].p, field[1].n, UINT64_MAX, &sessions) == -1 ||
	    num_parse_count(field[2].p, field[2].n, UINT64_MAX, &left_out) == -1) {
		fault(r, "a Z line has two counts");
		return stop(r, EX_DATAERR);
	}
	if (sessions != s->stream_complete)
		fault(r, "%llu sessions came, the writer counted %llu",
		    (unsigned long long)s->stream_complete, (unsigned long long)sessions);
	if (left_out > 0)
		fault(
		    r, "its writer left out %llu sessions or inputs", (unsigned long long)left_out);
	r->left_out += left_out;
	s->where = AT_START;
	return REC_END;
}

static enum rec_event
end_of_input(struct rec_reader *r)
{
	struct rec_state *s = r->state;
	static const char mark[] = REC_MARK "\t";
	size_t n = r->line_n < sizeof(mark) - 1 ? r->line_n : sizeof(mark) - 1;

	if (s->where == IN_SESSION)
		return cut_short(r);
	if (s->where == AT_START && r->line_n > 0 && memcmp(r->line, mark, n) != 0) {
		msg_warn("%s: %s", s->name,
		    s->first ? guess(r->line, r->line_n) :
			       "the text after the last stream is not a record stream");
		return stop(r, s->first ? EX_USAGE : EX_TEMPFAIL);
	}
	if (s->where == AT_START && !s->first && r->line_n == 0)
		return stop(r, s->in.failed ? EX_IOERR : 0);
	if (s->in.failed)
		return stop(r, EX_IOERR);
	if (!r->cut_is_known)
		msg_warn("%s: the input ends before its end mark", s->name);
	return stop(r, EX_TEMPFAIL);
}

/* Read the current line.  REC_EOF with where != AT_END: it is not an event. */
static enum rec_event
read_line(struct rec_reader *r)
{
	struct rec_state *s = r->state;
	char mark = r->line_n > 1 && r->line[1] == '\t' ? r->line[0] : '\0';
	int t;

	if (s->where == AT_START) {
		read_start(r);
		return REC_EOF;
	}
	if (r->line_n > sizeof(REC_MARK) - 1 &&
	    memcmp(r->line, REC_MARK "\t", sizeof(REC_MARK)) == 0) {
		msg_warn("%s: line %llu: a new stream before the end mark of the last", s->name,
		    (unsigned long long)r->lineno);
		s->code = code_worse(s->code, EX_TEMPFAIL);
		s->pending = 1;
		if (s->where == IN_SESSION) {
			s->where = AT_START;
			return cut_short(r);
		}
		s->where = AT_START;
		return REC_EOF;
	}
	if (s->where == AT_HEAD && mark == 'H') {
		t = s->in.too_long ? -1 : columns_add(&s->columns, r->line, r->line_n);
		if (t == -1) {
			fault(r, "not an H line");
			return stop(r, EX_DATAERR);
		}
		if (t < TABLES)
			r->tables |= TABLE_BIT(t);
		keep_head(r);
		return REC_EOF;
	}
	if (s->where == AT_HEAD && (mark == 'S' || mark == 'Z')) {
		s->where = AT_TOP;
		s->pending = 1;
		return REC_TABLES;
	}
	if (s->where == IN_SESSION && (mark == 'S' || mark == 'Z')) {
		spoil(r, "given-up", "the writer gave it up");
		s->pending = 1;
		return REC_EOF;
	}
	if (s->where != AT_HEAD && mark == 'S' && !s->in.too_long)
		return read_begin(r);
	if (s->where != AT_HEAD && mark == 'Z' && !s->in.too_long)
		return read_end(r);
	if (s->where == IN_BAD_SESSION && (mark == 'R' || mark == 'X' || mark == 'E')) {
		if (mark == 'E') {
			s->stream_complete++;
			s->where = AT_TOP;
		}
		return REC_EOF;
	}
	if (s->where == IN_SESSION && s->in.too_long && (mark == 'R' || mark == 'X')) {
		spoil(r, "too-long", "a line of more than %zu bytes", REC_MAX_LINE);
		return REC_EOF;
	}
	if (s->where == IN_SESSION && mark == 'R')
		return read_row(r) == 1 ? REC_ROW : REC_EOF;
	if (s->where == IN_SESSION && mark == 'X')
		return read_xml(r) == 0 ? REC_XML : REC_EOF;
	if (s->where == IN_SESSION && mark == 'E')
		return read_commit(r);
	if (s->where == IN_SESSION)
		spoil(r, MALFORMED, "the stream breaks off within it");
	fault(r, "not a line that may stand here; nothing more is read");
	return stop(r, EX_DATAERR);
}

enum rec_event
rec_next(struct rec_reader *r)
{
	struct rec_state *s = r->state;
	enum rec_event e;

	for (;;) {
		if (s->dropping)
			return drop(r);
		if (s->where == AT_END)
			return REC_EOF;
		if (!s->pending && lines_next(&s->in) == -1) {
			r->line = s->in.line;
			r->line_n = s->in.n;
			return end_of_input(r);
		}
		r->lineno += !s->pending;
		s->pending = 0;
		r->line = s->in.line;
		r->line_n = s->in.n;
		e = read_line(r);
		if (e != REC_EOF || (s->where == AT_END && !s->dropping))
			return e;
	}
}
