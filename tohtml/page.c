/*
 * The page of one session: see page.h.  From top to bottom it answers who,
 * where, when and why; what was done, in figures; then each kind of thing by
 * itself (chat, commands, files); and all events in their order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "code.h"
#include "held.h"
#include "html.h"
#include "num.h"
#include "page.h"
#include "utf8.h"
#include "when.h"

/* A list shows so many at once, the others folded by so many. */
#define FOLD 500
/* A value that is longer is folded. */
#define LONG_VALUE 2000
/* What the top of the page shows of a value, and how many programs, notes and
 * reasons: the timeline has all of them. */
#define SHORT	 512
#define PROGRAMS 12
#define FACTS	 30

#define WORK ((size_t)64 << 10)
/* Of each part of the page, in memory; what is more waits in a temporary file. */
#define PART_ROOM ((size_t)512 << 10)

enum part { CHAT, SHELL, FILES, EVENTS, SYSINFO, PEOPLE, FACT, PARTS };

static const struct {
	const char *open, *close;
} list[PARTS] = {
    [CHAT] = {"<ol class=\"chat\">\n", "</ol>\n"},
    [SHELL] = {"<ol class=\"shell\">\n", "</ol>\n"},
    [FILES] = {"<div class=\"wide\" role=\"region\" aria-label=\"Files\" "
	       "tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">Time</th>"
	       "<th scope=\"col\">What</th><th scope=\"col\">File</th>"
	       "<th scope=\"col\">By whom, to whom</th></tr></thead>\n<tbody>\n",
	"</tbody></table></div>\n"},
    [EVENTS] = {"<ol class=\"events\">\n", "</ol>\n"},
    [PEOPLE] = {"<div class=\"wide\" role=\"region\" aria-label=\"People\" "
		"tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">Name</th>"
		"<th scope=\"col\">Account</th><th scope=\"col\">Part</th>"
		"<th scope=\"col\">Addresses</th><th scope=\"col\">Computer</th>"
		"<th scope=\"col\">Time in session</th></tr></thead>\n<tbody>\n",
	"</tbody></table></div>\n"},
};

/* Kinds of events, and the letter of each as a class of the page. */
enum kind {
	OTHER,
	IS_CHAT,
	IS_SHELL,
	IS_FILE,
	IS_WINDOW,
	IS_CHANGE,
	IS_CREDENTIAL,
	IS_NOTE,
	KINDS
};

static const char kind_class[KINDS] = {'o', 'c', 's', 'f', 'w', 'r', 'k', 'o'};

static const struct {
	const char *type; /* what it begins with */
	enum kind kind;
} kinds[] = {
    {"Chat Message", IS_CHAT},
    {"Remote Shell", IS_SHELL},
    {"Command Shell", IS_SHELL},
    {"File", IS_FILE},
    {"Directory", IS_FILE},
    {"Session Foreground Window", IS_WINDOW},
    {"Session Mouse", IS_WINDOW},
    {"Session Window", IS_WINDOW},
    {"Registry", IS_CHANGE},
    {"Special Action", IS_CHANGE},
    {"Credential", IS_CREDENTIAL},
    {"Session Note", IS_NOTE},
};

struct person {
	int rank; /* the highest is shown at the top */
	struct buf name, account, address, computer;
};

struct program {
	struct buf name;
	uint64_t n;
};

struct event {
	int open, dl, items, body;
	enum kind kind;
	int64_t seq;
	struct buf type, by, to; /* HTML, short */
	int from_user;
	char clock[9];
	char span[24];
};

struct page {
	struct held part[PARTS];
	uint64_t n[PARTS];
	struct event event;
	int64_t began; /* the first event; INT64_MIN: none yet */
	char day[11];
	uint64_t of_kind[KINDS];
	struct program program[PROGRAMS];
	int programs;
	struct person user, customer;
	char prefix[24];  /* of ids on the page */
	struct buf names; /* of users, a line each */
	struct buf issue, value[SESSION_COLUMNS], teams, cell, scratch;
	uint64_t folded; /* facts beyond the limit */
	int ended;
	struct summary sum;
	struct buf out;
	struct sink to; /* while the page is written */
};

struct page *
page_new(void)
{
	struct page *p = xcalloc(1, sizeof(*p));
	int i;

	for (i = 0; i < PARTS; i++)
		held_open(&p->part[i], PART_ROOM);
	return p;
}

/* All short texts, for page_free and page_begin. */
static struct buf *
short_text(struct page *p, size_t i)
{
	struct buf *all[] = {&p->user.name, &p->user.account, &p->user.address, &p->user.computer,
	    &p->customer.name, &p->customer.account, &p->customer.address, &p->customer.computer,
	    &p->issue, &p->teams, &p->cell, &p->scratch, &p->out, &p->event.type, &p->event.by,
	    &p->event.to, &p->names, &p->sum.type, &p->sum.who, &p->sum.people, &p->sum.endpoint,
	    &p->sum.key, &p->sum.group, &p->sum.expected, &p->sum.duration};

	return i < sizeof(all) / sizeof(all[0]) ? all[i] :
	    i - sizeof(all) / sizeof(all[0]) < SESSION_COLUMNS ?
						  &p->value[i - sizeof(all) / sizeof(all[0])] :
						  NULL;
}

void
page_free(struct page *p)
{
	size_t i;

	for (i = 0; i < PARTS; i++)
		held_close(&p->part[i]);
	for (i = 0; short_text(p, i) != NULL; i++)
		buf_free(short_text(p, i));
	for (i = 0; i < PROGRAMS; i++)
		buf_free(&p->program[i].name);
	free(p);
}

