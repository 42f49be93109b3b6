/* A site and its settings: see fetch.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "code.h"
#include "fetch.h"
#include "msg.h"
#include "num.h"
#include "secret.h"

static int
wrong(const char *name, const char *value, const char *want)
{
	msg_warn("--%s %s: %s", name, value, want);
	return EX_USAGE;
}

/* libcurl would take a file's name, too; only hashes are allowed. */
static int
is_pin(const char *p)
{
	size_t n;

	for (;;) {
		if (strncmp(p, "sha256//", 8) != 0)
			return 0;
		p += 8;
		n = strcspn(p, ";");
		if (n != 44 || p[43] != '=')
			return 0;
		p += n;
		if (*p == '\0')
			return 1;
		p++;
	}
}

static int
check_proxy(struct site *s)
{
	static const char *const schemes[] = {
	    "http://", "https://", "socks5h://", "socks5://", NULL};
	int i;

	if (s->proxy == NULL)
		return 0;
	if (strcmp(s->proxy, "none") == 0) {
		s->proxy = "";
		return 0;
	}
	/* The value is not shown: it may hold a password. */
	if (strchr(s->proxy, '@') != NULL) {
		msg_warn("--proxy: the user and password go into --proxy-user, by reference");
		return EX_USAGE;
	}
	for (i = 0; schemes[i] != NULL; i++)
		if (strncmp(s->proxy, schemes[i], strlen(schemes[i])) == 0)
			return 0;
	return wrong("proxy", s->proxy, "http://, https://, socks5h://HOST:PORT, or none");
}

/* Check fields that are more than a text. */
static int
check_forms(struct site *s)
{
	const char *rate = s->rate_given, *product = s->product;
	uint64_t count;

	s->timeout = 300; /* recordings are rendered when they are asked for */
	if (s->timeout_given != NULL && when_parse_span(s->timeout_given, &s->timeout) == -1)
		return wrong("timeout", s->timeout_given, "a time such as 30s, 5m or 1h");
	s->rate = 20; /* what an account is allowed */
	if (rate != NULL) {
		if (num_parse_count(rate, strlen(rate), 1000000, &count) == -1)
			return wrong("rate", rate, "a number");
		s->rate = (int64_t)count;
	}
	s->rs = product != NULL && strcmp(product, "rs") == 0;
	if (product != NULL && !s->rs && strcmp(product, "pra") != 0)
		return wrong("product", product, "pra or rs");
	if (s->pin != NULL && !is_pin(s->pin))
		return wrong("set pin", s->pin, "sha256//BASE64, several parted by ;");
	return check_proxy(s);
}

static int
missing(const char *name)
{
	msg_warn("--%s is missing", name);
	return EX_USAGE;
}

int
site_check(struct site *s)
{
	const char *name = s->name_given;

	if (s->host == NULL || *s->host == '\0')
		return missing("host");
	if (s->client_id == NULL || *s->client_id == '\0')
		return missing("client-id");
	if (s->secret_ref == NULL || *s->secret_ref == '\0')
		return missing("secret");
	if (host_normalise(s->host, strlen(s->host), s->name) == -1) {
		msg_warn("--host %s: give a name or address, with :PORT if need be, "
			 "not a URL",
		    s->host);
		return EX_USAGE;
	}
	if (name != NULL && host_normalise(name, strlen(name), s->name) == -1) {
		msg_warn("--name %s: not a host name", name);
		return EX_USAGE;
	}
	/* In Basic credentials a colon ends the client id. */
	if (strchr(s->client_id, ':') != NULL) {
		msg_warn("--client-id: a client id has no colon");
		return EX_USAGE;
	}
	if (s->key != NULL && s->cert == NULL)
		return missing("client-cert");
	s->url = xasprintf("https://%s", s->host);
	return check_forms(s);
}

static int
get(const char *ref, const char *what, char **out)
{
	int code = 0;

	if (ref != NULL)
		*out = secret_get(ref, what, &code);
	return code;
}

/* Base64 of "id:secret", which is as secret as the secret. */
static char *
basic_of(const struct site *s)
{
	char *pair = xasprintf("%s:%s", s->client_id, s->secret);
	size_t n = strlen(pair);
	char *out = xmalloc(4 * ((n + 2) / 3) + 1);

	EVP_EncodeBlock((unsigned char *)out, (unsigned char *)pair, (int)n);
	secret_free(pair);
	msg_hide(out);
	return out;
}

int
site_secrets(struct site *s)
{
	int code;

	if ((code = get(s->secret_ref, "client secret", &s->secret)) != 0 ||
	    (code = get(s->key_password_ref, "password of the client key", &s->key_password)) !=
		0 ||
	    (code = get(s->proxy_user_ref, "proxy user", &s->proxy_user)) != 0 ||
	    (code = get(s->backup_password_ref, "backup password", &s->backup_password)) != 0)
		return code;
	s->basic = basic_of(s);
	return 0;
}

void
site_free(struct site *s)
{
	free(s->url);
	secret_free(s->secret);
	secret_free(s->key_password);
	secret_free(s->proxy_user);
	secret_free(s->backup_password);
	secret_free(s->basic);
}

int
site_is_lsid(const char *p, size_t n)
{
	size_t i;

	/* The vendor calls it alphanumeric; 32 hexadecimal digits have been seen. */
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)p[i]) && p[i] != '-' && p[i] != '_')
			return 0;
	return n > 0;
}

int
site_is_expired(const struct site *s, const char *text)
{
	size_t i;

	for (i = 0; i < s->expired.n; i++)
		if (strcmp(s->expired.text[i], text) == 0)
			return 1;
	return strcmp(text,
		   "This recording has expired and can no longer be viewed or downloaded.") == 0;
}
