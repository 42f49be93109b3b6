/*
 * Saved session XML: see tofs.h.  The session's bytes go out as they came;
 * all that is looked at is the start tag of the element, for the root must
 * be in its namespace.  The X lines were made by praic-split and are well-
 * formed; what is not, praic-split will refuse when it reads the file.
 */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "tofs.h"

/* Longer than any start tag. */
#define MAX_TAG ((size_t)1 << 20)

struct document {
	struct store *store;
	struct draft *draft; /* NULL: the start tag is not whole yet */
	struct buf tag;	     /* what came so far, until then */
	struct buf prefix;   /* of the element: "p:", or empty */
	char host[HOST_SIZE];
};

struct document *
document_new(struct store *s)
{
	struct document *d = xcalloc(1, sizeof(*d));

	d->store = s;
	return d;
}

void
document_drop(struct document *d)
{
	draft_free(d->draft);
	d->draft = NULL;
	buf_trim(&d->tag, MAX_TAG);
	buf_reset(&d->prefix);
}

void
document_free(struct document *d)
{
	if (d == NULL)
		return;
	document_drop(d);
	buf_free(&d->tag);
	buf_free(&d->prefix);
	free(d);
}

int
document_begun(const struct document *d)
{
	return d->draft != NULL || d->tag.n > 0;
}

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the start tag ends: the offset behind its '>', or 0. */
static size_t
tag_end(const char *p, size_t n)
{
	char quote = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (quote != 0)
			quote = p[i] == quote ? 0 : quote;
		else if (p[i] == '"' || p[i] == '\'')
			quote = p[i];
		else if (p[i] == '>')
			return i + 1;
	}
	return 0;
}

/*
 * The value of this attribute in a start tag, with its quotes: 1, or 0 when
 * it has none.
 */
static int
attribute(const char *p, const char *end, const char *name, struct rec_value *v)
{
	size_t len = strlen(name);
	const char *start;

	while (p < end && !is_space(*p))
		p++; /* the element's name */
	while (p < end) {
		while (p < end && is_space(*p))
			p++;
		for (start = p; p < end && *p != '=' && *p != '>' && !is_space(*p);)
			p++;
		if (p == start)
			return 0;
		int wanted = (size_t)(p - start) == len && memcmp(start, name, len) == 0;

		while (p < end && *p != '"' && *p != '\'')
			p++;
		if (p == end)
			return 0;
		v->p = p;
		p = memchr(p + 1, *p, (size_t)(end - p - 1));
		if (p == NULL)
			return 0;
		v->n = (size_t)(++p - v->p);
		if (wanted)
			return 1;
	}
	return 0;
}

/* The start tag is here: write all that stands before it. */
static const char *
begin(struct document *d, size_t tag)
{
	const char *p = d->tag.p, *colon;
	struct buf out = {0}, declares = {0};
	struct rec_value uri = {NULL, 0};
	size_t name;
	int declared;

	for (name = 1; name < tag && !is_space(p[name]) && p[name] != '>' && p[name] != '/';)
		name++;
	colon = memchr(p + 1, ':', name - 1);
	if (colon != NULL)
		buf_add(&d->prefix, p + 1, (size_t)(colon + 1 - p - 1));
	if (name - 1 - d->prefix.n != 7 || memcmp(p + 1 + d->prefix.n, "session", 7) != 0)
		return "its XML is no session element";
	buf_adds(&declares, "xmlns");
	if (colon != NULL)
		buf_printf(&declares, ":%.*s", (int)(d->prefix.n - 1), d->prefix.p);
	declared = attribute(p, p + tag, buf_text(&declares), &uri);
	if (declared || colon == NULL) {
		buf_printf(&out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<?praic-site %s?>\n<%ssession_list",
		    d->host, buf_text(&d->prefix));
		if (declared) {
			buf_printf(&out, " %s=", declares.p);
			buf_add(&out, uri.p, uri.n);
		}
		buf_addc(&out, '>');
		d->draft = draft_new(d->store);
		draft_add(d->draft, out.p, out.n);
	}
	buf_free(&out);
	buf_free(&declares);
	return d->draft != NULL ? NULL : "its element's prefix is not declared";
}

const char *
document_add(struct document *d, struct rec_value host, const char *p, size_t n)
{
	const char *why;
	size_t tag;

	if (d->draft != NULL) {
		draft_add(d->draft, p, n);
		return NULL;
	}
	if (d->tag.n == 0 && host_normalise(host.p, host.n, d->host) == -1)
		return "what it names as its host can be none";
	buf_add(&d->tag, p, n);
	if (d->tag.n > 0 && d->tag.p[0] != '<')
		return "its XML is no session element";
	tag = tag_end(d->tag.p, d->tag.n);
	if (tag == 0)
		return d->tag.n > MAX_TAG ? "the start tag of its XML is too long" : NULL;
	if ((why = begin(d, tag)) != NULL)
		return why;
	draft_add(d->draft, d->tag.p, d->tag.n);
	buf_trim(&d->tag, MAX_TAG);
	return NULL;
}

struct draft *
document_end(struct document *d, const char **why)
{
	struct draft *draft = d->draft;
	struct buf out = {0};

	if (draft == NULL) {
		*why = "the start tag of its XML does not end";
		return NULL;
	}
	buf_printf(
	    &out, "</%ssession_list>\n<?praic-end documents=\"1\"?>\n", buf_text(&d->prefix));
	draft_add(draft, out.p, out.n);
	buf_free(&out);
	d->draft = NULL;
	document_drop(d);
	return draft;
}
