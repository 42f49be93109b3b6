/*
 * praic-mail: sends text as one mail, by SMTP.  It knows one server and no
 * attachments, and keeps no queue.  libcurl makes the mail (curl_mime) and
 * speaks SMTP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "buf.h"
#include "code.h"
#include "command.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"
#include "utf8.h"
#include "when.h"

/* A person reads the mail: a longer text is cut. */
#define MAX_BODY       ((size_t)1 << 20)
#define MAX_RECIPIENTS 100 /* RFC 5321, 4.5.3.1.8 */
#define WORD	       18  /* bytes of an encoded word: its line has 76 at most */
#define CONNECT_TIME   30L /* seconds */
#define TALK_TIME      120 /* seconds for one conversation */
#define FIRST_WAIT     5   /* seconds, then twice as long each time */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* The settings notify-NAME, in this order. */
enum { SERVER, PORT, TLS, USER, PASSWORD, CA_FILE, HELLO, FROM, TO, SETTINGS };
static const char *const setting[SETTINGS] = {"notify-server", "notify-port", "notify-tls",
    "notify-user", "notify-password", "notify-ca-file", "notify-hello", "notify-from", "notify-to"};

enum tls { STARTTLS, IMPLICIT_TLS, CLEAR };
static const char *const tls_name[] = {"starttls", "tls", "none"};

struct address {
	char *name; /* UTF-8, or NULL */
	char *address;
	int status; /* of a recipient: the server's answer, or 0 */
};

static struct {
	const char *text[SETTINGS]; /* as options and settings give them */
	const char *subject, *max_time;
	int check_only;

	char *host; /* an IPv6 address in brackets */
	uint64_t port;
	enum tls tls;
	int64_t time; /* seconds for all tries */
	struct address from, to[MAX_RECIPIENTS];
	size_t tos;
} o = {.subject = "", .max_time = "15m"};

/*
 * Addresses.
 */

/* Copies UTF-8, with U+FFFD for other bytes.  A body gets CRLF at the end of
 * each line; the text of a header becomes one line without control characters. */
static void
add_clean(struct buf *b, const char *p, size_t n, int body)
{
	const char *end = p + n;
	int length;

	for (; p < end; p += abs(length)) {
		length = utf8_length((const unsigned char *)p, (size_t)(end - p));
		if (length < 0)
			buf_adds(b, UTF8_REPLACEMENT);
		else if (body && *p == '\n')
			buf_adds(b, "\r\n");
		else if (!body && ((unsigned char)*p < 0x20 || *p == 0x7f))
			buf_addc(b, ' ');
		else if (!body || *p != '\r' || p + 1 == end || p[1] != '\n')
			buf_add(b, p, (size_t)length);
	}
}

/* user@host, or "Name <user@host>".  0, or EX_USAGE after a message. */
static int
set_address(struct address *a, const char *text, size_t n)
{
	const char *open = memrchr(text, '<', n), *address = text;
	size_t name_n = open != NULL ? (size_t)(open - text) : 0, address_n = n;
	struct buf name = {0};

	if (open != NULL && text[n - 1] == '>') {
		address = open + 1;
		address_n = n - name_n - 2;
	}
	if (!settings_is_address(address, address_n)) {
		msg_warn("%.*s: not an address; give user@example.com or \"Name "
			 "<user@example.com>\", in ASCII",
		    (int)n, text);
		return EX_USAGE;
	}
	while (name_n > 0 && text[name_n - 1] == ' ')
		name_n--;
	if (name_n >= 2 && text[0] == '"' && text[name_n - 1] == '"') {
		text++;
		name_n -= 2;
	}
	add_clean(&name, text, name_n, 0);
	a->name = name_n > 0 ? xstrdup(buf_text(&name)) : NULL;
	a->address = xstrndup(address, address_n);
	buf_free(&name);
	return 0;
}

