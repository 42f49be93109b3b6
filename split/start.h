/*
 * Where a document may begin, and whether one was cut: by what stands in the
 * bytes alone, without a parser.
 *
 * Streams that were cut and then joined with cat(1) must not look like one
 * whole document, nor hide the one behind.
 */
#ifndef PRAIC_START_H
#define PRAIC_START_H

#include <stddef.h>

/* A declaration or a mark is a line; anything longer is none of ours. */
#define START_MAX_MARK 4096
/* Of one that is looked for, with a mark's beginning behind it. */
#define START_MAX_DECLARATION 256
/* Of all that stands before a report's root. */
#define START_MAX_PROLOG 1024
/* And what is looked at before it. */
#define START_BEFORE 64

/* Do these bytes begin a declaration or a mark, with a blank behind it? */
int start_begins(const char *p, size_t n, const char *target);

/* <?xml or one of the marks. */
int start_is_any(const char *p, size_t n);

enum start_next {
	START_ANY,
	/* not at the mark of the same document, whose declaration was refused */
	START_NO_SITE
};

/*
 * Behind something bad: where the next declaration or mark begins, behind p,
 * which is the byte before, and before to, or NULL; end is that of the bytes
 * that can be looked at.  It begins a line, or could stand nowhere else:
 * *torn says that it is in the middle of something that was cut there.
 *
 * Or it is a CDATA section, which is to be passed over: what is in it users
 * of the appliance wrote, and they shall write no sessions.
 */
const char *start_find(const char *p, const char *to, const char *end, enum start_next, int *torn);

int start_is_cdata(const char *p, size_t n);

/*
 * What is left behind the last thing that was understood, where the input
 * ends: is it text, and at most the beginning of one piece of markup?  A
 * reference in it is a whole one if in_text.
 */
int start_is_cut(const char *p, size_t n, int in_text);

/* The same, of what start_is_cut said is cut: is there another document's
 * beginning in it, which ended up in a comment or an instruction? */
int start_hides(const char *p, size_t n);

/* Another document's beginning, in what an instruction says: it did not end,
 * and has swallowed that. */
int start_is_within(const char *p, size_t n);

/* The same of a comment that ended, so that it has swallowed a declaration
 * with what must follow it, not one that is only spoken of. */
int start_is_within_comment(const char *p, size_t n);

/*
 * The same of a CDATA section, with what follows it.  There a user of the
 * appliance may have written anything, marks too, but not what only a
 * section that did not end can hold: behind a document's declaration or site
 * mark and its root that of another section, whose end it took for its own.
 */
int start_is_within_cdata(const char *p, size_t n, const char *after, size_t after_n);

#endif
