/* One HTTP call: see fetch.h. */
#include <stdio.h>
#include <stdlib.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "code.h"
#include "fetch.h"
#include "msg.h"
#include "num.h"
#include "secret.h"
#include "utf8.h"

#if LIBCURL_VERSION_NUM < 0x075500
#error "libcurl 7.85 or later is needed (CURLOPT_PROTOCOLS_STR)"
#endif

#define MAX_SAID     4096	/* kept of what comes with a refusal */
#define MAX_REFUSAL  (1 << 20)	/* then it is not heard to the end */
#define MAX_TRAILERS (1 << 16)	/* bytes of lines behind the first header */
#define MAX_DATE     4102444800 /* 2100-01-01: a later one is no clock's */
#define POLL_MS	     250	/* limits of time are looked at so often */
#define STALL_RATE   512	/* bytes a second: slower than any line in use */
#define UNSEEN_MS    8000	/* tries while nothing has ever answered: see call_retry */

/* How to log in at a proxy.  A password is tried before Negotiate, because a
 * service has no Kerberos ticket. */
#define PROXY_AUTH ((long)CURLAUTH_BASIC | (long)CURLAUTH_DIGEST)
#define PROXY_MORE ((long)CURLAUTH_NEGOTIATE | (long)CURLAUTH_NTLM)

/* What all calls share: names, and TLS sessions to resume. */
static CURLM *multi;
static CURLSH *share;
/* The index under which an SSL_CTX notes its call. */
static int owner = -1;

void (*call_idle)(void);

int
call_drive(int64_t ms)
{
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
	if (call_idle != NULL)
		call_idle();
	if (bad == CURLM_OK && !over && ms > 0)
		bad = curl_multi_poll(multi, NULL, 0, (int)(ms < POLL_MS ? ms : POLL_MS), NULL);
	if (bad == CURLM_OK)
		return 0;
	msg_warn("libcurl: %s", curl_multi_strerror(bad));
	return EX_SOFTWARE;
}

void
call_sleep(int64_t ms)
{
	int64_t until = when_clock() + ms;
	struct timespec t = {0};

	while ((ms = until - when_clock()) > 0) {
		if (call_drive(ms) == 0)
			continue;
		t.tv_sec = (time_t)(ms / 1000);
		t.tv_nsec = ms % 1000 * 1000000;
		nanosleep(&t, NULL);
	}
}

