/*
 * Messages on standard error, as by err(3), with three additions.  Each message is one
 * write, so that the stages of a pipe do not mix their lines.  Control characters,
 * direction overrides and bytes that are not UTF-8 are shown as \n, \x1b or \u{202e}.
 * Secrets given to msg_hide are never shown.
 */
#ifndef PRAIC_MSG_H
#define PRAIC_MSG_H

#include <stddef.h>

/* 0: failures; 1: also each step (-v); 2: also details (-vv). */
extern int msg_level;

/* The program's name, without folders; argv[0] is kept, not copied. */
void msg_start(const char *argv0);
const char *msg_program(void);

/* "program: text" */
void msg_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
/* "program: text: what errno says", and what to do if a disk is full; errno is kept */
void msg_errno(const char *, ...) __attribute__((format(printf, 1, 2)));
/* as msg_warn, but only when msg_level is at least the first argument */
void msg_tell(int, const char *, ...) __attribute__((format(printf, 2, 3)));

/* The last message of msg_warn or msg_errno, without the program's name. */
const char *msg_last(void);

/* Escape text in the same way, at the end of a buffer. */
struct buf;
void msg_harmless(struct buf *, const char *p, size_t n);

/*
 * Replace this text by *** in every message from now on.  A copy is kept.  Texts of
 * fewer than four bytes are ignored: they occur in too many words.
 */
void msg_hide(const char *);

/* Called before each message, if not NULL: a program removes its progress line from the
 * terminal with it. */
extern void (*msg_before)(void);

#endif
