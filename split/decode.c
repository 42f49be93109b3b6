/* Bytes of a document to clean UTF-8. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "split.h"
#include "utf8.h"
#include "vector.h"

/* Longer than any reference that means something, such as &#x0010FFFF; */
#define MAX_REFERENCE 64
/* Invalid UTF-16 becomes this byte, which is invalid UTF-8. */
#define BAD '\xff'

/* Letters, digits, blanks: bytes that are never part of markup. */
/* clang-format off */
static const unsigned char means_nothing[256] = {
	['\t'] = 1, ['\n'] = 1, ['\r'] = 1,
	[' ' ... '%'] = 1, ['\'' ... ','] = 1, ['.' ... ';'] = 1, ['=' ... '>'] = 1,
	['@' ... '\\'] = 1, ['^' ... 0x7f] = 1,
};
/* clang-format on */

/* Not ASCII, or a control character other than TAB, LF, CR. */
static inline vector
not_plain(vector a)
{
	/* Below 0x20 or, as a signed byte, from 0x80 on. */
	return (vector)((signed_vector)a < 0x20) &
	    ~((vector)(a == '\n') | (vector)(a == '\t') | (vector)(a == '\r'));
}

/* The second of "<!", "<?" or "&#"; '!' and '#' differ in this bit. */
static inline vector
is_second(vector b)
{
	return (vector)((b | 0x02) == '#') | (vector)(b == '?');
}

/* In content: the first byte of such a pair.  "&!" and "&?" are found, too; they mean
 * nothing, but are rare. */
static inline vector
content_pair(const unsigned char *p)
{
	vector a = vector_load(p);

	return ((vector)(a == '<') | (vector)(a == '&')) & is_second(vector_load(p + 1));
}

/*
 * How many bytes from p on are plain in content, as far as there are whole
 * vectors, and a byte behind them.
 */
static size_t
plain_content(const unsigned char *p, size_t n)
{
	size_t i = 0;
	unsigned first;

	while (n - i > VECTOR) {
		/* Second bytes alone are rare already. */
		while (n - i > 2 * VECTOR &&
		    vector_none(not_plain(vector_load(p + i)) |
			not_plain(vector_load(p + i + VECTOR)) | is_second(vector_load(p + i + 1)) |
			is_second(vector_load(p + i + VECTOR + 1))))
			i += 2 * VECTOR;
		if (n - i <= VECTOR)
			break;
		first = vector_first(not_plain(vector_load(p + i)) | content_pair(p + i));
		i += first;
		if (first < VECTOR)
			break;
	}
	return i;
}

/* The same in a section, a comment or an instruction, which ends with a pair of bytes. */
static size_t
plain_within(const unsigned char *p, size_t n, unsigned char one, unsigned char two)
{
	size_t i = 0;
	unsigned first;

	while (n - i > VECTOR) {
		vector a = vector_load(p + i), b = vector_load(p + i + 1);

		first = vector_first(not_plain(a) | ((vector)(a == one) & (vector)(b == two)));
		i += first;
		if (first < VECTOR)
			break;
	}
	return i;
}

/*
 * How many bytes from p on are plain: ASCII without control characters (except TAB, LF,
 * CR), and not the first of a pair that means something in this kind of markup.
 */
static size_t
plain(const unsigned char *p, size_t n, enum decode_inside inside)
{
	size_t i = 0;

	switch (inside) {
	case DECODE_CONTENT:
		i = plain_content(p, n);
		break;
	case DECODE_CDATA:
		i = plain_within(p, n, ']', ']');
		break;
	case DECODE_COMMENT:
		i = plain_within(p, n, '-', '-');
		break;
	case DECODE_PI:
		i = plain_within(p, n, '?', '>');
		break;
	}
	/* The bytes that are too few for a vector. */
	while (i < n && means_nothing[p[i]])
		i++;
	return i;
}

/*
 * The length of the character reference at p, and its value; 0 if it is malformed, which
 * the parser will report; -1 if more bytes are needed.
 */
