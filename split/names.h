/*
 * The names of elements and attributes that mean something, as numbers.
 *
 * libxml2 gives each name of a document once, as a pointer that stays the
 * same; so a name's letters are looked at once, and then it is known by its
 * pointer.
 */
#ifndef PRAIC_NAMES_H
#define PRAIC_NAMES_H

#include <stdint.h>

#include <libxml/xmlstring.h>

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

#define NAMES_SLOTS 256 /* a power of two, some times the names of a report */
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

#endif
