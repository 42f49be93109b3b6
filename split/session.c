/*
 * One session, from elements to rows.
 *
 * rules.c says which role each element has; this file does what the role needs, at the
 * start tag and at the end tag.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg.h"
#include "split.h"

/* Elements with a rule nest 8 deep: a cell of system information. */
#define MAX_FRAMES 16
/* Elements of which text is gathered at the same time: a team and its name; one to spare. */
#define MAX_TEXTS  3
#define KEEP_BYTES 65536

/*
 * Elements that no rule knows, counted by their path: newer appliances send more than
 * praic knows, and users should be told.  MAX_PATHS: paths that are listed; MAX_PATH:
 * bytes of each.
 */
#define MAX_PATHS 50
#define MAX_PATH  160

struct seen {
	char path[MAX_PATH];
	uint64_t sessions, last; /* how many sessions had it; the number of the last one */
};

struct drift {
	struct seen seen[MAX_PATHS];
	int n;
	int more; /* there were others */
	uint64_t session;
};

/* An open element that has a rule. */
struct frame {
	const struct rule *rule;
	enum role role; /* the rule's */
	const char *element;
	struct buf *text; /* where its text is gathered; NULL: it is ignored */
	uint64_t seen;	  /* children that count once: rules_bit */
	int children;
};

struct session {
	struct rows rows;
	session_warning *warn;
	void *arg;

	struct frame frame[MAX_FRAMES];
	int frames;
	int deeper; /* open elements without a rule */
	struct buf text[MAX_TEXTS];
	int texts;
	/* attributes of the element whose text is being gathered */
	struct buf id, name;
	int has_id, has_name;

	struct row own[OF_EVENT], *row[ROWS];
	struct event event;
	struct buf other_name; /* a user's name, if there is no better one */
	int has_other_name;
	struct buf primary_rep, primary_team;
	int public_site, recording, address, ended;
	struct drift drift;
};

struct session *
session_new(struct rec_writer *out, session_warning *warn, rows_go *go, void *arg)
{
	struct session *s = xcalloc(1, sizeof(*s));
	int i;

	rules_prepare();
	s->warn = warn;
	s->arg = arg;
	s->rows = (struct rows){.out = out, .go = go, .arg = arg};
	s->event.rows = &s->rows;
	s->event.sysinfo.refusal = &s->rows.refusal;
	for (i = 0; i < OF_EVENT; i++)
		s->row[i] = &s->own[i];
	s->row[OF_EVENT] = &s->event.row;
	return s;
}

void
session_free(struct session *s)
{
	int i;

	if (s == NULL)
		return;
	for (i = 0; i < OF_EVENT; i++)
		buf_free(&s->own[i].text);
	for (i = 0; i < MAX_TEXTS; i++)
		buf_free(&s->text[i]);
	event_free(&s->event);
	rows_free(&s->rows);
	buf_free(&s->id);
	buf_free(&s->name);
	buf_free(&s->other_name);
	buf_free(&s->primary_rep);
	buf_free(&s->primary_team);
	free(s);
}

static const struct rec_value none = {NULL, 0};

static struct rec_value
value_of(const struct buf *b)
{
	struct rec_value v = {b->n > 0 ? b->p : "", b->n};

	return v;
}

/* Warn of a value that is not of its column's type and became NULL. */
static void
doubt(struct session *s, const struct frame *f, int column, const char *why, struct rec_value v)
{
	const struct table *t = &table_list[s->row[f->rule->row]->table];
	char text[200];

	snprintf(text, sizeof(text), "\"%.*s\" for %s.%s: %s", (int)(v.n < 60 ? v.n : 60), v.p,
	    t->name, t->column[column].name, why);
	s->warn(s->arg, f->element, text);
}

/* Set a column of the row that the element's rule names. */
static void
set(struct session *s, const struct frame *f, int column, struct rec_value v)
{
	const char *why = row_set(s->row[f->rule->row], column, v);

	if (why != NULL)
		doubt(s, f, column, why, v);
}

