/*
 * Runs praic-split many times within one process, and checks the output:
 *
 *	split-drive check FILE...	the properties that must hold for any input
 *	split-drive cut FILE...		each file, truncated at each byte
 *	split-drive pieces FILE...	each file, in reads of many sizes
 *	split-drive mutate [-n COUNT] [-s SEED] [-d DIRECTORY] FILE...
 *
 * mutate changes, truncates and joins the files at random (the same seed gives the
 * same changes).  A session of the output may differ from before only if its own bytes
 * were changed, or the declaration, marks or root tag of its document, or if a mark
 * was inserted before it.  An input that shows a fault is left in the directory.
 * Exits with 1 if a check fails.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "seed.h"

static const struct harness_options usual = {.host = "def.example"};
static int faults;

static void __attribute__((format(printf, 1, 2))) fault(const char *fmt, ...)
{
	va_list ap;

	faults++;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* ---- check, cut, pieces ---------------------------------------------- */

static void
check(const struct seed *s)
{
	static const struct harness_options all[] = {
	    {.host = "def.example"},
	    {.host = NULL},
	    {.host = "h", .strict = 1},
	    {.host = "h", .no_xml = 1},
	};
	const char *wrong;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		wrong = harness_check(s->bytes.p, s->bytes.n, &all[i]);
		if (wrong != NULL)
			fault("%s, options %zu: %s", s->name, i, wrong);
	}
}

/*
 * Each truncated input must give complete sessions only, the same as the whole input.
 * Exit codes other than 75 are printed: between two documents without marks the
 * truncation cannot be detected.
 */
static void
cut(const struct seed *s)
{
	struct harness_sessions whole = {0}, part = {0};
	struct buf out = {0};
	size_t n, i, size;
	int code;

	harness_read(&s->out, &whole);
	for (n = 0; n < s->bytes.n; n++) {
		code = harness_run(s->bytes.p, n, &usual, &out);
		if (code != EX_TEMPFAIL)
			printf("%s, %zu bytes: %d\n", s->name, n, code);
		if (harness_read(&out, &part) != code)
			fault("%s, %zu bytes: the reader disagrees", s->name, n);
		if (part.n > whole.n)
			fault("%s, %zu bytes: more sessions than in the whole", s->name, n);
		for (i = 0; i < part.n && i < whole.n; i++) {
			size = part.session[i].to - part.session[i].from;
			if (size != whole.session[i].to - whole.session[i].from ||
			    memcmp(out.p + part.session[i].from, s->out.p + whole.session[i].from,
				size) != 0)
				fault("%s, %zu bytes: session %zu is another", s->name, n, i + 1);
		}
	}
	harness_forget(&whole);
	harness_forget(&part);
	buf_free(&out);
}

static void
pieces(const struct seed *s)
{
	static const int sizes[] = {1, 2, 3, 5, 7, 16, 61, 249, 251, 1000, 2047, 2048, 2049, 3999,
	    4000, 4001, 4096, 32767, -2, -20, -300, -5000};
	struct harness_options o = usual;
	struct buf whole = {0}, out = {0};
	size_t i;
	int code;

	o.piece = 0;
	code = harness_run(s->bytes.p, s->bytes.n, &o, &whole);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		o.piece = sizes[i];
		if (harness_run(s->bytes.p, s->bytes.n, &o, &out) != code)
			fault("%s, in reads of %d: another exit code", s->name, sizes[i]);
		if (out.n != whole.n || memcmp(out.p, whole.p, out.n) != 0)
			fault("%s, in reads of %d: other bytes", s->name, sizes[i]);
	}
	buf_free(&whole);
	buf_free(&out);
}

/* ---- mutate ----------------------------------------------------------- */

#define MAX_EDITS 4
/* One of this number of mutants is also checked by running the XML of each session. */
#define OFTEN 16

struct edit {
	size_t at, gone; /* position in the seed, bytes removed */
	struct buf put;
};

/* The changes of one seed in a mutant. */
struct change {
	const struct seed *seed;
	struct edit edit[MAX_EDITS];
	int edits;
};

struct mutant {
	struct change change[2];
	int changes;
	struct buf bytes;
};

