/*
 * The documents of an input.
 *
 * In a framed stream a document is so many bytes, whatever they are, and
 * nothing inside them is looked at for where it ends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "frame.h"
#include "msg.h"
#include "split.h"
#include "utf8.h"

/* A declaration, or a comment or instruction as decode.c leaves it. */
#define MAX_MISC (LIMIT_COMMENT + 64)

static const struct rec_value none = {NULL, 0};

struct input {
	struct report *report;
	const char *host; /* of -H, or NULL */
	struct source *source;
	const char *name;
	int code;
	int stop; /* nothing more can be read of any input */
};

/* Where a document is, and what became of it. */
struct document {
	const char *host;
	int plain;
	uint64_t place;
	struct parse_result result;
	int whole; /* the root element ended */
	int cut;   /* the bytes ended before it did */
};

static void
cut(struct input *in, uint64_t byte, const char *text)
{
	msg_warn("%s: byte %" PRIu64 ": %s", in->name, byte, text);
	in->code = code_worse(in->code, EX_TEMPFAIL);
}

static int
begins(const char *p, size_t n, const char *text)
{
	size_t len = strlen(text);

	return n >= len && memcmp(p, text, len) == 0;
}

/* The document is bad, for a reason that no parser gives. */
static void
refuse(struct document *d, const char *code, const char *why)
{
	d->result.code = code;
	d->result.end = d->place;
	snprintf(d->result.why, sizeof(d->result.why), "%s", why);
}

/* ---- the beginning and the end of a document ------------------------- */

/* A document of so many bytes begins.  0, or -1 when its encoding is refused. */
static int
open_document(struct input *in, struct document *d, uint64_t bytes)
{
	struct rec_value refused;
	enum encoding encoding;
	size_t have;
	const char *p = source_raw(in->source, bytes < MAX_MISC ? (size_t)bytes : MAX_MISC, &have);
	char text[200];

	encoding = decode_detect(p, have < bytes ? have : (size_t)bytes, &refused);
	if (refused.p != NULL)
		snprintf(text, sizeof(text),
		    "encoding %.*s: praic reads UTF-8, UTF-16 and ISO-8859-1; "
		    "convert it with iconv(1)",
		    (int)(refused.n < 40 ? refused.n : 40), refused.p);
	d->place = 0;
	source_open(in->source, bytes, encoding, d->plain && encoding <= ENCODING_LATIN1);
	report_document(in->report, in->source, d->host);
	if (refused.p == NULL)
		return 0;
	refuse(d, "encoding", text);
	return -1;
}

/* Past blanks. */
static const char *
skip_blanks(struct input *in, uint64_t *place, size_t want, size_t *have)
{
	const char *p = source_at(in->source, *place, want, have);

	while (*have > 0 && blank_is(*p)) {
		source_keep(in->source, ++*place);
		p = source_at(in->source, *place, want, have);
	}
	return p;
}

/* What somebody gave us instead of XML. */
static const char *
guess(const char *p, size_t n)
{
	if (*p == '{' || *p == '[')
		return "this is JSON, not XML";
	if (begins(p, n, UTF8_REPLACEMENT))
		return "this is no XML: compressed, or in an encoding that praic does not read";
	return "this is no XML";
}

/* Up to the end of its root: 0, or -1 when the whole program must stop. */
static int
read_root(struct input *in, struct document *d)
{
	size_t have;
	const char *p = skip_blanks(in, &d->place, 3, &have), *close;

	if (begins(p, have, "\xef\xbb\xbf"))
		d->place += 3;
	p = skip_blanks(in, &d->place, MAX_MISC, &have);
	if (have > 0 && *p != '<') {
		refuse(d, "no-xml", guess(p, have));
		return 0;
	}
	/* Of the declaration only the encoding mattered. */
	if (begins(p, have, "<?xml") && have > 5 && blank_is(p[5]) &&
	    (close = memmem(p, have, "?>", 2)) != NULL)
		d->place += (uint64_t)(close - p) + 2;
	switch (parse_document(in->report, in->source, d->place, d->host, d->plain, &d->result)) {
	case PARSE_WHOLE:
		d->whole = 1;
		break;
	case PARSE_BAD:
		break;
	case PARSE_CUT:
		d->cut = 1;
		break;
	case PARSE_STOPPED:
		in->stop = 1;
		return -1;
	}
	d->place = d->result.end;
	return 0;
}

