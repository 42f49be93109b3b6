/* One HTTP call: see call.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "call.h"
#include "code.h"
#include "header.h"
#include "msg.h"
#include "rate.h"
#include "secret.h"
#include "token.h"

#if LIBCURL_VERSION_NUM < 0x075500
#error "libcurl 7.85 or later is needed (CURLOPT_PROTOCOLS_STR)"
#endif

#define MAX_SAID     4096      /* kept of what comes with a refusal */
#define MAX_REFUSAL  (1 << 20) /* then it is not heard to the end */
#define POLL_MS	     250       /* limits of time are looked at so often */
#define BUFFER_BYTES (128L * 1024)

/* What the calls of a site share. */
struct pace {
	CURLM *multi;  /* all calls; it keeps the parsed CA file, too */
	CURLSH *share; /* names, and TLS sessions to resume */
	struct rate *rate;
};

/*
 * Where an SSL_CTX notes that close_notify came; -1 when TLS is not done by
 * OpenSSL.  OpenSSL has no pointer to a call: libcurl 8.12 and later shut a
 * connection down when its call may be gone, up to curl_multi_cleanup.
 */
static int close_notify = -1;

int64_t
call_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void (*call_idle)(void);

static void
idle(void)
{
	if (call_idle != NULL)
		call_idle();
}

