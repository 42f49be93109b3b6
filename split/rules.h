/*
 * What the elements below <session> mean.
 *
 * A rule gives a role to an element by its name and by the role of its parent.  Most
 * roles are "text for that column of that row".  session.c does what each role needs.
 */
#ifndef PRAIC_RULES_H
#define PRAIC_RULES_H

#include <stdint.h>

#include <libxml/xmlstring.h>

/*
 * The names of elements and attributes that mean something, as numbers.
 *
 * libxml2 has one pointer for each name of a document.  So the letters of a name are
 * compared once, and after that its pointer is enough.
 */
/* In the order of strcmp(3). */
/* clang-format off */
#define NAMES(X) \
	X(body) X(category) X(code_name) X(command_shell_recording) \
	X(command_shell_recordings) X(company) X(company_code) X(cust_survey_list) \
	X(custom_attribute) X(custom_attributes) X(customer) X(customer_list) X(data) \
	X(description) X(destination) X(details) X(display_name) X(display_number) \
	X(download_url) X(duration) X(encoded_body) X(end_time) X(error) X(event) \
	X(event_type) X(external_key) X(field) X(file) X(file_delete_count) \
	X(file_move_count) X(file_transfer_count) X(filename) X(files) X(filesize) \
	X(gsnumber) X(hostname) X(id) X(info) X(instance) X(invited) X(issue) \
	X(jump_group) X(jumpoint) X(lseq) X(lsid) X(name) X(os) X(performed_by) \
	X(primary_cust) X(primary_customer) X(primary_rep) X(primary_team) \
	X(primary_user) X(private_display_name) X(private_ip) X(public_display_name) \
	X(public_ip) X(public_site) X(rep_join_time) X(rep_list) X(rep_survey_list) \
	X(representative) X(row) X(rpat_support) X(seconds_involved) X(session) \
	X(session_chat_download_url) X(session_chat_view_url) X(session_details) \
	X(session_list) X(session_owner) X(session_recording_download_url) \
	X(session_recording_view_url) X(session_type) X(show_my_screen_recording) \
	X(show_my_screen_recordings) X(start_time) X(system_information) X(team) \
	X(team_list) X(timestamp) X(type) X(user) X(user_list) X(username) X(value) \
	X(view_url)
/* clang-format on */

enum name {
	N_UNKNOWN,
#define X(n) N_##n,
	NAMES(X)
#undef X
	    NAMES_COUNT
};

#define NAMES_SLOTS 256 /* a power of two, several times the names of a report */
#define NAMES_TRIES 4	/* slots in which a name may be */

/* All zero before the first use; for one parser's dictionary. */
struct names {
	const xmlChar *key[NAMES_SLOTS + NAMES_TRIES - 1];
	unsigned char name[NAMES_SLOTS + NAMES_TRIES - 1];
	uint64_t learned; /* at least as many as there are different names */
	int too_long;	  /* there was one longer than LIMIT_NAME */
};

static inline unsigned
names_slot(const xmlChar *key)
{
	return (unsigned)(((uintptr_t)key * 0x9e3779b97f4a7c15u) >> 56) % NAMES_SLOTS;
}

/* A name that is not there yet. */
enum name names_learn(struct names *, const xmlChar *key);

static inline enum name
names_find(struct names *n, const xmlChar *key)
{
	unsigned slot = names_slot(key), i;

	for (i = 0; i < NAMES_TRIES; i++)
		if (n->key[slot + i] == key)
			return (enum name)n->name[slot + i];
	return names_learn(n, key);
}

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
enum which {
	OF_SESSION,
	OF_USER,
	OF_TEAM,
	OF_CUSTOMER,
	OF_ATTRIBUTE,
	OF_RECORDING,
	OF_EVENT,
	ROWS
};

/* GATHER: its text is wanted.  ONCE: the first of its name counts. */
enum { GATHER = 1, ONCE = 2, TEXT = GATHER | ONCE };

/* Small, so that all rules stay in the processor's cache. */
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
/* The rules for the session, and for an event's child that no other rule names. */
extern const struct rule rules_session, rules_other_leaf;

/* For each role and name: the rule's number, from 1, or 0 for none. */
extern unsigned char rules_table[ROLES][NAMES_COUNT];
/* For each such rule: its number among those of the same parent. */
extern unsigned char rules_sibling[];

/* Call it before the first use. */
void rules_prepare(void);

/* NULL for an element that is ignored with all that is in it. */
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
