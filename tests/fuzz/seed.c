/* A report with the positions of its parts: see seed.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "seed.h"

struct scan {
	const char *p, *end;
	int depth;
	size_t last_end; /* the end of the session before */
	size_t prolog_from, prolog_to;
	int list;    /* the root is a list of sessions */
	size_t open; /* start of the open session */
	int has_key; /* a session without a key gives no records */
};

static void
read_file(const char *name, struct buf *b)
{
	FILE *f = fopen(name, "r");
	size_t n;

	if (f == NULL)
		err(1, "%s", name);
	do {
		buf_reserve(b, 65536);
		n = fread(b->p + b->n, 1, 65536, f);
		b->n += n;
	} while (n > 0);
	if (ferror(f))
		err(1, "%s", name);
	fclose(f);
}

/* The position after the next such text, or the end. */
static const char *
past(const char *p, const char *end, const char *text)
{
	const char *q = memmem(p, (size_t)(end - p), text, strlen(text));

	return q != NULL ? q + strlen(text) : end;
}

/* The position after the '>' of a start tag; values may contain '>'. */
static const char *
past_tag(const char *p, const char *end)
{
	char quote = '\0';

	for (; p < end; p++)
		if (quote != '\0')
			quote = *p == quote ? '\0' : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '>')
			return p + 1;
	return end;
}

/* Is this its local name? */
static int
is_named(const char *p, const char *end, const char *name)
{
	size_t n = 0, prefix;

	while (p + n < end && strchr(" \t\r\n/>", p[n]) == NULL)
		n++;
	for (prefix = n; prefix > 0 && p[prefix - 1] != ':'; prefix--)
		;
	return n - prefix == strlen(name) && memcmp(p + prefix, name, n - prefix) == 0;
}

static void
found(struct seed *s, struct scan *c, size_t to)
{
	struct seed_session *n;

	s->session = xrealloc(s->session, (s->n + 1) * sizeof(*s->session));
	n = &s->session[s->n++];
	memset(n, 0, sizeof(*n));
	n->from = c->open;
	n->to = to;
	n->prolog_from = c->prolog_from;
	n->prolog_to = c->prolog_to;
	n->marked =
	    memmem(s->bytes.p + n->prolog_from, n->prolog_to - n->prolog_from, "\n<?", 3) != NULL;
	c->last_end = to;
}

static void
scan_tag(struct seed *s, struct scan *c, const char *lt)
{
	const char *base = s->bytes.p, *gt = past_tag(c->p, c->end);
	int closes = lt[1] == '/', empty = !closes && gt[-2] == '/';
	int at_session;

	if (!closes && c->depth == 0) {
		c->prolog_from = c->last_end;
		c->list = is_named(lt + 1, c->end, "session_list");
		c->prolog_to = (size_t)((c->list ? gt : lt) - base);
	}
	c->depth -= closes;
	at_session = c->depth == c->list && is_named(lt + 1 + closes, c->end, "session");
	if (at_session && !closes) {
		c->open = (size_t)(lt - base);
		c->has_key = memmem(lt, (size_t)(gt - lt), "lsid", 4) != NULL &&
		    memmem(lt, (size_t)(gt - lt), "lsid=\"\"", 7) == NULL;
	}
	if (at_session && (closes || empty) && c->has_key)
		found(s, c, (size_t)(gt - base));
	c->depth += !closes && !empty;
	c->p = gt;
}

static void
scan(struct seed *s)
{
	struct scan c = {.p = s->bytes.p, .end = s->bytes.p + s->bytes.n};
	const char *lt;

	while ((lt = memchr(c.p, '<', (size_t)(c.end - c.p))) != NULL) {
		size_t left = (size_t)(c.end - lt);

		c.p = lt + 1;
		if (left >= 4 && memcmp(lt, "<!--", 4) == 0)
			c.p = past(lt + 4, c.end, "-->");
		else if (left >= 9 && memcmp(lt, "<![CDATA[", 9) == 0)
			c.p = past(lt, c.end, "]]>");
		else if (left >= 2 && lt[1] == '?')
			c.p = past(lt, c.end, "?>");
		else
			scan_tag(s, &c, lt);
	}
}

void
seed_read(struct seed *s, const char *name, const struct harness_options *o)
{
	struct harness_sessions out = {0};
	size_t i;

	memset(s, 0, sizeof(*s));
	s->name = name;
	read_file(name, &s->bytes);
	s->code = harness_run(s->bytes.p, s->bytes.n, o, &s->out);
	if (s->bytes.n > 0)
		scan(s);
	harness_read(&s->out, &out);
	s->known = s->n == out.n;
	for (i = 0; i < s->n && s->known; i++) {
		s->session[i].out_from = out.session[i].from;
		s->session[i].out_to = out.session[i].to;
	}
	harness_forget(&out);
}