static int
add_recipient(const char *text, size_t n)
{
	struct address a = {0};
	size_t i;
	int code = set_address(&a, text, n);

	if (code != 0)
		return code;
	/* The answer to an address that comes twice would be noted for the first only. */
	for (i = 0; i < o.tos && strcmp(o.to[i].address, a.address) != 0; i++)
		;
	if (i == MAX_RECIPIENTS) {
		msg_warn("-t: more than %d recipients", MAX_RECIPIENTS);
		return EX_USAGE;
	}
	if (i == o.tos) {
		o.to[o.tos++] = a;
		return 0;
	}
	free(a.name);
	free(a.address);
	return 0;
}

/*
 * The mail.
 */

/* Short ASCII text stays as it is.  Other text becomes encoded words of whole
 * characters (RFC 2047), with folds between them, which the reader removes. */
static void
add_text(struct buf *b, const char *p, const char *quote)
{
	size_t n, k, plain = 1;

	for (n = 0; p[n] != '\0'; n++)
		plain &= (unsigned char)p[n] < 0x7f && p[n] != '"' && p[n] != '\\';
	if (plain && n < 60 && strstr(p, "=?") == NULL) {
		buf_printf(b, "%s%s%s", quote, p, quote);
		return;
	}
	while (n > 0) {
		k = utf8_floor(p, n < WORD ? n : WORD);
		buf_adds(b, "=?UTF-8?Q?");
		for (n -= k; k > 0; k--)
			buf_printf(b, "=%02X", (unsigned char)*p++);
		buf_adds(b, n > 0 ? "?=\r\n " : "?=");
	}
}

static void
add_address(struct buf *b, const struct address *a)
{
	if (a->name != NULL)
		add_text(b, a->name, "\"");
	buf_printf(b, a->name != NULL ? "\r\n <%s>" : "%s", a->address);
}

static void
add_line(struct curl_slist **list, struct buf *b)
{
	if ((*list = curl_slist_append(*list, buf_text(b))) == NULL)
		xnomem();
	buf_reset(b);
}

static struct curl_slist *
make_headers(void)
{
	struct curl_slist *list = NULL;
	struct buf b = {0}, subject = {0};
	char date[64];
	time_t now = time(NULL);
	uint64_t random = 0;
	struct tm tm;
	size_t i;

	buf_adds(&b, "From: ");
	add_address(&b, &o.from);
	add_line(&list, &b);
	for (i = 0; i < o.tos; i++) {
		buf_adds(&b, i > 0 ? ",\r\n " : "To: ");
		add_address(&b, &o.to[i]);
	}
	add_line(&list, &b);
	add_clean(&subject, o.subject, strlen(o.subject), 0);
	buf_adds(&b, "Subject: ");
	add_text(&b, buf_text(&subject), "");
	add_line(&list, &b);
	(void)localtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", &tm);
	buf_printf(&b, "Date: %s", date);
	add_line(&list, &b);
	if (getrandom(&random, sizeof(random), 0) == -1)
		random = (uint64_t)getpid();
	buf_printf(&b, "Message-ID: <praic.%lld.%016llx%s>", (long long)now,
	    (unsigned long long)random, strchr(o.from.address, '@'));
	add_line(&list, &b);
	/* Out-of-office assistants do not answer a program (RFC 3834). */
	buf_adds(&b, "Auto-Submitted: auto-generated");
	add_line(&list, &b);
	buf_free(&b);
	buf_free(&subject);
	return list;
}

/*
 * The conversation.  libcurl does not tell which recipient was refused, nor in
 * which words, so the debug callback reads the protocol.
 */

struct talk {
	struct buf command; /* the last one; "login" for all that may hold a secret */
	struct buf refusal; /* of anything but a recipient */
	int status;	    /* the answer to the last command, if it was a refusal */
};

static struct address *
recipient_of(const char *command)
{
	size_t i, n;

	for (i = 0; i < o.tos && strncmp(command, "RCPT TO:<", 9) == 0; i++) {
		n = strlen(o.to[i].address);
		if (strncmp(command + 9, o.to[i].address, n) == 0 && command[9 + n] == '>')
			return &o.to[i];
	}
	return NULL;
}

