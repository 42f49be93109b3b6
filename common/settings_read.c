/*
 * Reads the settings database: fields as options, settings as texts or numbers,
 * secrets as references.  See settings.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"
#include "when.h"

#define MAX_COUNT 1000000

/* Values stay valid until the program ends, as the arguments of options do. */
static const char *
keep(const char *p, size_t n)
{
	static char **kept;
	static size_t kept_n;

	kept = xrealloc(kept, (kept_n + 1) * sizeof(*kept));
	return kept[kept_n++] = xstrndup(p, n);
}

/* A stored secret as a reference; a plain secret is held in memory. */
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

/* Give all fields of a row. */
static int
give_row(
    sqlite3_stmt *row, const struct settings_field *fields, int kind, settings_set *set, void *arg)
{
	const struct settings_field *f;
	int i, code = 0;
	char *option, *p;

	for (i = 0; code == 0 && i < sqlite3_column_count(row); i++) {
		option = xstrdup(sqlite3_column_name(row, i));
		for (p = option; *p != '\0'; p++)
			if (*p == '_')
				*p = '-';
		f = settings_field(fields, option);
		free(option);
		if (f != NULL && (kind == 0 || (f->kinds & kind) != 0) &&
		    sqlite3_column_type(row, i) != SQLITE_NULL)
			code = give(f, db_string(row, i), set, arg);
	}
	return code;
}

/* Read the row of this name; kind: that of a destination, or 0. */
static int
load(const char *table, const struct settings_field *fields, const char *name, int kind,
    settings_set *set, void *arg)
{
	int code, is, found = 0;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);
	sqlite3_stmt *row;
	char *sql;

	if (s == NULL)
		return code;
	sql = xasprintf("SELECT %s, * FROM %s WHERE name = ?1", kind != 0 ? "kind" : "NULL", table);
	row = db_ask(s, sql, "t", name);
	while (db_row(s, row)) {
		found = 1;
		is = kind != 0 ? settings_kind(db_string(row, 0)) : 0;
		if (is == kind)
			code = give_row(row, fields, kind, set, arg);
		else {
			msg_warn("%s: destination \"%s\" is of the kind %s, not %s", s->path, name,
			    settings_kind_name(is), settings_kind_name(kind));
			code = EX_CONFIG;
		}
	}
	if (s->code != 0)
		code = s->code;
	else if (!found) {
		msg_warn("%s: there is no %s \"%s\"; praic-conf %s list shows them", s->path, table,
		    name, table);
		code = EX_CONFIG;
	}
	free(sql);
	settings_close(s);
	return code;
}

int
settings_load_site(const char *name, settings_set *set, void *arg)
{
	return load("site", settings_site_fields, name, 0, set, arg);
}

int
settings_load_destination(const char *name, int kind, settings_set *set, void *arg)
{
	return load("destination", settings_destination_fields, name, kind, set, arg);
}

char *
settings_text(struct settings *s, const char *name)
{
	const struct settings_field *f = settings_field(settings_fields, name);
	char *text = db_text(s, "SELECT value FROM setting WHERE name = ?1", "t", name);
	char *stored = text;

	if (text != NULL && f->form == SETTINGS_SECRET) {
		text = xstrdup(reference(stored));
		free(stored);
	}
	return text == NULL && s->code == 0 && f->fallback != NULL ? xstrdup(f->fallback) : text;
}

int64_t
settings_number(struct settings *s, const char *name)
{
	char *text = settings_text(s, name);
	int64_t n = 0;

	if (text != NULL && num_parse(text, strlen(text), &n) == -1) {
		msg_warn("%s: setting %s: %s is no number", s->path, name, text);
		s->code = EX_CONFIG;
	}
	free(text);
	return n;
}

