/*
 * The ledger: what praic-tofs has put into DIRECTORY, a line for each file,
 * only ever added to.  Lines are chained by a hash, so that one that was
 * changed or taken out shows.  The form is in praic-tofs(1), LEDGER.
 *
 * Whoever gives files their names or adds lines holds its lock, so that the
 * order of lines is the order of what was done.
 */
#ifndef TOFS_LEDGER_H
#define TOFS_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "sha256.h"
#include "tofs.h"
#include "tree.h"

enum ledger_field {
	LEDGER_TIME,
	LEDGER_HOST,
	LEDGER_KIND,
	LEDGER_LSID,
	LEDGER_INSTANCE,
	LEDGER_NAME,
	LEDGER_BYTES,
	LEDGER_SHA256,
	LEDGER_CHAIN,
	LEDGER_FIELDS
};

/* Longer texts of a host or an lsid are nobody's: lines must stay small. */
#define LEDGER_MAX_KEY 4096

/* A line taken apart; it points into the caller's bytes.  The fields are
 * still escaped, but a name never has anything to escape. */
struct ledger_line {
	const char *field[LEDGER_FIELDS];
	size_t n[LEDGER_FIELDS];
	enum kind kind;
	uint64_t bytes;
	int removed; /* the file is gone: no bytes, no sha256 */
};

/* 0, or -1 when these bytes (without LF) are no line of a ledger. */
int ledger_parse(struct ledger_line *, const char *p, size_t n);

/* The chain before the first line: the hash of the head. */
void ledger_chain_start(struct sha256 *, char chain[SHA256_HEX]);
extern const char ledger_head[]; /* the first line, with its LF */

struct ledger;

/* Opened, and with make made if need be.  NULL and *code after a message. */
struct ledger *ledger_open(struct tree *, const struct options *, int make, int *code);
void ledger_close(struct ledger *);
int ledger_fd(const struct ledger *);

/* Shared when it was not opened with make.  0, or a code after a message. */
int ledger_lock(struct ledger *);
void ledger_unlock(struct ledger *);

/* A line for later; sha256 NULL: the file was removed. */
void ledger_add(
    struct ledger *, const struct owner *, const char *name, uint64_t bytes, const char *sha256);
/* The lines added so far that are not written yet, LF behind each, without
 * their chain. */
const struct buf *ledger_pending(const struct ledger *);
/* Write them, chained.  The lock must be held.  0, or a code after a message:
 * then they are forgotten. */
int ledger_write(struct ledger *);
/* Make them durable.  0, or a code after a message. */
int ledger_sync(struct ledger *);

/*
 * Each whole line from *from on, without its LF: until there are no more (0),
 * each says something else than 0 (that), or a read fails (-1 after a message).
 * *from is then where the first line begins that was not given.
 */
int ledger_each(struct ledger *, uint64_t *from,
    int (*each)(void *arg, const char *p, size_t n, uint64_t offset), void *arg);

#endif
