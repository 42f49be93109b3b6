/*
 * The token of an account: see token.h.
 *
 * The cache is a file for each account, named by a hash of host and client
 * id, locked while it is read and while a new token is asked for.  It is
 * written in place: the lock is on the file, and a half-written one is just
 * an empty one.  Its times are this machine's, for nothing that is fetched
 * hangs on them: a token that was thought good costs one 401, not more.
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

#include <jansson.h>

#include "cache.h"
#include "call.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "secret.h"
#include "sha256.h"
#include "token.h"

#define MAX_STATE ((size_t)256 * 1024) /* the cache file, an answer with a token */
#define MAX_TOKEN ((size_t)16 * 1024)
#define EARLY	  60		    /* renewed so many seconds before its end */
#define LOCK_MS	  100		    /* how often a taken lock is tried */
#define MAX_LIFE  INT64_C(31622400) /* a year */
#define REMEMBER  86400		    /* seconds that a text is believed */
#define MAX_TEXTS 16		    /* of a kind */
#define REFUSED	  60		    /* seconds that a refusal is believed */
#define SALT	  16		    /* bytes */

struct token {
	char *text;
	int64_t until; /* by time(2) */
	int fresh;     /* asked for by this process */
	int refused;   /* tokens in a row that were good for nothing */
	int number;
	json_t *nothing; /* texts: {report: {text: until}} */
};

static struct token *
own(struct site *s)
{
	if (s->token == NULL)
		s->token = xcalloc(1, sizeof(*s->token));
	return s->token;
}

const char *
token_text(const struct site *s)
{
	return s->token != NULL ? s->token->text : NULL;
}

int
token_number(const struct site *s)
{
	return s->token != NULL ? s->token->number : 0;
}

void
token_worked(struct site *s)
{
	own(s)->refused = 0;
}

void
token_free(struct site *s)
{
	if (s->token == NULL)
		return;
	secret_free(s->token->text);
	json_decref(s->token->nothing);
	free(s->token);
	s->token = NULL;
}

/* It goes into a header: visible ASCII, nothing that could end the line. */
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

/* Wait for the lock: whoever has it may be asking for the very token. */
static int
lock(struct site *s, int fd)
{
	int64_t until = call_clock() + (s->retry_time + s->connect_time) * 1000;

	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			msg_errno("%s: the token's cache cannot be locked", s->name);
			return EX_IOERR;
		}
		if (call_clock() > until) {
			msg_warn("%s: another process keeps the token's cache locked", s->name);
			return EX_TEMPFAIL;
		}
		call_sleep(s, LOCK_MS);
	}
	return 0;
}

/*
 * The cache file, locked.  0 and *out; *out is -1 where there is no place
 * for one, and then each process takes its own token.
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

/* What the cache says; an empty object when it says nothing. */
static json_t *
read_cache(int fd)
{
	json_t *o = NULL;
	char *text;
	ssize_t n;

	if (fd != -1) {
		text = xmalloc(MAX_STATE);
		n = lseek(fd, 0, SEEK_SET) == -1 ? -1 : file_read(fd, text, MAX_STATE);
		if (n > 0)
			o = json_loadb(text, (size_t)n, 0, NULL);
		explicit_bzero(text, MAX_STATE);
		free(text);
	}
	if (!json_is_object(o)) {
		json_decref(o);
		o = json_object();
	}
	return o;
}

static void
write_cache(const struct site *s, int fd, json_t *o)
{
	char *text;

	if (fd == -1)
		return;
	text = json_dumps(o, JSON_COMPACT);
	/* Not synced: after a crash a new token is asked for. */
	if (text == NULL || ftruncate(fd, 0) == -1 || lseek(fd, 0, SEEK_SET) == -1 ||
	    file_write(fd, text, strlen(text)) == -1) {
		/* The token in memory is good; the next process asks anew. */
		msg_errno("%s: the token's cache cannot be written", s->name);
		(void)!ftruncate(fd, 0);
	}
	secret_free(text);
}

/* Remember what the cache knows of texts, too. */
static void
use_texts(struct site *s, const json_t *cache)
{
	struct token *t = own(s);
	json_t *texts = json_object_get(cache, "nothing");

	if (json_is_object(texts) && t->nothing == NULL)
		t->nothing = json_incref(texts);
}

