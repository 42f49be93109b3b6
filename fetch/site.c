/* A site and its settings: see fetch.h. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "code.h"
#include "fetch.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "when.h"

void
site_init(struct site *s)
{
	memset(s, 0, sizeof(*s));
	s->rate = 20;	  /* what an account is allowed */
	s->timeout = 300; /* recordings are rendered when they are asked for */
}

/* How a setting is read, and where it goes. */
enum form { TEXT, SPAN, COUNT, PRODUCT, TEXTS, PROXY, PIN };

static const struct setting {
	const char *name;
	enum form form;
	size_t offset;
} settings[] = {
    {"host", TEXT, offsetof(struct site, host)},
    {"name", TEXT, offsetof(struct site, name_given)},
    {"client-id", TEXT, offsetof(struct site, client_id)},
    {"secret", TEXT, offsetof(struct site, secret_ref)},
    {"ca-file", TEXT, offsetof(struct site, ca_file)},
    {"pin", PIN, offsetof(struct site, pin)},
    {"client-cert", TEXT, offsetof(struct site, cert)},
    {"client-key", TEXT, offsetof(struct site, key)},
    {"client-key-password", TEXT, offsetof(struct site, key_password_ref)},
    {"proxy", PROXY, offsetof(struct site, proxy)},
    {"proxy-user", TEXT, offsetof(struct site, proxy_user_ref)},
    {"backup-password", TEXT, offsetof(struct site, backup_password_ref)},
    {"product", PRODUCT, offsetof(struct site, rs)},
    {"nothing", TEXTS, offsetof(struct site, nothing)},
    {"expired", TEXTS, offsetof(struct site, expired)},
    {"rate", COUNT, offsetof(struct site, rate)},
    {"timeout", SPAN, offsetof(struct site, timeout)},
};

static int
wrong(const char *name, const char *value, const char *want)
{
	msg_warn("--%s %s: %s", name, value, want);
	return EX_USAGE;
}

/* Only hashes: a file of that name could be exchanged. */
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
set_proxy(struct site *s, const char *name, const char *value)
{
	static const char *const schemes[] = {
	    "http://", "https://", "socks5h://", "socks5://", NULL};
	int i;

	if (strcmp(value, "none") == 0) {
		s->proxy = "";
		return 0;
	}
	/* Not repeated: there may be a password in it. */
	if (strchr(value, '@') != NULL) {
		msg_warn("--%s: the user and password go into --proxy-user, by "
			 "reference",
		    name);
		return EX_USAGE;
	}
	for (i = 0; schemes[i] != NULL; i++)
		if (strncmp(value, schemes[i], strlen(schemes[i])) == 0) {
			s->proxy = value;
			return 0;
		}
	return wrong(name, value, "http://, https://, socks5h://HOST:PORT, or none");
}

int
site_set(struct site *s, const char *name, const char *value)
{
	const struct setting *set = NULL;
	struct site_texts *texts;
	uint64_t count;
	size_t i;
	char *at;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strcmp(settings[i].name, name) == 0)
			set = &settings[i];
	if (set == NULL)
		return -1;
	at = (char *)s + set->offset;
	switch (set->form) {
	case PIN:
		if (!is_pin(value))
			return wrong(name, value, "sha256//BASE64, several parted by ;");
		*(const char **)(void *)at = value;
		return 0;
	case TEXT:
		if (*value == '\0') {
			msg_warn("--%s: it is empty", name);
			return EX_USAGE;
		}
		*(const char **)(void *)at = value;
		return 0;
	case SPAN:
		if (when_parse_span(value, (int64_t *)(void *)at) == -1)
			return wrong(name, value, "a time such as 30s, 5m or 1h");
		return 0;
	case COUNT:
		if (num_parse_count(value, strlen(value), 1000000, &count) == -1)
			return wrong(name, value, "a number");
		*(int64_t *)(void *)at = (int64_t)count;
		return 0;
	case PRODUCT:
		if (strcmp(value, "pra") != 0 && strcmp(value, "rs") != 0)
			return wrong(name, value, "pra or rs");
		s->rs = *value == 'r';
		return 0;
	case TEXTS:
		texts = (struct site_texts *)(void *)at;
		if (texts->n == SITE_TEXTS)
			return wrong(name, value, "that is one too many");
		texts->text[texts->n++] = value;
		return 0;
	case PROXY:
		return set_proxy(s, name, value);
	}
	return -1;
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

	if (s->host == NULL)
		return missing("host");
	if (s->client_id == NULL)
		return missing("client-id");
	if (s->secret_ref == NULL)
		return missing("secret");
	if (host_normalise(s->host, strlen(s->host), s->name) == -1) {
		msg_warn("--host %s: give a name or address, with :PORT if need be, "
			 "not a URL",
		    s->host);
		return EX_USAGE;
	}
	if (name != NULL && host_normalise(name, strlen(name), s->name) == -1) {
		msg_warn("--name %s: that is no host name", name);
		return EX_USAGE;
	}
	/* It is the half before the colon of the Basic credentials. */
	if (strchr(s->client_id, ':') != NULL) {
		msg_warn("--client-id: there is a colon in it");
		return EX_USAGE;
	}
	if (s->key != NULL && s->cert == NULL)
		return missing("client-cert");
	free(s->url);
	s->url = xasprintf("https://%s", s->host);
	return 0;
}

static int
get(const char *ref, const char *what, char **out)
{
	int code = 0;

	if (ref != NULL)
		*out = secret_get(ref, what, &code);
	return code;
}

/* Base64 of "id:secret": whoever has it has the secret, so it is hidden. */
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
	return n == 32 && strspn(p, "0123456789abcdefABCDEF") >= n;
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