static int
reference(const unsigned char *p, size_t n, int final, uint32_t *value)
{
	int hex = n > 2 && p[2] == 'x';
	size_t i = hex ? 3 : 2, first = i;
	uint32_t v = 0;

	for (; i < n && i < MAX_REFERENCE; i++) {
		unsigned char c = p[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10u;
		else if (c == ';' && i > first) {
			*value = v;
			return (int)i + 1;
		} else
			return 0;
		/* A value over the last character cannot become valid again. */
		if (v <= 0x10ffff)
			v = v * (hex ? 16 : 10) + digit;
	}
	return i < MAX_REFERENCE && !final ? -1 : 0;
}

static void
note(const struct decoder *d, enum decode_note what, size_t out_offset, ptrdiff_t grown)
{
	d->note(d->arg, what, out_offset, grown);
}

/* How many bytes from p on belong to the open tag. */
static size_t
scan_tag(struct decode_state *s, const char *p, size_t n)
{
	const char *close;
	size_t i = 0;

	while (i < n && s->in_tag) {
		if (s->quote != 0) {
			close = memchr(p + i, s->quote, n - i);
			i = close != NULL ? (size_t)(close - p) + 1 : n;
			if (close != NULL)
				s->quote = 0;
		} else if (p[i] == '"' || p[i] == '\'') {
			s->quote = p[i++];
			s->attributes++;
		} else
			s->in_tag = p[i++] != '>';
	}
	return i;
}

/* In well-formed XML '<' occurs in a tag only at its beginning.  So only the last tag of
 * these bytes has to be looked at. */
static void
put_content(struct decoder *d, const char *p, size_t n, struct buf *out)
{
	const char *lt = memrchr(p, '<', n);
	size_t from = lt != NULL ? (size_t)(lt - p) : 0, tag, blanks = 0;

	/* libxml2 would hold all blanks before the root. */
	while (lt == NULL && !d->at.rooted && n - blanks > 1 && blank_is(p[blanks]) &&
	    blank_is(p[blanks + 1]))
		blanks++;
	if (blanks > 0)
		note(d, DECODE_CHANGED, out->n, -(ptrdiff_t)blanks);
	p += blanks;
	n -= blanks;
	if (lt != NULL) {
		d->at.in_tag = d->at.rooted = 1;
		d->at.quote = 0;
		d->at.too_long = 0;
		d->at.length = d->at.attributes = 0;
	}
	if (d->at.in_tag) {
		tag = scan_tag(&d->at, p + from, n - from);
		if (!d->at.too_long &&
		    (d->at.length + tag > LIMIT_TAG || d->at.attributes > LIMIT_TAG_ATTRIBUTES)) {
			d->at.too_long = 1;
			note(d, DECODE_LONG_TAG, out->n + from, 0);
		}
		d->at.length += tag;
	}
	buf_add(out, p, n);
}

/* The first end of a character from here on. */
static size_t
character_end(const char *p, size_t from, size_t n)
{
	while (from < n && ((unsigned char)p[from] & 0xc0) == 0x80)
		from++;
	return from;
}

static void
put_section(struct decoder *d, const char *p, size_t n, struct buf *out)
{
	size_t k;

	for (; n > 0; p += k, n -= k) {
		/* CR LF is one line end to the parser. */
		if (d->at.length >= LIMIT_SECTION && !(d->at.after_cr && *p == '\n')) {
			note(d, DECODE_CHANGED, out->n, 12);
			buf_adds(out, "]]><![CDATA[");
			d->at.length = 0;
		}
		k = d->at.length < LIMIT_SECTION ? LIMIT_SECTION - d->at.length : 1;
		k = character_end(p, k < n ? k : n, n);
		buf_add(out, p, k);
		d->at.length += k;
		d->at.after_cr = p[k - 1] == '\r';
	}
}

static void
put_comment(struct decoder *d, const char *p, size_t n, struct buf *out)
{
	size_t k = 0;

	if (d->at.length < LIMIT_COMMENT) {
		k = LIMIT_COMMENT - d->at.length;
		k = character_end(p, k < n ? k : n, n);
		buf_add(out, p, k);
		d->at.length += k;
	}
	if (k == n)
		return;
	note(d, DECODE_CHANGED, out->n, (ptrdiff_t)k - (ptrdiff_t)n + !d->at.dropping);
	/* A blank, because the comment may be cut behind a '-'. */
	if (!d->at.dropping)
		buf_addc(out, ' ');
	d->at.dropping = 1;
}

/* Write whole characters. */
static void
put(struct decoder *d, const char *p, size_t n, struct buf *out)
{
	if (n == 0)
		return;
	d->at.last = p[n - 1];
	if (d->at.inside == DECODE_CONTENT)
		put_content(d, p, n, out);
	else if (d->at.inside == DECODE_CDATA)
		put_section(d, p, n, out);
	else
		put_comment(d, p, n, out);
}

/* The beginning or end of a comment, a section or an instruction. */
static void
put_switch(struct decoder *d, enum decode_inside to, const char *p, size_t n, struct buf *out)
{
	buf_add(out, p, n);
	d->at.inside = to;
	d->at.in_tag = 0;
	d->at.length = 0;
	d->at.dropping = d->at.after_cr = 0;
}

int
decode_in_markup(const struct decoder *d)
{
	return d->at.inside != DECODE_CONTENT || d->at.in_tag;
}

/* ---- forbidden characters --------------------------------------------- */

static void
replace(struct decoder *d, size_t n, struct buf *out)
{
	note(d, DECODE_REPLACED, out->n, 3 - (ptrdiff_t)n);
	put(d, UTF8_REPLACEMENT, 3, out);
}

/* Does the next document of a plain file begin here?  -1 if more bytes are needed. */
static int
begins_next(const struct decoder *d, const unsigned char *p, size_t n, int final)
{
	static const char declaration[] = "<?xml ";
	size_t len = sizeof(declaration) - 1;

	if (!d->at.plain || !d->at.rooted || d->at.inside != DECODE_CONTENT ||
	    (d->at.last != '\n' && d->at.last != '\r') ||
	    memcmp(p, declaration, n < len ? n : len) != 0)
		return 0;
	return n >= len ? 1 : final ? 0 : -1;
}

/* The length of the markup here that begins or ends a comment, a section or an
 * instruction, and what begins with it; 0 if there is none, -1 if more bytes are needed. */
static int
switches(
    const struct decoder *d, const unsigned char *p, size_t n, int final, enum decode_inside *to)
{
	static const struct {
		const char *text;
		enum decode_inside from, to;
	} marks[] = {
	    {"<!--", DECODE_CONTENT, DECODE_COMMENT},
	    {"<![CDATA[", DECODE_CONTENT, DECODE_CDATA},
	    {"<?", DECODE_CONTENT, DECODE_PI},
	    {"-->", DECODE_COMMENT, DECODE_CONTENT},
	    {"]]>", DECODE_CDATA, DECODE_CONTENT},
	    {"?>", DECODE_PI, DECODE_CONTENT},
	};
	size_t i, len;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		len = strlen(marks[i].text);
		if (marks[i].from != d->at.inside ||
		    memcmp(p, marks[i].text, len < n ? len : n) != 0)
			continue;
		if (n < len)
			return final ? 0 : -1;
		*to = marks[i].to;
		return (int)len;
	}
	return 0;
}

