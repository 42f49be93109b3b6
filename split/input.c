/* The documents of an input: see input.h. */
#include <stdlib.h>
#include <string.h>

#include "blank.h"
#include "code.h"
#include "host.h"
#include "input.h"
#include "msg.h"
#include "num.h"
#include "parse.h"
#include "start.h"
#include "utf8.h"

/* A comment between documents. */
#define MAX_COMMENT ((size_t)16 << 20)

struct input {
	struct report *report;
	const struct input_options *options;
	struct source *source;
	const char *name;
	uint64_t place;
	int code;
	uint64_t documents; /* good and bad ones, in all */
	int begun;	    /* a declaration or a mark waits for its root */
	int torn;	    /* of what was looked for last: see start_find */
	int has_bom;	    /* a byte order mark of UTF-8 stands before it */
	/* of the marks */
	char host[HOST_SIZE]; /* of the document to come, or empty */
	int marked;	      /* a site mark waits for its end mark */
	uint64_t marked_documents;
	uint64_t ends;
};

static void
tell(struct input *in, uint64_t place, const char *text)
{
	msg_warn("%s: byte %llu: %s", in->name,
	    (unsigned long long)source_offset(in->source, place), text);
}

static const char byte_order_mark[] = "\xef\xbb\xbf";

static void
cut(struct input *in, uint64_t place, const char *text)
{
	tell(in, place, text);
	in->code = code_worse(in->code, EX_TEMPFAIL);
}

/* Past a CDATA section that begins here: 0, or -1 when it does not end. */
static int
pass_cdata(struct input *in)
{
	const char *p, *close;
	size_t have;

	for (;;) {
		p = source_at(in->source, in->place, START_MAX_MARK, &have);
		if ((close = memmem(p, have, "]]>", 3)) != NULL) {
			in->place += (uint64_t)(close - p) + 2;
			return 0;
		}
		if (have < START_MAX_MARK)
			return -1;
		in->place += have - 2;
		source_keep(in->source, in->place);
	}
}

/*
 * Something bad: the next document begins with a declaration or a mark at or
 * behind this place.  0, or -1 when there is none.
 */
static int
find_next(struct input *in, uint64_t from, enum start_next which)
{
	const char *p, *start;
	size_t have, some;

	/* The line may begin right where the parser stopped. */
	in->place = from > 0 ? from - 1 : from;
	for (;;) {
		p = source_at(in->source, in->place, 2 * START_MAX_MARK, &have);
		/* One that may be cut here is looked at with what follows. */
		some = have < 2 * START_MAX_MARK ? have : have - START_MAX_DECLARATION;
		if ((start = start_find(p, p + some, p + have, which, &in->torn)) != NULL) {
			in->place += (uint64_t)(start - p);
			if (!start_is_cdata(start, (size_t)(p + have - start)))
				return 0;
			if (pass_cdata(in) == -1)
				return -1;
			continue;
		}
		if (some == have)
			return -1;
		/* With what may stand before it. */
		in->place += some - START_BEFORE;
		source_keep(in->source, in->place);
	}
}

/* The document is bad from here on; why was said. */
static int
skip_bad(struct input *in, uint64_t from, enum start_next which)
{
	in->code = code_worse(in->code, EX_DATAERR);
	in->host[0] = '\0';
	in->begun = 0;
	if (find_next(in, from, which) == -1)
		return -1;
	/* What is read from here on must be read as a beginning. */
	(void)source_restart(in->source, in->place,
	    source_encoding(in->source) == ENCODING_LATIN1 ? ENCODING_UTF8 :
							     source_encoding(in->source));
	return 0;
}

/* There is a site mark: from here on documents count, up to the end mark. */
static void
expect_end(struct input *in)
{
	if (!in->marked)
		in->marked_documents = 0;
	in->marked = 1;
}

static void
count_document(struct input *in)
{
	in->documents++;
	if (in->marked)
		in->marked_documents++;
}

