/*
 * "Nothing found", which an appliance says as an <error> with status 200, in
 * its site's language, so that it looks like any other refusal.
 *
 * A text that is not known is judged by asking: the same question about the
 * year 1970 surely finds nothing, and its answer is this appliance's way to
 * say so.  But an appliance that says "Login failed" to whatever it is asked
 * says it to that question, too, and to lose data by that would be bad.  So
 * a third question, one that makes no sense, must be answered otherwise; and
 * the second is asked twice, for a passing fault may fit by chance.  A text
 * that another report has, too, is believed for this run only.
 */
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "msg.h"
#include "token.h"

/* The year 1970, in each form of a time; and a session that cannot be. */
#define LONG_AGO     "1"
#define LONG_AGO_DAY "1970-01-01"
#define NO_LSID	     "00000000000000000000000000000000"
#define NO_TIME	     "none"
#define ODD_TRIES    3
#define ODD_WAIT     200 /* ms between them */

static const char *const known_nothing[] = {
    "No Support report information matching your chosen criteria is available.",
    "No Support Team report information matching your chosen criteria is available.",
    "No vault account activity matching your chosen criteria is available",
    "No vault account activity matching your chosen criteria is available.",
    "No archives found for the given search criteria.",
};

static const char *const known_expired[] = {
    "This recording has expired and can no longer be viewed or downloaded.",
};

static const char *const known_never[] = {
    "Invalid lsid.",
};

/* What a parameter asks about. */
enum about { ABOUT_OTHER, ABOUT_TIME, ABOUT_DAY, ABOUT_SPAN, ABOUT_SESSION };

static enum about
about(const char *name)
{
	static const struct {
		const char *name;
		enum about is;
	} table[] = {
	    {"start_time", ABOUT_TIME},
	    {"end_time", ABOUT_TIME},
	    {"start_date", ABOUT_DAY},
	    {"end_date", ABOUT_DAY},
	    {"date", ABOUT_DAY},
	    {"duration", ABOUT_SPAN},
	    {"lsid", ABOUT_SESSION},
	    {"lsids", ABOUT_SESSION},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].is;
	return ABOUT_OTHER;
}

int
question_void(const struct question *q, struct question *out)
{
	size_t i;
	int can = -1;

	*out = *q;
	for (i = 0; i < q->n; i++) {
		switch (about(q->param[i].name)) {
		case ABOUT_TIME:
			out->param[i].value = LONG_AGO;
			break;
		case ABOUT_DAY:
			out->param[i].value = LONG_AGO_DAY;
			break;
		case ABOUT_SESSION:
			out->param[i].value = NO_LSID;
			break;
		case ABOUT_SPAN:
			out->param[i].value = "1";
			continue;
		case ABOUT_OTHER:
			continue;
		}
		can = 0;
	}
	return can;
}

/* A question that makes no sense to the same report. */
static void
question_senseless(const struct question *q, struct question *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	out->report = q->report;
	for (i = 0; i < q->n; i++)
		if (about(q->param[i].name) == ABOUT_OTHER)
			(void)question_add(out, q->param[i].name, q->param[i].value);
	/* There was at least one other: there is room. */
	(void)question_add(out, "start_time", NO_TIME);
	(void)question_add(out, "duration", "1");
}

/* A question about nothing to a report of another kind. */
static void
question_other(const struct question *q, struct question *out)
{
	memset(out, 0, sizeof(*out));
	out->report = strcmp(q->report, "Team") == 0 ? "VaultAccountActivity" : "Team";
	(void)question_add(out, "start_time", LONG_AGO);
	(void)question_add(out, "duration", "1");
}

/* 1: it is answered with this very text; 0: otherwise; -1: not now. */
static int
says(struct document *d, const struct question *q, const char *text)
{
	enum call_end end = document_ask(d, q);
	const struct answer *a = &d->answer;

	if (end == CALL_AGAIN)
		return -1;
	return end == CALL_DONE && a->kind == ANSWER_XML && a->whole && a->error &&
	    a->said.n == strlen(text) && memcmp(a->said.p, text, a->said.n) == 0;
}

