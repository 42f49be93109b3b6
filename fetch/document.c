/* Questions and whole documents: see fetch.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "fetch.h"
#include "file.h"
#include "msg.h"
#include "num.h"

/* A report may take its time: the appliance searches while it sends. */
#define MAX_TIME 3600
/* A larger report is asked for in smaller windows. */
#define MAX_DOCUMENT ((uint64_t)1 << 30)

int
question_add(struct question *q, const char *name, const char *value)
{
	if (q->n == QUESTION_PARAMS)
		return -1;
	q->param[q->n].name = name;
	q->param[q->n++].value = value;
	return 0;
}

static void
add_encoded(struct buf *b, const char *text)
{
	char *encoded = curl_easy_escape(NULL, text, 0);

	buf_adds(b, encoded != NULL ? encoded : "");
	curl_free(encoded);
}

void
question_encode(struct buf *b, const struct question *q)
{
	size_t i;

	buf_adds(b, "generate_report=");
	add_encoded(b, q->report);
	for (i = 0; i < q->n; i++) {
		buf_addc(b, '&');
		add_encoded(b, q->param[i].name);
		buf_addc(b, '=');
		add_encoded(b, q->param[i].value);
	}
}

/* A new answer replaces an earlier one. */
static int
head(struct call *c)
{
	struct document *d = c->arg;

	answer_start(&d->answer);
	if (ftruncate(d->fd, 0) == 0 && lseek(d->fd, 0, SEEK_SET) == 0)
		return 0;
	msg_errno("temporary file for a report (see TMPDIR)");
	c->told = 1;
	return EX_IOERR;
}

static int
take(struct call *c, const char *p, size_t n)
{
	struct document *d = c->arg;

	if (file_write(d->fd, p, n) == -1) {
		msg_errno("temporary file for a report (see TMPDIR)");
		c->told = 1;
		return EX_IOERR;
	}
	answer_add(&d->answer, p, n);
	return 0;
}

static int
denies(struct call *c)
{
	struct document *d = c->arg;

	answer_end(&d->answer);
	return d->answer.denied;
}

int
document_open(struct document *d, struct site *s)
{
	memset(d, 0, sizeof(*d));
	d->site = s;
	d->max_bytes = MAX_DOCUMENT;
	d->fd = file_scratch();
	if (d->fd == -1) {
		msg_errno("temporary file for a report (see TMPDIR)");
		return EX_CANTCREAT;
	}
	return 0;
}

void
document_close(struct document *d)
{
	call_free(&d->call);
	answer_free(&d->answer);
	buf_free(&d->body);
	if (d->fd != -1)
		close(d->fd);
	d->fd = -1;
}

enum call_end
document_ask(struct document *d, const struct question *q)
{
	struct call *c = &d->call;
	int64_t began = when_clock();
	enum call_end end;

	buf_reset(&d->body);
	question_encode(&d->body, q);
	d->report = q->report;
	c->site = d->site;
	c->auth = CALL_BEARER;
	c->path = "/api/reporting";
	c->body = buf_text(&d->body);
	c->body_type = "application/x-www-form-urlencoded";
	c->max_time = MAX_TIME;
	c->max_bytes = d->max_bytes;
	c->head = head;
	c->take = take;
	c->denies = denies;
	c->arg = d;
	answer_start(&d->answer);
	end = credentials_run(c);
	d->took = when_clock() - began;
	return end;
}

/*
 * "Nothing found", which an appliance says as an <error> with status 200, in
 * its site's language, so that it looks like any other error.
 *
 * The meaning of an unknown text is found out by asking, for a fault that is
 * taken for "nothing found" would lose data.  The text means that if
 *  - the same question about the year 1970, which surely finds nothing, is
 *    answered with it;
 *  - a question that makes no sense is not;
 *  - the list of all sessions comes, so that the appliance can look into its
 *    data at this very time.
 * The first and the last are repeated, because a passing fault may come and go
 * in between.  The text is believed for this run; --nothing is for good.
 */

/* The year 1970, in each form of a time; and a session that cannot be. */
#define LONG_AGO     "1"
#define LONG_AGO_DAY "1970-01-01"
#define NO_LSID	     "00000000000000000000000000000000"
#define NO_TIME	     "none"
#define ROUNDS	     3
#define ROUND_MS     200 /* before the senseless question is repeated */
/* The beginning of a list of sessions is enough. */
#define LIST_BYTES ((uint64_t)64 * 1024)

static const char *const known_nothing[] = {
    "No Support report information matching your chosen criteria is available.",
    "No Support Team report information matching your chosen criteria is available.",
    "No vault account activity matching your chosen criteria is available",
    "No vault account activity matching your chosen criteria is available.",
    "No archives found for the given search criteria.",
};

/* A value with which a parameter finds nothing; NULL: the parameter is about
 * neither a time nor a session. */