int
page_code(const struct page *p)
{
	int code = 0, i;

	for (i = 0; i < PARTS; i++)
		code = code_worse(code, p->part[i].code);
	return code;
}

void
page_begin(struct page *p, uint64_t nth)
{
	size_t i;

	p->prefix[0] = '\0';
	if (nth > 1)
		snprintf(p->prefix, sizeof(p->prefix), "s%llu-", (unsigned long long)nth);
	for (i = 0; i < PARTS; i++)
		held_reset(&p->part[i]);
	memset(p->n, 0, sizeof(p->n));
	memset(p->of_kind, 0, sizeof(p->of_kind));
	for (i = 0; short_text(p, i) != NULL; i++)
		buf_trim(short_text(p, i), WORK);
	p->event.open = 0;
	p->began = INT64_MIN;
	p->day[0] = '\0';
	p->programs = 0;
	p->user.rank = p->customer.rank = -1;
	p->folded = 0;
	p->ended = 0;
	p->sum.start[0] = p->sum.end[0] = '\0';
	p->sum.over = 0;
	p->sum.events = p->sum.commands = p->sum.chats = p->sum.files = 0;
}

static struct rec_value
shorter(struct rec_value v)
{
	if (v.n > SHORT)
		v.n = utf8_floor(v.p, SHORT);
	return v;
}

static void
keep(struct buf *b, struct rec_value v)
{
	v = shorter(v);
	buf_reset(b);
	buf_add(b, v.p, v.n);
}

/* The end of a part, to be added to; then call check(). */
static struct buf *
tail(struct page *p, enum part part)
{
	return &p->part[part].mem;
}

static void
check(struct page *p, enum part part)
{
	held_check(&p->part[part]);
}

/* All of a value, however long, in pieces. */
static void
add_text(struct page *p, enum part part, struct rec_value v)
{
	size_t piece;

	for (; v.n > 0; v.p += piece, v.n -= piece) {
		piece = v.n > WORK ? utf8_floor(v.p, WORK) : v.n;
		html_text(tail(p, part), v.p, piece);
		check(p, part);
	}
}

/* Where it would hide what follows, folded. */
static void
add_value(struct page *p, enum part part, struct rec_value v)
{
	int is_long = v.n > LONG_VALUE;

	if (is_long) {
		buf_adds(tail(p, part), "<details><summary>");
		html_text(tail(p, part), v.p, utf8_floor(v.p, 100));
		buf_printf(tail(p, part), " … (%zu bytes)</summary>", v.n);
	}
	add_text(p, part, v);
	if (is_long)
		buf_adds(tail(p, part), "</details>");
}

/* A list gets one more item: what stands before it. */
static void
next_item(struct page *p, enum part part)
{
	struct buf *b = tail(p, part);

	if (p->n[part] == 0)
		buf_adds(b, list[part].open);
	else if (p->n[part] % FOLD == 0) {
		buf_adds(b, list[part].close);
		if (p->n[part] > FOLD)
			buf_adds(b, "</details>\n");
		buf_printf(b,
		    "<details class=\"fold\"><summary>From number %llu on: %s, %s</summary>\n",
		    (unsigned long long)p->n[part] + 1, p->event.clock, p->event.span);
		buf_adds(b, list[part].open);
	}
	p->n[part]++;
}

static void
end_list(struct page *p, enum part part)
{
	struct buf *b = tail(p, part);

	if (p->n[part] == 0)
		return;
	buf_adds(b, list[part].close);
	if (p->n[part] > FOLD)
		buf_adds(b, "</details>\n");
	check(p, part);
}

/* <dt> at the top of the page; its <dd> is to follow.  0: there are enough. */
static int
next_fact(struct page *p, const char *name)
{
	if (p->n[FACT] >= FACTS) {
		p->folded++;
		return 0;
	}
	p->n[FACT]++;
	buf_printf(tail(p, FACT), "<dt>%s</dt><dd>", name);
	return 1;
}

/* Of the event, on the page. */
static void
add_id(struct page *p, struct buf *b)
{
	char seq[NUM_SIZE];

	buf_adds(b, p->prefix);
	buf_addc(b, 'e');
	buf_add(b, seq, (size_t)num_format(p->event.seq, seq));
}

/* The event's time, as a link to it in the timeline. */
static void
add_moment(struct page *p, enum part part)
{
	struct buf *b = tail(p, part);

	buf_adds(b, "<a href=\"#");
	add_id(p, b);
	buf_adds(b, "\">");
	buf_adds(b, p->event.clock);
	buf_adds(b, "</a>");
}

static void
add_fact(struct page *p, const char *name, struct rec_value v, int of_event)
{
	if (v.n == 0 || !next_fact(p, name))
		return;
	if (of_event) {
		add_moment(p, FACT);
		buf_addc(tail(p, FACT), ' ');
	}
	add_value(p, FACT, v);
	buf_adds(tail(p, FACT), "</dd>\n");
	check(p, FACT);
}

static void
close_event(struct page *p)
{
	struct event *e = &p->event;
	struct buf *b;

	if (!e->open)
		return;
	e->open = 0;
	buf_adds(tail(p, EVENTS), e->dl ? "</dl></li>\n" : "</li>\n");
	check(p, EVENTS);
	if (e->kind != IS_FILE)
		return;
	b = tail(p, FILES);
	buf_adds(b, "</td><td>");
	buf_add(b, e->by.p, e->by.n);
	if (e->to.n > 0 && e->by.n > 0)
		buf_adds(b, " → ");
	buf_add(b, e->to.p, e->to.n);
	buf_adds(b, "</td></tr>\n");
	check(p, FILES);
}

