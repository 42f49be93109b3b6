/*
 * Fields of the Elastic Common Schema.  A field is set only if the value is what the
 * schema means by it; no field is null or empty.  All values are below "praic" anyway.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "num.h"
#include "tojson.h"
#include "when.h"

/* The version that has all fields below. */
#define ECS_VERSION "8.11.0"

#define NANOSECONDS INT64_C(1000000000)

static struct rec_value
text(const char *s)
{
	return (struct rec_value){s, strlen(s)};
}

/* Begin an object.  close_object() removes it if nothing was added. */
static size_t
open_object(struct held *h, const char *name)
{
	size_t begin = h->mem.n;

	buf_printf(&h->mem, "\"%s\":{", name);
	return begin;
}

static void
close_object(struct held *h, size_t begin)
{
	if (h->mem.p[h->mem.n - 1] == '{') {
		h->mem.n = begin;
		return;
	}
	h->mem.p[h->mem.n - 1] = '}'; /* instead of the last comma */
	buf_addc(&h->mem, ',');
}

static void
add(struct held *h, const char *name, enum table_type type, struct rec_value v)
{
	if (v.n == 0)
		return;
	buf_printf(&h->mem, "\"%s\":", name);
	json_value(h, type, v);
	buf_addc(&h->mem, ',');
}

/* The fields that events and sessions share.  The object "event" stays open. */
static size_t
add_head(struct held *h, struct rec_value host, struct rec_value time, const char *dataset,
    const char *type, struct rec_value action)
{
	size_t event, observer;

	add(h, "@timestamp", TABLE_TIME, time);
	buf_adds(&h->mem, "\"ecs\":{\"version\":\"" ECS_VERSION "\"},");
	observer = open_object(h, "observer");
	add(h, "hostname", TABLE_TEXT, host);
	add(h, "vendor", TABLE_TEXT, text("BeyondTrust"));
	close_object(h, observer);
	event = open_object(h, "event");
	buf_printf(&h->mem,
	    "\"kind\":\"event\",\"module\":\"praic\",\"dataset\":\"%s\","
	    "\"provider\":\"BeyondTrust\",\"category\":[\"session\"],\"type\":[\"%s\"],",
	    dataset, type);
	add(h, "action", TABLE_TEXT, action);
	return event;
}

static void
add_id(struct held *h, struct rec_value host, struct rec_value lsid, struct rec_value seq)
{
	struct held id;

	held_open(&id, h->limit);
	buf_add(&id.mem, host.p, host.n);
	buf_addc(&id.mem, '/');
	buf_add(&id.mem, lsid.p, lsid.n);
	if (seq.n > 0) {
		buf_addc(&id.mem, '/');
		json_value(&id, TABLE_INT, seq);
	}
	add(h, "id", TABLE_TEXT, (struct rec_value){id.mem.p, id.mem.n});
	held_close(&id);
}

void
ecs_session(struct held *h, const struct rec_value *value)
{
	struct rec_value start = value[SESSION_START_TIME], end = value[SESSION_END_TIME];
	size_t event =
	    add_head(h, value[SESSION_HOST_NAME], start, "praic.session", "info", text("session"));
	int64_t from, to;

	add(h, "start", TABLE_TIME, start);
	add(h, "end", TABLE_TIME, end);
	if (start.n > 0 && end.n > 0 && when_parse(start.p, start.n, &from) == 0 &&
	    when_parse(end.p, end.n, &to) == 0 && to >= from &&
	    to - from <= INT64_MAX / NANOSECONDS)
		buf_printf(&h->mem, "\"duration\":%lld,", (long long)((to - from) * NANOSECONDS));
	add_id(h, value[SESSION_HOST_NAME], value[SESSION_LSID], (struct rec_value){NULL, 0});
	close_object(h, event);
}

void
ecs_event(
    struct held *h, struct rec_value host, struct rec_value lsid, const struct rec_value *value)
{
	struct rec_value type = value[EVENT_TYPE];
	const char *kind = "info";
	size_t event;

	if (type.n == 13 && memcmp(type.p, "Session Start", 13) == 0)
		kind = "start";
	if (type.n == 11 && memcmp(type.p, "Session End", 11) == 0)
		kind = "end";
	event = add_head(h, host, value[EVENT_EVENT_TIME], "praic.event", kind, type);
	add(h, "sequence", TABLE_INT, value[EVENT_SEQ]);
	add_id(h, host, lsid, value[EVENT_SEQ]);
	close_object(h, event);
}

/* The IP address without its port: of 192.0.2.1:443 or [2001:db8::1]:443.  *port is -1 if
 * there is none. */
