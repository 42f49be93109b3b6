/*
 * praic-tofs: record streams in, files out, by name template.  Options only;
 * run.c reads, store.c stores.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "code.h"
#include "destination.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "run.h"
#include "tofs.h"
#include "verify.h"

/* More backups than this nobody counts. */
#define MAX_RETAIN 1000000

enum { NO_SYNC = 256, VERIFY, FOLD_CASE, HELP, VERSION };

static const struct option long_option[] = {
	{"conflict", required_argument, NULL, 'c'},
	{"directory", required_argument, NULL, 'd'},
	{"destination", required_argument, NULL, 'D'},
	{"format", required_argument, NULL, 'f'},
	{"spool", required_argument, NULL, 'i'},
	{"mode", required_argument, NULL, 'm'},
	{"in-progress", no_argument, NULL, 'p'},
	{"retain", required_argument, NULL, 'r'},
	{"verbose", no_argument, NULL, 'v'},
	{"fold-case", no_argument, NULL, FOLD_CASE},
	{"no-sync", no_argument, NULL, NO_SYNC},
	{"verify", no_argument, NULL, VERIFY},
	{"help", no_argument, NULL, HELP},
	{"version", no_argument, NULL, VERSION},
	{NULL, 0, NULL, 0},
};

static const char usage_text[] =
    "usage: praic-tofs -d DIRECTORY | -D NAME [-i SPOOL] [-f [KIND=]FORMAT]... [-c CONFLICT]\n"
    "           [-r COUNT] [-m MODE] [-pv] [--fold-case] [--no-sync] [FILE...]\n"
    "       praic-tofs --verify -d DIRECTORY [-v]\n";

static void __attribute__((noreturn))
usage(int code)
{
	if (code != 0) {
		(void)!file_write(2, usage_text, sizeof(usage_text) - 1);
		exit(code);
	}
	printf("%s\n"
	    "Stores what a record stream holds as files below DIRECTORY: session XML,\n"
	    "recordings and backups; prints the name of each file that is finished.\n\n"
	    "  -d, --directory DIR   where files go; it must exist\n"
    "  -D, --destination NAME  that, and what else the settings database says of it\n"
	    "  -i, --spool DIR       where praic-fetch put the recordings and backups\n"
	    "  -f, --format FORMAT   how they are called; with session=, recording=, shell=,\n"
	    "                        screen= or backup= before it only those\n"
	    "  -c, --conflict WHAT   when a name is taken: append (a number), overwrite, skip,\n"
	    "                        or immutable (another content is an error)\n"
	    "  -r, --retain COUNT    of backups keep so many besides the newest\n"
	    "  -m, --mode MODE       of the files: 600 unless told\n"
	    "  -p, --in-progress     save sessions that have not ended, too\n"
	    "      --fold-case       DIRECTORY does not tell upper from lower case\n"
	    "      --no-sync         do not wait for the disk: faster, and a crash of the\n"
	    "                        machine may cost what was stored\n"
	    "      --verify          compare DIRECTORY with its ledger; store nothing\n"
    "  -v, --verbose         tell each step; twice: each file\n", usage_text);
	exit(fflush(stdout) == EOF ? EX_IOERR : 0);
}

static int
set_conflict(struct settings *set, const char *text)
{
	static const char *const name[] = {"append", "overwrite", "skip", "immutable"};
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (strcmp(text, name[i]) == 0) {
			set->conflict = (enum conflict)i;
			return 0;
		}
	msg_warn("-c %s: append, overwrite, skip or immutable", text);
	return EX_USAGE;
}

/* [KIND=]FORMAT; without a kind for all that have none of their own. */
static int
set_format(const char *format[KINDS], const char **all, const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	enum kind kind = kind_find(text, n);

	if (n == 0 || text[n] != '=') {
		*all = text;
		return 0;
	}
	if (n == 3 && memcmp(text, "all", n) == 0)
		*all = text + n + 1;
	else if (kind != KINDS)
		format[kind] = text + n + 1;
	else {
		msg_warn("-f %s: there is no such kind; session, recording, shell, screen, "
		    "backup, or all", text);
		return EX_USAGE;
	}
	return 0;
}

static int
set_mode(struct settings *set, const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end != '\0' || (mode & ~0666ul) != 0 ||
	    (mode & 0600) != 0600) {
		msg_warn("-m %s: an octal mode such as 640; read and write for the owner, "
		    "execute for nobody", text);
		return EX_USAGE;
	}
	set->mode = (mode_t)mode;
	return 0;
}

static int
set_retain(struct settings *set, const char *text)
{
	uint64_t n;

	if (num_parse_count(text, strlen(text), MAX_RETAIN, &n) == -1) {
		msg_warn("-r %s: how many prior backups to keep, 0 to %d", text, MAX_RETAIN);
		return EX_USAGE;
	}
	set->retain = (int64_t)n;
	return 0;
}