/* 1: another day than that of the event before begins. */
static int
set_time(struct page *p, struct rec_value v)
{
	struct event *e = &p->event;
	struct buf *b = &p->scratch;
	int64_t t;

	strcpy(e->clock, "--:--:--");
	strcpy(e->span, "-");
	if (v.p == NULL || when_parse(v.p, v.n, &t) == -1)
		return 0;
	memcpy(e->clock, v.p + 11, 8);
	e->clock[8] = '\0';
	if (p->began == INT64_MIN)
		p->began = t;
	buf_reset(b);
	html_span(b, t - p->began);
	memcpy(e->span, buf_text(b), b->n + 1); /* at most 16 digits and signs */
	if (memcmp(p->day, v.p, 10) == 0)
		return 0;
	memcpy(p->day, v.p, 10);
	p->day[10] = '\0';
	return 1;
}

static enum kind
find_kind(struct rec_value type)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (value_starts(type, kinds[i].type))
			return kinds[i].kind;
	return OTHER;
}

/* Somebody's name, however the text in it runs, apart from what is around it. */
static void
add_name(struct buf *b, struct rec_value v, const char *class)
{
	if (v.n == 0)
		return;
	buf_adds(b, "<bdi class=\"");
	buf_adds(b, class);
	buf_adds(b, "\">");
	html_value(b, shorter(v));
	buf_adds(b, "</bdi>");
}

static void
file_begin(struct page *p)
{
	struct buf *b = tail(p, FILES);

	next_item(p, FILES);
	buf_adds(b, "<tr><td>");
	add_moment(p, FILES);
	buf_adds(b, "</td><td>");
	buf_add(b, p->event.type.p, p->event.type.n);
	buf_adds(b, "</td><td>");
}

static void
shell_begin(struct page *p)
{
	next_item(p, SHELL);
	buf_adds(tail(p, SHELL), "<li class=\"start\">");
	add_moment(p, SHELL);
	buf_printf(tail(p, SHELL), " %.*s", (int)p->event.type.n, p->event.type.p);
	if (p->event.by.n > 0)
		buf_printf(tail(p, SHELL), ": %.*s", (int)p->event.by.n, p->event.by.p);
	buf_adds(tail(p, SHELL), "</li>\n");
	check(p, SHELL);
}

static void
event_row(struct page *p, const struct rec_value *v)
{
	struct event *e = &p->event;
	struct buf *b = tail(p, EVENTS);
	int new_day;

	close_event(p);
	e->open = 1;
	e->dl = e->items = e->body = 0;
	e->seq = -1;
	if (v[EVENT_SEQ].p != NULL)
		(void)num_parse(v[EVENT_SEQ].p, v[EVENT_SEQ].n, &e->seq);
	e->kind = find_kind(v[EVENT_TYPE]);
	p->of_kind[e->kind]++;
	p->sum.events++;
	p->ended |= value_is(v[EVENT_TYPE], "Session End");
	e->from_user = value_is(v[EVENT_PERFORMED_BY_TYPE], "representative") ||
	    value_is(v[EVENT_PERFORMED_BY_TYPE], "user");
	buf_trim(&e->type, WORK);
	buf_trim(&e->by, WORK);
	buf_trim(&e->to, WORK);
	html_value(&e->type, shorter(v[EVENT_TYPE]));
	add_name(&e->by, v[EVENT_PERFORMED_BY], e->from_user ? "user" : "other");
	add_name(&e->to, v[EVENT_DESTINATION], "to");

	new_day = set_time(p, v[EVENT_EVENT_TIME]);
	next_item(p, EVENTS);
	if (new_day)
		buf_printf(b, "<li class=\"day\">%s</li>\n", p->day);
	/* The most frequent of all: without printf. */
	buf_adds(b, "<li id=\"");
	add_id(p, b);
	buf_adds(b, "\" class=\"");
	buf_addc(b, kind_class[e->kind]);
	buf_adds(b, "\">");
	if (e->clock[0] != '-') {
		buf_adds(b, "<time datetime=\"");
		buf_adds(b, p->day);
		buf_addc(b, 'T');
		buf_adds(b, e->clock);
		buf_adds(b, "Z\">");
		buf_adds(b, e->clock);
		buf_adds(b, "</time><i>");
	} else
		buf_adds(b, "<span>no time</span><i>");
	buf_adds(b, e->span);
	buf_adds(b, "</i> <b>");
	buf_add(b, e->type.p, e->type.n);
	buf_adds(b, "</b> ");
	buf_add(b, e->by.p, e->by.n);
	if (e->to.n > 0) {
		buf_adds(b, " → ");
		buf_add(b, e->to.p, e->to.n);
	}
	check(p, EVENTS);
	if (e->kind == IS_FILE)
		file_begin(p);
	else if (e->kind == IS_SHELL && !value_is(v[EVENT_TYPE], "Remote Shell Event"))
		shell_begin(p);
}

