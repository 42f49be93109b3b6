/* What an answer is: see answer.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>
#include <zlib.h>

#include "answer.h"
#include "utf8.h"

#define TAIL   ((size_t)3 * ANSWER_SAID) /* an error's text in UTF-16, and its tags */
#define TEXT   512 /* so many bytes without a sign of anything else are text */
#define MARKUP 16  /* so many bytes tell a web page from XML */

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int
is_named(const char *name, const char *local)
{
	const char *colon = strchr(name, ':');

	return strcmp(colon != NULL ? colon + 1 : name, local) == 0;
}

void
answer_start(struct answer *a)
{
	struct buf head = a->head, tail = a->tail, said = a->said;

	memset(a, 0, sizeof(*a));
	a->head = head;
	a->tail = tail;
	a->said = said;
	buf_reset(&a->head);
	buf_reset(&a->tail);
	buf_reset(&a->said);
}

void
answer_free(struct answer *a)
{
	buf_free(&a->head);
	buf_free(&a->tail);
	buf_free(&a->said);
}

/*
 * The kind of an answer.
 */

/* The type of a file by its first bytes. */
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

/* UTF-8 without control characters; its last character may be cut. */
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

/* 'l' or 'b' for UTF-16 of that order, else 0. */
static int
utf16(const unsigned char *p, size_t n)
{
	if (n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == '<' && p[1] == 0)))
		return 'l';
	if (n >= 2 && ((p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0 && p[1] == '<')))
		return 'b';
	return 0;
}

/* The place behind a byte order mark and blanks. */
static size_t
skip_blanks(const char *p, size_t n, size_t at)
{
	if (at == 0 && n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	while (at < n && is_blank(p[at]))
		at++;
	return at;
}

/* Settle the kind by the first bytes, unless more bytes could change it. */
static void
settle(struct answer *a, int final)
{
	const unsigned char *p = (const unsigned char *)a->head.p;
	size_t n = a->head.n, at, enough = 1;

	if (n < 64 && !final)
		return;
	if (n > 0 && (a->extension = magic(p, n)) != NULL) {
		/* WebM is Matroska with another name in its header. */
		if (strcmp(a->extension, "mkv") == 0 &&
		    memmem(p, n < 64 ? n : 64, "webm", 4) != NULL)
			a->extension = "webm";
		a->kind = ANSWER_BINARY;
		a->known = 1;
		return;
	}
	at = skip_blanks(a->head.p, n, 0);
	if (at < n)
		enough = p[at] == '{' ? 1 : p[at] == '<' ? MARKUP : TEXT;
	a->known = final || (at < n && (n - at >= enough || n == ANSWER_HEAD));
	if (!a->known)
		return;
	if (at == n)
		a->kind = ANSWER_EMPTY;
	else if (utf16(p, n) != 0)
		a->kind = ANSWER_XML;
	else if (p[at] == '<')
		a->kind = is_html((const char *)p + at + 1, n - at - 1) ? ANSWER_HTML : ANSWER_XML;
	else if (p[at] == '{' || p[at] == '[')
		a->kind = ANSWER_JSON;
	else if (is_text(p + at, n - at < TEXT ? n - at : TEXT))
		a->kind = ANSWER_TEXT;
	else {
		a->kind = ANSWER_BINARY;
		a->extension = "bin";
	}
}

void
answer_add(struct answer *a, const char *p, size_t n)
{
	size_t room = ANSWER_HEAD - a->head.n;

	a->bytes += n;
	/* Of binary data, only gzip is looked into. */
	if (!a->known || a->kind != ANSWER_BINARY || strcmp(a->extension, "gz") == 0)
		buf_add(&a->head, p, n < room ? n : room);
	if (!a->known && n > 0)
		settle(a, 0);
	if (a->known && a->kind == ANSWER_BINARY)
		return;
	buf_add(&a->tail, n > TAIL ? p + n - TAIL : p, n > TAIL ? TAIL : n);
	if (a->tail.n > 4 * TAIL)
		buf_drop(&a->tail, a->tail.n - TAIL);
}

/*
 * The text of an error.
 */

/* The reference at p ("&amp;", "&#8217;") as UTF-8; its length, or 0. */
static size_t
reference(const char *p, size_t n, char out[4], size_t *out_n)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {
	    {"&amp;", '&'},
	    {"&lt;", '<'},
	    {"&gt;", '>'},
	    {"&quot;", '"'},
	    {"&apos;", '\''},
	};
	const char *semicolon = memchr(p, ';', n < 12 ? n : 12);
	unsigned long c;
	char *end, digits[12];
	size_t i, len;

	if (semicolon == NULL)
		return 0;
	len = (size_t)(semicolon - p) + 1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == len && memcmp(p, names[i].name, len) == 0) {
			out[0] = names[i].c;
			*out_n = 1;
			return len;
		}
	if (len < 4 || p[1] != '#')
		return 0;
	memcpy(digits, p + 2, len - 3);
	digits[len - 3] = '\0';
	c = (digits[0] | ' ') == 'x' ? strtoul(digits + 1, &end, 16) : strtoul(digits, &end, 10);
	if (*end != '\0' || c > 0x10ffff || !utf8_xml_char((uint32_t)c))
		return 0;
	*out_n = (size_t)utf8_encode((uint32_t)c, out);
	return len;
}

