/*
 * praic-conf check: everything that a run would need, tried now.  One line
 * for each, the worst code of all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf.h"
#include "conf_mail.h"
#include "conf_show.h"
#include "conf_spool.h"
#include "msg.h"

static int
line(struct show *s, const char *what, const char *name, int code)
{
	show_text(s, what);
	show_text(s, name);
	show_text(s, code == 0 ? "ok" : "failed");
	show_int(s, code);
	return code;
}

static const struct conf_verb *
verb(const struct conf_verb *v, const char *name)
{
	while (strcmp(v->name, name) != 0)
		v++;
	return v;
}

/* The names in a table, each by the test of its own. */
static int
each(struct conf *c, struct show *s, const char *table, const struct conf_verb *test)
{
	char *sql = xasprintf("SELECT name FROM %s ORDER BY name", table), **name = NULL;
	sqlite3_stmt *stmt = settings_prepare(c->s, sql);
	size_t names = 0, i;
	int rc, code = 0;

	free(sql);
	if (stmt == NULL)
		return EX_SOFTWARE;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		name = xrealloc(name, (names + 1) * sizeof(*name));
		name[names++] = xstrdup((const char *)sqlite3_column_text(stmt, 0));
	}
	if (rc != SQLITE_DONE)
		code = settings_failed(c->s, "reading it");
	/* Finalized before the tests: the filters open the database, too. */
	sqlite3_finalize(stmt);
	for (i = 0; i < names; i++) {
		code = code_worse(code, line(s, table, name[i], test->run(c, 1, &name[i])));
		free(name[i]);
	}
	free(name);
	return code;
}

static int
directory(struct conf *c, struct show *s, const char *setting)
{
	char *path;
	int code = settings_text(c->s, setting, &path);

	if (code != 0)
		return code;
	if (path == NULL || access(path, R_OK | W_OK | X_OK) == -1) {
		if (path == NULL)
			msg_warn("setting %s is missing", setting);
		else
			msg_errno("setting %s: %s", setting, path);
		code = EX_CONFIG;
	}
	if (path != NULL && strcmp(setting, "spool") == 0)
		code = code_worse(code, conf_spool_lost(c->s, path));
	free(path);
	return line(s, "setting", setting, code);
}

int
conf_check(struct conf *c, int argc, char **argv)
{
	static const char *const head[] = {"what", "name", "result", "code", NULL};
	struct show *s = show_new(head);
	int code;

	(void)argc;
	(void)argv;
	c->quiet = 1;
	code = directory(c, s, "spool");
	code = code_worse(code, directory(c, s, "log-directory"));
	code = code_worse(code, each(c, s, "site", verb(conf_site_verbs, "test")));
	code = code_worse(code, each(c, s, "destination", verb(conf_destination_verbs, "test")));
	if (conf_mail_wanted(c->s))
		code =
		    code_worse(code, line(s, "setting", "notify", conf_mail_send("praic", "", 1)));
	return code_worse(code, show_rows(s, c));
}