static void
see_command(struct talk *t, const char *p, size_t n)
{
	static const char *const open[] = {
	    "MAIL ", "RCPT ", "EHLO ", "HELO ", "STARTTLS", "DATA", "QUIT"};
	size_t i;

	buf_reset(&t->command);
	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (n >= strlen(open[i]) && memcmp(p, open[i], strlen(open[i])) == 0)
			buf_add(&t->command, p, n);
	if (t->command.n == 0)
		buf_adds(&t->command, "login");
	if (strcmp(buf_text(&t->command), "QUIT") != 0)
		t->status = 0;
	msg_tell(1, "%s: > %s", o.host, buf_text(&t->command));
}

static void
see_answer(struct talk *t, const char *p, size_t n)
{
	struct address *to = recipient_of(buf_text(&t->command));
	char text[500];

	snprintf(text, sizeof(text), "%.*s", (int)n, p);
	msg_tell(1, "%s: < %s", o.host, text);
	if (strspn(text, "0123456789") < 3 || text[3] == '-')
		return; /* the last of several lines counts */
	if (to != NULL)
		to->status = atoi(text);
	if (text[0] != '4' && text[0] != '5')
		return;
	t->status = atoi(text);
	buf_reset(&t->refusal);
	if (to != NULL)
		msg_warn("%s: %s: %s", o.host, to->address, text);
	else
		buf_printf(&t->refusal, "%s refused: %s", buf_text(&t->command), text);
}

static int
see(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	(void)easy;
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (type == CURLINFO_HEADER_OUT)
		see_command(arg, p, n);
	else if (type == CURLINFO_HEADER_IN)
		see_answer(arg, p, n);
	return 0;
}

/* The code of a conversation that failed, after a message: by the server's
 * refusal, else by libcurl's error. */
static int
judge(struct talk *t, CURLcode r, const char *error)
{
	static const struct {
		CURLcode r;
		int code;
		const char *advice;
	} known[] = {{CURLE_LOGIN_DENIED, EX_NOPERM,
			 ": it offers no login that this program knows, or none without TLS"},
	    {CURLE_USE_SSL_FAILED, EX_CONFIG, ": nothing was sent; see --tls"},
	    {CURLE_PEER_FAILED_VERIFICATION, EX_CONFIG,
		": nothing was sent; --ca-file names an authority of your own"},
	    {CURLE_SSL_ISSUER_ERROR, EX_CONFIG, ""}, {CURLE_SSL_CACERT_BADFILE, EX_CONFIG, ""},
	    {CURLE_URL_MALFORMAT, EX_CONFIG, ""}, {CURLE_UNSUPPORTED_PROTOCOL, EX_CONFIG, ""},
	    {CURLE_SSL_CONNECT_ERROR, EX_UNAVAILABLE,
		": does it speak TLS on this port?  See --tls"},
	    {CURLE_OUT_OF_MEMORY, EX_TEMPFAIL, ""}, {CURLE_OK, EX_UNAVAILABLE, ""}};
	size_t i;

	if (t->status != 0) {
		if (t->refusal.n > 0)
			msg_warn("%s: %s", o.host, buf_text(&t->refusal));
		return t->status < 500 ? EX_TEMPFAIL : EX_NOPERM;
	}
	for (i = 0; known[i].r != CURLE_OK && known[i].r != r; i++)
		;
	msg_warn("%s: %s%s", o.host, error, known[i].advice);
	return known[i].code;
}

