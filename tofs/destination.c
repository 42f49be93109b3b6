/*
 * A destination of the settings database: see destination.h.  Apart from the
 * rest, which calls its own options settings.
 */
#include "destination.h"
#include "settings.h"

int
destination_load(const char *name, int (*set)(void *, const char *, const char *), void *arg)
{
	return settings_load_destination(name, SETTINGS_FS, set, arg);
}