/*
 * The same of a question that an appliance may choke on: to fail at it again
 * and again is another answer.  Not if it asks to wait, which it does of any.
 */
static int
says_to_odd(struct document *d, const struct question *q, const char *text)
{
	int is = -1, i;

	for (i = 0; i < ODD_TRIES && is == -1; i++) {
		if (i > 0)
			call_sleep(d->site, ODD_WAIT);
		is = says(d, q, text);
	}
	return is == -1 && d->call.status != 429 && d->call.status != 503 ? 0 : is;
}

static int
in_list(const char *const *list, size_t n, const char *text)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return 1;
	return 0;
}

/* "No such session" is not "nothing in that time". */
static const char *
kind_of(const struct question *q, char *out, size_t size)
{
	size_t i;
	int session = 0;

	for (i = 0; i < q->n; i++)
		session |= about(q->param[i].name) == ABOUT_SESSION;
	snprintf(out, size, "%s%s", q->report, session ? " lsid" : "");
	return out;
}

int
nothing_is(struct document *d, const struct question *q, const char *text)
{
	struct question nothing, senseless, other;
	struct site *s = d->site;
	char shown[SITE_SHOWN], key[128];
	const char *kind = kind_of(q, key, sizeof(key));
	int is, everywhere;

	if (*text == '\0')
		return 0;
	if (in_list(known_nothing, sizeof(known_nothing) / sizeof(known_nothing[0]), text) ||
	    in_list(s->nothing.text, s->nothing.n, text) || token_knows(s, kind, text))
		return 1;
	if (question_void(q, &nothing) == -1)
		return 0;
	question_senseless(q, &senseless);
	if ((is = says(d, &nothing, text)) != 1)
		return is;
	if ((is = says_to_odd(d, &senseless, text)) != 0)
		return is == 1 ? 0 : -1;
	/* The real texts name what there is none of; one that the appliance
	 * has for another report, too, might be some trouble of its own: it is
	 * not remembered beyond this run. */
	question_other(q, &other);
	if ((everywhere = says_to_odd(d, &other, text)) == -1)
		return -1;
	if ((is = says(d, &nothing, text)) != 1)
		return is;
	msg_tell(1, "%s: %s: this site says \"nothing found\" so: %s", s->name, q->report,
	    site_show(s, text, strlen(text), shown));
	if (!everywhere)
		token_remember(s, kind, text);
	else if (s->nothing.n < SITE_TEXTS)
		s->nothing.text[s->nothing.n++] = xstrdup(text);
	return 1;
}

int
nothing_expired(const struct site *s, const char *text)
{
	return in_list(known_expired, sizeof(known_expired) / sizeof(known_expired[0]), text) ||
	    in_list(s->expired.text, s->expired.n, text);
}

int
nothing_never(const char *text)
{
	return in_list(known_never, sizeof(known_never) / sizeof(known_never[0]), text);
}

/* 1: the answer is an <error> with this text; 0: with another; -1: neither. */
static int
refuses(struct document *d, const struct question *q, const char *text)
{
	int is = says(d, q, text);
	const struct answer *a = &d->answer;

	if (is == 0 &&
	    (d->call.end != CALL_DONE || a->kind != ANSWER_XML || !a->error || !a->whole))
		return -1;
	return is;
}

int
nothing_else(struct site *s, const char *report, int numbered, const char *text)
{
	struct question none = {.report = report}, senseless;
	struct document d;
	int is;

	if (document_open(&d, s) != 0)
		return 0;
	(void)question_add(&none, "lsid", NO_LSID);
	if (numbered)
		(void)question_add(&none, "instance", "0");
	question_senseless(&none, &senseless);
	/* Said of no session, it may still mean "no such recording", unless
	 * it is said to everything. */
	is = refuses(&d, &none, text);
	if (is == 1)
		is = refuses(&d, &senseless, text);
	document_close(&d);
	return is == 0;
}
