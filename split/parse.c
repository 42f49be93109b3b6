/* One document by libxml2: see parse.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "code.h"
#include "host.h"
#include "limits.h"
#include "names.h"
#include "parse.h"

/* Newer versions of libxml2 stop at 2048, whatever is asked of them. */
#define PARSER_DEPTH 2000
/* Text of one element may go by in very small pieces. */
#define TEXT_STEP 256
/* The report is told now and then how far we are. */
#define SETTLE_STEP 4096

struct parse {
	struct report *report;
	struct source *source;
	struct parse_result *result;
	xmlParserCtxtPtr ctxt;
	struct names names;

	const char *host; /* of the sessions, or NULL */
	int plain;	  /* <?praic-site?> may name it */
	char named[HOST_SIZE];

	uint64_t start;		 /* what the parser counts as 0 */
	uint64_t fed;		 /* what was given to the parser */
	uint64_t last;		 /* all before this place is well-formed */
	const uint64_t *cut_tag; /* see source.h */
	uint64_t cut_tag_done;
	int text; /* so much of it was taken since */
	int depth;
	int rooted;	   /* the root element has begun */
	int session_depth; /* where sessions are: 1, or 2 below a list */
	int done;	   /* the root element ended */
	int stop;	   /* give the parser nothing more */
	int stopped;	   /* the whole program must */
	int error_code;
	uint64_t error_at; /* how far the parser had come */

	int error_depth; /* of an <error>, or 0 */
	uint64_t error_place;
	struct buf error;

	int namespaces; /* declared by the elements that are open */
	unsigned short declared[PARSER_DEPTH];
	const xmlChar *open[PARSER_DEPTH];

	struct session_attribute attribute[LIMIT_ATTRIBUTES]; /* of one tag */
};

void
parse_prepare(void)
{
	LIBXML_TEST_VERSION
	/* Where memory runs out, libxml2 leaves an attribute out, or calls the
	 * document bad; here the program ends. */
	if (xmlMemSetup(free, xmalloc, xrealloc, xstrdup) != 0)
		xnomem();
	xmlInitParser();
}

/* The place that the parser has come to. */
static inline uint64_t
here(const struct parse *s)
{
	const xmlParserInput *in = s->ctxt->input;

	return s->start + in->consumed + (uint64_t)(in->cur - in->base);
}

/* Everything before this place is well-formed and was dealt with. */
static inline void
moved(struct parse *s, uint64_t place)
{
	s->last = place;
	s->text = 0;
	if (place - s->report->settled >= SETTLE_STEP)
		report_settle(s->report, place);
}

/* The document cannot be what it should be: leave the rest of it. */
static void
abandon(struct parse *s, const char *code, const char *why)
{
	if (s->result->code == NULL) {
		s->result->code = code;
		snprintf(s->result->why, sizeof(s->result->why), "%s", why);
	}
	s->error_code = XML_ERR_USER_STOP;
	s->error_at = here(s);
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

	if (report_stopped(s->report))
		s->stopped = s->stop = 1;
	if (s->stop || len <= 0)
		return 0;
	/* As much as it asks for: libxml2 does not do well on small pieces. */
	p = source_at(s->source, s->fed, (size_t)len, &have);
	if (have > (size_t)len)
		have = (size_t)len;
	memcpy(to, p, have);
	s->fed += have;
	return (int)have;
}

/* ---- what libxml2 calls ---------------------------------------------- */

/* Its declarations, as the report takes them; NULL when there are none. */
static struct report_namespace *
declarations(int n, const xmlChar **ns)
{
	struct report_namespace *d = n > 0 ? xcalloc((size_t)n, sizeof(*d)) : NULL;
	int i;

	for (i = 0; i < n; i++) {
		d[i].prefix = (const char *)ns[2 * i];
		d[i].uri = (const char *)ns[2 * i + 1];
	}
	return d;
}

