/* Connection strings: see connstr.h. */
#include <stdarg.h>
#include <stdio.h>
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
/* 0 means for ever elsewhere; nothing waits for ever here. */
#define MOST_TIMEOUT 3600

#define ANOTHER_LOGIN "praic logs in with a password, or by Kerberos"
#define TCP_ALONE     "the server is reached by TCP alone"

enum use {
	SERVER,
	DATABASE,
	USER,
	PASSWORD,
	APPLICATION,
	INTEGRATED,
	ENCRYPT,
	TRUST,
	TIMEOUT,
	LIMITED, /* taken with these values, with which it changes nothing */
	IGNORED
};

/* Lists are parted by '|'; behind a last one is the empty value. */
static const struct keyword {
	enum use use;
	const char *names;
	const char *values, *reason; /* of LIMITED; NULL: with no value */
} keyword[] = {
    {SERVER, "Server|Data Source|Address|Addr|Network Address", NULL, NULL},
    {DATABASE, "Database|Initial Catalog", NULL, NULL},
    {USER, "User Id|UID|User", NULL, NULL},
    {PASSWORD, "Password|PWD", NULL, NULL},
    {APPLICATION, "Application Name|App", NULL, NULL},
    {INTEGRATED, "Integrated Security|Trusted_Connection", NULL, NULL},
    {ENCRYPT, "Encrypt|Use Encryption for Data", NULL, NULL},
    {TRUST, "Trust Server Certificate", NULL, NULL},
    {TIMEOUT, "Connect Timeout|Connection Timeout|Timeout|Login Timeout", NULL, NULL},
    {LIMITED, "Authentication", "SqlPassword|NotSpecified|",
	"praic logs in with User Id and Password, or by Kerberos with Integrated Security; not by "
	"Active Directory (Microsoft Entra ID)"},
    {LIMITED, "Application Intent", "ReadWrite|",
	"a replica that may only be read takes no sessions"},
    {LIMITED, "Network Library|Network|Net", "dbmssocn|tcp|tcp/ip|", TCP_ALONE},
    {LIMITED, "Column Encryption Setting|Column Encryption", "Disabled|",
	"Always Encrypted is not supported"},
    {LIMITED, "User Instance", "false|no|", "the server must run already"},
    {LIMITED, "Context Connection", "false|no|", "praic runs outside of the server"},
    {LIMITED, "Replication", "false|no|", "praic is no agent of replication"},
    {LIMITED, "Host Name In Certificate", "",
	"the certificate must be for the name in Server; give that name there"},
    {LIMITED, "Server Certificate", "",
	"--ca-file names what the server's certificate is verified by"},
    {LIMITED, "Client Certificate|Client Key|Access Token", "", ANOTHER_LOGIN},
    {LIMITED, "Server SPN", "", "Kerberos is asked for MSSQLSvc/HOST:PORT"},
    {LIMITED, "AttachDBFilename|Initial File Name", "",
	"have the database attached, and name it in Database"},
    {LIMITED, "DSN", NULL, "praic reads no odbc.ini: give Server and Database here"},
    {LIMITED, "FileDSN", NULL, "praic reads no file of ODBC: give Server and Database here"},
    {LIMITED, "Port", NULL, "the port belongs into Server: HOST,PORT"},
    {LIMITED, "Server Name", NULL, "the keyword is Server"},
    {LIMITED, "Database Name", NULL, "the keyword is Database"},
    {LIMITED, "User Name", NULL, "the keyword is User Id"},
    /* Pools, how statements are sent and results read, where to go when the server
     * is down, and what other drivers want to know. */
    {IGNORED,
	"AnsiNPW|Async|Asynchronous Processing|Attestation Protocol|Auto Translate|Client Charset|"
	"Command Timeout|Connect Retry Count|Connect Retry Interval|Connection Lifetime|"
	"Connection Reset|Current Language|Data Type Compatibility|Description|Driver|"
	"Enclave Attestation Url|Enlist|Extended Properties|Failover Partner|Failover Partner SPN|"
	"General Timeout|Get Data Extensions|IP Address Preference|Keep Alive|Keep Alive Interval|"
	"Language|Load Balance Timeout|Locale Identifier|Long As Max|MARS Conn|MARS Connection|"
	"Max Pool Size|Min Pool Size|Multi Subnet Failover|Multiple Active Result Sets|"
	"OLE DB Services|Packet Size|Persist Security Info|Persist Sensitive|Pool Blocking Period|"
	"Pooling|Prompt|Provider|QueryLog_On|QueryLogFile|QueryLogTime|Quoted Id|Regional|"
	"Retry Exec|Save File|StatsLog_On|StatsLogFile|"
	"Tag with Column Collation When Possible|TDS Version|Transaction Binding|"
	"Transparent Network IP Resolution|Type System Version|Use FMTONLY|"
	"Use Proc for Prepare|Use Procedure for Prepare|Workstation ID|WSID",
	NULL, NULL},
};

