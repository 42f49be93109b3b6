/*
 * Runs SQL on the server of a connection string and prints the rows, one per line:
 *
 *	mssql-query CONNECTION-STRING-FILE [CA-FILE] <sql
 *
 * Batches are separated by lines with GO.  Values are separated by TAB, with the
 * escapes \t \n \r \\; \N is NULL.  The lines "SLEEP n" and "HOLD file" between
 * batches wait for n seconds, or until the file is removed.  Exits with 1 if a batch
 * fails; its error goes to standard error.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sybfront.h>
#include <sybdb.h>

#include "buf.h"
#include "connstr.h"
#include "file.h"
#include "msg.h"

/* The default of all other clients: columns allow NULL unless declared otherwise. */
static const char options[] =
    "SET ANSI_NULLS ON; SET ANSI_NULL_DFLT_ON ON; SET ANSI_PADDING ON;\n"
    "SET ANSI_WARNINGS ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON;\n"
    "SET QUOTED_IDENTIFIER ON";

static int failed;

static int
on_error(DBPROCESS *p, int severity, int number, int os_number, char *text, char *os_text)
{
	(void)p;
	(void)severity;
	(void)os_number;
	(void)os_text;
	if (number != SYBESMSG)
		fprintf(stderr, "db-lib %d: %s\n", number, text);
	return INT_CANCEL;
}

static int
on_message(DBPROCESS *p, DBINT number, int state, int severity, char *text, char *server,
    char *procedure, int line)
{
	(void)p;
	(void)state;
	(void)server;
	(void)procedure;
	(void)line;
	if (severity > 10) {
		fprintf(stderr, "error %ld: %s\n", (long)number, text);
		failed = 1;
	}
	return 0;
}

static void
show(DBPROCESS *p, int column)
{
	const char *data = (const char *)dbdata(p, column);
	DBINT n = dbdatlen(p, column), i;
	char number[64];
	int type = dbcoltype(p, column);

	if (data == NULL) {
		fputs("\\N", stdout);
		return;
	}
	if (type != SYBCHAR && type != SYBVARCHAR && type != SYBTEXT && type != SYBNVARCHAR &&
	    type != SYBNTEXT) {
		n = dbconvert(
		    p, type, (const BYTE *)data, n, SYBCHAR, (BYTE *)number, sizeof(number));
		data = number;
	}
	for (i = 0; i < n; i++)
		switch (data[i]) {
		case '\t':
			fputs("\\t", stdout);
			break;
		case '\n':
			fputs("\\n", stdout);
			break;
		case '\r':
			fputs("\\r", stdout);
			break;
		case '\\':
			fputs("\\\\", stdout);
			break;
		default:
			putchar(data[i]);
		}
}

static void
run(DBPROCESS *p, struct buf *sql)
{
	RETCODE more;
	STATUS row;
	int i;

	if (sql->n == 0)
		return;
	dbfreebuf(p);
	if (dbcmd(p, buf_text(sql)) == FAIL || dbsqlexec(p) == FAIL)
		failed = 1;
	else {
		while ((more = dbresults(p)) == SUCCEED)
			while ((row = dbnextrow(p)) != NO_MORE_ROWS && row != FAIL) {
				for (i = 1; i <= dbnumcols(p); i++) {
					if (i > 1)
						putchar('\t');
					show(p, i);
				}
				putchar('\n');
			}
		failed |= more == FAIL;
	}
	dbcancel(p);
	fflush(stdout);
	buf_reset(sql);
}

static DBPROCESS *
log_in(const char *file, const char *ca)
{
	struct connstr c;
	struct buf text = {0};
	char chunk[4096], name[32];
	FILE *f = fopen(file, "r");
	int conf = file_scratch();
	LOGINREC *login;
	DBPROCESS *p;
	size_t n;

	if (f == NULL || conf == -1)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&text, chunk, n);
	fclose(f);
	if (connstr_parse(text.p, text.n, file, NULL, &c) != 0)
		return NULL;
	buf_reset(&text);
	buf_printf(&text,
	    "[test]\n\thost = %s\n\tport = %d\n\ttds version = 7.4\n"
	    "\tclient charset = UTF-8\n\ttext size = 2147483647\n\tencryption = %s\n",
	    c.host, c.port != 0 ? c.port : 1433, c.encrypt ? "require" : "request");
	if (ca != NULL)
		buf_printf(&text, "\tca file = %s\n", ca);
	if (file_write(conf, text.p, text.n) == -1 || lseek(conf, 0, SEEK_SET) == -1)
		return NULL;
	snprintf(name, sizeof(name), "/dev/fd/%d", conf);
	dbsetifile(name);
	login = dblogin();
	DBSETLUSER(login, c.user);
	DBSETLPWD(login, c.password);
	DBSETLAPP(login, "praic-test");
	if (c.database != NULL)
		DBSETLDBNAME(login, c.database);
	p = dbopen(login, "test");
	dbloginfree(login);
	connstr_free(&c);
	buf_free(&text);
	return p;
}

int
main(int argc, char **argv)
{
	struct buf sql = {0};
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	DBPROCESS *p;

	msg_start(argv[0]);
	if (argc < 2 || dbinit() == FAIL)
		return 64;
	dberrhandle(on_error);
	dbmsghandle(on_message);
	p = log_in(argv[1], argc > 2 ? argv[2] : NULL);
	if (p == NULL)
		return 1;
	buf_adds(&sql, options);
	run(p, &sql);
	while ((n = getline(&line, &room, stdin)) != -1) {
		if (strcmp(line, "GO\n") == 0)
			run(p, &sql);
		else if (strncmp(line, "SLEEP ", 6) == 0)
			sleep((unsigned)strtoul(line + 6, NULL, 10));
		else if (strncmp(line, "HOLD ", 5) == 0) {
			line[n - 1] = '\0';
			while (access(line + 5, F_OK) == 0)
				usleep(20000);
		} else
			buf_add(&sql, line, (size_t)n);
	}
	run(p, &sql);
	dbclose(p);
	dbexit();
	return failed;
}