/* An element's namespaces are looked through for each name below it. */
static void
declare(struct parse *s, int n)
{
	s->declared[s->depth - 1] = (unsigned short)n;
	s->namespaces += n;
	if (s->namespaces > LIMIT_NAMESPACES)
		abandon(s, "too-long", "more than 256 namespaces declared");
}

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
	static const struct rec_value none = {NULL, 0};
	struct rec_value v = {s->error.n > 0 ? s->error.p : "", s->error.n};
	char text[300];

	v = row_trim(v);
	if (v.n > 0)
		snprintf(text, sizeof(text), "the appliance reports an error: %.*s",
		    (int)(v.n < 200 ? v.n : 200), v.p);
	else
		snprintf(
		    text, sizeof(text), "the appliance reports an error, and does not say which");
	report_warn(s->report, s->error_place, "%s", text);
	report_bad(s->report, none, "error", text);
	s->error_depth = 0;
}

static void
start_root(struct parse *s, enum name name, const char *element, int namespaces, const xmlChar **ns)
{
	struct report_namespace *own;
	const char *why = NULL;
	char text[160];

	s->rooted = 1;
	s->session_depth = name == N_session ? 1 : 2;
	if (name == N_error)
		start_error(s);
	else if (name == N_session_list) {
		own = declarations(namespaces, ns);
		why = report_inherit(s->report, own, namespaces);
		free(own);
	} else if (name != N_session) {
		snprintf(text, sizeof(text), "its root is <%.80s>: no session report", element);
		why = text;
	}
	if (why != NULL)
		abandon(s, name == N_session_list ? "too-long" : "no-report", why);
}

/* Where the tag begins that the parser has just read: '<' stands in no
 * attribute's value. */
static uint64_t
tag_start(struct parse *s, uint64_t end)
{
	size_t have, n = (size_t)(end - s->last);
	const char *p = source_have(s->source, s->last, &have), *lt;

	lt = memrchr(p, '<', n <= have ? n : have);
	return lt == NULL ? s->last : s->last + (uint64_t)(lt - p);
}

static void
start_session(
    struct parse *s, uint64_t place, int namespaces, const xmlChar **ns, int n, const xmlChar **a)
{
	struct report_namespace *own;
	struct rec_value lsid = {"", 0};

	for (; n > 0; n--, a += 5)
		if (names_find(&s->names, a[0]) == N_lsid) {
			lsid.p = (const char *)a[3];
			lsid.n = (size_t)(a[4] - a[3]);
			break;
		}
	own = declarations(namespaces, ns);
	if (report_begin(s->report, tag_start(s, place), place, lsid, own, namespaces) == -1) {
		s->stopped = s->stop = 1;
		xmlStopParser(s->ctxt);
	}
	free(own);
}

/* Below a session: its attributes, by number. */
static void
start_inside(
    struct parse *s, uint64_t place, enum name name, const char *element, int n, const xmlChar **a)
{
	struct session_attribute *known = s->attribute;

	const char *why = NULL;

	if (s->depth - s->session_depth > LIMIT_DEPTH)
		why = "elements nested more than 128 deep";
	else if (n > LIMIT_ATTRIBUTES)
		why = "an element of more than 64 attributes";
	else if (name == N_UNKNOWN && strlen(element) > LIMIT_NAME)
		why = "an element whose name is longer than 1000 bytes";
	if (why != NULL) {
		report_give_up(s->report, "too-long", why);
		return;
	}
	for (; n > 0; n--, a += 5) {
		known->name = names_find(&s->names, a[0]);
		known->value.p = (const char *)a[3];
		known->value.n = (size_t)(a[4] - a[3]);
		known += known->name != N_UNKNOWN;
	}
	report_start_element(
	    s->report, place, name, element, s->attribute, (int)(known - s->attribute));
}

/* What is not below a session.  Not inline: it is rare, and would make the
 * way of the others longer. */
