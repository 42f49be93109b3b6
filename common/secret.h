/*
 * Secrets come by reference, never as an argument, for arguments can be
 * read by everybody on the machine:
 *
 *	file:PATH	the first line of a file that only its owner may read
 *	env:NAME	an environment variable
 *	credential:NAME	a file of $CREDENTIALS_DIRECTORY (systemd.exec(5))
 */
#ifndef PRAIC_SECRET_H
#define PRAIC_SECRET_H

/* Bytes.  Nobody's password is longer; a wrong file may be. */
#define SECRET_MAX 4096

/*
 * The secret, or NULL after a message (*code says EX_CONFIG, EX_NOINPUT,
 * ...).  "what" names it in messages ("client secret").  It is made known
 * to msg_hide.  Free with secret_free.
 */
char *secret_get(const char *reference, const char *what, int *code);

/*
 * The whole of a file that only its owner may read, without a byte order mark
 * and line ends at its end.  It is not made known to msg_hide.
 */
char *secret_file(const char *path, const char *what, int *code);

/*
 * A reference to a secret that is in memory already: it was read from the
 * settings database.  It is made known to msg_hide; a copy, and what is
 * returned, stay until the program ends.
 */
const char *secret_hold(const char *secret);

/*
 * This process starts no other that might need its environment: what
 * secret_get reads there from now on is overwritten, and gone from
 * /proc/PID/environ.  It is kept for the next secret_get.
 */
void secret_take_env(void);

/* Overwrites, then frees.  NULL is fine. */
void secret_free(char *);

/* No core files, no ptrace by others: before a secret is in memory. */
void secret_guard(void);

#endif
