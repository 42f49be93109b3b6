/* praic-fetch REPORT [name=value ...]: a report as the appliance sends it. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "fetch.h"
#include "msg.h"

/* The name of a report or parameter.  Other characters could change the question. */
static int
is_name(const char *p, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return n > 0 && n <= 64 && strspn(p, letters) >= n;
}

static int
read_operands(const struct options *o, struct question *q, char **names)
{
	const char *text, *equals;
	int i;

	for (i = 0; i < o->operands; i++) {
		text = o->operand[i];
		equals = strchr(text, '=');
		if (equals == NULL || !is_name(text, (size_t)(equals - text))) {
			msg_warn("%s: %s: give name=value", q->report, text);
			return EX_USAGE;
		}
		if (i == QUESTION_PARAMS) {
			msg_warn("%s: more than %d parameters", q->report, QUESTION_PARAMS);
			return EX_USAGE;
		}
		names[i] = xstrndup(text, (size_t)(equals - text));
		if (strcmp(names[i], "generate_report") == 0) {
			msg_warn("%s: generate_report is the report's name", q->report);
			return EX_USAGE;
		}
		(void)question_add(q, names[i], equals + 1);
	}
	return 0;
}

static int
fetch(struct options *o, const struct question *q)
{
	struct document d;
	struct output out;
	char name[SPOOL_NAME] = "";
	enum document_is is;
	int code = document_open(&d, &o->site);

	if (code != 0)
		return code;
	code = output_open(&out, &o->site, o->spool, o->raw);
	if (code != 0) {
		document_close(&d);
		return code;
	}
	code = credentials_get(&o->site);
	if (code == 0)
		code = document_get(&d, q, &is);
	if (code == 0) {
		output_name(name, &o->site, q, &d.answer, d.call.date);
		if (is == DOCUMENT_DATA)
			code = output_document(&out, &d);
		/* Only XML has frames. */
		if (code == 0 && (is == DOCUMENT_NOTHING || d.answer.kind == ANSWER_XML))
			code = output_end(&out, 0); /* only sessions are complete until a time */
	}
	document_close(&d);
	return output_close(&out, code, name);
}

int
report_run(struct options *o)
{
	const char *report = o->verb;
	struct question q = {.report = report};
	char *names[QUESTION_PARAMS] = {NULL};
	size_t i;
	int code;

	if (!is_name(report, strlen(report))) {
		msg_warn("%s: not the name of a report", report);
		return EX_USAGE;
	}
	code = read_operands(o, &q, names);
	if (code == 0)
		code = fetch(o, &q);
	for (i = 0; i < QUESTION_PARAMS; i++)
		free(names[i]);
	return code;
}