static void
set_time(struct session *s, const struct frame *f, int column, struct rec_value stamp,
    struct rec_value text)
{
	struct rec_value wrong;
	const char *why = row_set_time(s->row[f->rule->row], column, stamp, text, &wrong);

	if (why != NULL)
		doubt(s, f, column, why, wrong);
}

void
session_begin(struct session *s, const char *host, struct rec_value lsid)
{
	struct row *r = s->row[OF_SESSION];
	struct frame *f = &s->frame[0];
	int i;

	s->rows.refusal = NULL;
	s->frames = 1;
	s->deeper = s->texts = 0;
	for (i = 0; i < MAX_TEXTS; i++)
		buf_trim(&s->text[i], KEEP_BYTES); /* from a session that was left out */
	memset(f, 0, sizeof(*f));
	f->rule = &rules_session;
	f->role = SESSION;
	f->element = "session";
	buf_reset(&s->primary_rep);
	buf_reset(&s->primary_team);
	s->public_site = s->recording = s->ended = 0;
	s->drift.session++;
	rows_begin(&s->rows);
	s->event.seq = 0;
	row_begin(r, TABLE_SESSION);
	row_set_text(r, SESSION_HOST_NAME, host, strlen(host));
	row_set_text(r, SESSION_LSID, lsid.p, lsid.n);
}

const char *
session_finish(struct session *s)
{
	struct row *r = s->row[OF_SESSION];

	if (!s->public_site) {
		row_set_number(r, SESSION_PUBLIC_SITE_ID, 1);
		row_set_text(r, SESSION_PUBLIC_SITE_NAME, "Default", 7);
	}
	row_set_number(r, SESSION_OVER, s->ended || row_filled(r, SESSION_END_TIME));
	rows_finish(
	    &s->rows, row_trim(value_of(&s->primary_rep)), row_trim(value_of(&s->primary_team)), r);
	return s->rows.refusal;
}

void
session_drift(const struct session *s)
{
	const struct drift *d = &s->drift;
	struct buf text = {0};
	int i;

	for (i = 0; i < d->n; i++)
		buf_printf(&text, "%s%s: %llu session%s", i > 0 ? ", " : "", d->seen[i].path,
		    (unsigned long long)d->seen[i].sessions, d->seen[i].sessions == 1 ? "" : "s");
	if (d->n > 0)
		msg_warn("elements that praic does not know, in the XML and in no row: %s%s",
		    buf_text(&text), d->more ? ", and others" : "");
	buf_free(&text);
}

/* ---- start tags ----------------------------------------------------- */

static struct rec_value
attribute(const struct session_attribute *a, int n, enum name name)
{
	for (; n > 0; n--, a++)
		if (a->name == name)
			return a->value;
	return none;
}

/* Keep an attribute's value until the element ends.  Returns whether it is there. */
static inline int
keep(struct buf *b, struct rec_value v)
{
	buf_trim(b, KEEP_BYTES);
	buf_add(b, v.p, v.n);
	return v.p != NULL;
}

static void
begin_row(struct session *s, const struct frame *f, enum table_id table, int id_column,
    struct rec_value id)
{
	row_begin(s->row[f->rule->row], table);
	if (id_column != -1)
		set(s, f, id_column, id);
}

/* The value is an attribute, or else the element's text. */
static void
start_value(struct session *s, struct frame *f, struct rec_value name, struct rec_value value)
{
	if (value.p == NULL) {
		s->has_name = keep(&s->name, name);
		return;
	}
	f->text = NULL;
	event_value(&s->event, name, value);
}

static void
start_event(struct session *s, const struct frame *f, struct rec_value type, struct rec_value stamp)
{
	static const char end[] = "Session End";

	event_begin(&s->event);
	set(s, f, EVENT_TYPE, type);
	set_time(s, f, EVENT_EVENT_TIME, stamp, none);
	s->ended |= type.n == sizeof(end) - 1 && memcmp(type.p, end, type.n) == 0;
}