/* The document is bad: tell where, why and how much of it was not read. */
static void
tell_bad(struct input *in, const struct document *d, uint64_t byte, uint64_t unread)
{
	struct rec_value lsid = d->result.lsid;

	report_warn(in->report, byte,
	    "%s; the rest of this %s is left out, %" PRIu64 " bytes%s%.*s", d->result.why,
	    d->plain ? "file" : "document", unread, lsid.p != NULL ? ", with session " : "",
	    (int)(lsid.n < REPORT_SHOWN ? lsid.n : REPORT_SHOWN), lsid.p != NULL ? lsid.p : "");
	report_bad(
	    in->report, lsid, d->result.code != NULL ? d->result.code : "malformed", d->result.why);
}

static void
tell_cut(struct input *in, const struct document *d, uint64_t byte)
{
	struct rec_value lsid = d->result.lsid;
	char text[200];

	snprintf(text, sizeof(text), "the input ends here, in the middle of %s%.*s",
	    lsid.p != NULL ? "session " : "a document",
	    (int)(lsid.n < REPORT_SHOWN ? lsid.n : REPORT_SHOWN), lsid.p != NULL ? lsid.p : "");
	if (in->source->failed)
		in->code = code_worse(in->code, EX_IOERR);
	else
		cut(in, byte, text);
}

/* ---- a framed stream -------------------------------------------------- */

/* The document of a frame.  0, or -1 when nothing more can be read. */
static int
read_frame(struct input *in, const struct frame *f)
{
	struct document d = {.host = f->host};
	uint64_t byte, missing;
	char text[2 * HOST_SIZE + 40];

	if (open_document(in, &d, f->bytes) == 0 && in->host != NULL &&
	    strcmp(in->host, f->host) != 0) {
		snprintf(text, sizeof(text), "it is of the site %s, not of %s: refused", f->host,
		    in->host);
		refuse(&d, "other-site", text);
	} else if (d.result.code == NULL && read_root(in, &d) == -1)
		return -1;
	report_document_end(in->report, d.place);
	byte = source_offset(in->source, d.result.end);
	missing = source_close(in->source);
	if (missing > 0) {
		tell_cut(in, &d, byte);
		return -1;
	}
	if (!d.whole) {
		/* All of its bytes are there: that is how it was sent. */
		tell_bad(in, &d, byte, source_now(in->source) - byte);
		in->code = code_worse(in->code, EX_DATAERR);
	}
	return 0;
}

/* May these bytes be the beginning of a mark? */
static int
may_be_mark(const char *p, size_t n)
{
	static const char *const marks[] = {FRAME_SITE, FRAME_END};
	size_t i, len;

	for (i = 0; i < 2; i++) {
		len = strlen(marks[i]);
		if (memcmp(p, marks[i], len < n ? len : n) == 0)
			return 1;
	}
	return 0;
}

/*
 * The mark line that stands here.  FRAME_IS_NONE: it is none, or the input
 * ends in it, which was said.
 */
