/* What an answer is: see answer.h. */
#include <string.h>
#include <strings.h>

#include "answer.h"
#include "utf8.h"

enum state {
	IN_TEXT,
	AFTER_LT,
	IN_BANG,
	IN_COMMENT,
	IN_CDATA,
	IN_PI,
	IN_DOCTYPE,
	IN_SUBSET,
	IN_NAME,
	IN_TAG,
	IN_QUOTE,
	IN_END_NAME,
	IN_END_TAG
};

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *
local(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

void
answer_start(struct answer *a)
{
	struct buf said = a->said, small = a->small, lsid = a->lsid;
	const char *only = a->only;

	memset(a, 0, sizeof(*a));
	buf_reset(&said);
	buf_reset(&small);
	buf_reset(&lsid);
	a->said = said;
	a->small = small;
	a->lsid = lsid;
	a->only = only;
}

void
answer_free(struct answer *a)
{
	buf_free(&a->said);
	buf_free(&a->small);
	buf_free(&a->lsid);
}

/* First bytes that say what a file is. */
static const char *
magic(const unsigned char *p, size_t n)
{
	static const struct {
		size_t at, n;
		const char *bytes, *extension;
	} table[] = {
	    {0, 4, "FLV\x01", "flv"},
	    {4, 4, "ftyp", "mp4"},
	    {0, 4, "PK\3\4", "zip"},
	    {0, 4, "PK\5\6", "zip"}, /* an empty one */
	    {0, 2, "\x1f\x8b", "gz"},
	    {0, 4, "\x1a\x45\xdf\xa3", "mkv"},
	    {0, 4, "OggS", "ogg"},
	    {8, 4, "AVI ", "avi"},
	    {0, 3, "NSB", "nsb"},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (n >= table[i].at + table[i].n &&
		    memcmp(p + table[i].at, table[i].bytes, table[i].n) == 0)
			return table[i].extension;
	return NULL;
}

/* Neither control characters nor, but for a cut end, anything but UTF-8. */
static int
is_text(const unsigned char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] < ' ' && p[i] != 0x1b && p[i] != '\b' && p[i] != '\f' &&
		    !is_blank((char)p[i]))
			return 0;
	return n - utf8_valid((const char *)p, n) < 4;
}

/* The first element's name decides between XML and a web page. */
static int
is_html(const char *p, size_t n)
{
	static const char *const names[] = {"!doctype html", "html", "head", "body", NULL};
	size_t i, len;

	for (i = 0; names[i] != NULL; i++) {
		len = strlen(names[i]);
		if (n > len && strncasecmp(p, names[i], len) == 0 &&
		    (is_blank(p[len]) || p[len] == '>'))
			return 1;
	}
	return 0;
}

/* UTF-8's byte order mark, which is no text. */
static size_t
bom_length(const unsigned char *p, size_t n)
{
	return n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/*
 * Decide by the first bytes; final when no more will come.  Nothing is
 * decided while more bytes could change it.
 */
static void
decide(struct answer *a, int final)
{
	const unsigned char *p = a->head;
	size_t n = a->head_n, at;

	if (n < 2 && !final)
		return;
	if (n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == '<' && p[1] == 0)))
		a->form = ANSWER_UTF16LE;
	else if (n >= 2 && ((p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0 && p[1] == '<')))
		a->form = ANSWER_UTF16BE;
	if (a->form != ANSWER_BYTES) {
		a->kind = ANSWER_XML;
		a->known = 1;
		return;
	}
	if (n < 16 && !final)
		return;
	a->extension = magic(p, n);
	if (a->extension != NULL && strcmp(a->extension, "mkv") == 0) {
		/* One container, two names: it says so a little further on. */
		if (n < 64 && !final)
			return;
		if (memmem(p, n < 64 ? n : 64, "webm", 4) != NULL)
			a->extension = "webm";
	}
	if (a->extension != NULL) {
		a->kind = ANSWER_BINARY;
		a->known = 1;
		return;
	}
	at = bom_length(p, n);
	while (at < n && is_blank((char)p[at]))
		at++;
	if (at == n && n < ANSWER_HEAD && !final)
		return;
	/* A comment may stand before anything; XML is scanned through it. */
	if (at == n)
		a->kind = ANSWER_EMPTY;
	else if (p[at] == '<') {
		if (n - at < 20 && n < ANSWER_HEAD && !final)
			return;
		a->kind = is_html((const char *)p + at + 1, n - at - 1) ? ANSWER_HTML : ANSWER_XML;
	} else if (p[at] == '{' || p[at] == '[')
		a->kind = ANSWER_JSON;
	else if (n < ANSWER_HEAD && !final)
		return;
	else if (is_text(p, n))
		a->kind = ANSWER_TEXT;
	else {
		a->kind = ANSWER_BINARY;
		a->extension = "bin";
	}
	/* More blanks than any head holds are no empty answer yet. */
	a->known = a->kind != ANSWER_EMPTY || final;
	if (!a->known)
		a->head_n = 0;
}

