/* Mails by praic-mail(1), as the notify- settings say. */
#ifndef SCHED_CONF_MAIL_H
#define SCHED_CONF_MAIL_H

#include "settings.h"

/* Are server, sender and recipients set? */
int conf_mail_wanted(struct settings *);
/* Send one, or only see whether it could be sent.  praic-mail's exit code. */
int conf_mail(struct settings *, const char *subject, const char *text, int dry_run);

#endif