int
call_open(struct site *s)
{
	/* libcurl 7.88 frees memory twice when a TLS session cannot be noted for lack
	 * of memory.  With these functions the program ends before that. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc, xstrdup, xcalloc) ==
	    CURLE_OK) {
		multi = curl_multi_init();
		share = curl_share_init();
	}
	s->proxy_auth = PROXY_AUTH;
	if (strncmp(curl_version_info(CURLVERSION_NOW)->ssl_version, "OpenSSL/", 8) == 0)
		owner = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (multi == NULL || share == NULL ||
	    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
	    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
		msg_warn("libcurl cannot be set up");
		return EX_SOFTWARE;
	}
	return 0;
}

void
call_close(void)
{
	if (multi == NULL)
		return;
	curl_multi_cleanup(multi);
	curl_share_cleanup(share);
	multi = NULL;
	curl_global_cleanup();
}

/* libcurl 8.12 and later may shut a connection down after its call was freed. */
static void
set_context(struct call *c, SSL_CTX *context)
{
	if (c->context != NULL)
		SSL_CTX_set_ex_data(c->context, owner, NULL);
	SSL_CTX_free(c->context);
	c->context = context;
	c->closed = 0;
	if (context != NULL)
		SSL_CTX_set_ex_data(context, owner, c);
}

static void
end_easy(struct call *c)
{
	if (c->easy != NULL)
		curl_multi_remove_handle(multi, c->easy);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	set_context(c, NULL);
	(void)inflateEnd(&c->unpack);
	memset(&c->unpack, 0, sizeof(c->unpack));
	c->easy = NULL;
	c->headers = NULL;
}

void
call_free(struct call *c)
{
	end_easy(c);
	buf_free(&c->type);
	buf_free(&c->etag);
	buf_free(&c->modified);
	buf_free(&c->disposition);
	buf_free(&c->why);
	buf_free(&c->url);
	buf_free(&c->moved);
	buf_free(&c->said);
}

/*
 * The header of an answer.
 */

#define MAX_HEADER 1024 /* of one header's value */

/* A header's value; "": there is none. */
static const char *
header(const struct call *c, const char *name)
{
	struct curl_header *h;

	return curl_easy_header(c->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value :
										       "";
}

/* Keep a header's value if it is short printable ASCII. */
static void
keep(struct buf *b, const struct call *c, const char *name)
{
	const char *p = header(c, name), *at;

	buf_reset(b);
	for (at = p; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			return;
	if (at - p <= MAX_HEADER)
		buf_adds(b, p);
}

static int64_t
parse_date(const char *text)
{
	time_t t = curl_getdate(text, NULL);

	return t > 0 ? (int64_t)t : 0;
}

/* "bytes 100-199/200" */
static void
parse_range(struct call *c, const char *p)
{
	const char *dash = strchr(p, '-'), *slash = strchr(p, '/');
	uint64_t first, last, total;

	if (strncasecmp(p, "bytes ", 6) != 0 || dash == NULL || slash == NULL || slash < dash ||
	    num_parse_count(p + 6, (size_t)(dash - p - 6), INT64_MAX, &first) == -1 ||
	    num_parse_count(dash + 1, (size_t)(slash - dash - 1), INT64_MAX, &last) == -1 ||
	    num_parse_count(slash + 1, strlen(slash + 1), INT64_MAX, &total) == -1)
		return;
	/* All requests ask for the rest, up to the end. */
	if (first > last || last + 1 != total)
		return;
	c->range_first = (int64_t)first;
	c->range_total = (int64_t)total;
}

static void
read_header(struct call *c)
{
	const char *text;
	uint64_t v;
	size_t n;

	keep(&c->type, c, "Content-Type");
	keep(&c->etag, c, "ETag");
	keep(&c->modified, c, "Last-Modified");
	keep(&c->disposition, c, "Content-Disposition");
	c->date = parse_date(header(c, "Date"));
	if (c->date > MAX_DATE)
		c->date = 0;
	text = header(c, "Content-Encoding");
	c->encoded = *text != '\0' && strcasecmp(text, "identity") != 0;
	if (c->encoded && c->unpack.state == NULL &&
	    (strcasecmp(text, "gzip") == 0 || strcasecmp(text, "x-gzip") == 0 ||
		strcasecmp(text, "deflate") == 0))
		c->unpacked = inflateInit2(&c->unpack, MAX_WBITS + 32); /* gzip or zlib */
	/* The last coding counts, and chunks override a length (RFC 9112, 6.3). */
	text = header(c, "Transfer-Encoding");
	n = strlen(text);
	c->chunked = n >= 7 && strcasecmp(text + n - 7, "chunked") == 0;
	/* A length that is too large for any file is not the same as no length. */
	text = header(c, "Content-Length");
	c->length = -1;
	if (*text != '\0' && !c->chunked)
		c->length = num_parse_count(text, strlen(text), INT64_MAX, &v) == 0 ? (int64_t)v :
										      INT64_MAX;
	c->range_first = c->range_total = -1;
	parse_range(c, header(c, "Content-Range"));
	/* Seconds, or a date, which is compared with the answer's Date: this
	 * machine's clock may differ from the appliance's. */
	text = header(c, "Retry-After");
	c->retry_after = -1;
	if (num_parse_count(text, strlen(text), INT32_MAX, &v) == 0)
		c->retry_after = (int64_t)v;
	else if (c->date != 0 && parse_date(text) >= c->date)
		c->retry_after = parse_date(text) - c->date;
}

static int
is_good(const struct call *c)
{
	return c->status == 200 || c->status == 206 ||
	    (c->status == 201 && c->auth == CALL_BASIC); /* a token was made */
}

/* libcurl keeps the lines of a header; it is read when it has ended. */
static size_t
on_header(char *p, size_t size, size_t count, void *arg)
{
	struct call *c = arg;
	size_t n = size * count;

	/* Trailers behind a chunked body, which may be empty, are ignored, but libcurl keeps
	 * them. */
	if (c->headed && (c->trailers += n) > MAX_TRAILERS)
		return 0;
	if (c->headed && c->bytes > 0)
		return n;
	if (*p != '\r' && *p != '\n')
		return n;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->status);
	if (c->status < 200)
		return n;
	c->headed = c->site->answered = 1;
	read_header(c);
	if (!is_good(c))
		return n;
	if (c->date != 0) {
		c->site->date = c->date;
		c->site->date_at = when_clock();
	}
	if (c->head != NULL)
		c->stopped = c->head(c);
	return c->stopped != 0 ? 0 : n;
}

/* A piece of the body.  0, or -1 to end the call. */
static int
take_body(struct call *c, const char *p, size_t n)
{
	size_t room;

	c->bytes += n;
	if (!is_good(c)) {
		room = c->said.n < MAX_SAID ? MAX_SAID - c->said.n : 0;
		buf_add(&c->said, p, n < room ? n : room);
		return c->bytes > MAX_REFUSAL ? -1 : 0;
	}
	if (c->max_bytes != 0 && c->bytes > c->max_bytes) {
		c->big = 1;
		return -1;
	}
	c->site->received += n;
	if (c->take == NULL)
		buf_add(&c->said, p, n);
	else
		c->stopped = c->take(c, p, n);
	return c->stopped != 0 ? -1 : 0;
}

/*
 * No compression is asked for, but a compressed answer is unpacked: here, because
 * libcurl does not tell whether the end of the compressed data came.
 */
static int
take_packed(struct call *c, char *p, size_t n)
{
	char out[16384];
	int is = 0;

	c->unpack.next_in = (Bytef *)p;
	c->unpack.avail_in = (uInt)n;
	while (is == 0 && c->unpacked == Z_OK) {
		c->unpack.next_out = (Bytef *)out;
		c->unpack.avail_out = sizeof(out);
		c->unpacked = inflate(&c->unpack, Z_NO_FLUSH);
		if (c->unpacked == Z_OK || c->unpacked == Z_STREAM_END)
			is = take_body(c, out, sizeof(out) - c->unpack.avail_out);
	}
	if (c->unpacked == Z_BUF_ERROR) /* more is needed */
		c->unpacked = Z_OK;
	else if (c->unpacked == Z_STREAM_END && c->unpack.avail_in > 0)
		c->unpacked = Z_DATA_ERROR;
	return is == 0 && (c->unpacked == Z_OK || c->unpacked == Z_STREAM_END) ? 0 : -1;
}

static size_t
on_body(char *p, size_t size, size_t count, void *arg)
{
	struct call *c = arg;
	size_t n = size * count;

	return (c->encoded ? take_packed(c, p, n) : take_body(c, p, n)) == 0 ? n : 0;
}

/*
 * The limits of time, in seconds, that follow from --timeout.  Each has a
 * minimum, which a busy appliance may need.
 */

int64_t
call_answer_time(const struct site *s)
{
	return s->timeout > 5 ? s->timeout : 5;
}

static int64_t
connect_time(const struct site *s)
{
	return s->timeout < 5 ? 5 : s->timeout > 30 ? 30 : s->timeout;
}

static int64_t
stall_time(const struct site *s)
{
	return s->timeout < 10 ? 2 : s->timeout > 300 ? 60 : s->timeout / 5;
}

/*
 * The first byte of a body may take long, while the appliance renders a
 * recording or searches; after it, the body must not stall.
 */
static int
on_progress(void *arg, curl_off_t total, curl_off_t got, curl_off_t up_total, curl_off_t up)
{
	struct call *c = arg;
	const struct site *s = c->site;
	int64_t now = when_clock();

	(void)total;
	(void)got;
	(void)up_total;
	(void)up;
	if (c->bytes == 0) {
		c->last_at = now;
		c->slow = now - c->began > call_answer_time(s) * 1000;
	} else if (now - c->last_at >= stall_time(s) * 1000) {
		c->slow = c->bytes - c->last_bytes < (uint64_t)stall_time(s) * STALL_RATE;
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
	char *line = NULL;

	/* The vendor's documentation asks for a new connection for each call. */
	add_header(c, "Connection: close");
	add_header(c, "Accept-Encoding: identity");
	add_header(c, "Expect:");
	if (c->auth != CALL_OPEN) {
		line = xasprintf("Authorization: %s %s", c->auth == CALL_BASIC ? "Basic" : "Bearer",
		    c->credentials);
		add_header(c, line);
		secret_free(line);
	}
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

/* Each option is checked: a libcurl that was built without some verification
 * must not go unnoticed. */
#define SET(option, value)                                                \
	do {                                                              \
		if (curl_easy_setopt(c->easy, option, value) != CURLE_OK) \
			c->broken = 1;                                    \
	} while (0)

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* The DNS names of a subjectAltName, and "an address" for each address. */
static void
read_names(X509 *x, char *out, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	struct buf b = {0};
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		buf_adds(&b, b.n > 0 ? ", " : "");
		if (name->type == GEN_DNS)
			buf_add(&b, ASN1_STRING_get0_data(name->d.dNSName),
			    (size_t)ASN1_STRING_length(name->d.dNSName));
		else
			buf_adds(&b, "an address");
	}
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	snprintf(out, size, "%s", buf_text(&b));
	buf_free(&b);
}

/*
 * OpenSSL has verified a certificate.  What a message needs is noted here.  A
 * certificate without a subjectAltName is refused, because libcurl would
 * look for the host in its common name.
 */
static int
on_certificate(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct call *c = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), owner);
	X509 *x = X509_STORE_CTX_get_current_cert(store);
	struct call_certificate *k;

	if (c == NULL || x == NULL)
		return good;
	k = &c->certificate;
	memset(k, 0, sizeof(*k));
	k->begins = seconds_of(X509_get0_notBefore(x));
	k->ends = seconds_of(X509_get0_notAfter(x));
	X509_NAME_oneline(X509_get_issuer_name(x), k->issuer, sizeof(k->issuer));
	read_names(x, k->names, sizeof(k->names));
	if (good && X509_STORE_CTX_get_error_depth(store) == 0 && k->names[0] == '\0') {
		X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
		good = 0;
	}
	if (!good)
		k->error = X509_STORE_CTX_get_error(store);
	return good;
}

/*
 * An answer without a length and without chunks is known to be whole only if
 * close_notify came.  libcurl does not tell.
 */
static void
on_alert(const SSL *ssl, int where, int what)
{
	struct call *c = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), owner);

	if (c != NULL && where == SSL_CB_READ_ALERT && (what & 0xff) == SSL_AD_CLOSE_NOTIFY)
		c->closed = 1;
}

