/*
 * Name formats: the guide's "File Name Format" with its "Special Replacement
 * Values", taken apart before any input is read.
 */
#ifndef TOFS_FORMAT_H
#define TOFS_FORMAT_H

#include <stddef.h>

enum kind { KIND_SESSION, KIND_RECORDING, KIND_SHELL, KIND_SCREEN, KIND_BACKUP, KINDS };

extern const char *const kind_name[KINDS];

/* The kind of this name, or KINDS. */
enum kind kind_find(const char *p, size_t n);

enum field {
	FIELD_LSEQ,
	FIELD_LSID,
	FIELD_EXTERNAL_KEY,
	FIELD_SESSION_TYPE,
	FIELD_SUPPORT_SITE_HOST,
	FIELD_INSTANCE,
	FIELD_EXTENSION,
	FIELD_KIND,
	FIELD_START_DATE,
	FIELDS
};

enum part_type {
	PART_TEXT, /* as it stands in the format; never holds a '/' */
	PART_SLASH,
	PART_FIELD
};

struct part {
	enum part_type type;
	enum field field; /* of PART_FIELD */
	char *text;	  /* of PART_TEXT; owned */
	size_t n;
};

struct format {
	struct part *part;
	size_t parts;
};

/* What the guide's programs and people expect to find. */
extern const char *const format_default[KINDS];

/* 0, or EX_USAGE after a message.  The format given is freed before. */
int format_parse(struct format *, const char *text);
void format_free(struct format *);
int format_has(const struct format *, enum field);

/*
 * Could these formats give two different things of one session the same
 * name?  0 when it is certain that they cannot: shells and screens differ
 * in their instance from others of their kind, a session's extension is xml
 * and nothing else's is (name.h), all else may be anything.
 */
int format_meet(const struct format *, enum kind, const struct format *, enum kind);

#endif
