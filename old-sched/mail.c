/*
 * praic-mail: text in, one mail out, by SMTP.  For praic-sched's reports and
 * for scripts; it is no mailer: no attachments, no queue, one server.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "mailsend.h"
#include "mailtext.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "settings.h"
#include "when.h"

/* A mail is read by a person: what is longer is cut, and says so. */
#define MAX_BODY       ((size_t)1 << 20)
#define MAX_RECIPIENTS 100 /* RFC 5321, 4.5.3.1.8 */

struct options {
	struct mail_server server;
	char *host;	      /* owned; server.host */
	const char *password; /* a reference */
	struct mail_address from, to[MAX_RECIPIENTS];
	size_t tos;
	const char *subject;
	int show; /* -n */
	int from_settings;
};

enum {
	OPT_SERVER = 256,
	OPT_TLS,
	OPT_USER,
	OPT_PASSWORD,
	OPT_CA,
	OPT_HELLO,
	OPT_TIME,
	OPT_SETTINGS,
	OPT_HELP,
	OPT_VERSION
};

static const struct option longs[] = {
    {"server", required_argument, NULL, OPT_SERVER},
    {"tls", required_argument, NULL, OPT_TLS},
    {"user", required_argument, NULL, OPT_USER},
    {"password", required_argument, NULL, OPT_PASSWORD},
    {"ca-file", required_argument, NULL, OPT_CA},
    {"hello", required_argument, NULL, OPT_HELLO},
    {"max-time", required_argument, NULL, OPT_TIME},
    {"settings", no_argument, NULL, OPT_SETTINGS},
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
    "usage: praic-mail --server HOST[:PORT] -f FROM -t TO... [-s SUBJECT] [-nv]\n"
    "           [--tls starttls|tls|none] [--user NAME --password REFERENCE]\n"
    "           [--ca-file FILE] [--hello NAME] [--max-time SPAN] [FILE...]\n"
    "       praic-mail --settings [-s SUBJECT] [-nv] [FILE...]\n"
    "\n"
    "Sends the text of the FILEs, or of standard input, as one mail.\n"
    "\n"
    "      --server HOST[:PORT]   who takes it (port 587, 465 or 25, as --tls says)\n"
    "      --tls MODE             starttls (the default), tls from the start, or none\n"
    "      --user NAME            log in, with the password that --password refers to:\n"
    "      --password REFERENCE   file:PATH, env:NAME or credential:NAME\n"
    "      --ca-file FILE         authorities to trust, instead of the system's\n"
    "      --hello NAME           what this machine calls itself to the server\n"
    "      --max-time SPAN        for all of it (2m)\n"
    "      --settings             all of these from the settings database (notify-...)\n"
    "  -f, --from ADDRESS         user@example.com or \"Name <user@example.com>\"\n"
    "  -t, --to ADDRESS           may be repeated\n"
    "  -s, --subject TEXT\n"
    "  -n, --dry-run              print the mail, send nothing\n"
    "  -v, --verbose              show the conversation (no secrets)\n"
    "      --help, --version\n";

static _Noreturn void
usage(int code)
{
	fputs(help, code == 0 ? stdout : stderr);
	exit(code == 0 && fflush(stdout) == EOF ? EX_IOERR : code);
}

/* HOST, HOST:PORT, [IPv6]:PORT; nothing that could change the URL. */
static int
set_server(struct options *o, const char *text)
{
	const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
	size_t n = strlen(text);
	uint64_t port = 0;

	if (colon != NULL && (bracket == NULL ? strchr(text, ':') == colon : colon > bracket)) {
		n = (size_t)(colon - text);
		if (num_parse_count(colon + 1, strlen(colon + 1), 65535, &port) == -1 || port == 0)
			n = 0;
	}
	if (n == 0 ||
	    strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789.-_[]:") < n ||
	    *text == '-') {
		msg_warn("--server %s: a name or address, and :PORT if need be; an IPv6 address "
			 "in brackets",
		    text);
		return EX_USAGE;
	}
	free(o->host);
	o->server.host = o->host = xstrndup(text, n);
	o->server.port = (int)port;
	return 0;
}

static int
set_tls(struct options *o, const char *text)
{
	static const char *const mode[] = {"starttls", "tls", "none"};
	int i;

	for (i = 0; i < 3; i++)
		if (strcmp(text, mode[i]) == 0) {
			o->server.tls = (enum mail_tls)i;
			return 0;
		}
	msg_warn("--tls %s: starttls, tls or none", text);
	return EX_USAGE;
}

static int
set_time(struct options *o, const char *text)
{
	int64_t t;

	if (when_parse_span(text, &t) == -1 || t == 0 || t > 86400) {
		msg_warn("--max-time %s: a time such as 2m, a day at most", text);
		return EX_USAGE;
	}
	o->server.timeout = (long)t;
	return 0;
}

static int
set_hello(struct options *o, const char *text)
{
	if (*text == '\0' ||
	    strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789.-[]:") < strlen(text)) {
		msg_warn("--hello %s: a host's name, or an address in brackets", text);
		return EX_USAGE;
	}
	o->server.hello = text;
	return 0;
}

static int
add_recipient(struct options *o, const char *text)
{
	int code;

	if (o->tos == MAX_RECIPIENTS) {
		msg_warn("-t: more than %d recipients", MAX_RECIPIENTS);
		return EX_USAGE;
	}
	code = mail_address_parse(&o->to[o->tos], text);
	o->tos += code == 0;
	return code;
}

static int
read_option(struct options *o, int c)
{
	switch (c) {
	case OPT_SERVER:
		return set_server(o, optarg);
	case OPT_TLS:
		return set_tls(o, optarg);
	case OPT_USER:
		o->server.user = optarg;
		return 0;
	case OPT_PASSWORD:
		o->password = optarg;
		return 0;
	case OPT_CA:
		o->server.ca_file = optarg;
		return 0;
	case OPT_HELLO:
		return set_hello(o, optarg);
	case OPT_SETTINGS:
		o->from_settings = 1;
		return 0;
	case OPT_TIME:
		return set_time(o, optarg);
	case 'f':
		mail_address_free(&o->from);
		return mail_address_parse(&o->from, optarg);
	case 't':
		return add_recipient(o, optarg);
	case 's':
		o->subject = optarg;
		return 0;
	case 'n':
		o->show = 1;
		return 0;
	case 'v':
		msg_level++;
		return 0;
	case OPT_HELP:
		usage(0);
	case OPT_VERSION:
		printf("praic-mail " PRAIC_VERSION "\n");
		exit(fflush(stdout) == EOF ? EX_IOERR : 0);
	default:
		usage(EX_USAGE);
	}
}

/* Addresses, parted by commas or line ends. */
static int
add_recipients(struct options *o, const char *list)
{
	char *one;
	size_t n;
	int code = 0;

	for (; *list != '\0' && code == 0; list += n) {
		list += strspn(list, ", \n");
		n = strcspn(list, ",\n");
		if (n == 0)
			break;
		one = xstrndup(list, n);
		code = add_recipient(o, one);
		free(one);
	}
	return code;
}

/* One of the settings, unless an option said otherwise. */
static int
take_setting(struct settings *s, struct options *o, const char *name)
{
	char *text;
	int code = settings_text(s, name, &text), free_it = 1;

	if (code != 0 || text == NULL)
		return code;
	if (strcmp(name, "notify-server") == 0 && o->host == NULL)
		code = set_server(o, text);
	else if (strcmp(name, "notify-tls") == 0)
		code = set_tls(o, text);
	else if (strcmp(name, "notify-from") == 0 && o->from.address == NULL)
		code = mail_address_parse(&o->from, text);
	else if (strcmp(name, "notify-to") == 0 && o->tos == 0)
		code = add_recipients(o, text);
	else {
		const char **to = strcmp(name, "notify-user") == 0 ? &o->server.user :
		    strcmp(name, "notify-password") == 0	   ? &o->password :
		    strcmp(name, "notify-ca-file") == 0		   ? &o->server.ca_file :
								     NULL;

		if (to != NULL && *to == NULL) {
			*to = text; /* options live as long as the program */
			free_it = 0;
		}
	}
	if (free_it)
		free(text);
	return code;
}

static int
take_settings(struct options *o)
{
	static const char *const names[] = {"notify-server", "notify-tls", "notify-ca-file",
	    "notify-user", "notify-password", "notify-from", "notify-to"};
	int64_t port;
	size_t i;
	int code;
	struct settings *s = settings_open(NULL, SETTINGS_OPEN, &code);

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && code == 0; i++)
		code = take_setting(s, o, names[i]);
	if (code == 0)
		code = settings_number(s, "notify-port", &port);
	if (code == 0 && o->server.port == 0 && port > 0 && port < 65536)
		o->server.port = (int)port;
	settings_close(s);
	return code;
}

