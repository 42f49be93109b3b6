/*
 * Sessions as JSON: see session.h.
 *
 * Nothing of a session is written before all of it has come, and the rows of
 * users, which events refer to, come last.  So the rows wait as JSON, those of
 * each table by themselves.
 */
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "json.h"
#include "msg.h"
#include "num.h"
#include "people.h"
#include "session.h"

/* Of each table, in memory: there are ten, and 16 MiB must do.  Real sessions
 * take some 100 KiB. */
#define ROOM ((size_t)1 << 20)
/* Members of the schema wait in memory, whatever they are. */
#define NO_LIMIT ((size_t)256 << 20)

/*
 * The data of an event become one object, in which a name stands once.  Surveys
 * have the most names, some tens.
 */
#define NAMES	       256
#define NAMES_MAX_TEXT ((size_t)1 << 20)

/* The arrays of a session, in the order of the manual page. */
static const struct {
	enum table_id table;
	const char *name;
} arrays[] = {
    {TABLE_USER, "users"},
    {TABLE_TEAM, "teams"},
    {TABLE_CUSTOMER, "customers"},
    {TABLE_CUSTOM_ATTRIBUTE, "custom_attributes"},
    {TABLE_SESSION_EVENT, "events"},
    {TABLE_RECORDING, "recordings"},
    {TABLE_FILE, "files"},
};

/* A byte that JSON does not have marks where in an event's object members are
 * to be added that tell of people, who are known later; this stands behind it. */
#define MARK '\1'

struct mark {
	enum { MARK_ECS, MARK_JOIN } what;
	enum table_id by_table, to_table; /* TABLES: nobody of the session */
	int64_t by, to;			  /* gs_numbers */
};

/* With events, the values of a name are a chain in the part of the data: this,
 * and then the value. */
struct link {
	off_t next; /* -1: this is the last one */
	size_t n;
};

struct name {
	struct buf text;
	off_t first, last;
};

struct session {
	struct session_options opt;
	struct held out;

	/* of the session that is read */
	struct held part[TABLES]; /* data and system information: of the event that is open */
	struct held ecs;	  /* members of the schema */
	struct people *people;
	int has_end; /* there is an event Session End */

	/* of the event that is open */
	int event_open;
	int64_t seq;
	struct name name[NAMES];
	int names;
	size_t names_text;
};

struct session *
session_new(const struct session_options *opt)
{
	struct session *s = xcalloc(1, sizeof(*s));
	int t;

	s->opt = *opt;
	s->people = xcalloc(1, sizeof(*s->people));
	held_open_output(&s->out, STDOUT_FILENO, "standard output");
	for (t = 0; t < TABLES; t++)
		held_open(&s->part[t], ROOM);
	held_open(&s->ecs, NO_LIMIT);
	return s;
}

void
session_free(struct session *s)
{
	int i;

	held_close(&s->out);
	for (i = 0; i < TABLES; i++)
		held_close(&s->part[i]);
	held_close(&s->ecs);
	for (i = 0; i < NAMES; i++)
		buf_free(&s->name[i].text);
	buf_free(&s->people->text);
	free(s->people);
	free(s);
}

int
session_code(const struct session *s)
{
	int code = s->out.code, t;

	for (t = 0; t < TABLES; t++)
		code = code_worse(code, s->part[t].code);
	return code;
}

void
session_flush(struct session *s)
{
	held_flush(&s->out);
	if (s->out.reader_gone)
		msg_warn("standard output: nobody reads it any more");
}

void
session_begin(struct session *s)
{
	int t;

	for (t = 0; t < TABLES; t++)
		held_reset(&s->part[t]);
	held_reset(&s->ecs);
	s->people->n = 0;
	buf_reset(&s->people->text);
	s->event_open = 0;
	s->names = 0;
	s->names_text = 0;
	s->has_end = 0;
}

static void
put(struct held *h, const char *text)
{
	held_add(h, text, strlen(text));
}

/* A row as an element of an array. */
static void
add_row(struct held *to, int is_first, enum table_id t, const struct rec_value *value, int from)
{
	buf_adds(&to->mem, is_first ? "{" : ",{");
	json_columns(to, t, value, from);
	buf_addc(&to->mem, '}');
}

/* The data of the event that is open, as members of an object. */
static void
close_data(struct session *s)
{
	struct held *data = &s->part[TABLE_SESSION_EVENT_DATA];
	struct held *events = &s->part[TABLE_SESSION_EVENT];
	struct link link;
	struct name *name;
	off_t at;
	int is_array;

	for (name = s->name; name < s->name + s->names; name++) {
		if (name > s->name)
			put(events, ",");
		json_text(events, (struct rec_value){name->text.p, name->text.n});
		is_array = name->first != name->last;
		put(events, is_array ? ":[" : ":");
		for (at = name->first; at != -1; at = link.next) {
			if (at != name->first)
				put(events, ",");
			if (held_get(data, at, &link, sizeof(link)) == -1)
				return;
			held_copy(events, data, at + (off_t)sizeof(link), (off_t)link.n);
		}
		if (is_array)
			put(events, "]");
	}
	held_reset(data);
	s->names = 0;
	s->names_text = 0;
}

