/*
 * The mark that ends a report: see sched_mark.h.  praic-fetch writes it last,
 * in the form of the last document, when it has all of them; so it is what
 * the file's end says, by whole units of that form, and what stands before
 * is not looked at.  Whether the documents are as many is praic-split's
 * business.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num.h"
#include "sched_mark.h"

#define TAIL  1024 /* bytes: two marks in UTF-16, and some white space */
#define SPACE " \t\r\n"

static const char site_begins[] = "<?praic-site ", end_begins[] = "<?praic-end";

/*
 * The last bytes as ASCII; whatever is not becomes 1, NUL too, so that text
 * of one form never reads as that of another.  How many bytes make one.
 */
static size_t
narrow(const unsigned char *p, size_t n, char *text)
{
	size_t wide = n >= 2 && (p[n - 1] == 0 || p[n - 2] == 0) ? 2 : 1, k = 0, i;
	size_t low = wide == 2 && p[n - 1] != 0; /* UTF-16BE */

	for (i = n % wide; i < n; i += wide) {
		unsigned char c = p[i + low], high = wide == 2 ? p[i + 1 - low] : 0;

		text[k++] = high == 0 && c != 0 && c < 0x80 ? (char)c : 1;
	}
	text[k] = '\0';
	return wide;
}

/* ` NAME="DIGITS"' at *p, which moves behind it. */
static int
number(const char **p, const char *name, int64_t *out)
{
	const char *at = *p + strspn(*p, SPACE);
	size_t n = strlen(name);
	uint64_t v;

	if (at == *p || strncmp(at, name, n) != 0 || at[n] != '=' || at[n + 1] != '"')
		return -1;
	at += n + 2;
	n = strcspn(at, "\"");
	if (at[n] == '\0' || num_parse_count(at, n, INT64_MAX, &v) == -1)
		return -1;
	*out = (int64_t)v;
	*p = at + n + 1;
	return 0;
}

/* Is it the site's mark, and then white space up to the end mark? */
static int
only_site(const char *text, const char *mark)
{
	const char *end = strstr(text, "?>");

	if (strncmp(text, site_begins, strlen(site_begins)) != 0 || end == NULL || end > mark)
		return 0;
	end += 2;
	return end + strspn(end, SPACE) == mark;
}

int
mark_read(int fd, struct end_mark *m)
{
	unsigned char block[TAIL];
	char text[TAIL + 1];
	const char *p, *mark = NULL;
	struct stat st;
	size_t wide;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return -1;
	do
		n = pread(fd, block, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return -1;
	wide = narrow(block, (size_t)n, text);
	for (p = text; (p = strstr(p, end_begins)) != NULL; p++)
		mark = p;
	if (mark == NULL)
		return -1;
	p = mark + strlen(end_begins);
	if (number(&p, "documents", &m->documents) == -1)
		return -1;
	m->until = -1;
	(void)number(&p, "until", &m->until);
	p += strspn(p, SPACE);
	if (strncmp(p, "?>", 2) != 0)
		return -1;
	p += 2;
	m->at = (int64_t)st.st_size - n + n % (ssize_t)wide + (mark - text) * (ssize_t)wide;
	m->empty = st.st_size <= TAIL && only_site(text, mark);
	return p[strspn(p, SPACE)] == '\0' ? 0 : -1;
}
