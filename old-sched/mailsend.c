/*
 * One mail to a server: see mailsend.h.  libcurl speaks SMTP; what the
 * server answers is read along, for libcurl tells neither which recipient
 * was refused nor in which words.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "buf.h"
#include "code.h"
#include "mailsend.h"
#include "msg.h"

#define CONNECT_TIME   30L /* seconds */
#define LONGEST_ANSWER 500 /* characters of it that are repeated */

struct talk {
	const struct mail_server *server;
	const char *text; /* of the mail, what is still to be sent */
	size_t n;
	struct buf command; /* the last one, without its arguments if secret */
	struct buf answer;  /* the last one that was a refusal */
	int status;	    /* of that answer */
	size_t refused;	    /* recipients */
};

static size_t
give(char *p, size_t size, size_t count, void *arg)
{
	struct talk *t = arg;
	size_t n = size * count < t->n ? size * count : t->n;

	memcpy(p, t->text, n);
	t->text += n;
	t->n -= n;
	return n;
}

/* Of a command what may be repeated: of a login nothing but its first word. */
static void
hear_command(struct talk *t, const char *p, size_t n)
{
	static const char *const open[] = {"MAIL ", "RCPT ", "EHLO ", "HELO ", "STARTTLS", "DATA"};
	size_t i;

	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (n == 4 && strncasecmp(p, "QUIT", 4) == 0)
		return; /* what was before it is what counts */
	buf_reset(&t->command);
	buf_reset(&t->answer);
	t->status = 0;
	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (n >= strlen(open[i]) && strncasecmp(p, open[i], strlen(open[i])) == 0) {
			buf_add(&t->command, p, n);
			return;
		}
	buf_adds(&t->command, "login");
}

static void
hear_answer(struct talk *t, const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (n < 3 || (p[0] != '4' && p[0] != '5'))
		return;
	/* Of several lines the last: it is the one with a blank. */
	buf_reset(&t->answer);
	buf_add(&t->answer, p, n < LONGEST_ANSWER ? n : LONGEST_ANSWER);
	t->status = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
	if (n > 3 && p[3] == '-')
		return;
	if (strncmp(buf_text(&t->command), "RCPT", 4) == 0) {
		t->refused++;
		msg_warn(
		    "%s: %s: %s", t->server->host, buf_text(&t->command), buf_text(&t->answer));
	}
}

static int
hear(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	struct talk *t = arg;

	(void)easy;
	if (type == CURLINFO_HEADER_OUT)
		hear_command(t, p, n);
	else if (type == CURLINFO_HEADER_IN)
		hear_answer(t, p, n);
	if (type == CURLINFO_HEADER_OUT)
		msg_tell(1, "%s: > %s", t->server->host, buf_text(&t->command));
	else if (type == CURLINFO_HEADER_IN && n > 0)
		msg_tell(1, "%s: < %.*s", t->server->host, (int)(n - (p[n - 1] == '\n')), p);
	return 0;
}

static int
set_options(CURL *c, struct talk *t, char *error, struct curl_slist *to, const char *from)
{
	const struct mail_server *s = t->server;
	char *url = xasprintf("smtp%s://%s:%d%s%s", s->tls == MAIL_TLS ? "s" : "", s->host,
	    s->port != 0	     ? s->port :
		s->tls == MAIL_TLS   ? 465 :
		s->tls == MAIL_PLAIN ? 25 :
				       587,
	    s->hello != NULL ? "/" : "", s->hello != NULL ? s->hello : "");
	CURLcode r = CURLE_OK;

#define SET(option, value) (r = r == CURLE_OK ? curl_easy_setopt(c, option, value) : r)
	SET(CURLOPT_ERRORBUFFER, error);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, s->tls == MAIL_TLS ? "smtps" : "smtp");
	SET(CURLOPT_PROXY, ""); /* none that the environment names */
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USE_SSL, (long)(s->tls == MAIL_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (s->ca_file != NULL) {
		SET(CURLOPT_CAINFO, s->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (s->user != NULL) {
		SET(CURLOPT_USERNAME, s->user);
		SET(CURLOPT_PASSWORD, s->password);
	}
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIME);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, s->timeout);
	SET(CURLOPT_TIMEOUT, s->timeout);
	SET(CURLOPT_MAIL_FROM, from);
	SET(CURLOPT_MAIL_RCPT, to);
	/* One who has left the company must not keep it from the others. */
	SET(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->n);
	SET(CURLOPT_READFUNCTION, give);
	SET(CURLOPT_READDATA, t);
	SET(CURLOPT_DEBUGFUNCTION, hear);
	SET(CURLOPT_DEBUGDATA, t);
	SET(CURLOPT_VERBOSE, 1L); /* calls hear */
#undef SET
	free(url);
	if (r != CURLE_OK) {
		msg_warn("%s: libcurl: %s", s->host, curl_easy_strerror(r));
		return r == CURLE_OUT_OF_MEMORY ? EX_TEMPFAIL : EX_CONFIG;
	}
	return 0;
}

