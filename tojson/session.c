/*
 * Sessions as JSON: see session.h.
 *
 * Nothing of a session is written before all of it has come, and the rows of
 * users, which events refer to, come last.  So the rows wait in strands, as
 * JSON already: one strand for each array of the session.
 */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "ecs.h"
#include "file.h"
#include "json.h"
#include "msg.h"
#include "num.h"
#include "session.h"

#define FLUSH_AT ((size_t)64 << 10)

/*
 * The data of an event become one object, in which a name stands once.  So
 * their values are gathered by name, each in a strand of its own.  Surveys
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
#define ARRAYS (sizeof(arrays) / sizeof(arrays[0]))

/*
 * With events, the strand of events holds for each event: this; with ecs a
 * line of ECS members; a line of the event's columns; a line of its data and
 * system information.  JSON has no line ends within.
 */
struct event_head {
	enum table_id by_table, to_table; /* TABLES: nobody of the session */
	int64_t by, to;			  /* gs_numbers */
};

struct name {
	struct buf text;
	struct strand values; /* with commas between them */
	int count;
};

struct session {
	struct session_options opt;
	int fd;
	const char *out_name;
	int code;
	struct buf out;

	/* of the session that is read */
	struct strands all;
	struct strand row; /* the columns of the session itself */
	struct strand array[TABLES];
	struct strand sysinfo; /* of the event that is open */
	struct buf ecs;	       /* members made of the session row */
	struct people people;
	int has_end;			      /* there is an event Session End */
	const struct person *customer, *user; /* the main ones */

	/* of the event that is open */
	int event_open, data;
	int64_t seq;
	struct name *name;
	int names;
	size_t names_text;
};

struct session *
session_new(const struct session_options *opt, int fd, const char *name)
{
	struct session *s = xcalloc(1, sizeof(*s));
	int i;

	s->opt = *opt;
	s->fd = fd;
	s->out_name = name;
	strands_open(&s->all);
	strand_open(&s->all, &s->row);
	strand_open(&s->all, &s->sysinfo);
	for (i = 0; i < TABLES; i++)
		strand_open(&s->all, &s->array[i]);
	if (opt->events) {
		s->name = xcalloc(NAMES, sizeof(*s->name));
		for (i = 0; i < NAMES; i++)
			strand_open(&s->all, &s->name[i].values);
	}
	json_start();
	file_widen_pipe(fd);
	return s;
}

void
session_free(struct session *s)
{
	int i;

	strands_close(&s->all);
	for (i = 0; s->name != NULL && i < NAMES; i++)
		buf_free(&s->name[i].text);
	free(s->name);
	people_free(&s->people);
	buf_free(&s->ecs);
	buf_free(&s->out);
	free(s);
}

int
session_code(const struct session *s)
{
	return code_worse(s->code, s->all.code);
}

void
session_flush(struct session *s)
{
	if (session_code(s) == 0 && file_write(s->fd, s->out.p, s->out.n) == -1) {
		msg_errno("%s", s->out_name);
		s->code = EX_IOERR;
	}
	buf_trim(&s->out, 2 * FLUSH_AT);
}

static void
put(struct session *s, const char *p, size_t n)
{
	buf_add(&s->out, p, n);
	if (s->out.n >= FLUSH_AT)
		session_flush(s);
}

static void
put_text(struct session *s, const char *text)
{
	put(s, text, strlen(text));
}

static void
put_strand(struct session *s, struct strand *from)
{
	struct strand_cursor c;

	for (strand_read(&s->all, from, &c); strand_next(&c) == 0;)
		put(s, c.p, c.n);
}

static void
move_strand(struct session *s, struct strand *to, struct strand *from)
{
	struct strand_cursor c;

	if (strand_empty(from))
		return;
	for (strand_read(&s->all, from, &c); strand_next(&c) == 0;)
		strand_add(&s->all, to, c.p, c.n);
	strand_reset(&s->all, from);
}

void
session_begin(struct session *s)
{
	strands_reset(&s->all);
	buf_trim(&s->ecs, FLUSH_AT);
	people_reset(&s->people);
	s->event_open = 0;
	s->names = 0;
	s->names_text = 0;
	s->has_end = 0;
}

/* The data of the event that is open, as members of an object. */
static void
close_data(struct session *s)
{
	struct strand *events = &s->array[TABLE_SESSION_EVENT];
	struct name *name;
	int i;

	for (i = 0; i < s->names; i++) {
		name = &s->name[i];
		if (i > 0)
			buf_addc(&events->tail, ',');
		json_text(&events->tail, name->text.p, name->text.n);
		buf_adds(&events->tail, name->count > 1 ? ":[" : ":");
		move_strand(s, events, &name->values);
		if (name->count > 1)
			buf_addc(&events->tail, ']');
	}
	s->names = 0;
	s->names_text = 0;
}

