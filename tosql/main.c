/*
 * praic-tosql: record streams into a database, praic-tosql(1).  This file
 * has the options; load.c does the work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "confine.h"
#include "connstr.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"
#include "tosql.h"

/* Long enough for another loader's batch, short enough to be noticed. */
#define DEFAULT_TIMEOUT 30

struct arguments {
	struct db_options db;
	const struct db_ops *ops;
	const char *schema;
	const char *left_out;
	int no_system_information;
};

/* Which kind of database is it? */
static int
take_database(void *arg, const char *text)
{
	struct arguments *a = arg;
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
take_timeout(void *arg, const char *text)
{
	struct arguments *a = arg;
	uint64_t seconds;

	if (num_parse_count(text, strlen(text), 86400, &seconds) == -1) {
		msg_warn("timeout %s: seconds, 0 to 86400", text);
		return EX_USAGE;
	}
	a->db.timeout = (int)seconds;
	return 0;
}

static int take_destination(void *, const char *);

#define AT(field) offsetof(struct arguments, field), NULL

static const struct command_option option[] = {
    {'d', "database", "DATABASE",
	"a path, sqlite:PATH; for SQL Server a connection string\n"
	"without a password, or @FILE that holds one",
	0, take_database},
    {'D', "destination", "NAME", "what the settings database says of it", 0, take_destination},
    {'n', "dry-run", NULL, "load, and take it back", AT(db.dry_run)},
    {0, "list", NULL, "with -n: print host, lsid, and same, new, newer or older", AT(db.list)},
    {0, "existing", NULL, "its tables must be there, else 73", AT(db.existing)},
    {0, "force", NULL, "a copy that knows less replaces one that knows more", AT(db.force)},
    {0, "no-system-information", NULL, "leave that table out", AT(no_system_information)},
    {0, "left-out", "FILE", "list there what is left out", AT(left_out)},
    {0, "timeout", "SECONDS", "for a database that is busy", 0, take_timeout},
    {0, "password", "REFERENCE", "file:PATH, env:NAME or credential:NAME (SQL Server)",
	AT(db.password)},
    {0, "ca-file", "FILE", "authorities to trust (SQL Server)", AT(db.ca_file)},
    {0, "schema", "KIND", "print the tables that would be made: sqlite or mssql", AT(schema)},
    {0, NULL, NULL, NULL, 0, NULL},
};

static const struct command command = {
    "praic-tosql -d DATABASE | -D NAME [-n [--list]] [-v] [--existing] [--force]\n"
    "           [--no-system-information] [--left-out FILE]\n"
    "           [--timeout SECONDS] [--password REFERENCE] [--ca-file FILE] [FILE ...]\n"
    "       praic-tosql --schema sqlite | mssql",
    "Loads praic records into a database: see praic-tosql(1).", option};

/* A field of the settings database is the option of its name. */
static int
take_field(void *arg, const char *name, const char *value)
{
	struct arguments *a = arg;

	if (strcmp(name, "system-information") == 0) {
		a->no_system_information = *value == '0';
		return 0;
	}
	if (strcmp(name, "connection") != 0)
		return command_set(&command, a, name, value);
	if (take_database(a, value) != 0)
		return EX_USAGE;
	if (a->db.is_string || *a->db.target == '/')
		return 0;
	msg_warn("connection %s: give the whole path: the scheduler has a working directory of its "
		 "own",
	    value);
	return EX_USAGE;
}

static int
take_destination(void *arg, const char *name)
{
	return settings_load_destination(name, SETTINGS_SQL, take_field, arg);
}

/* What goes together. */
static int
check(const struct arguments *a)
{
	if (a->db.list && !a->db.dry_run) {
		msg_warn("--list: it goes with -n");
		return EX_USAGE;
	}
	if (a->ops == NULL && a->schema == NULL)
		command_usage(&command, "-d DATABASE or -D NAME is missing");
	if (a->ops == &db_sqlite && (a->db.password != NULL || a->db.ca_file != NULL)) {
		msg_warn("%s: an SQLite database has no password and no certificate; its file's "
			 "mode guards it",
		    a->db.target);
		return EX_USAGE;
	}
	return 0;
}

static int
print_schema(const char *kind)
{
	struct buf text = {0};
	int bad;

	if (strcmp(kind, "sqlite") == 0)
		db_sqlite.schema(&text);
	else if (strcmp(kind, "mssql") == 0)
		db_mssql.schema(&text);
	else {
		msg_warn("--schema: no such kind of database: %s", kind);
		return EX_USAGE;
	}
	bad = file_write(STDOUT_FILENO, text.p, text.n);
	if (bad)
		msg_errno("standard output");
	buf_free(&text);
	return bad ? EX_IOERR : 0;
}

/*
 * Allow the folder of the database: SQLite keeps files beside it.  A link is followed.
 * 0; -1: it is a link to nothing.
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

/*
 * Give up all rights but those that the options ask for.  Not for SQL Server:
 * libraries read files for names, certificates and conversions.
 */
static void
confine(const struct arguments *a, char *const operand[], int operands)
{
	const char *scratch;
	struct confine *c;

	if (a->ops != &db_sqlite)
		return;
	c = confine_new();
	/* libcrypto reads a configuration when it is first used. */
	sha256_free(sha256_new());
	if (allow_database(c, a->db.target) == -1)
		confine_give_up(c, "the database is a link to nothing");
	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
	/* SQLite looks for a place for its temporary files by itself, and must find
	 * the one that it may use. */
	scratch = getenv("SQLITE_TMPDIR");
	if (scratch == NULL)
		scratch = file_scratch_dir();
	if (access(scratch, W_OK | X_OK) == -1)
		scratch = "/var/tmp";
	setenv("SQLITE_TMPDIR", scratch, 1);
	confine_allow(c, scratch, CONFINE_CHANGE);
	confine_allow(c, "/dev/urandom", CONFINE_READ);
	confine_allow_operands(c, operand, operands);
	confine_enter(c);
}

int
main(int argc, char **argv)
{
	struct arguments a = {.db.timeout = DEFAULT_TIMEOUT};
	struct load l = {0};
	int code;

	command_start(argv[0]);
	secret_take_env();
	code = command_options(&command, argc, argv, &a);
	if (code != 0 || (code = check(&a)) != 0)
		return code;
	if (a.schema != NULL)
		return print_schema(a.schema);
	if (a.left_out != NULL && (l.list = leftout_open(a.left_out)) == NULL)
		return EX_CANTCREAT;
	confine(&a, argv + optind, argc - optind);
	l.ops = a.ops;
	l.no_system_information = a.no_system_information;
	a.db.meanwhile = load_meanwhile;
	a.db.meanwhile_arg = &l;
	l.options = &a.db;
	/* A new database is made when records come. */
	if (!(a.ops == &db_sqlite && sqlite_is_new(&a.db)) &&
	    (l.db = a.ops->open(&a.db, &l.code)) == NULL)
		return l.code;
	l.batch = batch_new(a.ops->batch);
	code = command_operands(argv + optind, argc - optind, load_input, &l);
	l.code = code_worse(l.code, code);
	load_finish(&l);
	if (l.db != NULL)
		l.code = code_worse(l.code, a.ops->close(l.db));
	l.code = code_worse(l.code, leftout_finish(l.list));
	load_report(&l);
	batch_free(l.batch);
	buf_free(&l.states);
	return l.code;
}
