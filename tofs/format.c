/* Name formats: see tofs.h.  What becomes of the values is name.c's. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "msg.h"
#include "tofs.h"
#include "utf8.h"

const char *const kind_name[KINDS] = {"session", "recording", "shell", "screen", "backup"};

#define OF_SESSION "%SUPPORT_SITE_HOST%-%SESSION_TYPE%-%LSID%"

const char *const format_default[KINDS] = {
    [KIND_SESSION] = OF_SESSION ".%EXTENSION%",
    [KIND_RECORDING] = OF_SESSION ".%EXTENSION%",
    [KIND_SHELL] = OF_SESSION "-%KIND%-%INSTANCE%.%EXTENSION%",
    [KIND_SCREEN] = OF_SESSION "-%KIND%-%INSTANCE%.%EXTENSION%",
    [KIND_BACKUP] = "%SUPPORT_SITE_HOST%-backup-%START_DATE%.%EXTENSION%",
};

static const char *const field_name[FIELDS] = {
    [FIELD_LSEQ] = "LSEQ",
    [FIELD_LSID] = "LSID",
    [FIELD_EXTERNAL_KEY] = "EXTERNAL_KEY",
    [FIELD_SESSION_TYPE] = "SESSION_TYPE",
    [FIELD_SUPPORT_SITE_HOST] = "SUPPORT_SITE_HOST",
    [FIELD_INSTANCE] = "INSTANCE",
    [FIELD_EXTENSION] = "EXTENSION",
    [FIELD_KIND] = "KIND",
    [FIELD_START_DATE] = "START_DATE",
};

enum kind
kind_find(const char *p, size_t n)
{
	int k;

	for (k = 0; k < KINDS; k++)
		if (strlen(kind_name[k]) == n && memcmp(kind_name[k], p, n) == 0)
			break;
	return (enum kind)k;
}

int
format_has(const char *f, enum field field)
{
	return strchr(f, FORMAT_FIELD(field)) != NULL;
}

/* The replacement value whose name is before the next percent sign, or FIELDS. */
static int
find_field(const char *p)
{
	size_t n = strcspn(p, "%");
	int i;

	for (i = 0; i < FIELDS; i++)
		if (p[n] == '%' && strlen(field_name[i]) == n && memcmp(field_name[i], p, n) == 0)
			break;
	return i;
}

/* What a literal character must not be, wherever DIRECTORY is. */
static const char *
bad_text(const char *text)
{
	const char *p;

	if (*text == '\0')
		return "it is empty";
	if (utf8_valid(text, strlen(text)) != strlen(text))
		return "it is not UTF-8";
	for (p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return "it holds a control character";
		if (*p == '\\')
			return "it holds a backslash; folders are made by /";
		if ((p == text || p[-1] == '/') && *p == '/')
			return "a folder in it has no name";
		if ((p == text || p[-1] == '/') && *p == '.')
			return "a name in it begins with a dot";
	}
	if (p[-1] == '/')
		return "it ends with a folder";
	return NULL;
}

char *
format_parse(const char *text)
{
	const char *p, *bad = bad_text(text);
	char *format, *to;
	int field;

	if (bad != NULL) {
		msg_warn("format \"%s\": %s", text, bad);
		return NULL;
	}
	format = to = xcalloc(strlen(text) + 1, 1);
	for (p = text; *p != '\0'; p++) {
		if (*p != '%') {
			*to++ = *p;
		} else if (*++p == '%') {
			*to++ = '%';
		} else if ((field = find_field(p)) < FIELDS) {
			*to++ = (char)FORMAT_FIELD(field);
			p += strlen(field_name[field]);
		} else {
			size_t n = strcspn(p, "%");

			msg_warn("format \"%s\": %.*s is no replacement name (they are listed in "
				 "praic-tofs(1)); a percent sign is written %%%%",
			    text, (int)(n + (p[n] == '%')) + 1, p - 1);
			free(format);
			return NULL;
		}
	}
	return format;
}

/*
 * Two formats are compared as strings in which each value is one byte that no
 * format holds: that of its field, or one of these.  A value of the session is
 * the same in both; an instance is one or more digits; an extension has neither
 * '/' nor '.'.
 */
enum { INSTANCE = FORMAT_FIELD(FIELDS), EXTENSION, XML };

static void
spell_out(struct buf *s, const char *f, enum kind kind)
{
	for (; *f != '\0'; f++)
		if (*f == FORMAT_FIELD(FIELD_KIND))
			buf_adds(s, kind_name[kind]);
		else if (*f == FORMAT_FIELD(FIELD_EXTENSION)) /* only a session's is xml */
			buf_addc(s, kind == KIND_SESSION ? XML : EXTENSION);
		else if (*f != FORMAT_FIELD(FIELD_INSTANCE))
			buf_addc(s, *f);
		else if (kind == KIND_SHELL || kind == KIND_SCREEN)
			buf_addc(s, INSTANCE);
	buf_text(s);
}

/* The i-th byte from the front, or from the back; NUL behind the last. */
static int
byte_at(const struct buf *s, size_t i, int back)
{
	return i >= s->n ? '\0' : (unsigned char)s->p[back ? s->n - 1 - i : i];
}

static int
is_literal(int c)
{
	return c == '\0' || c > XML;
}

static int
ends_digits(int c)
{
	return is_literal(c) && (c < '0' || c > '9');
}

static int
ends_extension(int c)
{
	return c == '\0' || c == '/' || c == '.';
}

/* Seen from one side, is it certain that the two differ? */
static int
differ(const struct buf *a, const struct buf *b, int other_instance, int back)
{
	size_t i;

	for (i = 0;; i++) {
		int x = byte_at(a, i, back), y = byte_at(b, i, back);
		int after_x = byte_at(a, i + 1, back), after_y = byte_at(b, i + 1, back);

		if (is_literal(x) && is_literal(y)) {
			if (x != y)
				return 1;
			if (x == '\0')
				return 0;
		} else if (x == INSTANCE && y == INSTANCE) {
			if (!ends_digits(after_x) || !ends_digits(after_y))
				return 0;
			if (other_instance)
				return 1;
		} else if (x == INSTANCE || y == INSTANCE) {
			return ends_digits(x) || ends_digits(y);
		} else if ((x == EXTENSION || x == XML) && (y == EXTENSION || y == XML)) {
			if (!ends_extension(after_x) || !ends_extension(after_y))
				return 0;
			if (x != y)
				return 1;
		} else if (x != y)
			return 0;
	}
}

int
format_meet(const char *f, enum kind kind, const char *g, enum kind other)
{
	struct buf a = {0}, b = {0};
	int apart;

	spell_out(&a, f, kind);
	spell_out(&b, g, other);
	apart = differ(&a, &b, kind == other, 0) || differ(&a, &b, kind == other, 1);
	buf_free(&a);
	buf_free(&b);
	return !apart;
}