/* special() for ASCII. */
static size_t
one_ascii(struct decoder *d, const unsigned char *p, size_t n, int final, struct buf *out)
{
	enum decode_inside to;
	unsigned char c = *p;
	uint32_t v;
	int len = 0;

	if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
		replace(d, 1, out);
		return 1;
	}
	if (c == '<' && (len = begins_next(d, p, n, final)) != 0) {
		d->at.next = len == 1;
		return 0;
	}
	if (c == '<' || c == '-' || c == ']' || c == '?') {
		len = switches(d, p, n, final, &to);
		if (len > 0) {
			put_switch(d, to, (const char *)p, (size_t)len, out);
			return (size_t)len;
		}
	} else if (c == '&' && d->at.inside == DECODE_CONTENT) {
		if (n < 2 && !final)
			return 0;
		if (n > 1 && p[1] == '#')
			len = reference(p, n, final, &v);
		if (len > 0 && !utf8_xml_char(v)) {
			replace(d, (size_t)len, out);
			return (size_t)len;
		}
	}
	if (len == -1)
		return 0;
	put(d, (const char *)p, len > 0 ? (size_t)len : 1, out);
	return len > 0 ? (size_t)len : 1;
}

/*
 * How many bytes from p on are letters that are not ASCII, with short runs of ASCII
 * between them.  Without this, text in other scripts would end each vector at once.
 */