static void
close_event(struct session *s)
{
	struct held *events = &s->part[TABLE_SESSION_EVENT];

	if (!s->event_open)
		return;
	s->event_open = 0;
	if (s->opt.events)
		close_data(s);
	put(events, s->opt.events ? "},\"system_information\":[" : "],\"system_information\":[");
	held_move(events, &s->part[TABLE_SYSTEM_INFORMATION]);
	put(events, !s->opt.events ? "]}" : s->opt.ecs ? "]}}\n" : "]}\n");
}

/* Which table has the person that an event names. */
static enum table_id
person_table(struct rec_value type, struct rec_value gs_number, int64_t *number)
{
	static const struct {
		const char *type;
		enum table_id table;
	} known[] = {
	    {"representative", TABLE_USER},
	    {"user", TABLE_USER},
	    {"customer", TABLE_CUSTOMER},
	};
	size_t i;

	if (gs_number.p == NULL || num_parse(gs_number.p, gs_number.n, number) == -1)
		return TABLES;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (type.n == strlen(known[i].type) && memcmp(type.p, known[i].type, type.n) == 0)
			return known[i].table;
	return TABLES;
}

static void
add_mark(struct buf *b, struct mark *mark, int what)
{
	mark->what = what;
	buf_addc(b, MARK);
	buf_add(b, mark, sizeof(*mark));
}

/* An event as an object of its own, up to its data. */
static void
open_object(struct session *s, const struct rec_reader *r)
{
	struct held *events = &s->part[TABLE_SESSION_EVENT];
	const struct rec_value *v = r->value;
	struct mark mark;

	memset(&mark, 0, sizeof(mark));
	mark.by_table =
	    person_table(v[EVENT_PERFORMED_BY_TYPE], v[EVENT_PERFORMED_BY_GS_NUMBER], &mark.by);
	mark.to_table =
	    person_table(v[EVENT_DESTINATION_TYPE], v[EVENT_DESTINATION_GS_NUMBER], &mark.to);
	buf_addc(&events->mem, '{');
	if (s->opt.ecs) {
		ecs_event(&s->ecs, r->host, r->lsid, v);
		held_move(events, &s->ecs);
		add_mark(&events->mem, &mark, MARK_ECS);
		buf_adds(&events->mem, "\"praic\":{");
	}
	buf_adds(&events->mem, "\"host_name\":");
	json_text(events, r->host);
	buf_adds(&events->mem, ",\"lsid\":");
	json_text(events, r->lsid);
	buf_addc(&events->mem, ',');
	json_columns(events, TABLE_SESSION_EVENT, v, 0);
	add_mark(&events->mem, &mark, MARK_JOIN);
	buf_adds(&events->mem, ",\"data\":{");
}

static void
event_row(struct session *s, const struct rec_reader *r)
{
	struct held *events = &s->part[TABLE_SESSION_EVENT];
	const struct rec_value *v = r->value;

	close_event(s);
	s->event_open = 1;
	s->seq = -1;
	if (v[EVENT_SEQ].p != NULL)
		(void)num_parse(v[EVENT_SEQ].p, v[EVENT_SEQ].n, &s->seq);
	if (v[EVENT_TYPE].n == 11 && memcmp(v[EVENT_TYPE].p, "Session End", 11) == 0)
		s->has_end = 1;
	if (s->opt.events) {
		open_object(s, r);
		return;
	}
	buf_adds(&events->mem, held_size(events) == 0 ? "{" : ",{");
	json_columns(events, TABLE_SESSION_EVENT, v, 0);
	buf_adds(&events->mem, ",\"data\":[");
}

/* The place of a name of data, or NULL when there are too many. */
static struct name *
find_name(struct session *s, struct rec_value v)
{
	struct name *name;

	for (name = s->name; name < s->name + s->names; name++)
		if (name->text.n == v.n && (v.n == 0 || memcmp(name->text.p, v.p, v.n) == 0))
			return name;
	s->names_text += v.n;
	if (s->names == NAMES || s->names_text > NAMES_MAX_TEXT)
		return NULL;
	s->names++;
	buf_trim(&name->text, 1024);
	buf_add(&name->text, v.p, v.n);
	name->first = name->last = -1;
	return name;
}

/* A value, at the end of the chain of its name. */
static void
chain_value(struct session *s, struct rec_reader *r)
{
	struct held *data = &s->part[TABLE_SESSION_EVENT_DATA];
	struct name *name = find_name(s, r->value[DATA_NAME]);
	struct link link = {-1, 0};
	off_t at = held_size(data);

	if (name == NULL) {
		rec_reject(r, "an event's data have more than 256 names, or 1 MiB of them");
		return;
	}
	if (name->first == -1)
		name->first = at;
	else
		held_patch(data, name->last + (off_t)offsetof(struct link, next), &at, sizeof(at));
	name->last = at;
	held_add(data, (const char *)&link, sizeof(link));
	json_value(data, TABLE_TEXT, r->value[DATA_VALUE]);
	link.n = (size_t)(held_size(data) - at) - sizeof(link);
	held_patch(data, at + (off_t)offsetof(struct link, n), &link.n, sizeof(link.n));
	held_check(data);
}

