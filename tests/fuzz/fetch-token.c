/*
 * Fuzz target: an untrusted answer to a token request gives a token that is valid in a
 * header and expires, or an error.  The same bytes are also read as a cache file.
 */
#include "fuzz.h"

/* Its static functions are under test. */
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
	struct call c = {0};
	json_t *cache;

	buf_add(&c.said, (const char *)data, n);
	if (parse_answer(&s, &c) == 0)
		check_token(&s);
	else
		must(c.why.n > 0 && s.token == NULL);
	buf_free(&c.why);
	credentials_free(&s);

	cache = json_loadb(buf_text(&c.said), c.said.n, 0, NULL);
	if (json_is_object(cache)) {
		if (use_cached(&s, cache, NULL))
			must(is_token(s.token->text) && s.token->until > (int64_t)time(NULL));
		(void)is_refused(cache);
		credentials_free(&s);
	}
	json_decref(cache);
	buf_free(&c.said);
	return 0;
}
