/* One document by libxml2: see parse.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "code.h"
#include "longtag.h"
#include "names.h"
#include "parse.h"
#include "start.h"

/* Limits on one session, which is left out beyond.  Real sessions nest 9
 * deep, their elements have 4 attributes and names of 34 letters at most. */
#define MAX_DEPTH      128
#define MAX_ATTRIBUTES 64
#define MAX_NAME       1000

/* Limits on a document, of which the rest is left out beyond: libxml2 takes
 * time by the square of the attributes of a tag, and of the different names
 * that it meets, and by each namespace that is declared for each name. */
#define MAX_TAG_ATTRIBUTES 1000
#define MAX_NAMESPACES	   256
/* Its dictionary of names searches ever longer lists. */
#define MAX_NAMES 10000
/* What the parser has not finished yet (a comment, say) is kept to be read
 * again if it never ends; libxml2's own limit for most things is 10 MB. */
#define MAX_TOKEN ((size_t)32 << 20)

/* Text of one element may go by in very small pieces. */
#define TEXT_STEP 256
/* The report is told now and then how far we are. */
#define SETTLE_STEP 4096
/* libxml2 2.12 made the error that it passes constant. */
#if LIBXML_VERSION >= 21200
#define ERROR_CONST const
#else
#define ERROR_CONST
#endif

/* libxml2 itself stops at 256. */
#define PARSER_DEPTH 512

struct parse {
	struct report *report;
	struct source *source;
	xmlParserCtxtPtr ctxt;
	struct names names;

	uint64_t start; /* where the root element begins */
	uint64_t fed;	/* what was given to the parser */
	uint64_t last;	/* all before this place is well-formed */
	int text;	/* so much of it was taken since */
	int depth;
	int session_depth; /* where sessions are: 1, or 2 below a list */
	int done;	   /* the root element ended */
	int stop;	   /* give the parser nothing more */
	int stopped;	   /* the whole program must */
	int torn;	   /* a mark stands within the document */
	char why[256];	   /* what is wrong with the document */
	int error_code;

	int error_depth; /* of an <error>, or 0 */
	uint64_t error_place;
	struct buf error;

	int namespaces; /* declared by the elements that are open */
	unsigned short declared[PARSER_DEPTH];
	const char *open[PARSER_DEPTH]; /* elements outside sessions: their names */

