/*
 * praic-tojson: record streams in, JSON out: one object a line for each
 * session, or for each event.
 *
 * A session is written when all of it has been read, and the rows of users, which
 * events refer to, come last.  So the rows of each table wait, as JSON.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "confine.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "tojson.h"
#include "utf8.h"

/* Memory for each of ten tables, of 16 MiB in all.  Real sessions take 100 KiB. */
#define ROOM ((size_t)1 << 20)
/* Members of the schema are always in memory. */
#define NO_LIMIT ((size_t)256 << 20)

/*
 * The data of an event become one object, with each name once.  Surveys have the most
 * names, some tens.  NAME_ROOM is the memory for the values of one name.
 */
#define NAMES	       256
#define NAMES_MAX_TEXT ((size_t)1 << 20)
#define NAME_ROOM      ((size_t)4 << 10)

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

/* With --events, each event in part[] ends with a byte that JSON does not have and a
 * struct mark: the people, who are known later, are written in its place. */
#define MARK '\1'

struct mark {
	enum table_id by_table, to_table; /* TABLES: not in the session */
	int64_t by, to;			  /* gs_numbers */
};

struct name {
	struct buf text;
	struct held values; /* with commas between them */
	uint64_t n;
};

struct tojson {
	int events, ecs; /* options */
	struct held out;

	/* of the session that is read */
	struct held part[TABLES]; /* system information: of the event that is open */
	struct held members;	  /* of the schema */
	struct people people;
	int has_end; /* there is an event Session End */

	/* of the event that is open */
	int event_open;
	int64_t seq;
	struct mark mark;
	struct name name[NAMES];
	int names;
	size_t names_text;
};

static int
take_format(void *arg, const char *format)
{
	struct tojson *s = arg;

	s->ecs = strcmp(format, "ecs") == 0;
	if (s->ecs || strcmp(format, "plain") == 0)
		return 0;
	msg_warn("-f %s: no such format; give plain or ecs", format);
	return EX_USAGE;
}

static const struct command_option option[] = {
    {'e', "events", NULL, "one object for each event instead of each session",
	offsetof(struct tojson, events), NULL},
    {'f', "format", "FORMAT",
	"plain: praic's names (the default); ecs: the fields of\n"
	"the Elastic Common Schema, too",
	0, take_format},
    {0, NULL, NULL, NULL, 0, NULL},
};

static const struct command command = {"praic-tojson [-ev] [-f FORMAT] [FILE ...]",
    "Writes the sessions of a record stream as JSON, one object a line.", option};

/* 0, or an exit code after a message: nothing more can be written. */
static int
failed(const struct tojson *s)
{
	int code = s->out.code, i;

	for (i = 0; i < TABLES; i++)
		code = code_worse(code, s->part[i].code);
	for (i = 0; i < NAMES; i++)
		code = code_worse(code, s->name[i].values.code);
	return code;
}

static void
put(struct held *h, const char *text)
{
	held_add(h, text, strlen(text));
}

static int
is(struct rec_value v, const char *text)
{
	return v.n == strlen(text) && (v.n == 0 || memcmp(v.p, text, v.n) == 0);
}

/* ---- users and customers ---------------------------------------------- */

/* The columns of the fields; -1: there is none. */
static const int user_column[PERSON_FIELDS] = {
    [PERSON_USER_NAME] = USER_USER_NAME,
    [PERSON_DISPLAY_NAME] = USER_DISPLAY_NAME,
    [PERSON_PUBLIC_IP] = USER_PUBLIC_IP,
    [PERSON_PRIVATE_IP] = USER_PRIVATE_IP,
    [PERSON_HOST_NAME] = USER_HOST_NAME,
    [PERSON_OPERATING_SYSTEM] = USER_OPERATING_SYSTEM,
    [PERSON_USER_ID] = USER_USER_ID,
};
static const int customer_column[PERSON_FIELDS] = {
    [PERSON_USER_NAME] = CUSTOMER_USER_NAME,
    [PERSON_DISPLAY_NAME] = CUSTOMER_DISPLAY_NAME,
    [PERSON_PUBLIC_IP] = CUSTOMER_PUBLIC_IP,
    [PERSON_PRIVATE_IP] = CUSTOMER_PRIVATE_IP,
    [PERSON_HOST_NAME] = CUSTOMER_HOST_NAME,
    [PERSON_OPERATING_SYSTEM] = CUSTOMER_OPERATING_SYSTEM,
    [PERSON_USER_ID] = -1,
};

