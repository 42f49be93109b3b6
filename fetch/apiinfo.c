/* What the command API tells: see apiinfo.h. */
#include <ctype.h>
#include <string.h>

#include "apiinfo.h"
#include "credentials.h"
#include "msg.h"
#include "num.h"

#define MAX_ANSWER (1 << 20)
#define MAX_TIME   60
/* 2001 to 2286: ten digits, so that no version or count is taken for a time. */
#define DIGITS 10

static int
take(struct call *c, const char *p, size_t n)
{
	buf_add(c->arg, p, n);
	return 0;
}

void
apiinfo_ask(struct site *s, struct buf *b)
{
	size_t before = b->n;
	struct call c = {
	    .site = s,
	    .auth = CALL_BEARER,
	    .path = "/api/command",
	    .query = "action=get_api_info",
	    .max_time = MAX_TIME,
	    .max_bytes = MAX_ANSWER,
	    .take = take,
	    .arg = b,
	};

	if (credentials_run(&c) != CALL_DONE)
		b->n = before;
	call_free(&c);
}

/* <timestamp>1733239565</timestamp>, in whatever namespace; or 0. */
static int64_t
parse(const char *text)
{
	const char *p = strstr(text, "timestamp>");
	uint64_t t;
	size_t n;

	if (p == NULL)
		return 0;
	p += strlen("timestamp>");
	while (isspace((unsigned char)*p))
		p++;
	n = strspn(p, "0123456789");
	return n == DIGITS && num_parse_count(p, n, INT64_MAX, &t) == 0 ? (int64_t)t : 0;
}

void
apiinfo_learn_time(struct site *s)
{
	struct buf b = {0};
	int64_t t;

	if (s->date != 0)
		return;
	apiinfo_ask(s, &b);
	t = s->date == 0 ? parse(buf_text(&b)) : 0;
	if (t != 0) {
		s->date = t;
		s->date_at = call_clock();
		msg_tell(1, "%s: its answers bear no Date: the command API told the time", s->name);
	}
	buf_free(&b);
}
