/* One document by libxml2: see parse.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "code.h"
#include "msg.h"
#include "names.h"
#include "parse.h"
#include "session.h"

/* Real elements have 4 attributes at most. */
#define MAX_ATTRIBUTES 64
/* Real names have 34 letters at most. */
#define MAX_NAME 1000
/* A session's XML is handed on in pieces of this size. */
#define XML_PIECE 16384
/* Of each session so many are shown, the others counted. */
#define MAX_WARNINGS 5
/* What the parser has not finished yet (a comment, say) is kept to be read
 * again if it never ends; libxml2's own limit for most things is 10 MB. */
#define MAX_TOKEN ((size_t)32 << 20)

enum within { NO_SESSION, A_SESSION, NOT_WANTED };

struct parse_state {
	struct output *out;
	const struct parse_options *options;
	struct session *session;
	struct source *source;
	const char *host;
	struct parse *p;

	xmlParserCtxtPtr ctxt;
	struct names names;
	uint64_t start;		/* where the root element begins */
	uint64_t fed;		/* what was given to the parser */
	uint64_t last;		/* all before this place is well-formed */
	int depth;
	int done;		/* the root element ended */
	int stop;		/* give the parser nothing more */
	int stopped;		/* the whole program must */
	char why[256];		/* what is wrong with the document */
	int error_code;
	int in_error;		/* depth of an <error>, or 0 */
	struct buf error;
	struct buf inherited;	/* the root's namespace declarations */
	int session_is_root;

	enum within within;
	int session_depth;
	uint64_t session_start, xml_from;
	struct buf lsid;
	unsigned warnings;
};

void
parse_prepare(void)
{
	LIBXML_TEST_VERSION
	xmlInitParser();
}

/* The place that the parser has come to. */
static uint64_t
here(const struct parse_state *s)
{
	const xmlParserInput *in = s->ctxt->input;

	return s->start + in->consumed + (uint64_t)(in->cur - in->base);
}

static void
warn_at(struct parse_state *s, uint64_t place, const char *text)
{
	msg_warn("%s: byte %llu: %s", source_name(s->source),
	    (unsigned long long)source_offset(s->source, place), text);
}

static void
warn_session(struct parse_state *s, uint64_t place, const char *what, const char *text)
{
	char *line = xasprintf("session %.*s: %s%s", (int)s->lsid.n, buf_text(&s->lsid), what,
	    text);

	warn_at(s, place, line);
	free(line);
}

/* Warnings of the session that is open. */
static void
session_warned(void *arg, const char *element, const char *text)
{
	struct parse_state *s = arg;
	char what[128];

	if (++s->warnings > MAX_WARNINGS)
		return;
	snprintf(what, sizeof(what), "%.100s: ", element);
	warn_session(s, here(s), what, text);
}

static void copy_xml(struct parse_state *, uint64_t to);

/* Rows go out after the XML that they are from: the stream is the same in
 * whatever pieces the input came. */
static void
rows_go(void *arg)
{
	struct parse_state *s = arg;

	copy_xml(s, here(s));
}

struct parse *
parse_new(struct output *out, const struct parse_options *options)
{
	struct parse *p = xcalloc(1, sizeof(*p));

	p->state = xcalloc(1, sizeof(*p->state));
	p->state->p = p;
	p->state->out = out;
	p->state->options = options;
	p->state->session = session_new(out, session_warned, rows_go, p->state);
	return p;
}

void
parse_free(struct parse *p)
{
	if (p == NULL)
		return;
	session_free(p->state->session);
	buf_free(&p->state->error);
	buf_free(&p->state->inherited);
	buf_free(&p->state->lsid);
	free(p->state);
	free(p);
}

/* ---- the session that is open -------------------------------------- */

static void
bad_data(struct parse_state *s)
{
	s->p->left_out++;
	s->p->code = code_worse(s->p->code, EX_DATAERR);
}

/* The session's XML up to this place. */
static void
copy_xml(struct parse_state *s, uint64_t to)
{
	const char *p;
	size_t have;

	if (to <= s->xml_from)
		return;
	if (!s->options->no_xml) {
		p = source_have(s->source, s->xml_from, &have);
		output_xml(s->out, p, (size_t)(to - s->xml_from));
	}
	s->xml_from = to;
}