static uint64_t random_state;

static size_t
random_below(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return n == 0 ? 0 : (size_t)((random_state * 0x2545f4914f6cdd1du >> 20) % n);
}

/* Texts with a meaning in reports, to be inserted anywhere. */
static const char *const tokens[] = {
    "<",
    ">",
    "&",
    "\"",
    "'",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "<?",
    "?>",
    "</",
    "/>",
    "&#7;",
    "&#x1b;",
    "&amp;",
    "&lt;",
    "&#xD800;",
    "\n<?xml version=\"1.0\"?>\n",
    "<?praic-site a.b?>",
    "\n<?praic-site a.b?>",
    "<?praic-end documents=\"1\"?>",
    "<!DOCTYPE a>",
    "<session_list>",
    "</session_list>",
    "<session lsid=\"x\">",
    "</session>",
    "<session lsid=\"y\"/>",
    "<error>",
    "</error>",
    "\xff\xfe",
    "\xfe\xff",
    "\xef\xbb\xbf",
    "\xc3",
    "\xed\xa0\x80",
    "\t",
    "\r",
    "\x01",
    " xmlns=\"u\"",
    " xmlns:p=\"u\"",
    "p:",
    "<event>",
    "</event>",
    "<session_details>",
    "encoding=\"ISO-8859-1\"",
    "\\N",
};
#define TOKENS (sizeof(tokens) / sizeof(tokens[0]))

static void
one_edit(const struct seed *s, struct edit *e)
{
	size_t at = random_below(s->bytes.n), i, n;
	char byte = s->bytes.p[at];

	buf_reset(&e->put);
	e->at = at;
	e->gone = 1;
	switch (random_below(8)) {
	case 0:
	case 1:
	case 2:
		buf_addc(&e->put, (char)(byte ^ 1 << random_below(8)));
		break;
	case 3:
		buf_addc(&e->put, (char)random_below(256));
		break;
	case 4:
		e->gone = 1 + random_below(random_below(4) == 0 ? s->bytes.n - at : 16);
		if (e->gone > s->bytes.n - at)
			e->gone = s->bytes.n - at;
		break;
	case 5:
	case 6:
		e->gone = random_below(3) == 0;
		buf_adds(&e->put, tokens[random_below(TOKENS)]);
		break;
	default: /* a part of the file itself */
		e->gone = 0;
		i = random_below(s->bytes.n);
		n = random_below(random_below(4) == 0 ? 2000 : 40);
		if (n > s->bytes.n - i)
			n = s->bytes.n - i;
		buf_add(&e->put, s->bytes.p + i, n);
		break;
	}
}

static int
by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void
apply(struct mutant *m, const struct change *c)
{
	size_t from = 0;
	int i;

	for (i = 0; i < c->edits; i++) {
		if (c->edit[i].at < from)
			continue; /* removed with the one before */
		buf_add(&m->bytes, c->seed->bytes.p + from, c->edit[i].at - from);
		buf_add(&m->bytes, c->edit[i].put.p, c->edit[i].put.n);
		from = c->edit[i].at + c->edit[i].gone;
	}
	buf_add(&m->bytes, c->seed->bytes.p + from, c->seed->bytes.n - from);
}

static void
mutate(struct mutant *m, const struct seed *seeds, size_t n)
{
	const struct seed *a = &seeds[random_below(n)], *b = &seeds[random_below(n)];
	struct change *c = m->change;
	size_t kind = random_below(8);
	int i;

	m->changes = 1;
	c[0].seed = a;
	c[0].edits = kind < 5 ? 1 : kind == 5 ? 1 + (int)random_below(MAX_EDITS) : 1;
	for (i = 0; i < c[0].edits; i++)
		one_edit(a, &c[0].edit[i]);
	qsort(c[0].edit, (size_t)c[0].edits, sizeof(c[0].edit[0]), by_place);
	if (kind >= 6) { /* truncate */
		c[0].edit[0].at = random_below(a->bytes.n);
		c[0].edit[0].gone = a->bytes.n - c[0].edit[0].at;
		buf_reset(&c[0].edit[0].put);
	}
	if (kind == 7) { /* and append the end of another file */
		m->changes = 2;
		c[1].seed = b;
		c[1].edits = 1;
		c[1].edit[0].at = 0;
		c[1].edit[0].gone = random_below(b->bytes.n);
		buf_reset(&c[1].edit[0].put);
	}
	buf_reset(&m->bytes);
	for (i = 0; i < m->changes; i++)
		apply(m, &c[i]);
}