static CURLcode
watch_tls(CURL *easy, void *context, void *arg)
{
	(void)easy;
	SSL_CTX_set_info_callback(context, on_alert);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_certificate);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
	/* libcurl 8.14 and later do not set it, and would fail where close_notify is
	 * missing.  libcurl checks length and chunks; call_end checks the rest. */
	SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
	if (!SSL_CTX_up_ref(context))
		return CURLE_SSL_CONNECT_ERROR;
	/* A proxy's TLS begins first; the last context is the appliance's. */
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
	if (owner != -1) {
		SET(CURLOPT_SSL_CTX_FUNCTION, watch_tls);
		SET(CURLOPT_SSL_CTX_DATA, c);
	}
	if (s->ca_file != NULL) {
		/* No other authority is trusted. */
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
		/* The environment does not override --proxy. */
		SET(CURLOPT_PROXY, s->proxy);
		SET(CURLOPT_NOPROXY, "");
	}
	if (s->proxy_user != NULL) {
		SET(CURLOPT_PROXYUSERPWD, s->proxy_user);
		c->proxy_auth = s->proxy_auth;
		SET(CURLOPT_PROXYAUTH, c->proxy_auth);
	}
	SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void
call_start(struct call *c)
{
	char range[32];

	c->status = 0;
	c->bytes = c->last_bytes = c->trailers = 0;
	c->stopped = c->slow = c->big = c->told = c->code = c->broken = c->headed = 0;
	c->over = c->torn = c->encoded = 0;
	c->unpacked = Z_DATA_ERROR;
	c->error[0] = '\0';
	memset(&c->certificate, 0, sizeof(c->certificate));
	buf_reset(&c->said);
	buf_reset(&c->why);
	c->date = 0;
	c->retry_after = c->length = -1;
	c->began = c->last_at = when_clock();
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
	SET(CURLOPT_SHARE, share);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long)connect_time(c->site));
	SET(CURLOPT_TIMEOUT, (long)c->max_time);
	if (c->body != NULL) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, (long)strlen(c->body));
		SET(CURLOPT_POSTFIELDS, c->body);
	}
	if (c->range > 0) {
		/* CURLOPT_RESUME_FROM would fail when the whole comes instead. */
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
	if (c->broken || curl_multi_add_handle(multi, c->easy) != CURLM_OK)
		c->broken = c->over = 1;
}

