/* Names of sites: see host.h. */
#include <arpa/inet.h>
#include <string.h>

#include "host.h"

/* "[v6]" or "[v6]:port": the brackets stay, for without them a port could
 * not be told from the address. */
static int
normalise_v6(const char *p, size_t n, char out[HOST_SIZE])
{
	const char *end = memchr(p, ']', n);
	char address[INET6_ADDRSTRLEN];
	struct in6_addr bytes;
	size_t len;

	if (end == NULL || (size_t)(end - p) > sizeof(address))
		return -1;
	len = (size_t)(end - p) - 1;
	memcpy(address, p + 1, len);
	address[len] = '\0';
	if (inet_pton(AF_INET6, address, &bytes) != 1 ||
	    inet_ntop(AF_INET6, &bytes, address, sizeof(address)) == NULL)
		return -1;
	n -= (size_t)(end + 1 - p);
	if (n > 0 && (end[1] != ':' || strspn(end + 2, "0123456789") < n - 1))
		return -1;
	out[0] = '[';
	strcpy(out + 1, address);
	strcat(out, "]");
	return 0;
}

int
host_normalise(const char *text, size_t n, char out[HOST_SIZE])
{
	char p[HOST_SIZE + 8]; /* the name, ':' and a port */
	size_t i, colon;

	if (n == 0 || n >= sizeof(p))
		return -1;
	memcpy(p, text, n);
	p[n] = '\0';
	if (p[0] == '[')
		return normalise_v6(p, n, out);
	colon = strcspn(p, ":");
	if (colon < n && strspn(p + colon + 1, "0123456789") < n - colon - 1)
		return -1;
	if (colon < n && memchr(p, '\0', n) != NULL)
		return -1;
	n = colon;
	if (n > 0 && p[n - 1] == '.')
		n--;
	if (n == 0 || n >= HOST_SIZE || p[0] == '.' || p[0] == '-')
		return -1;
	for (i = 0; i < n; i++) {
		char c = p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
			c == '_'))
			return -1;
		out[i] = c;
	}
	out[n] = '\0';
	return 0;
}
