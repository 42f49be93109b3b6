/*
 * What is in the settings database, as the programs want it: fields as
 * options, settings as text or numbers, secrets as references.  See
 * settings.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"
#include "when.h"

#define MAX_COUNT 1000000

/* Values that were handed out: options are kept, and so are these. */
static const char *
keep(const char *p, size_t n)
{
	static char **kept;
	static size_t kept_n;

	kept = xrealloc(kept, (kept_n + 1) * sizeof(*kept));
	return kept[kept_n++] = xstrndup(p, n);
}

/* What is stored, as a reference; the secret itself goes into memory. */
static const char *
reference(const char *stored)
{
	size_t n = strlen(SETTINGS_PLAIN);

	return strncmp(stored, SETTINGS_PLAIN, n) == 0 ? secret_hold(stored + n) :
							 keep(stored, strlen(stored));
}

static int
give_list(const char *name, const char *text, settings_set *set, void *arg)
{
	int code = 0;
	size_t n;

	for (; *text != '\0' && code == 0; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n > 0)
			code = set(arg, name, keep(text, n));
	}
	return code;
}

static int
give(const struct settings_field *f, const char *text, settings_set *set, void *arg)
{
	switch (f->form) {
	case SETTINGS_SECRET:
		return set(arg, f->name, reference(text));
	case SETTINGS_LIST:
		return give_list(f->name, text, set, arg);
	default:
		return set(arg, f->name, keep(text, strlen(text)));
	}
}

/* The columns of the row that a statement finds, by their fields. */
static int
read_row(struct settings *s, sqlite3_stmt *stmt, const struct settings_field *fields, int kind,
    const char *what, const char *name, settings_set *set, void *arg)
{
	int rc, code = 0, i;

	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE) {
		msg_warn("%s: there is no %s \"%s\"; praic-conf %s list shows them",
		    settings_path(s), what, name, what);
		code = EX_CONFIG;
	} else if (rc != SQLITE_ROW)
		code = settings_failed(s, "reading it");
	for (i = 0; code == 0 && i < sqlite3_column_count(stmt); i++) {
		const char *text = (const char *)sqlite3_column_text(stmt, i);
		char *option = xstrdup(sqlite3_column_name(stmt, i)), *p;
		const struct settings_field *f;

		for (p = option; *p != '\0'; p++)
			if (*p == '_')
				*p = '-';
		f = settings_field(fields, option);
		if (text != NULL && f != NULL && (kind == 0 || (f->kinds & kind) != 0))
			code = give(f, text, set, arg);
		free(option);
	}
	sqlite3_finalize(stmt);
	return code;
}

static int
read_site(struct settings *s, const char *name, settings_set *set, void *arg)
{
	return read_row(s, settings_prepare(s, "SELECT * FROM site WHERE name = ?1"),
	    settings_site_fields, 0, "site", name, set, arg);
}

int
settings_destination_kind(struct settings *s, const char *name)
{
	sqlite3_stmt *stmt = settings_prepare(s, "SELECT kind FROM destination WHERE name = ?1");
	int kind = 0;

	if (stmt == NULL)
		return 0;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		kind = settings_kind((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return kind;
}

static int
read_destination(struct settings *s, const char *name, int kind, settings_set *set, void *arg)
{
	int is = settings_destination_kind(s, name);

	if (is != 0 && is != kind) {
		msg_warn("%s: destination \"%s\" is of the kind %s, not %s", settings_path(s), name,
		    settings_kind_name(is), settings_kind_name(kind));
		return EX_CONFIG;
	}
	return read_row(s, settings_prepare(s, "SELECT * FROM destination WHERE name = ?1"),
	    settings_destination_fields, kind, "destination", name, set, arg);
}

int
settings_load_site(const char *name, settings_set *set, void *arg)
{
	int code;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	if (s == NULL)
		return code;
	code = read_site(s, name, set, arg);
	settings_close(s);
	return code;
}

int
settings_load_destination(const char *name, int kind, settings_set *set, void *arg)
{
	int code;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	if (s == NULL)
		return code;
	code = read_destination(s, name, kind, set, arg);
	settings_close(s);
	return code;
}

int
settings_text(struct settings *s, const char *name, char **value)
{
	const struct settings_field *f = settings_field(settings_fields, name);
	sqlite3_stmt *stmt = settings_prepare(s, "SELECT value FROM setting WHERE name = ?1");
	const char *text;
	int rc, code = 0;

	*value = NULL;
	if (f == NULL || stmt == NULL) {
		if (f == NULL)
			msg_warn("%s: no setting is called %s", settings_path(s), name);
		sqlite3_finalize(stmt);
		return EX_SOFTWARE;
	}
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		if (text != NULL)
			*value = xstrdup(f->form == SETTINGS_SECRET ? reference(text) : text);
	} else if (rc != SQLITE_DONE)
		code = settings_failed(s, "reading it");
	else if (f->fallback != NULL)
		*value = xstrdup(f->fallback);
	sqlite3_finalize(stmt);
	return code;
}

int
settings_number(struct settings *s, const char *name, int64_t *value)
{
	char *text;
	int code = settings_text(s, name, &text);

	*value = 0;
	if (code == 0 && text != NULL && num_parse(text, strlen(text), value) == -1) {
		msg_warn("%s: setting %s: %s is no number", settings_path(s), name, text);
		code = EX_CONFIG;
	}
	free(text);
	return code;
}

static int
wrong(const char *what, const char *text, const char *want)
{
	msg_warn("%s %s: %s", what, text, want);
	return EX_USAGE;
}

static char *
number_text(int64_t v)
{
	char text[NUM_SIZE];

	num_format(v, text);
	return xstrdup(text);
}

static int
parse_flag(const char *text)
{
	static const char *const words[] = {"0", "1", "no", "yes", "false", "true", "off", "on"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], text) == 0)
			return (int)(i & 1);
	return -1;
}

