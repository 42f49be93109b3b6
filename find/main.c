/*
 * praic-find: what was typed, said, opened and moved, by its words, in a store
 * of praic-tosql: praic-find(1).  Options, and the store; see find.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "find.h"
#include "msg.h"
#include "when.h"

#define STORE_APPLICATION_ID 0x50527374 /* PRst: praic-storage(5) */

enum { HELP = 256, VERSION, SINCE, UNTIL, INDEX };

static const struct option long_option[] = {
    {"database", required_argument, NULL, 'd'},
    {"endpoint", required_argument, NULL, 'e'},
    {"index", required_argument, NULL, INDEX},
    {"list", no_argument, NULL, 'l'},
    {"since", required_argument, NULL, SINCE},
    {"type", required_argument, NULL, 't'},
    {"until", required_argument, NULL, UNTIL},
    {"user", required_argument, NULL, 'u'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

static void __attribute__((noreturn)) usage(int code)
{
	fputs("usage: praic-find -d FILE [-lv] [-u USER] [-e ENDPOINT] [-t EVENT]\n"
	      "           [--since TIME] [--until TIME] [--index FILE] WORDS\n"
	      "Finds events by their words in a database of praic-tosql: see praic-find(1).\n"
	      "  -d, --database FILE      the SQLite file\n"
	      "  -u, --user USER          in sessions of this user; * and ? stand for any text\n"
	      "  -e, --endpoint ENDPOINT  on this endpoint; likewise\n"
	      "  -t, --type EVENT         events of this type; likewise\n"
	      "      --since TIME         from this time on\n"
	      "      --until TIME         before this time\n"
	      "  -l, --list               print the lsids of the sessions, each once\n"
	      "      --index FILE         where the index is, instead of FILE.find\n"
	      "  -v, --verbose            tell each step\n"
	      "      --help, --version\n"
	      "WORDS: words, \"phrases\", prefix*; AND, OR, NOT and parentheses\n",
	    code == 0 ? stdout : stderr);
	exit(code == 0 && fflush(stdout) == EOF ? EX_IOERR : code);
}

int
find_failed(sqlite3 *h, const char *path, const char *doing)
{
	const char *why = sqlite3_errmsg(h);

	switch (sqlite3_errcode(h)) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
		msg_warn("%s: %s: %s; try again later", path, doing, why);
		return EX_TEMPFAIL;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		msg_warn("%s: %s: %s: its folder must be writable, for what SQLite keeps beside it",
		    path, doing, why);
		return EX_CANTCREAT;
	case SQLITE_NOTADB:
		msg_warn("%s: this is no SQLite database", path);
		return EX_CONFIG;
	case SQLITE_CORRUPT:
		msg_warn("%s: %s: it is damaged (%s); an index may be removed, and is made anew",
		    path, doing, why);
		return EX_IOERR;
	default:
		msg_warn("%s: %s: %s", path, doing, why);
		return sqlite3_errcode(h) == SQLITE_ERROR ? EX_CONFIG : EX_IOERR;
	}
}

int
find_run(sqlite3 *h, const char *path, const char *sql)
{
	return sqlite3_exec(h, sql, NULL, NULL, NULL) == SQLITE_OK ?
	    0 :
	    find_failed(h, path, "writing to it");
}

int
find_ask(sqlite3 *h, const char *path, const char *sql, int64_t *answer)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(h, sql, -1, &q, NULL), code = 0;

	*answer = 0;
	if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW)
		*answer = sqlite3_column_int64(q, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = find_failed(h, path, "reading it");
	sqlite3_finalize(q);
	return code;
}

/* As the store has it. */
static char *
set_time(const char *option, const char *text)
{
	char *out = xmalloc(WHEN_SIZE);
	int64_t t;

	if (when_parse_user(text, (int64_t)time(NULL), &t) == -1) {
		msg_warn("%s %s: not a time; 2024-12-03, 2024-12-03T15:26, or a span back from now "
			 "such as 36h or 7d",
		    option, text);
		exit(EX_USAGE);
	}
	when_format(t, out);
	out[10] = ' ';
	out[19] = '\0';
	return out;
}

