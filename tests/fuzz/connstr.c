/* Fuzz target: an untrusted connection string is refused or can be used. */
#include "connstr.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct connstr c;

	if (connstr_parse((const char *)data, n, "fuzz", NULL, &c) == 0) {
		must(c.host != NULL && *c.host != '\0');
		must(c.port >= 0 && c.port <= 65535);
		must(c.instance == NULL || *c.instance != '\0');
		must(c.timeout >= 0);
		must(c.integrated ? c.user == NULL && c.password == NULL :
				    c.user != NULL && c.password != NULL);
		must((c.encrypt == 0 || c.encrypt == 1) && (c.trust == 0 || c.trust == 1));
	}
	connstr_free(&c);
	/* All members are zero again, so nothing is freed twice. */
	connstr_free(&c);
	return 0;
}
