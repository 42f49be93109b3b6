/* One document by libxml2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "code.h"
#include "host.h"
#include "split.h"

/* The root, a session, and what may be open below it. */
#define MAX_DEPTH (LIMIT_DEPTH + 3)

static const struct rec_value none = {NULL, 0};
/* Text comes in very small pieces: look at limits after so many bytes. */
#define TEXT_STEP 256
/* Call report_settle() after so many bytes. */
#define SETTLE_STEP 4096
/* Begin a new parser after so many bytes before the root: libxml2 2.15 keeps
 * instructions in memory until it meets a tag. */
#define PROLOG_STEP ((uint64_t)1 << 20)

struct parse {
	struct report *report;
	struct source *source;
	struct parse_result *result;
	xmlParserCtxtPtr ctxt;
	struct names names;

	const char *host; /* of the sessions, or NULL */
	int plain;	  /* <?praic-site?> may name it */
	char named[HOST_SIZE];

	uint64_t start;	 /* the place that this parser counts as 0 */
	uint64_t begin;	 /* where it began */
	struct buf head; /* the root's start tag, which a new parser reads first */
	size_t head_left;
	uint64_t fed;  /* the parser has read up to here */
	uint64_t last; /* all before this place is well-formed */
	int text;      /* bytes of text since then */
	int depth;
	int rooted;	   /* the root element has begun */
	int session_depth; /* where sessions are: 1, or 2 below a list */
	int other;	   /* there was an element that is no session and no error */
	int done;	   /* the root element ended */
	int stop;	   /* this parser reads no more */
	int stopped;	   /* the program cannot go on */
	int cut;	   /* the bytes ended in what was skipped */
	int root_ended;	   /* the last skipped tag was the root's end */
	int error_code;
	uint64_t error_at; /* where the parser was */

	int error_depth; /* of an <error>, or 0 */
	uint64_t error_place;
	struct buf error;

	/* Whether a new parser begins behind the session.  PASS_OVER: skip the
	 * rest of the session first, from the tag at pass_from on. */
	enum { LAST_PARSER, NEW_PARSER, PASS_OVER } then;
	uint64_t pass_from;
	int pass_depth; /* elements that are open before that */

	int namespaces; /* declared by the elements that are open */
	unsigned short declared[MAX_DEPTH];
	const xmlChar *open[MAX_DEPTH];

	struct session_attribute attribute[LIMIT_ATTRIBUTES]; /* of one tag */
};

void
parse_prepare(void)
{
	LIBXML_TEST_VERSION
	/* Without memory libxml2 drops attributes or calls the document bad.
	 * These functions end the program instead. */
	if (xmlMemSetup(free, xmalloc, xrealloc, xstrdup) != 0)
		xnomem();
	xmlInitParser();
#if LIBXML_VERSION >= 21200
	/* Otherwise libxml2 would abort later. */
	if (xmlCheckThreadLocalStorage() != 0)
		xnomem();
#endif
}

/* The parser's current place. */
static inline uint64_t
here(const struct parse *s)
{
	const xmlParserInput *in = s->ctxt->input;

	return s->start + in->consumed + (uint64_t)(in->cur - in->base);
}

/* All before this place is well-formed and done. */
static inline void
moved(struct parse *s, uint64_t place)
{
	s->last = place;
	s->text = 0;
	if (place - s->report->settled >= SETTLE_STEP)
		report_settle(s->report, place);
}

/* Give up the rest of the document. */
static void
abandon(struct parse *s, const char *code, const char *why)
{
	if (s->result->code == NULL) {
		s->result->code = code;
		snprintf(s->result->why, sizeof(s->result->why), "%s", why);
	}
	s->error_code = XML_ERR_USER_STOP;
	s->error_at = here(s);
	if (!s->stop)
		xmlStopParser(s->ctxt);
	s->stop = 1;
}

