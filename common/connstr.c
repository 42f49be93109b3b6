/* ADO.NET connection strings: see connstr.h. */
#include <stdlib.h>
#include <strings.h>

#include "buf.h"
#include "code.h"
#include "connstr.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "utf8.h"

#define DEFAULT_TIMEOUT 15 /* as SqlClient has it */

enum key {
	SERVER,
	DATABASE,
	USER,
	PASSWORD,
	APPLICATION,
	INTEGRATED,
	ENCRYPT,
	TRUST,
	TIMEOUT,
	NO_MATTER /* speaks of pools and the like, which praic has not got */
};

static const struct {
	const char *name;
	enum key key;
} keys[] = {
    {"server", SERVER},
    {"data source", SERVER},
    {"address", SERVER},
    {"addr", SERVER},
    {"network address", SERVER},
    {"database", DATABASE},
    {"initial catalog", DATABASE},
    {"user id", USER},
    {"uid", USER},
    {"user", USER},
    {"password", PASSWORD},
    {"pwd", PASSWORD},
    {"application name", APPLICATION},
    {"app", APPLICATION},
    {"integrated security", INTEGRATED},
    {"trusted_connection", INTEGRATED},
    {"encrypt", ENCRYPT},
    {"trustservercertificate", TRUST},
    {"trust server certificate", TRUST},
    {"connect timeout", TIMEOUT},
    {"connection timeout", TIMEOUT},
    {"timeout", TIMEOUT},
    {"persist security info", NO_MATTER},
    {"persistsecurityinfo", NO_MATTER},
    {"pooling", NO_MATTER},
    {"min pool size", NO_MATTER},
    {"max pool size", NO_MATTER},
    {"multipleactiveresultsets", NO_MATTER},
    {"multiple active result sets", NO_MATTER},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

struct parser {
	const char *p, *end;
	const char *name;
	struct buf key, value;
	int quoted;	    /* the value is */
	int after_password; /* the last one was that, and not in quotes */
};

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_blanks(struct parser *s)
{
	while (s->p < s->end && is_blank(*s->p))
		s->p++;
}

static void
trim(struct buf *b)
{
	while (b->n > 0 && is_blank(b->p[b->n - 1]))
		b->n--;
}

/* What stands before a single '='; "==" is one that belongs to the key. */
static int
read_key(struct parser *s)
{
	buf_reset(&s->key);
	for (; s->p < s->end && *s->p != ';'; s->p++) {
		if (*s->p == '=' && s->p + 1 < s->end && s->p[1] == '=')
			s->p++;
		else if (*s->p == '=')
			break;
		buf_addc(&s->key, *s->p);
	}
	trim(&s->key);
	if (s->p == s->end || *s->p == ';') {
		msg_warn("%s: \"=\" is missing behind a key", s->name);
		return -1;
	}
	s->p++;
	if (s->key.n == 0) {
		msg_warn("%s: a value has no key", s->name);
		return -1;
	}
	return 0;
}

static int
read_quoted(struct parser *s)
{
	char quote = *s->p++;

	for (; s->p < s->end; s->p++) {
		if (*s->p == quote) {
			if (s->p + 1 == s->end || s->p[1] != quote)
				break;
			s->p++;
		}
		buf_addc(&s->value, *s->p);
	}
	if (s->p == s->end) {
		msg_warn("%s: the quote that begins the value of %s does not end", s->name,
		    buf_text(&s->key));
		return -1;
	}
	s->p++;
	skip_blanks(s);
	if (s->p < s->end && *s->p != ';') {
		msg_warn("%s: \";\" is missing behind the quoted value of %s", s->name,
		    buf_text(&s->key));
		return -1;
	}
	return 0;
}

static int
read_value(struct parser *s)
{
	buf_reset(&s->value);
	skip_blanks(s);
	s->quoted = s->p < s->end && (*s->p == '"' || *s->p == '\'');
	if (s->quoted)
		return read_quoted(s);
	for (; s->p < s->end && *s->p != ';'; s->p++)
		buf_addc(&s->value, *s->p);
	trim(&s->value);
	return 0;
}

static int
is(const char *text, const char *word)
{
	return strcasecmp(text, word) == 0;
}

static int
set_bool(const struct parser *s, const char *value, int *out)
{
	if (is(value, "true") || is(value, "yes"))
		*out = 1;
	else if (is(value, "false") || is(value, "no"))
		*out = 0;
	else {
		msg_warn("%s: the value of %s must be yes or no", s->name, s->key.p);
		return -1;
	}
	return 0;
}

static int
set_encrypt(const struct parser *s, const char *value, int *out)
{
	if (is(value, "mandatory"))
		*out = 1;
	else if (is(value, "optional"))
		*out = 0;
	else if (is(value, "strict")) {
		msg_warn("%s: Encrypt=Strict needs a newer FreeTDS than praic is built for; "
			 "Encrypt=Mandatory encrypts, too",
		    s->name);
		return -1;
	} else
		return set_bool(s, value, out);
	return 0;
}

static void
set_text(char **out, const char *value)
{
	free(*out);
	*out = *value == '\0' ? NULL : xstrdup(value);
}

/* [tcp:]host[\instance][,port] */
static int
set_server(const struct parser *s, const char *value, struct connstr *c)
{
	const char *colon = strchr(value, ':'), *comma, *slash, *end;
	uint64_t port;

	set_text(&c->host, "");
	set_text(&c->instance, "");
	c->port = 0;
	if (strncasecmp(value, "tcp:", 4) == 0)
		value += 4;
	else if (colon != NULL &&
	    (strncasecmp(value, "np:", 3) == 0 || strncasecmp(value, "lpc:", 4) == 0 ||
		strncasecmp(value, "admin:", 6) == 0)) {
		msg_warn("%s: the server is reached by TCP alone, not by \"%.*s\"", s->name,
		    (int)(colon - value) + 1, value);
		return -1;
	}
	comma = strrchr(value, ',');
	end = comma != NULL ? comma : value + strlen(value);
	if (comma != NULL) {
		for (comma++; is_blank(*comma); comma++)
			;
		if (num_parse_count(comma, strlen(comma), 65535, &port) == -1 || port == 0) {
			msg_warn("%s: what stands behind the comma of Server is no port", s->name);
			return -1;
		}
		c->port = (int)port;
	}
	while (end > value && is_blank(end[-1]))
		end--;
	slash = memchr(value, '\\', (size_t)(end - value));
	if (slash != NULL) {
		c->instance = xstrndup(slash + 1, (size_t)(end - slash) - 1);
		end = slash;
		/* The default instance has no name of its own to be asked for. */
		if (*c->instance == '\0' || is(c->instance, "MSSQLSERVER"))
			set_text(&c->instance, "");
	}
	if (*value == '[' && end - value > 2 && end[-1] == ']') {
		value++;
		end--;
	}
	c->host = xstrndup(value, (size_t)(end - value));
	if (is(c->host, ".") || is(c->host, "(local)"))
		set_text(&c->host, "localhost");
	return 0;
}

static int
set_timeout(const struct parser *s, const char *value, int *out)
{
	uint64_t seconds;

	/* 0 means for ever there; nothing waits for ever here. */
	if (num_parse_count(value, strlen(value), 3600, &seconds) == -1 || seconds == 0) {
		msg_warn("%s: the value of %s must be seconds, from 1 to 3600", s->name, s->key.p);
		return -1;
	}
	*out = (int)seconds;
	return 0;
}

static int
set(const struct parser *s, enum key key, struct connstr *c)
{
	const char *value = s->value.p;

	switch (key) {
	case SERVER:
		return set_server(s, value, c);
	case DATABASE:
		set_text(&c->database, value);
		return 0;
	case USER:
		set_text(&c->user, value);
		return 0;
	case PASSWORD:
		msg_hide(value);
		secret_free(c->password);
		c->password = xstrdup(value);
		return 0;
	case APPLICATION:
		set_text(&c->application, value);
		return 0;
	case INTEGRATED:
		if (is(value, "sspi")) {
			c->integrated = 1;
			return 0;
		}
		return set_bool(s, value, &c->integrated);
	case ENCRYPT:
		return set_encrypt(s, value, &c->encrypt);
	case TRUST:
		return set_bool(s, value, &c->trust);
	case TIMEOUT:
		return set_timeout(s, value, &c->timeout);
	case NO_MATTER:
		break;
	}
	return 0;
}

/* Of letters, blanks and underscores, as keys are and passwords are not. */
static int
looks_like_key(const char *p)
{
	for (; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == ' ' ||
			*p == '_'))
			return 0;
	return 1;
}

