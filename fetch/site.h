/*
 * A site: one appliance, the account to ask it with, and how to reach it.
 * One struct holds what the options say, and what the settings database
 * says, by name, so that both fill it the same way.
 */
#ifndef PRAIC_FETCH_SITE_H
#define PRAIC_FETCH_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "host.h"

#define SITE_TEXTS 64 /* of --nothing and --expired, each */

struct site_texts {
	const char *text[SITE_TEXTS];
	size_t n;
};

struct site {
	/* As they were given; kept, not copied. */
	const char *host;	/* may have a port */
	const char *name_given; /* --name, or NULL */
	const char *client_id;
	const char *secret_ref;
	const char *ca_file; /* NULL: the system's authorities */
	const char *pin;     /* sha256//...[;sha256//...] */
	const char *cert, *key, *key_password_ref;
	const char *proxy;	    /* NULL: the environment's; "": none */
	const char *proxy_user_ref; /* to "user:password" */
	const char *backup_password_ref;
	int rs; /* Remote Support: its report names */
	struct site_texts nothing, expired;

	/* Manners. */
	int64_t rate;	 /* requests a second; 0: no limit */
	int64_t timeout; /* seconds: for an answer, and for tries after a failure */

	/* Worked out by site_check and later. */
	char name[HOST_SIZE]; /* as the records have it */
	char *url;	      /* https://host:port, no final slash */
	char *secret, *key_password, *proxy_user, *backup_password;
	char *basic;	     /* of the token call; a secret, too */
	struct token *token; /* credentials.c's own */
	struct pace *pace;   /* call.c's own */
	long proxy_auth;     /* how the proxy is asked: call.c's own, too */
	int answered;	     /* the appliance has, with whatever */
	uint64_t received;   /* bytes of good answers' bodies */
	/* The appliance's clock, by its Date headers. */
	int64_t date;	 /* UNIX seconds; 0: not known yet */
	int64_t date_at; /* call_clock() then */
};

/* Defaults. */
void site_init(struct site *);

/*
 * Set one thing by the name of its option ("ca-file").  The value is kept.
 * 0; EX_USAGE after a message; -1 when there is no such name.
 */
int site_set(struct site *, const char *name, const char *value);

/*
 * Is it complete and sound?  0, or EX_USAGE or another code after a message.
 * Then read what is secret (site_secrets): into memory, and only there.
 */
int site_check(struct site *);
int site_secrets(struct site *);
void site_free(struct site *);

/* Does the appliance say with this text that it has deleted a recording? */
int site_is_expired(const struct site *, const char *text);

#endif