/* Everything before this place is well-formed and was dealt with. */
static void
moved(struct parse_state *s, uint64_t place)
{
	s->last = place;
	if (s->within == A_SESSION) {
		if (place - s->xml_from >= XML_PIECE)
			copy_xml(s, place);
		if (s->xml_from < place)
			place = s->xml_from;
	}
	source_keep(s->source, place);
}

static void
tell_warnings(struct parse_state *s)
{
	char text[64];

	if (s->warnings <= MAX_WARNINGS)
		return;
	snprintf(text, sizeof(text), "%u more warnings like these", s->warnings - MAX_WARNINGS);
	warn_session(s, s->session_start, "", text);
}

/* Leave the session out; the rest of the document stands. */
static void
give_up(struct parse_state *s, const char *why)
{
	warn_session(s, s->session_start, "left out: ", why);
	tell_warnings(s);
	output_drop(s->out);
	bad_data(s);
	s->within = NOT_WANTED;
}

static int
wanted(const struct parse_state *s, struct rec_value lsid)
{
	int i;

	for (i = 0; i < s->options->lsids; i++)
		if (strlen(s->options->lsid[i]) == lsid.n &&
		    memcmp(s->options->lsid[i], lsid.p, lsid.n) == 0)
			return 1;
	return s->options->lsids == 0;
}

static void
add_escaped(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++)
		if (strchr("<&\"\t\n\r", *text) != NULL)
			buf_printf(b, "&#%d;", *text);
		else
			buf_addc(b, *text);
}

static void
add_declaration(struct buf *b, const xmlChar *prefix, const xmlChar *uri)
{
	buf_adds(b, " xmlns");
	if (prefix != NULL) {
		buf_addc(b, ':');
		buf_adds(b, (const char *)prefix);
	}
	buf_adds(b, "=\"");
	add_escaped(b, uri != NULL ? (const char *)uri : "");
	buf_addc(b, '"');
}

/* The root's declarations that the session's own do not hide: each ends
 * with the NUL that stands behind it in inherited. */
static void
add_inherited(struct parse_state *s, struct buf *tag, int namespaces, const xmlChar **ns)
{
	const char *p = s->inherited.p, *end = p + s->inherited.n;
	struct buf own = {0};
	size_t name;
	int i, hidden;

	for (; p < end; p += strlen(p) + 1) {
		name = strcspn(p, "=");
		for (i = hidden = 0; i < namespaces; i++) {
			buf_reset(&own);
			buf_adds(&own, ns[2 * i] != NULL ? " xmlns:" : " xmlns");
			if (ns[2 * i] != NULL)
				buf_adds(&own, (const char *)ns[2 * i]);
			if (own.n == name && memcmp(own.p, p, name) == 0)
				hidden = 1;
		}
		if (!hidden)
			buf_adds(tag, p);
	}
	buf_free(&own);
}

/* Where the tag begins that the parser has just read: '<' stands in no
 * attribute's value. */
static uint64_t
tag_start(struct parse_state *s, uint64_t end)
{
	size_t have, n = (size_t)(end - s->last);
	const char *p = source_have(s->source, s->last, &have), *lt;

	lt = memrchr(p, '<', n <= have ? n : have);
	return lt == NULL ? s->last : s->last + (uint64_t)(lt - p);
}

static void
begin_session(struct parse_state *s, struct rec_value lsid, int namespaces,
    const xmlChar **ns)
{
	struct rec_value host = {s->host, s->host != NULL ? strlen(s->host) : 0};
	uint64_t now = here(s), from = tag_start(s, now);
	struct buf tag = {0};
	const char *p;
	size_t have, n;

	s->session_start = from;
	s->session_depth = s->depth;
	s->warnings = 0;
	buf_reset(&s->lsid);
	buf_add(&s->lsid, lsid.p, lsid.n);
	(void)source_replaced(s->source, 0, from);
	s->within = NOT_WANTED;
	if (lsid.n == 0) {
		warn_at(s, from, "a session without an lsid, which is its key: left out");
		bad_data(s);
		return;
	}
	if (!wanted(s, lsid))
		return;
	if (s->host == NULL) {
		warn_at(s, from, "which site is this from? There is no <?praic-site?> before it: "
		    "name the site with -H HOST");
		s->p->code = code_worse(s->p->code, EX_USAGE);
		s->stopped = s->stop = 1;
		xmlStopParser(s->ctxt);
		return;
	}
	s->within = A_SESSION;
	output_begin(s->out, host, lsid);
	session_begin(s->session, s->host, lsid);
	p = source_have(s->source, from, &have);
	n = 1 + strcspn(p + 1, " \t\n\r/>");
	buf_add(&tag, p, n);
	if (!s->session_is_root)
		add_inherited(s, &tag, namespaces, ns);
	if (!s->options->no_xml)
		output_xml(s->out, tag.p, tag.n);
	buf_free(&tag);
	s->xml_from = from + n;
}