struct parser {
	const char *p, *end;
	int odbc; /* braces are quotes, and quotes are none */
	struct buf key, value;
	const struct keyword *keyword; /* NULL: praic does not know it */
	char shown[48];		       /* the keyword, for messages */
	int quoted;		       /* the value is */
	struct buf wrong;	       /* all that is refused, and why */
};

/* One more reason.  Returns -1. */
static int __attribute__((format(printf, 2, 3))) refuse(struct parser *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(&s->wrong, "%s%s", s->wrong.n > 0 ? "; " : "", text);
	return -1;
}

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

/* Are n bytes this word, but for case, blanks and underscores?  p may be NULL if n is 0. */
static int
same(const char *p, size_t n, const char *word)
{
	const char *end;

	if (n == 0)
		p = "";
	end = p + n;
	for (;; p++, word++) {
		while (p < end && (is_blank(*p) || *p == '_'))
			p++;
		while (*word == ' ' || *word == '_')
			word++;
		if (p == end || *word == '\0')
			return p == end && *word == '\0';
		if (strncasecmp(p, word, 1) != 0)
			return 0;
	}
}

static int
is(const char *text, const char *word)
{
	return same(text, strlen(text), word);
}

/* The word of a list that n bytes are, or NULL. */
static const char *
find_in(const char *list, const char *p, size_t n)
{
	char word[48];
	size_t length;

	for (;; list += length + 1) {
		length = strcspn(list, "|");
		snprintf(word, sizeof(word), "%.*s", (int)length, list);
		if (same(p, n, word))
			return list;
		if (list[length] == '\0')
			return NULL;
	}
}

static int
is_one_of(const char *value, const char *list)
{
	return find_in(list, value, strlen(value)) != NULL;
}

/* Which keyword is it?  NULL: none. */
static const struct keyword *
find(const char *p, size_t n, char shown[48])
{
	const char *name;
	size_t i;

	for (i = 0; i < sizeof(keyword) / sizeof(keyword[0]); i++)
		if ((name = find_in(keyword[i].names, p, n)) != NULL) {
			snprintf(shown, 48, "%.*s", (int)strcspn(name, "|"), name);
			return &keyword[i];
		}
	strcpy(shown, "an unknown keyword");
	return NULL;
}

/* The keyword and its '='. */
static int
read_key(struct parser *s, int part)
{
	const char *colon;

	buf_reset(&s->key);
	for (; s->p < s->end && *s->p != ';' && *s->p != '='; s->p++)
		buf_addc(&s->key, *s->p);
	trim(&s->key);
	colon = s->key.n > 0 ? memchr(s->key.p, ':', s->key.n) : NULL;
	if (colon != NULL && find(s->key.p, (size_t)(colon - s->key.p), s->shown) != NULL)
		return refuse(s, "\"=\", not \":\", must follow %s", s->shown);
	s->keyword = find(s->key.p, s->key.n, s->shown);
	if (s->p == s->end || *s->p == ';')
		return s->keyword != NULL ? refuse(s, "\"=\" is missing behind %s", s->shown) :
					    refuse(s, "part %d has no \"=\"", part);
	s->p++;
	return s->key.n > 0 ? 0 : refuse(s, "part %d has no keyword", part);
}

