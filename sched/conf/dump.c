/*
 * praic-conf dump and load: the settings as text, without secrets; and help
 * and complete, which tell of the fields.  The text is a block for each thing:
 *
 *	destination fs files
 *		directory=/srv/praic/files
 *		retain=14
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "show.h"
#include "conf.h"

#define MAX_DUMP (16 << 20)

static void
add_value(struct buf *out, const struct settings_field *f, const char *value)
{
	size_t n;
	int at;

	switch (f->form) {
	case SETTINGS_SECRET:
		if (strncmp(value, SETTINGS_PLAIN, strlen(SETTINGS_PLAIN)) == 0)
			value = "-"; /* it is asked for */
		break;
	case SETTINGS_CLOCK:
		at = atoi(value);
		buf_printf(out, "\t%s=%02d:%02d\n", f->name, at / 60, at % 60);
		return;
	default:
		break;
	}
	for (; *value != '\0'; value += n + (value[n] == '\n')) {
		n = strcspn(value, "\n");
		buf_printf(out, "\t%s=%.*s\n", f->name, (int)n, value);
	}
}

static int
dump_thing(struct conf *c, const struct thing *t, struct buf *out)
{
	sqlite3_stmt *stmt = row_select(c, t, "");
	const struct settings_field *f;
	struct row r;
	int rc, code = 0;

	if (stmt == NULL)
		return EX_SOFTWARE;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		row_read(t, stmt, &r);
		buf_adds(out, t->name);
		if (r.kind != 0)
			buf_printf(out, " %s", settings_kind_name(r.kind));
		/* The number of a transfer is another one elsewhere. */
		if (*r.name != '\0' && t->fields != settings_transfer_fields)
			buf_printf(out, " %s", r.name);
		buf_addc(out, '\n');
		for (f = t->fields; f->name != NULL; f++)
			if (row_value(&r, f->name) != NULL)
				add_value(out, f, row_value(&r, f->name));
		row_free(&r);
	}
	if (rc != SQLITE_DONE)
		code = settings_failed(c->s, "reading it");
	sqlite3_finalize(stmt);
	return code;
}

int
conf_dump(struct conf *c, int argc, char **argv)
{
	struct buf out = {0};
	const struct thing *t;
	int code = 0;

	(void)argc;
	(void)argv;
	for (t = things; t->fields != NULL && code == 0; t++)
		code = dump_thing(c, t, &out);
	if (code == 0)
		code = show_out(&out);
	buf_free(&out);
	return code;
}

/* A block of the text: its first line, and its fields as operands. */
struct block {
	char *head, *field[64];
	int fields;
};

/* The transfer of this schedule, site and destination; NULL where there is none. */
static char *
find_transfer(struct conf *c, const struct block *b)
{
	static const char *const key[] = {"schedule", "site", "destination"};
	const char *value[3] = {"", "", ""};
	char *sql, *number;
	int i, k;

	for (i = 0; i < b->fields; i++)
		for (k = 0; k < 3; k++)
			if (strncmp(b->field[i], key[k], strlen(key[k])) == 0 &&
			    b->field[i][strlen(key[k])] == '=')
				value[k] = b->field[i] + strlen(key[k]) + 1;
	sql = sqlite3_mprintf(
	    "SELECT t.id FROM transfer t JOIN schedule c ON c.id = schedule_id JOIN "
	    "site s ON s.id = site_id JOIN destination d ON d.id = destination_id "
	    "WHERE c.name = %Q AND s.name = %Q AND d.name = %Q",
	    value[0], value[1], value[2]);
	number = conf_text(c, sql, 0);
	sqlite3_free(sql);
	return number;
}

/* Where it is there, a secret that is not in the text stays as it is. */
static void
keep_secrets(struct block *b)
{
	int i, n = 0;

	for (i = 0; i < b->fields; i++) {
		size_t length = strlen(b->field[i]);

		if (length > 2 && strcmp(b->field[i] + length - 2, "=-") == 0)
			continue;
		b->field[n++] = b->field[i];
	}
	b->fields = n;
}

