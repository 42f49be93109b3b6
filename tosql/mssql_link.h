/*
 * One connection to SQL Server, by FreeTDS's db-lib: opened as a connection
 * string says, encrypted and verified; statements run under a name, so that
 * messages can say what was being done; and every failure sorted by what is
 * to be done about it.
 *
 * db-lib keeps its handlers for all connections together: there is one
 * connection at a time.
 */
#ifndef TOSQL_MSSQL_LINK_H
#define TOSQL_MSSQL_LINK_H

#include <stdint.h>

#include <sybfront.h>
#include <sybdb.h>

#include "buf.h"
#include "connstr.h"

enum link_failure {
	LINK_WELL,
	LINK_DATA,  /* the server does not take what was sent */
	LINK_AGAIN, /* a deadlock or the like: the same once more */
	LINK_LOST,  /* the connection is gone: another one, the same once more */
	LINK_FINAL  /* neither: the code says why */
};

struct link {
	const struct connstr *c;
	const char *name; /* host/database, for messages */
	int timeout;	  /* seconds to wait for a lock */
	const char *ca_file;
	int conf; /* our freetds.conf */
	char *conf_name;
	DBPROCESS *p; /* NULL: not connected */

	/* of the last failure */
	enum link_failure failure;
	int code;   /* exit code, if it cannot be mended */
	int number; /* the server's, or db-lib's */
	int severity;
	int in_trigger;	 /* what runs within a statement of ours */
	struct buf text; /* what was being done, and what was said */
};

#define LINK_NULL INT64_MIN

/*
 * Not connected yet.  c, name and ca_file are kept; it may be NULL: the system's.
 * 0, or a code after a message.
 */
int link_init(
    struct link *, const struct connstr *c, const char *name, const char *ca_file, int timeout);
void link_free(struct link *);

/* Connect, verify, set the session's options.  0, or -1 and the failure. */
int link_connect(struct link *);
void link_disconnect(struct link *);

/*
 * Run a batch of statements.  what says what it does ("inserting users").
 * row, if not NULL, is given each row of the results, as numbers (LINK_NULL
 * for NULL).  *count, if not NULL, is how many rows the last statement
 * changed, or -1.  0, or -1 and the failure.
 */
int link_run(struct link *, const char *what, const char *sql,
    void (*row)(void *arg, const int64_t *v, int n), void *arg, int64_t *count);

/*
 * Before db-lib calls other than link_run's: forgets the last failure, and
 * watches over them until link_end.  link_moves says that they get on.
 */
void link_begin(struct link *);
void link_moves(void);
void link_end(void);
/* Note the failure of one of them.  Returns -1. */
int link_failed(struct link *, const char *what);
/* mssql_error.c: failure and code from number and severity; what may help, or
 * NULL. */
const char *link_sort(struct link *);
/* mssql_browser.c: the port of a named instance.  0, or -1 and the failure. */
int link_browse(struct link *, int *port);
/* mssql_probe.c: what is wrong with its TLS; nothing if nothing is. */
void link_probe(const struct link *, int port, struct buf *why);
/* Is it db-lib's number, not the server's? */
int link_is_dblib(int number);
/* Note a failure of another kind.  Returns -1. */
int link_refuse(struct link *, enum link_failure, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