static const char *
void_value(const char *name)
{
	static const struct {
		const char *name, *value;
	} table[] = {
	    {"start_time", LONG_AGO},
	    {"end_time", LONG_AGO},
	    {"start_date", LONG_AGO_DAY},
	    {"end_date", LONG_AGO_DAY},
	    {"date", LONG_AGO_DAY},
	    {"duration", "1"},
	    {"lsid", NO_LSID},
	    {"lsids", NO_LSID},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].value;
	return NULL;
}

/*
 * The same question about a time or session that surely has no data.  -1: q
 * names neither a time nor a session.
 */
static int
question_void(const struct question *q, struct question *out)
{
	const char *value;
	size_t i;
	int can = -1;

	*out = *q;
	for (i = 0; i < q->n; i++) {
		if ((value = void_value(q->param[i].name)) == NULL)
			continue;
		out->param[i].value = value;
		if (strcmp(q->param[i].name, "duration") != 0)
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
		if (void_value(q->param[i].name) == NULL)
			(void)question_add(out, q->param[i].name, q->param[i].value);
	/* q has a time or a session, which was left out: there is room. */
	(void)question_add(out, "start_time", NO_TIME);
	(void)question_add(out, "duration", "1");
}

/* The answer is not what was asked for; the next one may be. */
static enum document_is
odd(struct document *d, const char *more)
{
	const struct answer *a = &d->answer;
	char shown[CALL_EXCERPT];

	buf_reset(&d->call.why);
	buf_printf(&d->call.why, "the answer is %s%s", answer_what(a), more);
	if (a->said.n > 0)
		buf_printf(&d->call.why, ": %s", call_excerpt(a->said.p, a->said.n, shown));
	d->call.code = EX_UNAVAILABLE;
	return DOCUMENT_AGAIN;
}

/* Is the answer whole XML?  1; 0: no, and it will not be; -1: not now. */
static int
is_xml(struct document *d, enum call_end end)
{
	const struct answer *a = &d->answer;

	if (end == CALL_DONE && (a->kind != ANSWER_XML || !a->whole))
		(void)odd(d, "");
	else if (end != CALL_AGAIN)
		return end == CALL_DONE;
	return -1;
}

/* Is the answer an error with this text?  1 or 0; -1: not now. */
static int
says(struct document *d, const struct question *q, const char *text)
{
	const struct answer *a = &d->answer;
	int is = is_xml(d, document_ask(d, q));

	return is != 1 ? is : a->error && strcmp(buf_text(&d->answer.said), text) == 0;
}

/*
 * Does the appliance answer otherwise to the list of all sessions?  One whose database
 * is down has the same text for it.  1: a list came, or an appliance that cannot
 * answer this question gave another answer; 0: this text; -1: not now.
 */
static int
lists_otherwise(struct document *d, const char *text)
{
	struct question q = {
	    .report = d->site->rs ? "SupportSessionListing" : "AccessSessionListing"};
	int64_t now = call_now(d->site);
	char duration[NUM_SIZE];
	enum call_end end;
	int is;

	num_format(now != 0 ? now : (int64_t)time(NULL), duration);
	(void)question_add(&q, "start_time", LONG_AGO);
	(void)question_add(&q, "duration", duration);
	d->max_bytes = LIST_BYTES;
	end = document_ask(d, &q);
	d->max_bytes = MAX_DOCUMENT;
	if (d->call.big)
		return d->answer.kind == ANSWER_XML;
	/* Not known there, not permitted, or too long a span. */
	switch (d->call.status) {
	case 400:
	case 403:
	case 404:
	case 500:
	case 501:
	case 504:
		return 1;
	default:
		break;
	}
	is = is_xml(d, end);
	return is != 1 ? is : !d->answer.error || strcmp(buf_text(&d->answer.said), text) != 0;
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

int
document_is_nothing(struct document *d, const struct question *q, const char *text)
{
	struct question nothing, senseless;
	struct site *s = d->site;
	char shown[CALL_EXCERPT];
	int is = 0, i;

	if (*text == '\0')
		return 0;
	if (in_list(known_nothing, sizeof(known_nothing) / sizeof(known_nothing[0]), text) ||
	    in_list(s->nothing.text, s->nothing.n, text))
		return 1;
	if (question_void(q, &nothing) == -1)
		return 0;
	question_senseless(q, &senseless);
	/* To fail at it again and again is another answer, but to fail once is none. */
	for (i = 0; i < ROUNDS && (is = says(d, &senseless, text)) == -1; i++)
		call_sleep(ROUND_MS);
	if (is == 1)
		return 0;
	if (is == -1 && (d->call.status == 429 || d->call.status == 503))
		return -1;
	for (i = 0; i < ROUNDS; i++)
		if ((is = says(d, &nothing, text)) != 1 || (is = lists_otherwise(d, text)) != 1)
			return is;
	msg_tell(1, "%s: %s: this site says \"nothing found\" so: %s", s->name, q->report,
	    call_excerpt(text, strlen(text), shown));
	if (s->nothing.n < SITE_TEXTS)
		s->nothing.text[s->nothing.n++] = xstrdup(text);
	return 1;
}

static enum document_is
judge_error(struct document *d, const struct question *q)
{
	struct buf text = d->answer.said;
	int is;

	/* An error beside data does not mean that there is nothing. */
	if (d->answer.beside) {
		d->call.code = EX_UNAVAILABLE;
		return DOCUMENT_ERROR;
	}
	/* document_is_nothing uses d to ask; the text is kept for the message. */
	memset(&d->answer.said, 0, sizeof(d->answer.said));
	is = document_is_nothing(d, q, buf_text(&text));
	buf_free(&d->answer.said);
	d->answer.said = text;
	if (is == -1)
		return DOCUMENT_AGAIN;
	if (is == 1)
		return DOCUMENT_NOTHING;
	d->call.code = EX_UNAVAILABLE;
	return DOCUMENT_ERROR;
}

static enum document_is
judge(struct document *d, const struct question *q)
{
	struct answer *a = &d->answer;
	const char *colon;

	if (d->call.status != 200)
		return odd(d, ", a part only, which was not asked for");
	/* XML shows by its root whether it is whole.  Anything else counts as whole
	 * when a second answer has the same length. */
	if (d->call.torn && a->kind != ANSWER_XML && d->torn_bytes != a->bytes) {
		d->torn_bytes = a->bytes;
		return odd(d,
		    ", and the connection was cut: neither a length nor an end of TLS "
		    "says that this is all");
	}
	switch (a->kind) {
	case ANSWER_XML:
		if (!a->whole)
			return odd(d, "");
		if (a->error)
			return judge_error(d, q);
		colon = strchr(a->root, ':');
		if (d->root != NULL && strcmp(colon != NULL ? colon + 1 : a->root, d->root) != 0) {
			char more[ANSWER_NAME + 32];

			snprintf(more, sizeof(more), " with the root <%s>", a->root);
			return odd(d, more);
		}
		return a->empty ? DOCUMENT_NOTHING : DOCUMENT_DATA;
	case ANSWER_JSON:
		if (a->error || d->root != NULL)
			return odd(d, "");
		return DOCUMENT_DATA;
	case ANSWER_TEXT:
	case ANSWER_BINARY:
		return d->root != NULL ? odd(d, "") : DOCUMENT_DATA;
	case ANSWER_EMPTY:
	case ANSWER_HTML:
		break;
	}
	return odd(d, "");
}

enum document_is
document_try(struct document *d, const struct question *q)
{
	enum call_end end = document_ask(d, q);

	if (end == CALL_DONE)
		return judge(d, q);
	return end == CALL_AGAIN ? DOCUMENT_AGAIN : DOCUMENT_FAILED;
}

/* The names in the vendor's documentation, of both products. */
static int
is_known_report(const char *name)
{
	static const char *const known[] = {"AccessSession", "AccessSessionListing",
	    "AccessSessionRecording", "AccessSessionSummary", "Archive", "ArchiveListing",
	    "CommandShellRecording", "EndpointLicenseUsage", "JumpItem", "LicenseUsage",
	    "PresentationSession", "PresentationSessionListing", "PresentationSessionRecording",
	    "ShowMyScreenRecording", "SupportCustExitSurvey", "SupportRepExitSurvey",
	    "SupportSession", "SupportSessionListing", "SupportSessionRecording",
	    "SupportSessionSummary", "SupportTeam", "Syslog", "Team", "UserRecording",
	    "VaultAccountActivity"};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], name) == 0)
			return 1;
	return 0;
}