/* Stop this parser; another one goes on here. */
static void
begin_anew(struct parse *s)
{
	s->then = NEW_PARSER;
	s->stop = 1;
	xmlStopParser(s->ctxt);
}

/* ---- what goes in ---------------------------------------------------- */

static int
read_more(void *arg, char *to, int len)
{
	struct parse *s = arg;
	const char *p;
	size_t have;
	uint64_t long_tag;

	if (rec_failed(s->report->out))
		s->stopped = s->stop = 1;
	if (s->stop || len <= 0)
		return 0;
	if (s->head_left > 0) {
		have = s->head_left < (size_t)len ? s->head_left : (size_t)len;
		memcpy(to, s->head.p + s->head.n - s->head_left, have);
		s->head_left -= have;
		return (int)have;
	}
	/* All that libxml2 asks for: it is slow on small pieces. */
	p = source_at(s->source, s->fed, (size_t)len, &have);
	if (have > (size_t)len)
		have = (size_t)len;
	if (s->done) {
		/* libxml2 would hold all blanks behind the root. */
		for (; have > 1 && blank_is(p[0]) && blank_is(p[1]); p++, have--, s->fed++)
			s->start++;
		source_keep(s->source, s->fed);
	}
	long_tag = s->source->long_tag;
	if (long_tag >= s->begin && long_tag < s->fed + have)
		have = long_tag > s->fed ? (size_t)(long_tag - s->fed) : 0;
	memcpy(to, p, have);
	s->fed += have;
	return (int)have;
}

/* ---- what libxml2 calls ---------------------------------------------- */

static void
start_error(struct parse *s)
{
	s->error_depth = s->depth;
	s->error_place = s->last;
	buf_reset(&s->error);
}

static void
end_error(struct parse *s)
{
	struct rec_value v = {s->error.n > 0 ? s->error.p : "", s->error.n};
	char text[300];

	v = row_trim(v);
	if (v.n > 0)
		snprintf(text, sizeof(text), "the appliance reports an error: %.*s",
		    (int)(v.n < 200 ? v.n : 200), v.p);
	else
		snprintf(text, sizeof(text), "the appliance reports an error without a text");
	report_warn(s->report, source_offset(s->source, s->error_place), "%s", text);
	report_bad(s->report, none, "error", text);
	s->error_depth = 0;
}

/* The place of the tag that the parser has just read: no attribute's value contains
 * '<'. */
static uint64_t
tag_start(struct parse *s, uint64_t end)
{
	size_t have, n = (size_t)(end - s->last);
	const char *p = source_have(s->source, s->last, &have), *lt;

	lt = memrchr(p, '<', n <= have ? n : have);
	return lt == NULL ? s->last : s->last + (uint64_t)(lt - p);
}

/* The parser must not read the rest of the session, from this tag on.  depth: elements
 * that are open before the tag. */
static void
pass_over(struct parse *s, uint64_t tag, int depth, const char *why)
{
	if (s->report->within == REPORT_SESSION)
		report_give_up(s->report, "too-long", why);
	else if (depth + 1 < s->session_depth || s->session_depth == 0) {
		abandon(s, "too-long", why);
		return;
	}
	if (s->error_depth != 0)
		end_error(s);
	s->then = PASS_OVER;
	s->pass_from = tag;
	s->pass_depth = depth;
	if (!s->stop)
		xmlStopParser(s->ctxt);
	s->stop = 1;
}

/* The limit that the new element passes, or NULL. */
static inline const char *
over_limit(const struct parse *s, int attributes)
{
	if (s->depth - s->session_depth > LIMIT_DEPTH)
		return "elements nested more than 128 deep";
	if (attributes > LIMIT_ATTRIBUTES && s->depth >= s->session_depth)
		return "an element of more than 64 attributes";
	if (s->names.too_long)
		return "a name longer than 1000 bytes";
	if (s->namespaces > LIMIT_NAMESPACES)
		return "more than 256 namespaces declared";
	if (s->names.learned > LIMIT_NAMES && xmlDictSize(s->ctxt->dict) > LIMIT_NAMES)
		return "more than 10000 different names";
	return NULL;
}