char *
settings_needed(struct settings *s, const char *name)
{
	char *text = settings_text(s, name);

	if (text == NULL && s->code == 0) {
		msg_warn("%s: the setting %s is missing", s->path, name);
		s->code = EX_CONFIG;
	}
	return text;
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

/* Is the word one of a list? */
static int
is_among(const char *list, char separator, const char *word, size_t n)
{
	const char by[] = {separator, '\0'};
	size_t length;

	for (; *list != '\0'; list += length + (list[length] == separator)) {
		length = strcspn(list, by);
		if (length == n && memcmp(list, word, n) == 0)
			return 1;
	}
	return 0;
}

static int
parse_choice(const struct settings_field *f, const char *what, const char *text, char **value)
{
	if (!is_among(f->choices, '|', text, strlen(text))) {
		msg_warn("%s %s: one of %s", what, text, f->choices);
		return EX_USAGE;
	}
	*value = xstrdup(text);
	return 0;
}

/* Store each kind once, in the order of the choices. */
static int
parse_kinds(const struct settings_field *f, const char *what, const char *text, char **value)
{
	struct buf list = {0};
	const char *p;
	size_t n;

	for (p = text; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (!is_among(f->choices, '|', p, n)) {
			msg_warn("%s %s: %s, separated by commas", what, text, f->help);
			return EX_USAGE;
		}
	}
	for (p = f->choices; *p != '\0'; p += n + (p[n] == '|')) {
		n = strcspn(p, "|");
		if (is_among(text, ',', p, n))
			buf_printf(&list, "%s%.*s", list.n > 0 ? "," : "", (int)n, p);
	}
	*value = xstrdup(buf_text(&list));
	buf_free(&list);
	return 0;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

int
settings_is_address(const char *text, size_t n)
{
	char *address = xstrndup(text, n);
	size_t local = strspn(address, LETTERS "!#$%&'*+-/=?^_`{|}~."), host;
	const char *p = address + local + (address[local] == '@');

	host = strspn(p, LETTERS ".-");
	host = local > 0 && local <= 64 && *address != '-' && p == address + local + 1 &&
	    host > 0 && host < 190 && p[host] == '\0' && *p != '.' && *p != '-';
	free(address);
	return host != 0;
}

int
settings_mails(const char *list, int (*each)(const char *, size_t))
{
	const char *p = list, *end;
	int quoted, code;
	size_t n;

	for (;;) {
		p += strspn(p, " ");
		for (end = p, quoted = 0; *end != '\0' && (quoted || *end != ','); end++)
			quoted ^= *end == '"';
		for (n = (size_t)(end - p); n > 0 && p[n - 1] == ' '; n--)
			;
		if ((code = each(p, n)) != 0)
			return code;
		if (*end == '\0')
			return 0;
		p = end + 1;
	}
}

/* An address, with a name or without; 0, or -1. */
static int
check_mail(const char *p, size_t n)
{
	const char *open = n > 0 && p[n - 1] == '>' ? memrchr(p, '<', n) : NULL;

	return settings_is_address(
		   open != NULL ? open + 1 : p, open != NULL ? n - 2 - (size_t)(open - p) : n) ?
	    0 :
	    -1;
}

int
settings_parse(const struct settings_field *f, const char *what, const char *text, char **value)
{
	const char *p = text;
	int flag;

	*value = NULL;
	if (*text == '\0')
		return wrong(what, "\"\"", "it is empty; unset removes a value");
	for (; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 || *p == 0x7f) &&
		    (f->form != SETTINGS_LIST || *p != '\n'))
			return wrong(what, f->form == SETTINGS_SECRET ? "" : text,
			    "it has a control character");
	switch (f->form) {
	case SETTINGS_TEXT:
	case SETTINGS_LIST:
	case SETTINGS_SECRET:
		break;
	case SETTINGS_CHOICE:
		return parse_choice(f, what, text, value);
	case SETTINGS_KINDS:
		return parse_kinds(f, what, text, value);
	case SETTINGS_CLOCK:
		return parse_clock(what, text, value);
	case SETTINGS_COUNT:
	case SETTINGS_SPAN:
	case SETTINGS_SIZE:
		return parse_number(f, what, text, value);
	case SETTINGS_MAILS:
		if (settings_mails(text, check_mail) != 0)
			return wrong(what, text,
			    "an address such as praic@example.com or "
			    "\"Name\" <praic@example.com>; separate several by commas");
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

/* A query: the table, row and reference of each secret. */
static void
add_secrets(struct buf *sql)
{
	static const struct {
		const char *table;
		const struct settings_field *fields;
	} tables[] = {{"site", settings_site_fields}, {"destination", settings_destination_fields},
	    {"setting", settings_fields}};
	const struct settings_field *f;
	const char *p;
	size_t i;

	for (i = 0; i < 3; i++)
		for (f = tables[i].fields; f->name != NULL; f++) {
			if (f->form != SETTINGS_SECRET)
				continue;
			buf_printf(sql, "%sSELECT '%s' AS tab, name AS row, ",
			    sql->n > 0 ? " UNION ALL " : "", tables[i].table);
			for (p = i < 2 ? f->name : "value"; *p != '\0'; p++)
				buf_addc(sql, *p == '-' ? '_' : *p);
			buf_printf(sql, " AS ref FROM %s", tables[i].table);
			if (i == 2)
				buf_printf(sql, " WHERE name = '%s'", f->name);
		}
}

/* If two rows use one variable, the filters of both see it. */
char **
settings_hidden_env(struct settings *s, const char *table, const char *name)
{
	char **list = xcalloc(1, sizeof(*list)), *query;
	struct buf secrets = {0};
	sqlite3_stmt *row;
	size_t n = 0;

	add_secrets(&secrets);
	query = xasprintf("WITH secret AS (%s) SELECT substr(ref, 5) FROM secret"
			  " WHERE ref GLOB 'env:*' EXCEPT SELECT substr(ref, 5) FROM secret"
			  " WHERE tab = ?1 AND (tab = 'setting' OR row = ?2)",
	    buf_text(&secrets));
	row = db_ask(s, query, "tt", table, name);
	while (db_row(s, row)) {
		list = xrealloc(list, (n + 2) * sizeof(*list));
		list[n++] = db_copy(row, 0);
		list[n] = NULL;
	}
	free(query);
	buf_free(&secrets);
	return list;
}

/* Back-off of a failed job in seconds: an appliance that restarts is back in minutes;
 * one that is down for days is asked once an hour. */
#define WAIT "min(3600, max(60, 2 * ifnull(wait, 0)))"

void
settings_end_step(struct settings *s, const struct settings_step *e)
{
	db_do(s,
	    "UPDATE job SET runs = runs + 1, last_start = ?2, sessions = sessions + ?3,"
	    " rows = rows + ?4, files = files + ?5, bytes = bytes + ?6,"
	    " left_out = left_out + ?7 WHERE id = ?1",
	    "iiiiiii", e->job, e->started, e->sessions, e->rows, e->files, e->bytes, e->left_out);
	if (e->failed)
		db_do(s,
		    "UPDATE job SET failures = failures + 1, tries = tries + 1, code = ?2,"
		    " program = ?3, reason = ?4, since = ifnull(since, ?5), wait = " WAIT ","
		    " next = CASE WHEN next IS ?6 THEN ?5 + " WAIT " ELSE next END WHERE id = ?1",
		    "iittii", e->job, (int64_t)e->code, e->program, e->reason, e->now, e->next);
	db_do(s,
	    "INSERT INTO run (job_id, name, started, seconds, code, reason, sessions, rows,"
	    " files, bytes, left_out) SELECT id, name, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
	    " FROM job_view WHERE id = ?1",
	    "iiiitiiiii", e->job, e->started, e->now - e->started, (int64_t)e->code, e->reason,
	    e->sessions, e->rows, e->files, e->bytes, e->left_out);
}
