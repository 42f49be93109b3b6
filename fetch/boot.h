/* Which start of the machine this is. */
#ifndef PRAIC_FETCH_BOOT_H
#define PRAIC_FETCH_BOOT_H

/* Its name, without blanks; empty where the system does not tell. */
const char *boot_id(void);

#endif
