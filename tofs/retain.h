/*
 * The guide's "Retention Count: the number of prior backups to keep".  Only
 * what the ledger names as a backup of that site ever goes, and only while a
 * newer one is safe.  The newest is the one that was fetched last, by the
 * appliance's clock, which the ledger has as its instance, as far as that
 * fits the time when it was stored, by the clock here.
 */
#ifndef TOFS_RETAIN_H
#define TOFS_RETAIN_H

#include "store.h"

/*
 * Remove all backups of this site but the newest and count before it.  The
 * names that go are put into the buffer, "- name" and LF each.  0, or a code
 * after messages.
 */
int retain_backups(struct store *, const char *host, size_t n, int64_t count, struct buf *);

/*
 * Would a backup of the site have to go at once?  It would when there are as
 * many as are kept, and all of them are newer (1), or this one was stored and
 * went before (2).  Else 0, or -1 after a message.  fetched_at is -1 when it is
 * not known.
 */
int retain_needless(struct store *, const char *host, size_t n, int64_t count, int64_t fetched_at,
    const char *sha256);

#endif
