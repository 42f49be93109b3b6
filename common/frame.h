/*
 * The mark lines of praic-fetch's XML stream (praic-fetch(1)):
 *
 *	<?praic-site HOST bytes="N"?>		before the N bytes of a document
 *	<?praic-end documents="K" until="UNIX"?>	behind the last document
 *
 * Each is one line that ends with LF.  A mark has exactly this form: single
 * blanks, HOST as host_normalise() writes it, numbers without leading zeros.
 */
#ifndef PRAIC_FRAME_H
#define PRAIC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "host.h"

#define FRAME_SITE "<?praic-site "
#define FRAME_END  "<?praic-end "

/* Enough for the longest mark line with its LF and a NUL. */
#define FRAME_SIZE (HOST_SIZE + 64)

enum frame_kind { FRAME_IS_NONE, FRAME_IS_SITE, FRAME_IS_END };

struct frame {
	enum frame_kind kind;
	char host[HOST_SIZE]; /* of a site mark */
	uint64_t bytes;	      /* of a site mark, from 1 */
	uint64_t documents;   /* of an end mark */
	int has_until;	      /* of an end mark: until is there */
	int64_t until;	      /* UNIX seconds by the appliance's clock, from 0 */
};

/* The mark line with its LF; returns its length. */
size_t frame_site(char out[FRAME_SIZE], const char *host, uint64_t bytes);
size_t frame_end(char out[FRAME_SIZE], uint64_t documents, int has_until, int64_t until);

/* The mark in a line without its LF.  FRAME_IS_NONE: it is not exactly a mark. */
enum frame_kind frame_parse(const char *line, size_t n, struct frame *);

#endif
