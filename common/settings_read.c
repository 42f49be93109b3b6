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

/* A number of the field's form, and within its limits. */
static int
parse_number(const struct settings_field *f, const char *what, const char *text, char **value)
{
	int64_t v = 0;
	uint64_t count = 0;

	if (f->form == SETTINGS_COUNT &&
	    num_parse_count(text, strlen(text), MAX_COUNT, &count) == -1)
		return wrong(what, text, "a number, 0 to 1000000");
	if (f->form == SETTINGS_SPAN && when_parse_span(text, &v) == -1)
		return wrong(what, text, "a time such as 90s, 15m, 12h or 7d");
	if (f->form == SETTINGS_SIZE && num_parse_size(text, &v) == -1)
		return wrong(what, text, "a size such as 500M or 20G");
	if (f->form == SETTINGS_COUNT)
		v = (int64_t)count;
	if (f->high > 0 && (v < f->low || v > f->high)) {
		msg_warn("%s %s: from %lld to %lld%s", what, text, (long long)f->low,
		    (long long)f->high, f->form == SETTINGS_SPAN ? " seconds" : "");
		return EX_USAGE;
	}
	*value = number_text(v);
	return 0;
}

static int
parse_clock(const char *what, const char *text, char **value)
{
	uint64_t hour, minute;

	if (strlen(text) != 5 || text[2] != ':' || num_parse_count(text, 2, 23, &hour) == -1 ||
	    num_parse_count(text + 3, 2, 59, &minute) == -1)
		return wrong(what, text, "a time of day such as 03:30");
	*value = number_text((int64_t)(hour * 60 + minute));
	return 0;
}

/* Each kind once, in the order of settings_data_name. */
static int
parse_kinds(const char *what, const char *text, char **value)
{
	unsigned kinds = 0;
	struct buf list = {0};
	const char *p = text;
	size_t n;
	int k;

	for (; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if ((k = (int)settings_data(p, n)) == SETTINGS_DATA)
			return wrong(what, text,
			    "session, recording, shell, screen, backup, parted by commas");
		kinds |= 1U << k;
	}
	for (k = 0; k < SETTINGS_DATA; k++)
		if ((kinds & 1U << k) != 0)
			buf_printf(&list, "%s%s", list.n > 0 ? "," : "", settings_data_name[k]);
	*value = xstrdup(buf_text(&list));
	buf_free(&list);
	return 0;
}

static int
parse_choice(const struct settings_field *f, const char *what, const char *text, char **value)
{
	const char *p = f->choices;
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == '|')) {
		n = strcspn(p, "|");
		if (strlen(text) == n && memcmp(p, text, n) == 0) {
			*value = xstrdup(text);
			return 0;
		}
	}
	msg_warn("%s %s: one of %s", what, text, f->choices);
	return EX_USAGE;
}

/* USER@HOST, with nothing in it that would end it in a header. */
static int
is_address(const char *p, size_t n)
{
	const char *at = memchr(p, '@', n);
	size_t i;

	for (i = 0; i < n; i++)
		if (strchr(" <>,;\"()", p[i]) != NULL)
			return 0;
	return at != NULL && at > p && at + 1 < p + n &&
	    memchr(at + 1, '@', n - (size_t)(at + 1 - p)) == NULL;
}

int
settings_mails(const char *list, settings_mail *each, void *arg)
{
	const char *p = list, *end, *open;
	size_t n;
	int quoted, code;

	for (;;) {
		p += strspn(p, " ");
		for (end = p, quoted = 0; *end != '\0' && (quoted || *end != ','); end++)
			quoted ^= *end == '"';
		for (n = (size_t)(end - p); n > 0 && p[n - 1] == ' '; n--)
			;
		open = n > 0 && p[n - 1] == '>' ? memrchr(p, '<', n) : NULL;
		if (quoted || (open == NULL && !is_address(p, n)) ||
		    (open != NULL && !is_address(open + 1, n - 2 - (size_t)(open - p))))
			return -1;
		if (each != NULL &&
		    (code = each(arg, p, n, open != NULL ? open + 1 : p,
			 open != NULL ? n - 2 - (size_t)(open - p) : n)) != 0)
			return code;
		if (*end == '\0')
			return 0;
		p = end + 1;
	}
}