/* Bad, and not because a parser says so: a document, or not even that. */
static int
bad_here(struct input *in, int is_document, const char *text)
{
	tell(in, in->place, text);
	report_bad(in->report);
	if (is_document)
		count_document(in);
	return skip_bad(in, in->place + 1, START_ANY);
}

/* The value of name="..." or name='...' in an instruction. */
static int
pseudo_attribute(const char *p, size_t n, const char *name, struct rec_value *v)
{
	size_t len = strlen(name);
	const char *end = p + n, *close;

	for (; p + len < end; p++) {
		const char *q = p + len;

		if (!blank_is(p[-1]) || memcmp(p, name, len) != 0)
			continue;
		while (q < end && blank_is(*q))
			q++;
		if (q == end || *q++ != '=')
			continue;
		while (q < end && blank_is(*q))
			q++;
		if (q == end || (*q != '"' && *q != '\''))
			continue;
		close = memchr(q + 1, *q, (size_t)(end - q - 1));
		if (close == NULL)
			return -1;
		v->p = q + 1;
		v->n = (size_t)(close - v->p);
		return 0;
	}
	return -1;
}

/* The document of a declaration that ends here is not read; of its own mark
 * it counts that there is one. */
static int
skip_refused(struct input *in, uint64_t place)
{
	size_t have;
	const char *p = source_at(in->source, place, START_MAX_MARK, &have), *end = p + have;

	while (p < end && blank_is(*p))
		p++;
	if (start_begins(p, (size_t)(end - p), "<?praic-site"))
		expect_end(in);
	report_bad(in->report);
	count_document(in);
	return skip_bad(in, place, START_NO_SITE);
}

/* <?xml ... ?>: in which encoding does it go on? */
static int
read_declaration(struct input *in, const char *p, size_t n)
{
	enum encoding named = ENCODING_UTF8, now = source_encoding(in->source);
	struct rec_value v;
	char *text;

	if (in->begun)
		cut(in, in->place, "the document before this one has no root");
	in->host[0] = '\0';
	in->begun = 1;
	if (pseudo_attribute(p + 5, n - 7, "encoding", &v) == 0 &&
	    decode_by_name(v.p, v.n, &named) == -1) {
		text = xasprintf("encoding %.*s: praic reads UTF-8, UTF-16 and ISO-8859-1; "
				 "convert it with iconv(1)",
		    (int)(v.n < 40 ? v.n : 40), v.p);
		tell(in, in->place, text);
		free(text);
		return skip_refused(in, in->place + n);
	}
	in->place += n;
	/* UTF-16 shows in the bytes, whatever is written there. */
	if (now == ENCODING_UTF16LE || now == ENCODING_UTF16BE)
		return 0;
	if (named != ENCODING_LATIN1 || in->has_bom)
		named = ENCODING_UTF8;
	in->has_bom = 0;
	if (named != now)
		(void)source_restart(in->source, in->place, named);
	return 0;
}

static int
read_site(struct input *in, const char *p, size_t n)
{
	while (n > 0 && blank_is(*p))
		p++, n--;
	while (n > 0 && blank_is(p[n - 1]))
		n--;
	if (in->host[0] != '\0')
		cut(in, in->place, "the document before this one has no root");
	expect_end(in);
	in->begun = 1;
	if (host_normalise(p, n, in->host) == 0)
		return 0;
	in->host[0] = '\0';
	return bad_here(in, 1, "<?praic-site?> names no host");
}

static void
read_end(struct input *in, uint64_t place, const char *p, size_t n)
{
	struct rec_value v;
	uint64_t count;
	char *text;

	in->host[0] = '\0';
	in->begun = 0;
	in->ends++;
	if (pseudo_attribute(p, n, "documents", &v) == -1 ||
	    num_parse_count(v.p, v.n, UINT64_MAX, &count) == -1)
		cut(in, place, "the end mark does not say how many documents there were");
	else if (in->marked && count != in->marked_documents) {
		text = xasprintf("%llu documents came, the end mark says %llu: fetch it again",
		    (unsigned long long)in->marked_documents, (unsigned long long)count);
		cut(in, place, text);
		free(text);
	}
	in->marked = 0;
	in->marked_documents = 0;
}