/* libxml2 searches an element's namespaces for each name below it, and keeps them like
 * names. */
static void __attribute__((noinline)) declare(struct parse *s, int n, const xmlChar **ns)
{
	int i;

	s->declared[s->depth - 1] = (unsigned short)n;
	s->namespaces += n;
	s->names.learned += 2u * (unsigned)n;
	for (i = 0; i < 2 * n; i++)
		s->names.too_long |= ns[i] != NULL && strlen((const char *)ns[i]) > LIMIT_NAME;
}

static void
start_root(struct parse *s, enum name name, const xmlChar *element, const xmlChar *prefix,
    int namespaces, const xmlChar **ns)
{
	const char *why = NULL;
	char text[160];

	s->rooted = 1;
	s->session_depth = name == N_session ? 1 : 2;
	if (name == N_error)
		start_error(s);
	else if (name == N_session_list) {
		why = report_inherit(s->report, ns, namespaces);
		buf_printf(&s->head, "<%s%s%s", prefix != NULL ? (const char *)prefix : "",
		    prefix != NULL ? ":" : "", (const char *)element);
		report_inherited(s->report, &s->head, NULL, 0);
		buf_addc(&s->head, '>');
	} else if (name != N_session) {
		snprintf(text, sizeof(text), "its root is <%.80s>: no session report",
		    (const char *)element);
		why = text;
	}
	if (why != NULL)
		abandon(s, name == N_session_list ? "too-long" : "no-report", why);
}

static void
start_session(
    struct parse *s, uint64_t place, int namespaces, const xmlChar **ns, struct rec_value lsid)
{
	if (report_begin(s->report, tag_start(s, place), place, lsid, ns, namespaces) == -1) {
		s->stopped = s->stop = 1;
		xmlStopParser(s->ctxt);
	}
}

/* An element below a session. */
static void
start_inside(
    struct parse *s, uint64_t place, enum name name, const char *element, int n, const xmlChar **a)
{
	struct session_attribute *known = s->attribute;
	const char *why;
	int i;

	for (i = 0; i < n && i < LIMIT_ATTRIBUTES; i++, a += 5) {
		known->name = names_find(&s->names, a[0]);
		known->value.p = (const char *)a[3];
		known->value.n = (size_t)(a[4] - a[3]);
		known += known->name != N_UNKNOWN;
	}
	if ((why = over_limit(s, n)) != NULL) {
		pass_over(s, tag_start(s, place), s->depth - 1, why);
		return;
	}
	s->report->place = place;
	why = session_start_element(s->report->session, name, element, s->attribute,
	    (int)(known - s->attribute), &s->report->text);
	if (why != NULL)
		report_give_up(s->report, "too-long", why);
}

/* Any other element.  Not inline: it is rare, and would slow down the others. */
static void __attribute__((noinline)) start_outside(struct parse *s, uint64_t place, enum name name,
    const xmlChar *prefix, int namespaces, const xmlChar **ns, int n, const xmlChar **a)
{
	const xmlChar *element = s->open[s->depth - 1];
	struct rec_value lsid = {"", 0};
	const char *why;
	int i;

	for (i = 0; i < n; i++, a += 5)
		if (names_find(&s->names, a[0]) == N_lsid && lsid.n == 0) {
			lsid.p = (const char *)a[3];
			lsid.n = (size_t)(a[4] - a[3]);
		}
	if (s->depth == 1)
		start_root(s, name, element, prefix, namespaces, ns);
	if (!s->stop && s->report->within == REPORT_BETWEEN && s->error_depth == 0) {
		if (s->depth == s->session_depth && name == N_session)
			start_session(s, place, namespaces, ns, lsid);
		else if (s->depth == s->session_depth && name == N_error)
			start_error(s);
		else if (s->depth == s->session_depth && !s->other) {
			s->other = 1;
			report_warn(s->report, source_offset(s->source, s->last),
			    "beside its sessions: <%.80s>, which praic does not know and ignores",
			    (const char *)element);
		} else if (s->depth > s->session_depth && name == N_session) {
			report_warn(s->report, source_offset(s->source, s->last),
			    "a session within <%.80s>, where reports have none: "
			    "left out",
			    (const char *)s->open[s->depth - 2]);
			report_bad(
			    s->report, none, "no-report", "a session where reports have none");
		}
	}
	if (!s->stop && (why = over_limit(s, n)) != NULL)
		pass_over(s, tag_start(s, place), s->depth - 1, why);
}

