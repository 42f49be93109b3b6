/* Mails by praic-mail(1), as the notify- settings say. */
#ifndef SCHED_CONF_MAIL_H
#define SCHED_CONF_MAIL_H

#include "settings.h"

/* Are server, sender and recipients set? */
int conf_mail_wanted(struct settings *);
/*
 * Could one be sent, by settings that are not committed yet?  praic-mail is
 * asked.  Its exit code.
 */
int conf_mail_could(struct settings *);
/* Send one as praic-sched does, or (dry_run) only make it. */
int conf_mail_send(const char *subject, const char *text, int dry_run);

#endif
