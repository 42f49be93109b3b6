/*
 * Checks with the filters: can a site, destination or mail server work, before it
 * is stored; and does it work (test, check)?  A filter checks its own options.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "code.h"
#include "conf.h"
#include "due.h"
#include "file.h"
#include "host.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "secret.h"

/* A temporary file with this content, to be read; -1 after a message. */
static int
scratch(const char *p, size_t n)
{
	int fd = file_scratch();

	if (fd == -1 || file_write(fd, p, n) == -1 || lseek(fd, 0, SEEK_SET) == -1) {
		msg_errno("temporary file in %s (TMPDIR)", file_scratch_dir());
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

/* A record stream without sessions; -1 after a message. */
static int
empty_stream(void)
{
	int fd = scratch("", 0);
	struct rec_writer *w = fd != -1 ? rec_new(fd, "temporary file") : NULL;

	if (w == NULL)
		return -1;
	rec_head(w, TABLE_SET_REPORT);
	rec_end(w, 0);
	if (rec_finish(w) != 0 || lseek(fd, 0, SEEK_SET) == -1) {
		close(fd);
		fd = -1;
	}
	rec_free(w);
	return fd;
}

static void __attribute__((noreturn))
child(const char *const *arg, int in, int out, char **hidden, const char *settings)
{
	for (; *hidden != NULL; hidden++)
		unsetenv(*hidden);
	if (dup2(in, STDIN_FILENO) == -1 ||
	    (out != -1 && (dup2(out, STDOUT_FILENO) == -1 || dup2(out, STDERR_FILENO) == -1)) ||
	    (settings != NULL && setenv("PRAIC_SETTINGS", settings, 1) == -1))
		_exit(EX_OSERR);
	signal(SIGPIPE, SIG_DFL);
	execvp(arg[0], (char *const *)arg);
	msg_errno("%s", arg[0]);
	_exit(EX_OSERR);
}

/*
 * Run a filter with this input, which is closed, and with no other secrets in its
 * environment than those of the row.  Its exit code.
 */
static int
run(struct conf *c, const struct row *r, const char *const *arg, int in, const char *settings)
{
	int out = c->quiet ? scratch("", 0) : -1, status = 0, code = EX_OSERR, i;
	char **hidden = settings_hidden_env(c->db, r->thing->name, r->name);
	pid_t pid;

	msg_tell(1, "asking %s", arg[0]);
	pid = in == -1 || c->db->code != 0 ? -1 : fork();
	if (pid == 0)
		child(arg, in, out, hidden, settings);
	while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (pid == -1 && in != -1 && c->db->code == 0)
		msg_errno("%s", arg[0]);
	else if (pid != -1 && WIFEXITED(status))
		code = WEXITSTATUS(status);
	else if (pid != -1) {
		msg_warn("%s: ended by signal %d", arg[0], WTERMSIG(status));
		code = EX_SOFTWARE;
	}
	if (out != -1) {
		free(c->reason);
		c->reason = code != 0 ? file_last_line(out) : NULL;
		close(out);
	}
	if (in != -1)
		close(in);
	for (i = 0; hidden[i] != NULL; i++)
		free(hidden[i]);
	free(hidden);
	return code;
}

/* The code that praic-tofs ended with; or 73, if it found the directory and it cannot be
 * written, which -n does not try. */
static int
writable(struct conf *c, const char *directory, int code)
{
	char *reason;

	if (code != 0 || faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0)
		return code;
	reason = xasprintf("%s: this user cannot write there: %s", directory, strerror(errno));
	if (c->quiet)
		c->reason = reason;
	else {
		msg_warn("%s", reason);
		free(reason);
	}
	return EX_CANTCREAT;
}

/* Run the row's filter with nothing to do.  settings: those of a trial of a row that
 * is not stored yet; then only a database is reached over the network. */
static int
ask(struct conf *c, const struct row *r, const char *settings)
{
	const char *const test = settings != NULL || c->quiet ? "--dry-run" : NULL;
	const char *const site[] = {
	    "praic-fetch", "-s", r->name, "check", settings != NULL ? "--dry-run" : NULL, NULL};
	/* The directory of a share that is not mounted is not a new destination. */
	const char *const existing = settings == NULL && r->kind != 0 &&
		db_number(c->db, "SELECT existing FROM destination WHERE id = ?1", "i", r->id) ==
		    1 ?
	    "--existing" :
	    NULL;
	const char *const sql[] = {"praic-tosql", "-D", r->name, "--dry-run", existing, NULL};
	const char *const fs[] = {
	    "praic-tofs", "-D", r->name, "--dry-run", "--list", existing, NULL};
	const char *const exec[] = {"sh", settings != NULL ? "-nc" : "-c",
	    r->kind == SETTINGS_EXEC ? row_value(r, "command") : NULL, NULL};
	const char *const mail[] = {"praic-mail", "--subject", "praic: a test", test, NULL};
	static const char text[] = "This is the test that praic-conf(1) sends.\n"
				   "Failures of transfers will be reported to this address.\n";

	if (r->kind == SETTINGS_FS)
		return writable(
		    c, row_value(r, "directory"), run(c, r, fs, empty_stream(), settings));
	if (r->thing->fields == settings_site_fields)
		return run(c, r, site, scratch("", 0), settings);
	if (r->thing->fields == settings_fields)
		return run(c, r, mail, scratch(text, strlen(text)), settings);
	return run(c, r, r->kind == SETTINGS_SQL ? sql : exec, empty_stream(), settings);
}

/* Run the filter of a row that is not stored yet, with a settings database that holds
 * this row alone and is removed afterwards. */
static int
try(struct conf *c, const struct row *r)
{
	char *folder = xasprintf("%s/praic-conf.XXXXXX", file_scratch_dir()), *path;
	struct settings *s = c->db, *trial;
	struct row all = *r;
	int code = EX_OSERR;

	if (mkdtemp(folder) == NULL) {
		msg_errno("temporary file in %s (TMPDIR)", file_scratch_dir());
		free(folder);
		return code;
	}
	path = xasprintf("%s/settings.db", folder);
	trial = settings_open(path, SETTINGS_CREATE, &code);
	if (trial != NULL) {
		all.id = 0;
		memset(all.was, 0, sizeof(all.was));
		c->db = trial;
		code = row_write(c, &all);
		c->db = s;
		settings_close(trial);
		code = code == 0 ? ask(c, r, path) : EX_OSERR;
	}
	unlink(path);
	rmdir(folder);
	free(path);
	free(folder);
	return code;
}

/* Refuse a row that can never work; warn of one that does not work now. */
static int
judge(const struct row *r, int code)
{
	const char *thing = r->thing->name;

	if (code == 0)
		return 0;
	if (code == EX_USAGE || code == EX_CONFIG) {
		msg_warn(
		    "%s %s: it cannot work with these values; nothing was changed", thing, r->name);
		return code;
	}
	msg_warn("%s %s: stored, though it %s; praic-conf %s test %s tries again", thing, r->name,
	    code == EX_OSERR ? "could not be tried because of a fault of this machine" :
			       "does not work now",
	    thing, r->name);
	return 0;
}

/* HOST or HOST:PORT: is the port from 1 to 65535? */
static int
is_port(const char *host)
{
	const char *colon = strrchr(host, ':');
	uint64_t port;

	if (colon == NULL || strchr(colon, ']') != NULL)
		return 1;
	return num_parse_count(colon + 1, strlen(colon + 1), 65535, &port) == 0 && port > 0;
}

/* Reduce a URL, as it is copied from a browser, to its host. */
static int
tidy_host(struct row *r)
{
	char *p = r->value[settings_field(r->thing->fields, "host") - r->thing->fields];
	char name[HOST_SIZE], *host = p;

	if (strncasecmp(p, "http://", 7) == 0) {
		msg_warn("site %s: host %s: praic uses https only", r->name, p);
		return EX_USAGE;
	}
	if (strncasecmp(p, "https://", 8) == 0) {
		p += 8;
		p[strcspn(p, "/?#")] = '\0';
		memmove(host, p, strlen(p) + 1);
	} else if (strchr(p, '/') != NULL && strchr(p, '/')[1] == '\0')
		*strchr(p, '/') = '\0';
	if (host_normalise(host, strlen(host), name) == 0 && strstr(name, "..") == NULL &&
	    is_port(host))
		return 0;
	msg_warn("site %s: host %s: give a name or address, and :PORT if need be", r->name, host);
	return EX_USAGE;
}

/* The name of the site in records: its host-name, or its host without the port. */
static void
record_name(const struct row *r, const char *(*value)(const struct row *, const char *),
    char out[HOST_SIZE])
{
	const char *name = value(r, "host-name");

	if (name == NULL)
		name = value(r, "host");
	if (host_normalise(name, strlen(name), out) == -1)
		*out = '\0';
}

int
ask_site(struct conf *c, struct row *r)
{
	char was[HOST_SIZE], is[HOST_SIZE];
	int code = tidy_host(r);

	if (code != 0 || (code = judge(r, try(c, r))) != 0 || r->fresh)
		return code;
	record_name(r, row_was, was);
	record_name(r, row_value, is);
	if (strcmp(was, is) != 0)
		msg_warn("site %s: its name in records is now %s: stored sessions that come again "
			 "are stored again under that name",
		    r->name, is);
	return 0;
}

int
ask_destination(struct conf *c, struct row *r)
{
	const char *connection, *password;
	char *secret;
	int code;

	if (r->kind == SETTINGS_EXEC) {
		/* Only the syntax of a command can be checked. */
		code = ask(c, r, "");
		return judge(r, code == 0 || code == EX_OSERR ? code : EX_USAGE);
	}
	connection = r->kind == SETTINGS_SQL ? row_value(r, "connection") : "/";
	password = row_value(r, "password");
	/* Perhaps only the service can follow the reference.  SQLite takes no password
	 * at all, which the filter says. */
	if (*connection != '/' && strncmp(connection, "sqlite:", 7) != 0 && password != NULL &&
	    strncmp(password, SETTINGS_PLAIN, strlen(SETTINGS_PLAIN)) != 0) {
		if ((secret = secret_get(password, "database password", &code)) == NULL)
			return judge(r, EX_UNAVAILABLE);
		secret_free(secret);
	}
	return judge(r, try(c, r));
}

int
ask_schedule(struct conf *c, struct row *r)
{
	int64_t period = strtoll(row_value(r, "every"), NULL, 10);

	(void)c;
	if (period % 60 != 0) {
		msg_warn(
		    "schedule %s: every=%llds: give whole minutes", r->name, (long long)period);
		return EX_USAGE;
	}
	if (row_value(r, "at") == NULL)
		return 0;
	if (period % 86400 != 0) {
		msg_warn("schedule %s: at= needs a period of whole days (every=1d to every=7d)",
		    r->name);
		return EX_USAGE;
	}
	return due_zone();
}

/* Check the mail settings once the needed ones are there. */
static int
ask_mail(struct conf *c, const struct row *r)
{
	int code = 0;

	if (row_value(r, "notify-server") != NULL && row_value(r, "notify-from") != NULL &&
	    row_value(r, "notify-to") != NULL)
		code = try(c, r);
	return code == EX_USAGE || code == EX_CONFIG ? code : 0;
}

int
ask_running(struct conf *c, struct row *r)
{
	if (!row_changed(r, "spool") || !settings_locked(c->db))
		return c->db->code;
	msg_warn("setting spool: a scheduler is running; stop it first");
	return EX_USAGE;
}

int
ask_settings(struct conf *c, struct row *r)
{
	const char *spool = row_value(r, "spool"), *logs = row_value(r, "log-directory");
	int64_t sweep, retention;
	int code = 0;

	if (spool == NULL || logs == NULL) {
		msg_warn("setting %s: the scheduler needs it",
		    spool == NULL ? "spool" : "log-directory");
		return EX_USAGE;
	}
	sweep = settings_number(c->db, "sweep-days");
	retention = settings_number(c->db, "retention-days");
	if (c->db->code != 0)
		return c->db->code;
	if (sweep > retention) {
		msg_warn("setting sweep-days %lld: it must not be more than retention-days, %lld",
		    (long long)sweep, (long long)retention);
		return EX_USAGE;
	}
	if (row_changed(r, "spool"))
		code = spool_use(c, spool);
	if (code == 0 && row_changed(r, "log-directory") && file_make_dirs(logs) == -1) {
		msg_errno("setting log-directory: %s", logs);
		code = EX_CANTCREAT;
	}
	return code == 0 ? ask_mail(c, r) : code;
}

/* Test a site or a destination; without a name, the mail settings. */
int
conf_test(struct conf *c, int argc, char **argv)
{
	struct row r;
	int code = row_load(c, argc > 0 ? argv[0] : "", &r);

	if (code == 0)
		code = ask(c, &r, NULL);
	if (code == 0 && !c->quiet && r.thing->fields != settings_site_fields)
		printf("%s: ok\n", argc > 0 ? r.name : "sent");
	row_free(&r);
	return code;
}

static int
has_mail(struct conf *c)
{
	return db_number(c->db,
		   "SELECT count(*) FROM setting WHERE name IN ('notify-server', 'notify-from', "
		   "'notify-to')",
		   "") == 3;
}

int
test_mail(struct conf *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	c->thing = thing_find("setting");
	if (has_mail(c))
		return conf_test(c, 0, NULL);
	msg_warn("no mail is sent: notify-server, notify-from and notify-to are needed "
		 "(praic-conf setting set)");
	return EX_CONFIG;
}

static int
result(struct conf *c, struct show *s, const char *what, const char *name, int code)
{
	const char *reason = c->reason;
	char number[NUM_SIZE];

	show_cell(s, "what", SETTINGS_TEXT, what);
	show_cell(s, "name", SETTINGS_TEXT, name);
	show_cell(s, "result", SETTINGS_TEXT, code == 0 ? "ok" : "failed");
	num_format(code, number);
	show_cell(s, "code", SETTINGS_COUNT, number);
	/* Without the name of the filter. */
	if (reason != NULL && strncmp(reason, "praic-", 6) == 0 && strstr(reason, ": ") != NULL)
		reason = strstr(reason, ": ") + 2;
	show_cell(s, "reason", SETTINGS_TEXT, reason);
	show_end(s);
	free(c->reason);
	c->reason = NULL;
	return code;
}

static int
check_things(struct conf *c, struct show *s, const char *table, conf_do *test)
{
	char *sql = xasprintf("SELECT group_concat(name, char(10)) FROM"
			      " (SELECT name FROM %s ORDER BY name)",
	    table);
	char *names = db_text(c->db, sql, ""), *rest = names, *name;
	int code = 0;

	/* All names first: the filters open the database, too. */
	free(sql);
	c->thing = thing_find(table);
	while ((name = strsep(&rest, "\n")) != NULL)
		code = code_worse(code, result(c, s, table, name, test(c, 1, &name)));
	free(names);
	return code;
}

static int
test_schedule(struct conf *c, int argc, char **argv)
{
	struct row r;
	int code = row_load(c, argv[0], &r);

	(void)argc;
	if (code == 0 && (code = ask_schedule(c, &r)) != 0)
		c->reason = xstrdup("the time zone of its time of day is not known here");
	else if (code == 0 &&
	    db_number(c->db, "SELECT count(*) FROM transfer WHERE schedule_id = ?1", "i", r.id) ==
		0)
		c->reason = xstrdup("it has no transfers");
	row_free(&r);
	return code;
}

static int
check_directory(struct conf *c, struct show *s, const char *setting)
{
	char *path = settings_text(c->db, setting);

	if (path == NULL || access(path, R_OK | W_OK | X_OK) == -1)
		c->reason = path == NULL ? xstrdup("it is not set") :
					   xasprintf("%s: %s", path, strerror(errno));
	else if (strcmp(setting, "spool") == 0 &&
	    settings_spool_id(path) !=
		db_number(c->db, "SELECT value FROM setting WHERE name = 'spool-id'", ""))
		c->reason =
		    xasprintf("%s/id is not the spool-id of the settings: it is the spool of "
			      "another settings database, or one of the two was restored",
			path);
	free(path);
	return result(c, s, "setting", setting, c->reason != NULL ? EX_CONFIG : 0);
}

int
conf_check(struct conf *c, int argc, char **argv)
{
	struct show *s = show_new(c);
	int code;

	(void)argc;
	(void)argv;
	c->quiet = 1;
	code = check_directory(c, s, "spool");
	code = code_worse(code, check_directory(c, s, "log-directory"));
	code = code_worse(code, check_things(c, s, "site", conf_test));
	code = code_worse(code, check_things(c, s, "destination", conf_test));
	code = code_worse(code, check_things(c, s, "schedule", test_schedule));
	if (has_mail(c))
		code = code_worse(code, result(c, s, "setting", "notify", test_mail(c, 0, NULL)));
	show_print(s, SHOW_TABLE, NULL);
	return code;
}