/* Two things of one session must not take turns under one name. */
static int
check_formats(const struct settings *set)
{
	static const char *const mode[] = {"append", "overwrite", "skip", "immutable"};
	int a, b;

	if (set->conflict == CONFLICT_APPEND)
		return 0;
	for (a = 0; a < KIND_BACKUP; a++)
		for (b = a; b < KIND_BACKUP; b++) {
			if (a == b && a != KIND_SHELL && a != KIND_SCREEN)
				continue;
			if (!format_meet(&set->format[a], (enum kind)a, &set->format[b],
			    (enum kind)b))
				continue;
			if (a == b)
				msg_warn("-c %s: two %ss of one session could get the same name; "
				    "the format of %ss needs %%INSTANCE%%, and no digit beside it",
				    mode[set->conflict], kind_name[a], kind_name[a]);
			else
				msg_warn("-c %s: the %s and a %s of one session could get the same "
				    "name; %%KIND%% in both formats tells them apart",
				    mode[set->conflict], kind_name[a], kind_name[b]);
			return EX_USAGE;
		}
	if (!format_has(&set->format[KIND_BACKUP], FIELD_START_DATE) &&
	    (set->conflict != CONFLICT_OVERWRITE || set->retain >= 0)) {
		msg_warn("-c %s: two backups of one site would get the same name; their format "
		    "needs %%START_DATE%% (-f backup=...%%START_DATE%%...)", mode[set->conflict]);
		return EX_USAGE;
	}
	return 0;
}

static int
set_formats(struct settings *set, const char *const format[KINDS], const char *all)
{
	int k, code;

	for (k = 0; k < KINDS; k++) {
		const char *text = format[k] != NULL ? format[k] : all;

		code = format_parse(&set->format[k], text != NULL ? text : format_default[k]);
		if (code != 0)
			return code;
	}
	return check_formats(set);
}

struct given {
	struct settings *set;
	const char *format[KINDS], *all;
};

/* A field of the settings database is the option of its name. */
static int
set_field(void *arg, const char *name, const char *value)
{
	struct given *g = arg;
	enum kind kind;

	if (strcmp(name, "directory") == 0)
		g->set->directory = value;
	else if (strcmp(name, "conflict") == 0)
		return set_conflict(g->set, value);
	else if (strcmp(name, "retain") == 0)
		return set_retain(g->set, value);
	else if (strcmp(name, "mode") == 0)
		return set_mode(g->set, value);
	else if (strcmp(name, "in-progress") == 0)
		g->set->in_progress = *value == '1';
	else if (strcmp(name, "fold-case") == 0)
		g->set->fold_case = *value == '1';
	else if (strcmp(name, "format") == 0)
		g->all = value;
	else if (strncmp(name, "format-", 7) == 0 &&
	    (kind = kind_find(name + 7, strlen(name + 7))) != KINDS)
		g->format[kind] = value;
	else {
		msg_warn("the settings have %s, which this program does not know", name);
		return EX_CONFIG;
	}
	return 0;
}

static int
set_options(struct settings *set, int *verifies, int argc, char **argv)
{
	struct given given = {.set = set};
	int c, code = 0;

	while ((c = getopt_long(argc, argv, "c:D:d:f:i:m:pr:v", long_option, NULL)) != -1)
		switch (c) {
		case 'c':
			code = code_worse(code, set_conflict(set, optarg));
			break;
		case 'd':
			set->directory = optarg;
			break;
		case 'D':
			code = code_worse(code, destination_load(optarg, set_field, &given));
			break;
		case 'f':
			code = code_worse(code, set_format(given.format, &given.all, optarg));
			break;
		case 'i':
			set->spool = optarg;
			break;
		case 'm':
			code = code_worse(code, set_mode(set, optarg));
			break;
		case 'p':
			set->in_progress = 1;
			break;
		case 'r':
			code = code_worse(code, set_retain(set, optarg));
			break;
		case 'v':
			msg_level++;
			break;
		case FOLD_CASE:
			set->fold_case = 1;
			break;
		case NO_SYNC:
			set->no_sync = 1;
			break;
		case VERIFY:
			*verifies = 1;
			break;
		case HELP:
			usage(0);
		case VERSION:
			printf("praic-tofs " PRAIC_VERSION "\n");
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		default:
			usage(EX_USAGE);
		}
	if (code == 0 && set->directory == NULL) {
		msg_warn("-d DIRECTORY is missing: where are the files to go?");
		usage(EX_USAGE);
	}
	if (code == 0 && *verifies && optind < argc) {
		msg_warn("--verify reads no records: %s is not wanted", argv[optind]);
		return EX_USAGE;
	}
	return code != 0 ? code : set_formats(set, given.format, given.all);
}

int
main(int argc, char **argv)
{
	struct settings set = {.retain = -1, .mode = 0600};
	int code, k, verifies = 0;

	msg_start(argv[0]);
	file_std_fds();
	/* A write to a closed pipe is an error like others: files are open. */
	signal(SIGPIPE, SIG_IGN);
	umask(0);	/* modes are as they were asked for */
	code = set_options(&set, &verifies, argc, argv);
	if (code == 0 && verifies)
		code = verify(&set);
	else if (code == 0)
		code = run(&set, argv + optind, argc - optind);
	for (k = 0; k < KINDS; k++)
		format_free(&set.format[k]);
	return code;
}