/*
 * The end of a call: what it means, and the message.
 */

#define MAX_REDIRECTS 3
#define WRONG_CREDENTIALS                                                               \
	"the client id or the secret is wrong: see --client-id, --secret and /login > " \
	"Management > API Configuration"
#define SEE_PERMISSIONS                                             \
	"see its permissions, and \"Enable XML API\", in /login > " \
	"Management > API Configuration"

static enum call_end
finish(struct call *c, enum call_end end, int code)
{
	c->end = end;
	c->code = code;
	if (end != CALL_MOVED) {
		buf_reset(&c->moved);
		c->redirects = 0;
	}
	end_easy(c);
	return end;
}

static enum call_end
moved(struct call *c)
{
	const char *url = c->site->url;
	size_t n = strlen(url);
	char *to = NULL;
	char shown[CALL_EXCERPT];

	curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &to);
	if (to == NULL) {
		buf_printf(&c->why, "HTTP %ld without a place to go", c->status);
		return finish(c, CALL_FAILED, EX_UNAVAILABLE);
	}
	/* What is behind ? may be a signature. */
	call_excerpt(to, strcspn(to, "?#"), shown);
	/* The token is sent to the appliance only. */
	if (strncasecmp(to, url, n) == 0 && strncmp(to + n, ":443/", 5) == 0)
		n += 4;
	if (strncasecmp(to, url, strlen(url)) != 0 || to[n] != '/') {
		buf_printf(&c->why,
		    "redirected to %s, and a redirect is followed on the "
		    "same host only: is --host right?",
		    shown);
		return finish(c, CALL_FAILED, EX_CONFIG);
	}
	if (c->redirects++ == MAX_REDIRECTS) {
		buf_printf(&c->why, "redirected too often, at last to %s", shown);
		return finish(c, CALL_FAILED, EX_UNAVAILABLE);
	}
	buf_reset(&c->moved);
	buf_adds(&c->moved, to);
	return finish(c, CALL_MOVED, 0);
}