/* This machine alone hears what is said to it in clear. */
static int
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	    strcmp(host, "[::1]") == 0;
}

static int
check_options(const struct options *o)
{
	const char *missing = o->from.address == NULL ? "-f, who sends it" :
	    o->tos == 0				      ? "-t, who shall have it" :
	    o->server.host == NULL && !o->show	      ? "--server, who takes it" :
							NULL;

	if (missing != NULL) {
		msg_warn("missing: %s", missing);
		return EX_USAGE;
	}
	if ((o->server.user == NULL) != (o->password == NULL)) {
		msg_warn("--user and --password go together");
		return EX_USAGE;
	}
	if (o->server.user != NULL && o->server.tls == MAIL_PLAIN && !o->show &&
	    !is_loopback(o->server.host)) {
		msg_warn("%s: --tls none: everybody on the way could read the password: "
			 "log in with starttls or tls",
		    o->server.host);
		return EX_USAGE;
	}
	return 0;
}

static int
read_body(struct buf *b, const char *name)
{
	static const char cut[] = "\n[The text was longer than a mail should be.]\n";
	int standard = strcmp(name, "-") == 0;
	int fd = standard ? 0 : open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (standard)
		name = "standard input";
	if (fd == -1) {
		msg_errno("%s", name);
		return EX_NOINPUT;
	}
	do {
		buf_reserve(b, 65536);
		n = file_read(fd, b->p + b->n, 65536);
		if (n > 0 && b->n < MAX_BODY && b->n + (size_t)n >= MAX_BODY) {
			b->n = MAX_BODY;
			buf_adds(b, cut);
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

static int
compose(struct buf *mail, const struct options *o, const struct buf *body)
{
	struct mail_text m = {.from = &o->from,
	    .to = o->to,
	    .tos = o->tos,
	    .subject = o->subject != NULL ? o->subject : "",
	    .body = body->p,
	    .body_n = body->n,
	    .date = (int64_t)time(NULL)};
	char id[64];
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		msg_errno("random numbers");
		return EX_OSERR;
	}
	snprintf(id, sizeof(id), "praic.%lld.%016" PRIx64, (long long)m.date, random);
	m.id = id;
	mail_text(mail, &m);
	return 0;
}

static int
deliver(struct options *o, const struct buf *mail)
{
	const char *to[MAX_RECIPIENTS];
	char *password = NULL;
	size_t i;
	int code = 0;

	if (o->show) {
		if (file_write(1, mail->p, mail->n) == 0)
			return 0;
		msg_errno("standard output");
		return EX_IOERR;
	}
	if (o->password != NULL && (password = secret_get(o->password, "password", &code)) == NULL)
		return code;
	o->server.password = password;
	for (i = 0; i < o->tos; i++)
		to[i] = o->to[i].address;
	code = mail_send(&o->server, o->from.address, to, o->tos, mail->p, mail->n);
	secret_free(password);
	return code;
}

int
main(int argc, char **argv)
{
	static struct options o = {.server = {.timeout = 120}};
	struct buf body = {0}, mail = {0};
	int c, code = 0;
	size_t i;

	file_std_fds();
	msg_start(argv[0]);
	secret_guard();
	secret_take_env();
	signal(SIGPIPE, SIG_IGN);
	while (code == 0 && (c = getopt_long(argc, argv, "f:t:s:nv", longs, NULL)) != -1)
		code = read_option(&o, c);
	if (code == 0 && o.from_settings)
		code = take_settings(&o);
	if (code == 0)
		code = check_options(&o);
	if (code == 0 && optind == argc)
		code = read_body(&body, "-");
	while (code == 0 && optind < argc)
		code = read_body(&body, argv[optind++]);
	if (code == 0)
		code = compose(&mail, &o, &body);
	if (code == 0)
		code = deliver(&o, &mail);
	free(o.host);
	mail_address_free(&o.from);
	for (i = 0; i < o.tos; i++)
		mail_address_free(&o.to[i]);
	buf_free(&body);
	buf_free(&mail);
	return code;
}
