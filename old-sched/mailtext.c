/*
 * A mail as text: see mailtext.h.  Text that is no UTF-8 is made so, with
 * U+FFFD for what cannot be read: a report about broken data must arrive.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "mailtext.h"
#include "msg.h"
#include "utf8.h"

#define LINE 76 /* RFC 2045, 6.7 (5) and 6.8; RFC 2047, 2 */

static const char base64_digit[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
add_base64(struct buf *b, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned long v;
	size_t i, k;

	for (i = 0; i < n; i += 3) {
		k = n - i < 3 ? n - i : 3;
		v = (unsigned long)p[i] << 16;
		v |= k > 1 ? (unsigned long)p[i + 1] << 8 : 0;
		v |= k > 2 ? p[i + 2] : 0;
		buf_addc(b, base64_digit[v >> 18]);
		buf_addc(b, base64_digit[v >> 12 & 63]);
		buf_addc(b, k > 1 ? base64_digit[v >> 6 & 63] : '=');
		buf_addc(b, k > 2 ? base64_digit[v & 63] : '=');
	}
}

/* As UTF-8, and in a header, where it is one line, without controls. */
static void
clean(struct buf *b, const char *p, size_t n, int header)
{
	size_t i = 0;
	int len;

	while (i < n) {
		len = utf8_length((const unsigned char *)p + i, n - i);
		if (len < 0)
			buf_adds(b, UTF8_REPLACEMENT);
		else if (header && ((unsigned char)p[i] < 0x20 || p[i] == 0x7f))
			buf_addc(b, ' ');
		else
			buf_add(b, p + i, (size_t)len);
		i += (size_t)(len < 0 ? -len : len);
	}
}

/*
 * Addresses.
 */

static int
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int
is_one_of(const char *set, char c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* user@host, of characters that need no quoting anywhere. */
static int
is_address(const char *p, size_t n)
{
	const char *at = memchr(p, '@', n);
	size_t i, local;

	if (at == NULL || at == p || at == p + n - 1 || n > 254)
		return 0;
	local = (size_t)(at - p);
	for (i = 0; i < local; i++)
		if (!is_alnum(p[i]) && !is_one_of("!#$%&'*+-/=?^_`{|}~.", p[i]))
			return 0;
	for (i = local + 1; i < n; i++)
		if (!is_alnum(p[i]) && !is_one_of(".-", p[i]))
			return 0;
	return local <= 64 && *p != '-' && !is_one_of(".-", p[local + 1]);
}

int
mail_address_parse(struct mail_address *a, const char *text)
{
	const char *open = strrchr(text, '<'), *p = text;
	size_t n = strlen(text), name_n = 0;

	a->name = a->address = NULL;
	if (open != NULL && n > 0 && text[n - 1] == '>') {
		p = open + 1;
		n = (size_t)(text + n - 1 - p);
		name_n = (size_t)(open - text);
	}
	while (name_n > 0 && text[name_n - 1] == ' ')
		name_n--;
	if (name_n >= 2 && text[0] == '"' && text[name_n - 1] == '"') {
		text++;
		name_n -= 2;
	}
	if (!is_address(p, n)) {
		msg_warn("%s: no address; one is user@example.com, or "
			 "\"Name <user@example.com>\", in ASCII",
		    text);
		return EX_USAGE;
	}
	if (name_n > 0) {
		struct buf b = {0};

		clean(&b, text, name_n, 1);
		a->name = xstrdup(buf_text(&b));
		buf_free(&b);
	}
	a->address = xstrndup(p, n);
	return 0;
}

void
mail_address_free(struct mail_address *a)
{
	free(a->name);
	free(a->address);
	a->name = a->address = NULL;
}

/*
 * The header.
 */

static int
is_plain(const char *p)
{
	for (; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			return 0;
	return 1;
}

/* Where the line begins that is being written: folding counts from there. */
static size_t
column(const struct buf *b)
{
	size_t i = b->n;

	while (i > 0 && b->p[i - 1] != '\n')
		i--;
	return b->n - i;
}

/* The blank before what comes becomes a fold, which reads as a blank. */
static void
fold(struct buf *b, size_t coming)
{
	if (column(b) + coming <= LINE)
		return;
	if (b->p[b->n - 1] == ' ')
		b->n--;
	buf_adds(b, "\r\n ");
}

/* RFC 2047: words of whole characters, parted by folds that vanish again. */
static void
add_encoded(struct buf *b, const char *p)
{
	size_t n = strlen(p), k, room;

	while (n > 0) {
		fold(b, 36);
		room = (LINE - column(b) - 12) / 4 * 3;
		k = utf8_floor(p, n < room ? n : room);
		buf_adds(b, "=?UTF-8?B?");
		add_base64(b, p, k);
		buf_adds(b, n > k ? "?= " : "?=");
		p += k;
		n -= k;
	}
}

/* Does every stretch without a blank fit a line, so that it can be folded? */
static int
is_foldable(const char *p)
{
	size_t n;

	for (; *p != '\0'; p += n) {
		p += strspn(p, " ");
		n = strcspn(p, " ");
		if (n > LINE - 12)
			return 0;
	}
	return 1;
}

/* Text of a person: as it is where that is ASCII, folded at its blanks. */
static void
add_unstructured(struct buf *b, const char *p)
{
	size_t n;

	if (!is_plain(p) || strstr(p, "=?") != NULL || !is_foldable(p) || strstr(p, "  ") != NULL ||
	    *p == ' ') {
		add_encoded(b, p);
		return;
	}
	while (*p != '\0') {
		n = strcspn(p, " ");
		fold(b, n);
		buf_add(b, p, n);
		p += n;
		if (*p == ' ' && p[1] != '\0')
			buf_addc(b, ' ');
		p += *p == ' ';
	}
}

static void
add_address(struct buf *b, const struct mail_address *a)
{
	const char *p;

	if (a->name != NULL) {
		if (!is_plain(a->name) || strlen(a->name) > LINE / 2)
			add_encoded(b, a->name);
		else {
			fold(b, strlen(a->name) + 2);
			buf_addc(b, '"');
			for (p = a->name; *p != '\0'; p++) {
				if (*p == '"' || *p == '\\')
					buf_addc(b, '\\');
				buf_addc(b, *p);
			}
			buf_addc(b, '"');
		}
		buf_addc(b, ' ');
	}
	fold(b, strlen(a->address) + 3);
	buf_printf(b, a->name != NULL ? "<%s>" : "%s", a->address);
}

/* Local time with its offset, in English whatever the locale. */
static void
add_date(struct buf *b, int64_t t)
{
	static const char *const day[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const month[] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t clock = (time_t)t;
	struct tm tm;
	long east;

	localtime_r(&clock, &tm);
	east = tm.tm_gmtoff / 60;
	buf_printf(b, "Date: %s, %d %s %d %02d:%02d:%02d %c%02ld%02ld\r\n", day[tm.tm_wday],
	    tm.tm_mday, month[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    east < 0 ? '-' : '+', labs(east) / 60, labs(east) % 60);
}

static void
add_header(struct buf *b, const struct mail_text *m)
{
	struct buf subject = {0};
	size_t i;

	buf_adds(b, "From: ");
	add_address(b, m->from);
	buf_adds(b, "\r\nTo: ");
	for (i = 0; i < m->tos; i++) {
		if (i > 0)
			buf_adds(b, ", ");
		add_address(b, &m->to[i]);
	}
	buf_adds(b, "\r\nSubject: ");
	clean(&subject, m->subject, strlen(m->subject), 1);
	add_unstructured(b, buf_text(&subject));
	buf_free(&subject);
	buf_adds(b, "\r\n");
	add_date(b, m->date);
	buf_printf(b, "Message-ID: <%s%s>\r\n", m->id, strchr(m->from->address, '@'));
	/* Nobody is on holiday for a program (RFC 3834). */
	buf_adds(b,
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=UTF-8\r\n");
}

/*
 * The body.
 */

/* RFC 2045, 6.7.  The text's last line has its LF. */
static void
add_quoted(struct buf *b, const char *p, size_t n)
{
	size_t i, at = 0, len;
	char text[4];

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\n') {
			buf_adds(b, "\r\n");
			at = 0;
			continue;
		}
		/* A blank at the end of a line is lost on the way; a dot that
		 * stands alone and "From " were trouble in their time. */
		if ((c < 0x20 && c != '\t') || c >= 0x7f || c == '=' ||
		    ((c == ' ' || c == '\t') && (i + 1 == n || p[i + 1] == '\n')) ||
		    (at == 0 &&
			(c == '.' || (c == 'F' && n - i >= 5 && memcmp(p + i, "From ", 5) == 0))))
			len = (size_t)snprintf(text, sizeof(text), "=%02X", c);
		else {
			text[0] = (char)c;
			len = 1;
		}
		if (at + len > LINE - 1) {
			buf_adds(b, "=\r\n");
			at = 0;
		}
		buf_add(b, text, len);
		at += len;
	}
}

static void
add_base64_lines(struct buf *b, const char *p, size_t n)
{
	struct buf wire = {0};
	size_t i, k;

	for (i = 0; i < n; i++) { /* the line end of text is CRLF */
		if (p[i] == '\n')
			buf_addc(&wire, '\r');
		buf_addc(&wire, p[i]);
	}
	for (i = 0; i < wire.n; i += k) {
		k = wire.n - i < LINE / 4 * 3 ? wire.n - i : LINE / 4 * 3;
		add_base64(b, wire.p + i, k);
		buf_adds(b, "\r\n");
	}
	buf_free(&wire);
}

/* UTF-8 with LF behind every line. */
static void
clean_body(struct buf *out, const char *p, size_t n)
{
	const char *lf;
	size_t len;

	for (; n > 0; p += len, n -= len) {
		lf = memchr(p, '\n', n);
		len = lf != NULL ? (size_t)(lf - p) + 1 : n;
		if (lf != NULL && len >= 2 && p[len - 2] == '\r') {
			clean(out, p, len - 2, 0);
			buf_addc(out, '\n');
		} else
			clean(out, p, len, 0);
	}
	if (out->n > 0 && out->p[out->n - 1] != '\n')
		buf_addc(out, '\n');
}

void
mail_text(struct buf *out, const struct mail_text *m)
{
	struct buf body = {0};
	size_t i, wide = 0;

	add_header(out, m);
	clean_body(&body, m->body, m->body_n);
	for (i = 0; i < body.n; i++)
		wide += (unsigned char)body.p[i] >= 0x7f;
	/* Three bytes for each in the one, a third more for all in the other;
	 * where it comes to much the same, what a person can read. */
	if (wide * 4 < body.n) {
		buf_adds(out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		add_quoted(out, body.p, body.n);
	} else {
		buf_adds(out, "Content-Transfer-Encoding: base64\r\n\r\n");
		add_base64_lines(out, body.p, body.n);
	}
	buf_free(&body);
}