/* Count an element that no rule knows. */
static void __attribute__((noinline)) unknown(struct session *s, const char *element)
{
	struct drift *d = &s->drift;
	char path[MAX_PATH] = "";
	struct seen *seen;
	size_t n;
	int i;

	for (i = 0; i <= s->frames; i++) {
		n = strlen(path);
		snprintf(path + n, sizeof(path) - n, "%s%s", i > 0 ? "/" : "",
		    i < s->frames ? s->frame[i].element : element);
	}
	for (seen = d->seen; seen < d->seen + d->n; seen++)
		if (strcmp(seen->path, path) == 0)
			break;
	if (seen == d->seen + MAX_PATHS) {
		d->more = 1;
		return;
	}
	if (seen == d->seen + d->n) {
		strcpy(seen->path, path);
		d->n++;
	}
	seen->sessions += seen->last != d->session;
	seen->last = d->session;
}

/* Handle a start tag by its role. */
static void
start_role(struct session *s, struct frame *f, const struct session_attribute *a, int n)
{
	const struct rule *rule = f->rule;

	switch (f->role) {
	case TIME:
		s->has_id = keep(&s->id, attribute(a, n, N_timestamp));
		break;
	case NAMED:
		s->public_site |= rule->id == SESSION_PUBLIC_SITE_ID;
		set(s, f, rule->id, attribute(a, n, N_id));
		if (rule->type != -1)
			set(s, f, rule->type, attribute(a, n, N_type));
		break;
	case PARTY:
		set(s, f, rule->id, attribute(a, n, N_gsnumber));
		set(s, f, rule->type, attribute(a, n, N_type));
		break;
	case ISSUE:
		s->has_id = keep(&s->id, attribute(a, n, N_id));
		break;
	case PRIMARY_REP:
		if (s->primary_rep.n == 0)
			keep(&s->primary_rep, attribute(a, n, N_gsnumber));
		break;
	case PRIMARY_TEAM:
		keep(&s->primary_team, attribute(a, n, N_id));
		break;
	case ATTRIBUTE:
		begin_row(s, f, TABLE_CUSTOM_ATTRIBUTE, -1, none);
		set(s, f, CUSTOM_ATTRIBUTE_DISPLAY_NAME, attribute(a, n, N_display_name));
		set(s, f, CUSTOM_ATTRIBUTE_CODE_NAME, attribute(a, n, N_code_name));
		break;
	case SHELL:
	case SCREEN:
		s->has_id = keep(&s->id, attribute(a, n, N_instance));
		s->address = 0;
		break;
	case USER:
		begin_row(s, f, TABLE_USER, USER_GS_NUMBER, attribute(a, n, N_gsnumber));
		set(s, f, USER_USER_ID, attribute(a, n, N_id));
		s->has_other_name = 0;
		break;
	case TEAM:
		begin_row(s, f, TABLE_TEAM, TEAM_TEAM_ID, attribute(a, n, N_id));
		break;
	case CUSTOMER:
		begin_row(s, f, TABLE_CUSTOMER, CUSTOMER_GS_NUMBER, attribute(a, n, N_gsnumber));
		break;
	case EVENT:
		start_event(s, f, attribute(a, n, N_event_type), attribute(a, n, N_timestamp));
		break;
	case VALUE:
		start_value(s, f, attribute(a, n, N_name), attribute(a, n, N_value));
		break;
	case CATEGORY:
		event_begin_category(&s->event, attribute(a, n, N_name));
		break;
	case HEAD:
	case CATEGORY_CELL:
		keep(&s->id, attribute(a, n, N_id));
		keep(&s->name, attribute(a, n, N_name));
		break;
	case CATEGORY_ROW:
		sysinfo_begin_row(&s->event.sysinfo);
		break;
	default:
		break;
	}
}