static void
end_session(struct parse_state *s, uint64_t end)
{
	const char *why = session_finish(s->session);
	uint64_t replaced = source_replaced(s->source, s->session_start, end);
	char text[96];

	if (why == NULL && replaced > 0) {
		snprintf(text, sizeof(text), "%llu forbidden bytes or characters",
		    (unsigned long long)replaced);
		if (s->options->strict)
			why = text;
		else
			warn_session(s, s->session_start, text, " became U+FFFD");
	}
	if (why != NULL)
		give_up(s, why);
	else {
		tell_warnings(s);
		copy_xml(s, end);
		output_commit(s->out);
	}
	s->within = NO_SESSION;
}

/* ---- what libxml2 calls --------------------------------------------- */

static int
read_more(void *arg, char *to, int len)
{
	struct parse_state *s = arg;
	const char *p;
	size_t have;

	if (output_failed(s->out))
		s->stopped = s->stop = 1;
	if (s->stop || len <= 0)
		return 0;
	p = source_have(s->source, s->fed, &have);
	if (have == 0 && s->fed - s->last > MAX_TOKEN) {
		snprintf(s->why, sizeof(s->why), "a comment or the like of more than 32 MiB");
		s->stop = 1;
		return 0;
	}
	if (have == 0) {
		if (source_more(s->source) == -1)
			return 0;
		p = source_have(s->source, s->fed, &have);
	}
	if (have > (size_t)len)
		have = (size_t)len;
	memcpy(to, p, have);
	s->fed += have;
	return (int)have;
}

/* The document cannot be what it should be: leave the rest of it. */
static void
abandon(struct parse_state *s, const char *why)
{
	if (s->why[0] == '\0')
		snprintf(s->why, sizeof(s->why), "%s", why);
	s->stop = 1;
	xmlStopParser(s->ctxt);
}

static void
keep_declarations(struct parse_state *s, int namespaces, const xmlChar **ns)
{
	int i;

	buf_reset(&s->inherited);
	for (i = 0; i < namespaces; i++) {
		add_declaration(&s->inherited, ns[2 * i], ns[2 * i + 1]);
		buf_addc(&s->inherited, '\0');
	}
}

static void
start_root(struct parse_state *s, enum name name, const char *element, int namespaces,
    const xmlChar **ns)
{
	char why[160];

	keep_declarations(s, namespaces, ns);
	if (name == N_session || name == N_session_list)
		return;
	if (name == N_error) {
		s->in_error = s->depth;
		buf_reset(&s->error);
		return;
	}
	snprintf(why, sizeof(why), "its root is <%.80s>: no session report", element);
	abandon(s, why);
}

/* Below a session: its unprefixed attributes, by number. */
static void
start_inside(struct parse_state *s, enum name name, const char *element, int n,
    const xmlChar **a)
{
	struct session_attribute attributes[MAX_ATTRIBUTES];
	int i, known = 0;

	if (n > MAX_ATTRIBUTES) {
		give_up(s, "an element of more than 64 attributes");
		return;
	}
	if (name == N_UNKNOWN && strlen(element) > MAX_NAME) {
		give_up(s, "an element whose name is longer than 1000 bytes");
		return;
	}
	for (i = 0; i < n; i++, a += 5) {
		if (a[1] != NULL)
			continue;	/* has a prefix: not one of ours */
		attributes[known].name = names_find(&s->names, a[0]);
		attributes[known].value.p = a[4] > a[3] ? (const char *)a[3] : "";
		attributes[known].value.n = (size_t)(a[4] - a[3]);
		known += attributes[known].name != N_UNKNOWN;
	}
	session_start_element(s->session, name, element, attributes, known);
	if (session_refusal(s->session) != NULL)
		give_up(s, session_refusal(s->session));
}

