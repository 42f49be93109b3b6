/* Users and customers of a session: see people.h. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "num.h"
#include "people.h"
#include "utf8.h"

const char *const person_name[PERSON_JOINED] = {
    [PERSON_USER_NAME] = "user_name",
    [PERSON_DISPLAY_NAME] = "display_name",
    [PERSON_PUBLIC_IP] = "public_ip",
    [PERSON_PRIVATE_IP] = "private_ip",
    [PERSON_HOST_NAME] = "host_name",
};

/* Which columns the fields are; -1: there is none. */
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

void
people_free(struct people *all)
{
	free(all->person);
	buf_free(&all->text);
}

void
people_reset(struct people *all)
{
	all->n = 0;
	buf_reset(&all->text);
}

int
people_add(struct people *all, enum table_id t, const struct rec_value *value)
{
	const int *column = t == TABLE_USER ? user_column : customer_column;
	int gs = t == TABLE_USER ? USER_GS_NUMBER : CUSTOMER_GS_NUMBER, f;
	struct rec_value v, primary = {NULL, 0};
	struct person *p;

	if (all->text.n + (all->n + 1) * sizeof(*p) > PEOPLE_MAX)
		return -1;
	if (all->n == all->cap) {
		all->cap = all->cap == 0 ? 16 : 2 * all->cap;
		all->person = xrealloc(all->person, all->cap * sizeof(*p));
	}
	p = &all->person[all->n];
	memset(p, 0, sizeof(*p));
	p->table = t;
	p->order = all->n++;
	p->has_gs_number = value[gs].p != NULL;
	if (p->has_gs_number)
		(void)num_parse(value[gs].p, value[gs].n, &p->gs_number);
	if (t == TABLE_USER)
		primary = value[USER_IS_PRIMARY];
	p->is_primary = primary.p != NULL && primary.p[0] == '1';
	for (f = 0; f < PERSON_FIELDS; f++) {
		if (column[f] == -1 || value[column[f]].p == NULL)
			continue;
		v = value[column[f]];
		if (v.n > PERSON_MAX_VALUE)
			v.n = utf8_floor(v.p, PERSON_MAX_VALUE);
		/* The place in the text may still move. */
		p->field[f].n = v.n;
		p->field[f].p = "";
		buf_add(&all->text, v.p, v.n);
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct person *p = a, *q = b;

	if (p->table != q->table)
		return p->table < q->table ? -1 : 1;
	if (p->has_gs_number != q->has_gs_number)
		return p->has_gs_number < q->has_gs_number ? -1 : 1;
	if (p->gs_number != q->gs_number)
		return p->gs_number < q->gs_number ? -1 : 1;
	return p->order < q->order ? -1 : p->order > q->order;
}

/* The text without its port, if it is an IP address. */
static struct rec_value
address(struct rec_value v, int64_t *port)
{
	static const struct rec_value none = {NULL, 0};
	const char *colon = memchr(v.p, ':', v.n), *end = v.p + v.n, *rest = end;
	struct rec_value ip = v;
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	int family = AF_INET;
	uint64_t number;

	*port = -1;
	if (v.n > 0 && v.p[0] == '[') {
		family = AF_INET6;
		rest = memchr(v.p, ']', v.n);
		if (rest == NULL)
			return none;
		ip.p = v.p + 1;
		ip.n = (size_t)(rest++ - ip.p);
	} else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL)
		family = AF_INET6;
	else if (colon != NULL) {
		rest = colon;
		ip.n = (size_t)(colon - v.p);
	}
	if (rest != end &&
	    (*rest != ':' ||
		num_parse_count(rest + 1, (size_t)(end - rest - 1), 65535, &number) == -1))
		return none;
	if (ip.n == 0 || ip.n >= sizeof(text) || memchr(ip.p, '\0', ip.n) != NULL)
		return none;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	if (inet_pton(family, text, bytes) != 1)
		return none;
	if (rest != end)
		*port = (int64_t)number;
	return ip;
}

void
people_sort(struct people *all)
{
	const char *at = all->text.p;
	struct person *p;
	int64_t ignored;
	size_t i;
	int f;

	for (i = 0; i < all->n; i++) {
		p = &all->person[i];
		for (f = 0; f < PERSON_FIELDS; f++)
			if (p->field[f].n > 0) {
				p->field[f].p = at;
				at += p->field[f].n;
			}
		p->port = -1;
		if (p->field[PERSON_PUBLIC_IP].n > 0)
			p->public_ip = address(p->field[PERSON_PUBLIC_IP], &p->port);
		if (p->field[PERSON_PRIVATE_IP].n > 0)
			p->private_ip = address(p->field[PERSON_PRIVATE_IP], &ignored);
	}
	if (all->n > 0)
		qsort(all->person, all->n, sizeof(all->person[0]), compare);
}

const struct person *
people_find(const struct people *all, enum table_id t, int64_t gs_number)
{
	struct person key = {.table = t, .has_gs_number = 1, .gs_number = gs_number};
	size_t low = 0, high = all->n, middle;
	const struct person *p;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare(&all->person[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	p = &all->person[low];
	return low < all->n && p->table == t && p->has_gs_number && p->gs_number == gs_number ?
	    p :
	    NULL;
}

const struct person *
people_main(const struct people *all, enum table_id t)
{
	const struct person *best = NULL, *p;
	size_t i;

	for (i = 0; i < all->n; i++) {
		p = &all->person[i];
		if (p->table == t &&
		    (best == NULL || p->is_primary > best->is_primary ||
			(p->is_primary == best->is_primary && p->order < best->order)))
			best = p;
	}
	return best;
}