static CURLcode
set_options(CURL *c, const char *password, long seconds)
{
	static const char *const scheme[] = {"smtp", "smtps", "smtp"};
	static const int port[] = {587, 465, 25};
	char *url = xasprintf("%s://%s:%d/%s", scheme[o.tls], o.host,
	    o.port != 0 ? (int)o.port : port[o.tls], o.text[HELLO] != NULL ? o.text[HELLO] : "");
	char *from = xasprintf("<%s>", o.from.address);
	CURLcode r = CURLE_OK;

#define SET(option, value) (r = r == CURLE_OK ? curl_easy_setopt(c, option, value) : r)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, scheme[o.tls]);
	SET(CURLOPT_PROXY, ""); /* not the environment's proxy */
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USE_SSL, (long)(o.tls == CLEAR ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (o.text[CA_FILE] != NULL) {
		SET(CURLOPT_CAINFO, o.text[CA_FILE]);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (o.text[USER] != NULL) {
		SET(CURLOPT_USERNAME, o.text[USER]);
		SET(CURLOPT_PASSWORD, password);
	}
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIME);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds);
	SET(CURLOPT_TIMEOUT, seconds);
	SET(CURLOPT_MAIL_FROM, from);
	/* An address that is gone must not keep the mail from the others. */
	SET(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	SET(CURLOPT_DEBUGFUNCTION, see);
	SET(CURLOPT_VERBOSE, 1L); /* calls see */
#undef SET
	free(url);
	free(from);
	return r;
}

/* One conversation, for the recipients without an answer. */
static int
talk(CURL *c, const struct buf *body, struct curl_slist *headers, const char *password, int64_t end)
{
	int64_t left = end - (int64_t)time(NULL);
	char error[CURL_ERROR_SIZE] = "";
	struct curl_slist *list = NULL;
	struct buf address = {0};
	struct talk t = {0};
	curl_mime *mime;
	curl_mimepart *part;
	CURLcode r;
	size_t i;
	int code = 0;

	for (i = 0; i < o.tos; i++)
		if (o.to[i].status == 0) {
			buf_printf(&address, "<%s>", o.to[i].address);
			add_line(&list, &address);
		}
	curl_easy_reset(c);
	mime = curl_mime_init(c);
	part = mime != NULL ? curl_mime_addpart(mime) : NULL;
	if (part == NULL || curl_mime_data(part, body->p, body->n) != CURLE_OK ||
	    curl_mime_type(part, "text/plain; charset=UTF-8") != CURLE_OK ||
	    curl_mime_encoder(part, "quoted-printable") != CURLE_OK)
		xnomem();
	r = set_options(c, password, left < 1 ? 1 : left < TALK_TIME ? (long)left : TALK_TIME);
	if (r == CURLE_OK && curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_DEBUGDATA, &t) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, list) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	    (r = curl_easy_setopt(c, CURLOPT_MIMEPOST, mime)) == CURLE_OK)
		r = curl_easy_perform(c);
	if (r != CURLE_OK)
		code = judge(&t, r, error[0] != '\0' ? error : curl_easy_strerror(r));
	curl_mime_free(mime);
	curl_slist_free_all(list);
	buf_free(&address);
	buf_free(&t.command);
	buf_free(&t.refusal);
	return code;
}

/* Recipients to try again: those refused for now lose their answer. */
static size_t
refused_for_now(void)
{
	size_t i, n = 0;

	for (i = 0; i < o.tos; i++) {
		if (o.to[i].status >= 400 && o.to[i].status < 500)
			o.to[i].status = 0;
		n += o.to[i].status == 0;
	}
	return n;
}

/*
 * Once the server has taken the mail for some recipients, those refused for
 * now are tried again here: the caller could only send it to all of them.
 */
static int
deliver(const struct buf *body, const char *password)
{
	struct curl_slist *headers = make_headers();
	int64_t end = (int64_t)time(NULL) + o.time, wait;
	size_t i, without = 0;
	CURL *c = NULL;
	int code;

	/* libcurl does not survive all failures of malloc(). */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc, xstrdup, xcalloc) !=
		CURLE_OK ||
	    (c = curl_easy_init()) == NULL)
		xnomem();
	code = talk(c, body, headers, password, end);
	for (wait = FIRST_WAIT;
	     code == 0 && refused_for_now() > 0 && (int64_t)time(NULL) + wait < end; wait *= 2) {
		msg_tell(1, "%s: waiting %lld s for recipients refused for now", o.host,
		    (long long)wait);
		sleep((unsigned)wait);
		(void)talk(c, body, headers, password, end);
	}
	for (i = 0; i < o.tos; i++)
		without += o.to[i].status == 0 || o.to[i].status >= 400;
	if (code == 0 && without > 0) {
		msg_warn("%s: sent, but not to %zu of %zu recipients", o.host, without, o.tos);
		code = EX_DATAERR;
	}
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	curl_global_cleanup();
	return code;
}

