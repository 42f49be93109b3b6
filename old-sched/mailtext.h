/*
 * A mail as text: header and body by RFC 5322, 2045 to 2047 and 3834, all
 * of it ASCII with lines of at most 76 characters and CRLF, so that any
 * server passes it on as it is.
 */
#ifndef PRAIC_SCHED_MAILTEXT_H
#define PRAIC_SCHED_MAILTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* "Name <user@host>", or the address alone. */
struct mail_address {
	char *name;    /* UTF-8, or NULL */
	char *address; /* user@host, ASCII */
};

/*
 * 0, or EX_USAGE after a message that says what is wrong with it.  What is
 * taken here cannot put anything of its own into a header or a command.
 */
int mail_address_parse(struct mail_address *, const char *text);
void mail_address_free(struct mail_address *);

struct mail_text {
	const struct mail_address *from;
	const struct mail_address *to;
	size_t tos;
	const char *subject; /* any bytes */
	const char *body;    /* any bytes, lines ended by LF or CRLF */
	size_t body_n;
	int64_t date;	/* UNIX seconds */
	const char *id; /* left half of the Message-ID, ASCII */
};

/* The mail, at the end of out. */
void mail_text(struct buf *out, const struct mail_text *);

#endif