/* Salted: the file tells less of the secret than the token in it. */
static void
credentials(const struct site *s, const char *salt, char hex[SHA256_HEX])
{
	struct sha256 *h = sha256_new();

	sha256_add(h, salt, strlen(salt));
	sha256_add(h, s->basic, strlen(s->basic));
	sha256_hex(h, hex);
	sha256_free(h);
}

static void
note_credentials(const struct site *s, json_t *o)
{
	unsigned char random[SALT] = {0};
	char salt[2 * SALT + 1], hex[SHA256_HEX];
	size_t i;

	(void)!getentropy(random, sizeof(random));
	for (i = 0; i < SALT; i++)
		snprintf(salt + 2 * i, 3, "%02x", random[i]);
	credentials(s, salt, hex);
	json_object_set_new(o, "salt", json_string(salt));
	json_object_set_new(o, "of", json_string(hex));
}

/* Was that noted with the credentials of now? */
static int
are_same(const struct site *s, const json_t *o)
{
	const char *salt = json_string_value(json_object_get(o, "salt"));
	const char *of = json_string_value(json_object_get(o, "of"));
	char hex[SHA256_HEX];

	if (salt == NULL || of == NULL)
		return 0;
	credentials(s, salt, hex);
	return strcmp(hex, of) == 0;
}

/*
 * A token of the cache that is still good, and not the one that was bad.  One that
 * another secret brought would hide that this one is wrong.
 */
static int
use_cached(struct site *s, const json_t *cache, const char *bad)
{
	const char *text = json_string_value(json_object_get(cache, "token"));
	json_int_t until = json_integer_value(json_object_get(cache, "until"));

	if (text == NULL || !is_token(text) || until <= (json_int_t)time(NULL) ||
	    !are_same(s, cache) || (bad != NULL && strcmp(text, bad) == 0))
		return 0;
	use(s, text, until, 0);
	return 1;
}

static int
take(struct call *c, const char *p, size_t n)
{
	buf_add(c->arg, p, n);
	return 0;
}