/* An instruction between documents: -1 when there is nothing behind it. */
static int
read_instruction(struct input *in)
{
	size_t have;
	const char *p = source_at(in->source, in->place, START_MAX_MARK, &have), *close;
	size_t n;

	/* The same, whatever more was read. */
	if (have > START_MAX_MARK)
		have = START_MAX_MARK;
	close = memmem(p, have, "?>", 2);
	if (close == NULL && have < START_MAX_MARK) {
		cut(in, in->place, "the input ends here, in the middle of <?...");
		return -1;
	}
	if (close == NULL)
		return bad_here(in, 0, "an instruction of more than 4096 bytes");
	n = (size_t)(close - p) + 2;
	/* It was cut, and has swallowed the next one's beginning. */
	if ((close = memmem(p + 2, n - 2, "<?", 2)) != NULL) {
		if (start_is_any(close, n - (size_t)(close - p)))
			in->code = code_worse(in->code, EX_TEMPFAIL);
		return bad_here(
		    in, in->begun || start_is_any(p, n), "an instruction that does not end");
	}
	if (start_begins(p, n, "<?xml"))
		return read_declaration(in, p, n);
	if (start_begins(p, n, "<?praic-site")) {
		if (read_site(in, p + 12, n - 14) == -1)
			return -1;
		if (in->host[0] == '\0')
			return 0; /* it went on elsewhere */
	} else if (start_begins(p, n, "<?praic-end"))
		read_end(in, in->place, p + 12, n - 14);
	in->place += n;
	return 0;
}

static int
read_comment(struct input *in)
{
	const char *p, *close;
	size_t have, want = START_MAX_MARK, n;

	/* To the first "--", with what may stand behind it. */
	do {
		want *= 4;
		p = source_at(in->source, in->place, want + START_MAX_DECLARATION, &have);
		n = have < want ? have : want;
		close = n > 4 ? memmem(p + 4, n - 4, "--", 2) : NULL;
	} while (close == NULL && n == want && want < MAX_COMMENT);
	if (close == NULL ? n < want : close + 2 == p + have) {
		cut(in, in->place, "the input ends here, in the middle of a comment");
		return -1;
	}
	if (close == NULL)
		return bad_here(in, 0, "a comment of more than 16 MiB");
	/* It was cut, and has swallowed the next document's beginning. */
	n = (size_t)(close - p) - 4;
	if ((close[2] == '>' ? start_is_within_comment(p + 4, n) : start_is_within(p + 4, n)) ||
	    start_is_any(close + 2, have - (size_t)(close + 2 - p))) {
		in->code = code_worse(in->code, EX_TEMPFAIL);
		return bad_here(in, in->begun, "a comment that does not end");
	}
	if (close[2] != '>')
		return bad_here(in, 0, "a comment with \"--\" in it");
	in->place += (uint64_t)(close - p) + 3;
	return 0;
}

/* A root element: -1 when nothing can be read behind it. */
static int
read_root(struct input *in, int *go_on)
{
	const char *host = in->options->force_host != NULL ? in->options->force_host :
	    in->host[0] != '\0'				   ? in->host :
							     in->options->host;
	enum parse_outcome outcome;
	uint64_t end;

	in->has_bom = 0;
	count_document(in);
	outcome = parse_document(in->report, in->source, in->place, host, &end);
	in->host[0] = '\0';
	in->begun = 0;
	switch (outcome) {
	case PARSE_WHOLE:
		in->place = end;
		/* A declaration is for its document alone. */
		if (source_encoding(in->source) == ENCODING_LATIN1)
			(void)source_restart(in->source, end, ENCODING_UTF8);
		return 0;
	case PARSE_BAD:
		if (skip_bad(in, end > in->place ? end : in->place + 1, START_ANY) == -1)
			return -1;
		if (in->torn)
			cut(in, in->place,
			    "another document begins here, in the middle of one that was cut");
		return 0;
	case PARSE_TORN:
		in->code = code_worse(in->code, EX_TEMPFAIL);
		return skip_bad(in, end, START_ANY);
	case PARSE_CUT:
		in->code = code_worse(in->code, EX_TEMPFAIL);
		return -1;
	case PARSE_STOPPED:
		break;
	}
	*go_on = 0;
	return -1;
}