static struct rec_value
lsid_of(const struct parse_state *s, int n, const xmlChar **a)
{
	struct rec_value v = {"", 0};

	for (; n > 0; n--, a += 5)
		if (a[1] == NULL && names_find(&s->names, a[0]) == N_lsid) {
			v.p = (const char *)a[3];
			v.n = (size_t)(a[4] - a[3]);
			break;
		}
	return v;
}

static void
on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
    int namespaces, const xmlChar **ns, int n, int defaulted, const xmlChar **a)
{
	struct parse_state *s = arg;
	enum name name = names_find(&s->names, local);

	(void)prefix;
	(void)uri;
	(void)defaulted;
	if (s->stop)
		return;
	s->depth++;
	if (s->depth == 1) {
		s->session_is_root = name == N_session;
		start_root(s, name, (const char *)local, namespaces, ns);
	}
	if (s->within == A_SESSION)
		start_inside(s, name, (const char *)local, n, a);
	else if (s->within == NO_SESSION && s->depth == (s->session_is_root ? 1 : 2)) {
		if (name == N_session)
			begin_session(s, lsid_of(s, n, a), namespaces, ns);
		else if (name == N_error && s->depth == 2) {
			s->in_error = s->depth;
			buf_reset(&s->error);
		}
	}
	if (!s->stop)
		moved(s, here(s));
}

static void
end_error(struct parse_state *s)
{
	struct rec_value v = {s->error.p, s->error.n};
	char *text;

	while (v.n > 0 && strchr(" \t\r\n", v.p[0]) != NULL)
		v.p++, v.n--;
	while (v.n > 0 && strchr(" \t\r\n", v.p[v.n - 1]) != NULL)
		v.n--;
	text = xasprintf("the appliance reports an error: %.*s", (int)(v.n < 200 ? v.n : 200),
	    v.n > 0 ? v.p : "");
	warn_at(s, s->last, text);
	free(text);
	bad_data(s);
	s->in_error = 0;
}

static void
on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct parse_state *s = arg;
	uint64_t end;

	(void)local;
	(void)prefix;
	(void)uri;
	if (s->stop)
		return;
	end = here(s);
	if (s->within != NO_SESSION && s->depth == s->session_depth) {
		if (s->within == A_SESSION)
			end_session(s, end);
		s->within = NO_SESSION;
	} else if (s->within == A_SESSION) {
		session_end_element(s->session);
		if (session_refusal(s->session) != NULL)
			give_up(s, session_refusal(s->session));
	} else if (s->depth == s->in_error)
		end_error(s);
	s->depth--;
	moved(s, end);
	if (s->depth == 0 && !s->stop) {
		s->done = s->stop = 1;
		s->p->end = end;
		xmlStopParser(s->ctxt);
	}
}

static void
on_text(void *arg, const xmlChar *p, int n)
{
	struct parse_state *s = arg;

	if (s->stop)
		return;
	if (s->within == A_SESSION) {
		session_text(s->session, (const char *)p, (size_t)n);
		if (session_refusal(s->session) != NULL)
			give_up(s, session_refusal(s->session));
	} else if (s->in_error != 0 && s->depth == s->in_error && s->error.n < 4096)
		buf_add(&s->error, p, (size_t)n < 4096 ? (size_t)n : 4096);
	/* The blanks between elements are not worth it. */
	if (n > 256)
		moved(s, here(s));
}

static void
on_instruction(void *arg, const xmlChar *target, const xmlChar *data)
{
	struct parse_state *s = arg;

	(void)data;
	if (s->stop)
		return;
	/* Marks stand between documents: this one was cut, and another put
	 * behind it. */
	if (xmlStrEqual(target, BAD_CAST "praic-site") ||
	    xmlStrEqual(target, BAD_CAST "praic-end")) {
		abandon(s, "a mark within a document: it was cut, and another follows");
		return;
	}
	moved(s, here(s));
}