/* An element begins, at this depth, with this name if it was wanted. */
static void
element(struct answer *a)
{
	a->name[a->name_n] = '\0';
	if (a->closed && a->depth <= 0)
		a->junk = 1; /* a second root */
	if (a->depth > 0 && strcmp(a->name, a->root) == 0)
		a->nested = 1;
	if (a->depth == 0) {
		if (a->roots == 0) {
			memcpy(a->root, a->name, a->name_n + 1);
			a->root_n = a->name_n;
			/* XHTML, or a web page behind a comment. */
			if (strcasecmp(local(a->name), "html") == 0)
				a->kind = ANSWER_HTML;
		}
		a->roots++;
	} else if (a->depth == 1)
		a->children++;
	if ((a->depth == 1 || a->roots == 1) && !a->in_error && a->depth <= 1 &&
	    strcmp(local(a->name), "error") == 0) {
		a->error = a->in_error = 1;
		a->error_depth = a->depth;
		if (a->said.n > 0)
			buf_addc(&a->said, ' ');
	}
	/* The first of another's is enough. */
	a->in_session = a->only != NULL && a->depth == 1 && !a->theirs &&
	    strcmp(local(a->name), "session") == 0;
	a->name_n = 0;
	a->depth++;
	a->closed = 0;
}

static void
element_end(struct answer *a, int by_name)
{
	a->depth--;
	if (a->in_error && a->depth <= a->error_depth)
		a->in_error = 0;
	/* An end tag that fits nowhere, or one that is missing, is praic-split's
	 * business: the root is closed by its name, not by a count. */
	if (by_name)
		a->closed = a->names_root && a->same == a->root_n && (a->depth <= 0 || !a->nested);
	else
		a->closed = a->depth == 0 && a->roots == 1;
}

/* A quote in the tag of a session: is it the value of its lsid? */
static void
begin_value(struct answer *a)
{
	a->in_lsid = a->name_n == 4 && memcmp(a->name, "lsid", 4) == 0;
	if (a->in_lsid)
		buf_reset(&a->lsid);
}

static void
value(struct answer *a, const char *p, size_t n)
{
	size_t room = a->lsid.n < ANSWER_LSID ? ANSWER_LSID - a->lsid.n : 0;

	buf_add(&a->lsid, p, n < room ? n : room);
}

/* Compared byte by byte: ab and AB may be two sessions. */
static void
end_value(struct answer *a)
{
	a->in_lsid = 0;
	answer_normalise(&a->lsid);
	if (a->lsid.n == strlen(a->only) && memcmp(a->lsid.p, a->only, a->lsid.n) == 0)
		a->ours = 1;
	else
		a->theirs = 1;
}

/* The name of an attribute, up to the quote of its value. */
static void
in_name(struct answer *a, char c)
{
	if (is_blank(a->before) || a->before == a->quote)
		if (!is_blank(c) && c != '=')
			a->name_n = 0;
	if (!is_blank(c) && c != '=' && a->name_n + 1 < sizeof(a->name))
		a->name[a->name_n++] = c;
}

/* Text, of which only what is outside or right below the root matters. */
static void
text(struct answer *a, const char *p, size_t n)
{
	size_t i, room;

	if (a->in_error) {
		room = a->said.n < ANSWER_SAID ? ANSWER_SAID - a->said.n : 0;
		buf_add(&a->said, p, n < room ? n : room);
	}
	if (!a->closed && a->depth != 1)
		return;
	for (i = 0; i < n && is_blank(p[i]); i++)
		;
	if (i < n && a->closed)
		a->junk = 1;
	else if (i < n)
		a->filled = 1;
}