/* A session's own row, which is its last one. */
static void
own_row(struct session *s, struct rec_reader *r)
{
	struct rec_value *over = &r->value[SESSION_OVER];

	if (over->p == NULL) { /* a stream without this column */
		over->p = s->has_end || r->value[SESSION_END_TIME].p != NULL ? "1" : "0";
		over->n = 1;
	}
	json_columns(&s->part[TABLE_SESSION], TABLE_SESSION, r->value, 0);
	if (s->opt.ecs && !s->opt.events)
		ecs_session(&s->ecs, r->value);
}

void
session_row(struct session *s, struct rec_reader *r)
{
	struct held *to = &s->part[r->table];
	int from = 0;
	int64_t seq;

	switch (r->table) {
	case TABLE_SESSION:
		own_row(s, r);
		return;
	case TABLE_SESSION_EVENT:
		event_row(s, r);
		return;
	case TABLE_SESSION_EVENT_DATA:
	case TABLE_SYSTEM_INFORMATION:
		/* The event's seq is the first column. */
		if (!s->event_open || r->value[0].p == NULL ||
		    num_parse(r->value[0].p, r->value[0].n, &seq) == -1 || seq != s->seq) {
			rec_reject(
			    r, "a row of an event does not stand behind the event's own row");
			return;
		}
		from = 1;
		break;
	case TABLE_USER:
	case TABLE_CUSTOMER:
		if ((s->opt.events || s->opt.ecs) &&
		    people_add(s->people, r->table, r->value) == -1) {
			rec_reject(r, "it has more than 1024 users and customers");
			return;
		}
		break;
	default:
		break;
	}
	if (s->opt.events && r->table == TABLE_SESSION_EVENT_DATA)
		chain_value(s, r);
	else if (r->table == TABLE_SESSION_EVENT_DATA) {
		to = &s->part[TABLE_SESSION_EVENT];
		add_row(to, to->mem.p[to->mem.n - 1] == '[', r->table, r->value, from);
	} else if (!s->opt.events || from == 1)
		add_row(to, held_size(to) == 0, r->table, r->value, from);
}

/* The session as one object. */
static void
put_session(struct session *s, unsigned tables)
{
	const struct person *customer = people_main(s->people, TABLE_CUSTOMER);
	size_t i;

	put(&s->out, "{");
	if (s->opt.ecs) {
		ecs_people(
		    &s->ecs, people_main(s->people, TABLE_USER), customer, customer, s->people);
		held_move(&s->out, &s->ecs);
		put(&s->out, "\"praic\":{");
	}
	held_move(&s->out, &s->part[TABLE_SESSION]);
	for (i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
		if ((tables & TABLE_BIT(arrays[i].table)) == 0)
			continue;
		put(&s->out, ",\"");
		put(&s->out, arrays[i].name);
		put(&s->out, "\":[");
		held_move(&s->out, &s->part[arrays[i].table]);
		put(&s->out, "]");
	}
	put(&s->out, s->opt.ecs ? "}}\n" : "}\n");
}

/* What a mark stands for. */
static void
put_people(struct session *s, const struct mark *mark)
{
	const struct person *by = people_find(s->people, mark->by_table, mark->by);
	const struct person *to = people_find(s->people, mark->to_table, mark->to);

	if (mark->what == MARK_ECS)
		ecs_people(&s->ecs, by, to,
		    by != NULL && by->table == TABLE_CUSTOMER	  ? by :
			to != NULL && to->table == TABLE_CUSTOMER ? to :
								    people_main(
									s->people, TABLE_CUSTOMER),
		    NULL);
	else {
		people_join(&s->ecs, "performed_by", by);
		people_join(&s->ecs, "destination", to);
	}
	held_move(&s->out, &s->ecs);
}

/* One object an event. */
static void
put_events(struct session *s)
{
	struct held *events = &s->part[TABLE_SESSION_EVENT];
	const char *p, *end;
	struct mark mark;
	off_t at = 0;
	size_t n = ROOM;

	for (; s->out.code == 0 && (p = held_at(events, at, &n)) != NULL; n = ROOM) {
		end = memchr(p, MARK, n);
		if (end != NULL)
			n = (size_t)(end - p);
		held_add(&s->out, p, n);
		at += (off_t)n;
		if (end == NULL)
			continue;
		if (held_get(events, at + 1, &mark, sizeof(mark)) == 0)
			put_people(s, &mark);
		at += 1 + (off_t)sizeof(mark);
	}
}

void
session_commit(struct session *s, const struct rec_reader *r)
{
	close_event(s);
	if (session_code(s) != 0)
		return;
	if (s->opt.events)
		put_events(s);
	else
		put_session(s, r->tables);
}
