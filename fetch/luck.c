/*
 * One file, or all of its kind?  See luck.h.
 *
 * Three refusals in a row, or what is left of them at the end, are worth a
 * question: the last file that came in this run is asked for again.  If it
 * would still come, the account may have this kind, and each of the others
 * was refused for itself.  If it is refused now, the account may not, or not
 * any more.  A session that cannot be is no such test, for nobody knows
 * whether an appliance looks at sessions or at permissions first.  So where
 * nothing came in this run, three in a row count as the permission, and so
 * does a single one where none came in any run, or with 403: that leaves
 * nothing out, which is the cheaper mistake.
 */
#include "answer.h"
#include "call.h"
#include "luck.h"
#include "media.h"
#include "msg.h"

#define IN_A_ROW 3

/* A few bytes tell what it is; of text, more. */
static int
look(struct call *c, const char *p, size_t n)
{
	struct answer *a = &((struct job *)c->arg)->answer;

	answer_add(a, p, n);
	return a->known && a->kind == ANSWER_BINARY ? CALL_STOP_AGAIN : 0;
}

/* 1: it would come, or has just expired; 0: it is refused; -1: unknown. */
static int
ask_again(struct download_last *last, struct site *s)
{
	struct job j = {
	    .report = last->report,
	    .call =
		{
		    .site = s,
		    .auth = CALL_BEARER,
		    .path = "/api/reporting",
		    .query = buf_text(&last->query),
		    .max_bytes = ANSWER_SMALL,
		    .max_time = s->answer_time + s->connect_time,
		    .take = look,
		    .arg = &j,
		},
	};
	const struct answer *a = &j.answer;
	struct retry retry = {0};
	enum call_end end;
	int64_t delay = 0;
	int is = -1;

	do {
		call_sleep(s, delay);
		answer_start(&j.answer);
		end = call_run(&j.call);
		answer_end(&j.answer);
		if (media_extension(&j) != NULL || (a->kind == ANSWER_XML && a->whole))
			is = 1;
		else if (end == CALL_FAILED && call_is_refused(&j.call))
			is = 0;
	} while (is == -1 && end != CALL_FAILED && (delay = call_retry(&retry, &j.call)) != -1);
	answer_free(&j.answer);
	call_free(&j.call);
	return is;
}

/* Is it the kind?  "otherwise" where the appliance does not tell. */
static int
judge(struct luck *l, struct site *s, struct download_last *last, int otherwise)
{
	int is;

	if (last->query.n == 0)
		return otherwise;
	is = ask_again(last, s);
	msg_tell(1, "%s: %s: what came before %s", s->name, last->report,
	    is == 1	? "would still come: the others are refused for themselves" :
		is == 0 ? "is refused now, too" :
			  "is not answered now");
	if (is == 1)
		l->since = l->forbidden = 0;
	return is == -1 ? otherwise : !is;
}

/* Answers are counted as they come: what waits for the disk then is heard of
 * later than what was refused behind it. */
static void
see_answer(struct luck *l, uint64_t answered)
{
	if (answered > l->last)
		l->since = l->forbidden = 0;
}

void
luck_good(struct luck *l, const struct job *j)
{
	l->good = 1;
	/* What was there before says nothing of now. */
	if (j->answered > 0)
		see_answer(l, j->answered);
}

int
luck_bad(struct luck *l, const struct job *j)
{
	struct download_last *last = download_last(j->downloads, j->report);

	see_answer(l, last->answered);
	l->forbidden |= j->call.status == 403;
	if (j->answered > l->last)
		l->last = j->answered;
	return ++l->since >= IN_A_ROW && judge(l, j->downloads->site, last, 1);
}

int
luck_end(struct luck *l, struct downloads *d, const char *report)
{
	struct download_last *last = download_last(d, report);

	see_answer(l, last->answered);
	return l->since > 0 && judge(l, d->site, last, !l->good || l->forbidden);
}
