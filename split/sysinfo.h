/*
 * A category of an endpoint's system information: column heads in one
 * place, rows of cells in another, joined into the text of the column
 * system_information.information.
 */
#ifndef PRAIC_SYSINFO_H
#define PRAIC_SYSINFO_H

#include "rec.h"

/* Appliances send some ten columns; each cell may have to be compared with
 * each of them. */
#define SYSINFO_MAX_HEADS 256
/* Cells that came before their heads have to wait for them. */
#define SYSINFO_MAX_WAITING ((size_t)8 << 20)

struct sysinfo;

struct sysinfo_field {
	struct rec_value id, name, text;
};

struct sysinfo *sysinfo_new(void);
void sysinfo_free(struct sysinfo *);

void sysinfo_begin(struct sysinfo *);
void sysinfo_head(struct sysinfo *, const struct sysinfo_field *);
/* The heads are complete. */
void sysinfo_end_heads(struct sysinfo *);
void sysinfo_begin_row(struct sysinfo *);
void sysinfo_cell(struct sysinfo *, const struct sysinfo_field *);
void sysinfo_end_row(struct sysinfo *);
/* The text; empty when there were no rows.  Valid until sysinfo_begin. */
struct rec_value sysinfo_end(struct sysinfo *);

/* NULL, or which limit was passed. */
const char *sysinfo_refusal(const struct sysinfo *);

#endif