	struct longtag tag;
	struct session_attribute attribute[MAX_ATTRIBUTES]; /* of one tag */
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
#if LIBXML_VERSION >= 21200
	/* Later, libxml2 would abort. */
	if (xmlCheckThreadLocalStorage() != 0)
		xnomem();
#endif
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
abandon(struct parse *s, const char *why)
{
	if (s->why[0] == '\0')
		snprintf(s->why, sizeof(s->why), "%s", why);
	s->stop = 1;
	xmlStopParser(s->ctxt);
}

/* ---- what goes in ---------------------------------------------------- */

/* What would be too much for the parser, or for us to keep?  NULL if not. */
static const char *
too_much(struct parse *s)
{
	if (s->fed - s->last > MAX_TOKEN)
		return "a comment or the like of more than 32 MiB";
	if (s->fed - s->last > LONGTAG_BYTES &&
	    longtag_attributes(&s->tag, s->source, s->last) > MAX_TAG_ATTRIBUTES)
		return "a tag with more than 1000 attributes";
	if (xmlDictSize(s->ctxt->dict) > MAX_NAMES)
		return "more than 10000 different names";
	return NULL;
}

static int
read_more(void *arg, char *to, int len)
{
	struct parse *s = arg;
	const char *p, *why;
	size_t have;

	if (report_stopped(s->report))
		s->stopped = s->stop = 1;
	if (s->stop || len <= 0)
		return 0;
	if ((why = too_much(s)) != NULL) {
		snprintf(s->why, sizeof(s->why), "%s", why);
		s->stop = 1;
		return 0;
	}
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
	if (s->namespaces > MAX_NAMESPACES)
		abandon(s, "more than 256 namespaces declared");
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
	struct rec_value v = {s->error.n > 0 ? s->error.p : "", s->error.n};

	v = row_trim(v);
	if (v.n > 0)
		report_warn(s->report, s->error_place, "the appliance reports an error: %.*s",
		    (int)(v.n < 200 ? v.n : 200), v.p);
	else
		report_warn(s->report, s->error_place,
		    "the appliance reports an error, and does not say which");
	report_bad(s->report);
	s->error_depth = 0;
}

static void
start_root(struct parse *s, enum name name, const char *element, int namespaces, const xmlChar **ns)
{
	struct report_namespace *own;
	const char *why = NULL;
	char text[160];

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
		abandon(s, why);
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
		if (a[1] == NULL && names_find(&s->names, a[0]) == N_lsid) {
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

/* Below a session: its unprefixed attributes, by number. */
static void
start_inside(
    struct parse *s, uint64_t place, enum name name, const char *element, int n, const xmlChar **a)
{
	struct session_attribute *known = s->attribute;

	if (s->depth - s->session_depth > MAX_DEPTH) {
		report_give_up(s->report, "elements nested more than 128 deep");
		return;
	}
	if (n > MAX_ATTRIBUTES) {
		report_give_up(s->report, "an element of more than 64 attributes");
		return;
	}
	if (name == N_UNKNOWN && strlen(element) > MAX_NAME) {
		report_give_up(s->report, "an element whose name is longer than 1000 bytes");
		return;
	}
	for (; n > 0; n--, a += 5) {
		if (a[1] != NULL)
			continue; /* has a prefix: not one of ours */
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
	s->open[s->depth - 1] = element;
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
		    s->open[s->depth - 2]);
		report_bad(s->report);
	}
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
		abandon(s, "elements nested more than 512 deep");
		return;
	}
	s->depth++;
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
		report_give_up(s->report, "a value longer than a line may be (64 MiB)");
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

/* What stands between documents: this one was cut, and another put behind
 * it. */
static void
tear(struct parse *s)
{
	s->torn = 1;
	abandon(s, "a declaration or a mark within it: it was cut there");
}

static void
on_cdata(void *arg, const xmlChar *p, int n)
{
	struct parse *s = arg;
	uint64_t place = here(s);
	const char *after;
	size_t have;

	if (s->stop)
		return;
	after = source_at(s->source, place, sizeof("<![CDATA[>"), &have);
	if (start_is_within_cdata((const char *)p, (size_t)n, after, have)) {
		tear(s);
		return;
	}
	take_text(s, p, n);
	moved(s, place);
}

static void
on_instruction(void *arg, const xmlChar *target, const xmlChar *data)
{
	struct parse *s = arg;
	const char *p = (const char *)data;

	if (s->stop)
		return;
	if ((p != NULL && start_is_within(p, strlen(p))) ||
	    xmlStrEqual(target, BAD_CAST "praic-site") || xmlStrEqual(target, BAD_CAST "praic-end"))
		tear(s);
	else
		moved(s, here(s));
}

static void
on_comment(void *arg, const xmlChar *text)
{
	struct parse *s = arg;
	const char *p = (const char *)text;

	if (s->stop)
		return;
	if (p != NULL && start_is_within_comment(p, strlen(p)))
		tear(s);
	else
		moved(s, here(s));
}

static void
on_doctype(void *arg, const xmlChar *name, const xmlChar *public, const xmlChar *system)
{
	(void)name;
	(void)public;
	(void)system;
	abandon(arg, "it has a DOCTYPE, which no report has: refused");
}

static void
on_error(void *arg, ERROR_CONST xmlError *e)
{
	struct parse *s = arg;
	size_t n;

	/* Not being well-formed is fatal; other errors are about namespaces,
	 * which praic does not look at. */
	if (s->stop || e == NULL || e->level != XML_ERR_FATAL)
		return;
	s->error_code = e->code;
	/* <?xml ...?>: it was cut, and another put behind it. */
	s->torn = e->code == XML_ERR_RESERVED_XML_NAME;
	snprintf(s->why, sizeof(s->why), "%s", e->message != NULL ? e->message : "not well-formed");
	if (strstr(s->why, "XML_PARSE_HUGE") != NULL) /* advice that nobody can follow */
		snprintf(s->why, sizeof(s->why), "libxml2 finds a value or name too long");
	for (n = strlen(s->why); n > 0 && strchr(" \n", s->why[n - 1]) != NULL; n--)
		s->why[n - 1] = '\0';
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
 * The document is not well-formed: is it because the input ended?  What
 * stands behind the last thing that was understood must then be text and at
 * most the beginning of one piece of markup.
 */
static int
is_cut(struct parse *s)
{
	size_t n;
	const char *p = source_have(s->source, s->last, &n);

	if (!source_ended(s->source) || s->error_code == XML_ERR_USER_STOP)
		return 0;
	if (s->fed < s->last + n)
		return 0; /* it did not even get that far */
	return start_is_cut(p, n, s->error_code == XML_ERR_TAG_NOT_FINISHED);
}

/* What does not end at the end of the input is a comment or an instruction:
 * has it swallowed the next document? */
static int
is_joined(struct parse *s)
{
	size_t n;
	const char *p = source_have(s->source, s->last, &n);

	return start_hides(p, n);
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
	sax.cdataBlock = on_cdata;
	sax.processingInstruction = on_instruction;
	sax.comment = on_comment;
	sax.internalSubset = on_doctype;
	sax.getEntity = no_entity;
	sax.serror = on_error;
	s->ctxt = xmlCreateIOParserCtxt(&sax, s, read_more, NULL, s, XML_CHAR_ENCODING_UTF8);
	if (s->ctxt == NULL)
		xnomem();
	/* No option that loads, substitutes or forgives anything, and above
	 * all not XML_PARSE_HUGE, which makes bombs of small inputs.  The
	 * encoding was dealt with: no declaration changes it.  NOENT has
	 * nothing to substitute, for without a DOCTYPE there are only the
	 * five entities of XML itself; without it libxml2 writes the & of an
	 * attribute's value as a reference again. */
	xmlCtxtUseOptions(s->ctxt, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOENT);
	(void)xmlParseDocument(s->ctxt);
	if (s->ctxt->myDoc != NULL)
		xmlFreeDoc(s->ctxt->myDoc);
	xmlFreeParserCtxt(s->ctxt);
	s->ctxt = NULL;
}

/* The document did not come to its end. */
static enum parse_outcome
parse_broken(struct parse *s)
{
	int length = 0, cut = source_failed(s->source) || is_cut(s);
	const char *lsid = report_break(s->report, &length);

	s->torn |= cut && is_joined(s);
	if (cut && !s->torn) {
		report_warn(s->report, s->last, "the input ends here, in the middle of %s%.*s",
		    lsid != NULL ? "session " : "a document", length, lsid != NULL ? lsid : "");
		s->report->code = code_worse(s->report->code, EX_TEMPFAIL);
		return PARSE_CUT;
	}
	report_warn(s->report, s->last, "%s; the rest of this document is left out%s%.*s",
	    cut ? "it was cut in a comment or an instruction that takes in another" : s->why,
	    lsid != NULL ? ", with session " : "", length, lsid != NULL ? lsid : "");
	if (s->torn)
		s->report->code = code_worse(s->report->code, EX_TEMPFAIL);
	else
		report_bad(s->report);
	return s->torn ? PARSE_TORN : PARSE_BAD;
}

enum parse_outcome
parse_document(
    struct report *report, struct source *source, uint64_t place, const char *host, uint64_t *end)
{
	struct parse s = {.report = report, .source = source};
	enum parse_outcome outcome;
	int length;

	s.start = s.fed = s.last = place;
	report_document(report, source, place, host);
	run_parser(&s);
	if (s.done)
		outcome = PARSE_WHOLE;
	else if (s.stopped) {
		(void)report_break(report, &length);
		report->code = code_worse(report->code, report_stopped(report));
		outcome = PARSE_STOPPED;
	} else
		outcome = parse_broken(&s);
	*end = s.last;
	buf_free(&s.error);
	return outcome;
}