static void
chat_text(struct page *p, struct rec_value v)
{
	struct event *e = &p->event;

	next_item(p, CHAT);
	buf_printf(tail(p, CHAT), "<li class=\"%s\"><div>", e->from_user ? "us" : "them");
	add_moment(p, CHAT);
	buf_printf(tail(p, CHAT), " %.*s", (int)e->by.n, e->by.p);
	if (e->to.n > 0)
		buf_printf(tail(p, CHAT), " → %.*s", (int)e->to.n, e->to.p);
	buf_adds(tail(p, CHAT), "</div><div class=\"said\">");
	add_value(p, CHAT, v);
	buf_adds(tail(p, CHAT), "</div></li>\n");
	check(p, CHAT);
	p->sum.chats++;
}

static void
shell_text(struct page *p, struct rec_value v)
{
	next_item(p, SHELL);
	buf_adds(tail(p, SHELL), p->event.from_user ? "<li class=\"in\">" : "<li class=\"out\">");
	if (p->event.from_user) {
		add_moment(p, SHELL);
		buf_adds(tail(p, SHELL), " <b>");
	}
	add_text(p, SHELL, v);
	buf_adds(tail(p, SHELL), p->event.from_user ? "</b></li>\n" : "</li>\n");
	check(p, SHELL);
	p->sum.commands += (uint64_t)p->event.from_user;
}

/* A name, its size behind it; where it is now; and what else is said. */
static void
file_data(struct page *p, struct rec_value name, struct rec_value v)
{
	struct buf *b = tail(p, FILES);
	uint64_t bytes;

	if (v.n == 0)
		return;
	if (value_is(name, "filesize") && num_parse_count(v.p, v.n, UINT64_MAX, &bytes) == 0) {
		buf_adds(b, ", ");
		html_bytes(b, bytes);
		return;
	}
	if (value_is(name, "new_path"))
		buf_adds(b, " → ");
	else if (p->event.items > 0)
		buf_adds(b, "<br>");
	if (!value_is(name, "filename") && !value_is(name, "path") && !value_is(name, "old_path") &&
	    !value_is(name, "new_path")) {
		buf_adds(b, "<small>");
		html_value(b, shorter(name));
		buf_adds(b, "</small> ");
	} else if (value_is(name, "filename"))
		p->sum.files++;
	p->event.items++;
	buf_adds(b, "<bdi class=\"file\">");
	add_text(p, FILES, v);
	buf_adds(b, "</bdi>");
}

/* Which programs were in the foreground, and how often. */
static void
count_program(struct page *p, struct rec_value v)
{
	struct program *f;
	int i;

	v = shorter(v);
	for (i = 0; i < p->programs; i++) {
		f = &p->program[i];
		if (f->name.n == v.n && memcmp(f->name.p, v.p, v.n) == 0) {
			f->n++;
			return;
		}
	}
	if (v.n == 0 || p->programs == PROGRAMS)
		return;
	f = &p->program[p->programs++];
	keep(&f->name, v);
	f->n = 1;
}

/* What belongs to the top of the page, too. */
static void
notable_data(struct page *p, struct rec_value name, struct rec_value v)
{
	static const struct {
		const char *name, *fact;
	} notable[] = {
	    {"request_reason", "Reason given"},
	    {"approver_name", "Approved by"},
	    {"approver_comments", "Approver’s comment"},
	    {"credential_name", "Credential used"},
	    {"failure_reason", "Why it failed"},
	};
	size_t i;

	for (i = 0; i < sizeof(notable) / sizeof(notable[0]); i++)
		if (value_is(name, notable[i].name))
			add_fact(p, notable[i].fact, v, 1);
	if (p->event.kind == IS_NOTE && value_is(name, "body"))
		add_fact(p, "Note", v, 1);
	if (p->event.kind == IS_WINDOW && value_is(name, "exeName"))
		count_program(p, v);
}

static void
data_row(struct page *p, const struct rec_value *r)
{
	struct event *e = &p->event;
	struct rec_value name = r[DATA_NAME], v = r[DATA_VALUE];

	/* Its text came as body. */
	if (value_is(name, "encoded_body") && e->body)
		return;
	e->body |= value_is(name, "body");
	buf_adds(tail(p, EVENTS), e->dl++ ? "<dt>" : "<dl><dt>");
	html_value(tail(p, EVENTS), shorter(name));
	buf_adds(tail(p, EVENTS), "</dt><dd>");
	add_value(p, EVENTS, v);
	buf_adds(tail(p, EVENTS), "</dd>");
	check(p, EVENTS);
	if (e->kind == IS_CHAT && value_is(name, "body"))
		chat_text(p, v);
	else if (e->kind == IS_SHELL && (value_is(name, "text") || value_is(name, "body")))
		shell_text(p, v);
	else if (e->kind == IS_FILE)
		file_data(p, name, v);
	notable_data(p, name, v);
}

/* &lt; &gt; &amp; &quot; of the records' own XML, back to text. */
static void
add_xml_text(struct buf *out, const char *p, const char *end)
{
	static const struct {
		const char *name;
		char c;
	} entity[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}};
	size_t i;

	while (p < end) {
		for (i = 0; i < 4; i++)
			if ((size_t)(end - p) >= strlen(entity[i].name) &&
			    memcmp(p, entity[i].name, strlen(entity[i].name)) == 0)
				break;
		buf_addc(out, i < 4 ? entity[i].c : *p);
		p += i < 4 ? strlen(entity[i].name) : 1;
	}
}

/* Behind this text, if it stands at *p, or else NULL. */
static const char *
behind(const char *p, const char *end, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(end - p) >= n && memcmp(p, text, n) == 0 ? p + n : NULL;
}