const char *
session_start_element(struct session *s, enum name name, const char *element,
    const struct session_attribute *a, int n, struct buf **text)
{
	struct frame *parent = &s->frame[s->frames - 1], *f;
	const struct rule *rule;
	uint64_t bit;

	*text = NULL;
	if (s->deeper > 0) {
		s->deeper++;
		return NULL;
	}
	parent->children = 1;
	rule = rules_find(parent->role, name);
	if (rule == NULL)
		unknown(s, element);
	if (rule != NULL && rule->flags & ONCE) {
		bit = rules_bit(parent->role, name);
		if (parent->seen & bit)
			rule = NULL;
		parent->seen |= bit;
	}
	if (rule == NULL || rule->role == IGNORED || s->frames == MAX_FRAMES) {
		s->deeper = 1;
		return NULL;
	}
	f = &s->frame[s->frames++];
	f->rule = rule;
	f->role = rule->role;
	f->element = element;
	f->text = NULL;
	f->seen = 0;
	f->children = 0;
	if (rule->flags & GATHER) {
		f->text = &s->text[s->texts++];
		buf_reset(f->text);
	}
	start_role(s, f, a, n);
	*text = f->text;
	return s->rows.refusal;
}

/* ---- ends ----------------------------------------------------------- */

/* An id of -1 means that there is none. */
static void
end_named(struct row *r, const struct rule *rule)
{
	const struct row_cell *id = &r->cell[rule->id];

	if (rule->id == SESSION_PUBLIC_SITE_ID || id->is != ROW_NUMBER || id->number != -1)
		return;
	r->cell[rule->id].is = ROW_NOTHING;
	r->cell[rule->column].is = ROW_NOTHING;
	if (rule->type != -1)
		r->cell[rule->type].is = ROW_NOTHING;
}

/* Users and teams wait for the session's end, which names the primary ones. */
static void
end_member(struct session *s, struct row *r, int is_primary)
{
	if (!row_has(r, is_primary))
		r->cell[is_primary].is = ROW_AT_END;
	rows_add(&s->rows, ROWS_AT_END, r);
}

static void
end_user(struct session *s, struct row *r)
{
	if (s->has_other_name && !row_filled(r, USER_DISPLAY_NAME) &&
	    (s->other_name.n > 0 || !row_has(r, USER_DISPLAY_NAME)))
		row_set(r, USER_DISPLAY_NAME, value_of(&s->other_name));
	if (!row_has(r, USER_INVITED))
		row_set_number(r, USER_INVITED, 0);
	end_member(s, r, USER_IS_PRIMARY);
}

static void
end_team(struct session *s, struct row *r, struct rec_value own_text)
{
	/* Blanks between its children are not a name. */
	if (!row_filled(r, TEAM_NAME))
		row_set_text(r, TEAM_NAME, own_text.p, row_trim(own_text).n > 0 ? own_text.n : 0);
	end_member(s, r, TEAM_IS_PRIMARY);
}

static void
end_customer(struct session *s, struct row *r)
{
	if (!row_filled(r, CUSTOMER_DISPLAY_NAME) &&
	    (row_filled(r, CUSTOMER_USER_NAME) || !row_has(r, CUSTOMER_DISPLAY_NAME)))
		r->cell[CUSTOMER_DISPLAY_NAME] = r->cell[CUSTOMER_USER_NAME];
	if (!row_has(r, CUSTOMER_RPAT_SUPPORT))
		row_set_number(r, CUSTOMER_RPAT_SUPPORT, 0);
	rows_add(&s->rows, ROWS_NOW, r);
}

static void
recording_row(struct session *s, const struct frame *f, const char *kind, struct rec_value instance)
{
	begin_row(s, f, TABLE_RECORDING, RECORDING_INSTANCE, instance);
	row_set_text(s->row[OF_RECORDING], RECORDING_KIND, kind, strlen(kind));
	rows_add(&s->rows, ROWS_NOW, s->row[OF_RECORDING]);
}