int
settings_parse(const struct settings_field *f, const char *what, const char *text, char **value)
{
	const char *p = text;
	int64_t v;
	uint64_t count;
	int flag;

	*value = NULL;
	if (*text == '\0')
		return wrong(what, "\"\"", "it is empty; unset takes a value away");
	for (; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 || *p == 0x7f) &&
		    (f->form != SETTINGS_LIST || *p != '\n'))
			return wrong(what, f->form == SETTINGS_SECRET ? "" : text,
			    "there is a control character in it");
	switch (f->form) {
	case SETTINGS_TEXT:
	case SETTINGS_LIST:
	case SETTINGS_SECRET:
		break;
	case SETTINGS_MAILS:
		if (strchr(text, '@') == NULL)
			return wrong(what, text, "an address such as praic@example.com");
		break;
	case SETTINGS_FLAG:
		if ((flag = parse_flag(text)) == -1)
			return wrong(what, text, "yes or no");
		*value = number_text(flag);
		return 0;
	case SETTINGS_COUNT:
		if (num_parse_count(text, strlen(text), MAX_COUNT, &count) == -1)
			return wrong(what, text, "a number, 0 to 1000000");
		*value = number_text((int64_t)count);
		return 0;
	case SETTINGS_SPAN:
		if (when_parse_span(text, &v) == -1)
			return wrong(what, text, "a time such as 90s, 15m, 12h or 7d");
		*value = number_text(v);
		return 0;
	case SETTINGS_SIZE:
		if (num_parse_size(text, &v) == -1)
			return wrong(what, text, "a size such as 500M or 20G");
		*value = number_text(v);
		return 0;
	case SETTINGS_PATH:
		if (*text != '/')
			return wrong(what, text,
			    "give the whole path: the scheduler has a "
			    "working directory of its own");
		break;
	case SETTINGS_TLS:
		if (strcmp(text, "none") != 0 && strcmp(text, "starttls") != 0 &&
		    strcmp(text, "tls") != 0)
			return wrong(what, text, "none, starttls or tls");
		break;
	}
	*value = xstrdup(text);
	return 0;
}

/* The scheduler's lock file; -1 and *code, 0 where there is no spool yet. */
static int
open_lock(struct settings *s, int flags, int *code)
{
	char *spool, *path;
	int fd = -1;

	*code = settings_text(s, "spool", &spool);
	if (*code != 0)
		return -1;
	if (spool == NULL) {
		msg_warn("%s: the setting spool is missing", settings_path(s));
		*code = EX_CONFIG;
		return -1;
	}
	path = xasprintf("%s/" SETTINGS_LOCK, spool);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1 && (errno != ENOENT || (flags & O_CREAT) != 0)) {
		msg_errno("%s", path);
		*code = EX_CANTCREAT;
	}
	free(path);
	free(spool);
	return fd;
}

int
settings_lock(struct settings *s, int *code)
{
	int fd = open_lock(s, O_RDWR | O_CREAT, code);

	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno != EWOULDBLOCK) {
		msg_errno("%s in the spool", SETTINGS_LOCK);
		*code = EX_IOERR;
	}
	close(fd);
	return -1;
}

int
settings_locked(struct settings *s)
{
	int code, locked, fd = open_lock(s, O_RDONLY, &code);

	if (fd == -1)
		return 0;
	locked = flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}
