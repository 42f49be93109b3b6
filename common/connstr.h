/*
 * ADO.NET connection strings, as SQL Server's other clients take them:
 *
 *	Server=tcp:db1,1433;Database=BGSessions;User Id=praic;Password="a;b"
 *
 * Keys come in any case and have synonyms; the last of several counts; a
 * value in quotes may hold anything, its own quote doubled.  A key that is
 * not known here is refused, since nobody knows what leaving it out means.
 */
#ifndef PRAIC_CONNSTR_H
#define PRAIC_CONNSTR_H

#include <stddef.h>

/*
 * What a connection is, as praic-tosql -d and a destination's field have it:
 *
 *	[sqlite:]PATH	an SQLite database
 *	@FILE		a file that holds a connection string
 *	KEY=VALUE[;...]	a connection string, which has no password in it
 *
 * *target is the path, the file, or the string.
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
 * secret_get says, after a message that quotes no value.  connstr_free in both
 * cases.
 */
int connstr_parse(
    const char *text, size_t n, const char *name, const char *password, struct connstr *out);

/* Overwrites what was secret.  All zero is fine. */
void connstr_free(struct connstr *);

#endif