/*
 * The status, and the text of the appliance's error element.  No other part of
 * an answer is shown: it may hold a token.
 */
static void
why_status(struct call *c, const char *hint)
{
	char shown[CALL_EXCERPT];
	struct buf said = {0};

	buf_printf(&c->why, "HTTP %ld", c->status);
	answer_error(c->said.p, c->said.n, &said);
	if (said.n > 0)
		buf_printf(&c->why, " (%s)", call_excerpt(said.p, said.n, shown));
	if (hint != NULL)
		buf_printf(&c->why, ": %s", hint);
	if (c->retry_after > 0)
		buf_printf(&c->why, ", not before %lld s", (long long)c->retry_after);
	buf_free(&said);
}

/* The call ended with a status that is no success. */
static enum call_end
by_status(struct call *c)
{
	switch (c->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return moved(c);
	case 400:
		/* RFC 6749, 5.2, allows this status for wrong credentials, too. */
		if (c->auth != CALL_BASIC || !answer_is_client_error(c->said.p, c->said.n))
			break;
		why_status(c, WRONG_CREDENTIALS);
		return finish(c, CALL_FAILED, EX_NOPERM);
	case 401:
		if (c->auth == CALL_BEARER) {
			why_status(c, NULL);
			return finish(c, CALL_TOKEN, EX_NOPERM);
		}
		why_status(c, WRONG_CREDENTIALS);
		return finish(c, CALL_FAILED, EX_NOPERM);
	case 202:
	case 204:
		/* The appliance renders recordings on demand. */
		why_status(c, "it is not ready yet");
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	case 403:
	case 404:
	case 410:
		if (c->auth == CALL_BEARER) {
			why_status(c,
			    c->status == 403 ? "the account may not have this: " SEE_PERMISSIONS :
					       "it is not there, or the account may not "
					       "have it: " SEE_PERMISSIONS);
			return finish(c, CALL_FAILED, EX_NOPERM);
		}
		why_status(c, "is this the host of an appliance?");
		return finish(c, CALL_FAILED, c->status == 403 ? EX_NOPERM : EX_UNAVAILABLE);
	case 408:
	case 429:
		why_status(
		    c, c->status == 429 ? "too many requests: try later, or see --rate" : NULL);
		return finish(c, CALL_AGAIN, EX_TEMPFAIL);
	case 501:
	case 505:
		break;
	default:
		if (c->status >= 500 || c->status == 425) {
			c->slow |= c->status == 504;
			why_status(c, NULL);
			return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
		}
	}
	why_status(c, NULL);
	return finish(c, CALL_FAILED, EX_UNAVAILABLE);
}