void
document_complain(const struct document *d, enum document_is is, const char *what)
{
	char shown[CALL_EXCERPT];
	const char *advice = "if that means that nothing was found: --nothing TEXT";

	if (d->answer.beside)
		advice = "there is data beside it, but not all: nothing of this answer is taken";
	else if (d->answer.said.n == 0)
		advice = "an error without a text";
	else if (!is_known_report(d->report))
		advice = "praic-fetch(1) has the names of reports: is this one misspelled?";
	else if (d->answer.said.n >= 7 && memcmp(d->answer.said.p, "Invalid", 7) == 0)
		advice = "praic-fetch(1) has the parameters of reports";
	if (is == DOCUMENT_ERROR)
		msg_warn("%s: %s: the appliance says: %s (%s)", d->site->name, what,
		    call_excerpt(d->answer.said.p, d->answer.said.n, shown), advice);
	else
		call_complain(&d->call, what);
}

int
document_get(struct document *d, const struct question *q, enum document_is *is)
{
	struct retry r = {0};

	d->torn_bytes = 0;
	do
		*is = document_try(d, q);
	while (
	    *is == DOCUMENT_AGAIN && !d->call.big && progress_wait(&r, &d->call, q->report) == 0);
	if (*is == DOCUMENT_DATA || *is == DOCUMENT_NOTHING)
		return 0;
	document_complain(d, *is, q->report);
	return d->call.code;
}