/* Resolve references; make each run of blanks one, and drop those at the ends. */
static void
normalise(struct buf *b)
{
	struct buf out = {0};
	size_t i = 0, k, len, n;
	char c[4];
	int blank = 0;

	while (i < b->n) {
		if (is_blank(b->p[i])) {
			blank = out.n > 0;
			i++;
			continue;
		}
		n = 1;
		c[0] = b->p[i];
		len = b->p[i] == '&' ? reference(b->p + i, b->n - i, c, &n) : 0;
		if (blank)
			buf_addc(&out, ' ');
		blank = 0;
		for (k = 0; k < n; k++)
			buf_addc(&out, c[k]);
		i += len > 0 ? len : 1;
	}
	buf_free(b);
	*b = out;
}

/* Add the text of an element, without tags.  Its start tag ends before at. */
static void
add_text(struct buf *said, const char *p, size_t n, size_t at, const char *name)
{
	size_t length = strlen(name), to;
	const char *q;

	while (at < n && said->n < ANSWER_SAID) {
		if (n - at > 9 && memcmp(p + at, "<![CDATA[", 9) == 0) {
			at += 9;
			q = memmem(p + at, n - at, "]]>", 3);
			to = q != NULL ? (size_t)(q - p) : n;
			buf_add(said, p + at, to - at);
			at = to + 3;
		} else if (p[at] == '<') {
			if (n - at > length + 2 && p[at + 1] == '/' &&
			    memcmp(p + at + 2, name, length) == 0)
				break;
			q = memchr(p + at, '>', n - at);
			at = q != NULL ? (size_t)(q - p) + 1 : n;
		} else
			buf_addc(said, p[at++]);
	}
	normalise(said);
}

/*
 * XML, by its first and last bytes.
 */

/* The place behind blanks, comments, instructions and a DOCTYPE; n where one of them has no end. */
static size_t
skip_misc(const char *p, size_t n, size_t at)
{
	const char *end, *q, *subset;

	while ((at = skip_blanks(p, n, at)) < n && n - at > 2 && p[at] == '<' &&
	    (p[at + 1] == '?' || (p[at + 1] == '!' && p[at + 2] != '['))) {
		end = p[at + 1] == '?' ? "?>" : p[at + 2] == '-' ? "-->" : ">";
		if (*end == '>' && (subset = memchr(p + at, '[', n - at)) != NULL &&
		    (q = memchr(p + at, '>', n - at)) != NULL && subset < q)
			end = "]>";
		q = memmem(p + at, n - at, end, strlen(end));
		if (q == NULL)
			return n;
		at = (size_t)(q - p) + strlen(end);
	}
	return at;
}

/* The length of the first n bytes without blanks, comments and instructions at their end. */
static size_t
trim_misc(const char *p, size_t n)
{
	const char *begin;
	size_t at;

	for (;;) {
		while (n > 0 && is_blank(p[n - 1]))
			n--;
		if (n > 6 && memcmp(p + n - 3, "-->", 3) == 0)
			begin = "<!--";
		else if (n > 3 && memcmp(p + n - 2, "?>", 2) == 0)
			begin = "<?";
		else
			return n;
		for (at = n - 2; at > 0 && strncmp(p + at, begin, strlen(begin)) != 0; at--)
			;
		if (at == 0)
			return n;
		n = at;
	}
}

