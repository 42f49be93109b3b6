/* Between settings.c and settings_schema.c. */
#ifndef PRAIC_SETTINGS_SCHEMA_H
#define PRAIC_SETTINGS_SCHEMA_H

/*
 * SQL that makes version i + 1 out of version i; run in one transaction with
 * the new user_version.  What was published is never changed, only added to.
 */
extern const char *const settings_migration[];

#endif
