/*
 * praic-mail: text in, one mail out, by SMTP.  For praic-sched's reports and
 * for scripts.  It knows one server, no attachments, and keeps no queue.
 * libcurl makes the mail (curl_mime) and speaks SMTP.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"
#include "utf8.h"
#include "when.h"

/* A mail is read by a person: what is longer is cut, and says so. */
#define MAX_BODY       ((size_t)1 << 20)
#define MAX_RECIPIENTS 100 /* RFC 5321, 4.5.3.1.8 */
#define WORD	       18  /* bytes of an encoded word: its line has 76 at most */
#define CONNECT_TIME   30L /* seconds */
#define TALK_TIME      120 /* for one conversation */
#define FIRST_WAIT     5   /* then twice as long each time */

enum tls { STARTTLS, TLS, PLAIN };

struct address {
	char *name; /* UTF-8, or NULL */
	char *address;
	int status; /* of a recipient: what the server said; 0: nothing yet */
};

static struct {
	char *host; /* an IPv6 address in brackets */
	int port;   /* 0: by the mode */
	enum tls tls;
	const char *user, *password /* a reference */, *ca_file, *hello, *subject;
	int64_t time; /* for all tries */
	struct address from, to[MAX_RECIPIENTS];
	size_t tos;
	int check_only;
} o = {.time = 900, .subject = ""};

/*
 * Addresses.
 */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* As UTF-8, in one line, without control characters. */
static void
add_clean(struct buf *b, const char *p, size_t n)
{
	size_t i;
	int len;

	for (i = 0; i < n; i += (size_t)(len < 0 ? -len : len)) {
		len = utf8_length((const unsigned char *)p + i, n - i);
		if (len < 0)
			buf_adds(b, UTF8_REPLACEMENT);
		else if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			buf_addc(b, ' ');
		else
			buf_add(b, p + i, (size_t)len);
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
		msg_warn(
		    "%.*s: no address; one is user@example.com, or \"Name <user@example.com>\", "
		    "in ASCII",
		    (int)n, text);
		return EX_USAGE;
	}
	while (name_n > 0 && text[name_n - 1] == ' ')
		name_n--;
	if (name_n >= 2 && text[0] == '"' && text[name_n - 1] == '"') {
		text++;
		name_n -= 2;
	}
	add_clean(&name, text, name_n);
	a->name = name_n > 0 ? xstrdup(buf_text(&name)) : NULL;
	a->address = xstrndup(address, address_n);
	buf_free(&name);
	return 0;
}

static int
add_recipient(const char *text, size_t n)
{
	int code;

	if (o.tos == MAX_RECIPIENTS) {
		msg_warn("-t: more than %d recipients", MAX_RECIPIENTS);
		return EX_USAGE;
	}
	code = set_address(&o.to[o.tos], text, n);
	o.tos += code == 0;
	return code;
}

/*
 * The mail.
 */

/* Text of a person: as it is where that is short and ASCII, else as encoded words
 * of whole characters (RFC 2047), parted by folds, which vanish. */
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
add_header(struct curl_slist **list, struct buf *b)
{
	struct curl_slist *longer = curl_slist_append(*list, buf_text(b));

	if (longer == NULL)
		xnomem();
	*list = longer;
	buf_reset(b);
}

/* Local time with its offset, in English whatever the locale. */
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
	add_header(&list, &b);
	for (i = 0; i < o.tos; i++) {
		buf_adds(&b, i > 0 ? ",\r\n " : "To: ");
		add_address(&b, &o.to[i]);
	}
	add_header(&list, &b);
	add_clean(&subject, o.subject, strlen(o.subject));
	buf_adds(&b, "Subject: ");
	add_text(&b, buf_text(&subject), "");
	add_header(&list, &b);
	(void)localtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", &tm);
	buf_printf(&b, "Date: %s", date);
	add_header(&list, &b);
	if (getrandom(&random, sizeof(random), 0) == -1)
		random = (uint64_t)getpid();
	buf_printf(&b, "Message-ID: <praic.%lld.%016llx%s>", (long long)now,
	    (unsigned long long)random, strchr(o.from.address, '@'));
	add_header(&list, &b);
	/* No out-of-office assistant answers a program (RFC 3834). */
	buf_adds(&b, "Auto-Submitted: auto-generated");
	add_header(&list, &b);
	buf_free(&b);
	buf_free(&subject);
	return list;
}