static int
touched(const struct change *c, size_t from, size_t to)
{
	int i;

	for (i = 0; i < c->edits; i++)
		if (c->edit[i].at < to &&
		    (c->edit[i].at + c->edit[i].gone > from ||
			(c->edit[i].gone == 0 && c->edit[i].at > from)))
			return 1;
	return 0;
}

/* Was the prolog changed, or something before it inserted that hides it? */
static int
prolog_touched(const struct change *c, const struct seed_session *t)
{
	int i;

	for (i = 0; i < c->edits; i++)
		if (c->edit[i].at <= t->prolog_to &&
		    c->edit[i].at + c->edit[i].gone >= t->prolog_from)
			return 1;
	return 0;
}

static int
puts_text(const struct edit *e, const char *text, size_t n)
{
	return n > 0 && e->put.n >= n && memmem(e->put.p, e->put.n, text, n) != NULL;
}

/* Does a truncated text end within a comment, a CDATA section or a tag? */
static int
leaves_open(const struct seed *s, size_t end)
{
	static const char *const marks[][2] = {
	    {"<!--", "-->"},
	    {"<![CDATA[", "]]>"},
	    {"<?", "?>"},
	    {"<", ">"},
	};
	const char *p = s->bytes.p, *to = p + end, *close;
	size_t i, n;

	while ((p = memchr(p, '<', (size_t)(to - p))) != NULL) {
		for (i = 0; i < 3; i++) {
			n = strlen(marks[i][0]);
			if ((size_t)(to - p) >= n && memcmp(p, marks[i][0], n) == 0)
				break;
		}
		close = memmem(p, (size_t)(to - p), marks[i][1], strlen(marks[i][1]));
		if (close == NULL)
			return 1;
		p = close;
	}
	return 0;
}

/*
 * Was something inserted before the session that begins another document, or that
 * hides the beginning of its own?  Or is the session a copy from another place?
 */
static int
parted(const struct change *c, const struct seed_session *t, const char *lsid, size_t n)
{
	const struct edit *e;

	for (e = c->edit; e < c->edit + c->edits; e++)
		if (puts_text(e, lsid, n) ||
		    (e->at <= t->from &&
			(puts_text(e, "<?", 2) || puts_text(e, "<!", 2) ||
			    puts_text(e, "session", 7))))
			return 1;
	return 0;
}

static size_t
line_length(const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);

	return lf == NULL ? n : (size_t)(lf - p) + 1;
}

/*
 * May a mutant give this session?  A session that no seed has is allowed: a change
 * can turn a comment into a session, or change a key.
 */
static int
is_fair(const struct mutant *m, const char *p, size_t n)
{
	size_t key = line_length(p, n), size, i;
	const char *lsid = (const char *)memchr(p + 2, '\t', n) + 1;
	int c, known = 0;

	for (c = 0; c < m->changes; c++) {
		const struct change *change = &m->change[c];
		const struct seed *s = change->seed;

		if (!s->known ||
		    (c == 1 && leaves_open(m->change[0].seed, m->change[0].edit[0].at)))
			return 1;
		for (i = 0; i < s->n; i++) {
			const struct seed_session *t = &s->session[i];
			const char *q = s->out.p + t->out_from;

			/* A changed session may have got this key. */
			if (touched(change, t->from,
				t->from + line_length(s->bytes.p + t->from, t->to - t->from)))
				return 1;
			size = t->out_to - t->out_from;
			if (size < key || memcmp(q, p, key) != 0)
				continue;
			if (size == n && memcmp(q, p, n) == 0)
				return 1;
			/* Without a mark, the document is within an open root. */
			if ((c == 1 && !t->marked) || touched(change, t->from, t->to) ||
			    prolog_touched(change, t) ||
			    parted(change, t, lsid, key - 1 - (size_t)(lsid - p)))
				return 1;
			known = 1;
		}
	}
	return !known;
}