static void __attribute__((noinline)) start_outside(struct parse *s, uint64_t place, enum name name,
    const char *element, int namespaces, const xmlChar **ns, int n, const xmlChar **a)
{
	static const struct rec_value none = {NULL, 0};

	if (s->depth == 1)
		start_root(s, name, element, namespaces, ns);
	if (s->stop || s->report->within != REPORT_BETWEEN || s->error_depth != 0)
		return;
	if (s->depth == s->session_depth) {
		if (name == N_session)
			start_session(s, place, namespaces, ns, n, a);
		else if (name == N_error)
			start_error(s);
	} else if (name == N_session && s->depth > s->session_depth) {
		report_warn(s->report, s->last,
		    "a session within <%.80s>, which is none of a "
		    "report's: left out",
		    (const char *)s->open[s->depth - 2]);
		report_bad(s->report, none, "no-report", "a session at a place that is none");
	}
}

/* The tag that ends here was longer than the limits: was it one of a session? */
static void __attribute__((noinline)) tag_was_cut(struct parse *s)
{
	static const char why[] = "a tag longer than 64 MiB, or with more than 1000 attributes or "
				  "a name of more than 50000 bytes";

	s->cut_tag_done = *s->cut_tag;
	if (s->report->within == REPORT_SESSION)
		report_give_up(s->report, "too-long", why);
	else if (s->report->within == REPORT_BETWEEN)
		abandon(s, "too-long", why);
}

static void
on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int namespaces,
    const xmlChar **ns, int n, int defaulted, const xmlChar **a)
{
	struct parse *s = arg;
	enum name name;
	uint64_t place;

	(void)prefix;
	(void)uri;
	(void)defaulted;
	if (s->stop)
		return;
	if (s->depth == PARSER_DEPTH) {
		abandon(s, "too-long", "elements nested more than 2000 deep");
		return;
	}
	s->open[s->depth++] = local;
	if (namespaces > 0) {
		declare(s, namespaces);
		if (s->stop)
			return;
	}
	name = names_find(&s->names, local);
	place = here(s);
	if (s->report->within == REPORT_SESSION)
		start_inside(s, place, name, (const char *)local, n, a);
	else
		start_outside(s, place, name, (const char *)local, namespaces, ns, n, a);
	if (s->cut_tag_done != *s->cut_tag && *s->cut_tag <= place)
		tag_was_cut(s);
	if (s->names.learned > LIMIT_NAMES && xmlDictSize(s->ctxt->dict) > LIMIT_NAMES)
		abandon(s, "too-long", "more than 10000 different names");
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

	(void)local;
	(void)prefix;
	(void)uri;
	if (s->stop)
		return;
	if (s->report->within == REPORT_SESSION && s->depth != s->session_depth)
		report_end_element(s->report, place);
	else
		end_outside(s, place);
	s->depth--;
	/* Its start tag was as long, and dealt with. */
	if (*s->cut_tag <= place)
		s->cut_tag_done = *s->cut_tag;
	if (s->declared[s->depth] > 0) {
		s->namespaces -= s->declared[s->depth];
		s->declared[s->depth] = 0;
	}
	moved(s, place);
	if (s->depth == 0) {
		s->done = s->stop = 1;
		xmlStopParser(s->ctxt);
	}
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
	/* The blanks between elements are not worth it. */
	if ((s->text += n) > TEXT_STEP)
		long_text(s, p, n);
	else
		take_text(s, p, n);
}

