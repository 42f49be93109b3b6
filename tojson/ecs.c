/*
 * The Elastic Common Schema: see ecs.h.  Only fields that hold what the
 * schema means by them are set, none are null or empty; everything else is
 * below "praic".
 */
#include <stdlib.h>

#include "ecs.h"
#include "json.h"
#include "num.h"
#include "when.h"

/* All fields below are in it. */
#define ECS_VERSION "8.11.0"

#define NANOSECONDS INT64_C(1000000000)

static struct rec_value
text(const char *s)
{
	struct rec_value v = {s, strlen(s)};

	return v;
}

/* An object that is left out if nothing is added to it. */
static size_t
open_object(struct buf *b, const char *name)
{
	size_t begin = b->n;

	buf_printf(b, "\"%s\":{", name);
	return begin;
}

static void
close_object(struct buf *b, size_t begin)
{
	if (b->p[b->n - 1] == '{') {
		b->n = begin;
		return;
	}
	b->p[b->n - 1] = '}'; /* instead of the last comma */
	buf_addc(b, ',');
}

static void
add(struct buf *b, const char *name, enum table_type type, struct rec_value v)
{
	if (v.n == 0)
		return;
	buf_printf(b, "\"%s\":", name);
	json_value(b, type, v);
	buf_addc(b, ',');
}

static void
add_number(struct buf *b, const char *name, int64_t n)
{
	buf_printf(b, "\"%s\":%lld,", name, (long long)n);
}

/* What the events of a session and the session itself have in common. */
static void
add_event_head(struct buf *b, const char *dataset, struct rec_value action, const char *type)
{
	buf_printf(b,
	    "\"kind\":\"event\",\"module\":\"praic\",\"dataset\":\"%s\","
	    "\"provider\":\"BeyondTrust\",\"category\":[\"session\"],\"type\":[\"%s\"],",
	    dataset, type);
	add(b, "action", TABLE_TEXT, action);
}

static void
add_id(struct buf *b, struct rec_value host, struct rec_value lsid, struct rec_value seq)
{
	struct buf id = {0};

	buf_add(&id, host.p, host.n);
	buf_addc(&id, '/');
	buf_add(&id, lsid.p, lsid.n);
	if (seq.n > 0) {
		buf_addc(&id, '/');
		json_value(&id, TABLE_INT, seq);
	}
	add(b, "id", TABLE_TEXT, (struct rec_value){id.p, id.n});
	buf_free(&id);
}

static void
add_site(struct buf *b, struct rec_value host)
{
	size_t observer;

	buf_adds(b, "\"ecs\":{\"version\":\"" ECS_VERSION "\"},");
	observer = open_object(b, "observer");
	add(b, "hostname", TABLE_TEXT, host);
	add(b, "vendor", TABLE_TEXT, text("BeyondTrust"));
	close_object(b, observer);
}

void
ecs_session(struct buf *b, const struct rec_value *value)
{
	struct rec_value start = value[SESSION_START_TIME], end = value[SESSION_END_TIME];
	int64_t from, to;
	size_t event;

	add(b, "@timestamp", TABLE_TIME, start);
	add_site(b, value[SESSION_HOST_NAME]);
	event = open_object(b, "event");
	add_event_head(b, "praic.session", text("session"), "info");
	add(b, "start", TABLE_TIME, start);
	add(b, "end", TABLE_TIME, end);
	if (start.n > 0 && end.n > 0 && when_parse(start.p, start.n, &from) == 0 &&
	    when_parse(end.p, end.n, &to) == 0 && to >= from &&
	    to - from <= INT64_MAX / NANOSECONDS)
		add_number(b, "duration", (to - from) * NANOSECONDS);
	add_id(b, value[SESSION_HOST_NAME], value[SESSION_LSID], (struct rec_value){NULL, 0});
	close_object(b, event);
}

static int
is(struct rec_value v, const char *s)
{
	return v.n == strlen(s) && memcmp(v.p, s, v.n) == 0;
}

void
ecs_event(
    struct buf *b, struct rec_value host, struct rec_value lsid, const struct rec_value *value)
{
	struct rec_value type = value[EVENT_TYPE];
	size_t event;

	add(b, "@timestamp", TABLE_TIME, value[EVENT_EVENT_TIME]);
	add_site(b, host);
	event = open_object(b, "event");
	add_event_head(b, "praic.event", type,
	    is(type, "Session Start")	? "start" :
		is(type, "Session End") ? "end" :
					  "info");
	add(b, "sequence", TABLE_INT, value[EVENT_SEQ]);
	add_id(b, host, lsid, value[EVENT_SEQ]);
	close_object(b, event);
}

