/*
 * What the elements below <session> mean.
 *
 * It follows from an element's name and from what its parent is: a rule a
 * line.  A rule gives the element a role, and most roles are "text for that
 * column of that row".  What is done about each role is in session.c.
 */
#ifndef PRAIC_RULES_H
#define PRAIC_RULES_H

#include "names.h"

enum role {
	SESSION,
	/* text for a column */
	CELL,
	TIME,
	NAMED,
	OTHER_NAME,
	/* of the session */
	PRIMARY_REP,
	PRIMARY_TEAM,
	RECORDING_ADDRESS,
	ATTRIBUTES,
	ATTRIBUTE,
	SHELLS,
	SHELL,
	SCREENS,
	SCREEN,
	ADDRESS,
	USERS,
	USER,
	TEAMS,
	TEAM,
	CUSTOMERS,
	CUSTOMER,
	INFO,
	ISSUE,
	/* of its events */
	DETAILS,
	EVENT,
	PARTY,
	DATA,
	VALUE,
	NAMED_LEAF,
	ENCODED_BODY,
	FILES,
	FILE_,
	OTHER_LEAF,
	SYSINFO,
	CATEGORY,
	HEADS,
	HEAD,
	CATEGORY_DATA,
	CATEGORY_ROW,
	CATEGORY_CELL,
	IGNORED, /* known, and in no row */
	ROLES
};

/* The rows that are filled by rules. */
enum which { OF_SESSION, OF_USER, OF_TEAM, OF_CUSTOMER, OF_ATTRIBUTE, OF_EVENT, ROWS };

/* Its text is wanted; the first of its name counts, others are ignored. */
enum { GATHER = 1, ONCE = 2, TEXT = GATHER | ONCE };

/* Small: all of them stay near at hand. */
struct rule {
	unsigned char parent; /* enum role */
	unsigned char name;   /* enum name */
	unsigned char role;   /* enum role */
	unsigned char flags;
	/* where its text goes, and (NAMED, PARTY) its id and its type */
	unsigned char row; /* enum which */
	signed char column, id, type;
};

extern const struct rule rules[];
/* Of the session, and of an event's child that no other rule names. */
extern const struct rule rules_session, rules_other_leaf;

/* For each role and name: the rule's number, from 1, or 0 for none. */
extern unsigned char rules_table[ROLES][NAMES_COUNT];
/* For each such rule: its number among those of the same parent. */
extern unsigned char rules_sibling[];

/* Before the first use. */
void rules_prepare(void);

/* NULL for an element that means nothing, nor does what is in it. */
static inline const struct rule *
rules_find(enum role parent, enum name name)
{
	unsigned i = rules_table[parent][name];

	return i > 0 ? &rules[i - 1] : parent == EVENT ? &rules_other_leaf : NULL;
}

/* The bit of a rule in a set of siblings. */
static inline unsigned long long
rules_bit(enum role parent, enum name name)
{
	return 1ull << rules_sibling[rules_table[parent][name]];
}

#endif
