/*
 * praic-fetch: reports, recordings and backups of a PRA appliance.  What is
 * here is the command line; each verb is a file of its own.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "fetch.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"

enum {
	OPT_SITE = 256,
	OPT_HELP,
	OPT_VERSION,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_LSID,
	OPT_RAW,
	OPT_VERIFY,
	OPT_DRY_RUN
};

/* What is OPT_SITE goes to site_set by its name. */
static const struct option long_options[] = {
    {"host", required_argument, NULL, OPT_SITE},
    {"name", required_argument, NULL, OPT_SITE},
    {"client-id", required_argument, NULL, OPT_SITE},
    {"secret", required_argument, NULL, OPT_SITE},
    {"ca-file", required_argument, NULL, OPT_SITE},
    {"proxy", required_argument, NULL, OPT_SITE},
    {"proxy-user", required_argument, NULL, OPT_SITE},
    {"product", required_argument, NULL, OPT_SITE},
    {"nothing", required_argument, NULL, OPT_SITE},
    {"expired", required_argument, NULL, OPT_SITE},
    {"timeout", required_argument, NULL, OPT_SITE},
    {"rate", required_argument, NULL, OPT_SITE},
    {"set", required_argument, NULL, 'o'},
    {"site", required_argument, NULL, 's'},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"since", required_argument, NULL, OPT_SINCE},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"lsid", required_argument, NULL, OPT_LSID},
    {"raw", no_argument, NULL, OPT_RAW},
    {"spool", required_argument, NULL, 'd'},
    {"jobs", required_argument, NULL, 'j'},
    {"verify", no_argument, NULL, OPT_VERIFY},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: praic-fetch SITE sessions --since T [--until T] [-d SPOOL] [--raw]\n"
    "       praic-fetch SITE sessions --lsid LSID[,LSID...] ... [-d SPOOL] [--raw]\n"
    "       praic-fetch SITE REPORT [-d SPOOL] [--raw] [name=value ...]\n"
    "       praic-fetch SITE recordings -d SPOOL [-j N] [--verify] [FILE ...]\n"
    "       praic-fetch SITE recording LSID | shell LSID N | screen LSID N >FILE\n"
    "       praic-fetch SITE backup -d SPOOL | >FILE\n"
    "       praic-fetch SITE check\n"
    "\n"
    "SITE is -s, --site NAME, of the settings database; or, or to change it,\n"
    "--host HOST[:PORT] --client-id ID --secret REFERENCE, and:\n"
    "  --name HOST            what records call the site (default: --host)\n"
    "  --product pra|rs       which product's names of reports (pra)\n"
    "  --ca-file FILE         authorities, or its own certificate, to trust\n"
    "  --proxy URL|none  --proxy-user REFERENCE\n"
    "  --nothing TEXT         one more text that means \"nothing found\"\n"
    "  --expired TEXT         one more that means \"recording deleted\"\n"
    "  --timeout SPAN         to wait for an answer, and to go on after a failure (5m)\n"
    "  --rate N               requests a second at most (20; 0: no limit)\n"
    "  -o, --set FIELD=VALUE  any field of a site: pin, client-cert, client-key,\n"
    "                         client-key-password, backup-password, and these\n"
    "A REFERENCE to a secret is file:PATH, env:NAME or credential:NAME.\n"
    "\n"
    "  -d, --spool DIR        write there, under final names, what is whole\n"
    "  -j, --jobs N           downloads side by side (4)\n"
    "      --verify           read what is in the spool, fetch what was changed\n"
    "      --raw              XML without mark lines\n"
    "      --dry-run          see whether the options of SITE are sound, do nothing\n"
    "  -v, --verbose          tell each step\n"
    "      --help, --version\n";

static _Noreturn void
usage(void)
{
	fputs(help, stderr);
	exit(EX_USAGE);
}

static int
say(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		msg_errno("standard output");
		return EX_IOERR;
	}
	return 0;
}

static int
add_lsids(struct options *o, const char *list)
{
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
set_jobs(struct options *o, const char *text)
{
	uint64_t n;

	if (num_parse_count(text, strlen(text), DOWNLOAD_JOBS, &n) == -1 || n == 0) {
		msg_warn("-j %s: from 1 to %d", text, DOWNLOAD_JOBS);
		return EX_USAGE;
	}
	o->jobs = (int)n;
	return 0;
}

/* A field of the settings database is the option of its name. */
static int
set_from_settings(void *arg, const char *name, const char *value)
{
	int code = site_set(arg, strcmp(name, "host-name") == 0 ? "name" : name, value);

	if (code != -1)
		return code;
	msg_warn("the settings have %s, which this program does not know", name);
	return EX_CONFIG;
}

/* -o FIELD=VALUE */
static int
set_field(struct site *s, const char *text)
{
	const char *equals = strchr(text, '=');
	char *name;
	int code = -1;

	if (equals != NULL) {
		name = xstrndup(text, (size_t)(equals - text));
		code = site_set(s, name, equals + 1);
		free(name);
	}
	if (code == -1) {
		/* Not repeated: somebody may have given a secret. */
		msg_warn("-o: give FIELD=VALUE, with a FIELD that praic-fetch(1) names");
		code = EX_USAGE;
	}
	return code;
}

static int
read_option(struct options *o, int c, const char *name)
{
	switch (c) {
	case OPT_SITE:
		return site_set(&o->site, name, optarg);
	case 's':
		return settings_load_site(optarg, set_from_settings, &o->site);
	case OPT_DRY_RUN:
		o->dry_run = 1;
		return 0;
	case OPT_SINCE:
		o->since = optarg;
		return 0;
	case OPT_UNTIL:
		o->until = optarg;
		return 0;
	case OPT_LSID:
		return add_lsids(o, optarg);
	case OPT_RAW:
		o->raw = 1;
		return 0;
	case 'd':
		o->spool = optarg;
		return 0;
	case 'j':
		return set_jobs(o, optarg);
	case OPT_VERIFY:
		o->verify = 1;
		return 0;
	case 'o':
		return set_field(&o->site, optarg);
	case 'v':
		msg_level++;
		return 0;
	default:
		usage();
	}
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
	int c, at = 0, code = 0;
	size_t i;

	file_std_fds();
	msg_start(argv[0]);
	secret_guard(); /* the settings may have secrets, too */
	secret_take_env();
	unsetenv("SSLKEYLOGFILE");	     /* libcurl would write the keys of TLS there */
	json_set_alloc_funcs(xmalloc, free); /* half an object is none */
	signal(SIGPIPE, SIG_IGN);	     /* a reader that ends is a write that fails */
	site_init(&o.site);
	while (code == 0 && (c = getopt_long(argc, argv, "d:j:o:s:v", long_options, &at)) != -1) {
		if (c == OPT_HELP)
			return say(help);
		if (c == OPT_VERSION)
			return say("praic-fetch " PRAIC_VERSION "\n");
		code = read_option(&o, c, c == OPT_SITE ? long_options[at].name : "");
	}
	if (code == 0 && optind == argc)
		usage();
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