/* Does the state end here?  "-->", "]]>" or "?>". */
static int
ends(struct answer *a, char c, const char *mark)
{
	size_t n = strlen(mark);

	if (c == mark[a->matched]) {
		if ((size_t)++a->matched == n)
			return 1;
	} else if (!(c == mark[0] && a->matched == (int)n - 1))
		/* "--->" and "]]]>" are still at the last but one. */
		a->matched = c == mark[0];
	return 0;
}

static void
begin_name(struct answer *a, enum state s)
{
	a->state = s;
	a->name_n = 0;
	a->same = 0;
	a->names_root = 1;
}

/* The byte after "<" and what follows it: which sort of tag is it? */
static void
after_lt(struct answer *a, char c)
{
	a->matched = 0;
	switch (c) {
	case '/':
		begin_name(a, IN_END_NAME);
		break;
	case '!':
		a->state = IN_BANG;
		break;
	case '?':
		a->state = IN_PI;
		break;
	default:
		begin_name(a, IN_NAME);
		if (a->name_n + 1 < sizeof(a->name))
			a->name[a->name_n++] = c;
		a->before = c;
	}
}

/* Of an error's "CDATA[text]]>" only the text is kept. */
static void
end_cdata(struct answer *a)
{
	size_t n = a->said.n - a->cdata_at;

	if (!a->in_error || n < 9 || a->said.n >= ANSWER_SAID)
		return;
	memmove(a->said.p + a->cdata_at, a->said.p + a->cdata_at + 6, n - 9);
	a->said.n -= 9;
}

/* One byte in one of the states that are rare or short. */
static void
step(struct answer *a, char c)
{
	switch ((enum state)a->state) {
	case AFTER_LT:
		after_lt(a, c);
		break;
	case IN_BANG:
		/* "<!--", "<![CDATA[" or "<!DOCTYPE" by its third byte */
		if (c == '-' && a->matched == 1)
			a->state = IN_COMMENT;
		else if (c == '[') {
			a->state = IN_CDATA;
			a->cdata_at = a->said.n;
		} else if (c != '-')
			a->state = IN_DOCTYPE;
		a->matched = a->state == IN_BANG ? a->matched + 1 : 0;
		break;
	case IN_COMMENT:
		if (ends(a, c, "-->"))
			a->state = IN_TEXT;
		break;
	case IN_CDATA:
		if (a->in_error && a->said.n < ANSWER_SAID)
			buf_addc(&a->said, c);
		if (ends(a, c, "]]>")) {
			end_cdata(a);
			a->state = IN_TEXT;
		}
		break;
	case IN_PI:
		if (ends(a, c, "?>"))
			a->state = IN_TEXT;
		break;
	case IN_DOCTYPE:
		if (c == '[')
			a->state = IN_SUBSET;
		else if (c == '>')
			a->state = IN_TEXT;
		break;
	case IN_SUBSET:
		if (c == ']')
			a->state = IN_DOCTYPE;
		break;
	case IN_NAME:
		if (is_blank(c) || c == '/' || c == '>') {
			element(a);
			a->state = IN_TAG;
			a->before = 0;
			step(a, c);
		} else if (a->name_n + 1 < sizeof(a->name))
			a->name[a->name_n++] = c;
		break;
	case IN_TAG:
		if (c == '"' || c == '\'') {
			a->quote = c;
			a->state = IN_QUOTE;
			if (a->in_session)
				begin_value(a);
		} else if (c == '>') {
			a->state = IN_TEXT;
			a->in_session = 0;
			if (a->before == '/')
				element_end(a, 0);
		} else if (a->in_session)
			in_name(a, c);
		a->before = c;
		break;
	case IN_END_NAME:
		if (c == '>' || is_blank(c)) {
			element_end(a, 1);
			a->state = c == '>' ? IN_TEXT : IN_END_TAG;
		} else if (a->same < a->root_n && a->root[a->same] == c)
			a->same++;
		else
			a->names_root = 0;
		break;
	case IN_END_TAG:
		if (c == '>')
			a->state = IN_TEXT;
		break;
	case IN_TEXT:
	case IN_QUOTE:
		break;
	}
}

