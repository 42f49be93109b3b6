/* Mark lines of the XML stream: see frame.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"

size_t
frame_site(char out[FRAME_SIZE], const char *host, uint64_t bytes)
{
	return (size_t)snprintf(
	    out, FRAME_SIZE, FRAME_SITE "%s bytes=\"%" PRIu64 "\"?>\n", host, bytes);
}

size_t
frame_end(char out[FRAME_SIZE], uint64_t documents, int has_until, int64_t until)
{
	if (has_until)
		return (size_t)snprintf(out, FRAME_SIZE,
		    FRAME_END "documents=\"%" PRIu64 "\" until=\"%" PRId64 "\"?>\n", documents,
		    until);
	return (size_t)snprintf(
	    out, FRAME_SIZE, FRAME_END "documents=\"%" PRIu64 "\"?>\n", documents);
}

/* A decimal number from 0 to INT64_MAX without leading zeros; 0, or -1. */
static int
take_number(const char **p, uint64_t *v)
{
	const char *s = *p;
	uint64_t n = 0;

	if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
		return -1;
	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (n > ((uint64_t)INT64_MAX - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*p = s;
	*v = n;
	return 0;
}

static int
take(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n) != 0)
		return -1;
	*p += n;
	return 0;
}

static int
parse_site(const char *p, struct frame *f)
{
	size_t n = strcspn(p, " ");

	if (host_normalise(p, n, f->host) == -1 || strlen(f->host) != n ||
	    memcmp(p, f->host, n) != 0)
		return -1;
	p += n;
	return take(&p, " bytes=\"") == 0 && take_number(&p, &f->bytes) == 0 && f->bytes > 0 &&
		take(&p, "\"?>") == 0 && *p == '\0' ?
	    0 :
	    -1;
}

static int
parse_end(const char *p, struct frame *f)
{
	uint64_t until;

	if (take(&p, "documents=\"") == -1 || take_number(&p, &f->documents) == -1 ||
	    take(&p, "\"") == -1)
		return -1;
	f->has_until = *p == ' ';
	if (f->has_until) {
		if (take(&p, " until=\"") == -1 || take_number(&p, &until) == -1 ||
		    take(&p, "\"") == -1)
			return -1;
		f->until = (int64_t)until;
	}
	return take(&p, "?>") == 0 && *p == '\0' ? 0 : -1;
}

enum frame_kind
frame_parse(const char *line, size_t n, struct frame *f)
{
	char text[FRAME_SIZE];
	const char *p = text;

	memset(f, 0, sizeof(*f));
	if (n >= sizeof(text) || memchr(line, '\0', n) != NULL)
		return FRAME_IS_NONE;
	memcpy(text, line, n);
	text[n] = '\0';
	if (take(&p, FRAME_SITE) == 0)
		f->kind = parse_site(p, f) == 0 ? FRAME_IS_SITE : FRAME_IS_NONE;
	else if (take(&p, FRAME_END) == 0)
		f->kind = parse_end(p, f) == 0 ? FRAME_IS_END : FRAME_IS_NONE;
	return f->kind;
}