static enum frame_kind
read_mark(struct input *in, struct frame *f)
{
	uint64_t byte = source_now(in->source);
	size_t have, n;
	const char *p = source_raw(in->source, FRAME_SIZE, &have), *lf;

	n = have < FRAME_SIZE ? have : FRAME_SIZE;
	lf = memchr(p, '\n', n);
	if (lf != NULL && frame_parse(p, (size_t)(lf - p), f) != FRAME_IS_NONE) {
		source_skip(in->source, (uint64_t)(lf - p) + 1);
		return f->kind;
	}
	if (in->source->failed)
		in->code = code_worse(in->code, EX_IOERR);
	else if (lf == NULL && have < FRAME_SIZE && may_be_mark(p, n))
		cut(in, byte, "the input ends here, before its end mark");
	else {
		source_skip(in->source, UINT64_MAX);
		report_warn(in->report, byte,
		    "no mark line: a frame before it was cut or changed; the rest of this "
		    "file is left out, %" PRIu64 " bytes",
		    source_now(in->source) - byte);
		report_bad(in->report, none, "malformed", "no mark line where a frame ends");
		in->code = code_worse(in->code, EX_DATAERR);
	}
	return FRAME_IS_NONE;
}

/* Behind the bytes of a frame stands LF: 0, or -1. */
static int
read_line_end(struct input *in)
{
	struct frame f;
	size_t have;
	const char *p = source_raw(in->source, 1, &have);

	if (have > 0 && *p == '\n') {
		source_skip(in->source, 1);
		return 0;
	}
	(void)read_mark(in, &f); /* says so */
	return -1;
}

static void
check_count(struct input *in, uint64_t byte, uint64_t came, uint64_t told)
{
	if (came == told)
		return;
	report_warn(
	    in->report, byte, "%" PRIu64 " documents came, the end mark says %" PRIu64, came, told);
	report_bad(in->report, none, "malformed", "another count of documents than the end mark's");
	in->code = code_worse(in->code, EX_DATAERR);
}

static void
read_framed(struct input *in)
{
	struct frame f;
	uint64_t documents = 0, byte;
	size_t have;

	for (;;) {
		byte = source_now(in->source);
		switch (read_mark(in, &f)) {
		case FRAME_IS_SITE:
			documents++;
			if (read_frame(in, &f) == -1 || read_line_end(in) == -1)
				return;
			break;
		case FRAME_IS_END:
			check_count(in, byte, documents, f.documents);
			documents = 0;
			source_raw(in->source, 1, &have);
			if (have == 0)
				return;
			break;
		case FRAME_IS_NONE:
			return;
		}
	}
}

/* ---- plain documents -------------------------------------------------- */

static void
read_plain(struct input *in)
{
	struct document d = {.host = in->host, .plain = 1};
	uint64_t byte;

	do {
		d.whole = d.cut = 0;
		if (open_document(in, &d, UINT64_MAX) == 0 && read_root(in, &d) == -1)
			return;
		report_document_end(in->report, d.place);
	} while (d.whole && in->source->decoder.at.next);
	if (d.whole)
		return;
	byte = source_offset(in->source, d.result.end);
	if (d.cut) {
		tell_cut(in, &d, byte);
		return;
	}
	source_skip(in->source, UINT64_MAX);
	tell_bad(in, &d, byte, source_now(in->source) - byte);
	in->code = code_worse(in->code, EX_DATAERR);
}

int
input_read(struct report *report, const char *host, int fd, const char *name, int *go_on)
{
	struct input in = {.report = report, .host = host, .name = name};
	struct frame f;
	const char *p, *lf;
	size_t have;

	in.source = source_new(fd, name);
	p = source_raw(in.source, FRAME_SIZE, &have);
	lf = memchr(p, '\n', have);
	report_document(report, in.source, host);
	if (begins(p, have, "praic-records\t")) {
		report_warn(
		    report, 0, "these are records already: praic-tosql and praic-tofs read them");
		in.code = EX_USAGE;
		in.stop = 1;
	} else if (begins(p, have, FRAME_END) ||
	    frame_parse(p, lf != NULL ? (size_t)(lf - p) : have, &f) == FRAME_IS_SITE)
		read_framed(&in);
	else
		read_plain(&in);
	if (in.source->failed)
		in.code = code_worse(in.code, EX_IOERR);
	*go_on = !in.stop;
	source_free(in.source);
	return in.code;
}
