/*
 * Everybody on the machine can read arguments, so a secret is given by reference:
 *
 *	file:PATH	the first line of a file that only its owner may read
 *	env:NAME	an environment variable
 *	credential:NAME	a file of $CREDENTIALS_DIRECTORY (systemd.exec(5))
 */
#ifndef PRAIC_SECRET_H
#define PRAIC_SECRET_H

/* Bytes.  A longer text is a wrong file rather than a password. */
#define SECRET_MAX 4096

/*
 * The secret, or NULL after a message (*code says EX_CONFIG, EX_NOINPUT,
 * ...).  "what" names it in messages ("client secret").  It is given to
 * msg_hide.  Free with secret_free.
 */
char *secret_get(const char *reference, const char *what, int *code);

/*
 * All of a file that only its owner may read, without a byte order mark and final line
 * ends.  It is not given to msg_hide.
 */
char *secret_file(const char *path, const char *what, int *code);

/*
 * A reference to a secret that is in memory already, from the settings database.  The
 * secret is copied and given to msg_hide; the result stays valid until the program
 * ends.
 */
const char *secret_hold(const char *secret);

/*
 * For a process that starts no other one with its environment: from now on secret_get
 * moves secrets from the environment (and /proc/PID/environ) into memory.
 */
void secret_take_env(void);

/* Overwrites, then frees.  NULL is fine. */
void secret_free(char *);

/* Forbid core files and ptrace by others.  Call it before a secret is in memory. */
void secret_guard(void);

#endif
