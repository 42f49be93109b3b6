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

/* A mark has exactly one form: so it is read loosely, written again and compared. */
enum frame_kind
frame_parse(const char *line, size_t n, struct frame *f)
{
	char text[FRAME_SIZE], again[FRAME_SIZE], host[HOST_SIZE];
	uint64_t until;
	size_t size = 0;

	_Static_assert(HOST_SIZE > 255, "the width of HOST below");
	memset(f, 0, sizeof(*f));
	if (n >= sizeof(text) - 1 || memchr(line, '\0', n) != NULL)
		return FRAME_IS_NONE;
	memcpy(text, line, n);
	memcpy(text + n, "\n", 2);
	if (sscanf(text, FRAME_SITE "%255[^ ] bytes=\"%" SCNu64, host, &f->bytes) == 2 &&
	    f->bytes > 0 && host_normalise(host, strlen(host), f->host) == 0) {
		f->kind = FRAME_IS_SITE;
		size = frame_site(again, f->host, f->bytes);
	} else if (sscanf(text, FRAME_END "documents=\"%" SCNu64, &f->documents) == 1) {
		f->kind = FRAME_IS_END;
		f->has_until =
		    sscanf(text, FRAME_END "documents=\"%*[0-9]\" until=\"%" SCNu64, &until) == 1;
		f->until = f->has_until ? (int64_t)until : 0;
		size = frame_end(again, f->documents, f->has_until, f->until);
	}
	if (size != n + 1 || memcmp(again, text, size) != 0 || f->until < 0 ||
	    f->bytes > INT64_MAX || f->documents > INT64_MAX)
		f->kind = FRAME_IS_NONE;
	return f->kind;
}
