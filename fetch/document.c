/* Questions and whole documents: see document.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "document.h"
#include "file.h"
#include "msg.h"
#include "token.h"

/* A report may take its time: the appliance searches while it sends. */
#define MAX_TIME 3600

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
add_encoded(struct buf *b, const char *p)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *p != '\0'; p++)
		if (strchr(plain, *p) != NULL)
			buf_addc(b, *p);
		else
			buf_printf(b, "%%%02X", (unsigned char)*p);
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

int
document_open(struct document *d, struct site *s)
{
	memset(d, 0, sizeof(*d));
	d->site = s;
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
	int64_t began = call_clock();
	enum call_end end;

	buf_reset(&d->body);
	question_encode(&d->body, q);
	c->site = d->site;
	c->auth = CALL_BEARER;
	c->path = "/api/reporting";
	c->body = buf_text(&d->body);
	c->body_type = "application/x-www-form-urlencoded";
	c->max_time = d->site->max_time > 0 ? d->site->max_time : MAX_TIME;
	c->max_bytes = (uint64_t)d->site->max_document;
	c->take = take;
	c->arg = d;
	d->answer.only = d->only;
	answer_start(&d->answer);
	if (ftruncate(d->fd, 0) == -1 || lseek(d->fd, 0, SEEK_SET) == -1) {
		msg_errno("temporary file for a report");
		c->told = 1;
		c->code = EX_IOERR;
		return CALL_FAILED;
	}
	end = call_run(c);
	d->took = call_clock() - began;
	if (end == CALL_DONE) {
		answer_end(&d->answer);
		if (!d->answer.denied)
			token_worked(d->site);
	}
	return end;
}

/* Not what was asked for, but perhaps the next time. */
static enum document_is
odd(struct document *d, const char *more)
{
	const struct answer *a = &d->answer;
	char shown[SITE_SHOWN];

	buf_reset(&d->call.why);
	buf_printf(&d->call.why, "the answer is %s%s", answer_what(a), more);
	if (a->said.n > 0)
		buf_printf(&d->call.why, ": %s", site_show(d->site, a->said.p, a->said.n, shown));
	d->call.code = EX_UNAVAILABLE;
	return DOCUMENT_AGAIN;
}

static enum document_is
judge_error(struct document *d, const struct question *q)
{
	struct buf text = d->answer.said;
	int is;

	/* What stands beside other things does not say that there is nothing. */
	if (d->answer.children > 1) {
		d->call.code = EX_UNAVAILABLE;
		return DOCUMENT_ERROR;
	}
	/* nothing_is asks with d: the text is kept for the message. */
	memset(&d->answer.said, 0, sizeof(d->answer.said));
	is = nothing_is(d, q, buf_text(&text));
	buf_free(&d->answer.said);
	d->answer.said = text;
	if (is == -1)
		return DOCUMENT_AGAIN;
	if (is == 1)
		return DOCUMENT_NOTHING;
	d->call.code = EX_UNAVAILABLE;
	return DOCUMENT_ERROR;
}

/* Another's session in the place of the one that was asked for is no answer. */
static enum document_is
judge_session(struct document *d)
{
	const struct answer *a = &d->answer;
	char shown[SITE_SHOWN], other[SITE_SHOWN], more[2 * SITE_SHOWN + 32];

	if (a->ours && !a->theirs)
		return DOCUMENT_DATA;
	site_show(d->site, d->only, strlen(d->only), shown);
	if (a->theirs)
		snprintf(more, sizeof(more), " with the session %s, and %s was asked for",
		    site_show(d->site, a->lsid.p, a->lsid.n, other), shown);
	else
		snprintf(more, sizeof(more), " without the session %s", shown);
	return odd(d, more);
}

static enum document_is
judge(struct document *d, const struct question *q)
{
	struct answer *a = &d->answer;
	const char *colon;

	if (d->call.status != 200)
		return odd(d, ", a part only, which was not asked for");
	/* XML tells by itself whether it is whole; of anything else, a second
	 * answer of the same length does. */
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
		if (a->children == 0 && !a->filled)
			return DOCUMENT_NOTHING;
		return d->only != NULL ? judge_session(d) : DOCUMENT_DATA;
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
	int code;

	/* Some say so with 200.  This ends: a new token is not renewed. */
	while (end == CALL_DONE && d->answer.denied) {
		code = token_renew(d->site, d->call.token_number);
		if (code != 0) {
			d->call.told = 1;
			d->call.code = code;
			return DOCUMENT_FAILED;
		}
		end = document_ask(d, q);
	}
	if (end == CALL_DONE)
		return judge(d, q);
	return end == CALL_AGAIN ? DOCUMENT_AGAIN : DOCUMENT_FAILED;
}

int
document_code(const struct document *d, enum document_is is)
{
	return is == DOCUMENT_DATA || is == DOCUMENT_NOTHING ? 0 : d->call.code;
}

void
document_complain(const struct document *d, enum document_is is, const char *what)
{
	char shown[SITE_SHOWN];

	if (is == DOCUMENT_ERROR)
		msg_warn("%s: %s: the appliance says: %s (if that means that there is "
			 "nothing: --nothing TEXT)",
		    d->site->name, what,
		    site_show(d->site, d->answer.said.p, d->answer.said.n, shown));
	else
		call_complain(&d->call, what);
}

int
document_get(struct document *d, const struct question *q, enum document_is *is)
{
	struct retry r = {0};
	int64_t delay;

	d->torn_bytes = 0;
	for (;;) {
		*is = document_try(d, q);
		if (*is != DOCUMENT_AGAIN || d->call.big)
			break;
		delay = call_retry(&r, &d->call);
		if (delay == -1)
			break;
		msg_tell(1, "%s: %s: %.*s: trying again in %.1f s", d->site->name, q->report,
		    (int)d->call.why.n, d->call.why.p, (double)delay / 1000);
		call_sleep(d->site, delay);
	}
	if (*is == DOCUMENT_DATA || *is == DOCUMENT_NOTHING)
		return 0;
	document_complain(d, *is, q->report);
	return d->call.code;
}
