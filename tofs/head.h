/*
 * The ledger's head: how many lines it has behind the first, and the chain of
 * the last of them, as NUMBER:CHAIN.  Whoever keeps it elsewhere can see later
 * that the ledger was not emptied, shortened or written anew.
 */
#ifndef TOFS_HEAD_H
#define TOFS_HEAD_H

#include "ledger.h"

/* 0, or EX_USAGE after a message; the text is kept. */
int head_set(struct options *, const char *text);

/* --print-head: the exit code. */
int head_print(const struct options *);

/* A line of the ledger: is it the last one of the head that was given?  number
 * counts from 0, the first line, whose chain is given here. */
int head_is(const struct options *, uint64_t number, const char *chain);

/* Is the head that was given part of this ledger?  0, or a code after a message. */
int head_check(const struct options *, struct ledger *);

#endif