static void
close_event(struct session *s)
{
	struct strand *events = &s->array[TABLE_SESSION_EVENT];

	if (!s->event_open)
		return;
	s->event_open = 0;
	if (s->opt.events)
		close_data(s);
	buf_adds(&events->tail,
	    s->opt.events ? "},\"system_information\":[" : "],\"system_information\":[");
	move_strand(s, events, &s->sysinfo);
	buf_adds(&events->tail, s->opt.events ? "]\n" : "]}");
	strand_check(&s->all, events);
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
event_row(struct session *s, const struct rec_reader *r)
{
	struct strand *events = &s->array[TABLE_SESSION_EVENT];
	const struct rec_value *v = r->value;
	struct event_head head;

	close_event(s);
	s->event_open = 1;
	s->data = 0;
	s->seq = -1;
	if (v[EVENT_SEQ].p != NULL)
		(void)num_parse(v[EVENT_SEQ].p, v[EVENT_SEQ].n, &s->seq);
	if (v[EVENT_TYPE].n == 11 && memcmp(v[EVENT_TYPE].p, "Session End", 11) == 0)
		s->has_end = 1;
	if (!s->opt.events) {
		buf_adds(&events->tail, strand_empty(events) ? "{" : ",{");
		json_add_columns(&s->all, events, TABLE_SESSION_EVENT, v, 0);
		buf_adds(&events->tail, ",\"data\":[");
		return;
	}
	memset(&head, 0, sizeof(head));
	head.by_table =
	    person_table(v[EVENT_PERFORMED_BY_TYPE], v[EVENT_PERFORMED_BY_GS_NUMBER], &head.by);
	head.to_table =
	    person_table(v[EVENT_DESTINATION_TYPE], v[EVENT_DESTINATION_GS_NUMBER], &head.to);
	buf_add(&events->tail, &head, sizeof(head));
	if (s->opt.ecs) {
		ecs_event(&events->tail, r->host, r->lsid, v);
		buf_addc(&events->tail, '\n');
	}
	json_add_columns(&s->all, events, TABLE_SESSION_EVENT, v, 0);
	buf_adds(&events->tail, "\n,\"data\":{");
}

/* The place of a name of data, or NULL when there are too many. */
static struct name *
find_name(struct session *s, struct rec_value v)
{
	struct name *name;
	int i;

	for (i = 0; i < s->names; i++) {
		name = &s->name[i];
		if (name->text.n == v.n && (v.n == 0 || memcmp(name->text.p, v.p, v.n) == 0))
			return name;
	}
	s->names_text += v.n;
	if (s->names == NAMES || s->names_text > NAMES_MAX_TEXT)
		return NULL;
	name = &s->name[s->names++];
	buf_trim(&name->text, 1024);
	buf_add(&name->text, v.p, v.n);
	name->count = 0;
	return name;
}

static void
data_row(struct session *s, struct rec_reader *r)
{
	struct strand *to = &s->array[TABLE_SESSION_EVENT];
	struct name *name;

	if (!s->opt.events) {
		buf_adds(&to->tail, s->data++ == 0 ? "{" : ",{");
		json_add_columns(&s->all, to, TABLE_SESSION_EVENT_DATA, r->value, DATA_SEQ);
		buf_addc(&to->tail, '}');
		return;
	}
	name = find_name(s, r->value[DATA_NAME]);
	if (name == NULL) {
		rec_reject(r, "an event's data have more than 256 names, or 1 MiB of them");
		return;
	}
	if (name->count++ > 0)
		buf_addc(&name->values.tail, ',');
	json_add_value(&s->all, &name->values, TABLE_TEXT, r->value[DATA_VALUE]);
	strand_check(&s->all, &name->values);
}

static void
sysinfo_row(struct session *s, struct rec_reader *r)
{
	buf_adds(&s->sysinfo.tail, strand_empty(&s->sysinfo) ? "{" : ",{");
	json_add_columns(
	    &s->all, &s->sysinfo, TABLE_SYSTEM_INFORMATION, r->value, SYSINFO_CATEGORY);
	buf_addc(&s->sysinfo.tail, '}');
}

/* A row of what belongs to an event: its seq comes first. */
static int
is_of_event(const struct session *s, struct rec_value event_seq)
{
	int64_t seq;

	return s->event_open && event_seq.p != NULL &&
	    num_parse(event_seq.p, event_seq.n, &seq) == 0 && seq == s->seq;
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
	json_add_columns(&s->all, &s->row, TABLE_SESSION, r->value, 0);
	if (s->opt.ecs && !s->opt.events)
		ecs_session(&s->ecs, r->value);
}

void
session_row(struct session *s, struct rec_reader *r)
{
	struct strand *to = &s->array[r->table];

	if ((r->table == TABLE_SESSION_EVENT_DATA || r->table == TABLE_SYSTEM_INFORMATION) &&
	    !is_of_event(s, r->value[0])) {
		rec_reject(r, "a row of an event does not stand behind the event's own row");
		return;
	}
	if ((r->table == TABLE_USER || r->table == TABLE_CUSTOMER) &&
	    (s->opt.events || s->opt.ecs) && people_add(&s->people, r->table, r->value) == -1) {
		rec_reject(r, "its users and customers are more than 8 MiB");
		return;
	}
	if (r->table == TABLE_SESSION)
		own_row(s, r);
	else if (r->table == TABLE_SESSION_EVENT)
		event_row(s, r);
	else if (r->table == TABLE_SESSION_EVENT_DATA)
		data_row(s, r);
	else if (r->table == TABLE_SYSTEM_INFORMATION)
		sysinfo_row(s, r);
	else if (!s->opt.events) {
		buf_adds(&to->tail, strand_empty(to) ? "{" : ",{");
		json_add_columns(&s->all, to, r->table, r->value, 0);
		buf_addc(&to->tail, '}');
	}
}

/* The session as one object. */
static void
put_session(struct session *s, unsigned tables)
{
	struct ecs_people e = {.related = &s->people};
	size_t i;

	put_text(s, "{");
	if (s->opt.ecs) {
		e.by = s->user;
		e.to = e.host = s->customer;
		put(s, s->ecs.p, s->ecs.n);
		ecs_people(&s->out, &e);
		put_text(s, "\"praic\":{");
	}
	put_strand(s, &s->row);
	for (i = 0; i < ARRAYS; i++) {
		if ((tables & TABLE_BIT(arrays[i].table)) == 0)
			continue;
		put_text(s, ",\"");
		put_text(s, arrays[i].name);
		put_text(s, "\":[");
		put_strand(s, &s->array[arrays[i].table]);
		put_text(s, "]");
	}
	put_text(s, s->opt.ecs ? "}}\n" : "}\n");
}

static void
add_person(struct buf *b, const char *role, const struct person *p)
{
	static const struct rec_value null = {NULL, 0};
	int f;

	for (f = 0; f < PERSON_JOINED; f++) {
		buf_add(b, ",\"", 2);
		buf_adds(b, role);
		buf_addc(b, '_');
		buf_adds(b, person_name[f]);
		buf_add(b, "\":", 2);
		json_value(b, TABLE_TEXT, p != NULL ? p->field[f] : null);
	}
}

/* Bytes of the strand of events, which are there. */
static int
take(struct strand_cursor *c, void *to, size_t n)
{
	char *p = to;
	size_t piece;

	while (n > 0) {
		if (c->n == 0 && strand_next(c) == -1)
			return -1;
		piece = n < c->n ? n : c->n;
		memcpy(p, c->p, piece);
		p += piece;
		n -= piece;
		c->p += piece;
		c->n -= piece;
	}
	return 0;
}

/* A line of the strand of events, without its line end. */
static void
put_line(struct session *s, struct strand_cursor *c)
{
	const char *lf = NULL;
	size_t n;

	do {
		if (c->n == 0 && strand_next(c) == -1)
			return;
		lf = memchr(c->p, '\n', c->n);
		n = lf != NULL ? (size_t)(lf - c->p) : c->n;
		put(s, c->p, n);
		n += lf != NULL;
		c->p += n;
		c->n -= n;
	} while (lf == NULL);
}

static void
put_event(struct session *s, const struct event_head *head, struct strand_cursor *c,
    const struct rec_reader *r)
{
	const struct person *by = NULL, *to = NULL;
	struct ecs_people e = {0};

	if (head->by_table != TABLES)
		by = people_find(&s->people, head->by_table, head->by);
	if (head->to_table != TABLES)
		to = people_find(&s->people, head->to_table, head->to);
	put_text(s, "{");
	if (s->opt.ecs) {
		e.by = by;
		e.to = to;
		e.host = by != NULL && by->table == TABLE_CUSTOMER ? by :
		    to != NULL && to->table == TABLE_CUSTOMER	   ? to :
								     s->customer;
		put_line(s, c);
		ecs_people(&s->out, &e);
		put_text(s, "\"praic\":{");
	}
	buf_adds(&s->out, "\"host_name\":");
	json_text(&s->out, r->host.p, r->host.n);
	buf_adds(&s->out, ",\"lsid\":");
	json_text(&s->out, r->lsid.p, r->lsid.n);
	buf_addc(&s->out, ',');
	put_line(s, c);
	add_person(&s->out, "performed_by", by);
	add_person(&s->out, "destination", to);
	put_line(s, c);
	put_text(s, s->opt.ecs ? "}}\n" : "}\n");
}

/* One object an event. */
static void
put_events(struct session *s, const struct rec_reader *r)
{
	struct strand_cursor c;
	struct event_head head;

	strand_read(&s->all, &s->array[TABLE_SESSION_EVENT], &c);
	while (take(&c, &head, sizeof(head)) == 0 && session_code(s) == 0)
		put_event(s, &head, &c, r);
}

void
session_commit(struct session *s, const struct rec_reader *r)
{
	close_event(s);
	people_sort(&s->people);
	s->user = people_main(&s->people, TABLE_USER);
	s->customer = people_main(&s->people, TABLE_CUSTOMER);
	if (session_code(s) != 0)
		return;
	if (s->opt.events)
		put_events(s, r);
	else
		put_session(s, r->tables);
}
