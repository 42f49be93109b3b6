/*
 * praic-tosql: record streams into a database, praic-tosql(1).  This file
 * has the options; load.c does the work.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "confine.h"
#include "connstr.h"
#include "file.h"
#include "load.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"
#include "sha256.h"

/* Long enough for another loader's batch, short enough to be noticed. */
#define DEFAULT_TIMEOUT 30

static const struct db_ops *const kinds[] = {&db_sqlite, &db_mssql};

struct arguments {
	struct db_options db;
	const struct db_ops *ops;
	const char *schema;
	const char *left_out;
	int no_system_information;
};

static void __attribute__((noreturn)) usage(int code)
{
	fputs(
	    "usage: praic-tosql -d DATABASE | -D NAME [-n [--list]] [-v] [--existing] [--force]\n"
	    "           [--no-system-information] [--left-out FILE]\n"
	    "           [--timeout SECONDS] [--password REFERENCE] [--ca-file FILE] [FILE ...]\n"
	    "       praic-tosql --schema sqlite | mssql\n"
	    "Loads praic records into a database: see praic-tosql(1).\n"
	    "  -d, --database DATABASE  a path, sqlite:PATH; for SQL Server a connection string\n"
	    "                           without a password, or @FILE that holds one\n"
	    "  -D, --destination NAME   what the settings database says of it\n"
	    "  -n, --dry-run            load, and take it back\n"
	    "      --list               with -n: print host, lsid, and same, new, newer or older\n"
	    "      --existing           its tables must be there, else 73\n"
	    "      --force              a copy that knows less replaces one that knows more\n"
	    "      --no-system-information  leave that table out\n"
	    "      --left-out FILE      list there what is left out\n"
	    "      --timeout SECONDS    for a database that is busy\n"
	    "      --password REFERENCE  file:PATH, env:NAME or credential:NAME (SQL Server)\n"
	    "      --ca-file FILE       authorities to trust (SQL Server)\n"
	    "      --schema KIND        print the tables that would be made\n"
	    "  -v, --verbose            tell each step\n"
	    "      --help, --version\n",
	    code == 0 ? stdout : stderr);
	exit(code == 0 && fflush(stdout) == EOF ? EX_IOERR : code);
}

/* Which kind of database is it?  0, or EX_USAGE after a message. */
static int
set_database(struct arguments *a, const char *text)
{
	enum connstr_kind kind = connstr_kind(text, &a->db.target);

	a->ops = kind == CONNSTR_SQLITE ? &db_sqlite : &db_mssql;
	a->db.is_string = kind == CONNSTR_TEXT;
	if (*a->db.target == '\0') {
		msg_warn("database %s: the name of its file is missing", text);
		return EX_USAGE;
	}
	if (a->db.is_string && connstr_has_password(text)) {
		msg_warn("connection string: it holds a password, which everybody on this machine "
			 "could read in an argument, so change it; give the string in a file that "
			 "only its owner may read (@FILE), or the password by reference");
		return EX_USAGE;
	}
	return 0;
}

static int
set_timeout(struct arguments *a, const char *text)
{
	uint64_t seconds;

	if (num_parse_count(text, strlen(text), 86400, &seconds) == -1) {
		msg_warn("timeout %s: seconds, 0 to 86400", text);
		return EX_USAGE;
	}
	a->db.timeout = (int)seconds;
	return 0;
}

/* A field of the settings database is the option of its name. */
static int
set_field(void *arg, const char *name, const char *value)
{
	struct arguments *a = arg;

	if (strcmp(name, "system-information") == 0) {
		a->no_system_information = *value == '0';
		return 0;
	}
	if (strcmp(name, "connection") == 0) {
		if (set_database(a, value) != 0)
			return EX_USAGE;
		if (a->db.is_string || *a->db.target == '/')
			return 0;
		msg_warn(
		    "connection %s: give the whole path: the scheduler has a working directory "
		    "of its own",
		    value);
		return EX_USAGE;
	}
	if (strcmp(name, "password") == 0)
		a->db.password = value;
	else if (strcmp(name, "ca-file") == 0)
		a->db.ca_file = value;
	else {
		msg_warn("the settings have %s, which this program does not know", name);
		return EX_CONFIG;
	}
	return 0;
}

