/* What a download is a file of: see media.h. */
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "media.h"

static int
is_shell(const struct job *j)
{
	return j->report != NULL && strcmp(j->report, "CommandShellRecording") == 0;
}

/* Does a header call it a file? */
static int
is_attachment(const struct job *j)
{
	const struct buf *b = &j->call.disposition;

	return b->n >= 10 && strncasecmp(b->p, "attachment", 10) == 0;
}

/* Its first line is an object with a version, and no error's. */
static int
is_asciicast(const struct answer *a)
{
	json_t *o = json_loadb(a->small.p, a->small.n, JSON_DISABLE_EOF_CHECK, NULL);
	int is =
	    json_is_integer(json_object_get(o, "version")) && json_object_get(o, "error") == NULL;

	json_decref(o);
	return is;
}

/*
 * Bytes of no kind that recordings come in, and a type that says so, too: a
 * picture, or a packed page of some proxy's.
 */
static int
is_page(const struct job *j)
{
	const char *extension = j->answer.extension, *type = j->call.type.p;
	size_t n = j->call.type.n;

	if (j->dated || (is_shell(j) && is_attachment(j)) ||
	    (strcmp(extension, "bin") != 0 && strcmp(extension, "gz") != 0))
		return 0;
	return (n >= 5 && strncasecmp(type, "text/", 5) == 0) ||
	    (n >= 6 && strncasecmp(type, "image/", 6) == 0) ||
	    (n >= 4 && memmem(type, n, "json", 4) != NULL);
}

/*
 * A command shell may have been recorded as text: an asciicast, or what is
 * sent as an attachment.  Any other text is an error's.
 */
int
media_may_be_text(const struct job *j)
{
	const struct answer *a = &j->answer;

	return a->known && is_shell(j) &&
	    (a->kind == ANSWER_JSON || (a->kind == ANSWER_TEXT && is_attachment(j)));
}

const char *
media_extension(const struct job *j)
{
	const struct answer *a = &j->answer;

	if (a->kind == ANSWER_BINARY)
		return is_page(j) ? NULL : a->extension;
	if (!media_may_be_text(j))
		return NULL;
	if (a->kind == ANSWER_JSON)
		return is_asciicast(a) ? "cast" : NULL;
	return "txt";
}
