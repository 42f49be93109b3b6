/*
 * The token of an account: see fetch.h.
 *
 * The cache is a file for each account.  It is locked while it is read and while
 * a new token is asked for, so that only one of many processes asks.  Its times
 * are by this machine's clock; where that is wrong, a dead token costs one 401.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "fetch.h"
#include "msg.h"
#include "secret.h"

#define MAX_ANSWER ((size_t)256 * 1024)
#define MAX_TOKEN  ((size_t)16 * 1024)
#define EARLY	   60		     /* renewed so many seconds before its end */
#define LOCK_MS	   100		     /* how often a taken lock is tried */
#define LOCK_TIME  60		     /* seconds beyond what a token may take */
#define MAX_LIFE   INT64_C(31622400) /* a year */
#define REFUSED	   60		     /* seconds that a refusal is believed */

struct token {
	char *text;
	int64_t until; /* by time(2) */
	int fresh;     /* asked for by this process */
	int number;
};

static struct token *
own(struct site *s)
{
	if (s->token == NULL)
		s->token = xcalloc(1, sizeof(*s->token));
	return s->token;
}

void
credentials_free(struct site *s)
{
	if (s->token == NULL)
		return;
	secret_free(s->token->text);
	free(s->token);
	s->token = NULL;
}

/* A token goes into a header, so it is visible ASCII without blanks. */
static int
is_token(const char *p)
{
	size_t n = strlen(p), i;

	if (n == 0 || n > MAX_TOKEN)
		return 0;
	for (i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return 0;
	return 1;
}

static void
use(struct site *s, const char *text, int64_t until, int fresh)
{
	struct token *t = own(s);

	secret_free(t->text);
	t->text = xstrdup(text);
	t->until = until;
	t->fresh = fresh;
	t->number++;
	msg_hide(text);
}

/* Wait for the lock: the process that holds it may be asking for this token. */
static int
lock(struct site *s, int fd)
{
	int64_t until = when_clock() + (s->timeout + LOCK_TIME) * 1000;

	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			msg_errno("%s: the token's cache cannot be locked", s->name);
			return EX_IOERR;
		}
		if (when_clock() > until) {
			msg_warn("%s: another process keeps the token's cache locked", s->name);
			return EX_TEMPFAIL;
		}
		call_sleep(LOCK_MS);
	}
	return 0;
}

/*
 * Open and lock the cache file.  0 and *out, which is -1 where there is no place
 * for a cache; then each process takes a token of its own.
 */
static int
open_cache(struct site *s, int *out)
{
	int code = cache_open(s, "token", out);

	if (code != 0 || *out == -1)
		return code;
	code = lock(s, *out);
	if (code != 0) {
		close(*out);
		*out = -1;
	}
	return code;
}

/* Use the cached token, if its time is not over and it is not the bad one. */
static int
use_cached(struct site *s, const json_t *cache, const char *bad)
{
	const char *text = json_string_value(json_object_get(cache, "token"));
	json_int_t until = json_integer_value(json_object_get(cache, "until"));

	if (text == NULL || !is_token(text) || until <= (json_int_t)time(NULL) ||
	    (bad != NULL && strcmp(text, bad) == 0))
		return 0;
	use(s, text, until, 0);
	return 1;
}

/* Some answer "invalid_client" with status 200. */
static int
denies(struct call *c)
{
	return answer_is_client_error(c->said.p, c->said.n);
}