static int
parse_all(struct parser *s, struct connstr *c)
{
	size_t i;

	for (;;) {
		while (s->p < s->end && (is_blank(*s->p) || *s->p == ';'))
			s->p++;
		if (s->p == s->end)
			return 0;
		if (read_key(s) == -1 || read_value(s) == -1)
			return -1;
		buf_text(&s->key);
		buf_text(&s->value);
		for (i = 0; i < KEYS && !is(s->key.p, keys[i].name); i++)
			;
		if (i == KEYS && s->after_password && !looks_like_key(s->key.p)) {
			/* It may be the rest of the password: not a word of it. */
			msg_warn("%s: an unknown key behind the password; a password with \";\" "
				 "in it must stand in quotes",
			    s->name);
			return -1;
		}
		if (i == KEYS) {
			msg_warn("%s: unknown key \"%s\"", s->name, s->key.p);
			return -1;
		}
		if (set(s, keys[i].key, c) == -1)
			return -1;
		s->after_password = keys[i].key == PASSWORD && !s->quoted;
	}
}

static int
check(const struct parser *s, const char *password, struct connstr *c)
{
	int code;

	if (c->host == NULL || *c->host == '\0') {
		msg_warn("%s: Server is missing", s->name);
		return EX_CONFIG;
	}
	if (c->integrated) {
		/* As SqlClient does: who the process is decides. */
		set_text(&c->user, "");
		secret_free(c->password);
		c->password = NULL;
		return 0;
	}
	if (password != NULL) {
		secret_free(c->password);
		c->password = secret_get(password, "database password", &code);
		if (c->password == NULL)
			return code;
	}
	if (c->user == NULL || c->password == NULL) {
		msg_warn("%s: %s is missing, and Integrated Security is not asked for", s->name,
		    c->user == NULL ? "User Id" : "Password");
		return EX_CONFIG;
	}
	return 0;
}