static void
add_person(struct tojson *s, struct rec_reader *r)
{
	int is_user = r->table == TABLE_USER, f;
	const int *column = is_user ? user_column : customer_column;
	struct rec_value gs = r->value[is_user ? USER_GS_NUMBER : CUSTOMER_GS_NUMBER], v;
	struct people *all = &s->people;
	struct person *p;

	if (all->n == PEOPLE_MAX) {
		rec_reject(r, "it has more than 1024 users and customers");
		return;
	}
	if (all->text.p == NULL)
		buf_reserve(&all->text, (size_t)PEOPLE_MAX * PERSON_FIELDS * PERSON_MAX_VALUE);
	p = &all->person[all->n++];
	memset(p, 0, sizeof(*p));
	p->table = r->table;
	p->has_gs_number = gs.p != NULL && num_parse(gs.p, gs.n, &p->gs_number) == 0;
	p->is_primary = is_user && is(r->value[USER_IS_PRIMARY], "1");
	for (f = 0; f < PERSON_FIELDS; f++) {
		if (column[f] == -1 || r->value[column[f]].p == NULL)
			continue;
		v = r->value[column[f]];
		if (v.n > PERSON_MAX_VALUE)
			v.n = utf8_floor(v.p, PERSON_MAX_VALUE);
		p->field[f].p = all->text.p + all->text.n;
		p->field[f].n = v.n;
		buf_add(&all->text, v.p, v.n);
	}
}

/* The first one with this number, or NULL. */
static const struct person *
find_person(const struct people *all, enum table_id t, int64_t gs_number)
{
	const struct person *p;

	for (p = all->person; p < all->person + all->n; p++)
		if (p->table == t && p->has_gs_number && p->gs_number == gs_number)
			return p;
	return NULL;
}

/* The first one of a table; of users, the first primary one if there is any. */
static const struct person *
main_person(const struct people *all, enum table_id t)
{
	const struct person *best = NULL, *p;

	for (p = all->person; p < all->person + all->n; p++)
		if (p->table == t && (best == NULL || p->is_primary > best->is_primary))
			best = p;
	return best;
}

/* ,"performed_by_user_name": and so on; null if p is NULL. */
static void
join_person(struct held *h, const char *role, const struct person *p)
{
	static const struct rec_value null = {NULL, 0};
	int f;

	for (f = 0; f < PERSON_JOINED; f++) {
		buf_adds(&h->mem, ",\"");
		buf_adds(&h->mem, role);
		buf_addc(&h->mem, '_');
		buf_adds(&h->mem, table_list[TABLE_USER].column[user_column[f]].name);
		buf_adds(&h->mem, "\":");
		json_value(h, TABLE_TEXT, p != NULL ? p->field[f] : null);
	}
	held_check(h);
}

/* The table of the person that an event names. */
static enum table_id
person_table(struct rec_value type, struct rec_value gs_number, int64_t *number)
{
	if (gs_number.p == NULL || num_parse(gs_number.p, gs_number.n, number) == -1)
		return TABLES;
	return is(type, "representative") || is(type, "user") ? TABLE_USER :
	    is(type, "customer")			      ? TABLE_CUSTOMER :
								TABLES;
}

/* ---- rows --------------------------------------------------------------- */

static void
begin_session(struct tojson *s)
{
	int i;

	for (i = 0; i < TABLES; i++)
		held_reset(&s->part[i]);
	for (i = 0; i < NAMES; i++)
		held_reset(&s->name[i].values);
	held_reset(&s->members);
	s->people.n = 0;
	buf_reset(&s->people.text);
	s->event_open = s->has_end = s->names = 0;
	s->names_text = 0;
}

/* A row as an element of an array. */
static void
add_row(struct held *to, int is_first, enum table_id t, const struct rec_value *value, int from)
{
	buf_adds(&to->mem, is_first ? "{" : ",{");
	json_columns(to, t, value, from);
	buf_addc(&to->mem, '}');
}