/* <?praic-site HOST?> before the root of a plain document. */
static void
on_instruction(void *arg, const xmlChar *target, const xmlChar *data)
{
	struct parse *s = arg;
	const char *p = data != NULL ? (const char *)data : "";
	struct rec_value v = {p, strlen(p)};
	char named[HOST_SIZE], text[600];

	if (s->stop || !s->plain || s->rooted || !xmlStrEqual(target, BAD_CAST "praic-site"))
		return;
	v = row_trim(v);
	if (host_normalise(v.p, v.n, named) == -1)
		abandon(s, "other-site", "<?praic-site?> names no host");
	else if (s->host != NULL && strcmp(s->host, named) != 0) {
		snprintf(
		    text, sizeof(text), "it is of the site %s, not of %s: refused", named, s->host);
		abandon(s, "other-site", text);
	} else {
		strcpy(s->named, named);
		s->host = s->named;
		report_host(s->report, s->host);
	}
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

	/* Not being well-formed is fatal; so is a prefix that nobody declares.
	 * Other errors are about namespaces, which praic does not look at. */
	if (s->stop || e == NULL ||
	    (e->level != XML_ERR_FATAL && e->code != XML_NS_ERR_UNDEFINED_NAMESPACE))
		return;
	s->error_code = e->code;
	s->error_at = here(s);
	r->code = "malformed";
	snprintf(r->why, sizeof(r->why), "%s", e->message != NULL ? e->message : "not well-formed");
	for (n = strlen(r->why); n > 0 && strchr(" \n", r->why[n - 1]) != NULL; n--)
		r->why[n - 1] = '\0';
	/* The parser must not be stopped from within an error; it reads what
	 * it has, without calling anybody, and then there is no more. */
	s->stop = 1;
}

static xmlEntityPtr
no_entity(void *arg, const xmlChar *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

/* ---- the document as a whole ----------------------------------------- */

/*
 * The document is not well-formed: is it because the input ended?  The parser
 * must have read all of it, and what it found wrong must be that something
 * does not end there.
 */
static int
is_cut(struct parse *s)
{
	const char *p, *lt, *amp;
	size_t n;

	if (source_failed(s->source))
		return 1;
	if (!source_ended(s->source))
		return 0;
	p = source_have(s->source, s->last, &n);
	if (s->fed < s->last + n)
		return 0; /* it did not even get that far */
	/* Of a tag that does not end libxml2 may tell, too. */
	if (s->error_code == XML_ERR_USER_STOP)
		return source_in_markup(s->source) && s->error_at == s->fed;
	if (s->error_code == XML_ERR_TAG_NOT_FINISHED || !s->rooted)
		return s->rooted || s->error_at == s->fed || source_in_markup(s->source);
	lt = memrchr(p, '<', n);
	if (source_in_markup(s->source))
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
	sax.processingInstruction = on_instruction;
	sax.internalSubset = on_doctype;
	sax.getEntity = no_entity;
	sax.serror = on_error;
	s->ctxt = xmlCreateIOParserCtxt(&sax, s, read_more, NULL, s, XML_CHAR_ENCODING_UTF8);
	if (s->ctxt == NULL)
		xnomem();
	/* No option that loads, substitutes or forgives anything.  HUGE, for
	 * the limits are ours (limits.h); without a DOCTYPE, which is refused,
	 * it makes no bombs of small inputs.  The encoding was dealt with: no
	 * declaration changes it.  NOENT has nothing to substitute but the five
	 * entities of XML itself; without it libxml2 writes the & of an
	 * attribute's value as a reference again. */
	xmlCtxtUseOptions(
	    s->ctxt, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOENT | XML_PARSE_HUGE);
	(void)xmlParseDocument(s->ctxt);
	if (s->ctxt->myDoc != NULL)
		xmlFreeDoc(s->ctxt->myDoc);
	xmlFreeParserCtxt(s->ctxt);
	s->ctxt = NULL;
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
	s.cut_tag = source_cut_tag(source);
	s.start = s.fed = s.last = place;
	report_document(report, source, place, host);
	run_parser(&s);
	result->end = s.last;
	buf_free(&s.error);
	if (s.done)
		return PARSE_WHOLE;
	result->lsid = report_break(report);
	if (s.stopped) {
		report->code = code_worse(report->code, report_stopped(report));
		return PARSE_STOPPED;
	}
	return is_cut(&s) ? PARSE_CUT : PARSE_BAD;
}