int
call_drive(struct site *s, int64_t ms)
{
	CURLM *multi = s->pace->multi;
	struct call *c;
	CURLMsg *m;
	CURLMcode bad;
	int running, left, over = 0;

	bad = curl_multi_perform(multi, &running);
	while ((m = curl_multi_info_read(multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		c->over = over = 1;
		c->result = m->data.result;
	}
	idle();
	if (bad == CURLM_OK && !over && ms > 0)
		bad = curl_multi_poll(multi, NULL, 0, (int)(ms < POLL_MS ? ms : POLL_MS), NULL);
	if (bad == CURLM_OK)
		return 0;
	msg_warn("libcurl: %s", curl_multi_strerror(bad));
	return EX_SOFTWARE;
}

void
call_wake(struct site *s)
{
	(void)curl_multi_wakeup(s->pace->multi);
}

void
call_sleep(struct site *s, int64_t ms)
{
	int64_t until = call_clock() + ms;
	struct timespec t = {0};

	while ((ms = until - call_clock()) > 0) {
		if (call_drive(s, ms) == 0)
			continue;
		t.tv_sec = (time_t)(ms / 1000);
		t.tv_nsec = ms % 1000 * 1000000;
		nanosleep(&t, NULL);
	}
}

int
call_open(struct site *s)
{
	struct pace *p;

	/* libcurl without memory frees what it has freed before (7.88, a TLS
	 * session that it cannot note): so it is out of memory as praic is. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc, xstrdup, xcalloc) !=
	    CURLE_OK) {
		msg_warn("libcurl cannot be set up");
		return EX_SOFTWARE;
	}
	p = xcalloc(1, sizeof(*p));
	p->multi = curl_multi_init();
	p->share = curl_share_init();
	p->rate = rate_new();
	s->pace = p;
	if (close_notify == -1 &&
	    strncmp(curl_version_info(CURLVERSION_NOW)->ssl_version, "OpenSSL/", 8) == 0)
		close_notify = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (p->multi == NULL || p->share == NULL ||
	    curl_share_setopt(p->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
	    curl_share_setopt(p->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) !=
		CURLSHE_OK) {
		msg_warn("libcurl cannot be set up");
		return EX_SOFTWARE;
	}
	return 0;
}

void
call_close(struct site *s)
{
	if (s->pace == NULL)
		return;
	curl_multi_cleanup(s->pace->multi);
	curl_share_cleanup(s->pace->share);
	rate_free(s->pace->rate);
	free(s->pace);
	s->pace = NULL;
	curl_global_cleanup();
}

int
call_is_cut(const struct call *c)
{
	return c->context != NULL && SSL_CTX_get_ex_data(c->context, close_notify) == NULL;
}

static void
set_context(struct call *c, SSL_CTX *context)
{
	SSL_CTX_free(c->context);
	c->context = context;
}

void
call_end_easy(struct call *c)
{
	if (c->easy != NULL)
		curl_multi_remove_handle(c->site->pace->multi, c->easy);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	set_context(c, NULL);
	c->easy = NULL;
	c->headers = NULL;
}

void
call_free(struct call *c)
{
	call_end_easy(c);
	buf_free(&c->type);
	buf_free(&c->etag);
	buf_free(&c->modified);
	buf_free(&c->disposition);
	buf_free(&c->why);
	buf_free(&c->url);
	buf_free(&c->moved);
	buf_free(&c->location);
	buf_free(&c->said);
}

static int
header_end(struct call *c)
{
	header_settle(c);
	if (!call_is_good(c))
		return 0;
	if (c->date != 0) {
		c->site->date = c->date;
		c->site->date_at = call_clock();
	}
	if (c->head != NULL)
		c->stopped = c->head(c);
	return c->stopped;
}

static size_t
on_header(char *p, size_t size, size_t count, void *arg)
{
	struct call *c = arg;
	size_t all = size * count, n = all;
	char *colon;

	/* What comes behind a chunked body is no header. */
	if (c->headed && c->bytes > 0)
		return all;
	while (
	    n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n == 0) {
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->status);
		c->headed = c->status >= 200;
		return c->headed && header_end(c) != 0 ? 0 : all;
	}
	if (n > 5 && memcmp(p, "HTTP/", 5) == 0) {
		header_forget(c);
		return all;
	}
	colon = memchr(p, ':', n);
	if (colon != NULL) {
		size_t name_n = (size_t)(colon - p);

		for (colon++; colon < p + n && (*colon == ' ' || *colon == '\t'); colon++)
			;
		header_one(c, p, name_n, colon, (size_t)(p + n - colon));
	}
	return all;
}

static size_t
on_body(char *p, size_t size, size_t count, void *arg)
{
	struct call *c = arg;
	size_t n = size * count, room;

	c->bytes += n;
	if (!call_is_good(c)) {
		room = c->said.n < MAX_SAID ? MAX_SAID - c->said.n : 0;
		buf_add(&c->said, p, n < room ? n : room);
		return c->bytes > MAX_REFUSAL ? 0 : n;
	}
	if (c->max_bytes != 0 && c->bytes > c->max_bytes) {
		c->big = 1;
		return 0;
	}
	c->site->received += n;
	c->stopped = c->take(c, p, n);
	return c->stopped != 0 ? 0 : n;
}

/*
 * An appliance may think long before the first byte of a body (it renders
 * recordings, it searches), but once it speaks it must go on speaking.
 */
static int
on_progress(void *arg, curl_off_t total, curl_off_t got, curl_off_t up_total, curl_off_t up)
{
	struct call *c = arg;
	const struct site *s = c->site;
	int64_t now = call_clock();

	(void)total;
	(void)got;
	(void)up_total;
	(void)up;
	if (c->bytes == 0) {
		c->last_at = now;
		c->slow = now - c->began > s->answer_time * 1000;
	} else if (now - c->last_at >= s->stall_time * 1000) {
		c->slow = c->bytes - c->last_bytes < (uint64_t)s->stall_time * SITE_STALL_RATE;
		c->last_at = now;
		c->last_bytes = c->bytes;
	}
	return c->slow;
}

static void
add_header(struct call *c, const char *text)
{
	struct curl_slist *more = curl_slist_append(c->headers, text);

	if (more == NULL)
		c->broken = 1;
	else
		c->headers = more;
}

static void
set_headers(struct call *c)
{
	const char *token = token_text(c->site);
	char *line = NULL;

	/* The vendor asks for a connection for each call. */
	add_header(c, "Connection: close");
	add_header(c, "Expect:");
	if (c->auth == CALL_BASIC)
		line = xasprintf("Authorization: Basic %s", c->site->basic);
	else if (c->auth == CALL_BEARER && token != NULL)
		line = xasprintf("Authorization: Bearer %s", token);
	if (line != NULL)
		add_header(c, line);
	secret_free(line);
	if (c->body != NULL) {
		line = xasprintf("Content-Type: %s", c->body_type);
		add_header(c, line);
		free(line);
	}
	if (c->range > 0 && c->if_range != NULL) {
		line = xasprintf("If-Range: %s", c->if_range);
		add_header(c, line);
		free(line);
	}
}

/* Every option is checked: a verification that was not switched on, because
 * libcurl was built without it, must not go unseen. */
#define SET(option, value)                                                \
	do {                                                              \
		if (curl_easy_setopt(c->easy, option, value) != CURLE_OK) \
			c->broken = 1;                                    \
	} while (0)

/*
 * Where an answer has neither a length nor chunks, only close_notify tells a
 * whole one from one that was cut.  libcurl does not say whether it came.
 */
static void
on_alert(const SSL *ssl, int where, int what)
{
	static char came;

	if (where == SSL_CB_READ_ALERT && (what & 0xff) == SSL_AD_CLOSE_NOTIFY)
		SSL_CTX_set_ex_data(SSL_get_SSL_CTX(ssl), close_notify, &came);
}

/* Keeps a reference to the context, for call_is_cut. */
static CURLcode
watch_tls(CURL *easy, void *context, void *arg)
{
	(void)easy;
	SSL_CTX_set_info_callback(context, on_alert);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
	/* libcurl 8.14 does not set it any more, and then fails where close_notify
	 * is missing.  Of an answer with a length or chunks libcurl sees by these
	 * whether it is whole, and of any other its reader asks call_is_cut. */
	SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
	if (!SSL_CTX_up_ref(context))
		return CURLE_SSL_CONNECT_ERROR;
	/* A proxy's TLS is begun first: the last is that of the answer. */
	set_context(arg, context);
	return CURLE_OK;
}

static void
set_tls(struct call *c)
{
	const struct site *s = c->site;

	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L); /* see moved() */
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (close_notify != -1) {
		SET(CURLOPT_SSL_CTX_FUNCTION, watch_tls);
		SET(CURLOPT_SSL_CTX_DATA, c);
	}
	if (s->ca_file != NULL) {
		/* Only these: that is the point of naming them. */
		SET(CURLOPT_CAINFO, s->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (s->pin != NULL)
		SET(CURLOPT_PINNEDPUBLICKEY, s->pin);
	if (s->cert != NULL) {
		SET(CURLOPT_SSLCERT, s->cert);
		SET(CURLOPT_SSLKEY, s->key != NULL ? s->key : s->cert);
		if (s->key_password != NULL)
			SET(CURLOPT_KEYPASSWD, s->key_password);
	}
	if (s->proxy != NULL) {
		/* What was given here, the environment does not take back. */
		SET(CURLOPT_PROXY, s->proxy);
		SET(CURLOPT_NOPROXY, "");
	}
	if (s->proxy_user != NULL) {
		SET(CURLOPT_PROXYUSERPWD, s->proxy_user);
		SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_ANY);
	}
	SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (c->want_certificate)
		SET(CURLOPT_CERTINFO, 1L);
}

void
call_start(struct call *c)
{
	char range[32];

	c->status = 0;
	c->bytes = c->last_bytes = 0;
	c->stopped = c->slow = c->big = c->told = c->code = c->broken = c->headed = 0;
	c->over = c->torn = 0;
	c->token_number = token_number(c->site);
	c->error[0] = '\0';
	buf_reset(&c->said);
	buf_reset(&c->why);
	header_forget(c);
	c->began = c->last_at = call_clock();
	buf_reset(&c->url);
	if (c->moved.n > 0)
		buf_add(&c->url, c->moved.p, c->moved.n);
	else
		buf_printf(&c->url, "%s%s%s%s", c->site->url, c->path, c->query != NULL ? "?" : "",
		    c->query != NULL ? c->query : "");

	c->result = CURLE_FAILED_INIT;
	c->easy = curl_easy_init();
	if (c->easy == NULL) {
		c->over = 1;
		return; /* call_end sees it */
	}
	SET(CURLOPT_URL, buf_text(&c->url));
	set_tls(c);
	set_headers(c);
	SET(CURLOPT_HTTPHEADER, c->headers);
	SET(CURLOPT_USERAGENT, "praic-fetch/" PRAIC_VERSION);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_SHARE, c->site->pace->share);
	SET(CURLOPT_NOSIGNAL, 1L);
	/* Nothing is asked for, but what comes packed is unpacked. */
	SET(CURLOPT_ACCEPT_ENCODING, "identity");
	SET(CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	SET(CURLOPT_CONNECTTIMEOUT, (long)c->site->connect_time);
	SET(CURLOPT_TIMEOUT, (long)c->max_time);
	if (c->body != NULL) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, (long)strlen(c->body));
		SET(CURLOPT_POSTFIELDS, c->body);
	}
	if (c->range > 0) {
		/* Not CURLOPT_RESUME_FROM, which fails when all comes. */
		snprintf(range, sizeof(range), "%lld-", (long long)c->range);
		SET(CURLOPT_RANGE, range);
	}
	SET(CURLOPT_ERRORBUFFER, c->error);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, c);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, c);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, c);
	SET(CURLOPT_PRIVATE, c);
	if (c->broken || curl_multi_add_handle(c->site->pace->multi, c->easy) != CURLM_OK)
		c->broken = c->over = 1;
}