static int
read_quoted(struct parser *s, char quote)
{
	for (s->p++; s->p < s->end; s->p++) {
		if (*s->p == quote) {
			if (s->p + 1 == s->end || s->p[1] != quote)
				break;
			s->p++;
		}
		buf_addc(&s->value, *s->p);
	}
	if (s->p == s->end)
		return refuse(s, "the quote that begins the value of %s does not end", s->shown);
	s->p++;
	skip_blanks(s);
	if (s->p < s->end && *s->p != ';')
		return refuse(s, "\";\" is missing behind the quoted value of %s", s->shown);
	return 0;
}

static int
read_value(struct parser *s)
{
	buf_reset(&s->value);
	skip_blanks(s);
	s->quoted = s->p < s->end && (s->odbc ? *s->p == '{' : *s->p == '"' || *s->p == '\'');
	if (s->quoted)
		return read_quoted(s, *s->p == '{' ? '}' : *s->p);
	for (; s->p < s->end && *s->p != ';'; s->p++)
		buf_addc(&s->value, *s->p);
	trim(&s->value);
	return 0;
}

static int
set_bool(struct parser *s, const char *value, int *out)
{
	if (is_one_of(value, "true|yes|1"))
		*out = 1;
	else if (is_one_of(value, "false|no|0"))
		*out = 0;
	else
		return refuse(s, "the value of %s must be yes or no", s->shown);
	return 0;
}

static void
set_text(char **out, const char *value)
{
	free(*out);
	*out = *value == '\0' ? NULL : xstrdup(value);
}

/* What Server may name besides a host, and why it cannot be reached. */
static int
refuse_other_ways(struct parser *s, const char *value)
{
	const char *colon;

	if (strncmp(value, "\\\\", 2) == 0 || strncasecmp(value, "np:", 3) == 0)
		return refuse(
		    s, "%s is a named pipe: the server is reached by TCP alone", s->shown);
	if (strncasecmp(value, "(localdb)", 9) == 0)
		return refuse(s,
		    "%s is a LocalDB, which only programs of its own user on its own Windows can "
		    "reach",
		    s->shown);
	if (strncasecmp(value, "lpc:", 4) == 0 || strncasecmp(value, "admin:", 6) == 0)
		return refuse(
		    s, "%s: the server is reached by TCP alone, not by lpc: or admin:", s->shown);
	colon = strchr(value, ':');
	if (colon != NULL && strncmp(colon, "://", 3) == 0)
		return refuse(s, "%s is a URL: give HOST or HOST,PORT", s->shown);
	if (colon != NULL && *value != '[' && strchr(colon + 1, ':') == NULL)
		return refuse(s, "%s: the port stands behind a comma: HOST,PORT", s->shown);
	return 0;
}