/* libxml2 reports a start tag before it looks for its end: a tag that is cut is an error, and
 * the name and attributes that it has so far mean nothing. */
static inline int
tag_ends(const struct parse *s)
{
	const xmlChar *p = s->ctxt->input->cur;

	return p[0] == '>' || (p[0] == '/' && p[1] == '>');
}

static void
on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int namespaces,
    const xmlChar **ns, int n, int defaulted, const xmlChar **a)
{
	struct parse *s = arg;
	enum name name;
	uint64_t place;

	(void)uri;
	(void)defaulted;
	if (s->stop || !tag_ends(s))
		return;
	s->open[s->depth++] = local;
	if (namespaces > 0)
		declare(s, namespaces, ns);
	if (s->depth == 1 && s->rooted)
		return; /* the root once more, for a new parser */
	name = names_find(&s->names, local);
	place = here(s);
	if (s->report->within == REPORT_SESSION)
		start_inside(s, place, name, (const char *)local, n, a);
	else
		start_outside(s, place, name, prefix, namespaces, ns, n, a);
	if (!s->stop)
		moved(s, place);
}

static void __attribute__((noinline)) end_outside(struct parse *s, uint64_t place)
{
	if (s->report->within != REPORT_BETWEEN && s->depth == s->session_depth)
		report_end(s->report, place);
	else if (s->depth == s->error_depth)
		end_error(s);
}

static void
on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct parse *s = arg;
	uint64_t place = here(s);
	const char *why;

	(void)local;
	(void)prefix;
	(void)uri;
	if (s->stop)
		return;
	if (s->report->within == REPORT_SESSION && s->depth != s->session_depth) {
		s->report->place = place;
		why = session_end_element(s->report->session, &s->report->text);
		if (why != NULL)
			report_give_up(s->report, "too-long", why);
	} else
		end_outside(s, place);
	s->depth--;
	if (s->declared[s->depth] > 0) {
		s->namespaces -= s->declared[s->depth];
		s->declared[s->depth] = 0;
	}
	moved(s, place);
	if (s->depth == 0)
		s->done = 1; /* comments may follow */
	else if (s->depth == s->session_depth - 1 && xmlDictSize(s->ctxt->dict) > LIMIT_NAMES_KEPT)
		begin_anew(s);
}

static void
take_text(struct parse *s, const xmlChar *p, int n)
{
	struct buf *text = s->report->text;

	if (text != NULL && text->n + (size_t)n > REC_MAX_LINE)
		report_give_up(s->report, "too-long", "a value longer than a line may be (64 MiB)");
	else if (text != NULL)
		buf_add(text, p, (size_t)n);
	else if (s->error_depth != 0 && s->error.n < 4096)
		buf_add(&s->error, p, (size_t)n < 4096 ? (size_t)n : 4096);
}

static void __attribute__((noinline)) long_text(struct parse *s, const xmlChar *p, int n)
{
	take_text(s, p, n);
	moved(s, here(s));
}

static void
on_text(void *arg, const xmlChar *p, int n)
{
	struct parse *s = arg;

	if (s->stop)
		return;
	/* Blanks between elements are not worth a look at the limits. */
	if ((s->text += n) > TEXT_STEP)
		long_text(s, p, n);
	else
		take_text(s, p, n);
}

