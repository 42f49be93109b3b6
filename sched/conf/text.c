/*
 * praic-conf dump and load: the settings as text, without secrets; help and
 * complete, which list the fields.  The text has a block for each thing:
 *
 *	destination fs files
 *		directory=/srv/praic/files
 *		retain=14
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "conf.h"
#include "file.h"
#include "msg.h"

#define MAX_DUMP (16 << 20)

static void
add_value(struct buf *out, const struct settings_field *f, const char *value)
{
	size_t n;
	int at = atoi(value);

	if (f->form == SETTINGS_CLOCK) {
		buf_printf(out, "\t%s=%02d:%02d\n", f->name, at / 60, at % 60);
		return;
	}
	if (f->form == SETTINGS_SECRET &&
	    strncmp(value, SETTINGS_PLAIN, strlen(SETTINGS_PLAIN)) == 0)
		value = "-"; /* load asks for it */
	for (; *value != '\0'; value += n + (value[n] == '\n')) {
		n = strcspn(value, "\n");
		buf_printf(out, "\t%s=%.*s\n", f->name, (int)n, value);
	}
}

int
conf_dump(struct conf *c, int argc, char **argv)
{
	struct buf out = {0};
	const struct settings_field *f;
	const struct thing *t;
	sqlite3_stmt *stmt;
	struct row r;

	(void)argc;
	(void)argv;
	for (t = things; t->fields != NULL; t++) {
		stmt = row_select(c, t, "ORDER BY 2", NULL);
		while (db_row(c->db, stmt)) {
			row_read(t, stmt, &r);
			buf_adds(&out, t->name);
			if (r.kind != 0)
				buf_printf(&out, " %s", settings_kind_name(r.kind));
			/* The number of a transfer differs on another machine. */
			if (*r.name != '\0' && t->fields != settings_transfer_fields)
				buf_printf(&out, " %s", r.name);
			buf_addc(&out, '\n');
			for (f = t->fields; f->name != NULL; f++)
				if (row_value(&r, f->name) != NULL)
					add_value(&out, f, row_value(&r, f->name));
			row_free(&r);
		}
	}
	if (c->db->code == 0)
		fwrite(buf_text(&out), 1, out.n, stdout);
	buf_free(&out);
	return c->db->code;
}

/* A block of the text: its first line, and its fields as operands. */
struct block {
	char *head, *field[64];
	int fields;
};

/* The value that the block gives a field, or "". */
static const char *
value_of(const struct block *b, const char *field)
{
	size_t n = strlen(field);
	int i;

	for (i = 0; i < b->fields; i++)
		if (strncmp(b->field[i], field, n) == 0 && b->field[i][n] == '=')
			return b->field[i] + n + 1;
	return "";
}

/* A thing that exists keeps its secrets: the text does not hold them. */
static void
keep_secrets(struct block *b)
{
	int i, n = 0;

	for (i = 0; i < b->fields; i++) {
		size_t length = strlen(b->field[i]);

		if (length < 3 || strcmp(b->field[i] + length - 2, "=-") != 0)
			b->field[n++] = b->field[i];
	}
	b->fields = n;
}