/* The answer of /oauth2/token, which has been read by many to be many things. */
static int
parse_answer(struct site *s, const struct buf *b, struct call *c)
{
	char shown[SITE_SHOWN];
	/* A number of any size is a number. */
	size_t bom = b->n >= 3 && memcmp(b->p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	json_t *o =
	    json_loadb(b->p != NULL ? b->p + bom : "", b->n - bom, JSON_DECODE_INT_AS_REAL, NULL);
	const char *text = json_string_value(json_object_get(o, "access_token"));
	const char *type = json_string_value(json_object_get(o, "token_type"));
	json_t *life = json_object_get(o, "expires_in");
	json_int_t seconds = 0;

	if (text == NULL || !is_token(text)) {
		/* It may have a token somewhere: it is not shown. */
		const char *error = json_string_value(json_object_get(o, "error"));

		buf_printf(&c->why, "an answer without a token%s%s", error != NULL ? ": " : "",
		    error != NULL ? site_show(s, error, strlen(error), shown) : "");
		json_decref(o);
		return -1;
	}
	if (type != NULL && strcasecmp(type, "bearer") != 0) {
		buf_printf(&c->why, "a token of the type %s, which is unknown here",
		    site_show(s, type, strlen(type), shown));
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
	/* Never so early that a short life is over at once. */
	use(s, text,
	    (int64_t)time(NULL) + seconds -
		(seconds >= 10 * (json_int_t)EARLY ? EARLY : seconds / 10),
	    1);
	json_decref(o);
	return 0;
}

static int
ask(struct site *s)
{
	struct buf answer = {0};
	struct retry r = {0};
	struct call c = {
	    .site = s,
	    .auth = CALL_BASIC,
	    .path = "/oauth2/token",
	    .body = "grant_type=client_credentials",
	    .body_type = "application/x-www-form-urlencoded",
	    .max_time = s->answer_time + s->connect_time,
	    .max_bytes = MAX_STATE,
	    .take = take,
	    .arg = &answer,
	};
	int64_t delay;
	int code = 0;

	for (;;) {
		buf_reset(&answer);
		if (call_run(&c) == CALL_DONE && parse_answer(s, &answer, &c) == 0)
			break;
		if (c.end == CALL_DONE)
			c.code = EX_UNAVAILABLE;
		code = c.code;
		delay = c.end == CALL_FAILED ? -1 : call_retry(&r, &c);
		if (delay == -1)
			break;
		msg_tell(1, "%s: token: %.*s: trying again in %.1f s", s->name, (int)c.why.n,
		    c.why.p, (double)delay / 1000);
		call_sleep(s, delay);
		code = 0;
	}
	if (code != 0)
		call_complain(&c, "token");
	if (answer.p != NULL)
		explicit_bzero(answer.p, answer.n);
	buf_free(&answer);
	call_free(&c);
	return code;
}

/* A refusal is remembered for a moment, for many who try what is wrong lock an account. */
static void
note_refusal(const struct site *s, json_t *cache)
{
	json_t *o = json_pack("{sI}", "until", (json_int_t)time(NULL) + REFUSED);

	note_credentials(s, o);
	json_object_set_new(cache, "refused", o);
}

/* For how many more seconds: 0 when these credentials are worth a try. */
static int64_t
is_refused(const struct site *s, const json_t *cache)
{
	const json_t *o = json_object_get(cache, "refused");
	int64_t left = json_integer_value(json_object_get(o, "until")) - (int64_t)time(NULL);

	return left > 0 && left <= REFUSED && are_same(s, o) ? left : 0;
}

/* Ask for a token and cache what comes of it. */
static int
ask_and_keep(struct site *s, int fd, json_t *cache)
{
	int code = ask(s);

	if (code == 0) {
		json_object_set_new(cache, "token", json_string(s->token->text));
		json_object_set_new(cache, "until", json_integer(s->token->until));
		note_credentials(s, cache);
		json_object_del(cache, "refused");
	} else if (code == EX_NOPERM)
		note_refusal(s, cache);
	if (code == 0 || code == EX_NOPERM)
		write_cache(s, fd, cache);
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
	cache = read_cache(fd);
	use_texts(s, cache);
	if (!new &&use_cached(s, cache, bad))
		;
	else if (!new && (refused = is_refused(s, cache)) > 0) {
		msg_warn("%s: token: the client id or the secret was refused just now, and is "
			 "not tried again for %lld s (but by check)",
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
token_get(struct site *s)
{
	struct token *t = own(s);

	if (t->text != NULL && t->until > (int64_t)time(NULL))
		return 0;
	return obtain(s, NULL, 0);
}

int
token_new(struct site *s)
{
	return obtain(s, NULL, 1);
}

int
token_renew(struct site *s, int number)
{
	struct token *t = own(s);
	char *bad;
	int code;

	if (number != t->number) /* another call has done it */
		return 0;
	/* Any token may just have died; two, and the second a new one, did not. */
	if (t->refused++ > 0 && t->fresh) {
		msg_warn("%s: a new token was refused (401): the account may not "
			 "use the API, or its permissions have just changed",
		    s->name);
		return EX_NOPERM;
	}
	msg_tell(1, "%s: the token is no longer good", s->name);
	bad = t->text;
	t->text = NULL;
	code = obtain(s, bad, 0);
	secret_free(bad);
	return code;
}

int
token_knows(struct site *s, const char *kind, const char *text)
{
	json_t *texts = json_object_get(own(s)->nothing, kind);
	json_int_t left = json_integer_value(json_object_get(texts, text)) - (json_int_t)time(NULL);

	/* More is left of none, save by a clock that was wrong. */
	return left > 0 && left <= REMEMBER;
}

void
token_remember(struct site *s, const char *kind, const char *text)
{
	struct token *t = own(s);
	json_t *cache, *texts;
	int fd;

	if (t->nothing == NULL)
		t->nothing = json_object();
	texts = json_object_get(t->nothing, kind);
	if (!json_is_object(texts) || json_object_size(texts) >= MAX_TEXTS)
		json_object_set_new(t->nothing, kind, texts = json_object());
	json_object_set_new(texts, text, json_integer((json_int_t)time(NULL) + REMEMBER));
	if (open_cache(s, &fd) != 0)
		return;
	cache = read_cache(fd);
	json_object_set(cache, "nothing", t->nothing);
	write_cache(s, fd, cache);
	json_decref(cache);
	if (fd != -1)
		close(fd);
}
