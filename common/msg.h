/*
 * Words for people, on standard error: err(3) manners with three additions.
 * Each message is one write, so that the stages of a pipe do not mix their
 * lines.  Whatever it holds is made harmless for a terminal: control
 * characters, direction overrides and bytes that are no UTF-8 are shown as
 * \n, \x1b or \u{202e}.  And a secret that was made known is never shown.
 */
#ifndef PRAIC_MSG_H
#define PRAIC_MSG_H

#include <stddef.h>

/* How much to tell: 0 what went wrong, 1 each step (-v), 2 details (-vv). */
extern int msg_level;

/* The program's name, without folders; argv[0] is kept, not copied. */
void msg_start(const char *argv0);
const char *msg_program(void);
/* Print this on standard output (code 0) or error, and end the program. */
_Noreturn void msg_usage(const char *text, int code);
_Noreturn void msg_version(void);

/* "program: text" */
void msg_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
/* "program: text: what errno says"; errno is kept */
void msg_errno(const char *, ...) __attribute__((format(printf, 1, 2)));
/* as msg_warn, but only when msg_level is at least the first argument */
void msg_tell(int, const char *, ...) __attribute__((format(printf, 2, 3)));

/* The last message of msg_warn or msg_errno, without the program's name. */
const char *msg_last(void);

/* The same for text that goes elsewhere: harmless, at the end of a buffer. */
struct buf;
void msg_harmless(struct buf *, const char *p, size_t n);

/*
 * From now on this text is replaced by *** in every message.  A copy is
 * kept.  Texts of fewer than four bytes are not taken: they would riddle
 * every message.
 */
void msg_hide(const char *);

/*
 * Called before a message is written, if it is not NULL: for a program that
 * keeps a line on the terminal, which has to go first.
 */
extern void (*msg_before)(void);

#endif
