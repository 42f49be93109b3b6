/*
 * One session, from elements to rows: see session.h.
 *
 * What an element means follows from its name and from what its parent is:
 * the rules below say so, one line each.  A rule gives the element a role,
 * and most roles are "text for that column of that row".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base64.h"
#include "num.h"
#include "row.h"
#include "session.h"
#include "sysinfo.h"

/* Real sessions nest 9 deep. */
#define MAX_DEPTH 64
/* Elements whose text is gathered while that of one above is: a team's own
 * text and that of its name; one to spare. */
#define MAX_TEXTS 3
/* Rows that cannot be written yet, not counting the longest: the memory
 * that a session may cost whatever its size. */
#define MAX_HELD ((size_t)8 << 20)
/* Lines are handed on in pieces of this size. */
#define FLUSH_AT 65536
#define KEEP_BYTES 65536

enum role {
	IGNORED, SESSION,
	/* text for a column */
	CELL, TIME, NAMED, OTHER_NAME,
	/* of the session */
	PRIMARY_REP, PRIMARY_TEAM, RECORDING_ADDRESS,
	ATTRIBUTES, ATTRIBUTE, SHELLS, SHELL, SCREENS, SCREEN, ADDRESS,
	USERS, USER, TEAMS, TEAM, CUSTOMERS, CUSTOMER, INFO, ISSUE,
	/* of its events */
	DETAILS, EVENT, PARTY, DATA, VALUE, BODY, ENCODED_BODY, NAMED_LEAF, FILES, FILE_,
	OTHER_LEAF,
	SYSINFO, CATEGORY, HEADS, HEAD, CATEGORY_DATA, CATEGORY_ROW, CATEGORY_CELL,
	ROLES
};

/* The rows that are being filled. */
enum which { OF_SESSION, OF_USER, OF_TEAM, OF_CUSTOMER, OF_ATTRIBUTE, OF_EVENT, ROWS };

enum { GATHER = 1, ONCE = 2 };	/* its text is wanted; the first counts */
#define TEXT (GATHER | ONCE)

struct rule {
	enum role parent;
	enum name name;
	enum role role;
	int flags;
	enum which row;
	int column;	/* the text's */
	int id, type;	/* NAMED: the columns of these attributes */
};

