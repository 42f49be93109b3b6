/*
 * praic-fetch check: tries everything that praic needs, and prints one line for
 * each, with what to do where it fails.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "fetch.h"
#include "file.h"
#include "msg.h"

#define CLOCK_OFF    60		      /* seconds that are worth a word */
#define EXPIRES_SOON INT64_C(2592000) /* 30 days */

struct check {
	struct site *site;
	struct document document;
	int code;   /* the worst */
	int broken; /* standard output */
};

static void line(struct check *, const char *how, const char *what, const char *, ...)
    __attribute__((format(printf, 4, 5)));

static void
line(struct check *k, const char *how, const char *what, const char *fmt, ...)
{
	struct buf b = {0};
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(&b, "%-8s%-24s", how, what);
	/* The text may hold words of the appliance. */
	msg_harmless(&b, text, strlen(text));
	buf_addc(&b, '\n');
	if (!k->broken && file_write(1, b.p, b.n) == -1) {
		msg_errno("standard output");
		k->broken = 1;
	}
	buf_free(&b);
}

static void
failed(struct check *k, int code)
{
	k->code = code_worse(k->code, code);
}

static int
check_tls(struct check *k)
{
	struct call c = {
	    .site = k->site,
	    .auth = CALL_OPEN,
	    .path = "/check_health",
	    .max_time = 60,
	    .max_bytes = 1 << 20,
	};
	enum call_end end = call_run(&c);
	int64_t left = c.certificate.ends - (int64_t)time(NULL);
	int r = 0;

	/* Any answer will do, because it came over a verified connection. */
	if (end != CALL_DONE && c.status == 0) {
		line(k, "FAILED", "connection, TLS", "%s", buf_text(&c.why));
		failed(k, c.code);
		r = -1;
	} else if (c.certificate.ends != 0 && left < EXPIRES_SOON)
		line(k, "soon", "connection, TLS", "the certificate by %s ends in %lld days",
		    c.certificate.issuer, (long long)(left / 86400));
	else
		line(k, "ok", "connection, TLS", "verified%s%s%s",
		    k->site->ca_file != NULL ? " by " : "",
		    k->site->ca_file != NULL ? k->site->ca_file : "",
		    k->site->pin != NULL ? ", key pinned" : "");
	call_free(&c);
	return r;
}

static int
check_account(struct check *k)
{
	int code = credentials_new(k->site);

	if (code != 0) {
		line(k, "FAILED", "account",
		    "no token: see the message, --client-id and "
		    "--secret");
		failed(k, code);
		return -1;
	}
	line(k, "ok", "account", "a token was given");
	return 0;
}

/* Does the error mean "nothing found"?  If not: 0, after a line. */
static int
is_nothing(struct check *k, const struct question *q)
{
	struct document *d = &k->document;
	struct buf text = {0};
	char shown[CALL_EXCERPT];
	int is;

	buf_add(&text, d->answer.said.p, d->answer.said.n);
	is = document_is_nothing(d, q, buf_text(&text));
	if (is != 1) {
		line(k, "FAILED", q->report,
		    "it says: %s (if that means that nothing was found: --nothing TEXT)",
		    call_excerpt(text.p, text.n, shown));
		failed(k, EX_UNAVAILABLE);
	} else {
		buf_reset(&d->answer.said);
		buf_add(&d->answer.said, text.p, text.n);
	}
	buf_free(&text);
	return is == 1;
}

