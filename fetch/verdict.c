/*
 * What the end of a call means: done, again, elsewhere, or never.  The list
 * of what is tried again is in praic-fetch(1), too.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer.h"
#include "call.h"
#include "code.h"

#define MAX_REDIRECTS 3
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
	if (c->inspect != NULL && c->easy != NULL)
		c->inspect(c);
	call_end_easy(c);
	return end;
}

/* The part of a URL, or "" for none. */
static char *
url_part(CURLU *u, CURLUPart part)
{
	char *p = NULL, *out;

	if (curl_url_get(u, part, &p, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return xstrdup("");
	out = xstrdup(p);
	curl_free(p);
	return out;
}

static int
same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	char *pa = url_part(a, part), *pb = url_part(b, part);
	int same = strcasecmp(pa, pb) == 0;

	free(pa);
	free(pb);
	return same;
}

/* The token goes nowhere but to the host it is from. */
static int
stays(const char *from, const char *to)
{
	CURLU *a = curl_url(), *b = curl_url();
	int same = a != NULL && b != NULL && curl_url_set(a, CURLUPART_URL, from, 0) == CURLUE_OK &&
	    curl_url_set(b, CURLUPART_URL, to, 0) == CURLUE_OK &&
	    same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) &&
	    same_part(a, b, CURLUPART_PORT) && same_part(a, b, CURLUPART_USER) &&
	    same_part(a, b, CURLUPART_PASSWORD);

	curl_url_cleanup(a);
	curl_url_cleanup(b);
	return same;
}

static enum call_end
moved(struct call *c)
{
	char *to = NULL;
	char shown[SITE_SHOWN];

	curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &to);
	if (to == NULL) {
		buf_printf(&c->why, "HTTP %ld without a place to go", c->status);
		return finish(c, CALL_FAILED, EX_UNAVAILABLE);
	}
	site_show(c->site, to, strlen(to), shown);
	if (!stays(c->site->url, to)) {
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

/* The answer's own words behind ours. */
static void
why_status(struct call *c, const char *hint)
{
	char shown[SITE_SHOWN];

	buf_printf(&c->why, "HTTP %ld", c->status);
	/* What makes tokens may have one in its answer, however that is
	 * written: only what it says about errors is shown. */
	if (c->auth == CALL_BASIC)
		answer_only_errors(&c->said);
	if (c->said.n > 0)
		buf_printf(&c->why, " (%s)", site_show(c->site, c->said.p, c->said.n, shown));
	if (hint != NULL)
		buf_printf(&c->why, ": %s", hint);
}

/* What a status means that is no success. */
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
		/* Some say so with this: RFC 6749, 5.2. */
		if (c->auth != CALL_BASIC || c->said.n == 0 ||
		    (memmem(c->said.p, c->said.n, "\"invalid_client\"", 16) == NULL &&
			memmem(c->said.p, c->said.n, "\"unauthorized_client\"", 21) == NULL))
			break;
		why_status(c, "the client id or the secret is wrong");
		return finish(c, CALL_FAILED, EX_NOPERM);
	case 401:
		if (c->auth == CALL_BEARER) {
			why_status(c, NULL);
			return finish(c, CALL_TOKEN, EX_NOPERM);
		}
		why_status(c, "the client id or the secret is wrong");
		return finish(c, CALL_FAILED, EX_NOPERM);
	case 202:
	case 204:
		/* Recordings are rendered when they are asked for. */
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
		why_status(c, NULL);
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

/* TLS spoken wrongly stays wrong; a connection lost in its midst may not. */
static int
is_tls_fault(const struct call *c)
{
	return strstr(c->error, "error:") != NULL && strstr(c->error, "unexpected eof") == NULL;
}

/* What an end without a whole answer means. */
static enum call_end
by_error(struct call *c, CURLcode r)
{
	const char *what = c->error[0] != '\0' ? c->error : curl_easy_strerror(r);
	curl_off_t ready = 0;
	long proxy = 0;

	curl_easy_getinfo(c->easy, CURLINFO_APPCONNECT_TIME_T, &ready);
	curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (proxy >= 400) {
		buf_printf(&c->why, "the proxy said %ld%s", proxy,
		    proxy == 407 ? ": see --proxy-user" : "");
		return proxy >= 500 ? finish(c, CALL_AGAIN, EX_UNAVAILABLE) :
				      finish(c, CALL_FAILED, EX_CONFIG);
	}
	switch (r) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		buf_printf(&c->why,
		    "%s: if that is the right host, give its "
		    "certificate, or that of its authority, with --ca-file",
		    what);
		return finish(c, CALL_FAILED, EX_CONFIG);
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		buf_printf(&c->why, "its public key is not one that --pin names");
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
		/* Every URL is https: it is the answer that is not HTTP. */
		buf_printf(&c->why, "what answers does not speak HTTP/1.1 (%s)", what);
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	case CURLE_SSL_CONNECT_ERROR:
		buf_printf(&c->why, "%s", what);
		if (is_tls_fault(c))
			return finish(c, CALL_FAILED, EX_CONFIG);
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		/* TLS 1.3 says only behind the handshake what it misses. */
		if (!is_tls_fault(c) || strstr(c->error, "alert") == NULL)
			break;
		buf_printf(&c->why, "%s: see --client-cert", what);
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
			buf_printf(
			    &c->why, "no answer for %lld seconds", (long long)c->site->answer_time);
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
	/* A refusal is one even when its page was cut. */
	if (c->status >= 300)
		return by_status(c);
	if (r != CURLE_OK)
		return by_error(c, r);
	if (!call_is_good(c))
		return by_status(c);
	/* libcurl passes over a length that it cannot read. */
	if (c->length >= 0 && !c->encoded && c->bytes != (uint64_t)c->length) {
		buf_printf(&c->why, "%llu bytes came of %lld", (unsigned long long)c->bytes,
		    (long long)c->length);
		return finish(c, CALL_AGAIN, EX_UNAVAILABLE);
	}
	c->torn = c->length < 0 && !c->chunked && call_is_cut(c);
	return finish(c, CALL_DONE, 0);
}
