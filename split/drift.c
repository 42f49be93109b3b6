/* Elements that no rule knows: see drift.h. */
#include <stdlib.h>

#include "buf.h"
#include "drift.h"
#include "msg.h"

/* So many paths are told, and so much of each. */
#define MAX_PATHS 50
#define MAX_PATH  160

struct seen {
	char path[MAX_PATH];
	uint64_t sessions, last; /* how many had it, and the number of the last */
};

struct drift {
	struct seen seen[MAX_PATHS];
	int n;
	int more; /* there were others */
	uint64_t session;
};

struct drift *
drift_new(void)
{
	return xcalloc(1, sizeof(struct drift));
}

void
drift_free(struct drift *d)
{
	free(d);
}

void
drift_session(struct drift *d)
{
	d->session++;
}

/* As much of it as fits, with '/' between the names. */
static void
join(char path[MAX_PATH], const char *const *name, int names)
{
	size_t n = 0, len;
	int i;

	for (i = 0; i < names; i++) {
		if (i > 0 && n < MAX_PATH - 1)
			path[n++] = '/';
		len = strlen(name[i]);
		if (len > MAX_PATH - 1 - n)
			len = MAX_PATH - 1 - n;
		memcpy(path + n, name[i], len);
		n += len;
	}
	path[n] = '\0';
}

void
drift_add(struct drift *d, const char *const *name, int names)
{
	char path[MAX_PATH];
	struct seen *s;

	join(path, name, names);
	for (s = d->seen; s < d->seen + d->n; s++)
		if (strcmp(s->path, path) == 0)
			break;
	if (s == d->seen + MAX_PATHS) {
		d->more = 1;
		return;
	}
	if (s == d->seen + d->n) {
		strcpy(s->path, path);
		d->n++;
	}
	s->sessions += s->last != d->session;
	s->last = d->session;
}

void
drift_tell(const struct drift *d)
{
	struct buf text = {0};
	int i;

	for (i = 0; i < d->n; i++)
		buf_printf(&text, "%s%s: %llu session%s", i > 0 ? ", " : "", d->seen[i].path,
		    (unsigned long long)d->seen[i].sessions, d->seen[i].sessions == 1 ? "" : "s");
	if (d->n > 0)
		msg_warn("elements that praic does not know, in the XML and in no row: %s%s",
		    buf_text(&text), d->more ? ", and others" : "");
	buf_free(&text);
}
