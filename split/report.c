/* The sessions of a document, and the messages about them. */
#include <stdio.h>
#include <stdlib.h>

#include "code.h"
#include "msg.h"
#include "split.h"

/* A session's XML is copied in pieces of at least this size. */
#define XML_PIECE 8192
/* Warnings that are shown for each session; the others are counted. */
#define MAX_WARNINGS 5

void
report_warn(struct report *r, uint64_t byte, const char *fmt, ...)
{
	va_list ap;
	char text[800]; /* callers cut the values in it */

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	msg_warn("%s: byte %llu: %s", r->source->name, (unsigned long long)byte, text);
}

void
report_bad(struct report *r, struct rec_value lsid, const char *code, const char *sentence)
{
	struct rec_value host = {r->host, r->host != NULL ? strlen(r->host) : 0};

	if (r->options->list != NULL)
		leftout_add(r->options->list, host, lsid, lsid.p != NULL ? "session" : "document",
		    -1, code, sentence);
	else
		r->left_out++;
	r->code = code_worse(r->code, EX_DATAERR);
}

/* How many bytes of the lsid a message shows. */
static int
shown(const struct report *r)
{
	return (int)(r->lsid.n < REPORT_SHOWN ? r->lsid.n : REPORT_SHOWN);
}

/* A warning about a value of the open session. */
static void
session_warned(void *arg, const char *element, const char *text)
{
	struct report *r = arg;

	if (++r->warnings <= MAX_WARNINGS)
		report_warn(r, source_offset(r->source, r->place), "session %.*s: %.80s: %s",
		    shown(r), buf_text(&r->lsid), element, text);
}

static void
tell_warnings(struct report *r)
{
	if (r->warnings > MAX_WARNINGS)
		report_warn(r, r->start, "session %.*s: and %u more like these", shown(r),
		    buf_text(&r->lsid), r->warnings - MAX_WARNINGS);
}

/* Copy the session's XML up to this place. */
static void
copy_xml(struct report *r, uint64_t to)
{
	const char *p;
	size_t have;

	if (to <= r->xml_from)
		return;
	if (!r->options->no_xml) {
		p = source_have(r->source, r->xml_from, &have);
		rec_xml(r->out, p, (size_t)(to - r->xml_from));
	}
	r->xml_from = to;
}

/* XML goes out before the rows made of it: then the stream does not depend on the pieces
 * in which the input came. */
static void
before_rows(void *arg)
{
	struct report *r = arg;

	copy_xml(r, r->place);
}

struct report *
report_new(struct rec_writer *out, const struct report_options *options)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->out = out;
	r->options = options;
	r->session = session_new(out, session_warned, before_rows, r);
	return r;
}

void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	session_free(r->session);
	buf_free(&r->inherited);
	buf_free(&r->lsid);
	free(r);
}

void
report_document(struct report *r, struct source *source, const char *host)
{
	r->source = source;
	r->host = host;
	buf_reset(&r->inherited);
	r->replaced_told = 0;
	r->within = REPORT_BETWEEN;
	r->text = NULL;
	r->settled = 0;
}

static void
describe_replaced(const struct report *r, char *text, size_t size, uint64_t n)
{
	snprintf(text, size, "%llu forbidden %s%s", (unsigned long long)n,
	    n == 1 ? "byte or character" : "bytes or characters",
	    r->options->strict ? "" : " became U+FFFD");
}

void
report_document_end(struct report *r, uint64_t place)
{
	static const struct rec_value none = {NULL, 0};
	uint64_t n = source_replaced(r->source, place) - r->replaced_told;
	char text[96];

	if (n == 0)
		return;
	describe_replaced(r, text, sizeof(text), n);
	report_warn(r, source_offset(r->source, place),
	    "in this document, outside of its sessions: %s", text);
	if (r->options->strict)
		report_bad(r, none, "forbidden", text);
}

void
report_settle(struct report *r, uint64_t place)
{
	r->settled = place;
	if (r->within == REPORT_SESSION) {
		if (place - r->xml_from >= XML_PIECE)
			copy_xml(r, place);
		place = r->xml_from;
	}
	source_keep(r->source, place);
}

/* ---- namespaces ------------------------------------------------------ */

static void
add_escaped(struct buf *b, const xmlChar *text)
{
	for (; text != NULL && *text != '\0'; text++)
		if (strchr("<&\"\t\n\r", *text) != NULL)
			buf_printf(b, "&#%d;", *text);
		else
			buf_addc(b, (char)*text);
}

static void
add_name(struct buf *b, const xmlChar *prefix)
{
	buf_adds(b, prefix != NULL ? " xmlns:" : " xmlns");
	if (prefix != NULL)
		buf_adds(b, (const char *)prefix);
}