/* Read the start tag at p + at: its name, and whether it closes itself.  Returns its end. */
static size_t
read_tag(const char *p, size_t n, size_t at, char name[ANSWER_NAME], int *closed)
{
	size_t i, from = ++at;
	char quote = 0;

	for (; at < n && !is_blank(p[at]) && p[at] != '>' && p[at] != '/'; at++)
		;
	i = at - from < ANSWER_NAME ? at - from : ANSWER_NAME - 1;
	memcpy(name, p + from, i);
	name[i] = '\0';
	for (; at < n && (quote != 0 || p[at] != '>'); at++)
		if (quote != 0)
			quote = p[at] == quote ? 0 : quote;
		else if (p[at] == '"' || p[at] == '\'')
			quote = p[at];
	*closed = at < n && p[at - 1] == '/';
	return at < n ? at + 1 : n;
}

/* Read the end tag at the end of the first n bytes.  Returns its beginning; n: there is none. */
static size_t
read_end_tag(const char *p, size_t n, char name[ANSWER_NAME])
{
	size_t at = n, end;

	if (n == 0 || p[n - 1] != '>')
		return n;
	for (end = n - 1; end > 0 && is_blank(p[end - 1]); end--)
		;
	for (at = end; at > 1 && p[at - 1] != '<'; at--)
		if (end - at >= ANSWER_NAME)
			return n;
	if (at < 1 || p[at - 1] != '<' || p[at] != '/')
		return n;
	memcpy(name, p + at + 1, end - at - 1);
	name[end - at - 1] = '\0';
	return at - 1;
}

/* Look at the first child of the root.  The root's start tag ends at p + at. */
static void
look_inside(struct answer *a, const char *p, size_t n, size_t at)
{
	char name[ANSWER_NAME];
	const char *q;
	int closed;

	at = skip_misc(p, n, at);
	if (n - at < 2)
		return;
	if (p[at] != '<' || p[at + 1] == '!')
		return;
	if (p[at + 1] == '/') {
		a->empty = 1;
		return;
	}
	at = read_tag(p, n, at, name, &closed);
	if (!is_named(name, "error"))
		return;
	a->error = 1;
	if (!closed) {
		add_text(&a->said, p, n, at, name);
		while ((q = memmem(p + at, n - at, "</", 2)) != NULL) {
			at = (size_t)(q - p) + 2;
			if (n - at > strlen(name) && memcmp(p + at, name, strlen(name)) == 0)
				break;
		}
		q = memchr(p + at, '>', n - at);
		at = q != NULL ? (size_t)(q - p) + 1 : n;
	}
	at = skip_misc(p, n, at);
	a->beside = n - at < 2 || p[at] != '<' || p[at + 1] != '/';
}

/* Look at the end of the document: whether the root is closed, and whether its last child
 * is an error. */
static void
look_behind(struct answer *a, const char *p, size_t n)
{
	char name[ANSWER_NAME];
	size_t end, at;
	int closed;

	n = trim_misc(p, n);
	end = read_end_tag(p, n, name);
	a->whole = end < n && strcmp(name, a->root) == 0;
	if (!a->whole || a->error)
		return;
	end = trim_misc(p, end);
	if (read_end_tag(p, end, name) == end || !is_named(name, "error"))
		return;
	for (at = end - 1; at > 0; at--)
		if (p[at] == '<' && strncmp(p + at + 1, name, strlen(name)) == 0)
			break;
	a->error = a->beside = 1;
	if (at > 0)
		add_text(&a->said, p, end, read_tag(p, end, at, name, &closed), name);
}

/* UTF-16 to UTF-8, good enough to find tags. */
static void
narrow(struct buf *b, int order)
{
	struct buf out = {0};
	size_t i;
	uint32_t c;
	char text[4];

	for (i = 0; i + 1 < b->n; i += 2) {
		unsigned char low = (unsigned char)b->p[order == 'l' ? i : i + 1];
		unsigned char high = (unsigned char)b->p[order == 'l' ? i + 1 : i];

		c = (uint32_t)low | (uint32_t)high << 8;
		if (c == 0xfeff && i == 0)
			continue;
		if (c >= 0xd800 && c <= 0xdfff)
			c = '?'; /* half of a pair: not ASCII, which is all that counts */
		buf_add(&out, text, (size_t)utf8_encode(c, text));
	}
	buf_free(b);
	*b = out;
}

