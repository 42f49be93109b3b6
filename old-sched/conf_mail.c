/* Mails by praic-mail: see conf_mail.h. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conf_mail.h"
#include "conf_run.h"
#include "secret.h"

#define PASSWORD "PRAIC_MAIL_PASSWORD"

static char *
text_of(struct settings *s, const char *name)
{
	char *value;

	return settings_text(s, name, &value) == 0 ? value : NULL;
}

int
conf_mail_wanted(struct settings *s)
{
	static const char *const needed[] = {"notify-server", "notify-from", "notify-to"};
	int wanted = 1;
	char *value;
	size_t i;

	for (i = 0; i < 3; i++) {
		value = text_of(s, needed[i]);
		wanted &= value != NULL;
		free(value);
	}
	return wanted;
}

/*
 * A password that is in memory goes to praic-mail by its environment, which
 * nobody else can read; any other reference is followed by praic-mail.
 */
static int
set_password(struct run *r, const char *reference)
{
	char *secret;
	int code = 0;

	if (strncmp(reference, "file:", 5) == 0 || strncmp(reference, "env:", 4) == 0 ||
	    strncmp(reference, "credential:", 11) == 0) {
		run_option(r, "--password", reference);
		return 0;
	}
	secret = secret_get(reference, "mail password", &code);
	if (secret == NULL)
		return code;
	if (setenv(PASSWORD, secret, 1) == -1)
		xnomem();
	secret_free(secret);
	run_option(r, "--password", "env:" PASSWORD);
	return 0;
}

/* Addresses are parted by commas, but not by those within quotes. */
static void
add_recipients(struct run *r, char *list)
{
	char *p = list, *start = list;
	int quoted = 0;

	for (;; p++) {
		if (*p == '"')
			quoted = !quoted;
		if (*p != '\0' && (*p != ',' || quoted))
			continue;
		if (p > start) {
			int last = *p == '\0';

			*p = '\0';
			run_option(r, "--to", start + strspn(start, " "));
			if (last)
				return;
		} else if (*p == '\0')
			return;
		start = p + 1;
	}
}

int
conf_mail_send(const char *subject, const char *text, int dry_run)
{
	struct run r;

	run_start(&r, "praic-mail");
	if (dry_run)
		run_add(&r, "--dry-run");
	r.quiet = dry_run;
	run_add(&r, "--settings");
	run_option(&r, "--subject", subject);
	return run_end(&r, text, strlen(text));
}

int
conf_mail_could(struct settings *s)
{
	static const char *const name[] = {"notify-server", "notify-port", "notify-tls",
	    "notify-ca-file", "notify-user", "notify-password", "notify-from", "notify-to"};
	enum { SERVER, PORT, TLS, CA, USER, SECRET, FROM, TO, VALUES };
	char *value[VALUES], *server;
	struct run r;
	int i, code = 0;

	for (i = 0; i < VALUES; i++)
		value[i] = text_of(s, name[i]);
	/* What is not set yet must not keep the others from being looked at. */
	if (value[SERVER] == NULL)
		value[SERVER] = xstrdup("localhost");
	if (value[FROM] == NULL)
		value[FROM] = xstrdup("praic@example.com");
	if (value[TO] == NULL)
		value[TO] = xstrdup("praic@example.com");
	server = value[PORT] == NULL ? xstrdup(value[SERVER]) :
				       xasprintf("%s:%s", value[SERVER], value[PORT]);
	run_start(&r, "praic-mail");
	run_add(&r, "--dry-run");
	r.quiet = 1;
	run_option(&r, "--server", server);
	run_option(&r, "--tls", value[TLS]);
	run_option(&r, "--from", value[FROM]);
	if (value[CA] != NULL)
		run_option(&r, "--ca-file", value[CA]);
	if (value[USER] != NULL)
		run_option(&r, "--user", value[USER]);
	if (value[USER] != NULL && value[SECRET] != NULL)
		code = set_password(&r, value[SECRET]);
	add_recipients(&r, value[TO]);
	if (code == 0)
		code = run_end(&r, "", 0);
	unsetenv(PASSWORD);
	for (i = 0; i < VALUES; i++)
		free(value[i]);
	free(server);
	return code;
}
