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
#include "confine.h"
#include "file.h"
#include "head.h"
#include "msg.h"
#include "run.h"
#include "settings.h"
#include "sha256.h"
#include "tofs.h"
#include "verify.h"

enum { LIST = 256, EXISTING, LEFT_OUT, VERIFY, HEAD, PRINT_HEAD, HELP, VERSION };

static const struct option long_option[] = {
    {"conflict", required_argument, NULL, 'c'},
    {"directory", required_argument, NULL, 'd'},
    {"destination", required_argument, NULL, 'D'},
    {"format", required_argument, NULL, 'f'},
    {"spool", required_argument, NULL, 'i'},
    {"kind", required_argument, NULL, 'k'},
    {"dry-run", no_argument, NULL, 'n'},
    {"list", no_argument, NULL, LIST},
    {"mode", required_argument, NULL, 'm'},
    {"head", required_argument, NULL, HEAD},
    {"print-head", no_argument, NULL, PRINT_HEAD},
    {"in-progress", no_argument, NULL, 'p'},
    {"retain", required_argument, NULL, 'r'},
    {"verbose", no_argument, NULL, 'v'},
    {"existing", no_argument, NULL, EXISTING},
    {"left-out", required_argument, NULL, LEFT_OUT},
    {"verify", no_argument, NULL, VERIFY},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

static const char usage_text[] =
    "usage: praic-tofs -d DIRECTORY | -D NAME [-i SPOOL] [-f [KIND=]FORMAT,...] [-c CONFLICT]\n"
    "           [-k KIND,...] [-r COUNT] [-m MODE] [-pv] [--existing] [--left-out FILE]\n"
    "           [--head HEAD] [FILE...]\n"
    "       praic-tofs -n --list -d DIRECTORY [-p] [-k KIND,...] [--existing] [FILE...]\n"
    "       praic-tofs --verify -d DIRECTORY [--head HEAD] [-v]\n"
    "       praic-tofs --print-head -d DIRECTORY\n";

static void __attribute__((noreturn)) usage(int code)
{
	if (code != 0) {
		(void)!file_write(2, usage_text, sizeof(usage_text) - 1);
		exit(code);
	}
	printf(
	    "%s\n"
	    "Stores what a record stream holds as files below DIRECTORY: session XML,\n"
	    "recordings and backups; prints the name of each file that is finished.\n\n"
	    "  -d, --directory DIR   where files go; it must exist\n"
	    "  -D, --destination NAME  that, and what else the settings database says of it\n"
	    "  -i, --spool DIR       where praic-fetch put the recordings and backups\n"
	    "  -f, --format FORMAT   how they are called; with session=, recording=, shell=,\n"
	    "                        screen= or backup= before it only those; a list with commas\n"
	    "  -k, --kind KIND,...   store these alone: session, recording, shell, screen, backup\n"
	    "  -c, --conflict WHAT   when a name is taken: append (a number), overwrite or\n"
	    "                        skip\n"
	    "  -n, --dry-run --list  store nothing; print host, lsid, kind, instance, and same,\n"
	    "                        new, newer or in-progress\n"
	    "  -r, --retain COUNT    of backups keep so many besides the newest\n"
	    "  -m, --mode MODE       of the files: 600 unless told\n"
	    "  -p, --in-progress     save sessions that have not ended, too\n"
	    "      --existing        DIRECTORY must hold a ledger, else 73\n"
	    "      --verify          compare DIRECTORY with its ledger; store nothing\n"
	    "      --left-out FILE   list there what is left out\n"
	    "      --head HEAD       the ledger must hold this head, else 65\n"
	    "      --print-head      print the ledger's head, and store nothing\n"
	    "  -v, --verbose         tell each step; twice: each file\n"
	    "      --help, --version\n",
	    usage_text);
	exit(fflush(stdout) == EOF ? EX_IOERR : 0);
}

/* A field of the settings database is the option of its name. */
static int
set_field(void *arg, const char *name, const char *value)
{
	struct options *opt = arg;

	if (strcmp(name, "directory") == 0)
		opt->directory = value;
	else if (strcmp(name, "conflict") == 0)
		return options_conflict(opt, value);
	else if (strcmp(name, "retain") == 0)
		return options_retain(opt, value);
	else if (strcmp(name, "mode") == 0)
		return options_mode(opt, value);
	else if (strcmp(name, "in-progress") == 0)
		opt->in_progress = *value == '1';
	else if (strcmp(name, "format") == 0)
		return options_format(opt, value);
	else {
		msg_warn("the settings have %s, which this program does not know", name);
		return EX_CONFIG;
	}
	return 0;
}

/* What goes together; unwanted is an operand that is none, or NULL. */
static int
check_options(struct options *opt, int dry_run, const char *unwanted)
{
	if (opt->directory == NULL) {
		msg_warn("-d DIRECTORY is missing: where are the files to go?");
		usage(EX_USAGE);
	}
	if (dry_run != opt->list) {
		msg_warn("-n and --list go together");
		return EX_USAGE;
	}
	if (unwanted != NULL) {
		msg_warn("--verify and --print-head read no records: %s is not wanted", unwanted);
		return EX_USAGE;
	}
	return options_finish(opt);
}

static int
set_options(struct options *opt, int *mode, int argc, char **argv)
{
	const char *list = NULL;
	int dry_run = 0;
	int c, code = 0;

	while ((c = getopt_long(argc, argv, "c:D:d:f:i:k:m:npr:v", long_option, NULL)) != -1)
		switch (c) {
		case 'c':
			code = code_worse(code, options_conflict(opt, optarg));
			break;
		case 'd':
			opt->directory = optarg;
			break;
		case 'D':
			code = code_worse(
			    code, settings_load_destination(optarg, SETTINGS_FS, set_field, opt));
			break;
		case 'f':
			code = code_worse(code, options_format(opt, optarg));
			break;
		case 'i':
			opt->spool = optarg;
			break;
		case 'k':
			code = code_worse(code, options_kinds(opt, optarg));
			break;
		case 'm':
			code = code_worse(code, options_mode(opt, optarg));
			break;
		case 'n':
			dry_run = 1;
			break;
		case LIST:
			opt->list = 1;
			break;
		case 'p':
			opt->in_progress = 1;
			break;
		case 'r':
			code = code_worse(code, options_retain(opt, optarg));
			break;
		case 'v':
			msg_level++;
			break;
		case EXISTING:
			opt->existing = 1;
			break;
		case LEFT_OUT:
			list = optarg;
			break;
		case HEAD:
			code = code_worse(code, head_set(opt, optarg));
			break;
		case PRINT_HEAD:
		case VERIFY:
			*mode = c;
			break;
		case HELP:
			usage(0);
		case VERSION:
			printf("praic-tofs " PRAIC_VERSION "\n");
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		default:
			usage(EX_USAGE);
		}
	if (code == 0)
		code = check_options(opt, dry_run, *mode != 0 ? argv[optind] : NULL);
	if (code == 0 && list != NULL && (opt->left_out = leftout_open(list)) == NULL)
		code = EX_CANTCREAT;
	return code;
}

/* What all this needs is known now; what the stream says changes nothing. */
static void
confine(const struct options *opt, int reads, char *const operand[], int operands)
{
	struct confine *c = confine_new();

	/* libcrypto reads a configuration when it is first used. */
	sha256_free(sha256_new());
	confine_allow(c, opt->directory, reads ? CONFINE_READ : CONFINE_CHANGE);
	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
	/* Only read, but a link of a file may not be allowed more than the file. */
	if (opt->spool != NULL)
		confine_allow(c, opt->spool, CONFINE_CHANGE);
	confine_allow_operands(c, operand, operands);
	confine_enter(c);
}

int
main(int argc, char **argv)
{
	struct options opt;
	int code, mode = 0;

	msg_start(argv[0]);
	file_std_fds();
	/* A write to a closed pipe is an error like others: files are open. */
	signal(SIGPIPE, SIG_IGN);
	umask(0); /* modes are as they were asked for */
	options_init(&opt);
	code = set_options(&opt, &mode, argc, argv);
	if (code == 0)
		confine(&opt, mode != 0 || opt.list, argv + optind, argc - optind);
	if (code == 0 && mode == VERIFY)
		code = verify(&opt);
	else if (code == 0 && mode == PRINT_HEAD)
		code = head_print(&opt);
	else if (code == 0)
		code = run(&opt, argv + optind, argc - optind);
	code = code_worse(code, leftout_finish(opt.left_out));
	options_free(&opt);
	return code;
}