static void
add_names(struct buf *b, const struct person *p)
{
	size_t user = open_object(b, "user");

	add(b, "name", TABLE_TEXT, p->field[PERSON_USER_NAME]);
	add(b, "full_name", TABLE_TEXT, p->field[PERSON_DISPLAY_NAME]);
	add(b, "id", TABLE_TEXT, p->field[PERSON_USER_ID]);
	close_object(b, user);
}

/* One end of the connection. */
static void
add_end(struct buf *b, const char *name, const struct person *p, int names)
{
	size_t end = open_object(b, name);

	add(b, "address", TABLE_TEXT,
	    p->public_ip.n > 0 ? p->public_ip : p->field[PERSON_HOST_NAME]);
	add(b, "ip", TABLE_TEXT, p->public_ip);
	if (p->port != -1)
		add_number(b, "port", p->port);
	add(b, "domain", TABLE_TEXT, p->field[PERSON_HOST_NAME]);
	if (names && p->table == TABLE_USER)
		add_names(b, p);
	close_object(b, end);
}

static void
add_host(struct buf *b, const struct person *p)
{
	struct rec_value name = p->field[PERSON_HOST_NAME];
	size_t host = open_object(b, "host"), os;

	add(b, "name", TABLE_TEXT, name.n > 0 ? name : p->field[PERSON_DISPLAY_NAME]);
	add(b, "hostname", TABLE_TEXT, name);
	if (p->private_ip.n > 0) {
		buf_adds(b, "\"ip\":[");
		json_text(b, p->private_ip.p, p->private_ip.n);
		buf_adds(b, "],");
	}
	os = open_object(b, "os");
	add(b, "full", TABLE_TEXT, p->field[PERSON_OPERATING_SYSTEM]);
	close_object(b, os);
	close_object(b, host);
}

static int
compare(const void *a, const void *b)
{
	const struct rec_value *v = a, *w = b;
	int order = memcmp(v->p, w->p, v->n < w->n ? v->n : w->n);

	return order != 0 ? order : v->n < w->n ? -1 : v->n > w->n;
}

/* An array of the different values, in the order of their bytes. */
static void
add_set(struct buf *b, const char *name, struct rec_value *v, size_t n)
{
	size_t i;

	if (n == 0)
		return;
	qsort(v, n, sizeof(*v), compare);
	buf_printf(b, "\"%s\":[", name);
	for (i = 0; i < n; i++) {
		if (i > 0 && compare(&v[i - 1], &v[i]) == 0)
			continue;
		if (i > 0)
			buf_addc(b, ',');
		json_text(b, v[i].p, v[i].n);
	}
	buf_adds(b, "],");
}

static void
add_related(struct buf *b, const struct person *const *person, size_t n)
{
	struct rec_value *v = xmalloc((2 * n + 1) * sizeof(*v));
	size_t related = open_object(b, "related"), i, found;

	for (i = found = 0; i < n; i++)
		if (person[i]->table == TABLE_USER && person[i]->field[PERSON_USER_NAME].n > 0)
			v[found++] = person[i]->field[PERSON_USER_NAME];
	add_set(b, "user", v, found);
	for (i = found = 0; i < n; i++) {
		if (person[i]->public_ip.n > 0)
			v[found++] = person[i]->public_ip;
		if (person[i]->private_ip.n > 0)
			v[found++] = person[i]->private_ip;
	}
	add_set(b, "ip", v, found);
	for (i = found = 0; i < n; i++)
		if (person[i]->field[PERSON_HOST_NAME].n > 0)
			v[found++] = person[i]->field[PERSON_HOST_NAME];
	add_set(b, "hosts", v, found);
	close_object(b, related);
	free(v);
}

void
ecs_people(struct buf *b, const struct ecs_people *e)
{
	const struct person *two[2], **all;
	size_t n = 0;

	if (e->by != NULL && e->by->table == TABLE_USER)
		add_names(b, e->by);
	if (e->by != NULL)
		add_end(b, "source", e->by, 0);
	if (e->to != NULL)
		add_end(b, "destination", e->to, 1);
	if (e->host != NULL)
		add_host(b, e->host);
	if (e->related == NULL) {
		if (e->by != NULL)
			two[n++] = e->by;
		if (e->to != NULL)
			two[n++] = e->to;
		add_related(b, two, n);
		return;
	}
	all = xmalloc((e->related->n + 1) * sizeof(*all));
	for (n = 0; n < e->related->n; n++)
		all[n] = &e->related->person[n];
	add_related(b, all, n);
	free(all);
}
