/* The storage database: see tosql.h. */
#include "tosql.h"

const struct schema_index schema_index[SCHEMA_INDEXES] = {
    {"session_key", TABLE_SESSION, {"host_name", "lsid"}, 1},
    {"session_start_time", TABLE_SESSION, {"start_time", NULL}, 0},
    {"user_session_id", TABLE_USER, {"session_id", NULL}, 0},
    {"team_session_id", TABLE_TEAM, {"session_id", NULL}, 0},
    {"customer_session_id", TABLE_CUSTOMER, {"session_id", NULL}, 0},
    {"custom_attribute_session_id", TABLE_CUSTOM_ATTRIBUTE, {"session_id", NULL}, 0},
    {"session_event_session_id", TABLE_SESSION_EVENT, {"session_id", "seq"}, 0},
    {"session_event_event_time", TABLE_SESSION_EVENT, {"event_time", NULL}, 0},
    {"session_event_data_session_event_id", TABLE_SESSION_EVENT_DATA, {"session_event_id", NULL},
	0},
    {"system_information_session_event_id", TABLE_SYSTEM_INFORMATION, {"session_event_id", NULL},
	0},
    {"recording_session_id", TABLE_RECORDING, {"session_id", NULL}, 0},
};

int
schema_room(int column)
{
	return column == SESSION_HOST_NAME ? 255 : 128;
}

int
schema_is_always_there(enum table_id t, const struct schema_column *c)
{
	/* What praic-split always writes, praic-records(5). */
	static const struct {
		enum table_id table;
		int column;
	} written[] = {
	    {TABLE_SESSION, SESSION_PUBLIC_SITE_NAME},
	    {TABLE_TEAM, TEAM_NAME},
	    {TABLE_SESSION_EVENT, EVENT_SEQ},
	    {TABLE_SESSION_EVENT_DATA, DATA_EVENT_SEQ},
	    {TABLE_SESSION_EVENT_DATA, DATA_SEQ},
	    {TABLE_SESSION_EVENT_DATA, DATA_VALUE},
	    {TABLE_SYSTEM_INFORMATION, SYSINFO_EVENT_SEQ},
	    {TABLE_SYSTEM_INFORMATION, SYSINFO_INFORMATION},
	    {TABLE_RECORDING, RECORDING_KIND},
	};
	size_t i;

	for (i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		if (written[i].table == t && written[i].column == c->source)
			return 1;
	return c->type == SCHEMA_HASH || schema_is_key(t, c->source);
}

enum table_id
schema_parent(enum table_id table)
{
	return table == TABLE_SESSION_EVENT_DATA || table == TABLE_SYSTEM_INFORMATION ?
	    TABLE_SESSION_EVENT :
	    TABLE_SESSION;
}

int
schema_stores(enum table_id table, int column)
{
	return table_list[table].column[column].extra < 2;
}

int
schema_columns(enum table_id table, struct schema_column out[SCHEMA_MAX_COLUMNS])
{
	static const enum schema_type type[] = {
	    [TABLE_TEXT] = SCHEMA_TEXT,
	    [TABLE_INT] = SCHEMA_INT,
	    [TABLE_BOOL] = SCHEMA_BOOL,
	    [TABLE_TIME] = SCHEMA_TIME,
	};
	const struct table *t = &table_list[table];
	int n = 0, extra, c;

	out[n++] = (struct schema_column){"id", SCHEMA_ID, -1};
	if (table != TABLE_SESSION)
		out[n++] = (struct schema_column){
		    schema_parent(table) == TABLE_SESSION ? "session_id" : "session_event_id",
		    SCHEMA_LINK, -1};
	for (extra = 0; extra <= 1; extra++)
		for (c = 0; c < t->columns; c++)
			if (t->column[c].extra == extra)
				out[n++] = (struct schema_column){
				    t->column[c].name, type[t->column[c].type], c};
	if (table == TABLE_SESSION)
		out[n++] = (struct schema_column){"content_hash", SCHEMA_HASH, -1};
	return n;
}

void
schema_text(struct buf *sql, const char *text, const char *name)
{
	for (; *text != '\0'; text++)
		if (*text == '~')
			buf_adds(sql, name);
		else
			buf_addc(sql, *text);
}

void
schema_list(struct buf *sql, enum table_id t, int from, const char *form)
{
	struct schema_column column[SCHEMA_MAX_COLUMNS];
	int n = schema_columns(t, column), i;

	for (i = from; i < n; i++) {
		buf_adds(sql, i > from ? ", " : "");
		schema_text(sql, form, column[i].name);
	}
}