/* Bytes of a document, ASCII-compatible. */
static void
scan(struct answer *a, const char *p, size_t n)
{
	const char *end = p + n, *q;

	/* It may turn out to be a web page. */
	while (p < end && a->kind == ANSWER_XML) {
		if (a->state == IN_TEXT) {
			q = memchr(p, '<', (size_t)(end - p));
			if (q == NULL)
				q = end;
			if (q > p)
				text(a, p, (size_t)(q - p));
			a->scanned += (uint64_t)(q - p);
			p = q;
			if (p < end) {
				a->state = AFTER_LT;
				a->scanned++;
				p++;
			}
		} else if (a->state == IN_QUOTE) {
			q = memchr(p, a->quote, (size_t)(end - p));
			if (a->in_lsid)
				value(a, p, (size_t)((q != NULL ? q : end) - p));
			if (q == NULL)
				return;
			if (a->in_lsid)
				end_value(a);
			a->state = IN_TAG;
			a->before = a->quote;
			p = q + 1;
		} else {
			a->scanned++;
			step(a, *p++);
		}
	}
}

/* UTF-16 to UTF-8, for the scanner only; what is wrong in it is no tag. */
static void
scan_utf16(struct answer *a, const unsigned char *p, size_t n)
{
	char out[4096];
	size_t o = 0;
	uint32_t c;

	while (n > 0) {
		while (a->odd_n < 2 && n > 0) {
			a->odd[a->odd_n++] = *p++;
			n--;
		}
		if (a->odd_n < 2)
			break;
		a->odd_n = 0;
		c = a->form == ANSWER_UTF16LE ? (uint32_t)a->odd[0] | (uint32_t)a->odd[1] << 8 :
						(uint32_t)a->odd[1] | (uint32_t)a->odd[0] << 8;
		if (c == 0xfeff && a->scanned == 0 && o == 0)
			continue;
		if (c >= 0xd800 && c <= 0xdfff)
			c = '?'; /* half of a pair: not ASCII, which is all that counts */
		if (o + 4 > sizeof(out)) {
			scan(a, out, o);
			o = 0;
		}
		o += (size_t)utf8_encode(c, out + o);
	}
	scan(a, out, o);
}

static void
known_add(struct answer *a, const char *p, size_t n)
{
	size_t room = a->small.n < ANSWER_SMALL ? ANSWER_SMALL - a->small.n : 0;

	if (a->kind == ANSWER_XML && a->form != ANSWER_BYTES)
		scan_utf16(a, (const unsigned char *)p, n);
	else if (a->kind == ANSWER_XML)
		scan(a, p, n);
	/* Of what is binary, only what is packed is looked into. */
	else if (a->kind != ANSWER_BINARY || strcmp(a->extension, "gz") == 0)
		buf_add(&a->small, p, n < room ? n : room);
}

/* The head has been kept: it goes where the rest goes. */
static void
release_head(struct answer *a)
{
	size_t bom = a->kind == ANSWER_XML ? bom_length(a->head, a->head_n) : 0;

	known_add(a, (const char *)a->head + bom, a->head_n - bom);
	a->head_n = 0;
}

void
answer_add(struct answer *a, const char *p, size_t n)
{
	size_t take;

	if (n == 0)
		return;
	a->bytes += n;
	while (!a->known && n > 0) {
		take = sizeof(a->head) - a->head_n;
		take = take < n ? take : n;
		memcpy(a->head + a->head_n, p, take);
		a->head_n += take;
		p += take;
		n -= take;
		decide(a, 0);
		if (a->known)
			release_head(a);
	}
	if (n > 0)
		known_add(a, p, n);
}

void
answer_end(struct answer *a)
{
	if (!a->known) {
		decide(a, 1);
		a->known = 1;
		release_head(a);
	}
	if (a->kind == ANSWER_XML)
		a->whole =
		    a->roots > 0 && a->closed && !a->junk && a->state == IN_TEXT && a->odd_n == 0;
	/* After a tag out of place, what seems a child of the root may not be. */
	if (a->kind == ANSWER_XML && a->error && a->error_depth > 0 && a->depth != 0)
		a->error = 0;
	if (a->kind == ANSWER_JSON)
		answer_end_json(a);
	if (a->kind == ANSWER_BINARY && strcmp(a->extension, "gz") == 0)
		answer_end_gzip(a);
	if (a->error) {
		answer_to_utf8(&a->said);
		answer_normalise(&a->said);
	}
}

const char *
answer_what(const struct answer *a)
{
	switch (a->kind) {
	case ANSWER_EMPTY:
		return "nothing at all";
	case ANSWER_XML:
		return a->whole ? "an XML document" : "an XML document without its end";
	case ANSWER_HTML:
		return "a web page";
	case ANSWER_JSON:
		return "JSON";
	case ANSWER_TEXT:
		return "plain text";
	case ANSWER_BINARY:
		break;
	}
	return "binary data";
}
