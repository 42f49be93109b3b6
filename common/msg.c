/* Messages: see msg.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "utf8.h"

/* Shorter secrets occur in too many words. */
#define MIN_HIDDEN 4

int msg_level;
void (*msg_before)(void);

static const char *program = "praic";
static struct buf *hidden;
static size_t hidden_n;

void
msg_start(const char *argv0)
{
	const char *slash;

	if (argv0 == NULL || *argv0 == '\0')
		return;
	slash = strrchr(argv0, '/');
	program = slash != NULL ? slash + 1 : argv0;
}

const char *
msg_program(void)
{
	return program;
}

void
msg_hide(const char *secret)
{
	size_t i, n = strlen(secret);

	if (n < MIN_HIDDEN)
		return;
	for (i = 0; i < hidden_n; i++)
		if (hidden[i].n == n && memcmp(hidden[i].p, secret, n) == 0)
			return;
	hidden = xrealloc(hidden, (hidden_n + 1) * sizeof(*hidden));
	memset(&hidden[hidden_n], 0, sizeof(*hidden));
	buf_add(&hidden[hidden_n++], secret, n);
}

/* The length of a secret that begins at p, or 0. */
static size_t
hidden_at(const char *p, size_t n)
{
	size_t i, longest = 0;

	for (i = 0; i < hidden_n; i++)
		if (hidden[i].n > longest && hidden[i].n <= n &&
		    memcmp(hidden[i].p, p, hidden[i].n) == 0)
			longest = hidden[i].n;
	return longest;
}

/* Can the character control a terminal, or change the direction of text? */
static int
is_active(uint32_t c)
{
	return !utf8_xml_char(c) || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e ||
	    c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void
msg_harmless(struct buf *out, const char *p, size_t n)
{
	size_t i = 0, secret;
	uint32_t c;
	int len;

	while (i < n) {
		if ((secret = hidden_at(p + i, n - i)) != 0) {
			buf_adds(out, "***");
			i += secret;
			continue;
		}
		len = utf8_decode((const unsigned char *)p + i, n - i, &c);
		if (len < 0) {
			buf_printf(out, "\\x%02x", (unsigned char)p[i]);
			len = 1;
		} else if (c == '\n')
			buf_adds(out, "\\n");
		else if (c == '\t')
			buf_adds(out, "\\t");
		else if (c == '\r')
			buf_adds(out, "\\r");
		else if (is_active(c))
			buf_printf(out, c < 0x80 ? "\\x%02x" : "\\u{%x}", c);
		else
			buf_add(out, p + i, (size_t)len);
		i += (size_t)len;
	}
}

static struct buf last;

const char *
msg_last(void)
{
	return buf_text(&last);
}

static void say(const char *, va_list, int, struct buf *) __attribute__((format(printf, 1, 0)));

static void
say(const char *fmt, va_list ap, int err, struct buf *kept)
{
	static struct buf raw, out;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	buf_reset(&raw);
	if (n > 0) {
		buf_reserve(&raw, (size_t)n + 1);
		vsnprintf(raw.p, (size_t)n + 1, fmt, again);
		raw.n = (size_t)n;
	}
	va_end(again);
	if (err != 0)
		buf_printf(&raw, ": %s%s", strerror(err),
		    err == ENOSPC || err == EDQUOT ? ": make room there" : "");
	buf_reset(&out);
	buf_printf(&out, "%s: ", program);
	msg_harmless(&out, raw.p, raw.n);
	if (kept != NULL) {
		buf_reset(kept);
		buf_add(kept, out.p + strlen(program) + 2, out.n - strlen(program) - 2);
	}
	buf_addc(&out, '\n');
	if (msg_before != NULL)
		msg_before();
	/* A failure of standard error cannot be reported. */
	(void)!file_write(2, out.p, out.n);
}

void
msg_warn(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, 0, &last);
	va_end(ap);
	errno = saved;
}

void
msg_errno(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, saved, &last);
	va_end(ap);
	errno = saved;
}

void
msg_tell(int level, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (msg_level < level)
		return;
	va_start(ap, fmt);
	say(fmt, ap, 0, NULL);
	va_end(ap);
	errno = saved;
}
