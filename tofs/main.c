/*
 * praic-tofs: record streams in, files out, by name template.  Options only;
 * run.c reads, store.c stores.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "confine.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "settings.h"
#include "tofs.h"

/* The letters in names of kinds. */
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
/* More than anybody keeps. */
#define MAX_RETAIN 100000

/* Behind praic's own names stand those of the guide. */
static const char *const conflict_name[] = {
    "append", "overwrite", "skip", "AppendNumber", "Overwrite", "Skip"};

static int
take_conflict(void *arg, const char *text)
{
	struct options *opt = arg;
	size_t i;

	for (i = 0; i < sizeof(conflict_name) / sizeof(conflict_name[0]); i++)
		if (strcmp(text, conflict_name[i]) == 0) {
			opt->conflict = (enum conflict)(i % CONFLICTS);
			return 0;
		}
	msg_warn("-c %s: append, overwrite or skip", text);
	return EX_USAGE;
}

static int
take_kinds(void *arg, const char *text)
{
	struct options *opt = arg;
	enum kind kind;
	size_t n;

	opt->kinds = 0;
	for (;; text += n + 1) {
		n = strcspn(text, ",");
		kind = kind_find(text, n);
		if (kind == KINDS) {
			msg_warn("-k %.*s: there is no such kind; session, recording, shell, "
				 "screen, backup",
			    (int)n, text);
			return EX_USAGE;
		}
		opt->kinds |= 1u << kind;
		if (text[n] == '\0')
			return 0;
	}
}

/* Where the list goes on: at a comma behind which a word and = stand; or its end. */
static size_t
format_length(const char *p)
{
	size_t n, word;

	for (n = 0; p[n] != '\0'; n++) {
		if (p[n] == '\\' && p[n + 1] == ',')
			n++;
		else if (p[n] == ',') {
			word = strspn(p + n + 1, LETTERS);
			if (word > 0 && p[n + 1 + word] == '=')
				break;
		}
	}
	return n;
}

/* [KIND=]FORMAT,...; without a kind, or of all, for those that have none of
 * their own. */
static int
take_format(void *arg, const char *text)
{
	struct options *opt = arg;
	enum kind kind;
	size_t n, word, i;
	char *to;

	for (;; text += n + 1) {
		n = format_length(text);
		word = strspn(text, LETTERS);
		kind = KINDS;
		if (word == 0 || text[word] != '=')
			word = 0;
		else if ((kind = kind_find(text, word)) == KINDS &&
		    !(word == 3 && memcmp(text, "all", word) == 0)) {
			msg_warn("-f %s: there is no such kind; session, recording, shell, screen, "
				 "backup, or all",
			    text);
			return EX_USAGE;
		}
		free(opt->format_text[kind]);
		opt->format_text[kind] = to = xcalloc(n + 1, 1);
		for (i = word > 0 ? word + 1 : 0; i < n; i++)
			if (text[i] != '\\' || text[i + 1] != ',')
				*to++ = text[i];
		if (text[n] == '\0')
			return 0;
	}
}

static int
take_mode(void *arg, const char *text)
{
	struct options *opt = arg;
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end != '\0' || (mode & ~0666ul) != 0 ||
	    (mode & 0600) != 0600) {
		msg_warn("-m %s: an octal mode such as 640; read and write for the owner, "
			 "execute for nobody",
		    text);
		return EX_USAGE;
	}
	opt->mode = (mode_t)mode;
	return 0;
}

static int
take_retain(void *arg, const char *text)
{
	struct options *opt = arg;
	uint64_t n;

	if (num_parse_count(text, strlen(text), MAX_RETAIN, &n) == -1) {
		msg_warn("-r %s: how many prior backups to keep, 0 to %d", text, MAX_RETAIN);
		return EX_USAGE;
	}
	opt->retain = (int64_t)n;
	return 0;
}

static int
take_head(void *arg, const char *text)
{
	struct options *opt = arg;
	const char *colon = strchr(text, ':');

	if (colon == NULL ||
	    num_parse_count(text, (size_t)(colon - text), INT64_MAX, &opt->head_number) == -1 ||
	    !sha256_is_hex(colon + 1, strlen(colon + 1))) {
		msg_warn("--head %s: what --print-head prints, NUMBER:CHAIN", text);
		return EX_USAGE;
	}
	opt->head = text;
	opt->head_chain = colon + 1;
	return 0;
}

static int take_destination(void *, const char *);

#define AT(field) offsetof(struct options, field), NULL

static const struct command_option option[] = {
    {'d', "directory", "DIR", "where files go; it must exist", AT(directory)},
    {'D', "destination", "NAME", "that, and what else the settings database says of it", 0,
	take_destination},
    {'i', "spool", "DIR", "where praic-fetch put the recordings and backups", AT(spool)},
    {'f', "format", "FORMAT",
	"how they are called; with session=, recording=, shell=,\n"
	"screen= or backup= before it only those; a list with commas",
	0, take_format},
    {'k', "kind", "KIND,...", "only these: session, recording, shell, screen, backup", 0,
	take_kinds},
    {'c', "conflict", "WHAT", "a name is taken: append (a number), overwrite or skip", 0,
	take_conflict},
    {'n', "dry-run", NULL, "store nothing; goes with --list", AT(dry_run)},
    {0, "list", NULL,
	"with -n: print host, lsid, kind, instance, and same,\nnew, newer or in-progress",
	AT(list)},
    {'r', "retain", "COUNT", "of backups keep so many besides the newest", 0, take_retain},
    {'m', "mode", "MODE", "of the files: 600 unless told", 0, take_mode},
    {'p', "in-progress", NULL, "save sessions that have not ended, too", AT(in_progress)},
    {0, "existing", NULL, "DIR must hold a ledger, else 73", AT(existing)},
    {0, "verify", NULL, "compare DIR with its ledger; store nothing", AT(verify)},
    {0, "left-out", "FILE", "list there what is left out", AT(list_name)},
    {0, "head", "HEAD", "the ledger must hold this head, else 65", 0, take_head},
    {0, "print-head", NULL, "print the ledger's head, and store nothing", AT(print_head)},
    {0, NULL, NULL, NULL, 0, NULL},
};