static void
close_event(struct tojson *s)
{
	struct held *events = &s->part[TABLE_SESSION_EVENT];
	struct name *name;

	if (!s->event_open)
		return;
	for (name = s->name; name < s->name + s->names; name++) {
		if (name > s->name)
			put(events, ",");
		json_text(events, (struct rec_value){buf_text(&name->text), name->text.n});
		put(events, name->n > 1 ? ":[" : ":");
		held_move(events, &name->values);
		if (name->n > 1)
			put(events, "]");
	}
	put(events, s->events ? "},\"system_information\":[" : "],\"system_information\":[");
	held_move(events, &s->part[TABLE_SYSTEM_INFORMATION]);
	put(events, s->events ? "]" : "]}");
	if (s->events) {
		buf_addc(&events->mem, MARK);
		buf_add(&events->mem, &s->mark, sizeof(s->mark));
	}
	s->event_open = s->names = 0;
	s->names_text = 0;
}

/* An event as an object, up to its data. */
static void
open_object(struct tojson *s, const struct rec_reader *r)
{
	struct held *events = &s->part[TABLE_SESSION_EVENT];
	const struct rec_value *v = r->value;

	memset(&s->mark, 0, sizeof(s->mark));
	s->mark.by_table =
	    person_table(v[EVENT_PERFORMED_BY_TYPE], v[EVENT_PERFORMED_BY_GS_NUMBER], &s->mark.by);
	s->mark.to_table =
	    person_table(v[EVENT_DESTINATION_TYPE], v[EVENT_DESTINATION_GS_NUMBER], &s->mark.to);
	buf_addc(&events->mem, '{');
	if (s->ecs) {
		ecs_event(&s->members, r->host, r->lsid, v);
		held_move(events, &s->members);
		buf_adds(&events->mem, "\"praic\":{");
	}
	buf_adds(&events->mem, "\"host_name\":");
	json_text(events, r->host);
	buf_adds(&events->mem, ",\"lsid\":");
	json_text(events, r->lsid);
	buf_addc(&events->mem, ',');
	json_columns(events, TABLE_SESSION_EVENT, v, 0);
	buf_adds(&events->mem, ",\"data\":{");
}

static void
event_row(struct tojson *s, const struct rec_reader *r)
{
	struct held *events = &s->part[TABLE_SESSION_EVENT];
	const struct rec_value *v = r->value;

	close_event(s);
	s->event_open = 1;
	s->seq = -1;
	if (v[EVENT_SEQ].p != NULL)
		(void)num_parse(v[EVENT_SEQ].p, v[EVENT_SEQ].n, &s->seq);
	s->has_end |= is(v[EVENT_TYPE], "Session End");
	if (s->events) {
		open_object(s, r);
		return;
	}
	buf_adds(&events->mem, held_size(events) == 0 ? "{" : ",{");
	json_columns(events, TABLE_SESSION_EVENT, v, 0);
	buf_adds(&events->mem, ",\"data\":[");
}

/* Add a value of the event's data to those of the same name. */
static void
add_value(struct tojson *s, struct rec_reader *r)
{
	struct rec_value v = r->value[DATA_NAME];
	struct name *name = s->name;

	while (name < s->name + s->names && !is(v, buf_text(&name->text)))
		name++;
	if (name == s->name + s->names) {
		s->names_text += v.n;
		if (s->names == NAMES || s->names_text > NAMES_MAX_TEXT) {
			rec_reject(r, "an event's data have more than 256 names, or 1 MiB of them");
			return;
		}
		s->names++;
		buf_trim(&name->text, 1024);
		buf_add(&name->text, v.p, v.n);
		name->n = 0;
	}
	if (name->n++ > 0)
		buf_addc(&name->values.mem, ',');
	json_value(&name->values, TABLE_TEXT, r->value[DATA_VALUE]);
	held_check(&name->values);
}

/* A session's own row, which is its last one. */
static void
own_row(struct tojson *s, struct rec_reader *r)
{
	struct rec_value *over = &r->value[SESSION_OVER];

	if (over->p == NULL) { /* a stream without this column */
		over->p = s->has_end || r->value[SESSION_END_TIME].p != NULL ? "1" : "0";
		over->n = 1;
	}
	json_columns(&s->part[TABLE_SESSION], TABLE_SESSION, r->value, 0);
	if (s->ecs && !s->events)
		ecs_session(&s->members, r->value);
}