static void
save(const char *directory, uint64_t number, const struct buf *b)
{
	char name[1000];
	FILE *f;

	snprintf(name, sizeof(name), "%s/mutant-%" PRIu64 ".xml", directory, number);
	f = fopen(name, "w");
	if (f == NULL || fwrite(b->p, 1, b->n, f) != b->n || fclose(f) == EOF)
		err(1, "%s", name);
	printf("  left in %s\n", name);
}

static void
judge(const struct mutant *m, uint64_t number, const char *directory)
{
	static struct harness_sessions sessions;
	static struct buf out;
	struct harness_options o = usual;
	const char *wrong = NULL;
	int before = faults, code, reader;
	size_t i;

	o.strict = random_below(4) == 0;
	code = harness_run(m->bytes.p, m->bytes.n, &o, &out);
	reader = harness_read(&out, &sessions);
	if (code != 0 && code != EX_USAGE && code != EX_DATAERR && code != EX_TEMPFAIL)
		fault("mutant %" PRIu64 ": exit code %d", number, code);
	if (reader != (code == EX_USAGE ? EX_TEMPFAIL : code))
		fault("mutant %" PRIu64 ": exit code %d, the reader says %d", number, code, reader);
	for (i = 0; i < sessions.n; i++)
		if (!is_fair(m, out.p + sessions.session[i].from,
			sessions.session[i].to - sessions.session[i].from))
			fault("mutant %" PRIu64 ": session %zu is another without a reason", number,
			    i + 1);
	if (random_below(OFTEN) == 0) {
		wrong = harness_check(m->bytes.p, m->bytes.n, &o);
	}
	if (wrong != NULL)
		fault("mutant %" PRIu64 ": %s", number, wrong);
	if (faults > before)
		save(directory, number, &m->bytes);
}

static void
mutate_all(const struct seed *seeds, size_t n, uint64_t count, uint64_t seed, const char *directory)
{
	static struct mutant m;
	uint64_t i;

	for (i = 0; i < count && faults < 20; i++) {
		/* A seed for each mutant, so that one can be repeated alone. */
		random_state = (seed + 1) * 0x9e3779b97f4a7c15u ^ (i + 1) * 0xbf58476d1ce4e5b9u;
		(void)random_below(2);
		mutate(&m, seeds, n);
		judge(&m, i, directory);
	}
	printf("%" PRIu64 " mutants, %d faults\n", i, faults);
}

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
	    "usage: split-drive check|cut|pieces|mutate [-n COUNT] [-s SEED] "
	    "[-d DIRECTORY] FILE...\n");
	exit(EX_USAGE);
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *directory = ".";
	uint64_t count = 10000, seed = 0;
	struct seed *seeds;
	int c, i, n;

	optind = 2;
	while ((c = getopt(argc, argv, "n:s:d:")) != -1)
		switch (c) {
		case 'n':
			count = strtoull(optarg, NULL, 10);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			directory = optarg;
			break;
		default:
			usage();
		}
	if (optind >= argc)
		usage();
	harness_start();
	n = argc - optind;
	seeds = xcalloc((size_t)n, sizeof(*seeds));
	for (i = 0; i < n; i++) {
		seed_read(&seeds[i], argv[optind + i], &usual);
		if (strcmp(verb, "check") == 0)
			check(&seeds[i]);
		else if (strcmp(verb, "cut") == 0)
			cut(&seeds[i]);
		else if (strcmp(verb, "pieces") == 0)
			pieces(&seeds[i]);
		else if (strcmp(verb, "mutate") != 0)
			usage();
		else if (!seeds[i].known) {
			/* Malformed, or not in an eight-bit encoding. */
			printf("%s: not known what is where in it\n", seeds[i].name);
			seeds[i].n = 0;
		}
	}
	if (strcmp(verb, "mutate") == 0)
		mutate_all(seeds, (size_t)n, count, seed, directory);
	return faults > 0;
}