/* <field name="...">...</field>: where it ends; NULL when there is none. */
static const char *
add_field(struct page *p, const char *at, const char *end, int names)
{
	const char *name = behind(at, end, "<field name=\""), *name_end, *text, *text_end;

	if (name == NULL || (name_end = memchr(name, '"', (size_t)(end - name))) == NULL ||
	    (text = behind(name_end, end, "\">")) == NULL ||
	    (text_end = memchr(text, '<', (size_t)(end - text))) == NULL)
		return NULL;
	buf_trim(&p->cell, WORK);
	if (names)
		add_xml_text(&p->cell, name, name_end);
	else
		add_xml_text(&p->cell, text, text_end);
	buf_adds(tail(p, SYSINFO), names ? "<th scope=\"col\">" : "<td>");
	html_text(tail(p, SYSINFO), p->cell.p, p->cell.n);
	buf_adds(tail(p, SYSINFO), names ? "</th>" : "</td>");
	check(p, SYSINFO);
	return behind(text_end, end, "</field>");
}

/* A category of what the endpoint said of itself: a table, named by its first
 * row. */
static void
sysinfo_row(struct page *p, const struct rec_value *r)
{
	struct buf *b = tail(p, SYSINFO);
	struct rec_value v = r[SYSINFO_INFORMATION];
	const char *at = v.p, *end = v.p + v.n, *field;
	int heads = 1;

	p->n[SYSINFO]++;
	buf_adds(b, "<details><summary>");
	html_value(b, shorter(r[SYSINFO_CATEGORY]));
	buf_printf(b, ", %s</summary>\n", p->event.clock);
	if (v.n == 0) {
		buf_adds(b, "<p>Nothing.</p></details>\n");
		check(p, SYSINFO);
		return;
	}
	buf_adds(
	    b, "<div class=\"wide\" role=\"region\" aria-label=\"Table\" tabindex=\"0\"><table>\n");
	for (; at != NULL && (at = behind(at, end, "<row>")) != NULL;
	     at = behind(at, end, "</row>")) {
		if (behind(at, end, "<field") == NULL)
			continue;
		if (heads)
			buf_adds(b, "<thead><tr>");
		for (field = at; heads && field != NULL;)
			field = add_field(p, field, end, 1);
		buf_adds(b, heads ? "</tr></thead>\n<tbody>\n<tr>" : "<tr>");
		heads = 0;
		while ((field = add_field(p, at, end, 0)) != NULL)
			at = field;
		buf_adds(b, "</tr>\n");
	}
	buf_adds(b, heads ? "</table></div></details>\n" : "</tbody></table></div></details>\n");
	check(p, SYSINFO);
}

static void
add_cell(struct page *p, struct rec_value v, const char *before)
{
	if (v.n == 0)
		return;
	buf_adds(tail(p, PEOPLE), before);
	buf_adds(tail(p, PEOPLE), "<bdi>");
	html_value(tail(p, PEOPLE), shorter(v));
	buf_adds(tail(p, PEOPLE), "</bdi>");
}

static void
add_person(struct page *p, struct rec_value name, struct rec_value account, const char *part,
    const struct rec_value cell[4], struct rec_value seconds)
{
	struct buf *b = tail(p, PEOPLE);
	uint64_t s;

	next_item(p, PEOPLE);
	buf_adds(b, "<tr><th scope=\"row\">");
	add_cell(p, name, "");
	buf_adds(b, "</th><td>");
	add_cell(p, account, "");
	buf_printf(b, "</td><td>%s</td><td>", part);
	add_cell(p, cell[0], "");
	add_cell(p, cell[1], cell[0].n > 0 ? "<br>" : "");
	buf_adds(b, "</td><td>");
	add_cell(p, cell[2], "");
	add_cell(p, cell[3], cell[2].n > 0 ? "<br>" : "");
	buf_adds(b, "</td><td>");
	if (seconds.p != NULL && num_parse_count(seconds.p, seconds.n, INT64_MAX, &s) == 0)
		html_span(b, (int64_t)s);
	buf_adds(b, "</td></tr>\n");
	check(p, PEOPLE);
}

static void
keep_person(struct person *to, int rank, struct rec_value name, struct rec_value account,
    struct rec_value address, struct rec_value computer)
{
	if (rank <= to->rank)
		return;
	to->rank = rank;
	keep(&to->name, name);
	keep(&to->account, account);
	keep(&to->address, address);
	keep(&to->computer, computer);
}

static int
is_true(struct rec_value v)
{
	return value_is(v, "1");
}

static void
keep_name(struct page *p, struct rec_value v)
{
	v = shorter(v);
	if (v.n == 0 || memchr(v.p, '\n', v.n) != NULL || p->names.n > 4 * SHORT)
		return;
	buf_add(&p->names, v.p, v.n);
	buf_addc(&p->names, '\n');
}

static void
user_row(struct page *p, const struct rec_value *v)
{
	const struct rec_value cell[4] = {
	    v[USER_PUBLIC_IP], v[USER_PRIVATE_IP], v[USER_HOST_NAME], v[USER_OPERATING_SYSTEM]};
	int primary = is_true(v[USER_IS_PRIMARY]), owner = is_true(v[USER_IS_OWNER]);
	struct rec_value name = v[USER_DISPLAY_NAME];

	if (name.n == 0)
		name = v[USER_PUBLIC_DISPLAY_NAME];
	keep_name(p, name.n > 0 ? name : v[USER_USER_NAME]);
	add_person(p, name, v[USER_USER_NAME],
	    primary			 ? "primary" :
		owner			 ? "owner" :
		is_true(v[USER_INVITED]) ? "invited" :
					   "participant",
	    cell, v[USER_DURATION]);
	keep_person(&p->user, primary * 2 + owner, name, v[USER_USER_NAME], v[USER_PUBLIC_IP],
	    v[USER_HOST_NAME]);
}

