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

static const char *const field_name[FIELDS] = {"LSEQ", "LSID", "EXTERNAL_KEY", "SESSION_TYPE",
    "SUPPORT_SITE_HOST", "INSTANCE", "EXTENSION", "KIND", "START_DATE"};

enum kind
kind_find(const char *p, size_t n)
{
	int k;

	for (k = 0; k < KINDS; k++)
		if (strlen(kind_name[k]) == n && memcmp(kind_name[k], p, n) == 0)
			break;
	return (enum kind)k;
}

static struct part *
add_part(struct format *f, enum part_type type)
{
	struct part *p;

	f->part = xrealloc(f->part, (f->parts + 1) * sizeof(*f->part));
	p = &f->part[f->parts++];
	memset(p, 0, sizeof(*p));
	p->type = type;
	return p;
}

static void
add_text(struct format *f, char c)
{
	struct part *p = f->parts > 0 ? &f->part[f->parts - 1] : NULL;

	if (p == NULL || p->type != PART_TEXT)
		p = add_part(f, PART_TEXT);
	p->text = xrealloc(p->text, p->n + 2);
	p->text[p->n++] = c;
	p->text[p->n] = '\0';
}

void
format_free(struct format *f)
{
	size_t i;

	for (i = 0; i < f->parts; i++)
		free(f->part[i].text);
	free(f->part);
	memset(f, 0, sizeof(*f));
}

int
format_has(const struct format *f, enum field field)
{
	size_t i;

	for (i = 0; i < f->parts; i++)
		if (f->part[i].type == PART_FIELD && f->part[i].field == field)
			return 1;
	return 0;
}

/* The replacement name at p, behind its first percent sign; *n with the last. */
static int
find_field(const char *p, size_t *n)
{
	size_t len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	int i;

	*n = len + 1;
	if (p[len] == '%')
		for (i = 0; i < FIELDS; i++)
			if (strlen(field_name[i]) == len && memcmp(field_name[i], p, len) == 0)
				return i;
	*n = strcspn(p, "%");
	*n += p[*n] == '%';
	return -1;
}

/* What a literal character must not be, wherever DIRECTORY is. */
static const char *
bad_text(const char *text)
{
	const char *p;

	if (*text == '\0')
		return "it is empty";
	if (utf8_valid(text, strlen(text)) != strlen(text))
		return "it is no UTF-8";
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

int
format_parse(struct format *f, const char *text)
{
	const char *p, *bad = bad_text(text);
	size_t n;
	int field;

	format_free(f);
	if (bad != NULL) {
		msg_warn("format \"%s\": %s", text, bad);
		return EX_USAGE;
	}
	for (p = text; *p != '\0';) {
		if (*p == '/') {
			add_part(f, PART_SLASH);
			p++;
		} else if (*p != '%') {
			add_text(f, *p++);
		} else if (p[1] == '%') {
			add_text(f, '%');
			p += 2;
		} else {
			field = find_field(p + 1, &n);
			if (field == -1) {
				msg_warn("format \"%s\": %.*s is no replacement name (they are "
					 "listed in praic-tofs(1)); a percent sign is written %%%%",
				    text, (int)n + 1, p);
				return EX_USAGE;
			}
			add_part(f, PART_FIELD)->field = (enum field)field;
			p += n + 1;
		}
	}
	return 0;
}

/*
 * Two names are compared as strings of elements, for which only this much is
 * known: an element below ELEMENTS is that byte; shared values (the session's
 * own) are the same in both; an instance is one or more digits; an extension
 * has neither '/' nor '.'.
 */
enum {
	END = 256,
	INSTANCE,
	EXTENSION, /* of anything but a session: never xml */
	XML,	   /* a session's */
	SHARED	   /* and the field's number */
};

struct elements {
	int *e;
	size_t n;
};

static void
add_element(struct elements *s, int e)
{
	s->e = xrealloc(s->e, (s->n + 1) * sizeof(*s->e));
	s->e[s->n++] = e;
}

static void
spell(struct elements *s, const char *p, size_t n)
{
	while (n-- > 0)
		add_element(s, (unsigned char)*p++);
}

static void
spell_out(struct elements *s, const struct format *f, enum kind kind)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < f->parts; i++) {
		const struct part *p = &f->part[i];

		if (p->type == PART_SLASH)
			add_element(s, '/');
		else if (p->type == PART_TEXT)
			spell(s, p->text, p->n);
		else if (p->field == FIELD_KIND)
			spell(s, kind_name[kind], strlen(kind_name[kind]));
		else if (p->field == FIELD_EXTENSION)
			add_element(s, kind == KIND_SESSION ? XML : EXTENSION);
		else if (p->field != FIELD_INSTANCE)
			add_element(s, SHARED + (int)p->field);
		else if (kind == KIND_SHELL || kind == KIND_SCREEN)
			add_element(s, INSTANCE);
	}
}

/* The i-th element from the front, or from the back. */
static int
element(const struct elements *s, size_t i, int back)
{
	return i >= s->n ? END : s->e[back ? s->n - 1 - i : i];
}

static int
is_byte(int e)
{
	return e < END;
}

static int
is_extension(int e)
{
	return e == EXTENSION || e == XML;
}

static int
ends_digits(int e)
{
	return e == END || (is_byte(e) && (e < '0' || e > '9'));
}

static int
ends_extension(int e)
{
	return e == END || e == '/' || e == '.';
}

/* Seen from one side, is it certain that the two differ? */
static int
differ(const struct elements *a, const struct elements *b, int other_instance, int back)
{
	size_t i;

	for (i = 0;; i++) {
		int x = element(a, i, back), y = element(b, i, back);
		int after_x = element(a, i + 1, back), after_y = element(b, i + 1, back);

		if (x == END && y == END)
			return 0;
		if ((is_byte(x) || x == END) && (is_byte(y) || y == END)) {
			if (x != y)
				return 1;
		} else if (x == INSTANCE && y == INSTANCE) {
			if (!ends_digits(after_x) || !ends_digits(after_y))
				return 0;
			if (other_instance)
				return 1;
		} else if (x == INSTANCE || y == INSTANCE) {
			return ends_digits(x) || ends_digits(y);
		} else if (is_extension(x) && is_extension(y)) {
			if (!ends_extension(after_x) || !ends_extension(after_y))
				return 0;
			if (x != y)
				return 1;
		} else if (x != y)
			return 0;
	}
}

int
format_meet(const struct format *f, enum kind kind, const struct format *g, enum kind other)
{
	struct elements a, b;
	int apart;

	spell_out(&a, f, kind);
	spell_out(&b, g, other);
	apart = differ(&a, &b, kind == other, 0) || differ(&a, &b, kind == other, 1);
	free(a.e);
	free(b.e);
	return !apart;
}
