/*
 * The storage database, praic-storage(5): the vendor's tables under the
 * vendor's names, made from the tables of the record stream.  One
 * description; each database puts it into its own words.
 */
#ifndef TOSQL_SCHEMA_H
#define TOSQL_SCHEMA_H

#include "buf.h"
#include "tables.h"

/*
 * Grows by one with each change of what is below.  Changes are additions:
 * columns at the end of a table, nullable; tables; indexes.  So a database of
 * any older version is brought up to date by adding what it has not got.
 */
#define SCHEMA_VERSION 1

enum schema_type {
	SCHEMA_ID,   /* the row's own number */
	SCHEMA_LINK, /* the number of a row of the parent table */
	SCHEMA_TEXT,
	SCHEMA_INT, /* 64 bits */
	SCHEMA_BOOL,
	SCHEMA_TIME, /* UTC, seconds */
	SCHEMA_HASH  /* SHA-256 in hexadecimal */
};

struct schema_column {
	const char *name;
	enum schema_type type;
	int source; /* column of the record stream, or -1 */
	int room;   /* of a text, where a database wants to know: how many
			 * characters; 0: as many as there are */
};

/* Of the two halves of a key: an index of SQL Server 2008 takes 900 bytes. */
#define SCHEMA_ROOM_HOST 255
#define SCHEMA_ROOM_LSID 128

#define SCHEMA_MAX_COLUMNS (TABLE_MAX_COLUMNS + 3)

/* The columns of a table of the storage database; how many they are. */
int schema_columns(enum table_id, struct schema_column out[SCHEMA_MAX_COLUMNS]);

/* Is this column of the record stream stored? */
int schema_stores(enum table_id, int column);

/* The table that SCHEMA_LINK points to. */
enum table_id schema_parent(enum table_id);

struct schema_index {
	const char *name;
	enum table_id table;
	const char *column[2]; /* the second may be NULL */
	int unique;
};

#define SCHEMA_INDEXES 11
extern const struct schema_index schema_index[SCHEMA_INDEXES];

/* A view: the guide calls customers endpoints. */
#define SCHEMA_VIEW    "endpoint"
#define SCHEMA_VIEW_OF TABLE_CUSTOMER

#endif