static size_t
letters(const unsigned char *p, size_t n)
{
	size_t i = 0, ascii = 0;
	uint32_t v;
	int len;

	while (i < n && ascii < VECTOR) {
		if (p[i] < 0x80) {
			if (!means_nothing[p[i]])
				break;
			i++;
			ascii++;
			continue;
		}
		if (n - i >= 2 && p[i] >= 0xc2 && p[i] < 0xe0 && (p[i + 1] & 0xc0) == 0x80)
			len = 2;
		else if ((len = utf8_decode(p + i, n - i, &v)) < 0 || !utf8_xml_char(v))
			break;
		i += (size_t)len;
		ascii = 0;
	}
	return i;
}

/*
 * Handle what is at p and is neither plain nor a letter.  Returns how many bytes were
 * handled, 0 if more are needed.
 */
static size_t
special(struct decoder *d, const unsigned char *p, size_t n, int final, struct buf *out)
{
	uint32_t v;
	int len;

	if (*p < 0x80)
		return one_ascii(d, p, n, final, out);
	len = utf8_decode(p, n, &v);
	/* The next bytes may complete it. */
	if (!final && len == -(int)n && *p >= 0xc2 && *p <= 0xf4)
		return 0;
	len = len < 0 ? -len : len;
	replace(d, (size_t)len, out);
	return (size_t)len;
}

static size_t
sanitise(struct decoder *d, const char *bytes, size_t n, int final, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t i = 0, from = 0, step;

	buf_reserve(out, n);
	for (;;) {
		i += plain(p + i, n - i, d->at.inside);
		if (i < n && (p[i] & 0x80) && (step = letters(p + i, n - i)) > 0) {
			i += step;
			continue;
		}
		put(d, (const char *)p + from, i - from, out);
		if (i == n || (step = special(d, p + i, n - i, final, out)) == 0)
			return i;
		from = i += step;
	}
}

/* These convert to UTF-8; sanitise() replaces forbidden characters later. */
static size_t
latin1(struct decoder *d, const unsigned char *p, size_t n)
{
	char *out;
	size_t i;

	buf_reserve(&d->utf8, 2 * n);
	out = d->utf8.p;
	for (i = 0; i < n; i++)
		out += utf8_encode(p[i], out);
	d->utf8.n = (size_t)(out - d->utf8.p);
	return n;
}