static void
end_cell(struct session *s, const struct frame *f, struct rec_value text)
{
	struct sysinfo_field field = {value_of(&s->id), value_of(&s->name), text};

	if (f->rule->role == HEAD)
		sysinfo_head(&s->event.sysinfo, &field);
	else
		sysinfo_cell(&s->event.sysinfo, &field);
}

/* When both parties are known, the event's own row is complete. */
static int
has_parties(const struct frame *event)
{
	return event->seen == (rules_bit(EVENT, N_performed_by) | rules_bit(EVENT, N_destination));
}

/* Handle an end tag by its role.  text: that of the element itself. */
static void
end_role(struct session *s, const struct frame *f, struct rec_value text)
{
	const struct rule *rule = f->rule;
	struct row *row = s->row[rule->row];
	const char *why;

	switch (f->role) {
	case CELL:
		/* If two elements mean the same column, the first one counts. */
		if (!row_has(row, rule->column))
			set(s, f, rule->column, text);
		break;
	case TIME:
		set_time(s, f, rule->column, s->has_id ? value_of(&s->id) : none, text);
		break;
	case NAMED:
		set(s, f, rule->column, text);
		end_named(row, rule);
		break;
	case PARTY:
		set(s, f, rule->column, text);
		if (has_parties(f - 1))
			event_complete(&s->event);
		break;
	case OTHER_NAME:
		s->has_other_name = keep(&s->other_name, text);
		break;
	case RECORDING_ADDRESS:
		if (row_trim(text).n > 0 && !s->recording) {
			s->recording = 1;
			recording_row(s, f, "recording", none);
		}
		break;
	case ADDRESS:
		s->address |= row_trim(text).n > 0;
		break;
	case SHELL:
	case SCREEN:
		if (s->address || row_trim(value_of(&s->id)).n > 0)
			recording_row(
			    s, f, f->role == SHELL ? "shell" : "screen", value_of(&s->id));
		break;
	case ATTRIBUTE:
		set(s, f, CUSTOM_ATTRIBUTE_VALUE, text);
		rows_add(&s->rows, ROWS_NOW, row);
		break;
	case USER:
		end_user(s, row);
		break;
	case TEAM:
		end_team(s, row, text);
		break;
	case CUSTOMER:
		end_customer(s, row);
		break;
	case ISSUE:
		set(s, f, rule->column, s->id.n > 0 ? value_of(&s->id) : text);
		break;
	case EVENT:
		event_complete(&s->event);
		break;
	case VALUE:
		if (f->text != NULL)
			event_value(&s->event, s->has_name ? value_of(&s->name) : none, text);
		break;
	case NAMED_LEAF:
		event_leaf(&s->event, f->element, text);
		break;
	case OTHER_LEAF:
		if (!f->children && row_trim(text).n > 0)
			event_leaf(&s->event, f->element, text);
		break;
	case ENCODED_BODY:
		if ((why = event_encoded_body(&s->event, text)) != NULL)
			s->warn(s->arg, f->element, why);
		break;
	case HEADS:
		sysinfo_end_heads(&s->event.sysinfo);
		break;
	case HEAD:
	case CATEGORY_CELL:
		end_cell(s, f, text);
		break;
	case CATEGORY_ROW:
		sysinfo_end_row(&s->event.sysinfo);
		break;
	case CATEGORY:
		event_end_category(&s->event);
		break;
	default:
		break;
	}
}

const char *
session_end_element(struct session *s, struct buf **text)
{
	static const struct rec_value empty = {"", 0};
	struct frame *f;

	if (s->deeper > 0) {
		s->deeper--;
		*text = s->deeper == 0 ? s->frame[s->frames - 1].text : NULL;
		return NULL;
	}
	f = &s->frame[--s->frames];
	end_role(s, f, f->text != NULL ? value_of(f->text) : empty);
	s->texts -= f->rule->flags & GATHER;
	if (f->text != NULL)
		buf_trim(f->text, KEEP_BYTES);
	*text = s->frame[s->frames - 1].text;
	return s->rows.refusal;
}
