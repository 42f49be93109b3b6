/* SHA-256: see sha256.h. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "sha256.h"

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* A failure (no memory, or a library without SHA-256) must not let bytes pass unchecked. */
static void
need(int ok)
{
	if (ok)
		return;
	msg_warn("libcrypto gives no SHA-256");
	exit(EX_TEMPFAIL);
}

struct sha256 *
sha256_new(void)
{
	struct sha256 *s = xmalloc(sizeof(*s));

	s->ctx = EVP_MD_CTX_new();
	need(s->ctx != NULL && EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) == 1);
	return s;
}

void
sha256_add(struct sha256 *s, const void *p, size_t n)
{
	need(EVP_DigestUpdate(s->ctx, p, n) == 1);
}

void
sha256_bytes(struct sha256 *s, unsigned char out[SHA256_BYTES])
{
	unsigned n;

	need(EVP_DigestFinal_ex(s->ctx, out, &n) == 1 && n == SHA256_BYTES &&
	    EVP_DigestInit_ex(s->ctx, NULL, NULL) == 1);
}

void
sha256_hex(struct sha256 *s, char out[SHA256_HEX])
{
	static const char digit[] = "0123456789abcdef";
	unsigned char sum[SHA256_BYTES];
	unsigned i;

	sha256_bytes(s, sum);
	for (i = 0; i < SHA256_BYTES; i++) {
		*out++ = digit[sum[i] >> 4];
		*out++ = digit[sum[i] & 15];
	}
	*out = '\0';
}

void
sha256_free(struct sha256 *s)
{
	if (s == NULL)
		return;
	EVP_MD_CTX_free(s->ctx);
	free(s);
}

int
sha256_is_hex(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return 0;
	return n == SHA256_HEX - 1;
}

int
sha256_file(int fd, char out[SHA256_HEX])
{
	struct sha256 *s = sha256_new();
	char chunk[64 * 1024];
	ssize_t n;

	do {
		n = file_read(fd, chunk, sizeof(chunk));
		sha256_add(s, chunk, n > 0 ? (size_t)n : 0);
	} while (n == (ssize_t)sizeof(chunk));
	sha256_hex(s, out);
	sha256_free(s);
	return n == -1 ? -1 : 0;
}