static void
customer_row(struct page *p, const struct rec_value *v)
{
	static const struct rec_value none;
	const struct rec_value cell[4] = {v[CUSTOMER_PUBLIC_IP], v[CUSTOMER_PRIVATE_IP],
	    v[CUSTOMER_HOST_NAME], v[CUSTOMER_OPERATING_SYSTEM]};
	struct rec_value name = v[CUSTOMER_DISPLAY_NAME];

	if (name.n == 0)
		name = v[CUSTOMER_HOST_NAME];
	add_person(p, name, v[CUSTOMER_USER_NAME], "endpoint or customer", cell, none);
	if (p->customer.rank == -1) {
		keep(&p->issue, v[CUSTOMER_ISSUE_DESCRIPTION]);
		if (p->issue.n == 0)
			keep(&p->issue, v[CUSTOMER_ISSUE]);
	}
	keep_person(&p->customer, 0, name, v[CUSTOMER_USER_NAME], v[CUSTOMER_PRIVATE_IP],
	    v[CUSTOMER_HOST_NAME]);
	add_fact(p, "Company", v[CUSTOMER_COMPANY_NAME], 0);
}

static void
attribute_row(struct page *p, const struct rec_value *v)
{
	struct rec_value name = v[CUSTOM_ATTRIBUTE_DISPLAY_NAME];

	if (name.n == 0)
		name = v[CUSTOM_ATTRIBUTE_CODE_NAME];
	if (v[CUSTOM_ATTRIBUTE_VALUE].n == 0)
		return;
	buf_reset(&p->scratch);
	html_value(&p->scratch, shorter(name));
	add_fact(p, buf_text(&p->scratch), v[CUSTOM_ATTRIBUTE_VALUE], 0);
}

static void
session_row(struct page *p, const struct rec_value *v)
{
	int i;

	for (i = 0; i < SESSION_COLUMNS; i++)
		keep(&p->value[i], v[i]);
	if (v[SESSION_START_TIME].n == 20)
		memcpy(p->sum.start, v[SESSION_START_TIME].p, 20);
	if (v[SESSION_END_TIME].n == 20)
		memcpy(p->sum.end, v[SESSION_END_TIME].p, 20);
	p->sum.start[v[SESSION_START_TIME].n == 20 ? 20 : 0] = '\0';
	p->sum.end[v[SESSION_END_TIME].n == 20 ? 20 : 0] = '\0';
	/* Streams of 1.0 have no column over. */
	p->sum.over = v[SESSION_OVER].p != NULL ? is_true(v[SESSION_OVER]) :
						  p->ended || v[SESSION_END_TIME].p != NULL;
}

static void
recording_row(struct page *p, const struct rec_value *v)
{
	struct buf *b = &p->sum.expected;
	struct rec_value kind = v[RECORDING_KIND];

	if (b->n > WORK ||
	    !(value_is(kind, "recording") || value_is(kind, "shell") || value_is(kind, "screen")))
		return;
	buf_add(b, kind.p, kind.n);
	buf_addc(b, ' ');
	buf_add(b, v[RECORDING_INSTANCE].p, v[RECORDING_INSTANCE].n);
	buf_addc(b, '\n');
}

/* Its seq comes first. */
static int
is_of_event(const struct page *p, struct rec_value event_seq)
{
	int64_t seq;

	return p->event.open && event_seq.p != NULL &&
	    num_parse(event_seq.p, event_seq.n, &seq) == 0 && seq == p->event.seq;
}

void
page_row(struct page *p, struct rec_reader *r)
{
	const struct rec_value *v = r->value;

	if ((r->table == TABLE_SESSION_EVENT_DATA || r->table == TABLE_SYSTEM_INFORMATION) &&
	    !is_of_event(p, v[0])) {
		rec_reject(r, "a row of an event does not stand behind the event's own row");
		return;
	}
	if (r->table == TABLE_SESSION)
		session_row(p, v);
	else if (r->table == TABLE_USER)
		user_row(p, v);
	else if (r->table == TABLE_TEAM && v[TEAM_NAME].n > 0 && p->teams.n < SHORT) {
		if (p->teams.n > 0)
			buf_adds(&p->teams, ", ");
		buf_add(&p->teams, v[TEAM_NAME].p, shorter(v[TEAM_NAME]).n);
	} else if (r->table == TABLE_CUSTOMER)
		customer_row(p, v);
	else if (r->table == TABLE_CUSTOM_ATTRIBUTE)
		attribute_row(p, v);
	else if (r->table == TABLE_SESSION_EVENT)
		event_row(p, v);
	else if (r->table == TABLE_SESSION_EVENT_DATA)
		data_row(p, v);
	else if (r->table == TABLE_SYSTEM_INFORMATION)
		sysinfo_row(p, v);
	else if (r->table == TABLE_RECORDING)
		recording_row(p, v);
}

static void
move(struct buf *to, const struct buf *from)
{
	buf_reset(to);
	buf_add(to, from->p, from->n);
}