/* An error of TLS itself stays; a lost connection may come back. */
static int
is_tls_fault(const struct call *c)
{
	return strstr(c->error, "error:") != NULL && strstr(c->error, "unexpected eof") == NULL;
}

static const char *
day(int64_t t, char out[WHEN_SIZE])
{
	when_format(t, out);
	out[10] = '\0';
	return out;
}

/* The certificate cannot be trusted. */
static enum call_end
by_certificate(struct call *c, const char *what)
{
	const struct call_certificate *k = &c->certificate;
	char then[WHEN_SIZE], now[WHEN_SIZE];

	day(time(NULL), now);
	switch (k->error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		buf_printf(&c->why,
		    "the certificate expired on %s, and it is %s by this machine's clock: "
		    "renew it on the appliance, or set this clock right",
		    day(k->ends, then), now);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		buf_printf(&c->why,
		    "the certificate is valid from %s on, and it is %s by this machine's "
		    "clock: set this clock right",
		    day(k->begins, then), now);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		buf_printf(&c->why,
		    "the certificate is from an authority that is unknown here (%s): if this is "
		    "the right host, give that authority's certificate with --ca-file",
		    k->issuer);
		break;
	case X509_V_ERR_APPLICATION_VERIFICATION:
		buf_printf(&c->why,
		    "the certificate has no subjectAltName, where its host names would stand: "
		    "replace it on the appliance by one that has");
		break;
	case X509_V_OK:
		if (k->names[0] != '\0') {
			buf_printf(&c->why,
			    "the certificate is for %s, and not for this host: give the name that "
			    "it is for with --host",
			    k->names);
			break;
		}
		/* FALLTHROUGH */
	default:
		buf_printf(&c->why, "%s", what);
	}
	return finish(c, CALL_FAILED, EX_CONFIG);
}

/* The proxy does not let the call through. */
static enum call_end
by_proxy(struct call *c, long status)
{
	struct site *s = c->site;
	long offers = 0;

	curl_easy_getinfo(c->easy, CURLINFO_PROXYAUTH_AVAIL, &offers);
	if (status == 407 && s->proxy_user == NULL)
		buf_printf(&c->why,
		    "the proxy said 407: it wants credentials: give them with --proxy-user");
	else if (status == 407 && (offers & c->proxy_auth) != 0)
		buf_printf(&c->why, "the proxy said 407: what --proxy-user names is wrong");
	else if (status == 407 && c->proxy_auth == PROXY_AUTH && (offers & PROXY_MORE) != 0) {
		s->proxy_auth = PROXY_MORE;
		return finish(c, CALL_MOVED, 0);
	} else if (status == 407)
		buf_printf(&c->why,
		    "the proxy said 407: it wants credentials of a kind that praic-fetch does not "
		    "have: let it take Basic or Digest, or see --proxy");
	else if (status == 403)
		buf_printf(&c->why,
		    "the proxy said 403: it does not let this machine reach that host: have the "
		    "host allowed there, or see --proxy");
	else
		buf_printf(&c->why, "the proxy said %ld: see --host and --proxy", status);
	if (status >= 500 || status == 429 || status == 408)
		return finish(c, CALL_AGAIN, status < 500 ? EX_TEMPFAIL : EX_UNAVAILABLE);
	return finish(c, CALL_FAILED, status == 403 ? EX_NOPERM : EX_CONFIG);
}