/*
 * Options and settings.
 */

static int
take_to(void *arg, const char *text)
{
	(void)arg;
	return add_recipient(text, strlen(text));
}

#define TEXT(i) offsetof(__typeof__(o), text[i]), NULL
static const struct command_option options[] = {
    {0, "server", "HOST[:PORT]", "mail server (port 587, 465 or 25, by --tls)", TEXT(SERVER)},
    {0, "tls", "MODE", "starttls (the default), tls from the start, or none", TEXT(TLS)},
    {0, "user", "NAME", "log in, with the password that --password refers to:", TEXT(USER)},
    {0, "password", "REFERENCE", "file:PATH, env:NAME or credential:NAME", TEXT(PASSWORD)},
    {0, "ca-file", "FILE", "authorities to trust, instead of the system's", TEXT(CA_FILE)},
    {0, "hello", "NAME", "name that this machine gives to the server", TEXT(HELLO)},
    {0, "max-time", "SPAN", "how long to retry recipients refused for now (15m)",
	offsetof(__typeof__(o), max_time), NULL},
    {'f', "from", "ADDRESS", "user@example.com or \"Name <user@example.com>\"", TEXT(FROM)},
    {'t', "to", "ADDRESS", "may be repeated", 0, take_to},
    {'s', "subject", "TEXT", "the subject", offsetof(__typeof__(o), subject), NULL},
    {'n', "dry-run", NULL, "check the options, send nothing", offsetof(__typeof__(o), check_only),
	NULL},
    {0}};

static const struct command command = {
    "praic-mail [--server HOST[:PORT] -f FROM -t TO...] [-s SUBJECT] [-nv]\n"
    "           [--tls starttls|tls|none] [--user NAME --password REFERENCE]\n"
    "           [--ca-file FILE] [--hello NAME] [--max-time SPAN] [FILE...]",
    "\nSends the text of the FILEs, or of standard input, as one mail.  Without --server,\n"
    "the settings database (notify-...) gives what no option gives.",
    options};

static int
wrong(const char *option, const char *text, const char *want)
{
	msg_warn("--%s %s: %s", option, text, want);
	return EX_USAGE;
}

/* HOST, HOST:PORT, [IPv6]:PORT; no character that could change the URL. */
static int
set_server(const char *text)
{
	const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
	size_t n = strlen(text);

	if (colon != NULL && (bracket == NULL ? strchr(text, ':') == colon : colon > bracket)) {
		o.text[PORT] = colon + 1;
		n = (size_t)(colon - text);
	}
	if (n == 0 || strspn(text, LETTERS ".-_[]:") < n || *text == '-')
		return wrong("server", text,
		    "a name or address, and :PORT if need be; an IPv6 address in brackets");
	o.host = xstrndup(text, n);
	if (o.text[PORT] != NULL &&
	    (num_parse_count(o.text[PORT], strlen(o.text[PORT]), 65535, &o.port) == -1 ||
		o.port == 0))
		return wrong("server", text, "its port is not from 1 to 65535");
	return 0;
}

/* The settings, for what no option gives. */
static int
take_settings(void)
{
	int code, i;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	for (i = 0; i < SETTINGS && code == 0; i++)
		if (o.text[i] == NULL && (i != TO || o.tos == 0)) {
			o.text[i] = settings_text(s, setting[i]);
			code = s->code;
		}
	settings_close(s);
	return code;
}