/* UTF-8 with CRLF behind every line. */
static void
make_body(struct buf *out, const struct buf *in)
{
	size_t i, len;
	int n;

	for (i = 0; i < in->n; i += len) {
		n = utf8_length((const unsigned char *)in->p + i, in->n - i);
		len = (size_t)(n < 0 ? -n : n);
		if (in->p[i] == '\n')
			buf_adds(out, "\r\n");
		else if (n < 0)
			buf_adds(out, UTF8_REPLACEMENT);
		else if (in->p[i] != '\r' || i + 1 == in->n || in->p[i + 1] != '\n')
			buf_add(out, in->p + i, len);
	}
	if (out->n > 0 && out->p[out->n - 1] != '\n')
		buf_adds(out, "\r\n");
}

/*
 * The conversation.  libcurl tells neither which recipient was refused nor
 * in which words, so its protocol is read along.
 */

struct talk {
	struct buf command; /* the last one; of a login only that it was one */
	struct buf answer;  /* the last one that was a refusal */
	int status;	    /* of that answer */
	int over;	    /* it said QUIT: what was before counts */
};

static void
hear_command(struct talk *t, const char *p, size_t n)
{
	static const char *const open[] = {"MAIL ", "RCPT ", "EHLO ", "HELO ", "STARTTLS", "DATA"};
	size_t i;

	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	t->over = n == 4 && strncasecmp(p, "QUIT", 4) == 0;
	if (t->over)
		return;
	buf_reset(&t->command);
	buf_reset(&t->answer);
	t->status = 0;
	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (n >= strlen(open[i]) && strncasecmp(p, open[i], strlen(open[i])) == 0)
			buf_add(&t->command, p, n);
	if (t->command.n == 0)
		buf_adds(&t->command, "login");
	msg_tell(1, "%s: > %s", o.host, buf_text(&t->command));
}

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
hear_answer(struct talk *t, const char *p, size_t n)
{
	struct address *to = recipient_of(buf_text(&t->command));

	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	msg_tell(1, "%s: < %.*s", o.host, (int)n, p);
	if (t->over || n < 3 || strspn(p, "0123456789") < 3 || (n > 3 && p[3] == '-'))
		return; /* of several lines the last one counts */
	if (p[0] == '4' || p[0] == '5') {
		buf_reset(&t->answer);
		buf_add(&t->answer, p, n < 500 ? n : 500);
		t->status = atoi(buf_text(&t->answer));
	}
	if (to == NULL)
		return;
	to->status = atoi(p);
	if (t->status != 0)
		msg_warn("%s: %s: %s", o.host, to->address, buf_text(&t->answer));
}

static int
hear(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	(void)easy;
	if (type == CURLINFO_HEADER_OUT)
		hear_command(arg, p, n);
	else if (type == CURLINFO_HEADER_IN)
		hear_answer(arg, p, n);
	return 0;
}