static size_t
utf16(struct decoder *d, const unsigned char *p, size_t n, int final)
{
	int big = d->at.encoding == ENCODING_UTF16BE;
	size_t i;
	uint32_t c, low;
	char *out;

	buf_reserve(&d->utf8, n / 2 * 3 + 2);
	out = d->utf8.p;
	for (i = 0; i + 1 < n; i += 2) {
		c = (uint32_t)(big ? p[i] << 8 | p[i + 1] : p[i + 1] << 8 | p[i]);
		if (c >= 0xd800 && c <= 0xdbff) {
			if (i + 3 >= n)
				break;
			low = (uint32_t)(big ? p[i + 2] << 8 | p[i + 3] : p[i + 3] << 8 | p[i + 2]);
			if (low >= 0xdc00 && low <= 0xdfff) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		if (c >= 0xd800 && c <= 0xdfff)
			*out++ = BAD; /* half a pair */
		else
			out += utf8_encode(c, out);
	}
	d->utf8.n = (size_t)(out - d->utf8.p);
	/* Half a character at the end is not there: the document is cut, unless it is complete. */
	return final ? n : i;
}

size_t
decode_length_before(enum encoding e, const char *p, size_t n)
{
	size_t length = 0;

	for (; n > 0; p++, n--) {
		unsigned char c = (unsigned char)*p;

		if ((c & 0xc0) != 0x80)
			length += e == ENCODING_LATIN1 ? 1 : c >= 0xf0 && *p != BAD ? 4 : 2;
	}
	return length;
}

size_t
decode(struct decoder *d, const char *p, size_t n, int final, struct buf *out)
{
	size_t used, done;

	if (d->at.encoding == ENCODING_UTF8)
		return sanitise(d, p, n, final, out);
	buf_reset(&d->utf8);
	used = d->at.encoding == ENCODING_LATIN1 ? latin1(d, (const unsigned char *)p, n) :
						   utf16(d, (const unsigned char *)p, n, final);
	done = sanitise(d, d->utf8.p, d->utf8.n, final, out);
	/* The rest needs more bytes. */
	return used - decode_length_before(d->at.encoding, d->utf8.p + done, d->utf8.n - done);
}

/* By the first bytes, as in appendix F of XML 1.0. */
static enum encoding
by_first_bytes(const unsigned char *p, size_t n)
{
	/* One byte is half of a character that is cut. */
	if (n >= 1 && p[0] == 0xff && (n == 1 || p[1] == 0xfe))
		return ENCODING_UTF16LE;
	if (n >= 1 && p[0] == 0xfe && (n == 1 || p[1] == 0xff))
		return ENCODING_UTF16BE;
	if (n >= 2 && p[0] == '<' && p[1] == 0)
		return ENCODING_UTF16LE;
	if (n >= 2 && p[0] == 0 && p[1] == '<')
		return ENCODING_UTF16BE;
	return ENCODING_UTF8;
}

struct rec_value
decode_attribute(const char *p, size_t n, const char *name)
{
	struct rec_value v = {NULL, 0};
	const char *end = p + n, *close;

	if ((p = memmem(p, n, name, strlen(name))) == NULL)
		return v;
	for (p += strlen(name); p < end && (blank_is(*p) || *p == '='); p++)
		;
	if (p == end || (*p != '"' && *p != '\''))
		return v;
	if ((close = memchr(p + 1, *p, (size_t)(end - p - 1))) == NULL)
		return v;
	v.p = p + 1;
	v.n = (size_t)(close - v.p);
	return v;
}

/* -1: praic does not read this encoding. */
static int
by_name(struct rec_value v, enum encoding *e)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} known[] = {
	    {"UTF-8", ENCODING_UTF8},
	    {"UTF8", ENCODING_UTF8},
	    {"US-ASCII", ENCODING_UTF8},
	    {"ASCII", ENCODING_UTF8},
	    {"ISO-8859-1", ENCODING_LATIN1},
	    {"ISO_8859-1", ENCODING_LATIN1},
	    {"LATIN1", ENCODING_LATIN1},
	    {"LATIN-1", ENCODING_LATIN1},
	    /* The first bytes show that it is not really UTF-16. */
	    {"UTF-16", ENCODING_UTF8},
	    {"UTF-16LE", ENCODING_UTF8},
	    {"UTF-16BE", ENCODING_UTF8},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == v.n && strncasecmp(known[i].name, v.p, v.n) == 0) {
			*e = known[i].encoding;
			return 0;
		}
	return -1;
}

enum encoding
decode_detect(const char *p, size_t n, struct rec_value *refused)
{
	enum encoding e = by_first_bytes((const unsigned char *)p, n);
	const char *end = p + n, *close;
	struct rec_value v;

	refused->p = NULL;
	if (e != ENCODING_UTF8)
		return e;
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return e;
	while (p < end && blank_is(*p))
		p++;
	if (end - p < 6 || memcmp(p, "<?xml", 5) != 0 || !blank_is(p[5]) ||
	    (close = memmem(p, (size_t)(end - p), "?>", 2)) == NULL)
		return e;
	v = decode_attribute(p, (size_t)(close - p), "encoding");
	if (v.p != NULL && by_name(v, &e) == -1)
		*refused = v;
	return e;
}
