/* The directories of the filters: see path.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "path.h"

void
path_extend(void)
{
	const char *path = getenv("PATH");
	char self[PATH_MAX], *slash, *all;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return;
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) == NULL)
		return;
	*slash = '\0';
	all = xasprintf(
	    "%s%s%s", path != NULL ? path : "", path != NULL && *path != '\0' ? ":" : "", self);
	if (setenv("PATH", all, 1) == -1)
		xnomem();
	free(all);
}
