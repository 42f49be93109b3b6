/*
 * The documents of an input.
 *
 * In a framed stream the frame alone says how long a document is, never its content.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "frame.h"
#include "split.h"
#include "utf8.h"

/* A declaration, or a comment or instruction as decode.c leaves it. */
#define MAX_MISC (LIMIT_COMMENT + 64)

static const struct rec_value none = {NULL, 0};

struct input {
	struct report *report;
	const char *host; /* of -H, or NULL */
	struct source *source;
	int stop; /* nothing more can be read of any input */
};

/* What became of a document. */
struct document {
	const char *host;
	int plain;
	enum parse_outcome outcome;
	struct parse_result result;
};

static int
begins(const char *p, size_t n, const char *text)
{
	size_t len = strlen(text);

	return n >= len && memcmp(p, text, len) == 0;
}

/* ---- one document ------------------------------------------------------- */

/* The document is bad for a reason that the parser does not know. */
static void __attribute__((format(printf, 4, 5)))
refuse(struct document *d, uint64_t place, const char *code, const char *fmt, ...)
{
	va_list ap;

	d->outcome = PARSE_BAD;
	d->result.code = code;
	d->result.end = place;
	d->result.lsid = none;
	va_start(ap, fmt);
	vsnprintf(d->result.why, sizeof(d->result.why), fmt, ap);
	va_end(ap);
}

/* Returns what follows the blanks at a place. */
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

/* What the input seems to be instead of XML. */
static const char *
guess(const char *p, size_t n)
{
	if (*p == '{' || *p == '[')
		return "this is JSON, not XML";
	if (begins(p, n, UTF8_REPLACEMENT))
		return "this is no XML: compressed, or in an encoding that praic does not read";
	return "this is no XML";
}

/* Parse a document in a known encoding. */
static void
parse(struct input *in, struct document *d)
{
	uint64_t place = 0;
	size_t have;
	const char *p = skip_blanks(in, &place, 3, &have), *close;

	if (begins(p, have, "\xef\xbb\xbf"))
		place += 3;
	p = skip_blanks(in, &place, MAX_MISC, &have);
	if (have > 0 && *p != '<') {
		refuse(d, place, "no-xml", "%s", guess(p, have));
		/* A byte order mark that is cut. */
		if (have == 3 && begins(p, have, UTF8_REPLACEMENT) && source_ended(in->source))
			d->outcome = PARSE_CUT;
		return;
	}
	/* The declaration's encoding has been read already. */
	if (begins(p, have, "<?xml") && have > 5 && blank_is(p[5]) &&
	    (close = memmem(p, have, "?>", 2)) != NULL)
		place += (uint64_t)(close - p) + 2;
	d->outcome = parse_document(in->report, in->source, place, d->host, d->plain, &d->result);
}

/* Read a document of at most so many bytes.  Returns the byte up to which it was
 * understood. */
static uint64_t
read_document(struct input *in, struct document *d, uint64_t bytes)
{
	struct rec_value refused;
	enum encoding encoding;
	size_t have;
	const char *p = source_raw(in->source, bytes < MAX_MISC ? (size_t)bytes : MAX_MISC, &have);

	encoding = decode_detect(p, have < bytes ? have : (size_t)bytes, &refused);
	if (refused.p != NULL)
		refuse(d, 0, "encoding",
		    "encoding %.*s: praic reads UTF-8, UTF-16 and ISO-8859-1; "
		    "convert it with iconv(1)",
		    (int)(refused.n < 40 ? refused.n : 40), refused.p);
	else if (!d->plain && in->host != NULL && strcmp(in->host, d->host) != 0)
		refuse(d, 0, "other-site", "it is of the site %s, not of %s: refused", d->host,
		    in->host);
	source_open(in->source, bytes, encoding, d->plain && encoding <= ENCODING_LATIN1);
	report_document(in->report, in->source, d->host);
	if (d->result.code == NULL)
		parse(in, d);
	in->stop = d->outcome == PARSE_STOPPED;
	if (!in->stop && d->outcome != PARSE_CUT)
		report_document_end(in->report, d->result.end);
	return source_offset(in->source, d->result.end);
}

static void
cut(struct input *in, uint64_t byte, const char *text)
{
	if (in->source->failed)
		return; /* after a message */
	report_warn(in->report, byte, "%s", text);
	in->report->code = code_worse(in->report->code, EX_TEMPFAIL);
}

static void
tell_cut(struct input *in, const struct document *d, uint64_t byte)
{
	struct rec_value lsid = d->result.lsid;
	char text[200];

	snprintf(text, sizeof(text), "the input ends here, in the middle of %s%.*s",
	    lsid.p != NULL ? "session " : "a document",
	    (int)(lsid.n < REPORT_SHOWN ? lsid.n : REPORT_SHOWN), lsid.p != NULL ? lsid.p : "");
	cut(in, byte, text);
}