static void
on_comment(void *arg, const xmlChar *text)
{
	struct parse_state *s = arg;

	(void)text;
	if (!s->stop)
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
on_error(void *arg, xmlErrorPtr e)
{
	struct parse_state *s = arg;
	size_t n;

	/* Not being well-formed is fatal; other errors are about namespaces,
	 * which praic does not look at. */
	if (s->stop || e == NULL || e->level != XML_ERR_FATAL)
		return;
	s->error_code = e->code;
	snprintf(s->why, sizeof(s->why), "%s", e->message != NULL ? e->message : "not well-formed");
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

/* ---- the document as a whole ---------------------------------------- */

/*
 * The document is not well-formed: is it because the input ended?  What
 * stands behind the last thing that was understood must then be text and at
 * most the beginning of one piece of markup.
 */
static int
is_cut(struct parse_state *s)
{
	size_t n;
	const char *p = source_have(s->source, s->last, &n), *end, *lt, *amp;
	char quote = '\0';

	if (!source_ended(s->source) || s->error_code == XML_ERR_USER_STOP)
		return 0;
	if (s->fed < s->last + n)
		return 0;	/* it did not even get that far */
	end = p + n;
	/* After a start tag's attributes, the parser stands before its end. */
	if (p < end && *p == '/')
		p++;
	if (p < end && *p == '>')
		p++;
	lt = memchr(p, '<', (size_t)(end - p));
	if (lt == NULL) {
		amp = memrchr(p, '&', (size_t)(end - p));
		if (amp != NULL && memchr(amp, ';', (size_t)(end - amp)) == NULL)
			return 1;
		return s->error_code == XML_ERR_TAG_NOT_FINISHED || amp == NULL;
	}
	if (end - lt >= 4 && memcmp(lt, "<!--", 4) == 0)
		return memmem(lt + 4, (size_t)(end - lt - 4), "-->", 3) == NULL;
	if (end - lt >= 9 && memcmp(lt, "<![CDATA[", 9) == 0)
		return memmem(lt, (size_t)(end - lt), "]]>", 3) == NULL;
	if (end - lt >= 2 && lt[1] == '?')
		return memmem(lt, (size_t)(end - lt), "?>", 2) == NULL;
	for (p = lt + 1; p < end; p++) {
		if (quote != '\0')
			quote = *p == quote ? '\0' : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '>' || *p == '<')
			return 0;
	}
	return 1;
}

static void
run_parser(struct parse_state *s)
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
	names_fill(&s->names, s->ctxt->dict);
	(void)xmlParseDocument(s->ctxt);
	if (s->ctxt->myDoc != NULL)
		xmlFreeDoc(s->ctxt->myDoc);
	xmlFreeParserCtxt(s->ctxt);
	s->ctxt = NULL;
}

enum parse_outcome
parse_document(struct parse *p, struct source *source, uint64_t place, const char *host)
{
	struct parse_state *s = p->state;
	char *text;
	int cut;

	s->source = source;
	s->host = host;
	s->start = s->fed = s->last = place;
	s->depth = s->done = s->stop = s->stopped = s->error_code = s->in_error = 0;
	s->why[0] = '\0';
	s->within = NO_SESSION;
	run_parser(s);
	if (s->done)
		return PARSE_WHOLE;
	if (s->within == A_SESSION)
		output_drop(s->out);
	p->end = s->last;
	if (s->stopped) {
		p->code = code_worse(p->code, output_failed(s->out));
		return PARSE_STOPPED;
	}
	cut = source_failed(source) || is_cut(s);
	if (cut)
		text = xasprintf("the input ends here, in the middle of %s%.*s",
		    s->within == A_SESSION ? "session " : "a document",
		    s->within == A_SESSION ? (int)s->lsid.n : 0, buf_text(&s->lsid));
	else
		text = xasprintf("%s; the rest of this document is left out%s%.*s", s->why,
		    s->within == A_SESSION ? ", with session " : "",
		    s->within == A_SESSION ? (int)s->lsid.n : 0, buf_text(&s->lsid));
	warn_at(s, s->last, text);
	free(text);
	if (cut) {
		p->code = code_worse(p->code, EX_TEMPFAIL);
		return PARSE_CUT;
	}
	bad_data(s);
	return PARSE_BAD;
}
