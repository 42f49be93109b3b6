/* The tables of the record stream: see tables.h. */
#include "tables.h"

#define TABLE(t)                                                         \
	{                                                                \
#t, sizeof(#t) - 1, t, (int)(sizeof(t) / sizeof((t)[0])) \
	}

static const struct table_column session[] = {
    {"host_name", TABLE_TEXT, 0},
    {"lsid", TABLE_TEXT, 0},
    {"type", TABLE_TEXT, 0},
    {"start_time", TABLE_TIME, 0},
    {"end_time", TABLE_TIME, 0},
    {"duration", TABLE_TEXT, 0},
    {"file_transfers", TABLE_INT, 0},
    {"external_key", TABLE_TEXT, 0},
    {"public_site_id", TABLE_INT, 0},
    {"public_site_name", TABLE_TEXT, 0},
    {"lseq", TABLE_INT, 0},
    {"file_moves", TABLE_INT, 1},
    {"file_deletes", TABLE_INT, 1},
    {"jump_group_id", TABLE_INT, 1},
    {"jump_group_name", TABLE_TEXT, 1},
    {"jump_group_type", TABLE_TEXT, 1},
    {"jumpoint_id", TABLE_INT, 1},
    {"jumpoint_name", TABLE_TEXT, 1},
    {"over", TABLE_BOOL, 2},
};
static const struct table_column user[] = {
    {"gs_number", TABLE_INT, 0},
    {"user_id", TABLE_INT, 0},
    {"user_name", TABLE_TEXT, 0},
    {"display_name", TABLE_TEXT, 0},
    {"public_display_name", TABLE_TEXT, 0},
    {"display_number", TABLE_INT, 0},
    {"public_ip", TABLE_TEXT, 0},
    {"private_ip", TABLE_TEXT, 0},
    {"is_owner", TABLE_BOOL, 0},
    {"is_primary", TABLE_BOOL, 0},
    {"duration", TABLE_INT, 0},
    {"host_name", TABLE_TEXT, 0},
    {"operating_system", TABLE_TEXT, 0},
    {"invited", TABLE_BOOL, 1},
};
static const struct table_column team[] = {
    {"team_id", TABLE_INT, 0},
    {"name", TABLE_TEXT, 0},
    {"is_primary", TABLE_BOOL, 0},
};
static const struct table_column customer[] = {
    {"gs_number", TABLE_INT, 0},
    {"issue", TABLE_TEXT, 0},
    {"issue_description", TABLE_TEXT, 0},
    {"display_name", TABLE_TEXT, 0},
    {"company_name", TABLE_TEXT, 0},
    {"company_code", TABLE_TEXT, 0},
    {"public_ip", TABLE_TEXT, 0},
    {"private_ip", TABLE_TEXT, 0},
    {"host_name", TABLE_TEXT, 0},
    {"operating_system", TABLE_TEXT, 0},
    {"rpat_support", TABLE_BOOL, 0},
    {"user_name", TABLE_TEXT, 1},
};
static const struct table_column custom_attribute[] = {
    {"display_name", TABLE_TEXT, 0},
    {"code_name", TABLE_TEXT, 0},
    {"value", TABLE_TEXT, 0},
};
static const struct table_column session_event[] = {
    {"seq", TABLE_INT, 1},
    {"type", TABLE_TEXT, 0},
    {"event_time", TABLE_TIME, 0},
    {"performed_by", TABLE_TEXT, 0},
    {"performed_by_type", TABLE_TEXT, 0},
    {"destination", TABLE_TEXT, 0},
    {"destination_type", TABLE_TEXT, 0},
    {"performed_by_gs_number", TABLE_INT, 1},
    {"destination_gs_number", TABLE_INT, 1},
};
static const struct table_column session_event_data[] = {
    {"event_seq", TABLE_INT, 1},
    {"seq", TABLE_INT, 1},
    {"name", TABLE_TEXT, 0},
    {"value", TABLE_TEXT, 0},
};
static const struct table_column system_information[] = {
    {"event_seq", TABLE_INT, 1},
    {"category", TABLE_TEXT, 0},
    {"information", TABLE_TEXT, 0},
};
static const struct table_column recording[] = {
    {"kind", TABLE_TEXT, 1},
    {"instance", TABLE_INT, 1},
};
static const struct table_column file[] = {
    {"kind", TABLE_TEXT, 1},
    {"instance", TABLE_INT, 1},
    {"name", TABLE_TEXT, 1},
    {"extension", TABLE_TEXT, 1},
    {"media_type", TABLE_TEXT, 1},
    {"bytes", TABLE_INT, 1},
    {"sha256", TABLE_TEXT, 1},
    {"fetched_at", TABLE_TIME, 1},
    {"outcome", TABLE_TEXT, 1},
    {"reason", TABLE_TEXT, 1},
};

/* The numbers in tables.h are places in these lists. */
#define NUMBERED(a, n)                                                                \
	_Static_assert(sizeof(a) / sizeof((a)[0]) == (n) && (n) <= TABLE_MAX_COLUMNS, \
	    "tables.h has another number of columns for " #a)
NUMBERED(session, SESSION_COLUMNS);
NUMBERED(user, USER_COLUMNS);
NUMBERED(team, TEAM_COLUMNS);
NUMBERED(customer, CUSTOMER_COLUMNS);
NUMBERED(custom_attribute, CUSTOM_ATTRIBUTE_COLUMNS);
NUMBERED(session_event, EVENT_COLUMNS);
NUMBERED(session_event_data, DATA_COLUMNS);
NUMBERED(system_information, SYSINFO_COLUMNS);
NUMBERED(recording, RECORDING_COLUMNS);
NUMBERED(file, FILE_COLUMNS);

const struct table table_list[TABLES] = {
    [TABLE_SESSION] = TABLE(session),
    [TABLE_USER] = TABLE(user),
    [TABLE_TEAM] = TABLE(team),
    [TABLE_CUSTOMER] = TABLE(customer),
    [TABLE_CUSTOM_ATTRIBUTE] = TABLE(custom_attribute),
    [TABLE_SESSION_EVENT] = TABLE(session_event),
    [TABLE_SESSION_EVENT_DATA] = TABLE(session_event_data),
    [TABLE_SYSTEM_INFORMATION] = TABLE(system_information),
    [TABLE_RECORDING] = TABLE(recording),
    [TABLE_FILE] = TABLE(file),
};