/* Read the answer of /oauth2/token. */
static int
parse_answer(struct site *s, struct call *c)
{
	const struct buf *b = &c->said;
	/* expires_in may be larger than an integer. */
	size_t bom = b->n >= 3 && memcmp(b->p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	json_t *o =
	    json_loadb(b->p != NULL ? b->p + bom : "", b->n - bom, JSON_DECODE_INT_AS_REAL, NULL);
	const char *text = json_string_value(json_object_get(o, "access_token"));
	const char *type = json_string_value(json_object_get(o, "token_type"));
	json_t *life = json_object_get(o, "expires_in");
	json_int_t seconds = 0;

	/* The answer is not shown: it may hold a token anywhere. */
	if (text == NULL || !is_token(text) || (type != NULL && strcasecmp(type, "bearer") != 0)) {
		buf_printf(&c->why,
		    text == NULL || !is_token(text) ?
			"an answer without a token: is this the host of an appliance?" :
			"a token of another type than Bearer");
		json_decref(o);
		return -1;
	}
	if (json_is_number(life) && json_number_value(life) <= (double)MAX_LIFE)
		seconds = (json_int_t)json_number_value(life);
	else if (json_is_string(life))
		seconds = strtoll(json_string_value(life), NULL, 10);
	if (seconds <= 0 || seconds > MAX_LIFE)
		seconds = 300; /* it did not say */
	msg_tell(1, "%s: a new token, for %lld seconds", s->name, (long long)seconds);
	/* A token with a short life is used for most of it. */
	use(s, text,
	    (int64_t)time(NULL) + seconds -
		(seconds >= 10 * (json_int_t)EARLY ? EARLY : seconds / 10),
	    1);
	json_decref(o);
	return 0;
}

static int
ask(struct site *s, int *wrong)
{
	struct retry r = {0};
	struct call c = {
	    .site = s,
	    .auth = CALL_BASIC,
	    .credentials = s->basic,
	    .path = "/oauth2/token",
	    .body = "grant_type=client_credentials",
	    .body_type = "application/x-www-form-urlencoded",
	    .max_time = 2 * call_answer_time(s),
	    .max_bytes = MAX_ANSWER,
	    .denies = denies,
	};
	int code;

	do {
		code = 0;
		if (call_run(&c) == CALL_DONE && parse_answer(s, &c) == 0)
			break;
		code = c.end == CALL_DONE ? EX_UNAVAILABLE : c.code;
	} while (c.end != CALL_FAILED && progress_wait(&r, &c, "token") == 0);
	if (code != 0)
		call_complain(&c, "token");
	/* A 403 may be a proxy's, and says nothing about the secret. */
	*wrong = code == EX_NOPERM && c.status != 0 && c.status != 403;
	if (c.said.p != NULL)
		explicit_bzero(c.said.p, c.said.cap);
	call_free(&c);
	return code;
}

/*
 * Wrong credentials are not tried again for a minute, because many attempts may
 * lock the account.  How many seconds of that are left.
 */
static int64_t
is_refused(const json_t *cache)
{
	int64_t left = json_integer_value(json_object_get(cache, "refused")) - (int64_t)time(NULL);

	return left > 0 && left <= REFUSED ? left : 0;
}

/* Ask for a token, and cache it or the refusal. */
static int
ask_and_keep(struct site *s, int fd, json_t *cache)
{
	int wrong, code = ask(s, &wrong);

	if (code == 0) {
		json_object_set_new(cache, "token", json_string(s->token->text));
		json_object_set_new(cache, "until", json_integer(s->token->until));
		json_object_del(cache, "refused");
	} else if (wrong)
		json_object_set_new(
		    cache, "refused", json_integer((json_int_t)time(NULL) + REFUSED));
	if (code == 0 || wrong)
		cache_write(s, fd, cache);
	return code;
}

/* A token that is not "bad": the cached one, or else a new one. */
static int
obtain(struct site *s, const char *bad, int new)
{
	json_t *cache;
	int64_t refused;
	int fd, code = open_cache(s, &fd);

	if (code != 0)
		return code;
	cache = cache_read(fd);
	if (!new &&use_cached(s, cache, bad))
		;
	else if (!new && (refused = is_refused(cache)) > 0) {
		msg_warn("%s: token: the client id or the secret was refused less than a minute "
			 "ago, and is not tried again for %lld s: correct it, or run check",
		    s->name, (long long)refused);
		code = EX_NOPERM;
	} else
		code = ask_and_keep(s, fd, cache);
	json_decref(cache);
	if (fd != -1)
		close(fd); /* and unlock */
	return code;
}

int
credentials_get(struct site *s)
{
	struct token *t = own(s);

	if (t->text != NULL && t->until > (int64_t)time(NULL))
		return 0;
	return obtain(s, NULL, 0);
}

int
credentials_new(struct site *s)
{
	return obtain(s, NULL, 1);
}

int
credentials_sign(struct call *c)
{
	int code = credentials_get(c->site);

	if (code == 0) {
		c->credentials = c->site->token->text;
		c->token_number = c->site->token->number;
	}
	return code;
}

int
credentials_renew(struct call *c)
{
	struct site *s = c->site;
	struct token *t = own(s);
	char *bad;
	int code;

	/* One token may have expired; a second one, asked for since, has not.  A
	 * token from another process may have, so it allows one more. */
	if (c->renewed > (c->token_number == t->number && t->fresh ? 0 : 1)) {
		buf_reset(&c->why);
		buf_printf(&c->why,
		    "a new token was refused, too (401): the account may not have this, or its "
		    "permissions have just changed: see /login > Management > API Configuration");
		return -1;
	}
	c->renewed++;
	if (c->token_number != t->number) /* another call has replaced it */
		return 0;
	msg_tell(1, "%s: the token is no longer good", s->name);
	bad = t->text;
	t->text = NULL;
	code = obtain(s, bad, 0);
	secret_free(bad);
	return code;
}

enum call_end
credentials_run(struct call *c)
{
	int code;

	c->renewed = 0;
	while ((code = credentials_sign(c)) == 0) {
		if (call_run(c) != CALL_TOKEN)
			return c->end;
		if ((code = credentials_renew(c)) != 0)
			break;
	}
	c->told = code > 0;
	c->code = code > 0 ? code : EX_NOPERM;
	return c->end = CALL_FAILED;
}
