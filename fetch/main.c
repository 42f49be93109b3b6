/*
 * praic-fetch: reports, recordings and backups of a PRA appliance.  This file is
 * the command line; each verb has a file of its own.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "fetch.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"

static int set_field(struct options *, const char *name, const char *value);

static int
add_text(struct site_texts *texts, const char *option, const char *text)
{
	if (texts->n == SITE_TEXTS) {
		msg_warn("%s: more than %d", option, SITE_TEXTS);
		return EX_USAGE;
	}
	texts->text[texts->n++] = text;
	return 0;
}

static int
take_nothing(void *arg, const char *text)
{
	return add_text(&((struct options *)arg)->site.nothing, "--nothing", text);
}

static int
take_expired(void *arg, const char *text)
{
	return add_text(&((struct options *)arg)->site.expired, "--expired", text);
}

static int
take_lsids(void *arg, const char *list)
{
	struct options *o = arg;
	size_t n;

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == 0)
			continue;
		if (!site_is_lsid(list, n)) {
			msg_warn("--lsid %.*s: " SITE_LSID, (int)n, list);
			return EX_USAGE;
		}
		if (o->lsids == FETCH_LSIDS) {
			msg_warn("--lsid: more than %d", FETCH_LSIDS);
			return EX_USAGE;
		}
		o->lsid = xrealloc(o->lsid, (o->lsids + 1) * sizeof(*o->lsid));
		o->lsid[o->lsids++] = xstrndup(list, n);
	}
	return 0;
}

static int
take_jobs(void *arg, const char *text)
{
	uint64_t n;

	if (num_parse_count(text, strlen(text), DOWNLOAD_JOBS, &n) == -1 || n == 0) {
		msg_warn("-j %s: from 1 to %d", text, DOWNLOAD_JOBS);
		return EX_USAGE;
	}
	((struct options *)arg)->jobs = (int)n;
	return 0;
}

static int
set_from_settings(void *arg, const char *name, const char *value)
{
	int code = set_field(arg, strcmp(name, "host-name") == 0 ? "name" : name, value);

	if (code != -1)
		return code;
	msg_warn("the settings have %s, which this program does not know", name);
	return EX_CONFIG;
}

static int
take_site(void *arg, const char *name)
{
	return settings_load_site(name, set_from_settings, arg);
}

/* -o FIELD=VALUE */
static int
take_field(void *arg, const char *text)
{
	const char *equals = strchr(text, '=');
	char *name;
	int code = -1;

	if (equals != NULL) {
		name = xstrndup(text, (size_t)(equals - text));
		code = set_field(arg, name, equals + 1);
		free(name);
	}
	if (code == -1) {
		/* The text is not shown: it may be a secret. */
		msg_warn("-o: give FIELD=VALUE, with a FIELD that praic-fetch(1) names");
		code = EX_USAGE;
	}
	return code;
}

#define AT(field) offsetof(struct options, field)

/* Options that are fields of a site come first: see set_field. */
static const struct command_option option[] = {
    {0, "host", "HOST[:PORT]", "the appliance", AT(site.host), NULL},
    {0, "client-id", "ID", "the API account's OAuth client id", AT(site.client_id), NULL},
    {0, "secret", "REFERENCE", "its secret: file:PATH, env:NAME or credential:NAME",
	AT(site.secret_ref), NULL},
    {0, "name", "HOST", "what records call the site (default: --host)", AT(site.name_given), NULL},
    {0, "product", "pra|rs", "which product's names of reports (pra)", AT(site.product), NULL},
    {0, "ca-file", "FILE", "authorities, or its own certificate, to trust", AT(site.ca_file), NULL},
    {0, "proxy", "URL|none", "default: the environment's", AT(site.proxy), NULL},
    {0, "proxy-user", "REFERENCE", "to user:password", AT(site.proxy_user_ref), NULL},
    {0, "nothing", "TEXT", "one more text that means \"nothing found\"", 0, take_nothing},
    {0, "expired", "TEXT", "one more that means \"recording deleted\"", 0, take_expired},
    {0, "timeout", "SPAN", "to wait for an answer, and to go on after a failure (5m)",
	AT(site.timeout_given), NULL},
    {0, "rate", "N", "requests a second at most (20; 0: no limit)", AT(site.rate_given), NULL},
    {'o', "set", "FIELD=VALUE",
	"any field of a site: those above, pin, client-cert, client-key,\n"
	"client-key-password, backup-password",
	0, take_field},
    {'s', "site", "NAME", "a site of the settings database; options after it change it", 0,
	take_site},
    {0, "since", "TIME", "sessions: from this time on", AT(since), NULL},
    {0, "until", "TIME", "sessions: up to this time (now)", AT(until), NULL},
    {0, "lsid", "LSID[,LSID...]", "these sessions", 0, take_lsids},
    {'d', "spool", "DIR", "write there, under final names, what is whole", AT(spool), NULL},
    {'j', "jobs", "N", "downloads side by side (4)", 0, take_jobs},
    {0, "verify", NULL, "read what is in the spool, fetch what was changed", AT(verify), NULL},
    {0, "raw", NULL, "XML without mark lines", AT(raw), NULL},
    {0, "dry-run", NULL, "see whether the options of SITE are sound, do nothing", AT(dry_run),
	NULL},
    {0, NULL, NULL, NULL, 0, NULL},
};