static int
check_login(void)
{
	if ((o.text[USER] == NULL) != (o.text[PASSWORD] == NULL)) {
		msg_warn("--user and --password go together");
		return EX_USAGE;
	}
	/* Only this machine hears what is said to it in clear. */
	if (o.text[USER] != NULL && o.tls == CLEAR && strcmp(o.host, "localhost") != 0 &&
	    strncmp(o.host, "127.", 4) != 0 && strcmp(o.host, "[::1]") != 0) {
		msg_warn("%s: --tls none: others could read the password on its way: log in with "
			 "starttls or tls",
		    o.host);
		return EX_USAGE;
	}
	return 0;
}

static int
check_options(void)
{
	const char *const *text = o.text, *missing;
	int code = 0, tls = 0;

	if (text[SERVER] != NULL)
		code = set_server(text[SERVER]);
	if (code == 0 && text[TO] != NULL)
		code = settings_mails(text[TO], add_recipient);
	if (code == 0 && text[FROM] != NULL)
		code = set_address(&o.from, text[FROM], strlen(text[FROM]));
	while (text[TLS] != NULL && tls < 3 && strcmp(tls_name[tls], text[TLS]) != 0)
		tls++;
	o.tls = (enum tls)tls;
	if (code == 0 && tls == 3)
		code = wrong("tls", text[TLS], "starttls, tls or none");
	if (code == 0 && text[HELLO] != NULL &&
	    (*text[HELLO] == '\0' || text[HELLO][strspn(text[HELLO], LETTERS ".-[]:")] != '\0'))
		code = wrong("hello", text[HELLO], "a host's name, or an address in brackets");
	if (code == 0 &&
	    (when_parse_span(o.max_time, &o.time) == -1 || o.time <= 0 || o.time > 86400))
		code = wrong("max-time", o.max_time, "a time such as 15m, a day at most");
	if (code != 0)
		return code;
	missing = o.from.address == NULL ? "-f, the sender" :
	    o.tos == 0			 ? "-t, a recipient" :
	    o.host == NULL		 ? "--server or the setting notify-server" :
					   NULL;
	if (missing == NULL)
		return check_login();
	msg_warn("missing: %s", missing);
	return EX_USAGE;
}

struct text {
	struct buf b;
	int code;
};

static int
read_text(void *arg, int fd, const char *name)
{
	static char piece[65536];
	struct text *t = arg;
	struct buf *b = &t->b;
	ssize_t n;

	/* To its end, so that no writer is killed. */
	while ((n = file_read(fd, piece, sizeof(piece))) > 0)
		if (b->n < MAX_BODY) {
			buf_add(b, piece, (size_t)n);
			if (b->n < MAX_BODY)
				continue;
			b->n = MAX_BODY;
			buf_adds(b, "\n[The text was longer than a mail should be.]\n");
			msg_warn("%s: only the first %zu bytes are sent", name, MAX_BODY);
		}
	if (n == -1) {
		msg_errno("%s", name);
		t->code = EX_IOERR;
	}
	return t->code;
}

int
main(int argc, char **argv)
{
	struct buf body = {0};
	struct text text = {{0}, 0};
	char *password = NULL;
	int code;

	command_start(argv[0]);
	secret_guard();
	secret_take_env();
	code = command_options(&command, argc, argv, &o);
	if (code == 0 && o.text[SERVER] == NULL)
		code = take_settings();
	if (code == 0)
		code = check_options();
	if (code != 0 || o.check_only)
		return code;
	code = command_operands(argv + optind, argc - optind, read_text, &text);
	code = code_worse(code, text.code);
	if (code == 0 && o.text[PASSWORD] != NULL)
		password = secret_get(o.text[PASSWORD], "password", &code);
	if (code == 0) {
		add_clean(&body, text.b.p, text.b.n, 1);
		if (body.n > 0 && body.p[body.n - 1] != '\n')
			buf_adds(&body, "\r\n");
		code = deliver(&body, password);
	}
	secret_free(password);
	buf_free(&text.b);
	buf_free(&body);
	return code;
}