/* Changes a thing that exists, by its name; adds another one. */
static int
load_block(struct conf *c, struct block *b)
{
	char *name = strchr(b->head, ' '), *kind = NULL, *there = NULL, *sql, *operand[66];
	const struct settings_field *fields;
	int code = 0, i, n = 0;

	if (name != NULL)
		*name++ = '\0';
	c->thing = thing_find(b->head);
	fields = c->thing != NULL ? c->thing->fields : NULL;
	if (fields == NULL) {
		msg_warn("%s: a block begins with site, destination, schedule, transfer or setting",
		    b->head);
		return EX_USAGE;
	}
	if (fields == settings_destination_fields && name != NULL) {
		kind = name;
		if ((name = strchr(kind, ' ')) != NULL)
			*name++ = '\0';
	}
	if (fields == settings_transfer_fields)
		there = db_text(c->db,
		    "SELECT t.id FROM transfer t JOIN schedule c ON c.id = schedule_id JOIN "
		    "site s ON s.id = site_id JOIN destination d ON d.id = destination_id "
		    "WHERE c.name = ?1 AND s.name = ?2 AND d.name = ?3",
		    "ttt", value_of(b, "schedule"), value_of(b, "site"),
		    value_of(b, "destination"));
	else if (fields != settings_fields) {
		sql = xasprintf("SELECT name FROM %s WHERE name = ?1", c->thing->name);
		there = db_text(c->db, sql, "t", name);
		free(sql);
	}
	if (there != NULL || fields == settings_fields)
		keep_secrets(b);
	if (there != NULL)
		operand[n++] = there;
	else if (fields != settings_transfer_fields && fields != settings_fields) {
		operand[n++] = name != NULL ? name : "";
		if (kind != NULL)
			operand[n++] = kind;
	}
	for (i = 0; i < b->fields; i++)
		operand[n++] = b->field[i];
	if (there == NULL && fields != settings_fields)
		code = row_add_fields(c, n, operand);
	else if (b->fields > 0)
		code = row_set(c, n, operand);
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
	char *line, *rest, *p;
	int code = read_text(argc > 0 ? argv[0] : "-", &text);

	if (code == 0)
		conf_begin(c);
	c->nested = 1;
	buf_text(&text);
	rest = text.p;
	while (code == 0 && (line = strsep(&rest, "\n")) != NULL) {
		p = line + strspn(line, " \t");
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
	if (code != 0)
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
	s = show_new(c);
	for (f = t->fields; f->name != NULL; f++) {
		show_cell(s, "field", SETTINGS_TEXT, f->name);
		if (f->kinds != 0)
			show_cell(s, "kind", SETTINGS_TEXT, settings_kind_name(f->kinds));
		if (t->fields == settings_fields)
			show_cell(s, "default", f->form, f->fallback);
		show_cell(s, "meaning", SETTINGS_TEXT, f->help);
		show_end(s);
	}
	show_print(s, SHOW_TABLE, NULL);
	return 0;
}

/*
 * Completion.
 */

static void
offer_query(struct conf *c, const char *fmt, const char *table)
{
	char *sql = xasprintf("SELECT %s FROM %s", fmt, table);
	sqlite3_stmt *stmt = c->db != NULL ? db_ask(c->db, sql, "") : NULL;

	while (stmt != NULL && db_row(c->db, stmt))
		puts(db_string(stmt, 0));
	free(sql);
}

/* Offer fields that are not given yet, with "=" if a value follows. */
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

/* argv[0] is the thing, argv[1] the verb, argv[2] the first operand. */
static void
offer_operands(struct conf *c, const struct thing *t, int argc, char **argv)
{
	int transfer = t->fields == settings_transfer_fields, add = strcmp(argv[1], "add") == 0;
	int destination = t->fields == settings_destination_fields, kind = 0, first = 3;
	char *is;

	if (transfer && add && argc < 5)
		offer_query(c, "name", settings_transfer_fields[argc - 2].name);
	else if (transfer && add)
		puts(argc == 5 ? "session\nrecording\nshell\nscreen\nbackup" : "since=");
	else if (t->fields == settings_fields)
		offer_fields(t, 0, argc - 2, argv + 2, strcmp(argv[1], "set") == 0 ? "=" : "");
	else if (argc == 2 && !add && strcmp(argv[1], "list") != 0)
		offer_query(c, transfer ? "id" : "name", t->name);
	else if (destination && add && argc == 3)
		puts("sql\nfs\nexec");
	else if (argc > 2 && (add || strcmp(argv[1], "set") == 0)) {
		if (destination && add) {
			kind = settings_kind(argv[3]);
			first = 4;
		} else if (destination && c->db != NULL) {
			is = db_text(
			    c->db, "SELECT kind FROM destination WHERE name = ?1", "t", argv[2]);
			kind = is != NULL ? settings_kind(is) : 0;
			free(is);
		}
		offer_fields(t, kind, argc - first, argv + first, "=");
	}
}

/* Print the words that may follow, one a line, for the completion of shells. */
int
conf_complete(struct conf *c, int argc, char **argv)
{
	const struct thing *t = argc > 0 ? thing_find(argv[0]) : things;
	const struct verb *v;

	if (argc > 1 && t != NULL)
		offer_operands(c, t, argc, argv);
	else if (t != NULL) {
		for (v = argc == 0 ? alone : t->verbs; v->name != NULL; v++)
			puts(v->name);
		for (; argc == 0 && t->name != NULL; t++)
			puts(t->name);
	} else if (argc == 1 && strcmp(argv[0], "log") == 0)
		puts("client\nscheduler");
	else if (argc == 1 && strcmp(argv[0], "help") == 0)
		for (t = things; t->fields != NULL; t++)
			puts(t->name);
	else if (argc == 1 && (strcmp(argv[0], "retry") == 0 || strcmp(argv[0], "runs") == 0))
		offer_query(c, "name", "job_view");
	return 0;
}