int
settings_parse(const struct settings_field *f, const char *what, const char *text, char **value)
{
	const char *p = text;
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
	case SETTINGS_CHOICE:
		return parse_choice(f, what, text, value);
	case SETTINGS_KINDS:
		return parse_kinds(what, text, value);
	case SETTINGS_CLOCK:
		return parse_clock(what, text, value);
	case SETTINGS_COUNT:
	case SETTINGS_SPAN:
	case SETTINGS_SIZE:
		return parse_number(f, what, text, value);
	case SETTINGS_MAILS:
		if (settings_mails(text, NULL, NULL) != 0)
			return wrong(what, text,
			    "an address such as praic@example.com or "
			    "\"Name\" <praic@example.com>; several are parted by commas");
		break;
	case SETTINGS_FLAG:
		if ((flag = parse_flag(text)) == -1)
			return wrong(what, text, "yes or no");
		*value = number_text(flag);
		return 0;
	case SETTINGS_PATH:
	case SETTINGS_FILE:
		if (*text != '/')
			return wrong(what, text,
			    "give the whole path: the scheduler has a "
			    "working directory of its own");
		if (f->form == SETTINGS_FILE && access(text, R_OK) == -1) {
			msg_errno("%s %s", what, text);
			return EX_USAGE;
		}
		break;
	}
	*value = xstrdup(text);
	return 0;
}

/* Add the NAME of each env:NAME that a query finds. */
static int
add_env(struct settings *s, const char *sql, const char *name, char ***list, size_t *n)
{
	sqlite3_stmt *stmt = settings_prepare(s, sql);
	const char *text;
	int rc, code = 0;

	if (stmt == NULL)
		return EX_SOFTWARE;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		*list = xrealloc(*list, (*n + 2) * sizeof(**list));
		(*list)[(*n)++] = xstrdup(text + strlen("env:"));
		(*list)[*n] = NULL;
	}
	if (rc != SQLITE_DONE)
		code = settings_failed(s, "reading it");
	sqlite3_finalize(stmt);
	return code;
}

/* Add those of this site or destination (own), or of anything else. */
static int
add_envs(struct settings *s, int own, const char *table, const char *name, char ***list, size_t *n)
{
	static const struct {
		const char *table;
		const struct settings_field *fields;
	} tables[] = {{"site", settings_site_fields}, {"destination", settings_destination_fields},
	    {"setting", settings_fields}};
	char *sql, *column, *p;
	const struct settings_field *f;
	size_t i;
	int code = 0;

	for (i = 0; i < 3; i++)
		for (f = tables[i].fields; f->name != NULL && code == 0; f++) {
			int mine = strcmp(tables[i].table, table) == 0;

			if (f->form != SETTINGS_SECRET || (own ? !mine : mine && i == 2))
				continue;
			column = xstrdup(f->name);
			for (p = column; *p != '\0'; p++)
				if (*p == '-' && i < 2)
					*p = '_';
			sql = i == 2 ?
			    xasprintf("SELECT value FROM setting WHERE name = '%s' AND "
				      "value GLOB 'env:*' AND ?1 IS ?1",
				column) :
			    xasprintf("SELECT %s FROM %s WHERE %s GLOB 'env:*' AND %s ?1", column,
				tables[i].table, column,
				own	 ? "name =" :
				    mine ? "name <>" :
					   "?1 IS");
			code = add_env(s, sql, name, list, n);
			free(column);
			free(sql);
		}
	return code;
}

char **
settings_hidden_env(struct settings *s, const char *table, const char *name, int *code)
{
	char **list = xcalloc(1, sizeof(*list)), **own = NULL;
	size_t i, k, n = 0, owned = 0;

	*code = add_envs(s, 0, table, name, &list, &n);
	if (*code == 0)
		*code = add_envs(s, 1, table, name, &own, &owned);
	/* Two may use one variable: it is no secret between them. */
	for (i = 0; i < owned; i++)
		for (k = 0; k < n;)
			if (strcmp(list[k], own[i]) == 0) {
				free(list[k]);
				list[k] = list[--n];
				list[n] = NULL;
			} else
				k++;
	for (i = 0; i < owned; i++)
		free(own[i]);
	free(own);
	return list;
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