/* May the account have this report?  The question finds nothing, so it is cheap. */
static void
check_report(struct check *k, const char *report, int by_session, int needed)
{
	struct question q = {.report = report};
	struct document *d = &k->document;
	char shown[CALL_EXCERPT];
	enum call_end end;

	if (by_session) {
		(void)question_add(&q, "lsid", "00000000000000000000000000000000");
		if (strstr(report, "Session") == NULL)
			(void)question_add(&q, "instance", "0");
	} else {
		(void)question_add(&q, "start_time", "1");
		(void)question_add(&q, "duration", "1");
	}
	end = document_ask(d, &q);
	if (end == CALL_DONE && d->answer.kind == ANSWER_XML) {
		if (needed && !by_session && d->answer.error && !is_nothing(k, &q))
			return;
		line(k, "ok", report, "%s%s", d->answer.said.n > 0 ? "it says: " : "",
		    call_excerpt(d->answer.said.p, d->answer.said.n, shown));
		return;
	}
	if (end == CALL_DONE) {
		line(k, "FAILED", report, "the answer is %s", answer_what(&d->answer));
		d->call.code = EX_UNAVAILABLE;
	} else
		line(k,
		    d->call.code != EX_NOPERM ? "FAILED" :
			needed		      ? "REFUSED" :
						"refused",
		    report, "%s", buf_text(&d->call.why));
	if (needed || d->call.code != EX_NOPERM)
		failed(k, d->call.code);
}

/* Permission for backups, by get_api_info of the command API, which may be refused itself. */
static void
check_backup(struct check *k)
{
	struct call c = {
	    .site = k->site,
	    .auth = CALL_BEARER,
	    .path = "/api/command",
	    .query = "action=get_api_info",
	    .max_time = 60,
	    .max_bytes = 1 << 20,
	};
	const char *at;

	if (credentials_run(&c) != CALL_DONE)
		buf_reset(&c.said);
	at = strstr(buf_text(&c.said), "perm_backup");
	/* <perm_backup>1</perm_backup>, or the name in an attribute and the
	 * value behind it: the first digit is the answer either way. */
	if (at != NULL)
		at += strcspn(at, "01");
	if (at == NULL || *at == '\0')
		line(k, "-", "backup",
		    "not known without making one: the command API, which would tell, is "
		    "refused: allow it, read only, in /login > Management > API "
		    "Configuration");
	else if (*at == '1')
		line(k, "ok", "backup", "allowed");
	else
		line(k, "refused", "backup",
		    "allow it in /login > Management > API "
		    "Configuration, if it is wanted");
	call_free(&c);
}

static void
check_clock(struct check *k)
{
	int64_t now, off;

	now = call_now(k->site);
	off = now - (int64_t)time(NULL);
	if (now == 0) {
		line(k, "FAILED", "clock", "its answers have no Date: sessions need --until");
		failed(k, EX_UNAVAILABLE);
	} else if (off > CLOCK_OFF || off < -CLOCK_OFF)
		line(k, "off", "clock",
		    "the appliance's is %lld seconds %s this machine's; "
		    "nothing is lost by that, but set the one that is wrong",
		    (long long)(off < 0 ? -off : off), off < 0 ? "behind" : "ahead of");
	else
		line(k, "ok", "clock", "the appliance's and this machine's agree");
}

static int
all_checks(struct check *k)
{
	static const char *const access[] = {"AccessSession", "AccessSessionListing"};
	static const char *const support[] = {"SupportSession", "SupportSessionListing"};
	const char *const *sessions = k->site->rs ? support : access;

	if (check_tls(k) == -1 || check_account(k) == -1)
		return k->code;
	check_report(k, sessions[0], 0, 1);
	check_report(k, sessions[1], 0, 0);
	check_report(k, k->site->rs ? "SupportSessionRecording" : "AccessSessionRecording", 1, 1);
	check_report(k, "CommandShellRecording", 1, 1);
	if (k->site->rs)
		check_report(k, "ShowMyScreenRecording", 1, 1);
	check_report(k, k->site->rs ? "SupportTeam" : "Team", 0, 0);
	check_report(k, "VaultAccountActivity", 0, 0);
	check_backup(k);
	check_clock(k);
	return k->code;
}

int
check_run(struct options *o)
{
	struct check k = {.site = &o->site};
	int code;

	if (o->operands > 0) {
		msg_warn("check: it takes no operands");
		return EX_USAGE;
	}
	code = document_open(&k.document, k.site);
	if (code != 0)
		return code;
	code = all_checks(&k);
	document_close(&k.document);
	return k.broken ? code_worse(code, EX_IOERR) : code;
}
