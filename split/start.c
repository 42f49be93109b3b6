/* Where a document may begin, and whether one was cut: see start.h. */
#include <string.h>

#include "blank.h"
#include "start.h"

int
start_begins(const char *p, size_t n, const char *target)
{
	size_t len = strlen(target);

	return n > len && memcmp(p, target, len) == 0 && blank_is(p[len]);
}

int
start_is_any(const char *p, size_t n)
{
	return start_begins(p, n, "<?xml") || start_begins(p, n, "<?praic-end") ||
	    start_begins(p, n, "<?praic-site");
}

static const char cdata[] = "<![CDATA[";
#define CDATA (sizeof(cdata) - 1)

int
start_is_cdata(const char *p, size_t n)
{
	return n >= CDATA && memcmp(p, cdata, CDATA) == 0;
}

/* Behind what ends with this, and the blanks that follow; NULL if it does
 * not end. */
static const char *
behind(const char *p, const char *end, const char *close)
{
	p = memmem(p, (size_t)(end - p), close, strlen(close));
	if (p == NULL)
		return NULL;
	for (p += strlen(close); p < end && blank_is(*p); p++)
		;
	return p;
}

/* A tag of this local name, whatever its prefix. */
static int
is_tag(const char *p, size_t n, const char *name)
{
	size_t len = strlen(name), i;

	for (i = 1; i < n && i < 64 && strchr(" \t\r\n/<>", p[i]) == NULL; i++)
		;
	return n > 0 && *p == '<' && i > len && memcmp(p + i - len, name, len) == 0 &&
	    (i - len == 1 || p[i - len - 1] == ':');
}

/* The same of a declaration or a mark, in which there is no '<': many that do
 * not end are not searched for the same end, each of them. */
static const char *
behind_mark(const char *p, const char *end)
{
	const char *close = p + 2;

	while (close < end && *close != '<' && *close != '>')
		close++;
	return close < end && *close == '>' && close[-1] == '?' ? behind(close - 1, end, "?>") :
								  NULL;
}

/*
 * Behind a declaration or a site mark: does the report go on here?  After
 * comments and other instructions comes this mark, or its root.
 */
static int
is_report(const char *q, const char *end, const char *mark)
{
	const char *next;
	size_t n;

	for (; q != NULL && q < end; q = next) {
		n = (size_t)(end - q);
		if (n > 4 && memcmp(q, "<!--", 4) == 0)
			next = behind(q + 4, end, "-->");
		else if (start_begins(q, n, mark))
			return 1;
		else if (n > 2 && memcmp(q, "<?", 2) == 0 && !start_is_any(q, n))
			next = behind(q, end, "?>");
		else
			return is_tag(q, n, "session_list") || is_tag(q, n, "session") ||
			    is_tag(q, n, "error");
	}
	return 0;
}

/*
 * Is this a mark, or a declaration with a mark or a report's root behind it?
 * Then it is one wherever it stands, for nothing else has that.
 */
static int
is_certain(const char *p, const char *end)
{
	const char *q = behind_mark(p, end);

	if (q == NULL || !start_begins(p, (size_t)(end - p), "<?xml"))
		return q != NULL;
	return is_report(q, end, "<?praic-site");
}

/* No more than this is looked at, however often it occurs. */
static inline const char *
at_most(const char *p, size_t n, const char *end)
{
	return (size_t)(end - p) < n ? end : p + n;
}

/* Is what ends here cut, if a document begins behind it?  Not if it ends with
 * an end tag: a report need not have a line's end. */
static int
is_middle(const char *p, const char *end)
{
	const char *lt;

	if (end - p > START_BEFORE - 8)
		p = end - (START_BEFORE - 8);
	while (end > p && blank_is(end[-1]))
		end--;
	lt = memrchr(p, '<', (size_t)(end - p));
	return lt == NULL || lt + 1 == end || lt[1] != '/' || end[-1] != '>';
}