static void
end_xml(struct answer *a)
{
	int order = utf16((const unsigned char *)a->head.p, a->head.n), closed;
	size_t at, n;
	const char *p;

	if (order != 0) {
		if ((a->bytes - a->tail.n) % 2 == 1)
			buf_drop(&a->tail, 1);
		if (a->bytes % 2 == 1)
			buf_reset(&a->tail);
		narrow(&a->head, order);
		narrow(&a->tail, order);
	}
	(void)buf_text(&a->head); /* both end with NUL from here on */
	p = a->head.p;
	n = a->head.n;
	at = skip_misc(p, n, 0);
	if (n - at < 2 || p[at] != '<')
		return;
	at = read_tag(p, n, at, a->root, &closed);
	if (strcasecmp(a->root, "html") == 0 || is_named(a->root, "html")) {
		a->kind = ANSWER_HTML;
		return;
	}
	a->error = is_named(a->root, "error");
	if (closed) {
		a->empty = !a->error;
		a->whole =
		    a->bytes <= ANSWER_HEAD && skip_misc(p, n, at) == n && trim_misc(p, n) == at;
		return;
	}
	if (a->error)
		add_text(&a->said, p, n, at, a->root);
	else
		look_inside(a, p, n, at);
	look_behind(a, buf_text(&a->tail), a->tail.n);
	if (!a->whole)
		a->empty = 0;
}

/*
 * Errors in JSON and gzip.
 */

/* Only a word such as access_denied is shown: other JSON may hold a token. */
static int
is_word(const char *p)
{
	return p != NULL && *p != '\0' && strlen(p) <= 40 &&
	    p[strspn(p, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

static void
end_json(struct answer *a)
{
	json_t *o = json_loadb(a->head.p, a->head.n, 0, NULL);
	const char *error = json_string_value(json_object_get(o, "error"));

	a->error = json_object_get(o, "error") != NULL ||
	    (json_object_get(o, "message") != NULL && json_object_size(o) <= 3);
	if (is_word(error))
		buf_adds(&a->said, error);
	a->denied = error != NULL &&
	    (strcmp(error, "access_denied") == 0 || strcmp(error, "invalid_token") == 0 ||
		strcmp(error, "expired_token") == 0);
	json_decref(o);
}

/* Errors about archives come in gzip. */
static void
end_gzip(struct answer *a)
{
	z_stream z = {0};
	struct answer inner = {0};
	unsigned char out[8192];
	int r;

	if (a->bytes > ANSWER_HEAD || inflateInit2(&z, 15 + 16) != Z_OK)
		return;
	z.next_in = (unsigned char *)a->head.p;
	z.avail_in = (unsigned)a->head.n;
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		r = inflate(&z, Z_NO_FLUSH);
		answer_add(&inner, (char *)out, sizeof(out) - z.avail_out);
	} while (r == Z_OK && inner.bytes < ANSWER_HEAD);
	inflateEnd(&z);
	if (r == Z_STREAM_END) {
		answer_end(&inner);
		if (inner.kind == ANSWER_XML && inner.error && inner.whole) {
			a->kind = ANSWER_XML;
			a->error = a->whole = 1;
			buf_add(&a->said, inner.said.p, inner.said.n);
		}
	}
	answer_free(&inner);
}

void
answer_end(struct answer *a)
{
	if (!a->known)
		settle(a, 1);
	a->known = 1;
	if (a->kind == ANSWER_XML)
		end_xml(a);
	else if (a->kind == ANSWER_JSON)
		end_json(a);
	else if (a->kind == ANSWER_BINARY && strcmp(a->extension, "gz") == 0)
		end_gzip(a);
}

void
answer_error(const char *p, size_t n, struct buf *said)
{
	struct answer a = {0};

	answer_add(&a, p, n);
	answer_end(&a);
	if (a.error && (a.kind == ANSWER_XML || a.kind == ANSWER_JSON))
		buf_add(said, a.said.p, a.said.n);
	answer_free(&a);
}

int
answer_is_client_error(const char *p, size_t n)
{
	struct buf said = {0};
	int is;

	answer_error(p, n, &said);
	is = strcmp(buf_text(&said), "invalid_client") == 0 ||
	    strcmp(buf_text(&said), "unauthorized_client") == 0;
	buf_free(&said);
	return is;
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