static int
load_block(struct conf *c, struct block *b)
{
	char *name = strchr(b->head, ' '), *kind = NULL, *there, *sql, *operand[66];
	int code, i, n = 0;

	if (name != NULL)
		*name++ = '\0';
	c->thing = thing_find(b->head);
	if (c->thing == NULL || c->thing->fields == NULL) {
		msg_warn("%s: a block begins with site, destination, schedule, transfer or setting",
		    b->head);
		return EX_USAGE;
	}
	if (c->thing->fields == settings_fields) {
		keep_secrets(b);
		return b->fields > 0 ? edit_set(c, b->fields, b->field) : 0;
	}
	if (c->thing->fields == settings_destination_fields && name != NULL) {
		kind = name;
		if ((name = strchr(kind, ' ')) != NULL)
			*name++ = '\0';
	}
	if (c->thing->fields == settings_transfer_fields)
		there = find_transfer(c, b);
	else {
		sql = sqlite3_mprintf("SELECT name FROM %s WHERE name = %Q", c->thing->name, name);
		there = conf_text(c, sql, 0);
		sqlite3_free(sql);
	}
	if (there != NULL)
		keep_secrets(b);
	if (there != NULL || c->thing->fields != settings_transfer_fields)
		operand[n++] = there != NULL ? there : name != NULL ? name : "";
	if (kind != NULL && there == NULL)
		operand[n++] = kind;
	for (i = 0; i < b->fields; i++)
		operand[n++] = b->field[i];
	if (there == NULL)
		code = edit_add_fields(c, n, operand);
	else
		code = n > 1 ? edit_set(c, n, operand) : 0;
	free(there);
	return code;
}

static int
read_text(const char *name, struct buf *text)
{
	int standard = strcmp(name, "-") == 0, fd = standard ? 0 : open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	do {
		buf_reserve(text, 65536);
		if (fd != -1 && (n = file_read(fd, text->p + text->n, 65536)) > 0)
			text->n += (size_t)n;
	} while (n > 0 && text->n < MAX_DUMP);
	if (n == -1)
		msg_errno("%s", standard ? "standard input" : name);
	if (fd > 0)
		close(fd);
	return n == -1 ? EX_NOINPUT : 0;
}

int
conf_load(struct conf *c, int argc, char **argv)
{
	struct buf text = {0};
	struct block b = {0};
	char *line, *rest;
	int code = read_text(argc > 0 ? argv[0] : "-", &text);

	if (code == 0)
		code = conf_begin(c);
	c->nested = 1;
	buf_text(&text);
	rest = text.n > 0 ? text.p : NULL;
	while (code == 0 && (line = strsep(&rest, "\n")) != NULL) {
		char *p = line + strspn(line, " \t");

		if (*p == '\0' || *p == '#')
			continue;
		if (p == line) {
			if (b.head != NULL)
				code = load_block(c, &b);
			memset(&b, 0, sizeof(b));
			b.head = line;
		} else if (b.head == NULL || b.fields == 64) {
			msg_warn("%s: a field without a block, or too many", p);
			code = EX_USAGE;
		} else
			b.field[b.fields++] = p;
	}
	if (code == 0 && b.head != NULL)
		code = load_block(c, &b);
	c->nested = 0;
	code = conf_end(c, code);
	if (code == 0)
		spool_tidy(c);
	else
		msg_warn("nothing was changed");
	buf_free(&text);
	return code;
}

int
conf_help(struct conf *c, int argc, char **argv)
{
	const struct thing *t = thing_find(argv[0]);
	const struct settings_field *f;
	struct show *s;

	(void)argc;
	if (t == NULL || t->fields == NULL) {
		msg_warn("help %s: site, destination, schedule, transfer or setting", argv[0]);
		return EX_USAGE;
	}
	s = show_new();
	for (f = t->fields; f->name != NULL; f++) {
		show_cell(s, "field", SETTINGS_TEXT, f->name);
		if (f->kinds != 0)
			show_cell(s, "kind", SETTINGS_TEXT, settings_kind_name(f->kinds));
		if (t->fields == settings_fields)
			show_cell(s, "default", f->form, f->fallback);
		show_cell(s, "meaning", SETTINGS_TEXT, f->help);
		show_end(s);
	}
	return show_print(c, s, SHOW_TABLE, NULL);
}

