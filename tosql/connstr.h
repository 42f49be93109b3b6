/*
 * ADO.NET connection strings, as SQL Server's other clients take them:
 *
 *	Server=tcp:db1,1433;Database=BGSessions;User Id=praic;Password="a;b"
 *
 * and those of ODBC and OLE DB.  Keywords come in any case, with blanks and
 * underscores or without; the last of several counts; a value in quotes may
 * hold anything, its own quote doubled.  A string with Driver is ODBC's,
 * where braces are the quotes.
 */
#ifndef TOSQL_CONNSTR_H
#define TOSQL_CONNSTR_H

#include <stddef.h>

/*
 * What a connection is, as praic-tosql -d and a destination's field have it:
 *
 *	[sqlite:]PATH	an SQLite database
 *	@FILE		a file that holds a connection string
 *	KEY=VALUE[;...]	a connection string, which has no password in it
 *
 * *target is the path, the file, or the string.  What looks like a connection
 * string of another kind (a URL, KEY: VALUE) is a string, too: connstr_parse
 * refuses it without showing it.
 */
enum connstr_kind { CONNSTR_SQLITE, CONNSTR_FILE, CONNSTR_TEXT };
enum connstr_kind connstr_kind(const char *connection, const char **target);

/* Does a connection string name a password itself? */
int connstr_has_password(const char *);

struct connstr {
	char *host;
	char *instance;	       /* or NULL */
	int port;	       /* 0: the instance's, or 1433 */
	char *database;	       /* NULL: the login's own */
	char *user, *password; /* NULL with integrated */
	char *application;     /* or NULL */
	int integrated;	       /* Kerberos */
	int encrypt;	       /* 1 unless switched off */
	int trust;	       /* any certificate will do */
	int timeout;	       /* seconds to connect; 15 unless set */
};

/*
 * n bytes of text; name, for messages, says where they are from.  password is
 * a reference (secret.h) to one that counts instead of the string's own, or
 * NULL.  The password is made known to msg_hide.  0; or EX_CONFIG, or what
 * secret_get says, after one message that names all that is wrong, and that
 * has nothing of the string in it but keywords.  connstr_free in both cases.
 */
int connstr_parse(
    const char *text, size_t n, const char *name, const char *password, struct connstr *out);

/* Overwrites what was secret.  All zero is fine. */
void connstr_free(struct connstr *);

#endif