/* What the server said decides; without that, what happened to the line. */
static int
judge(const struct talk *t, CURLcode r, const char *error)
{
	const char *host = t->server->host;

	if (t->status != 0 && t->answer.n > 0 &&
	    (r == CURLE_LOGIN_DENIED || r == CURLE_SEND_ERROR || r == CURLE_WEIRD_SERVER_REPLY ||
		r == CURLE_QUOTE_ERROR || r == CURLE_RECV_ERROR || r == CURLE_COULDNT_CONNECT)) {
		struct buf copy = {0};

		buf_add(&copy, t->answer.p, t->answer.n);
		msg_warn("%s: %.*s refused: %s", host, (int)t->command.n,
		    t->command.p != NULL ? t->command.p : "", buf_text(&copy));
		buf_free(&copy);
		return t->status < 500 ? EX_TEMPFAIL : EX_NOPERM;
	}
	switch (r) {
	case CURLE_LOGIN_DENIED:
		msg_warn("%s: login: %s: it knows no way to log in that this program does, "
			 "or none without TLS",
		    host, error);
		return EX_NOPERM;
	case CURLE_USE_SSL_FAILED:
		msg_warn("%s: it offers no STARTTLS: nothing was sent; see --tls", host);
		return EX_CONFIG;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		msg_warn("%s: %s: nothing was sent; --ca-file names an authority of your own", host,
		    error);
		return EX_CONFIG;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		msg_warn("%s: %s", host, error);
		return EX_CONFIG;
	case CURLE_SSL_CONNECT_ERROR:
		msg_warn("%s: %s: does it speak TLS on this port?  See --tls", host, error);
		return EX_UNAVAILABLE;
	case CURLE_OUT_OF_MEMORY:
		msg_warn("%s: %s", host, error);
		return EX_TEMPFAIL;
	default:
		msg_warn("%s: %s", host, error);
		return EX_UNAVAILABLE;
	}
}

int
mail_send(const struct mail_server *s, const char *from, const char *const *to, size_t tos,
    const char *text, size_t n)
{
	struct talk t = {.server = s, .text = text, .n = n};
	char error[CURL_ERROR_SIZE] = "", *wrapped;
	struct curl_slist *list = NULL, *longer;
	CURL *c = NULL;
	CURLcode r;
	size_t i;
	int code = EX_TEMPFAIL;

	/* Not all of libcurl survives to be without memory. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc, xstrdup, xcalloc) !=
		CURLE_OK ||
	    (c = curl_easy_init()) == NULL) {
		msg_warn("libcurl does not start: no memory?");
		return EX_TEMPFAIL;
	}
	for (i = 0; i < tos; i++) {
		wrapped = xasprintf("<%s>", to[i]);
		longer = curl_slist_append(list, wrapped);
		free(wrapped);
		if (longer == NULL)
			xnomem();
		list = longer;
	}
	wrapped = xasprintf("<%s>", from);
	code = set_options(c, &t, error, list, wrapped);
	if (code == 0) {
		r = curl_easy_perform(c);
		if (r != CURLE_OK)
			code = judge(&t, r, error[0] != '\0' ? error : curl_easy_strerror(r));
		else if (t.refused > 0) {
			msg_warn(
			    "%s: sent, but not to %zu of %zu recipients", s->host, t.refused, tos);
			code = EX_DATAERR;
		}
	}
	free(wrapped);
	curl_easy_cleanup(c);
	curl_slist_free_all(list);
	curl_global_cleanup();
	buf_free(&t.command);
	buf_free(&t.answer);
	return code;
}