/* What goes together. */
static void
check(const struct arguments *a)
{
	if (a->db.list && !a->db.dry_run) {
		msg_warn("--list: it goes with -n");
		exit(EX_USAGE);
	}
	if (a->ops == NULL && a->schema == NULL)
		usage(EX_USAGE);
	if (a->ops == &db_sqlite && (a->db.password != NULL || a->db.ca_file != NULL)) {
		msg_warn("%s: an SQLite database has no password and no certificate; its file's "
			 "mode guards it",
		    a->db.target);
		exit(EX_USAGE);
	}
}

static void
parse(struct arguments *a, int argc, char **argv)
{
	enum {
		EXISTING = 256,
		LIST,
		FORCE,
		NO_SYSINFO,
		LEFT_OUT,
		PASSWORD,
		CA_FILE,
		TIMEOUT,
		SCHEMA
	};
	static const struct option options[] = {{"database", required_argument, NULL, 'd'},
	    {"destination", required_argument, NULL, 'D'}, {"dry-run", no_argument, NULL, 'n'},
	    {"verbose", no_argument, NULL, 'v'}, {"force", no_argument, NULL, FORCE},
	    {"no-system-information", no_argument, NULL, NO_SYSINFO},
	    {"existing", no_argument, NULL, EXISTING}, {"list", no_argument, NULL, LIST},
	    {"left-out", required_argument, NULL, LEFT_OUT},
	    {"password", required_argument, NULL, PASSWORD},
	    {"ca-file", required_argument, NULL, CA_FILE},
	    {"timeout", required_argument, NULL, TIMEOUT},
	    {"schema", required_argument, NULL, SCHEMA}, {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	int c, code;

	secret_take_env();
	a->db.timeout = DEFAULT_TIMEOUT;
	while ((c = getopt_long(argc, argv, "D:d:nvhV", options, NULL)) != -1)
		switch (c) {
		case 'd':
			if (set_database(a, optarg) != 0)
				exit(EX_USAGE);
			break;
		case 'D':
			code = settings_load_destination(optarg, SETTINGS_SQL, set_field, a);
			if (code != 0)
				exit(code);
			break;
		case 'n':
			a->db.dry_run = 1;
			break;
		case 'v':
			msg_level++;
			break;
		case LIST:
			a->db.list = 1;
			break;
		case EXISTING:
			a->db.existing = 1;
			break;
		case FORCE:
			a->db.force = 1;
			break;
		case NO_SYSINFO:
			a->no_system_information = 1;
			break;
		case LEFT_OUT:
			a->left_out = optarg;
			break;
		case PASSWORD:
			a->db.password = optarg;
			break;
		case CA_FILE:
			a->db.ca_file = optarg;
			break;
		case TIMEOUT:
			if (set_timeout(a, optarg) != 0)
				usage(EX_USAGE);
			break;
		case SCHEMA:
			a->schema = optarg;
			break;
		case 'V':
			puts("praic-tosql " PRAIC_VERSION);
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		case 'h':
			usage(0);
		default:
			usage(EX_USAGE);
		}
	check(a);
}

static int
print_schema(const char *kind)
{
	struct buf text = {0};
	size_t i;
	int bad;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]->name) == 0)
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0])) {
		msg_warn("--schema: no such kind of database: %s", kind);
		return EX_USAGE;
	}
	kinds[i]->schema(&text);
	bad = file_write(STDOUT_FILENO, text.p, text.n);
	if (bad)
		msg_errno("standard output");
	buf_free(&text);
	return bad ? EX_IOERR : 0;
}

/* One operand.  Those that cannot be read do not stop the others. */
static void
load_file(struct load *l, const char *name)
{
	int fd;

	if (strcmp(name, "-") == 0) {
		load_input(l, STDIN_FILENO, "standard input");
		return;
	}
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		msg_errno("%s", name);
		l->code = code_worse(l->code, EX_NOINPUT);
		return;
	}
	load_input(l, fd, name);
	close(fd);
}

