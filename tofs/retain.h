/*
 * The guide's "Retention Count: the number of prior backups to keep".  Only
 * what the ledger names as a backup of that site ever goes, and only while a
 * newer one is safe.  The newest is the one that was fetched last, by the
 * appliance's clock; the ledger has that as its instance.
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
 * Would a backup of the site that was fetched then have to go at once, for
 * there are enough newer ones?  1, 0, or -1 after a message.
 */
int retain_outdated(struct store *, const char *host, size_t n, int64_t count,
    int64_t fetched_at);

#endif