const char *
start_find(const char *p, const char *to, const char *end, enum start_next next, int *torn)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *q, *line;
	size_t n;

	for (q = p; q < to && (q = memchr(q + 1, '<', (size_t)(to - q - 1))) != NULL;) {
		n = (size_t)(end - q);
		if (start_is_cdata(q, n))
			return q;
		if (!start_is_any(q, n) ||
		    (next == START_NO_SITE && start_begins(q, n, "<?praic-site")))
			continue;
		/* A file of its own may have brought a byte order mark. */
		line = q - p > 3 && memcmp(q - 3, mark, 3) == 0 ? q - 3 : q;
		*torn = 0;
		if (line[-1] == '\n')
			return q;
		if (!is_certain(q, at_most(q, START_MAX_DECLARATION, end)))
			continue;
		*torn = !start_begins(q, n, "<?praic-end") && is_middle(p, line);
		return q;
	}
	return NULL;
}

int
start_is_cut(const char *p, size_t n, int in_text)
{
	const char *end = p + n, *lt, *amp;
	char quote = '\0';

	/* After a start tag's attributes, the parser stands before its end. */
	if (p < end && *p == '/')
		p++;
	if (p < end && *p == '>')
		p++;
	lt = memchr(p, '<', (size_t)(end - p));
	if (lt == NULL) {
		amp = memrchr(p, '&', (size_t)(end - p));
		if (amp != NULL && memchr(amp, ';', (size_t)(end - amp)) == NULL)
			return 1;
		return in_text || amp == NULL;
	}
	if (end - lt >= 4 && memcmp(lt, "<!--", 4) == 0)
		return memmem(lt + 4, (size_t)(end - lt - 4), "-->", 3) == NULL;
	if (start_is_cdata(lt, (size_t)(end - lt)))
		return memmem(lt, (size_t)(end - lt), "]]>", 3) == NULL;
	if (end - lt >= 2 && lt[1] == '?')
		return memmem(lt, (size_t)(end - lt), "?>", 2) == NULL;
	for (p = lt + 1; p < end; p++) {
		if (*p == '<')
			return 0; /* not in a value, either */
		if (quote != '\0')
			quote = *p == quote ? '\0' : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '>')
			return 0;
	}
	return 1;
}

/* The next beginning, or NULL. */
static const char *
next_start(const char *p, const char *end)
{
	for (; (p = memmem(p, (size_t)(end - p), "<?", 2)) != NULL; p += 2)
		if (start_is_any(p, (size_t)(end - p)))
			break;
	return p;
}

int
start_is_within(const char *p, size_t n)
{
	return next_start(p, p + n) != NULL;
}

int
start_is_within_comment(const char *p, size_t n)
{
	const char *end = p + n;

	for (; (p = next_start(p, end)) != NULL; p += 2)
		if (is_certain(p, at_most(p, START_MAX_PROLOG, end)))
			return 1;
	return 0;
}

int
start_hides(const char *p, size_t n)
{
	const char *lt = memchr(p, '<', n);
	size_t rest = lt != NULL ? n - (size_t)(lt - p) : 0;

	if (rest > 4 && memcmp(lt, "<!--", 4) == 0)
		return start_is_within_comment(lt + 4, rest - 4);
	return rest > 2 && lt[1] == '?' && start_is_within_comment(lt + 2, rest - 2);
}

int
start_is_within_cdata(const char *p, size_t n, const char *after, size_t after_n)
{
	const char *end = p + n, *near;

	/* "]]>" within what was written is parted into two sections. */
	if (n >= 2 && memcmp(end - 2, "]]", 2) == 0 && start_is_cdata(after, after_n) &&
	    after_n > CDATA && after[CDATA] == '>')
		return 0;
	if (memmem(p, n, cdata, CDATA) == NULL)
		return 0;
	for (; (p = next_start(p, end)) != NULL; p += 2) {
		near = at_most(p, START_MAX_PROLOG, end);
		/* A declaration with a site mark behind it: that is the next. */
		if (start_begins(p, (size_t)(end - p), "<?praic-end") ||
		    !is_report(behind_mark(p, near), near, "<?praic-end"))
			continue;
		return memmem(p, (size_t)(end - p), cdata, CDATA) != NULL;
	}
	return 0;
}
