/* The content hash: see hash.h. */
#include "hash.h"

int
hash_session(const struct batch *b, size_t session, char out[SHA256_HEX])
{
	static struct sha256 *sum;
	struct batch_rows rows;
	const char *p;
	size_t n;
	int t, i, bad = 0;

	if (sum == NULL)
		sum = sha256_new();
	for (t = 0; t < BATCH_TABLES && !bad; t++) {
		uint64_t size = batch_size(b, session, (enum table_id)t);
		unsigned char head[9];

		if (size == 0)
			continue;
		/* Which table, by its place in praic-records(5), to which
		 * tables are only ever added; and how much of it. */
		head[0] = (unsigned char)t;
		for (i = 0; i < 8; i++)
			head[1 + i] = (unsigned char)(size >> (8 * i));
		sha256_add(sum, head, sizeof(head));
		batch_rows(&rows, b, (enum table_id)t);
		batch_rows_of(&rows, session);
		while ((bad = batch_bytes(&rows, &p, &n)) == 0 && n > 0)
			sha256_add(sum, p, n);
		batch_rows_end(&rows);
	}
	sha256_hex(sum, out);
	return bad;
}