/* What the server said decides; without that, what happened to the line. */
static int
judge(struct talk *t, CURLcode r, const char *error)
{
	static const struct {
		CURLcode r;
		int code;
		const char *advice;
	} known[] = {
	    {CURLE_LOGIN_DENIED, EX_NOPERM,
		": it offers no way to log in that this program knows, or none without TLS"},
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
		if (recipient_of(buf_text(&t->command)) == NULL)
			msg_warn("%s: %s refused: %s", o.host, buf_text(&t->command),
			    buf_text(&t->answer));
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
	    o.port != 0 ? o.port : port[o.tls], o.hello != NULL ? o.hello : "");
	char *from = xasprintf("<%s>", o.from.address);
	CURLcode r = CURLE_OK;

#define SET(option, value) (r = r == CURLE_OK ? curl_easy_setopt(c, option, value) : r)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, scheme[o.tls]);
	SET(CURLOPT_PROXY, ""); /* none that the environment names */
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USE_SSL, (long)(o.tls == PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (o.ca_file != NULL) {
		SET(CURLOPT_CAINFO, o.ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (o.user != NULL) {
		SET(CURLOPT_USERNAME, o.user);
		SET(CURLOPT_PASSWORD, password);
	}
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIME);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds);
	SET(CURLOPT_TIMEOUT, seconds);
	SET(CURLOPT_MAIL_FROM, from);
	/* One who has left the company must not keep it from the others. */
	SET(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	SET(CURLOPT_DEBUGFUNCTION, hear);
	SET(CURLOPT_VERBOSE, 1L); /* calls hear */
#undef SET
	free(url);
	free(from);
	return r;
}

/* One conversation, for the recipients that nothing is known of yet. */
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
			add_header(&list, &address);
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
	buf_free(&t.answer);
	return code;
}

/* How many recipients the server refused; those refused for now are asked
 * for again from here on. */
static size_t
refused(int for_now)
{
	size_t i, n = 0;

	for (i = 0; i < o.tos; i++) {
		int status = o.to[i].status;

		if (for_now && status >= 400 && status < 500)
			o.to[i].status = status = 0;
		n += for_now ? status == 0 : status >= 400 || status == 0;
	}
	return n;
}

/*
 * Where the server took the mail for some recipients, those that it refused
 * for now are tried again here: the caller could only send it to all.
 */
static int
deliver(const struct buf *body, const char *password)
{
	struct curl_slist *headers = make_headers();
	int64_t end = (int64_t)time(NULL) + o.time, wait = FIRST_WAIT;
	CURL *c = NULL;
	int code;

	/* Not all of libcurl survives to be without memory. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc, xstrdup, xcalloc) !=
		CURLE_OK ||
	    (c = curl_easy_init()) == NULL)
		xnomem();
	code = talk(c, body, headers, password, end);
	while (code == 0 && refused(1) > 0 && (int64_t)time(NULL) + wait < end) {
		msg_tell(
		    1, "%s: waiting %lld s for those refused for now", o.host, (long long)wait);
		sleep((unsigned)wait);
		wait *= 2;
		(void)talk(c, body, headers, password, end);
	}
	if (code == 0 && refused(0) > 0) {
		msg_warn("%s: sent, but not to %zu of %zu recipients", o.host, refused(0), o.tos);
		code = EX_DATAERR;
	}
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	curl_global_cleanup();
	return code;
}

/*
 * Options.
 */

enum { OPT_SETTING = 256, OPT_TIME, OPT_HELP, OPT_VERSION };

static const struct option longs[] = {
    {"server", required_argument, NULL, OPT_SETTING},
    {"tls", required_argument, NULL, OPT_SETTING},
    {"user", required_argument, NULL, OPT_SETTING},
    {"password", required_argument, NULL, OPT_SETTING},
    {"ca-file", required_argument, NULL, OPT_SETTING},
    {"hello", required_argument, NULL, OPT_SETTING},
    {"max-time", required_argument, NULL, OPT_TIME},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"subject", required_argument, NULL, 's'},
    {"dry-run", no_argument, NULL, 'n'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: praic-mail [--server HOST[:PORT] -f FROM -t TO...] [-s SUBJECT] [-nv]\n"
    "           [--tls starttls|tls|none] [--user NAME --password REFERENCE]\n"
    "           [--ca-file FILE] [--hello NAME] [--max-time SPAN] [FILE...]\n"
    "\n"
    "Sends the text of the FILEs, or of standard input, as one mail.  Without --server,\n"
    "what no option gives is taken from the settings database (notify-...).\n"
    "\n"
    "      --server HOST[:PORT]   mail server (port 587, 465 or 25, by --tls)\n"
    "      --tls MODE             starttls (the default), tls from the start, or none\n"
    "      --user NAME            log in, with the password that --password refers to:\n"
    "      --password REFERENCE   file:PATH, env:NAME or credential:NAME\n"
    "      --ca-file FILE         authorities to trust, instead of the system's\n"
    "      --hello NAME           name that this machine gives to the server\n"
    "      --max-time SPAN        how long recipients refused for now are tried again (15m)\n"
    "  -f, --from ADDRESS         user@example.com or \"Name <user@example.com>\"\n"
    "  -t, --to ADDRESS           may be repeated\n"
    "  -s, --subject TEXT\n"
    "  -n, --dry-run              check the options, send nothing\n"
    "  -v, --verbose              show the conversation, without the login\n"
    "      --help, --version\n";

static int
wrong(const char *option, const char *text, const char *want)
{
	msg_warn("--%s %s: %s", option, text, want);
	return EX_USAGE;
}

static int
set_port(const char *text)
{
	uint64_t port;

	if (num_parse_count(text, strlen(text), 65535, &port) == -1 || port == 0)
		return -1;
	o.port = (int)port;
	return 0;
}

/* HOST, HOST:PORT, [IPv6]:PORT; nothing that could change the URL. */
static int
set_server(const char *text)
{
	const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
	size_t n = strlen(text);

	if (colon != NULL && (bracket == NULL ? strchr(text, ':') == colon : colon > bracket))
		n = set_port(colon + 1) == 0 ? (size_t)(colon - text) : 0;
	if (n == 0 || strspn(text, LETTERS ".-_[]:") < n || *text == '-')
		return wrong("server", text,
		    "a name or address, and :PORT if need be; an IPv6 address in brackets");
	o.host = xstrndup(text, n);
	return 0;
}

/* What is an option and, as notify-NAME, a setting. */
static int
set(const char *name, const char *text)
{
	static const char *const mode[] = {"starttls", "tls", "none"};
	int i;

	if (strcmp(name, "server") == 0)
		return set_server(text);
	if (strcmp(name, "port") == 0)
		return o.port != 0 || set_port(text) == 0 ? 0 : wrong(name, text, "1 to 65535");
	if (strcmp(name, "from") == 0)
		return set_address(&o.from, text, strlen(text));
	if (strcmp(name, "to") == 0)
		return settings_mails(text, add_recipient);
	if (strcmp(name, "tls") == 0) {
		for (i = 0; i < 3 && strcmp(text, mode[i]) != 0; i++)
			;
		o.tls = (enum tls)i;
		return i < 3 ? 0 : wrong(name, text, "starttls, tls or none");
	}
	if (strcmp(name, "hello") == 0 &&
	    (*text == '\0' || strspn(text, LETTERS ".-[]:") < strlen(text)))
		return wrong(name, text, "a host's name, or an address in brackets");
	*(strcmp(name, "user") == 0	      ? &o.user :
		strcmp(name, "password") == 0 ? &o.password :
		strcmp(name, "hello") == 0    ? &o.hello :
						&o.ca_file) = xstrdup(text);
	return 0;
}

static int
read_option(int c, int index)
{
	static int own_to;

	switch (c) {
	case OPT_SETTING:
		return set(longs[index].name, optarg);
	case OPT_TIME:
		return when_parse_span(optarg, &o.time) == 0 && o.time > 0 && o.time <= 86400 ?
		    0 :
		    wrong("max-time", optarg, "a time such as 15m, a day at most");
	case 'f':
		return set("from", optarg);
	case 't':
		if (!own_to)
			o.tos = 0;
		own_to = 1;
		return add_recipient(optarg, strlen(optarg));
	case 's':
		o.subject = optarg;
		return 0;
	case 'n':
		o.check_only = 1;
		return 0;
	case 'v':
		msg_level++;
		return 0;
	case OPT_HELP:
		msg_usage(help, 0);
	case OPT_VERSION:
		msg_version();
	default:
		msg_usage(help, EX_USAGE);
	}
}

static int
take_settings(void)
{
	const struct settings_field *f;
	int code;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);
	char *text;

	for (f = settings_fields; f->name != NULL && code == 0; f++)
		if (strncmp(f->name, "notify-", 7) == 0) {
			if ((text = settings_text(s, f->name)) != NULL)
				code = set(f->name + 7, text);
			free(text);
			code = code_worse(code, s->code);
		}
	settings_close(s);
	return code;
}

/* Without --server, the settings come first, and options change them. */
static int
read_options(int argc, char **argv)
{
	int c, index = 0, server = 0, code = 0, pass;

	for (pass = 0; pass < 2 && code == 0; pass++) {
		optind = 1;
		while (code == 0 && (c = getopt_long(argc, argv, "f:t:s:nv", longs, &index)) != -1)
			if (pass == 1)
				code = read_option(c, index);
			else if (c == '?' || c >= OPT_HELP)
				(void)read_option(c, index);
			else
				server |=
				    c == OPT_SETTING && strcmp(longs[index].name, "server") == 0;
		if (pass == 0 && !server)
			code = take_settings();
	}
	return code;
}

static int
check_options(void)
{
	const char *missing = o.from.address == NULL ? "-f, who sends it" :
	    o.tos == 0				     ? "-t, who shall have it" :
	    o.host == NULL			     ? "--server or the setting notify-server" :
						       NULL;

	if (missing != NULL) {
		msg_warn("missing: %s", missing);
		return EX_USAGE;
	}
	if ((o.user == NULL) != (o.password == NULL)) {
		msg_warn("--user and --password go together");
		return EX_USAGE;
	}
	/* Only this machine hears what is said to it in clear. */
	if (o.user != NULL && o.tls == PLAIN && strcmp(o.host, "localhost") != 0 &&
	    strncmp(o.host, "127.", 4) != 0 && strcmp(o.host, "[::1]") != 0) {
		msg_warn("%s: --tls none: everybody on the way could read the password: "
			 "log in with starttls or tls",
		    o.host);
		return EX_USAGE;
	}
	return 0;
}

static int
read_body(struct buf *b, const char *name)
{
	int standard = strcmp(name, "-") == 0, fd = standard ? 0 : open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	name = standard ? "standard input" : name;
	if (fd == -1) {
		msg_errno("%s", name);
		return EX_NOINPUT;
	}
	do {
		buf_reserve(b, 65536);
		n = file_read(fd, b->p + b->n, 65536);
		if (n > 0 && b->n < MAX_BODY && b->n + (size_t)n >= MAX_BODY) {
			b->n = MAX_BODY;
			buf_adds(b, "\n[The text was longer than a mail should be.]\n");
			msg_warn("%s: only the first %zu bytes are sent", name, MAX_BODY);
		} else if (n > 0 && b->n < MAX_BODY)
			b->n += (size_t)n;
	} while (n > 0); /* to its end, so that no writer is killed */
	if (n == -1)
		msg_errno("%s", name);
	if (!standard)
		close(fd);
	return n == -1 ? EX_IOERR : 0;
}

int
main(int argc, char **argv)
{
	struct buf text = {0}, body = {0};
	char *password = NULL;
	int code;

	file_std_fds();
	msg_start(argv[0]);
	secret_guard();
	secret_take_env();
	signal(SIGPIPE, SIG_IGN);
	code = read_options(argc, argv);
	if (code == 0)
		code = check_options();
	if (code != 0 || o.check_only)
		return code;
	if (optind == argc)
		code = read_body(&text, "-");
	while (code == 0 && optind < argc)
		code = read_body(&text, argv[optind++]);
	if (code == 0 && o.password != NULL)
		password = secret_get(o.password, "password", &code);
	if (code == 0) {
		make_body(&body, &text);
		code = deliver(&body, password);
	}
	secret_free(password);
	buf_free(&text);
	buf_free(&body);
	return code;
}
