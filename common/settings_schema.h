/* Between settings.c and settings_schema.c. */
#ifndef PRAIC_SETTINGS_SCHEMA_H
#define PRAIC_SETTINGS_SCHEMA_H

/* SQL that makes all tables and views. */
extern const char settings_tables[];

#endif
