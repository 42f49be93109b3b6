/* The verbs that are the same for everything that is edited; see conf.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "msg.h"
#include "show.h"
#include "conf.h"

/* All of it or nothing. */
static int
store(struct conf *c, struct row *r)
{
	const struct thing *t = c->thing;
	int code = t->check != NULL ? t->check(c, r) : 0;

	if (code == 0)
		code = conf_begin(c);
	if (code != 0)
		return code;
	code = t->write != NULL ? t->write(c, r) : row_write(c, r);
	if (code == 0 && t->written != NULL)
		code = t->written(c, r);
	return conf_end(c, code);
}

/* The operands before NAME=VALUE: a name; of a destination its kind; of a
 * transfer SCHEDULE SITE DESTINATION KIND[,KIND...]. */
int
edit_add(struct conf *c, int argc, char **argv)
{
	static const char *const place[] = {"schedule", "site", "destination", "kinds"};
	int transfer = c->thing->fields == settings_transfer_fields, code = 0, i, words = 1;
	struct row r = {.thing = c->thing};
	char **operand = xcalloc((size_t)argc, sizeof(*operand));

	for (i = 0; i < argc; i++)
		operand[i] =
		    transfer && i < 4 ? xasprintf("%s=%s", place[i], argv[i]) : xstrdup(argv[i]);
	r.name = xstrdup(transfer ? "" : argv[0]);
	if (transfer)
		words = 0;
	else
		code = row_name_free(c, c->thing, argv[0]);
	if (code == 0 && c->thing->fields == settings_destination_fields) {
		words = 2;
		if ((r.kind = settings_kind(argv[1])) == 0) {
			msg_warn(
			    "destination %s: %s: its kind is sql, fs or exec", argv[0], argv[1]);
			code = EX_USAGE;
		}
	}
	if (code == 0)
		code = row_set(&r, argc - words, operand + words);
	if (code == 0)
		code = store(c, &r);
	if (code == 0 && transfer && !c->nested && printf("%lld\n", (long long)r.id) < 0)
		code = EX_IOERR;
	for (i = 0; i < argc; i++)
		free(operand[i]);
	free(operand);
	row_free(&r);
	return code;
}

static int
change(struct conf *c, const char *name, int argc, char **argv)
{
	struct row r;
	int code = row_load(c, name, &r);

	if (code == 0)
		code = row_set(&r, argc, argv);
	if (code == 0)
		code = store(c, &r);
	row_free(&r);
	return code;
}

int
edit_set(struct conf *c, int argc, char **argv)
{
	if (c->thing->fields == settings_fields)
		return change(c, "", argc, argv);
	return change(c, argv[0], argc - 1, argv + 1);
}

int
edit_unset(struct conf *c, int argc, char **argv)
{
	char **operand = xcalloc((size_t)argc, sizeof(*operand));
	int i, code;

	for (i = 0; i < argc; i++)
		operand[i] = xasprintf("%s=", argv[i]);
	code = change(c, "", argc, operand);
	for (i = 0; i < argc; i++)
		free(operand[i]);
	free(operand);
	return code;
}

int
edit_enable(struct conf *c, int argc, char **argv)
{
	char *yes = "enabled=yes";

	(void)argc;
	return change(c, argv[0], 1, &yes);
}

int
edit_disable(struct conf *c, int argc, char **argv)
{
	char *no = "enabled=no";

	(void)argc;
	return change(c, argv[0], 1, &no);
}

int
edit_rename(struct conf *c, int argc, char **argv)
{
	char *sql;
	struct row r;
	int code = row_load(c, argv[0], &r);

	(void)argc;
	if (code == 0)
		code = row_name_free(c, c->thing, argv[1]);
	if (code == 0) {
		sql = xasprintf("UPDATE %s SET name = ?2 WHERE id = ?1", c->thing->name);
		code = conf_sql_text(c, sql, r.id, argv[1]);
		free(sql);
	}
	row_free(&r);
	return code;
}
int
edit_show(struct conf *c, int argc, char **argv)
{
	(void)c;
	(void)argc;
	(void)argv;
	return 0;
}
int
edit_list(struct conf *c, int argc, char **argv)
{
	(void)c;
	(void)argc;
	(void)argv;
	return 0;
}
int
edit_remove(struct conf *c, int argc, char **argv)
{
	(void)c;
	(void)argc;
	(void)argv;
	return 0;
}