/* After a comment the bytes before it need not be kept until the next tag. */
static void
on_comment(void *arg, const xmlChar *text)
{
	struct parse *s = arg;

	(void)text;
	if (!s->stop)
		moved(s, here(s));
}

/* <?praic-site HOST?> before the root of a plain document. */
static void
read_site(struct parse *s, const xmlChar *data)
{
	const char *p = data != NULL ? (const char *)data : "";
	struct rec_value v = {p, strlen(p)};
	char named[HOST_SIZE], text[600];

	v = row_trim(v);
	if (host_normalise(v.p, v.n, named) == -1)
		abandon(s, "other-site",
		    "<?praic-site?> names no host, or was a mark line and is changed");
	else if (s->host != NULL && strcmp(s->host, named) != 0) {
		snprintf(
		    text, sizeof(text), "it is of the site %s, not of %s: refused", named, s->host);
		abandon(s, "other-site", text);
	} else {
		strcpy(s->named, named);
		s->host = s->named;
		s->report->host = s->host;
	}
}

static void
on_instruction(void *arg, const xmlChar *target, const xmlChar *data)
{
	struct parse *s = arg;

	on_comment(s, NULL);
	if (s->stop || s->rooted)
		return;
	if (s->plain && xmlStrEqual(target, BAD_CAST "praic-site"))
		read_site(s, data);
	if (!s->stop && s->last - s->begin > PROLOG_STEP)
		begin_anew(s);
}

static void
on_doctype(void *arg, const xmlChar *name, const xmlChar *public, const xmlChar *system)
{
	(void)name;
	(void)public;
	(void)system;
	abandon(arg, "doctype", "it has a DOCTYPE, which no report has: refused");
}

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_pointer;
#else
typedef xmlErrorPtr error_pointer;
#endif

static void
on_error(void *arg, error_pointer e)
{
	struct parse *s = arg;
	struct parse_result *r = s->result;
	size_t n;

	/* Malformed XML is fatal, and so is an undeclared prefix.  Other errors
	 * are about namespaces, which praic ignores. */
	if (s->stop || e == NULL)
		return;
	if (e->level != XML_ERR_FATAL && e->code != XML_NS_ERR_UNDEFINED_NAMESPACE) {
		/* After any error libxml2 2.14 no longer reports content behind the root. */
		xmlCtxtResetLastError(s->ctxt);
		return;
	}
	s->error_code = e->code;
	s->error_at = here(s);
	/* longer than LIMIT_NAME, too */
	if (e->code == XML_ERR_NAME_TOO_LONG)
		s->names.too_long = 1;
	r->code = "malformed";
	snprintf(r->why, sizeof(r->why), "%s", e->message != NULL ? e->message : "not well-formed");
	for (n = strlen(r->why); n > 0 && strchr(" \n", r->why[n - 1]) != NULL; n--)
		r->why[n - 1] = '\0';
	/* The parser must not be stopped from within an error.  It parses what it
	 * has read, without callbacks, and then reads no more. */
	s->stop = 1;
}

