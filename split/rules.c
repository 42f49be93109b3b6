/* What the elements below <session> mean: see rules.h. */
#include <stdlib.h>
#include <string.h>

#include "split.h"

const struct rule rules[] = {
    {SESSION, N_session_type, CELL, TEXT, OF_SESSION, SESSION_TYPE, 0, 0},
    {SESSION, N_start_time, TIME, TEXT, OF_SESSION, SESSION_START_TIME, 0, 0},
    {SESSION, N_end_time, TIME, TEXT, OF_SESSION, SESSION_END_TIME, 0, 0},
    {SESSION, N_duration, CELL, TEXT, OF_SESSION, SESSION_DURATION, 0, 0},
    {SESSION, N_file_transfer_count, CELL, TEXT, OF_SESSION, SESSION_FILE_TRANSFERS, 0, 0},
    {SESSION, N_file_move_count, CELL, TEXT, OF_SESSION, SESSION_FILE_MOVES, 0, 0},
    {SESSION, N_file_delete_count, CELL, TEXT, OF_SESSION, SESSION_FILE_DELETES, 0, 0},
    {SESSION, N_external_key, CELL, TEXT, OF_SESSION, SESSION_EXTERNAL_KEY, 0, 0},
    {SESSION, N_lseq, CELL, TEXT, OF_SESSION, SESSION_LSEQ, 0, 0},
    {SESSION, N_public_site, NAMED, TEXT, OF_SESSION, SESSION_PUBLIC_SITE_NAME,
	SESSION_PUBLIC_SITE_ID, -1},
    {SESSION, N_jump_group, NAMED, TEXT, OF_SESSION, SESSION_JUMP_GROUP_NAME, SESSION_JUMP_GROUP_ID,
	SESSION_JUMP_GROUP_TYPE},
    {SESSION, N_jumpoint, NAMED, TEXT, OF_SESSION, SESSION_JUMPOINT_NAME, SESSION_JUMPOINT_ID, -1},
    {SESSION, N_primary_rep, PRIMARY_REP, ONCE, OF_SESSION, 0, 0, 0},
    {SESSION, N_primary_user, PRIMARY_REP, ONCE, OF_SESSION, 0, 0, 0},
    {SESSION, N_primary_team, PRIMARY_TEAM, ONCE, OF_SESSION, 0, 0, 0},
    {SESSION, N_session_recording_download_url, RECORDING_ADDRESS, GATHER, OF_RECORDING, 0, 0, 0},
    {SESSION, N_session_recording_view_url, RECORDING_ADDRESS, GATHER, OF_RECORDING, 0, 0, 0},
    {SESSION, N_custom_attributes, ATTRIBUTES, 0, 0, 0, 0, 0},
    {SESSION, N_command_shell_recordings, SHELLS, 0, 0, 0, 0, 0},
    {SESSION, N_show_my_screen_recordings, SCREENS, 0, 0, 0, 0, 0},
    {SESSION, N_rep_list, USERS, 0, 0, 0, 0, 0},
    {SESSION, N_user_list, USERS, 0, 0, 0, 0, 0},
    {SESSION, N_team_list, TEAMS, 0, 0, 0, 0, 0},
    {SESSION, N_customer_list, CUSTOMERS, 0, 0, 0, 0, 0},
    {SESSION, N_session_details, DETAILS, 0, 0, 0, 0, 0},
    {SESSION, N_session_chat_view_url, IGNORED, 0, 0, 0, 0, 0},
    {SESSION, N_session_chat_download_url, IGNORED, 0, 0, 0, 0, 0},
    {SESSION, N_primary_customer, IGNORED, 0, 0, 0, 0, 0},
    {SESSION, N_rep_join_time, IGNORED, 0, 0, 0, 0, 0},
    {SESSION, N_cust_survey_list, IGNORED, 0, 0, 0, 0, 0},
    {SESSION, N_rep_survey_list, IGNORED, 0, 0, 0, 0, 0},

    {ATTRIBUTES, N_custom_attribute, ATTRIBUTE, GATHER, OF_ATTRIBUTE, 0, 0, 0},
    {SHELLS, N_command_shell_recording, SHELL, 0, OF_RECORDING, 0, 0, 0},
    {SCREENS, N_show_my_screen_recording, SCREEN, 0, OF_RECORDING, 0, 0, 0},
    {SHELL, N_download_url, ADDRESS, GATHER, 0, 0, 0, 0},
    {SHELL, N_view_url, ADDRESS, GATHER, 0, 0, 0, 0},
    {SCREEN, N_download_url, ADDRESS, GATHER, 0, 0, 0, 0},
    {SCREEN, N_view_url, ADDRESS, GATHER, 0, 0, 0, 0},

    {USERS, N_representative, USER, 0, OF_USER, 0, 0, 0},
    {USERS, N_user, USER, 0, OF_USER, 0, 0, 0},
    {USER, N_username, CELL, TEXT, OF_USER, USER_USER_NAME, 0, 0},
    {USER, N_private_display_name, CELL, TEXT, OF_USER, USER_DISPLAY_NAME, 0, 0},
    {USER, N_display_name, OTHER_NAME, TEXT, 0, 0, 0, 0},
    {USER, N_public_display_name, CELL, TEXT, OF_USER, USER_PUBLIC_DISPLAY_NAME, 0, 0},
    {USER, N_display_number, CELL, TEXT, OF_USER, USER_DISPLAY_NUMBER, 0, 0},
    {USER, N_public_ip, CELL, TEXT, OF_USER, USER_PUBLIC_IP, 0, 0},
    {USER, N_private_ip, CELL, TEXT, OF_USER, USER_PRIVATE_IP, 0, 0},
    {USER, N_session_owner, CELL, TEXT, OF_USER, USER_IS_OWNER, 0, 0},
    {USER, N_primary_rep, CELL, TEXT, OF_USER, USER_IS_PRIMARY, 0, 0},
    {USER, N_primary_user, CELL, TEXT, OF_USER, USER_IS_PRIMARY, 0, 0},
    {USER, N_seconds_involved, CELL, TEXT, OF_USER, USER_DURATION, 0, 0},
    {USER, N_hostname, CELL, TEXT, OF_USER, USER_HOST_NAME, 0, 0},
    {USER, N_os, CELL, TEXT, OF_USER, USER_OPERATING_SYSTEM, 0, 0},
    {USER, N_invited, CELL, TEXT, OF_USER, USER_INVITED, 0, 0},

    {TEAMS, N_team, TEAM, GATHER, OF_TEAM, 0, 0, 0},
    {TEAM, N_name, CELL, TEXT, OF_TEAM, TEAM_NAME, 0, 0},
    {TEAM, N_primary_team, CELL, TEXT, OF_TEAM, TEAM_IS_PRIMARY, 0, 0},

    {CUSTOMERS, N_customer, CUSTOMER, 0, OF_CUSTOMER, 0, 0, 0},
    {CUSTOMER, N_username, CELL, TEXT, OF_CUSTOMER, CUSTOMER_USER_NAME, 0, 0},
    {CUSTOMER, N_public_ip, CELL, TEXT, OF_CUSTOMER, CUSTOMER_PUBLIC_IP, 0, 0},
    {CUSTOMER, N_private_ip, CELL, TEXT, OF_CUSTOMER, CUSTOMER_PRIVATE_IP, 0, 0},
    {CUSTOMER, N_hostname, CELL, TEXT, OF_CUSTOMER, CUSTOMER_HOST_NAME, 0, 0},
    {CUSTOMER, N_os, CELL, TEXT, OF_CUSTOMER, CUSTOMER_OPERATING_SYSTEM, 0, 0},
    {CUSTOMER, N_rpat_support, CELL, TEXT, OF_CUSTOMER, CUSTOMER_RPAT_SUPPORT, 0, 0},
    {CUSTOMER, N_primary_cust, IGNORED, 0, 0, 0, 0, 0},
    {CUSTOMER, N_info, INFO, ONCE, 0, 0, 0, 0},
    {INFO, N_name, CELL, TEXT, OF_CUSTOMER, CUSTOMER_DISPLAY_NAME, 0, 0},
    {INFO, N_company, CELL, TEXT, OF_CUSTOMER, CUSTOMER_COMPANY_NAME, 0, 0},
    {INFO, N_company_code, CELL, TEXT, OF_CUSTOMER, CUSTOMER_COMPANY_CODE, 0, 0},
    {INFO, N_issue, ISSUE, TEXT, OF_CUSTOMER, CUSTOMER_ISSUE, 0, 0},
    {INFO, N_details, CELL, TEXT, OF_CUSTOMER, CUSTOMER_ISSUE_DESCRIPTION, 0, 0},

    {DETAILS, N_event, EVENT, 0, OF_EVENT, 0, 0, 0},
    {EVENT, N_performed_by, PARTY, TEXT, OF_EVENT, EVENT_PERFORMED_BY, EVENT_PERFORMED_BY_GS_NUMBER,
	EVENT_PERFORMED_BY_TYPE},
    {EVENT, N_destination, PARTY, TEXT, OF_EVENT, EVENT_DESTINATION, EVENT_DESTINATION_GS_NUMBER,
	EVENT_DESTINATION_TYPE},
    {EVENT, N_data, DATA, 0, 0, 0, 0, 0},
    {DATA, N_value, VALUE, GATHER, 0, 0, 0, 0},
    {EVENT, N_body, NAMED_LEAF, GATHER, 0, 0, 0, 0},
    {EVENT, N_encoded_body, ENCODED_BODY, GATHER, 0, 0, 0, 0},
    {EVENT, N_filename, NAMED_LEAF, GATHER, 0, 0, 0, 0},
    {EVENT, N_filesize, NAMED_LEAF, GATHER, 0, 0, 0, 0},
    {EVENT, N_files, FILES, 0, 0, 0, 0, 0},
    {FILES, N_file, FILE_, 0, 0, 0, 0, 0},
    {FILE_, N_filename, NAMED_LEAF, GATHER, 0, 0, 0, 0},
    {FILE_, N_filesize, NAMED_LEAF, GATHER, 0, 0, 0, 0},
    {EVENT, N_system_information, SYSINFO, 0, 0, 0, 0, 0},
    {SYSINFO, N_category, CATEGORY, 0, 0, 0, 0, 0},
    {CATEGORY, N_description, HEADS, ONCE, 0, 0, 0, 0},
    {HEADS, N_field, HEAD, GATHER, 0, 0, 0, 0},
    {CATEGORY, N_data, CATEGORY_DATA, 0, 0, 0, 0, 0},
    {CATEGORY_DATA, N_row, CATEGORY_ROW, 0, 0, 0, 0, 0},
    {CATEGORY_ROW, N_field, CATEGORY_CELL, GATHER, 0, 0, 0, 0},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

const struct rule rules_session = {ROLES, N_session, SESSION, 0, 0, 0, 0, 0};
const struct rule rules_other_leaf = {EVENT, N_UNKNOWN, OTHER_LEAF, GATHER, 0, 0, 0, 0};

unsigned char rules_table[ROLES][NAMES_COUNT];
unsigned char rules_sibling[RULES + 1];

_Static_assert(RULES < 255, "the number of a rule is a byte");

void
rules_prepare(void)
{
	unsigned char next[ROLES] = {0};
	size_t i;

	for (i = 0; i < RULES; i++) {
		rules_table[rules[i].parent][rules[i].name] = (unsigned char)(i + 1);
		rules_sibling[i + 1] = next[rules[i].parent]++;
	}
}

/* ---- names ------------------------------------------------------------ */

static const char *const text[NAMES_COUNT - 1] = {
#define X(name) #name,
    NAMES(X)
#undef X
};

static int
compare(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

enum name
names_learn(struct names *n, const xmlChar *key)
{
	const char *const *found = bsearch(key, text, NAMES_COUNT - 1, sizeof(*text), compare);
	unsigned slot = names_slot(key), i = 0;

	/* If no slot is free, the first one is replaced: a report has few names,
	 * and looking one up again costs little. */
	while (i < NAMES_TRIES && n->key[slot + i] != NULL)
		i++;
	slot += i < NAMES_TRIES ? i : 0;
	n->learned++;
	n->too_long |= found == NULL && strlen((const char *)key) > LIMIT_NAME;
	n->key[slot] = key;
	n->name[slot] = found != NULL ? (unsigned char)(found - text + 1) : N_UNKNOWN;
	return (enum name)n->name[slot];
}