static void
take_row(struct tojson *s, struct rec_reader *r)
{
	struct held *to = &s->part[r->table];
	struct rec_value *v = r->value;
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
		if (!s->event_open || v->p == NULL || num_parse(v->p, v->n, &seq) == -1 ||
		    seq != s->seq) {
			rec_reject(
			    r, "a row of an event does not stand behind the event's own row");
			return;
		}
		if (r->table == TABLE_SYSTEM_INFORMATION)
			add_row(to, held_size(to) == 0, r->table, v, 1);
		else if (s->events)
			add_value(s, r);
		else {
			to = &s->part[TABLE_SESSION_EVENT];
			add_row(to, to->mem.p[to->mem.n - 1] == '[', r->table, v, 1);
		}
		return;
	case TABLE_USER:
	case TABLE_CUSTOMER:
		if (s->events || s->ecs)
			add_person(s, r);
		break;
	default:
		break;
	}
	if (!s->events)
		add_row(to, held_size(to) == 0, r->table, v, 0);
}

/* ---- output --------------------------------------------------------------- */

/* The session as one object. */
static void
put_session(struct tojson *s, unsigned tables)
{
	const struct person *customer = main_person(&s->people, TABLE_CUSTOMER);
	size_t i;

	put(&s->out, "{");
	if (s->ecs) {
		ecs_people(&s->members, main_person(&s->people, TABLE_USER), customer, customer,
		    &s->people);
		held_move(&s->out, &s->members);
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
	put(&s->out, s->ecs ? "}}\n" : "}\n");
}

/* The people of an event, at the end of its object. */
static void
put_people(struct tojson *s, const struct mark *mark)
{
	const struct person *by = find_person(&s->people, mark->by_table, mark->by);
	const struct person *to = find_person(&s->people, mark->to_table, mark->to);
	const struct person *host = main_person(&s->people, TABLE_CUSTOMER);

	join_person(&s->out, "performed_by", by);
	join_person(&s->out, "destination", to);
	if (s->ecs) {
		if (by != NULL && by->table == TABLE_CUSTOMER)
			host = by;
		else if (to != NULL && to->table == TABLE_CUSTOMER)
			host = to;
		buf_adds(&s->members.mem, "},");
		ecs_people(&s->members, by, to, host, NULL);
		s->members.mem.n--; /* the last comma */
		held_move(&s->out, &s->members);
	}
	put(&s->out, "}\n");
}

/* One object an event. */
static void
put_events(struct tojson *s)
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

static int
read_operand(struct tojson *s, const char *name)
{
	struct rec_reader *r = rec_open_operand(name);
	enum rec_event e = REC_TABLES;
	int code;

	if (r == NULL)
		return EX_NOINPUT;
	while (e != REC_EOF && (e != REC_COMMIT || failed(s) == 0)) {
		e = rec_next(r);
		if (e == REC_BEGIN)
			begin_session(s);
		else if (e == REC_ROW)
			take_row(s, r);
		else if (e == REC_COMMIT) {
			close_event(s);
			if (failed(s) == 0 && s->events)
				put_events(s);
			else if (failed(s) == 0)
				put_session(s, r->tables);
		}
	}
	msg_tell(1, "%s: %llu sessions written, %llu left out", name,
	    (unsigned long long)r->complete, (unsigned long long)r->dropped);
	code = rec_code(r);
	rec_close(r);
	return code;
}

/* Only the operands and the temporary file are opened. */
static void
confine(char *const operand[], int operands)
{
	struct confine *c = confine_new();

	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
	confine_allow_operands(c, operand, operands);
	confine_enter(c);
}

int
main(int argc, char **argv)
{
	static struct tojson s;
	int code, i;

	command_start(argv[0]);
	code = command_options(&command, argc, argv, &s);
	if (code != 0)
		return code;
	confine(argv + optind, argc - optind);
	held_open_output(&s.out, STDOUT_FILENO, "standard output");
	for (i = 0; i < TABLES; i++)
		held_open(&s.part[i], ROOM);
	for (i = 0; i < NAMES; i++)
		held_open(&s.name[i].values, NAME_ROOM);
	held_open(&s.members, NO_LIMIT);
	if (optind == argc)
		code = read_operand(&s, "-");
	for (i = optind; i < argc && failed(&s) == 0; i++)
		code = code_worse(code, read_operand(&s, argv[i]));
	held_flush(&s.out);
	if (s.out.reader_gone)
		msg_warn("standard output: its reader has ended");
	return code_worse(code, failed(&s));
}