/* There is no connection. */
static enum call_end
by_connection(struct call *c, CURLcode r, const char *what)
{
	const char *host = c->site->host;
	long error = 0;

	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &error);
	if (r == CURLE_COULDNT_RESOLVE_HOST)
		buf_printf(
		    &c->why, "cannot resolve %s: see --host, and this machine's resolver", host);
	else if (r == CURLE_COULDNT_RESOLVE_PROXY)
		buf_printf(&c->why, "cannot resolve the proxy's name: see --proxy");
	else
		buf_printf(&c->why, "%s%s%s: see --host and --proxy, and firewalls in between",
		    what, error != 0 ? ": " : "", error != 0 ? strerror((int)error) : "");
	return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
}

/* The call ended without a whole answer. */
static enum call_end
by_error(struct call *c, CURLcode r)
{
	const char *what = c->error[0] != '\0' ? c->error : curl_easy_strerror(r);
	curl_off_t ready = 0;
	long proxy = 0;

	curl_easy_getinfo(c->easy, CURLINFO_APPCONNECT_TIME_T, &ready);
	curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (proxy >= 300)
		return by_proxy(c, proxy);
	switch (r) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return by_certificate(c, what);
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		buf_printf(&c->why, "its public key is not one that the site's pin names");
		return finish(c, CALL_FAILED, EX_CONFIG);
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_BAD_FUNCTION_ARGUMENT: /* libcurl 8.23: a key that the password does not open */
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_URL_MALFORMAT:
	case CURLE_NOT_BUILT_IN:
		buf_printf(&c->why, "%s", what);
		return finish(c, CALL_FAILED, EX_CONFIG);
	case CURLE_UNSUPPORTED_PROTOCOL:
		/* All URLs are https, so the answer is not HTTP. */
		buf_printf(&c->why, "what answers does not speak HTTP/1.1 (%s): see --host", what);
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		return by_connection(c, r, what);
	case CURLE_SSL_CONNECT_ERROR:
		buf_printf(&c->why, "%s", what);
		if (!is_tls_fault(c))
			return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
		buf_adds(&c->why,
		    ": see the port of --host (TLS 1.2 or later) and the site's client-cert");
		return finish(c, CALL_FAILED, EX_CONFIG);
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		/* With TLS 1.3 the server reports a missing client certificate only
		 * after the handshake. */
		if (!is_tls_fault(c) || strstr(c->error, "alert") == NULL)
			break;
		buf_printf(&c->why, "%s: see the site's client-cert", what);
		return finish(c, CALL_FAILED, EX_CONFIG);
#if LIBCURL_VERSION_NUM >= 0x080600 /* before, CURLE_OUT_OF_MEMORY was both */
	case CURLE_TOO_LARGE:
#endif
	case CURLE_OUT_OF_MEMORY:
		buf_printf(
		    &c->why, "%s%s", what, c->headed ? "" : ", or a header that is too long");
		return finish(c, CALL_FAILED, EX_TEMPFAIL);
	case CURLE_OPERATION_TIMEDOUT:
		c->slow = ready > 0;
		break;
	case CURLE_ABORTED_BY_CALLBACK:
		if (!c->slow)
			break;
		if (c->bytes == 0)
			buf_printf(&c->why, "no answer for %lld seconds: see --timeout",
			    (long long)call_answer_time(c->site));
		else
			buf_printf(&c->why, "the answer stalled at byte %llu",
			    (unsigned long long)c->bytes);
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	default:
		break;
	}
	buf_printf(&c->why, "%s", what);
	return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
}