int64_t
call_pace(struct site *s)
{
	return rate_book(s->pace->rate, s);
}

int64_t
call_retry(struct retry *r, const struct call *c)
{
	const struct site *s = c->site;
	int64_t now = call_clock(), left, cap, delay, least = 0;
	uint32_t random = 0;

	if (r->tries++ == 0)
		r->since = now;
	left = s->retry_time * 1000 - (now - r->since);
	if (c->retry_after > 0 && c->status != 200)
		least = c->retry_after * 1000;
	if (left <= 0 || least > left)
		return -1;
	cap = (int64_t)1000 << (r->tries < 7 ? r->tries - 1 : 6);
	if (getentropy(&random, sizeof(random)) == -1)
		random = (uint32_t)now;
	delay = least + 50 + (int64_t)(random % (uint32_t)cap);
	if (delay > left)
		delay = left;
	if (least > 0)
		rate_hold(c->site->pace->rate, least);
	return delay;
}

enum call_end
call_run(struct call *c)
{
	enum call_end end;
	int64_t wait;

	for (;;) {
		if (c->auth == CALL_BEARER && (c->code = token_get(c->site)) != 0) {
			c->told = 1;
			return c->end = CALL_FAILED;
		}
		while ((wait = call_pace(c->site)) > 0)
			call_sleep(c->site, wait);
		call_start(c);
		while (!c->over && call_drive(c->site, POLL_MS) == 0)
			;
		end = call_end(c);
		if (end == CALL_TOKEN) {
			if ((c->code = token_renew(c->site, c->token_number)) != 0) {
				c->told = 1;
				return c->end = CALL_FAILED;
			}
		} else if (end != CALL_MOVED)
			break;
	}
	return end;
}

void
call_complain(const struct call *c, const char *what)
{
	if (c->told != 1 && c->why.n > 0)
		msg_warn("%s: %s: %.*s", c->site->name, what, (int)c->why.n, c->why.p);
}
