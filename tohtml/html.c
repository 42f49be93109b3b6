/* Text of strangers as HTML: see tohtml.h. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "num.h"
#include "sha256.h"
#include "tohtml.h"
#include "utf8.h"

/*
 * Characters that are invisible or move others: controls, direction marks, blanks
 * without width, tags; and noncharacters, which HTML forbids.  The joiners (200c, 200d)
 * are not among them: Persian and emoji need them.
 */
static int
is_hidden(uint32_t c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0xad ||
	    c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x180e || c == 0x200b || c == 0x200e ||
	    c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0x3164 || c == 0xfeff || c == 0xffa0 || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe ||
	    (c >= 0xe0000 && c <= 0xe007f);
}

/* Is it neither markup nor the first byte of a character that may be hidden? */
static int
is_plain(unsigned char c)
{
	if (c < 0x80)
		return (c >= 0x20 && c != '&' && c != '<' && c != '>' && c != '"' && c != '\'' &&
			   c != 0x7f) ||
		    c == '\n' || c == '\t';
	return c != 0xc2 && c != 0xd8 && c != 0xe1 && c != 0xe2 && c != 0xe3 && c < 0xef;
}

/* The length of the known entity at p, or 0. */
static size_t
entity(const char *p, size_t n)
{
	static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;"};

	for (size_t i = 0; i < 4; i++)
		if (n >= strlen(known[i]) && memcmp(p, known[i], strlen(known[i])) == 0)
			return strlen(known[i]);
	return 0;
}

static void
escape(struct buf *b, const char *p, size_t n, const char *open, const char *close, int entities)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t i = 0, from, len;
	uint32_t c;
	int got;

	for (; i < n; i += len) {
		for (from = i; i < n && is_plain(u[i]);)
			i++;
		buf_add(b, p + from, i - from);
		if (i == n)
			break;
		got = utf8_decode(u + i, n - i, &c);
		len = got < 0 ? 1 : (size_t)got;
		if (got < 0)
			buf_adds(b, UTF8_REPLACEMENT);
		else if (c == '&' && entities && entity(p + i, n - i) > 0)
			buf_add(b, p + i, len = entity(p + i, n - i));
		else if (c == '&')
			buf_adds(b, "&amp;");
		else if (c == '<')
			buf_adds(b, "&lt;");
		else if (c == '>')
			buf_adds(b, "&gt;");
		else if (c == '"')
			buf_adds(b, "&quot;");
		else if (c == '\'')
			buf_adds(b, "&#39;");
		else if (c == '\r' && i + 1 < n && p[i + 1] == '\n')
			; /* the LF is enough */
		else if (is_hidden(c))
			buf_printf(b, "%sU+%04X%s", open, c, close);
		else
			buf_add(b, p + i, len);
	}
}

void
html_text(struct buf *b, const char *p, size_t n)
{
	escape(b, p, n, "<u>", "</u>", 0);
}

void
html_escaped(struct buf *b, const char *p, size_t n)
{
	escape(b, p, n, "<u>", "</u>", 1);
}

void
html_path(struct buf *b, const char *p, size_t n)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-._~/";
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != '\0' && strchr(safe, p[i]) != NULL)
			buf_addc(b, p[i]);
		else
			buf_printf(b, "%%%02X", (unsigned char)p[i]);
}

void
html_size(struct buf *b, const char *p, size_t n)
{
	static const char unit[] = "kMGTPE";
	uint64_t bytes;
	double v;
	int i = -1;

	if (p == NULL || num_parse_count(p, n, UINT64_MAX, &bytes) == -1) {
		html_text(b, p, n);
		return;
	}
	if (bytes >= 1000) {
		for (v = (double)bytes; v >= 999.5 && i < 5; i++)
			v /= 1000;
		buf_printf(b, v < 9.95 ? "%.1f %cB (" : "%.0f %cB (", v, unit[i]);
	}
	buf_printf(b, "%llu bytes%s", (unsigned long long)bytes, i < 0 ? "" : ")");
}

void
html_span(struct buf *b, int64_t s)
{
	char number[NUM_SIZE];

	if (s < 0) {
		buf_adds(b, "-");
		s = -s;
	}
	buf_add(b, number, (size_t)num_format(s / 3600, number));
	buf_addc(b, ':');
	buf_addc(b, (char)('0' + s / 600 % 6));
	buf_addc(b, (char)('0' + s / 60 % 10));
	buf_addc(b, ':');
	buf_addc(b, (char)('0' + s / 10 % 6));
	buf_addc(b, (char)('0' + s % 10));
}

void
html_time(struct buf *b, const char *p, size_t n)
{
	if (n != 20)
		html_text(b, p, n);
	else
		buf_printf(b, "<time datetime=\"%.20s\">%.10s %.8s</time>", p, p, p + 11);
}

/* 'sha256-...' of what an element holds, for the Content-Security-Policy. */
static const char *
csp_hash(const char *text, char out[48])
{
	unsigned char digest[SHA256_BYTES];
	struct sha256 *h = sha256_new();

	sha256_add(h, text, strlen(text));
	sha256_bytes(h, digest);
	sha256_free(h);
	EVP_EncodeBlock((unsigned char *)out, digest, SHA256_BYTES);
	return out;
}

void
html_head(struct buf *b, const char *title, size_t n)
{
	static char style[48], script[48];

	if (style[0] == '\0') {
		csp_hash(tohtml_style, style);
		csp_hash(tohtml_script, script);
	}
	buf_adds(b,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	    "media-src 'self'; base-uri 'none'; form-action 'none'; ");
	buf_printf(b, "style-src 'sha256-%s'; script-src 'sha256-%s'\">\n", style, script);
	buf_adds(b,
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<meta name=\"robots\" content=\"noindex\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	escape(b, title, n, "[", "]", 0);
	buf_adds(b, "</title>\n<style>");
	buf_adds(b, tohtml_style);
	buf_adds(b, "</style>\n</head>\n<body>\n");
}

void
html_tail(struct buf *b)
{
	buf_adds(b, "<footer>Made by praic-tohtml. Times are UTC.</footer>\n<script>");
	buf_adds(b, tohtml_script);
	buf_adds(b, "</script>\n</body>\n</html>\n");
}