/* [tcp:]host[\instance][,port] */
static int
set_server(struct parser *s, const char *value, struct connstr *c)
{
	const char *comma, *slash, *end;
	uint64_t port;

	set_text(&c->host, "");
	set_text(&c->instance, "");
	c->port = 0;
	if (strncasecmp(value, "tcp:", 4) == 0)
		value += 4;
	while (is_blank(*value))
		value++;
	if (refuse_other_ways(s, value) == -1)
		return -1;
	comma = strrchr(value, ',');
	end = comma != NULL ? comma : value + strlen(value);
	if (comma != NULL) {
		for (comma++; is_blank(*comma); comma++)
			;
		if (num_parse_count(comma, strlen(comma), 65535, &port) == -1 || port == 0)
			return refuse(s, "what stands behind the comma of %s is no port", s->shown);
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
	if (c->instance != NULL && strchr(c->instance, '\\') != NULL)
		return refuse(
		    s, "%s: one backslash stands before the instance: HOST\\INSTANCE", s->shown);
	if (*value == '[' && end - value > 2 && end[-1] == ']') {
		value++;
		end--;
	}
	c->host = xstrndup(value, (size_t)(end - value));
	if (is(c->host, ".") || is(c->host, "(local)"))
		set_text(&c->host, "localhost");
	if (c->host != NULL && strpbrk(c->host, " \t\r\n/@") != NULL)
		return refuse(s, "%s has no name of a host", s->shown);
	return 0;
}

static int
set_encrypt(struct parser *s, const char *value, int *out)
{
	if (is(value, "strict"))
		return refuse(s,
		    "Encrypt=Strict needs a newer FreeTDS than praic is built for; "
		    "Encrypt=Mandatory encrypts, too");
	if (!is_one_of(value, "mandatory|optional"))
		return set_bool(s, value, out);
	*out = is(value, "mandatory");
	return 0;
}

static int
set_timeout(struct parser *s, const char *value, int *out)
{
	uint64_t seconds;

	if (num_parse_count(value, strlen(value), INT32_MAX, &seconds) == -1)
		return refuse(s, "the value of %s must be seconds", s->shown);
	*out = seconds == 0 || seconds > MOST_TIMEOUT ? MOST_TIMEOUT : (int)seconds;
	return 0;
}

static void
set(struct parser *s, struct connstr *c)
{
	const struct keyword *k = s->keyword;
	const char *value = buf_text(&s->value);

	if (k == NULL)
		return;
	if (k->use < LIMITED && k->use != PASSWORD && !s->quoted &&
	    strpbrk(value, "=\r\n") != NULL) {
		refuse(s,
		    "the value of %s goes on behind a line end or with \"=\": \";\" is missing, or "
		    "it must be in quotes",
		    s->shown);
		return;
	}
	switch (k->use) {
	case SERVER:
		set_server(s, value, c);
		break;
	case DATABASE:
		set_text(&c->database, value);
		break;
	case USER:
		set_text(&c->user, value);
		break;
	case PASSWORD:
		msg_hide(value);
		secret_free(c->password);
		c->password = xstrdup(value);
		break;
	case APPLICATION:
		set_text(&c->application, value);
		break;
	case INTEGRATED:
		if (is(value, "sspi"))
			c->integrated = 1;
		else
			set_bool(s, value, &c->integrated);
		break;
	case ENCRYPT:
		set_encrypt(s, value, &c->encrypt);
		break;
	case TRUST:
		set_bool(s, value, &c->trust);
		break;
	case TIMEOUT:
		set_timeout(s, value, &c->timeout);
		break;
	case LIMITED:
		if (k->values == NULL || !is_one_of(value, k->values))
			refuse(s, "%s: %s", s->shown, k->reason);
		break;
	case IGNORED:
		break;
	}
}

static void
parse_all(struct parser *s, struct connstr *c)
{
	char before[64] = "";	/* the last keyword */
	int part, unquoted = 0; /* it was a password without quotes */

	for (part = 1;; part++) {
		while (s->p < s->end && (is_blank(*s->p) || *s->p == ';'))
			s->p++;
		if (s->p == s->end || read_key(s, part) == -1)
			return;
		if (s->keyword == NULL) /* It may be the rest of a password. */
			refuse(s, "part %d%s is no keyword that praic knows%s", part, before,
			    unquoted ? " (a password with \";\" in it must be in quotes)" : "");
		else
			snprintf(before, sizeof(before), ", behind %s,", s->shown);
		if (read_value(s) == -1)
			return;
		set(s, c);
		unquoted =
		    !s->quoted && (unquoted || (s->keyword != NULL && s->keyword->use == PASSWORD));
	}
}

/* Who logs in, and where.  0, or what secret_get says. */
static int
check(struct parser *s, const char *password, struct connstr *c)
{
	int code = 0;

	if (s->wrong.n == 0 && (c->host == NULL || *c->host == '\0'))
		refuse(s, "Server is missing");
	if (c->integrated) {
		/* As SqlClient does: User Id and Password do not count. */
		set_text(&c->user, "");
		secret_free(c->password);
		c->password = NULL;
		return 0;
	}
	if (password != NULL && s->wrong.n == 0) {
		secret_free(c->password);
		c->password = secret_get(password, "database password", &code);
		if (c->password == NULL)
			return code;
	}
	if (s->wrong.n == 0 && (c->user == NULL || c->password == NULL))
		refuse(s, "%s is missing, and Integrated Security is not asked for",
		    c->user == NULL ? "User Id" : "Password");
	return 0;
}

/* NULL, or what it is instead of a connection string. */
static const char *
other_kind(const char *p, size_t n)
{
	int quoted = 0;
	size_t i;

	for (; n > 0 && (is_blank(*p) || *p == '"' || *p == '\''); p++, n--)
		quoted |= !is_blank(*p);
	if (n >= 5 && strncasecmp(p, "jdbc:", 5) == 0)
		return "a JDBC URL";
	for (i = 0; i < n && strchr("=;: ", p[i]) == NULL; i++)
		;
	if (i > 0 && n - i >= 3 && strncmp(p + i, "://", 3) == 0)
		return "a URL";
	return quoted ? "in quotes" : NULL;
}

enum connstr_kind
connstr_kind(const char *connection, const char **target)
{
	const char *p = connection;
	char shown[48];

	*target = connection;
	if (strncmp(connection, "sqlite:", 7) == 0) {
		*target += 7;
		return CONNSTR_SQLITE;
	}
	if (*connection == '@') {
		(*target)++;
		return CONNSTR_FILE;
	}
	if (*p == '/' || *p == '.')
		return CONNSTR_SQLITE;
	/* A keyword is words of letters; a file's name may hold a = too, but
	 * hardly so. */
	while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || is_blank(*p) || *p == '_')
		p++;
	return *p == '=' ||
		(*p == ':' && find(connection, (size_t)(p - connection), shown) != NULL) ||
		(strchr(p, ';') != NULL && strchr(p, '=') != NULL) ||
		other_kind(connection, strlen(connection)) != NULL ?
	    CONNSTR_TEXT :
	    CONNSTR_SQLITE;
}