/* What somebody gave us instead of XML. */
static const char *
guess(const char *p, size_t n)
{
	if (n >= 14 && memcmp(p, "praic-records\t", 14) == 0)
		return "these are records already: praic-tosql and praic-tofs read them";
	if (*p == '{' || *p == '[')
		return "this is JSON, not XML";
	if (n >= 3 && memcmp(p, UTF8_REPLACEMENT, 3) == 0)
		return "this is no XML: compressed, or in an encoding that praic does not read";
	return "this is no XML";
}

/* The next thing at the top: -1 when nothing more can be read. */
static int
read_item(struct input *in, int *go_on)
{
	size_t have;
	const char *p = source_at(in->source, in->place, 16, &have);

	if (!blank_is(*p)) {
		source_detect(in->source, in->place);
		p = source_at(in->source, in->place, 16, &have);
	}
	if (blank_is(*p)) {
		in->place++;
		return 0;
	}
	if (have >= 3 && memcmp(p, byte_order_mark, 3) == 0) {
		in->place += 3;
		in->has_bom = 1;
		return 0;
	}
	if (have >= 2 && memcmp(p, "<?", 2) == 0)
		return read_instruction(in);
	if (have >= 4 && memcmp(p, "<!--", 4) == 0)
		return read_comment(in);
	if (have >= 9 && memcmp(p, "<!DOCTYPE", 9) == 0)
		return bad_here(in, 1,
		    "it has a DOCTYPE, which no report has (an HTML page has): "
		    "refused");
	if (*p == '<' && !(have < 9 && memcmp(p, "<!DOCTYPE", have) == 0) &&
	    !(have < 4 && memcmp(p, "<!--", have) == 0))
		return read_root(in, go_on);
	if (*p == '<') {
		cut(in, in->place, "the input ends here, in the middle of a document");
		return -1;
	}
	if (in->documents == 0 && have >= 14 && memcmp(p, "praic-records\t", 14) == 0) {
		tell(in, in->place, guess(p, have));
		in->code = code_worse(in->code, EX_USAGE);
		*go_on = 0;
		return -1;
	}
	if (in->begun || in->documents == 0)
		return bad_here(in, 1, guess(p, have));
	return bad_here(in, 0, "something that is no XML behind a document");
}

/* Everything was read: was it all there? */
static void
check_end(struct input *in)
{
	if (source_failed(in->source))
		in->code = code_worse(in->code, EX_IOERR);
	else if (in->code == EX_TEMPFAIL)
		return; /* it was said */
	else if (in->marked)
		cut(in, in->place, "the input ends here, before its end mark");
	else if (in->begun)
		cut(in, in->place, "the input ends here, before a document's root");
	else if (source_cut(in->source))
		cut(in, in->place, "the input ends here, in the middle of a character");
	else if (in->documents == 0 && in->ends == 0)
		cut(in, in->place, "there is no document in it");
}

int
input_read(struct report *report, const struct input_options *options, int fd, const char *name,
    int *go_on)
{
	struct input in = {.report = report, .options = options, .name = name};
	size_t have;

	*go_on = 1;
	in.source = source_new(fd, name);
	source_detect(in.source, 0);
	do {
		source_keep(in.source, in.place);
		source_at(in.source, in.place, 1, &have);
	} while (have > 0 && read_item(&in, go_on) == 0);
	if (*go_on)
		check_end(&in);
	source_free(in.source);
	return in.code;
}