enum call_end
call_end(struct call *c)
{
	CURLcode r = c->result;

	if (c->easy == NULL || c->broken) {
		buf_printf(&c->why, "libcurl lacks something that is needed");
		return finish(c, CALL_FAILED, EX_SOFTWARE);
	}
	if (c->stopped != 0 && c->stopped != CALL_STOP_AGAIN)
		return finish(c, CALL_FAILED, c->stopped);
	if (c->stopped != 0)
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	if (c->big) {
		buf_printf(&c->why, "the answer is larger than %llu bytes",
		    (unsigned long long)c->max_bytes);
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	}
	/* A refusal counts even when its page was cut. */
	if (c->status >= 300)
		return by_status(c);
	if (c->trailers > MAX_TRAILERS) {
		buf_printf(&c->why,
		    "there are more than %d bytes of header lines behind the "
		    "answer: is a proxy in the way?",
		    MAX_TRAILERS);
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	}
	if (c->encoded && c->unpacked != Z_STREAM_END &&
	    (r == CURLE_OK || r == CURLE_WRITE_ERROR)) {
		buf_printf(&c->why, "the answer is compressed, and %s",
		    c->unpacked == Z_OK ? "the end of it is missing" :
					  "its Content-Encoding is wrong or unknown");
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	}
	if (r != CURLE_OK)
		return by_error(c, r);
	if (!c->headed) {
		buf_printf(&c->why, "the connection was cut within the header of the answer");
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	}
	if (!is_good(c))
		return by_status(c);
	/* libcurl ignores a length that it cannot read. */
	if (c->length >= 0 && !c->encoded && c->bytes != (uint64_t)c->length) {
		buf_printf(&c->why, "%llu bytes came of %lld", (unsigned long long)c->bytes,
		    (long long)c->length);
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	}
	c->torn = c->length < 0 && !c->chunked && c->context != NULL && !c->closed;
	if (c->denies != NULL && c->denies(c)) {
		if (c->auth == CALL_BEARER)
			return finish(c, CALL_TOKEN, EX_NOPERM);
		buf_printf(&c->why, WRONG_CREDENTIALS);
		return finish(c, CALL_FAILED, EX_NOPERM);
	}
	return finish(c, CALL_DONE, 0);
}

/*
 * The retry rule.  After a failure that may pass, a question is asked again
 * until the site's timeout has passed since the first failure.  The delays
 * double from one second to a minute, with full jitter, and are never less
 * than the Retry-After.  While the host has not answered in this run, eight
 * seconds are enough: its name may be misspelled.
 */
int64_t
call_retry(struct retry *r, const struct call *c)
{
	const struct site *s = c->site;
	int64_t now = when_clock(), left, cap, delay, least = 0;
	uint32_t random = 0;

	if (r->tries++ == 0)
		r->since = now;
	left = s->timeout * 1000;
	if (!s->answered && left > UNSEEN_MS)
		left = UNSEEN_MS;
	left -= now - r->since;
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
		rate_hold(least);
	return delay;
}

enum call_end
call_run(struct call *c)
{
	enum call_end end;
	int64_t wait;

	do {
		while ((wait = rate_book(c->site)) > 0)
			call_sleep(wait);
		call_start(c);
		while (!c->over && call_drive(POLL_MS) == 0)
			;
		end = call_end(c);
	} while (end == CALL_MOVED);
	return end;
}

void
call_complain(const struct call *c, const char *what)
{
	if (c->told != 1 && c->why.n > 0)
		msg_warn("%s: %s: %.*s", c->site->name, what, (int)c->why.n, c->why.p);
}

int64_t
call_now(const struct site *s)
{
	return s->date != 0 ? s->date + (when_clock() - s->date_at) / 1000 : 0;
}

const char *
call_excerpt(const char *p, size_t n, char out[CALL_EXCERPT])
{
	struct buf flat = {0}, harmless = {0};
	size_t i;

	for (i = 0; i < n; i++)
		if (!isspace((unsigned char)p[i]))
			buf_addc(&flat, p[i]);
		else if (flat.n > 0 && flat.p[flat.n - 1] != ' ')
			buf_addc(&flat, ' ');
	/* Secrets are removed before the text is cut: half a secret is not recognised. */
	msg_harmless(&harmless, flat.p, flat.n);
	n = harmless.n < CALL_EXCERPT ? harmless.n : utf8_floor(harmless.p, CALL_EXCERPT - 8);
	snprintf(out, CALL_EXCERPT, "%.*s%s", (int)n, n > 0 ? harmless.p : "",
	    n < harmless.n ? "..." : "");
	buf_free(&flat);
	buf_free(&harmless);
	return out;
}