/* Each declaration ends with a NUL. */
const char *
report_inherit(struct report *r, const xmlChar **ns, int n)
{
	struct buf *b = &r->inherited;
	int i;

	for (i = 0; i < n && b->n <= LIMIT_INHERITED; i++) {
		add_name(b, ns[2 * i]);
		buf_adds(b, "=\"");
		add_escaped(b, ns[2 * i + 1]);
		buf_add(b, "\"", 2);
	}
	return b->n > LIMIT_INHERITED ? "more than 4096 bytes of namespaces at its root" : NULL;
}

void
report_inherited(struct report *r, struct buf *tag, const xmlChar **ns, int n)
{
	const char *p = buf_text(&r->inherited), *end = p + r->inherited.n;
	struct buf own = {0};
	size_t name;
	int i, hidden;

	for (; p < end; p += strlen(p) + 1) {
		name = strcspn(p, "=");
		for (i = hidden = 0; i < n && !hidden; i++) {
			buf_reset(&own);
			add_name(&own, ns[2 * i]);
			hidden = own.n == name && memcmp(own.p, p, name) == 0;
		}
		if (!hidden)
			buf_adds(tag, p);
	}
	buf_free(&own);
}

/* ---- the session that is open --------------------------------------- */

static int
wanted(const struct report *r, struct rec_value lsid)
{
	int i;

	for (i = 0; i < r->options->lsids; i++)
		if (strlen(r->options->lsid[i]) == lsid.n &&
		    memcmp(r->options->lsid[i], lsid.p, lsid.n) == 0)
			return 1;
	return r->options->lsids == 0;
}

/* Write the session's start tag, with the inherited namespaces behind its name. */
static void
begin_xml(struct report *r, uint64_t from, const xmlChar **ns, int n)
{
	struct buf tag = {0};
	const char *p;
	size_t have, name;

	p = source_have(r->source, from, &have);
	name = 1 + strcspn(p + 1, " \t\n\r/>");
	if (!r->options->no_xml) {
		buf_add(&tag, p, name);
		report_inherited(r, &tag, ns, n);
		rec_xml(r->out, tag.p, tag.n);
		buf_free(&tag);
	}
	r->xml_from = from + name;
}

int
report_begin(
    struct report *r, uint64_t from, uint64_t to, struct rec_value lsid, const xmlChar **ns, int n)
{
	struct rec_value host = {r->host, r->host != NULL ? strlen(r->host) : 0};

	r->start = source_offset(r->source, from);
	r->place = to;
	r->warnings = 0;
	r->replaced = source_replaced(r->source, from);
	buf_reset(&r->lsid);
	buf_add(&r->lsid, lsid.p, lsid.n);
	r->within = REPORT_UNWANTED;
	if (!wanted(r, lsid))
		return 0;
	if (lsid.n == 0) {
		report_warn(r, r->start, "a session without an lsid, which is its key: left out");
		report_bad(r, lsid, "no-lsid", "a session without an lsid");
		return 0;
	}
	if (r->host == NULL) {
		report_warn(r, r->start, "the input does not name its site: name it with -H HOST");
		r->code = code_worse(r->code, EX_USAGE);
		return -1;
	}
	r->within = REPORT_SESSION;
	r->text = NULL;
	rec_begin(r->out, host, lsid);
	session_begin(r->session, r->host, lsid);
	begin_xml(r, from, ns, n);
	return 0;
}

static struct rec_value
open_lsid(struct report *r)
{
	struct rec_value v = {buf_text(&r->lsid), r->lsid.n};

	return v;
}

void
report_give_up(struct report *r, const char *code, const char *why)
{
	report_warn(r, r->start, "session %.*s: left out: %s", shown(r), buf_text(&r->lsid), why);
	tell_warnings(r);
	rec_drop(r->out);
	report_bad(r, open_lsid(r), code, why);
	r->within = REPORT_UNWANTED;
	r->text = NULL;
}

void
report_end(struct report *r, uint64_t place)
{
	uint64_t replaced = source_replaced(r->source, place) - r->replaced;
	const char *why;
	char text[96];

	r->replaced_told += replaced;
	if (r->within == REPORT_UNWANTED) {
		r->within = REPORT_BETWEEN;
		return;
	}
	r->place = place;
	if (replaced > 0)
		describe_replaced(r, text, sizeof(text), replaced);
	why = session_finish(r->session);
	if (why != NULL)
		report_give_up(r, "too-long", why);
	else if (replaced > 0 && r->options->strict)
		report_give_up(r, "forbidden", text);
	else {
		if (replaced > 0)
			report_warn(
			    r, r->start, "session %.*s: %s", shown(r), buf_text(&r->lsid), text);
		tell_warnings(r);
		copy_xml(r, place);
		rec_commit(r->out);
	}
	r->within = REPORT_BETWEEN;
}

struct rec_value
report_break(struct report *r)
{
	static const struct rec_value none = {NULL, 0};
	int open = r->within == REPORT_SESSION;

	if (open)
		rec_drop(r->out);
	r->within = REPORT_BETWEEN;
	return open ? open_lsid(r) : none;
}
