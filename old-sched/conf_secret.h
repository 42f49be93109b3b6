/* Secrets as people give them to praic-conf: never as an argument. */
#ifndef SCHED_CONF_SECRET_H
#define SCHED_CONF_SECRET_H

/*
 * What is to be stored for a secret: given a reference, that; given "-", the
 * secret that is asked for on a terminal (twice, without echo), or the next
 * line of standard input, marked as such.  Anything else is a secret that
 * everybody could have seen: refused.  0 and text for secret_free, or a code
 * after a message that calls it what ("site access: secret").
 */
int conf_secret(const char *what, const char *given, char **stored);

/* How a stored secret is shown: its reference, or "set". */
const char *conf_secret_shown(const char *stored);

#endif