/* Has the string one of these keywords?  Quotes are not looked at: that finds too
 * much, and never too little. */
static int
has_key(const char *p, const char *end, const char *names)
{
	const char *stop;

	for (; p < end; p = stop + 1) {
		for (stop = p; stop < end && strchr("=:;", *stop) == NULL; stop++)
			;
		if (find_in(names, p, (size_t)(stop - p)) != NULL)
			return 1;
		while (stop < end && *stop != ';')
			stop++;
	}
	return 0;
}

int
connstr_has_password(const char *p)
{
	return has_key(p, p + strlen(p), "Password|PWD");
}

int
connstr_parse(
    const char *text, size_t n, const char *name, const char *password, struct connstr *out)
{
	struct parser s = {.p = text, .end = text + n, .odbc = has_key(text, text + n, "Driver")};
	const char *other = other_kind(text, n);
	int code = 0;

	memset(out, 0, sizeof(*out));
	out->encrypt = 1;
	out->timeout = DEFAULT_TIMEOUT;
	if (memchr(text, '\0', n) != NULL || utf8_valid(text, n) != n)
		refuse(&s, "a connection string is text in UTF-8");
	else if (other != NULL)
		refuse(&s,
		    "it is %s: write it as Server=HOST,PORT;Database=NAME;User Id=NAME, with the "
		    "password",
		    other);
	else
		parse_all(&s, out);
	code = check(&s, password, out);
	if (s.wrong.n > 0) {
		msg_warn("%s: %s", name, buf_text(&s.wrong));
		code = EX_CONFIG;
	}
	if (s.value.p != NULL)
		explicit_bzero(s.value.p, s.value.cap);
	if (s.key.p != NULL)
		explicit_bzero(s.key.p, s.key.cap);
	buf_free(&s.key);
	buf_free(&s.value);
	buf_free(&s.wrong);
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
