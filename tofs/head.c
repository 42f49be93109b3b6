/* The ledger's head: see head.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "head.h"
#include "msg.h"
#include "num.h"

struct search {
	const struct options *opt; /* NULL: the last line is wanted */
	uint64_t lines;		   /* so far */
	uint64_t number;	   /* of the last line with a chain */
	char chain[SHA256_HEX];
	int found;
};

int
head_set(struct options *opt, const char *text)
{
	const char *colon = strchr(text, ':');

	if (colon == NULL ||
	    num_parse_count(text, (size_t)(colon - text), INT64_MAX, &opt->head_number) == -1 ||
	    strspn(colon + 1, "0123456789abcdef") != SHA256_HEX - 1 || colon[SHA256_HEX] != '\0') {
		msg_warn("--head %s: what --print-head prints, NUMBER:CHAIN", text);
		return EX_USAGE;
	}
	opt->head = text;
	opt->head_chain = colon + 1;
	return 0;
}

int
head_is(const struct options *opt, uint64_t number, const char *chain)
{
	return opt->head != NULL && number == opt->head_number &&
	    memcmp(chain, opt->head_chain, SHA256_HEX - 1) == 0;
}

static int
look(void *arg, const char *p, size_t n, uint64_t offset)
{
	struct search *s = arg;
	struct ledger_line line;
	uint64_t number = s->lines++;

	(void)offset;
	if (s->opt != NULL && number < s->opt->head_number)
		return 0;
	if (number > 0 && ledger_parse(&line, p, n) == 0) {
		s->number = number;
		memcpy(s->chain, line.field[LEDGER_CHAIN], SHA256_HEX - 1);
	}
	s->found = s->opt != NULL && head_is(s->opt, s->number, s->chain);
	return s->opt != NULL;
}

static int
search(struct search *s, struct ledger *l)
{
	struct sha256 *hash = sha256_new();
	uint64_t from = 0;
	int r;

	ledger_chain_start(hash, s->chain);
	sha256_free(hash);
	r = ledger_each(l, &from, look, s);
	return r == -1 ? EX_IOERR : 0;
}

int
head_check(const struct options *opt, struct ledger *l)
{
	struct search s = {.opt = opt};
	int code;

	if (opt->head == NULL)
		return 0;
	code = search(&s, l);
	if (code != 0 || s.found)
		return code;
	msg_warn("%s/" TREE_LEDGER ": the head %s is no part of it: it was emptied, shortened or "
		 "written anew",
	    opt->directory, opt->head);
	leftout_add(opt->left_out, (struct rec_value){NULL, 0}, (struct rec_value){NULL, 0},
	    "ledger", -1, "head", msg_last());
	return EX_DATAERR;
}

int
head_print(const struct options *opt)
{
	struct search s = {0};
	struct ledger *l = NULL;
	int code = 0;
	struct tree *t = tree_open(opt->directory, opt->mode, &code);

	if (t != NULL)
		l = ledger_open(t, opt, 0, &code);
	if (l != NULL)
		code = search(&s, l);
	if (code == 0) {
		printf("%llu:%.*s\n", (unsigned long long)s.number, SHA256_HEX - 1, s.chain);
		if (fflush(stdout) == EOF) {
			msg_errno("standard output");
			code = EX_IOERR;
		}
	}
	ledger_close(l);
	if (t != NULL)
		tree_close(t);
	return code;
}