/* Who took part besides the one at the top, each once. */
static void
set_people(struct page *p)
{
	struct buf *b = &p->sum.people, who = {0};
	const char *line = p->names.p, *end = line + p->names.n, *lf, *seen;

	buf_add(&who, p->sum.who.p, p->sum.who.n);
	buf_addc(&who, '\n');
	for (; line < end && b->n < SHORT; line = lf + 1) {
		lf = memchr(line, '\n', (size_t)(end - line));
		seen = memmem(
		    p->names.p, (size_t)(lf + 1 - p->names.p), line, (size_t)(lf + 1 - line));
		if (lf == line || seen != line ||
		    ((size_t)(lf + 1 - line) == who.n && memcmp(line, who.p, who.n) == 0))
			continue;
		buf_adds(b, b->n > 0 ? ", " : "");
		buf_add(b, line, (size_t)(lf - line));
	}
	buf_free(&who);
}

const struct summary *
page_end(struct page *p)
{
	struct summary *s = &p->sum;
	int i;

	close_event(p);
	for (i = 0; i < PARTS; i++)
		if (i != SYSINFO && i != FACT)
			end_list(p, (enum part)i);
	move(&s->type, &p->value[SESSION_TYPE]);
	move(&s->who, p->user.name.n > 0 ? &p->user.name : &p->user.account);
	set_people(p);
	move(&s->endpoint, p->customer.name.n > 0 ? &p->customer.name : &p->customer.computer);
	move(&s->key, &p->value[SESSION_EXTERNAL_KEY]);
	move(&s->group, &p->value[SESSION_JUMP_GROUP_NAME]);
	move(&s->duration, &p->value[SESSION_DURATION]);
	return s;
}

/* From here on: the page itself. */

static void
put(struct page *p)
{
	p->to.put(p->to.arg, p->out.p, p->out.n);
	buf_trim(&p->out, WORK);
}

static void
put_list(struct page *p, enum part part)
{
	const char *piece;
	size_t n = WORK;
	off_t at;

	put(p);
	for (at = 0; (piece = held_at(&p->part[part], at, &n)) != NULL; at += (off_t)n, n = WORK)
		p->to.put(p->to.arg, piece, n);
}

static void
put_part(struct page *p, enum part part, const char *id, const char *title)
{
	if (p->n[part] == 0)
		return;
	buf_printf(&p->out, "<section id=\"%s%s\">\n<h2>%s</h2>\n", p->prefix, id, title);
	put_list(p, part);
	buf_adds(&p->out, "</section>\n");
}

static void
put_text(struct page *p, const struct buf *text)
{
	buf_adds(&p->out, "<bdi>");
	html_text(&p->out, text->p, text->n);
	buf_adds(&p->out, "</bdi>");
}

static void
put_fact(struct page *p, const char *name, const struct buf *text)
{
	if (text->n == 0)
		return;
	buf_printf(&p->out, "<dt>%s</dt><dd>", name);
	put_text(p, text);
	buf_adds(&p->out, "</dd>\n");
}

static void
put_person(struct page *p, const char *name, const struct person *who)
{
	const struct buf *also[] = {&who->account, &who->computer, &who->address};
	size_t i;

	if (who->name.n + who->account.n + who->computer.n + who->address.n == 0)
		return;
	buf_printf(&p->out, "<dt>%s</dt><dd><strong>", name);
	put_text(p, who->name.n > 0 ? &who->name : &who->account);
	buf_adds(&p->out, "</strong>");
	for (i = 0; i < 3; i++) {
		if (also[i]->n == 0 || (i == 0 && who->name.n == 0) ||
		    (also[i]->n == who->name.n &&
			memcmp(also[i]->p, who->name.p, who->name.n) == 0))
			continue;
		buf_adds(&p->out, " · ");
		put_text(p, also[i]);
	}
	buf_adds(&p->out, "</dd>\n");
}

static void
put_when(struct page *p)
{
	struct rec_value start = {p->sum.start, strlen(p->sum.start)};
	struct rec_value end = {p->sum.end, strlen(p->sum.end)};

	buf_adds(&p->out, "<dt>When</dt><dd class=\"when\">");
	if (start.n > 0)
		html_time(&p->out, start);
	else
		buf_adds(&p->out, "start not known");
	buf_adds(&p->out, " – ");
	if (end.n > 0 && memcmp(p->sum.start, p->sum.end, 10) == 0)
		buf_printf(&p->out, "<time datetime=\"%s\">%.8s</time>", end.p, end.p + 11);
	else if (end.n > 0)
		html_time(&p->out, end);
	else
		buf_adds(&p->out, p->sum.over ? "no end time" : "in progress");
	buf_adds(&p->out, " UTC");
	if (p->sum.duration.n > 0) {
		buf_adds(&p->out, " · ");
		put_text(p, &p->sum.duration);
	}
	buf_adds(&p->out, "</dd>\n");
}

static void
put_count(struct page *p, uint64_t n, const char *what, const char *whats, const char *id, int *any)
{
	if (n == 0)
		return;
	buf_printf(&p->out, "%s<a href=\"#%s%s\">%llu %s</a>", *any ? ", " : "", p->prefix, id,
	    (unsigned long long)n, n == 1 ? what : whats);
	*any = 1;
}