static struct rec_value
address(struct rec_value v, int64_t *port)
{
	static const struct rec_value none = {NULL, 0};
	const char *end = v.p + v.n, *rest = end, *colon;
	int family = AF_INET;
	char ip[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	uint64_t number;

	*port = -1;
	if (v.n == 0)
		return none;
	colon = memchr(v.p, ':', v.n);
	if (*v.p == '[') {
		family = AF_INET6;
		v.p++;
		if ((rest = memchr(v.p, ']', (size_t)(end - v.p))) == NULL)
			return none;
		v.n = (size_t)(rest++ - v.p);
	} else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL)
		family = AF_INET6;
	else if (colon != NULL) {
		rest = colon;
		v.n = (size_t)(colon - v.p);
	}
	if (rest != end) {
		if (*rest++ != ':' ||
		    num_parse_count(rest, (size_t)(end - rest), 65535, &number) == -1)
			return none;
		*port = (int64_t)number;
	}
	if (v.n < sizeof(ip) && memchr(v.p, '\0', v.n) == NULL) {
		memcpy(ip, v.p, v.n);
		ip[v.n] = '\0';
		if (inet_pton(family, ip, bytes) == 1)
			return v;
	}
	*port = -1;
	return none;
}

static struct rec_value
ip_of(const struct person *p, enum person_field f)
{
	int64_t unused;

	return address(p->field[f], &unused);
}

static void
add_names(struct held *h, const struct person *p)
{
	size_t user = open_object(h, "user");

	add(h, "name", TABLE_TEXT, p->field[PERSON_USER_NAME]);
	add(h, "full_name", TABLE_TEXT, p->field[PERSON_DISPLAY_NAME]);
	add(h, "id", TABLE_TEXT, p->field[PERSON_USER_ID]);
	close_object(h, user);
}

/* "source" or "destination". */
static void
add_end(struct held *h, const char *name, const struct person *p, int names)
{
	size_t end = open_object(h, name);
	int64_t port;
	struct rec_value ip = address(p->field[PERSON_PUBLIC_IP], &port);

	add(h, "address", TABLE_TEXT, ip.n > 0 ? ip : p->field[PERSON_HOST_NAME]);
	add(h, "ip", TABLE_TEXT, ip);
	if (port != -1)
		buf_printf(&h->mem, "\"port\":%d,", (int)port);
	add(h, "domain", TABLE_TEXT, p->field[PERSON_HOST_NAME]);
	if (names && p->table == TABLE_USER)
		add_names(h, p);
	close_object(h, end);
}

static int
compare(const void *a, const void *b)
{
	const struct rec_value *v = a, *w = b;
	int order = memcmp(v->p, w->p, v->n < w->n ? v->n : w->n);

	return order != 0 ? order : v->n < w->n ? -1 : v->n > w->n;
}

/* An array of the values, sorted, each once, without empty ones. */
static void
add_set(struct held *h, const char *name, struct rec_value *v, size_t n)
{
	size_t i, empty;

	for (i = empty = 0; i < n; i++)
		if (v[i].n == 0)
			v[i] = text(""), empty++;
	if (empty == n)
		return;
	qsort(v, n, sizeof(*v), compare);
	buf_printf(&h->mem, "\"%s\":", name);
	for (i = empty; i < n; i++) {
		if (i > empty && compare(&v[i - 1], &v[i]) == 0)
			continue;
		buf_addc(&h->mem, i == empty ? '[' : ',');
		json_text(h, v[i]);
	}
	buf_adds(&h->mem, "],");
}

static void
add_host(struct held *h, const struct person *p)
{
	struct rec_value name = p->field[PERSON_HOST_NAME], ip = ip_of(p, PERSON_PRIVATE_IP);
	size_t host = open_object(h, "host"), os;

	add(h, "name", TABLE_TEXT, name.n > 0 ? name : p->field[PERSON_DISPLAY_NAME]);
	add(h, "hostname", TABLE_TEXT, name);
	add_set(h, "ip", &ip, 1);
	os = open_object(h, "os");
	add(h, "full", TABLE_TEXT, p->field[PERSON_OPERATING_SYSTEM]);
	close_object(h, os);
	close_object(h, host);
}

void
ecs_people(struct held *h, const struct person *by, const struct person *to,
    const struct person *host, const struct people *all)
{
	struct rec_value user[PEOPLE_MAX], ip[2 * PEOPLE_MAX], name[PEOPLE_MAX];
	const struct person *p;
	size_t n = all != NULL ? all->n : 2, i, found = 0, related;

	if (by != NULL && by->table == TABLE_USER)
		add_names(h, by);
	if (by != NULL)
		add_end(h, "source", by, 0);
	if (to != NULL)
		add_end(h, "destination", to, 1);
	if (host != NULL)
		add_host(h, host);
	related = open_object(h, "related");
	for (i = 0; i < n; i++) {
		p = all != NULL ? &all->person[i] : i == 0 ? by : to;
		if (p == NULL)
			continue;
		user[found] = p->table == TABLE_USER ? p->field[PERSON_USER_NAME] : text("");
		name[found] = p->field[PERSON_HOST_NAME];
		ip[2 * found] = ip_of(p, PERSON_PUBLIC_IP);
		ip[2 * found + 1] = ip_of(p, PERSON_PRIVATE_IP);
		found++;
	}
	add_set(h, "user", user, found);
	add_set(h, "ip", ip, 2 * found);
	add_set(h, "hosts", name, found);
	close_object(h, related);
}