/* Report a bad document: where, why, and how much of it was not read. */
static void
tell_bad(struct input *in, const struct document *d, uint64_t byte)
{
	struct rec_value lsid = d->result.lsid;

	report_warn(in->report, byte,
	    "%s; the rest of this %s is left out, %" PRIu64 " bytes%s%.*s", d->result.why,
	    d->plain ? "file" : "document", source_now(in->source) - byte,
	    lsid.p != NULL ? ", with session " : "",
	    (int)(lsid.n < REPORT_SHOWN ? lsid.n : REPORT_SHOWN), lsid.p != NULL ? lsid.p : "");
	report_bad(
	    in->report, lsid, d->result.code != NULL ? d->result.code : "malformed", d->result.why);
}

/* ---- a framed stream -------------------------------------------------- */

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

/* Neither a mark line nor the beginning of one is here. */
static void
tell_no_mark(struct input *in)
{
	uint64_t byte = source_now(in->source);

	source_skip(in->source, UINT64_MAX);
	report_warn(in->report, byte,
	    "no mark line: a frame before it was cut or changed; the rest of this "
	    "file is left out, %" PRIu64 " bytes",
	    source_now(in->source) - byte);
	report_bad(in->report, none, "malformed", "no mark line where a frame ends");
}

/*
 * Read the mark line here.  FRAME_IS_NONE after a message: there is none, or the input
 * ends in it.
 */
static enum frame_kind
read_mark(struct input *in, struct frame *f)
{
	size_t have, n;
	const char *p = source_raw(in->source, FRAME_SIZE, &have), *lf;

	n = have < FRAME_SIZE ? have : FRAME_SIZE;
	lf = memchr(p, '\n', n);
	if (lf != NULL && frame_parse(p, (size_t)(lf - p), f) != FRAME_IS_NONE) {
		source_skip(in->source, (uint64_t)(lf - p) + 1);
		return f->kind;
	}
	if (lf == NULL && have < FRAME_SIZE && may_be_mark(p, n))
		cut(in, source_now(in->source), "the input ends here, before its end mark");
	else
		tell_no_mark(in);
	return FRAME_IS_NONE;
}

/* Read the document of a frame and the LF behind it.  0, or -1 if nothing more can be
 * read. */
static int
read_frame(struct input *in, const struct frame *f)
{
	struct document d = {.host = f->host};
	uint64_t byte = read_document(in, &d, f->bytes);
	const char *p;
	size_t have;

	if (in->stop)
		return -1;
	if (source_close(in->source) > 0) {
		tell_cut(in, &d, byte);
		return -1;
	}
	/* All bytes are there, so the appliance sent it like this. */
	if (d.outcome != PARSE_WHOLE)
		tell_bad(in, &d, byte);
	p = source_raw(in->source, 1, &have);
	if (have > 0 && *p != '\n') {
		tell_no_mark(in);
		return -1;
	}
	source_skip(in->source, 1);
	return 0;
}

static void
read_framed(struct input *in)
{
	struct frame f;
	uint64_t documents = 0, byte;
	size_t have;

	do {
		byte = source_now(in->source);
		switch (read_mark(in, &f)) {
		case FRAME_IS_SITE:
			documents++;
			have = read_frame(in, &f) == 0;
			break;
		case FRAME_IS_END:
			if (f.documents != documents) {
				report_warn(in->report, byte,
				    "%" PRIu64 " documents came, the end mark says %" PRIu64,
				    documents, f.documents);
				report_bad(in->report, none, "malformed",
				    "another count of documents than the end mark's");
			}
			documents = 0;
			source_raw(in->source, 1, &have);
			break;
		case FRAME_IS_NONE:
			have = 0;
			break;
		}
	} while (have > 0);
}

/* ---- plain documents -------------------------------------------------- */

static void
read_plain(struct input *in)
{
	struct document d = {.host = in->host, .plain = 1};
	uint64_t byte;

	do
		byte = read_document(in, &d, UINT64_MAX);
	while (d.outcome == PARSE_WHOLE && in->source->decoder.at.next);
	if (d.outcome == PARSE_CUT)
		tell_cut(in, &d, byte);
	else if (d.outcome == PARSE_BAD) {
		source_skip(in->source, UINT64_MAX);
		tell_bad(in, &d, byte);
	}
}

int
input_read(struct report *report, const char *host, int fd, const char *name)
{
	struct input in = {.report = report, .host = host};
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
		report->code = code_worse(report->code, EX_USAGE);
		in.stop = 1;
	} else if (begins(p, have, FRAME_END) ||
	    frame_parse(p, lf != NULL ? (size_t)(lf - p) : have, &f) == FRAME_IS_SITE)
		read_framed(&in);
	else
		read_plain(&in);
	if (in.source->failed)
		report->code = code_worse(report->code, EX_IOERR);
	source_free(in.source);
	return in.stop ? -1 : 0;
}