/* Fields of a site that only -o sets. */
static const struct command_option field[] = {
    {0, "pin", "", "", AT(site.pin), NULL},
    {0, "client-cert", "", "", AT(site.cert), NULL},
    {0, "client-key", "", "", AT(site.key), NULL},
    {0, "client-key-password", "", "", AT(site.key_password_ref), NULL},
    {0, "backup-password", "", "", AT(site.backup_password_ref), NULL},
    {0, NULL, NULL, NULL, 0, NULL},
};

static const struct command fields = {NULL, NULL, field};
static const struct command command = {
    "praic-fetch SITE sessions --since T [--until T] [-d SPOOL] [--raw]\n"
    "       praic-fetch SITE sessions --lsid LSID[,LSID...] ... [-d SPOOL] [--raw]\n"
    "       praic-fetch SITE REPORT [-d SPOOL] [--raw] [name=value ...]\n"
    "       praic-fetch SITE recordings -d SPOOL [-j N] [--verify] [FILE ...]\n"
    "       praic-fetch SITE recording LSID | shell LSID N | screen LSID N >FILE\n"
    "       praic-fetch SITE backup -d SPOOL | >FILE\n"
    "       praic-fetch SITE check",
    "SITE is -s NAME, or --host, --client-id and --secret: see praic-fetch(1).", option};

/* A field of a site, by its name.  As command_set; -1: there is no such field. */
static int
set_field(struct options *o, const char *name, const char *value)
{
	const struct command_option *f;

	for (f = field; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return command_set(&fields, o, name, value);
	for (f = option; f->letter == 0; f++)
		if (strcmp(f->name, name) == 0)
			return command_set(&command, o, name, value);
	return -1;
}

static const struct verb {
	const char *name;
	int (*run)(struct options *);
} verbs[] = {
    {"sessions", sessions_run},
    {"recordings", recordings_run},
    {"recording", single_run},
    {"shell", single_run},
    {"screen", single_run},
    {"backup", backup_run},
    {"check", check_run},
    {NULL, report_run},
};

static int
run(struct options *o)
{
	const struct verb *v = verbs;
	int code = site_check(&o->site);

	if (code != 0 || o->dry_run)
		return code;
	if (strcmp(o->verb, "backup") != 0)
		o->site.backup_password_ref = NULL; /* nor is it read */
	code = site_secrets(&o->site);
	if (code == 0)
		code = call_open(&o->site);
	if (code != 0)
		return code;
	while (v->name != NULL && strcmp(v->name, o->verb) != 0)
		v++;
	return v->run(o);
}

int
main(int argc, char **argv)
{
	struct options o = {.jobs = 4};
	int code;
	size_t i;

	command_start(argv[0]);
	secret_guard(); /* the settings may have secrets, too */
	secret_take_env();
	unsetenv("SSLKEYLOGFILE");	     /* libcurl would write the keys of TLS there */
	json_set_alloc_funcs(xmalloc, free); /* half an object is none */
	code = command_options(&command, argc, argv, &o);
	if (code == 0 && optind == argc)
		command_usage(&command, NULL);
	if (code == 0) {
		o.verb = argv[optind];
		o.operand = argv + optind + 1;
		o.operands = argc - optind - 1;
		code = run(&o);
	}
	credentials_free(&o.site);
	call_close();
	site_free(&o.site);
	for (i = 0; i < o.lsids; i++)
		free(o.lsid[i]);
	free(o.lsid);
	return code;
}