static const struct command command = {
    "praic-tofs -d DIR | -D NAME [-i SPOOL] [-f [KIND=]FORMAT,...] [-c CONFLICT]\n"
    "           [-k KIND,...] [-r COUNT] [-m MODE] [-pv] [--existing] [--left-out FILE]\n"
    "           [--head HEAD] [FILE...]\n"
    "       praic-tofs -n --list -d DIR [-p] [-k KIND,...] [--existing] [FILE...]\n"
    "       praic-tofs --verify -d DIR [-m MODE] [--head HEAD] [-v]\n"
    "       praic-tofs --print-head -d DIR",
    "Stores what a record stream holds as files below DIR: session XML, recordings\n"
    "and backups; prints the name of each file that is finished.",
    option};

/* A field of the settings database is the option of its name. */
static int
take_field(void *arg, const char *name, const char *value)
{
	struct options *opt = arg;

	if (strcmp(name, "in-progress") != 0)
		return command_set(&command, opt, name, value);
	opt->in_progress = *value == '1';
	return 0;
}

static int
take_destination(void *arg, const char *name)
{
	return settings_load_destination(name, SETTINGS_FS, take_field, arg);
}

/* Two things of one session must not take turns under one name. */
static int
check_formats(const struct options *opt)
{
	const char *mode = conflict_name[opt->conflict];
	int a, b;

	if (opt->conflict == CONFLICT_APPEND)
		return 0;
	for (a = 0; a < KIND_BACKUP; a++)
		for (b = a; b < KIND_BACKUP; b++) {
			if (a == b && a != KIND_SHELL && a != KIND_SCREEN)
				continue;
			if (!format_meet(
				opt->format[a], (enum kind)a, opt->format[b], (enum kind)b))
				continue;
			if (a == b)
				msg_warn(
				    "-c %s: two %ss of one session could get the same name; "
				    "the format of %ss needs %%INSTANCE%%, and no digit beside it",
				    mode, kind_name[a], kind_name[a]);
			else
				msg_warn("-c %s: the %s and a %s of one session could get the same "
					 "name; %%KIND%% in both formats tells them apart",
				    mode, kind_name[a], kind_name[b]);
			return EX_USAGE;
		}
	if (!format_has(opt->format[KIND_BACKUP], FIELD_START_DATE) &&
	    (opt->conflict != CONFLICT_OVERWRITE || opt->retain >= 0)) {
		msg_warn("-c %s: two backups of one site would get the same name; their format "
			 "needs %%START_DATE%% (-f backup=...%%START_DATE%%...)",
		    mode);
		return EX_USAGE;
	}
	return 0;
}

/* Do the options go together?  operand is the first one, or NULL. */
static int
check(struct options *opt, const char *operand)
{
	int k;

	if (opt->directory == NULL)
		command_usage(
		    &command, "-d DIRECTORY is missing: where shall the files be stored?");
	if (opt->dry_run != opt->list) {
		msg_warn("-n and --list go together");
		return EX_USAGE;
	}
	if ((opt->verify || opt->print_head) && operand != NULL) {
		msg_warn("--verify and --print-head read no records: %s is not wanted", operand);
		return EX_USAGE;
	}
	for (k = 0; k < KINDS; k++) {
		const char *text = opt->format_text[k] != NULL ? opt->format_text[k] :
		    opt->format_text[KINDS] != NULL	       ? opt->format_text[KINDS] :
								 format_default[k];

		if ((opt->format[k] = format_parse(text)) == NULL)
			return EX_USAGE;
	}
	if (check_formats(opt) != 0)
		return EX_USAGE;
	if (opt->list_name != NULL && (opt->left_out = leftout_open(opt->list_name)) == NULL)
		return EX_CANTCREAT;
	return 0;
}

/* Give up all rights but those that the options ask for. */
static void
confine(const struct options *opt, char *const operand[], int operands)
{
	struct confine *c = confine_new();
	int reads = opt->verify || opt->print_head || opt->list;

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
	struct options opt = {.retain = -1, .mode = 0600, .kinds = (1u << KINDS) - 1};
	int code, k;

	command_start(argv[0]);
	umask(0); /* modes are as they were asked for */
	code = command_options(&command, argc, argv, &opt);
	if (code == 0)
		code = check(&opt, argv[optind]);
	if (code == 0) {
		confine(&opt, argv + optind, argc - optind);
		code = opt.verify  ? verify(&opt) :
		    opt.print_head ? head_print(&opt) :
				     run_all(&opt, argv + optind, argc - optind);
	}
	code = code_worse(code, leftout_finish(opt.left_out));
	for (k = 0; k < KINDS; k++)
		free(opt.format[k]);
	for (k = 0; k <= KINDS; k++)
		free(opt.format_text[k]);
	return code;
}