static xmlEntityPtr
no_entity(void *arg, const xmlChar *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

/* ---- skipping the rest of a session ----------------------------------- */

/* Skip a start tag.  Returns whether its element is empty, or -1 as above. */
static int
pass_tag(struct parse *s)
{
	char quote = 0, before = 0;
	const char *p;
	size_t i, have;

	for (;; s->last += have) {
		source_keep(s->source, s->last);
		p = source_at(s->source, s->last, 1, &have);
		if (have == 0)
			return -1;
		for (i = 0; i < have; before = p[i++]) {
			if (quote == 0 && p[i] == '>') {
				s->last += i + 1;
				return before == '/';
			}
			if (quote != 0)
				quote = p[i] == quote ? 0 : quote;
			else if (p[i] == '"' || p[i] == '\'')
				quote = p[i];
		}
	}
}

/*
 * Skip the rest of the element below the root in which s->pass_from is.  Tags are
 * counted, not compared.  -1 as above; if the last tag is the root's end, the document
 * was not cut, but an end tag is missing.
 */
static int
pass_element(struct parse *s)
{
	int depth = s->pass_depth, empty, failed;
	size_t have, name = strcspn(buf_text(&s->head), " >");
	const char *p;

	s->last = s->pass_from;
	do {
		if (source_pass(s->source, &s->last, "<") == -1)
			return -1;
		p = source_at(s->source, s->last, name < 8 ? 8 : name, &have);
		if (have >= 3 && memcmp(p, "!--", 3) == 0)
			failed = source_pass(s->source, &s->last, "-->");
		else if (have >= 8 && memcmp(p, "![CDATA[", 8) == 0)
			failed = source_pass(s->source, &s->last, "]]>");
		else if (have >= 1 && *p == '?')
			failed = source_pass(s->source, &s->last, "?>");
		else if (have >= 1 && *p == '/') {
			s->root_ended =
			    name > 0 && have >= name && memcmp(p + 1, s->head.p + 1, name - 1) == 0;
			failed = source_pass(s->source, &s->last, ">");
			depth--;
		} else {
			s->root_ended = 0;
			failed = empty = pass_tag(s);
			depth += empty == 0;
		}
		if (failed == -1)
			return -1;
	} while (depth >= s->session_depth);
	return 0;
}

/* If the parser stopped because of a tag over the limits, leave out that session. */
static void
check_tag(struct parse *s)
{
	static const char why[] = "a tag longer than 64 MiB or with more than 1000 attributes";
	uint64_t tag = s->source->long_tag;
	const char *p;
	size_t have, name;

	if (s->done || s->stopped || s->then != LAST_PARSER || s->result->code == NULL ||
	    strcmp(s->result->code, "malformed") != 0)
		return;
	if (s->names.too_long) {
		s->result->code = NULL;
		pass_over(s, tag_start(s, s->error_at), s->depth, "a name longer than 1000 bytes");
		return;
	}
	if (tag == UINT64_MAX || tag < s->last || tag < s->begin || s->error_at < tag)
		return;
	s->result->code = NULL;
	p = source_have(s->source, tag, &have);
	for (name = 1; name < have && strchr(" \t\n\r/>", p[name]) == NULL; name++)
		;
	if (s->rooted && s->depth == s->session_depth - 1 && name > 7 &&
	    memcmp(p + name - 7, "session", 7) == 0 && strchr("<:", p[name - 8]) != NULL &&
	    s->error_depth == 0 &&
	    report_begin(s->report, tag, tag + name,
		decode_attribute(p, have < 65536 ? have : 65536, "lsid"), NULL, 0) == -1) {
		s->stopped = 1;
		return;
	}
	pass_over(s, tag, s->depth, why);
}

/* Begin a parser behind what is done. */
static void
renew(struct parse *s)
{
	s->then = LAST_PARSER;
	s->stop = s->text = s->depth = s->namespaces = s->error_code = 0;
	memset(s->declared, 0, sizeof(s->declared));
	memset(&s->names, 0, sizeof(s->names));
	s->result->code = NULL;
	s->begin = s->fed = s->last;
	s->start = s->begin - s->head.n;
	s->head_left = s->head.n;
}

/* ---- the document as a whole ----------------------------------------- */

/*
 * The document is malformed: is it because the input ended?  Then the parser has read
 * all of it, and its error is that something has no end.
 */
static int
is_cut(struct parse *s)
{
	const char *p, *lt, *amp;
	size_t n;

	if (s->source->failed)
		return 1;
	if (!source_ended(s->source) || s->source->decoder.at.next)
		return 0;
	p = source_have(s->source, s->last, &n);
	if (s->fed < s->last + n)
		return 0; /* the parser stopped before the end */
	/* libxml2 itself may report a tag without an end. */
	if (s->error_code == XML_ERR_USER_STOP)
		return decode_in_markup(&s->source->decoder) && s->error_at == s->fed;
	if (s->error_code == XML_ERR_TAG_NOT_FINISHED || !s->rooted)
		return s->rooted || s->error_at == s->fed || decode_in_markup(&s->source->decoder);
	lt = memrchr(p, '<', n);
	if (decode_in_markup(&s->source->decoder))
		return lt == NULL || s->error_at >= s->last + (uint64_t)(lt - p);
	amp = memrchr(p, '&', n);
	return amp != NULL && (lt == NULL || amp > lt) &&
	    memchr(amp, ';', (size_t)(p + n - amp)) == NULL &&
	    s->error_at >= s->last + (uint64_t)(amp - p);
}

static void
run_parser(struct parse *s)
{
	xmlSAXHandler sax;

	memset(&sax, 0, sizeof(sax));
	sax.initialized = XML_SAX2_MAGIC;
	sax.startElementNs = on_start;
	sax.endElementNs = on_end;
	sax.characters = on_text;
	sax.ignorableWhitespace = on_text;
	sax.cdataBlock = on_text;
	sax.comment = on_comment;
	sax.processingInstruction = on_instruction;
	sax.internalSubset = on_doctype;
	sax.getEntity = no_entity;
	sax.serror = on_error;
	s->ctxt = xmlCreateIOParserCtxt(&sax, s, read_more, NULL, s, XML_CHAR_ENCODING_UTF8);
	if (s->ctxt == NULL)
		xnomem();
	/* No option that loads, substitutes or forgives anything.  HUGE, since
	 * split.h has the limits; it is safe because a DOCTYPE, with which small
	 * inputs could grow, is refused.  IGNORE_ENC, since decode.c has dealt
	 * with the encoding.  NOENT has nothing to substitute but the five
	 * entities of XML itself; without it libxml2 writes the & of an
	 * attribute's value as a reference again. */
	xmlCtxtUseOptions(
	    s->ctxt, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOENT | XML_PARSE_HUGE);
	(void)xmlParseDocument(s->ctxt);
	check_tag(s);
	if (s->ctxt->myDoc != NULL)
		xmlFreeDoc(s->ctxt->myDoc);
	xmlFreeParserCtxt(s->ctxt);
	s->ctxt = NULL;
}

/* Begin a new parser if there is more of the document. */
static int
goes_on(struct parse *s)
{
	if (s->then == PASS_OVER) {
		if (pass_element(s) == -1) {
			s->cut = !s->root_ended;
			snprintf(s->result->why, sizeof(s->result->why),
			    "the document ends within an element");
			return 0;
		}
		if (s->report->within == REPORT_UNWANTED)
			report_end(s->report, s->last);
		s->done = s->session_depth == 1;
		while (s->done && source_pass(s->source, &s->last, "<") == 0)
			;
	}
	if (s->then == LAST_PARSER || s->done)
		return 0;
	renew(s);
	return 1;
}

enum parse_outcome
parse_document(struct report *report, struct source *source, uint64_t place, const char *host,
    int plain, struct parse_result *result)
{
	static struct parse s;

	memset(&s, 0, sizeof(s));
	memset(result, 0, sizeof(*result));
	s.report = report;
	s.source = source;
	s.result = result;
	s.host = host;
	s.plain = plain;
	s.begin = s.start = s.fed = s.last = place;
	do
		run_parser(&s);
	while (goes_on(&s));
	result->end = s.last;
	buf_free(&s.error);
	buf_free(&s.head);
	if (s.done && result->code == NULL) {
		result->end = UINT64_MAX;
		return PARSE_WHOLE;
	}
	result->lsid = report_break(report);
	if (s.stopped) {
		if (rec_failed(report->out))
			report->code = code_worse(report->code, EX_IOERR);
		return PARSE_STOPPED;
	}
	return s.cut || (s.then == LAST_PARSER && is_cut(&s)) ? PARSE_CUT : PARSE_BAD;
}