enum connstr_kind
connstr_kind(const char *connection, const char **target)
{
	*target = connection;
	if (strncmp(connection, "sqlite:", 7) == 0) {
		*target += 7;
		return CONNSTR_SQLITE;
	}
	if (*connection == '@') {
		(*target)++;
		return CONNSTR_FILE;
	}
	/* A key is words of letters; a file's name may hold an = too, but hardly so. */
	for (; (*connection >= 'a' && *connection <= 'z') ||
	     (*connection >= 'A' && *connection <= 'Z') || strchr(" \t_", *connection) != NULL;
	     connection++)
		if (*connection == '\0')
			return CONNSTR_SQLITE;
	return *connection == '=' && connection > *target ? CONNSTR_TEXT : CONNSTR_SQLITE;
}

int
connstr_has_password(const char *p)
{
	size_t n;

	/* Quotes are not looked at: that finds too much, and never too little. */
	for (; *p != '\0'; p += n + (p[n] == ';')) {
		while (is_blank(*p) || *p == ';')
			p++;
		for (n = strcspn(p, "=;"); n > 0 && is_blank(p[n - 1]); n--)
			;
		if ((n == 8 && strncasecmp(p, "password", n) == 0) ||
		    (n == 3 && strncasecmp(p, "pwd", n) == 0))
			return 1;
		n = strcspn(p, ";");
	}
	return 0;
}

int
connstr_parse(
    const char *text, size_t n, const char *name, const char *password, struct connstr *out)
{
	struct parser s = {.p = text, .end = text + n, .name = name};
	int code = 0;

	memset(out, 0, sizeof(*out));
	out->encrypt = 1;
	out->timeout = DEFAULT_TIMEOUT;
	if (memchr(text, '\0', n) != NULL || utf8_valid(text, n) != n) {
		msg_warn("%s: a connection string is text in UTF-8", name);
		code = EX_CONFIG;
	}
	if (code == 0 && parse_all(&s, out) == -1)
		code = EX_CONFIG;
	if (code == 0)
		code = check(&s, password, out);
	if (s.value.p != NULL)
		explicit_bzero(s.value.p, s.value.cap);
	buf_free(&s.key);
	buf_free(&s.value);
	return code;
}

void
connstr_free(struct connstr *c)
{
	free(c->host);
	free(c->instance);
	free(c->database);
	free(c->user);
	free(c->application);
	secret_free(c->password);
	memset(c, 0, sizeof(*c));
}
