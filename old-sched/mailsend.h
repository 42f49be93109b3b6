/* One mail to a server, by SMTP. */
#ifndef PRAIC_SCHED_MAILSEND_H
#define PRAIC_SCHED_MAILSEND_H

#include <stddef.h>

enum mail_tls {
	MAIL_STARTTLS, /* begins in clear; nothing is sent unless TLS follows */
	MAIL_TLS,      /* TLS from the first byte */
	MAIL_PLAIN
};

struct mail_server {
	const char *host; /* no port; an IPv6 address in brackets */
	int port;	  /* 0: 587, 465, 25 by the mode */
	enum mail_tls tls;
	const char *user; /* NULL: no login */
	const char *password;
	const char *ca_file; /* NULL: the system's authorities */
	const char *hello;   /* what this machine calls itself, or NULL */
	long timeout;	     /* of it all, in seconds */
};

/*
 * 0 when the server took the mail for every recipient; EX_DATAERR when it
 * did for some of them; EX_NOPERM when it refused login, sender, mail or all
 * recipients for good; EX_UNAVAILABLE or EX_TEMPFAIL when it may be tried
 * again; EX_CONFIG when it is not the server that was meant.  Every code but
 * 0 comes after a message.
 */
int mail_send(const struct mail_server *, const char *from, const char *const *to, size_t tos,
    const char *text, size_t n);

#endif