static const struct rule rules[] = {
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
	{SESSION, N_jump_group, NAMED, TEXT, OF_SESSION, SESSION_JUMP_GROUP_NAME,
	    SESSION_JUMP_GROUP_ID, SESSION_JUMP_GROUP_TYPE},
	{SESSION, N_jumpoint, NAMED, TEXT, OF_SESSION, SESSION_JUMPOINT_NAME,
	    SESSION_JUMPOINT_ID, -1},
	{SESSION, N_primary_rep, PRIMARY_REP, ONCE, OF_SESSION, 0, 0, 0},
	{SESSION, N_primary_user, PRIMARY_REP, ONCE, OF_SESSION, 0, 0, 0},
	{SESSION, N_primary_team, PRIMARY_TEAM, ONCE, OF_SESSION, 0, 0, 0},
	{SESSION, N_session_recording_download_url, RECORDING_ADDRESS, GATHER, 0, 0, 0, 0},
	{SESSION, N_session_recording_view_url, RECORDING_ADDRESS, GATHER, 0, 0, 0, 0},
	{SESSION, N_custom_attributes, ATTRIBUTES, 0, 0, 0, 0, 0},
	{SESSION, N_command_shell_recordings, SHELLS, 0, 0, 0, 0, 0},
	{SESSION, N_show_my_screen_recordings, SCREENS, 0, 0, 0, 0, 0},
	{SESSION, N_rep_list, USERS, 0, 0, 0, 0, 0},
	{SESSION, N_user_list, USERS, 0, 0, 0, 0, 0},
	{SESSION, N_team_list, TEAMS, 0, 0, 0, 0, 0},
	{SESSION, N_customer_list, CUSTOMERS, 0, 0, 0, 0, 0},
	{SESSION, N_session_details, DETAILS, 0, 0, 0, 0, 0},

	{ATTRIBUTES, N_custom_attribute, ATTRIBUTE, GATHER, 0, 0, 0, 0},
	{SHELLS, N_command_shell_recording, SHELL, 0, 0, 0, 0, 0},
	{SCREENS, N_show_my_screen_recording, SCREEN, 0, 0, 0, 0, 0},
	{SHELL, N_download_url, ADDRESS, GATHER, 0, 0, 0, 0},
	{SHELL, N_view_url, ADDRESS, GATHER, 0, 0, 0, 0},
	{SCREEN, N_download_url, ADDRESS, GATHER, 0, 0, 0, 0},
	{SCREEN, N_view_url, ADDRESS, GATHER, 0, 0, 0, 0},

	{USERS, N_representative, USER, 0, 0, 0, 0, 0},
	{USERS, N_user, USER, 0, 0, 0, 0, 0},
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

	{TEAMS, N_team, TEAM, GATHER, 0, 0, 0, 0},
	{TEAM, N_name, CELL, TEXT, OF_TEAM, TEAM_NAME, 0, 0},
	{TEAM, N_primary_team, CELL, TEXT, OF_TEAM, TEAM_IS_PRIMARY, 0, 0},

	{CUSTOMERS, N_customer, CUSTOMER, 0, 0, 0, 0, 0},
	{CUSTOMER, N_username, CELL, TEXT, OF_CUSTOMER, CUSTOMER_USER_NAME, 0, 0},
	{CUSTOMER, N_public_ip, CELL, TEXT, OF_CUSTOMER, CUSTOMER_PUBLIC_IP, 0, 0},
	{CUSTOMER, N_private_ip, CELL, TEXT, OF_CUSTOMER, CUSTOMER_PRIVATE_IP, 0, 0},
	{CUSTOMER, N_hostname, CELL, TEXT, OF_CUSTOMER, CUSTOMER_HOST_NAME, 0, 0},
	{CUSTOMER, N_os, CELL, TEXT, OF_CUSTOMER, CUSTOMER_OPERATING_SYSTEM, 0, 0},
	{CUSTOMER, N_rpat_support, CELL, TEXT, OF_CUSTOMER, CUSTOMER_RPAT_SUPPORT, 0, 0},
	{CUSTOMER, N_info, INFO, ONCE, 0, 0, 0, 0},
	{INFO, N_name, CELL, TEXT, OF_CUSTOMER, CUSTOMER_DISPLAY_NAME, 0, 0},
	{INFO, N_company, CELL, TEXT, OF_CUSTOMER, CUSTOMER_COMPANY_NAME, 0, 0},
	{INFO, N_company_code, CELL, TEXT, OF_CUSTOMER, CUSTOMER_COMPANY_CODE, 0, 0},
	{INFO, N_issue, ISSUE, TEXT, OF_CUSTOMER, CUSTOMER_ISSUE, 0, 0},
	{INFO, N_details, CELL, TEXT, OF_CUSTOMER, CUSTOMER_ISSUE_DESCRIPTION, 0, 0},

	{DETAILS, N_event, EVENT, 0, 0, 0, 0, 0},
	{EVENT, N_performed_by, PARTY, TEXT, OF_EVENT, EVENT_PERFORMED_BY,
	    EVENT_PERFORMED_BY_GS_NUMBER, EVENT_PERFORMED_BY_TYPE},
	{EVENT, N_destination, PARTY, TEXT, OF_EVENT, EVENT_DESTINATION,
	    EVENT_DESTINATION_GS_NUMBER, EVENT_DESTINATION_TYPE},
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

/* An event's child that no rule names. */
static const struct rule other_leaf = {EVENT, N_UNKNOWN, OTHER_LEAF, GATHER, 0, 0, 0, 0};
static const struct rule ignored = {IGNORED, N_UNKNOWN, IGNORED, 0, 0, 0, 0, 0};
static const struct rule the_session = {IGNORED, N_session, SESSION, 0, 0, 0, 0, 0};

/* An element that is open. */
struct frame {
	const struct rule *rule;
	const char *element;
	uint64_t seen;		/* children that count once, by their names */
	int text;		/* which buffer gathers its text, or -1 */
	int children;
};

/* A row that is complete but for whether it is the primary one's. */
struct held_row {
	size_t flag;		/* where in the held lines its 0 or 1 is */
	size_t key, key_n;	/* what the session's primary must be, in keys */
	int team;
};

struct session {
	struct output *out;
	session_warning *warn;
	session_rows_go *rows_go;
	void *arg;
	const char *refusal;
	/* rule of each name below each role, or NULL; and its bit */
	const struct rule *rule[ROLES][NAMES_COUNT];
	unsigned char bit[ROLES][NAMES_COUNT];

	struct frame frame[MAX_DEPTH];
	int depth;
	int deeper;		/* open elements that have no frame: ignored */
	struct buf text[MAX_TEXTS];
	int texts;
	/* attributes of the element whose text is being gathered */
	struct buf id, type, name;
	int has_id, has_value, has_name;

	struct row row[ROWS];
	struct row small;	/* a row that is filled and written at once */
	struct buf other_name;
	int has_other_name;
	struct buf lsid, host;
	struct buf primary_rep, primary_team;
	int public_site, recording, address;
	int64_t events, values;

	struct buf lines;	/* rows ready to go out */
	uint64_t lines_n;
	int event_out;		/* the event's own row is among those gone */
	struct buf event_held;	/* rows of an event whose own row is not */
	uint64_t event_held_n;
	size_t longest;
	struct buf held, keys;	/* users and teams */
	struct held_row *held_row;
	size_t held_n, held_cap;
	struct sysinfo *sysinfo;
};

struct session *
session_new(struct output *out, session_warning *warn, session_rows_go *rows_go, void *arg)
{
	struct session *s = xcalloc(1, sizeof(*s));
	unsigned char next[ROLES] = {0};
	size_t i;

	s->out = out;
	s->warn = warn;
	s->rows_go = rows_go;
	s->arg = arg;
	s->sysinfo = sysinfo_new();
	for (i = 0; i < RULES; i++) {
		s->rule[rules[i].parent][rules[i].name] = &rules[i];
		s->bit[rules[i].parent][rules[i].name] = next[rules[i].parent]++;
	}
	return s;
}

void
session_free(struct session *s)
{
	int i;

	if (s == NULL)
		return;
	for (i = 0; i < ROWS; i++)
		row_free(&s->row[i]);
	for (i = 0; i < MAX_TEXTS; i++)
		buf_free(&s->text[i]);
	row_free(&s->small);
	buf_free(&s->id);
	buf_free(&s->type);
	buf_free(&s->name);
	buf_free(&s->other_name);
	buf_free(&s->lsid);
	buf_free(&s->host);
	buf_free(&s->primary_rep);
	buf_free(&s->primary_team);
	buf_free(&s->lines);
	buf_free(&s->event_held);
	buf_free(&s->held);
	buf_free(&s->keys);
	free(s->held_row);
	sysinfo_free(s->sysinfo);
	free(s);
}

const char *
session_refusal(const struct session *s)
{
	return s->refusal;
}

static void
refuse(struct session *s, const char *why)
{
	if (s->refusal == NULL)
		s->refusal = why;
}

/* Values that are not of their type, for row_write. */
static void
complain(void *arg, const char *column, const char *why, struct rec_value v)
{
	struct session *s = arg;
	char text[160];

	snprintf(text, sizeof(text), "%s: %.*s: %s", column, (int)(v.n < 60 ? v.n : 60), v.p, why);
	s->warn(s->arg, s->depth > 0 ? s->frame[s->depth - 1].element : "session", text);
}

static struct rec_value
value_of(const struct buf *b)
{
	struct rec_value v = {b->n > 0 ? b->p : "", b->n};

	return v;
}

static void
put_rows(struct session *s, const struct buf *lines, uint64_t n)
{
	if (n == 0)
		return;
	s->rows_go(s->arg);
	output_rows(s->out, lines->p, lines->n, n);
}

static void
flush(struct session *s)
{
	put_rows(s, &s->lines, s->lines_n);
	buf_trim(&s->lines, 2 * FLUSH_AT);
	s->lines_n = 0;
}

/* A line was written to the end of a buffer, from this place on. */
static void
check_line(struct session *s, const struct buf *b, size_t from)
{
	size_t n = b->n - from;

	if (n > REC_MAX_LINE)
		refuse(s, "a value longer than a line may be");
	if (n > s->longest)
		s->longest = n;
	if (s->event_held.n + s->held.n + s->keys.n + s->held_n * sizeof(struct held_row) >
	    MAX_HELD + s->longest)
		refuse(s, "more than 8 MiB of rows that have to be held back");
}

static void
write_row(struct session *s, const struct row *r)
{
	size_t from = s->lines.n;

	row_write(r, &s->lines, complain, s);
	check_line(s, &s->lines, from);
	s->lines_n++;
	if (s->lines.n >= FLUSH_AT)
		flush(s);
}

/* A row that belongs to the event that is open: not before the event's own. */
static void
write_event_row(struct session *s, const struct row *r)
{
	size_t from = s->event_held.n;

	if (s->event_out) {
		write_row(s, r);
		return;
	}
	row_write(r, &s->event_held, complain, s);
	check_line(s, &s->event_held, from);
	s->event_held_n++;
}

/* The event's own row, as soon as nothing in it can change any more. */
static void
release_event(struct session *s)
{
	write_row(s, &s->row[OF_EVENT]);
	s->event_out = 1;
	if (s->event_held.n < FLUSH_AT) {
		buf_add(&s->lines, s->event_held.p, s->event_held.n);
		s->lines_n += s->event_held_n;
	} else {
		flush(s);
		put_rows(s, &s->event_held, s->event_held_n);
	}
	buf_trim(&s->event_held, KEEP_BYTES);
	s->event_held_n = 0;
}

static void
data_row(struct session *s, struct rec_value name, struct rec_value value)
{
	static const char download[] = "download_url", view[] = "view_url";

	/* Signed addresses: whoever has them may need no login. */
	if (name.p != NULL && ((name.n == sizeof(download) - 1 &&
	    memcmp(name.p, download, name.n) == 0) ||
	    (name.n == sizeof(view) - 1 && memcmp(name.p, view, name.n) == 0)))
		return;
	row_reset(&s->small, TABLE_SESSION_EVENT_DATA);
	row_set_int(&s->small, DATA_EVENT_SEQ, s->events);
	row_set_int(&s->small, DATA_SEQ, ++s->values);
	if (name.p != NULL)
		row_set(&s->small, DATA_NAME, name.p, name.n);
	if (value.p != NULL)
		row_set(&s->small, DATA_VALUE, value.p, value.n);
	write_event_row(s, &s->small);
}

static void
data_row_named(struct session *s, const char *name, struct rec_value value)
{
	struct rec_value n = {name, strlen(name)};

	data_row(s, n, value);
}

static void
recording_row(struct session *s, const char *kind, struct rec_value instance)
{
	row_reset(&s->small, TABLE_RECORDING);
	row_set(&s->small, RECORDING_KIND, kind, strlen(kind));
	if (instance.p != NULL)
		row_set(&s->small, RECORDING_INSTANCE, instance.p, instance.n);
	write_row(s, &s->small);
}

/* Users and teams wait for the session's end, which tells the primary one. */
static void
hold_row(struct session *s, const struct row *r, int known, int column, struct rec_value key)
{
	size_t from = s->held.n, tab;
	const char *p;
	struct held_row *h;

	row_write(r, &s->held, complain, s);
	if (s->held_n == s->held_cap) {
		s->held_cap = s->held_cap == 0 ? 8 : s->held_cap * 2;
		s->held_row = xrealloc(s->held_row, s->held_cap * sizeof(*s->held_row));
	}
	h = &s->held_row[s->held_n++];
	memset(h, 0, sizeof(*h));
	h->team = r->table == TABLE_TEAM;
	if (!known) {
		p = s->held.p + from;
		/* The mark, the table's name, then the columns. */
		for (tab = 0; tab < (size_t)column + 2; p++)
			tab += *p == '\t';
		h->flag = (size_t)(p - s->held.p);
		h->key = s->keys.n;
		key = row_trim(key);
		h->key_n = key.n;
		buf_add(&s->keys, key.p, key.n);
	}
	check_line(s, &s->held, from);
}

/* The same id or number, however it is written. */
static int
same_key(struct rec_value a, struct rec_value b)
{
	int64_t x, y;

	if (a.n == 0 || b.n == 0)
		return 0;
	if (num_parse(a.p, a.n, &x) == 0 && num_parse(b.p, b.n, &y) == 0)
		return x == y;
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static void
release_held(struct session *s)
{
	struct rec_value rep = row_trim(value_of(&s->primary_rep));
	struct rec_value team = row_trim(value_of(&s->primary_team));
	struct rec_value key;
	size_t i;

	for (i = 0; i < s->held_n; i++) {
		if (s->held_row[i].flag == 0)
			continue;
		key.n = s->held_row[i].key_n;
		key.p = key.n > 0 ? s->keys.p + s->held_row[i].key : "";
		if (same_key(key, s->held_row[i].team ? team : rep))
			s->held.p[s->held_row[i].flag] = '1';
	}
	flush(s);
	put_rows(s, &s->held, s->held_n);
}

static void
reset_attributes(struct session *s)
{
	buf_reset(&s->id);
	buf_reset(&s->type);
	buf_trim(&s->name, KEEP_BYTES);
	s->has_id = s->has_value = s->has_name = 0;
}

void
session_begin(struct session *s, const char *host, struct rec_value lsid)
{
	struct row *r = &s->row[OF_SESSION];

	s->refusal = NULL;
	s->depth = 1;
	s->deeper = s->texts = 0;
	memset(&s->frame[0], 0, sizeof(s->frame[0]));
	s->frame[0].rule = &the_session;
	s->frame[0].element = "session";
	s->frame[0].text = -1;
	buf_reset(&s->primary_rep);
	buf_reset(&s->primary_team);
	buf_trim(&s->held, KEEP_BYTES);
	buf_trim(&s->keys, KEEP_BYTES);
	buf_trim(&s->event_held, KEEP_BYTES);
	buf_reset(&s->lines);
	s->lines_n = s->held_n = s->event_held_n = s->longest = 0;
	s->public_site = s->recording = 0;
	s->events = 0;
	row_reset(r, TABLE_SESSION);
	row_set(r, SESSION_HOST_NAME, host, strlen(host));
	row_set(r, SESSION_LSID, lsid.p, lsid.n);
}

const char *
session_finish(struct session *s)
{
	struct row *r = &s->row[OF_SESSION];

	if (!s->public_site) {
		row_set(r, SESSION_PUBLIC_SITE_ID, "1", 1);
		row_set(r, SESSION_PUBLIC_SITE_NAME, "Default", 7);
	}
	if (s->refusal == NULL)
		release_held(s);
	if (s->refusal == NULL)
		write_row(s, r);
	if (s->refusal == NULL)
		flush(s);
	return s->refusal;
}

static struct rec_value
attribute(const struct session_attribute *a, int n, enum name name)
{
	static const struct rec_value none = {NULL, 0};

	for (; n > 0; n--, a++)
		if (a->name == name)
			return a->value;
	return none;
}

static int
save_attribute(struct buf *b, const struct session_attribute *a, int n, enum name name)
{
	struct rec_value v = attribute(a, n, name);

	if (v.p == NULL)
		return 0;
	buf_reset(b);
	buf_add(b, v.p, v.n);
	return 1;
}

static void
set_from(struct row *r, int column, struct rec_value v)
{
	if (v.p != NULL)
		row_set(r, column, v.p, v.n);
}

static void
start_event(struct session *s, const struct session_attribute *a, int n)
{
	static const struct rec_value no_text = {NULL, 0};
	struct row *r = &s->row[OF_EVENT];

	row_reset(r, TABLE_SESSION_EVENT);
	row_set_int(r, EVENT_SEQ, ++s->events);
	set_from(r, EVENT_TYPE, attribute(a, n, N_event_type));
	row_set_time(r, EVENT_EVENT_TIME, attribute(a, n, N_timestamp), no_text, complain, s);
	s->event_out = 0;
	s->values = 0;
}

/* What the start tag says. */
static void
start_role(struct session *s, const struct rule *rule, const struct session_attribute *a, int n)
{
	struct row *r;

	switch (rule->role) {
	case TIME:
		buf_reset(&s->id);
		s->has_id = save_attribute(&s->id, a, n, N_timestamp);
		break;
	case NAMED:
		if (rule->id == SESSION_PUBLIC_SITE_ID)
			s->public_site = 1;
		/* FALLTHROUGH */
	case PARTY:
		r = &s->row[rule->row];
		set_from(r, rule->id, attribute(a, n, rule->role == PARTY ? N_gsnumber : N_id));
		if (rule->type != -1)
			set_from(r, rule->type, attribute(a, n, N_type));
		break;
	case ISSUE:
		buf_reset(&s->id);
		s->has_id = save_attribute(&s->id, a, n, N_id);
		break;
	case PRIMARY_REP:
		if (s->primary_rep.n == 0)
			save_attribute(&s->primary_rep, a, n, N_gsnumber);
		break;
	case PRIMARY_TEAM:
		save_attribute(&s->primary_team, a, n, N_id);
		break;
	case ATTRIBUTE:
		r = &s->row[OF_ATTRIBUTE];
		row_reset(r, TABLE_CUSTOM_ATTRIBUTE);
		set_from(r, CUSTOM_ATTRIBUTE_DISPLAY_NAME, attribute(a, n, N_display_name));
		set_from(r, CUSTOM_ATTRIBUTE_CODE_NAME, attribute(a, n, N_code_name));
		break;
	case SHELL:
	case SCREEN:
		reset_attributes(s);
		s->has_id = save_attribute(&s->id, a, n, N_instance);
		s->address = 0;
		break;
	case USER:
		r = &s->row[OF_USER];
		row_reset(r, TABLE_USER);
		set_from(r, USER_GS_NUMBER, attribute(a, n, N_gsnumber));
		set_from(r, USER_USER_ID, attribute(a, n, N_id));
		s->has_other_name = 0;
		break;
	case TEAM:
		row_reset(&s->row[OF_TEAM], TABLE_TEAM);
		set_from(&s->row[OF_TEAM], TEAM_TEAM_ID, attribute(a, n, N_id));
		break;
	case CUSTOMER:
		row_reset(&s->row[OF_CUSTOMER], TABLE_CUSTOMER);
		set_from(&s->row[OF_CUSTOMER], CUSTOMER_GS_NUMBER, attribute(a, n, N_gsnumber));
		break;
	case EVENT:
		start_event(s, a, n);
		break;
	case VALUE:
		reset_attributes(s);
		s->has_name = save_attribute(&s->name, a, n, N_name);
		s->has_value = save_attribute(&s->text[s->texts - 1], a, n, N_value);
		break;
	case CATEGORY:
		buf_reset(&s->type);
		s->has_id = save_attribute(&s->type, a, n, N_name);
		sysinfo_begin(s->sysinfo);
		break;
	case HEAD:
	case CATEGORY_CELL:
		buf_reset(&s->id);
		buf_reset(&s->name);
		save_attribute(&s->id, a, n, N_id);
		save_attribute(&s->name, a, n, N_name);
		break;
	case CATEGORY_ROW:
		sysinfo_begin_row(s->sysinfo);
		break;
	default:
		break;
	}
}

void
session_start_element(struct session *s, enum name name, const char *element,
    const struct session_attribute *a, int n)
{
	struct frame *parent = &s->frame[s->depth - 1], *f;
	const struct rule *rule;
	uint64_t bit;

	if (s->deeper > 0 || parent->rule->role == IGNORED) {
		s->deeper++;
		return;
	}
	if (s->depth == MAX_DEPTH) {
		refuse(s, "elements nested more than 64 deep");
		s->deeper++;
		return;
	}
	parent->children = 1;
	rule = s->rule[parent->rule->role][name];
	if (rule == NULL)
		rule = parent->rule->role == EVENT ? &other_leaf : &ignored;
	if (rule->flags & ONCE) {
		bit = (uint64_t)1 << s->bit[parent->rule->role][name];
		if (parent->seen & bit)
			rule = &ignored;
		parent->seen |= bit;
	}
	f = &s->frame[s->depth++];
	f->rule = rule;
	f->element = element;
	f->seen = 0;
	f->children = 0;
	f->text = -1;
	if (rule->flags & GATHER && s->texts < MAX_TEXTS) {
		f->text = s->texts++;
		buf_trim(&s->text[f->text], KEEP_BYTES);
	}
	start_role(s, rule, a, n);
}

void
session_text(struct session *s, const char *p, size_t n)
{
	const struct frame *f = &s->frame[s->depth - 1];
	struct buf *b;

	if (s->deeper > 0 || f->text == -1 || (f->rule->role == VALUE && s->has_value))
		return;
	b = &s->text[f->text];
	if (b->n + n > REC_MAX_LINE) {
		refuse(s, "a value longer than a line may be");
		return;
	}
	buf_add(b, p, n);
}

/* An id of -1 means that there is none. */
static void
end_named(struct session *s, const struct rule *rule)
{
	struct row *r = &s->row[rule->row];
	struct rec_value id = row_trim(row_get(r, rule->id));
	int64_t v;

	if (rule->id == SESSION_PUBLIC_SITE_ID || num_parse(id.p, id.n, &v) == -1 || v != -1)
		return;
	row_clear(r, rule->id);
	row_clear(r, rule->column);
	if (rule->type != -1)
		row_clear(r, rule->type);
}

static void
end_user(struct session *s)
{
	struct row *r = &s->row[OF_USER];
	int known = row_get(r, USER_IS_PRIMARY).p != NULL;

	if (s->has_other_name && !row_filled(r, USER_DISPLAY_NAME) &&
	    (s->other_name.n > 0 || row_get(r, USER_DISPLAY_NAME).p == NULL))
		row_set(r, USER_DISPLAY_NAME, s->other_name.p, s->other_name.n);
	if (row_get(r, USER_INVITED).p == NULL)
		row_set(r, USER_INVITED, "0", 1);
	if (!known)
		row_set(r, USER_IS_PRIMARY, "0", 1);
	hold_row(s, r, known, USER_IS_PRIMARY, row_get(r, USER_GS_NUMBER));
}

static void
end_team(struct session *s, struct rec_value own_text)
{
	struct row *r = &s->row[OF_TEAM];
	int known = row_get(r, TEAM_IS_PRIMARY).p != NULL;

	/* Blanks between its children are no name. */
	if (!row_filled(r, TEAM_NAME))
		row_set(r, TEAM_NAME, own_text.p, row_trim(own_text).n > 0 ? own_text.n : 0);
	if (!known)
		row_set(r, TEAM_IS_PRIMARY, "0", 1);
	hold_row(s, r, known, TEAM_IS_PRIMARY, row_get(r, TEAM_TEAM_ID));
}

static void
end_customer(struct session *s)
{
	struct row *r = &s->row[OF_CUSTOMER];
	struct rec_value name = row_get(r, CUSTOMER_USER_NAME);
	struct buf copy = {0};

	if (name.p != NULL && !row_filled(r, CUSTOMER_DISPLAY_NAME) &&
	    (name.n > 0 || row_get(r, CUSTOMER_DISPLAY_NAME).p == NULL)) {
		buf_add(&copy, name.p, name.n);
		row_set(r, CUSTOMER_DISPLAY_NAME, copy.p, copy.n);
		buf_free(&copy);
	}
	if (row_get(r, CUSTOMER_RPAT_SUPPORT).p == NULL)
		row_set(r, CUSTOMER_RPAT_SUPPORT, "0", 1);
	write_row(s, r);
}

static void
end_encoded_body(struct session *s, struct rec_value base64)
{
	struct buf body = {0};

	if (base64_text(base64.p, base64.n, &body) == 0)
		data_row_named(s, "body", value_of(&body));
	else
		s->warn(s->arg, "encoded_body", "no base64: kept as it is");
	buf_free(&body);
	data_row_named(s, "encoded_body", base64);
}

static void
end_category(struct session *s)
{
	struct rec_value text = sysinfo_end(s->sysinfo);

	if (sysinfo_refusal(s->sysinfo) != NULL) {
		refuse(s, sysinfo_refusal(s->sysinfo));
		return;
	}
	row_reset(&s->small, TABLE_SYSTEM_INFORMATION);
	row_set_int(&s->small, SYSINFO_EVENT_SEQ, s->events);
	if (s->has_id)
		row_set(&s->small, SYSINFO_CATEGORY, s->type.p, s->type.n);
	row_set(&s->small, SYSINFO_INFORMATION, text.p, text.n);
	write_event_row(s, &s->small);
}

/* What the element as a whole says; text is its own. */
static void
end_role(struct session *s, const struct frame *f, struct rec_value text)
{
	const struct rule *rule = f->rule;
	struct rec_value none = {NULL, 0}, id = s->has_id ? value_of(&s->id) : none;
	struct sysinfo_field field;

	switch (rule->role) {
	case CELL:
		/* Where two spellings mean one column, the first counts. */
		if (row_get(&s->row[rule->row], rule->column).p == NULL)
			row_set(&s->row[rule->row], rule->column, text.p, text.n);
		break;
	case TIME:
		row_set_time(&s->row[rule->row], rule->column, id, text, complain, s);
		break;
	case NAMED:
		row_set(&s->row[rule->row], rule->column, text.p, text.n);
		end_named(s, rule);
		break;
	case PARTY:
		row_set(&s->row[rule->row], rule->column, text.p, text.n);
		if (s->frame[s->depth - 1].seen ==
		    ((uint64_t)1 << s->bit[EVENT][N_performed_by] |
		    (uint64_t)1 << s->bit[EVENT][N_destination]))
			release_event(s);
		break;
	case OTHER_NAME:
		buf_reset(&s->other_name);
		buf_add(&s->other_name, text.p, text.n);
		s->has_other_name = 1;
		break;
	case RECORDING_ADDRESS:
		if (row_trim(text).n > 0 && !s->recording) {
			s->recording = 1;
			recording_row(s, "recording", none);
		}
		break;
	case ADDRESS:
		s->address |= row_trim(text).n > 0;
		break;
	case SHELL:
	case SCREEN:
		if (s->address || row_trim(value_of(&s->id)).n > 0)
			recording_row(s, rule->role == SHELL ? "shell" : "screen", id);
		break;
	case ATTRIBUTE:
		row_set(&s->row[OF_ATTRIBUTE], CUSTOM_ATTRIBUTE_VALUE, text.p, text.n);
		write_row(s, &s->row[OF_ATTRIBUTE]);
		break;
	case USER:
		end_user(s);
		break;
	case TEAM:
		end_team(s, text);
		break;
	case CUSTOMER:
		end_customer(s);
		break;
	case ISSUE:
		if (id.n > 0)
			text = id;
		row_set(&s->row[rule->row], rule->column, text.p, text.n);
		break;
	case EVENT:
		if (!s->event_out)
			release_event(s);
		break;
	case VALUE:
		data_row(s, s->has_name ? value_of(&s->name) : none, text);
		break;
	case NAMED_LEAF:
		data_row_named(s, f->element, text);
		break;
	case ENCODED_BODY:
		end_encoded_body(s, text);
		break;
	case OTHER_LEAF:
		if (!f->children && row_trim(text).n > 0)
			data_row_named(s, f->element, text);
		break;
	case HEADS:
		sysinfo_end_heads(s->sysinfo);
		break;
	case HEAD:
	case CATEGORY_CELL:
		field.id = value_of(&s->id);
		field.name = value_of(&s->name);
		field.text = text;
		if (rule->role == HEAD)
			sysinfo_head(s->sysinfo, field);
		else
			sysinfo_cell(s->sysinfo, field);
		if (sysinfo_refusal(s->sysinfo) != NULL)
			refuse(s, sysinfo_refusal(s->sysinfo));
		break;
	case CATEGORY_ROW:
		sysinfo_end_row(s->sysinfo);
		break;
	case CATEGORY:
		end_category(s);
		break;
	default:
		break;
	}
}

void
session_end_element(struct session *s)
{
	struct frame *f;
	struct rec_value text = {"", 0};

	if (s->deeper > 0) {
		s->deeper--;
		return;
	}
	f = &s->frame[--s->depth];
	if (f->text != -1)
		text = value_of(&s->text[f->text]);
	end_role(s, f, text);
	if (f->text != -1) {
		s->texts--;
		buf_trim(&s->text[f->text], KEEP_BYTES);
	}
}