static void
put_done(struct page *p)
{
	int any = 0, i;

	buf_adds(&p->out, "<dt>Done</dt><dd>");
	put_count(p, p->sum.commands, "command", "commands", "commands", &any);
	put_count(p, p->of_kind[IS_FILE], "file event", "file events", "files", &any);
	put_count(p, p->sum.chats, "chat message", "chat messages", "chat", &any);
	put_count(p, p->of_kind[IS_CHANGE], "change of the system", "changes of the system",
	    "events", &any);
	put_count(p, p->of_kind[IS_CREDENTIAL], "use of a credential", "uses of credentials",
	    "events", &any);
	put_count(p, p->sum.events, "event in all", "events in all", "events", &any);
	buf_adds(&p->out, any ? "</dd>\n" : "nothing</dd>\n");
	for (i = 0; i < p->programs; i++) {
		buf_adds(&p->out, i == 0 ? "<dt>Programs</dt><dd>" : ", ");
		put_text(p, &p->program[i].name);
		buf_printf(&p->out, " %llu×", (unsigned long long)p->program[i].n);
	}
	if (p->programs > 0)
		buf_adds(&p->out, p->programs == PROGRAMS ? " …</dd>\n" : "</dd>\n");
}

/* What can be left out of the timeline, by a style without a script. */
static void
put_filter(struct page *p)
{
	static const struct {
		enum kind kind;
		const char *name;
	} box[] = {
	    {IS_WINDOW, "windows and clicks"},
	    {IS_SHELL, "commands"},
	    {IS_CHAT, "chat"},
	    {IS_FILE, "files"},
	    {IS_CHANGE, "changes of the system"},
	    {IS_CREDENTIAL, "credentials"},
	};
	size_t i;

	buf_adds(&p->out, "<fieldset class=\"show\"><legend>Show</legend>\n");
	for (i = 0; i < sizeof(box) / sizeof(box[0]); i++)
		if (p->of_kind[box[i].kind] > 0)
			buf_printf(&p->out,
			    "<label><input type=\"checkbox\" class=\"%c\" checked> %s "
			    "(%llu)</label>\n",
			    kind_class[box[i].kind], box[i].name,
			    (unsigned long long)p->of_kind[box[i].kind]);
	buf_adds(&p->out, "</fieldset>\n");
}

void
page_title(const struct page *p, struct buf *b)
{
	const struct summary *s = &p->sum;

	buf_add(b, s->who.p, s->who.n);
	if (s->who.n > 0 && s->endpoint.n > 0)
		buf_adds(b, " → ");
	buf_add(b, s->endpoint.p, s->endpoint.n);
	if (b->n == 0)
		buf_adds(b, "Session");
	if (s->start[0] != '\0')
		buf_printf(b, ", %.10s", s->start);
}

static void
put_header(struct page *p, const struct rec_reader *r)
{
	struct summary *s = &p->sum;
	struct buf lsid = {(char *)r->lsid.p, r->lsid.n, 0},
		   host = {(char *)r->host.p, r->host.n, 0};

	buf_adds(&p->out, "<header>\n<h1>");
	if (s->who.n > 0)
		put_text(p, &s->who);
	if (s->who.n > 0 && s->endpoint.n > 0)
		buf_adds(&p->out, " <span aria-label=\"to\" role=\"img\">→</span> ");
	if (s->endpoint.n > 0)
		put_text(p, &s->endpoint);
	buf_adds(&p->out, s->who.n + s->endpoint.n == 0 ? "Session</h1>\n" : "</h1>\n");
	if (!s->over)
		buf_adds(&p->out,
		    "<p class=\"mark\">In progress: this page shows the session as it was when it "
		    "was last read.</p>\n");
	else if (s->end[0] == '\0')
		buf_adds(&p->out,
		    "<p class=\"mark\">This session has no end time: it closed "
		    "abnormally.</p>\n");
	buf_adds(&p->out, "<dl class=\"facts\">\n");
	put_person(p, "Who", &p->user);
	put_person(p, "Where", &p->customer);
	put_when(p);
	put_fact(p, "External key", &s->key);
	put_fact(p, "Issue", &p->issue);
	put_list(p, FACT);
	put_done(p);
	put_fact(p, "Jump group", &s->group);
	put_fact(p, "Jumpoint", &p->value[SESSION_JUMPOINT_NAME]);
	put_fact(p, "Team", &p->teams);
	put_fact(p, "Public site", &p->value[SESSION_PUBLIC_SITE_NAME]);
	put_fact(p, "Kind", &s->type);
	put_fact(p, "Site", &host);
	put_fact(p, "Session id", &lsid);
	put_fact(p, "Number", &p->value[SESSION_LSEQ]);
	buf_adds(&p->out, "</dl>\n</header>\n");
}

void
page_write(struct page *p, const struct rec_reader *r, const struct buf *recordings, const char *up,
    struct sink to)
{
	p->to = to;
	if (up != NULL)
		buf_printf(&p->out,
		    "<nav><a href=\"%s\">All sessions</a> <a href=\"./\">"
		    "This month</a></nav>\n",
		    up);
	buf_adds(&p->out, p->prefix[0] == '\0' ? "<main>\n<article>\n" : "<article>\n");
	put_header(p, r);
	put_part(p, PEOPLE, "people", "People and endpoint");
	buf_add(&p->out, recordings->p, recordings->n);
	put_part(p, FILES, "files", "Files");
	put_part(p, SHELL, "commands", "Commands");
	put_part(p, CHAT, "chat", "Chat");
	put_part(p, SYSINFO, "system", "System information");
	if (p->n[EVENTS] > 0) {
		buf_printf(&p->out, "<section id=\"%sevents\">\n<h2>All events</h2>\n", p->prefix);
		put_filter(p);
		put_list(p, EVENTS);
		buf_adds(&p->out, "</section>\n");
	}
	buf_adds(&p->out, "</article>\n");
	put(p);
}
