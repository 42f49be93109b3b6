/* SHA-256 of a stream of bytes, by libcrypto, which uses the processor's instructions for
 * it and is needed by libcurl anyway. */
#ifndef PRAIC_SHA256_H
#define PRAIC_SHA256_H

#include <stddef.h>

#define SHA256_BYTES 32
#define SHA256_HEX   65 /* 64 lower-case hexadecimal digits and a NUL */

struct sha256;

struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *, const void *, size_t);
/* The digest; afterwards the next stream may begin. */
void sha256_bytes(struct sha256 *, unsigned char out[SHA256_BYTES]);
void sha256_hex(struct sha256 *, char out[SHA256_HEX]);
void sha256_free(struct sha256 *);

/* Is it 64 lower-case hexadecimal digits? */
int sha256_is_hex(const char *p, size_t n);

/* The digest of the rest of a file.  0, or -1 and errno. */
int sha256_file(int fd, char out[SHA256_HEX]);

#endif