static void
set_options(struct find *f, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "d:e:lt:u:v", long_option, NULL)) != -1)
		switch (c) {
		case 'd':
			f->store_path = optarg;
			break;
		case 'e':
			f->endpoint = optarg;
			break;
		case 'l':
			f->sessions_only = 1;
			break;
		case 't':
			f->type = optarg;
			break;
		case 'u':
			f->user = optarg;
			break;
		case 'v':
			msg_level++;
			break;
		case SINCE:
			f->since = set_time("--since", optarg);
			break;
		case UNTIL:
			f->until = set_time("--until", optarg);
			break;
		case INDEX:
			f->index_path = optarg;
			break;
		case HELP:
			usage(0);
		case VERSION:
			puts("praic-find " PRAIC_VERSION);
			exit(fflush(stdout) == EOF ? EX_IOERR : 0);
		default:
			usage(EX_USAGE);
		}
	if (f->store_path == NULL || optind == argc)
		usage(EX_USAGE);
	while (optind < argc)
		words_add(&f->words, argv[optind++]);
}

static int
open_uri(struct find *f, const char *how)
{
	struct buf uri = {0};
	const char *p = f->store_path;
	int rc;

	buf_adds(&uri, *p == '/' ? "file://" : "file:./");
	for (; *p != '\0'; p++)
		if (strchr("%?#", *p) != NULL)
			buf_printf(&uri, "%%%02x", (unsigned char)*p);
		else
			buf_addc(&uri, *p);
	buf_adds(&uri, how);
	rc = sqlite3_open_v2(
	    buf_text(&uri), &f->store, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	buf_free(&uri);
	sqlite3_busy_timeout(f->store, 30000);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(f->store, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
	return rc;
}

/*
 * In a folder that is not writable SQLite cannot make the files beside the
 * store that readers and writers share.  So writers are kept out by the lock
 * that each praic-tosql takes before it writes.
 */
static int
open_alone(struct find *f)
{
	char *log = xasprintf("%s-wal", f->store_path);
	struct stat st;
	int rc = SQLITE_CANTOPEN;

	msg_tell(
	    1, "%s: its folder is not writable: praic-tosql waits until this ends", f->store_path);
	while (flock(f->store_fd, LOCK_SH) == -1 && errno == EINTR)
		;
	/* What a loader that died has left there must be read, too. */
	if (stat(log, &st) == -1 || st.st_size == 0) {
		sqlite3_close(f->store);
		rc = open_uri(f, "?immutable=1");
	}
	free(log);
	return rc;
}

static int
open_store(struct find *f)
{
	int64_t application = 0;
	int rc, code;

	if ((f->store_fd = open(f->store_path, O_RDONLY | O_CLOEXEC)) == -1) {
		msg_errno("%s", f->store_path);
		return EX_NOINPUT;
	}
	rc = open_uri(f, "");
	if (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY)
		rc = open_alone(f);
	if (rc != SQLITE_OK)
		return find_failed(f->store, f->store_path, "opening it");
	sqlite3_db_config(f->store, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(f->store, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	code = find_ask(f->store, f->store_path, "PRAGMA application_id", &application);
	if (code == 0 && application != STORE_APPLICATION_ID) {
		msg_warn("%s: this is no database of praic-tosql", f->store_path);
		code = EX_CONFIG;
	}
	return code;
}

/* A table in memory, for what FTS5 has to say of words and texts. */
static int
open_scratch(sqlite3 **scratch)
{
	if (sqlite3_open(":memory:", scratch) != SQLITE_OK)
		return find_failed(*scratch, "memory", "opening it");
	return find_run(
	    *scratch, "memory", "CREATE VIRTUAL TABLE shown USING fts5(text, " FIND_TOKENIZE ")");
}

int
main(int argc, char **argv)
{
	struct find f = {0};
	sqlite3 *scratch = NULL;
	char *beside;
	int code;

	msg_start(argv[0]);
	file_std_fds();
	/* A reader that has gone is a failed write, which has an exit code. */
	signal(SIGPIPE, SIG_IGN);
	set_options(&f, argc, argv);
	beside = xasprintf("%s.find", f.store_path);
	if (f.index_path == NULL)
		f.index_path = beside;
	if ((code = open_scratch(&scratch)) == 0 &&
	    (code = words_check(scratch, buf_text(&f.words))) == 0 &&
	    (code = open_store(&f)) == 0 && (code = index_open(&f)) == 0 &&
	    (code = index_update(&f)) == 0 && (code = index_match(&f)) == 0)
		code = show(&f, scratch);
	sqlite3_close(scratch);
	sqlite3_close(f.store);
	sqlite3_close(f.index);
	free(beside);
	free(f.since);
	free(f.until);
	buf_free(&f.words);
	return code;
}