/*
 * Is it there, or can it not be made?  Then it is opened before anything is
 * read; what would have to be made waits until records come.
 */
static int
is_to_be_made(const struct arguments *a)
{
	char *directory, *slash;
	int can;

	if (a->db.existing || a->ops != &db_sqlite || access(a->db.target, F_OK) == 0 ||
	    errno != ENOENT)
		return 0;
	directory = xstrdup(a->db.target);
	slash = strrchr(directory, '/');
	if (slash != NULL)
		slash[1] = '\0';
	can = access(slash != NULL ? directory : ".", W_OK | X_OK) == 0;
	free(directory);
	return can;
}

/*
 * SQLite keeps files beside the database; if that is a link, where it leads.
 * 0; -1: it is a link to what is not there, and nobody knows where that will
 * be.
 */
static int
allow_database(struct confine *c, const char *path)
{
	char *real = realpath(path, NULL), *slash;
	struct stat st;

	if (real == NULL && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return -1;
	if (real == NULL)
		real = xstrdup(path);
	slash = strrchr(real, '/');
	if (slash != NULL)
		slash[1] = '\0';
	confine_allow(c, slash != NULL ? real : ".", CONFINE_CHANGE);
	free(real);
	return 0;
}

/* Where SQLite makes its temporary files: in the first that will do. */
static const char *
sqlite_scratch_dir(void)
{
	const char *dir[] = {
	    getenv("SQLITE_TMPDIR"), file_scratch_dir(), "/var/tmp", "/usr/tmp", "/tmp"};
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(dir) / sizeof(dir[0]); i++)
		if (dir[i] != NULL && stat(dir[i], &st) == 0 && S_ISDIR(st.st_mode) &&
		    access(dir[i], W_OK | X_OK) == 0)
			return dir[i];
	return ".";
}

/*
 * What all this needs is known now; what the stream says changes nothing.
 * But for SQL Server: what names, certificates and conversions need is the
 * business of other libraries.
 */
static void
confine(const struct arguments *a, char *const operand[], int operands)
{
	struct confine *c;

	if (a->ops != &db_sqlite)
		return;
	c = confine_new();
	/* libcrypto reads a configuration when it is first used. */
	sha256_free(sha256_new());
	if (allow_database(c, a->db.target) == -1)
		confine_give_up(c, "the database is a link to nothing");
	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
	confine_allow(c, sqlite_scratch_dir(), CONFINE_CHANGE);
	confine_allow(c, "/dev/urandom", CONFINE_READ);
	confine_allow_operands(c, operand, operands);
	confine_enter(c);
}

int
main(int argc, char **argv)
{
	struct arguments a = {0};
	struct load l = {0};
	struct buf states = {0};
	int i;

	file_std_fds();
	msg_start(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	parse(&a, argc, argv);
	if (a.schema != NULL)
		return print_schema(a.schema);

	if (a.left_out != NULL && (l.list = leftout_open(a.left_out)) == NULL)
		return EX_CANTCREAT;
	confine(&a, argv + optind, argc - optind);
	l.ops = a.ops;
	l.no_system_information = a.no_system_information;
	if (a.db.list)
		l.states = &states;
	else if (a.db.dry_run && (l.trial = trial_new(a.db.force, &l.code)) == NULL)
		return l.code;
	a.db.meanwhile = load_meanwhile;
	a.db.meanwhile_arg = &l;
	l.options = &a.db;
	if (!is_to_be_made(&a) && (l.db = a.ops->open(&a.db, &l.code)) == NULL)
		return l.code;
	l.batch = batch_new(a.ops->batch);
	if (optind == argc)
		load_file(&l, "-");
	for (i = optind; i < argc && !l.stop; i++)
		load_file(&l, argv[i]);
	load_finish(&l);
	if (l.db != NULL)
		l.code = code_worse(l.code, a.ops->close(l.db));
	l.code = code_worse(l.code, leftout_finish(l.list));
	load_report(&l);
	batch_free(l.batch);
	trial_free(l.trial);
	buf_free(&states);
	return l.code;
}
