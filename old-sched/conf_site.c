/*
 * praic-conf site: the guide's "Configure the BeyondTrust Site".  What a
 * field may hold is praic-fetch's to say, and so it is asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "code.h"
#include "conf_object.h"
#include "conf_run.h"
#include "conf_show.h"
#include "host.h"
#include "msg.h"
#include "num.h"

/* HOST or HOST:PORT, its form being right: is it a port that there is? */
static int
is_port(const char *host)
{
	const char *colon = strrchr(host, ':');
	uint64_t port;

	if (colon == NULL || strchr(colon, ']') != NULL)
		return 1;
	return num_parse_count(colon + 1, strlen(colon + 1), 65535, &port) == 0 && port > 0;
}

/* A URL as it is copied from a browser: its host is meant, wherever it leads
 * to there. */
static int
tidy(struct object *o, const struct settings_field *f, char **value)
{
	char name[HOST_SIZE], *p = *value;

	if (strcmp(f->name, "host") != 0)
		return 0;
	if (strncasecmp(p, "http://", 7) == 0) {
		msg_warn("site %s: host %s: praic speaks TLS only: https", o->name, p);
		return EX_USAGE;
	}
	if (strncasecmp(p, "https://", 8) == 0) {
		p += 8;
		p[strcspn(p, "/?#")] = '\0';
		memmove(*value, p, strlen(p) + 1);
	} else if (strchr(p, '/') != NULL && strchr(p, '/')[1] == '\0')
		*strchr(p, '/') = '\0';
	if (host_normalise(*value, strlen(*value), name) == 0 && strstr(name, "..") == NULL &&
	    is_port(*value))
		return 0;
	msg_warn("site %s: host %s: a name or address, with :PORT if need be", o->name, *value);
	return EX_USAGE;
}

/* One text, or several, one a line; and a dry run looks no secret up. */
static void
add_values(struct run *r, const struct settings_field *f, const char *value)
{
	char *option = xasprintf("--%s", strcmp(f->name, "host-name") == 0 ? "name" : f->name);
	char *copy = xstrdup(f->form == SETTINGS_SECRET &&
		    strncmp(value, SETTINGS_PLAIN, strlen(SETTINGS_PLAIN)) == 0 ?
		"env:SECRET" :
		value);
	char *p, *rest = copy;

	while ((p = strsep(&rest, f->form == SETTINGS_LIST ? "\n" : "")) != NULL)
		if (*p != '\0')
			run_option(r, option, p);
	free(option);
	free(copy);
}

static int
check(const struct object *o)
{
	const struct settings_field *f;
	struct run r;

	run_start(&r, "praic-fetch");
	run_add(&r, "--dry-run");
	for (f = o->type->fields; f->name != NULL; f++)
		if (object_value(o, f->name) != NULL)
			add_values(&r, f, object_value(o, f->name));
	run_add(&r, "check");
	return run_end(&r, NULL, 0);
}

const struct object_type conf_site_type = {"site", settings_site_fields, tidy, check};

static int
add(struct conf *c, int argc, char **argv)
{
	return object_add(c, argv[0], 0, argc - 1, argv + 1);
}

static int
list(struct conf *c, int argc, char **argv)
{
	static const char *const head[] = {"name", "host", "client_id", "transfers", NULL};
	static const enum show_as as[] = {SHOW_TEXT, SHOW_TEXT, SHOW_TEXT, SHOW_INT};

	(void)argc;
	(void)argv;
	return show_query(c,
	    "SELECT name, host, client_id, (SELECT count(*) FROM transfer WHERE "
	    "site_id = site.id) FROM site ORDER BY name",
	    head, as);
}

static int
test(struct conf *c, int argc, char **argv)
{
	struct run r;
	int code;

	(void)argc;
	if (object_id(c, "site", argv[0], &code) == 0)
		return code;
	run_start(&r, "praic-fetch");
	run_option(&r, "-s", argv[0]);
	run_add(&r, "check");
	r.quiet = c->quiet;
	return run_end(&r, NULL, 0);
}

const struct conf_verb conf_site_verbs[] = {
    {"add", add, 1, -1, 1, "NAME host=HOST client-id=ID [secret=REFERENCE] [FIELD=VALUE ...]"},
    {"set", object_set, 2, -1, 1, "NAME FIELD=[VALUE] ..."}, {"show", object_show, 1, 1, 0, "NAME"},
    {"list", list, 0, 0, 0, ""}, {"rename", object_rename, 2, 2, 1, "NAME NEW-NAME"},
    {"remove", object_remove, 1, 1, 1, "NAME"}, {"test", test, 1, 1, 0, "NAME"}, {0}};
