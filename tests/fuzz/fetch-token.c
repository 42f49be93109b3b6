/*
 * The answer to a question for a token, from anybody: a token that can stand
 * in a header, for a time that has an end, or why not.  And the same bytes as
 * the cache that an earlier process left.
 */
#include "fuzz.h"

/* Its own parts are what is tried. */
#include "../../fetch/credentials.c" /* NOLINT(bugprone-suspicious-include) */

static void
check_token(const struct site *s)
{
	const char *p;

	must(s->token != NULL && s->token->text != NULL && *s->token->text != '\0');
	for (p = s->token->text; *p != '\0'; p++)
		must(*p > ' ' && *p <= '~');
	must(s->token->until > 0 && s->token->until <= (int64_t)time(NULL) + MAX_LIFE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct site s = {.name = "fuzz.example"};
	struct buf answer = {0};
	struct call c = {0};
	json_t *cache;

	buf_add(&answer, (const char *)data, n);
	if (parse_answer(&s, &answer, &c) == 0)
		check_token(&s);
	else
		must(c.why.n > 0 && s.token == NULL);
	buf_free(&c.why);
	credentials_free(&s);

	cache = json_loadb(answer.p != NULL ? answer.p : "", answer.n, 0, NULL);
	if (json_is_object(cache)) {
		if (use_cached(&s, cache, NULL))
			must(is_token(s.token->text) && s.token->until > (int64_t)time(NULL));
		(void)is_refused(cache);
		credentials_free(&s);
	}
	json_decref(cache);
	buf_free(&answer);
	return 0;
}
