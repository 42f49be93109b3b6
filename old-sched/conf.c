/*
 * praic-conf: what the settings database holds, edited and shown;
 * praic-conf(1).  Here is the command line; what can be edited or shown has
 * a file of its own.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "conf.h"
#include "conf_init.h"
#include "conf_log.h"
#include "file.h"
#include "msg.h"
#include "sched_path.h"
#include "secret.h"

static const struct conf_verb alone[] = {{"status", conf_status, 0, 0, 0, ""},
    {"log", conf_log, 0, 1, 0, "[client|scheduler]"}, {"check", conf_check, 0, 0, 0, ""},
    {"metrics", conf_metrics, 0, 1, 0, "[FILE]"}, {0}};

static const struct {
	const char *name;
	const struct conf_verb *verb;
	const struct object_type *type;
} things[] = {
    {"site", conf_site_verbs, &conf_site_type},
    {"destination", conf_destination_verbs, &conf_destination_type},
    {"schedule", conf_schedule_verbs, &conf_schedule_type},
    {"transfer", conf_transfer_verbs, NULL},
    {"setting", conf_setting_verbs, NULL},
    {"notify", conf_notify_verbs, NULL},
};

#define THINGS (sizeof(things) / sizeof(things[0]))

static void
list_verbs(FILE *fp, const char *thing, const struct conf_verb *v)
{
	for (; v->name != NULL; v++)
		fprintf(fp, "       praic-conf %s%s%s%s%s\n", thing, *thing != '\0' ? " " : "",
		    v->name, *v->usage != '\0' ? " " : "", v->usage);
}

static void __attribute__((noreturn)) usage(int code)
{
	FILE *fp = code == 0 ? stdout : stderr;
	size_t i;

	fputs("usage: praic-conf init\n", fp);
	list_verbs(fp, "", alone);
	for (i = 0; i < THINGS; i++)
		list_verbs(fp, things[i].name, things[i].verb);
	fputs("--json shows as JSON; -v, --verbose tells each step (also: --help, --version).\n"
	      "A secret is given as file:PATH, env:NAME or credential:NAME, or as -: it is asked\n"
	      "for, or read from standard input.\n",
	    fp);
	exit(code == 0 && fflush(stdout) == EOF ? EX_IOERR : code);
}

/* Only those of one thing, after a slip of the pen. */
static void __attribute__((noreturn)) usage_of(const char *thing, const struct conf_verb *v)
{
	fputs("usage:\n", stderr);
	list_verbs(stderr, thing, v);
	exit(EX_USAGE);
}

static const struct conf_verb *
find_verb(const struct conf_verb *v, const char *name)
{
	for (; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* The verb, and how many words it took; c learns what is edited. */
static const struct conf_verb *
find(struct conf *c, int argc, char **argv, int *words)
{
	const struct conf_verb *v = find_verb(alone, argv[0]);
	size_t i;

	*words = 1;
	if (v != NULL && (argc - 1 < v->least || argc - 1 > v->most))
		usage(EX_USAGE);
	if (v != NULL)
		return v;
	*words = 2;
	for (i = 0; i < THINGS; i++)
		if (strcmp(things[i].name, argv[0]) == 0)
			break;
	if (i == THINGS)
		usage(EX_USAGE);
	c->type = things[i].type;
	v = argc > 1 ? find_verb(things[i].verb, argv[1]) : NULL;
	if (v == NULL || argc - 2 < v->least || (v->most != -1 && argc - 2 > v->most))
		usage_of(things[i].name, things[i].verb);
	return v;
}

/* Last Program Run.  That it cannot be noted is no reason to show nothing. */
static void
note_run(struct settings *s)
{
	sqlite3_stmt *stmt = settings_prepare(s,
	    "INSERT INTO program (name, last_run) "
	    "VALUES ('praic-conf', ?1) ON CONFLICT (name) DO UPDATE SET last_run = ?1");

	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 1, (int64_t)time(NULL));
	(void)settings_run(s, stmt, "noting this run");
}

static int
run(struct conf *c, int argc, char **argv)
{
	int words, code;
	const struct conf_verb *v = find(c, argc, argv, &words);

	c->s = settings_open(NULL, SETTINGS_OPEN, &code);
	if (c->s == NULL)
		return code;
	code = v->run(c, argc - words, argv + words);
	if (code == 0 && v->changes) {
		note_run(c->s);
		code = conf_log_note(c->s, argc, argv);
	}
	settings_close(c->s);
	return code;
}

int
main(int argc, char **argv)
{
	enum { JSON = 256 };
	static const struct option options[] = {{"json", no_argument, NULL, JSON},
	    {"verbose", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	struct conf conf = {0};
	int c, code;

	file_std_fds();
	msg_start(argv[0]);
	secret_guard();
	path_extend();
	signal(SIGPIPE, SIG_IGN);
	while ((c = getopt_long(argc, argv, "vhV", options, NULL)) != -1)
		switch (c) {
		case JSON:
			conf.json = 1;
			break;
		case 'v':
			msg_level++;
			break;
		case 'V':
			puts("praic-conf " PRAIC_VERSION);
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		case 'h':
			usage(0);
		default:
			usage(EX_USAGE);
		}
	if (optind == argc)
		usage(EX_USAGE);
	if (strcmp(argv[optind], "init") == 0 && optind + 1 == argc)
		code = conf_init();
	else
		code = run(&conf, argc - optind, argv + optind);
	if (fclose(stdout) == EOF) {
		msg_errno("standard output");
		code = code_worse(code, EX_IOERR);
	}
	return code;
}