static void
offer_query(struct conf *c, const char *sql)
{
	sqlite3_stmt *stmt = c->s != NULL ? settings_prepare(c->s, sql) : NULL;

	while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
		puts((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

/* Fields that are not given yet, with "=" where a value follows. */
static void
offer_fields(const struct thing *t, int kind, int argc, char **argv, const char *equals)
{
	const struct settings_field *f;
	int i;

	for (f = t->fields; f->name != NULL; f++) {
		size_t n = strlen(f->name);

		if (kind != 0 && (f->kinds & kind) == 0)
			continue;
		for (i = 0; i < argc; i++)
			if (strncmp(argv[i], f->name, n) == 0 &&
			    (argv[i][n] == '=' || argv[i][n] == '\0'))
				break;
		if (i == argc || f->form == SETTINGS_LIST)
			printf("%s%s\n", f->name, equals);
	}
}

static void
offer_words(const char *list, const char *separators)
{
	size_t n;

	for (; *list != '\0'; list += n + (list[n] != '\0')) {
		n = strcspn(list, separators);
		if (n > 0)
			printf("%.*s\n", (int)n, list);
	}
}

static void
offer_operands(struct conf *c, const struct thing *t, int argc, char **argv)
{
	static const char *const place[] = {"schedule", "site", "destination"};
	int transfer = t->fields == settings_transfer_fields, kind = 0, first = 2;
	char *sql;

	if (strcmp(argv[1], "add") == 0 && transfer && argc < 5) {
		sql = xasprintf("SELECT name FROM %s", place[argc - 2]);
		offer_query(c, sql);
		free(sql);
	} else if (strcmp(argv[1], "add") == 0 && transfer)
		offer_words(argc == 5 ? "session recording shell screen backup" : "since=", " ");
	else if (t->fields == settings_fields)
		offer_fields(t, 0, argc - 2, argv + 2, strcmp(argv[1], "set") == 0 ? "=" : "");
	else if (argc == 2 && strcmp(argv[1], "add") != 0 && strcmp(argv[1], "list") != 0) {
		sql = xasprintf("SELECT %s FROM %s", transfer ? "id" : "name", t->name);
		offer_query(c, sql);
		free(sql);
	} else if (t->fields == settings_destination_fields && strcmp(argv[1], "add") == 0 &&
	    argc == 3)
		offer_words("sql fs exec", " ");
	else if (argc > 2 && (strcmp(argv[1], "add") == 0 || strcmp(argv[1], "set") == 0)) {
		if (t->fields == settings_destination_fields && strcmp(argv[1], "add") == 0) {
			kind = settings_kind(argv[3]);
			first = 4;
		} else if (t->fields == settings_destination_fields && c->s != NULL)
			kind = settings_destination_kind(c->s, argv[2]);
		offer_fields(t, kind, argc - first, argv + first, "=");
	}
}

/* What may follow these words: one a line, for the shells' completion. */
int
conf_complete(struct conf *c, int argc, char **argv)
{
	const struct thing *t;
	const struct verb *v;

	if (argc == 0) {
		for (v = alone; v->name != NULL; v++)
			puts(v->name);
		for (t = things; t->name != NULL; t++)
			puts(t->name);
	} else if ((t = thing_find(argv[0])) != NULL && argc == 1) {
		for (v = t->verbs; v->name != NULL; v++)
			puts(v->name);
	} else if (t != NULL)
		offer_operands(c, t, argc, argv);
	else if (argc == 1 && strcmp(argv[0], "log") == 0)
		offer_words("client scheduler", " ");
	else if (argc == 1 && strcmp(argv[0], "help") == 0)
		for (t = things; t->fields != NULL; t++)
			puts(t->name);
	else if (argc == 1 && (strcmp(argv[0], "retry") == 0 || strcmp(argv[0], "runs") == 0))
		offer_query(c, "SELECT name FROM job_view");
	return 0;
}
