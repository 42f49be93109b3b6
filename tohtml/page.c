/*
 * The page of one session: see tohtml.h.  From top to bottom: who, where, when, why;
 * how much was done, and which files were moved; files, commands and chat; all events
 * in their order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "code.h"
#include "num.h"
#include "tohtml.h"
#include "utf8.h"
#include "when.h"

/* Lists are folded after each so many lines. */
#define FOLD 500
/* A value that is longer is folded. */
#define LONG_VALUE 2000
/* The top of the page shows so much of a value, so many names of each tally, and so
 * many notes and reasons: the timeline has all of them. */
#define SHORT	512
#define TALLIED 12
#define FACTS	30

#define WORK ((size_t)64 << 10)
/* Memory for each part of the page; the rest of a larger one is in a temporary file. */
#define PART_ROOM ((size_t)512 << 10)

/* In the order of the page. */
enum part { FACT, PEOPLE, FILES, SHELL, CHAT, SYSINFO, EVENTS, PARTS };

#define TABLE(label)                                                                            \
	"<div class=\"wide\" role=\"region\" aria-label=\"" label "\" tabindex=\"0\"><table>\n" \
	"<thead><tr>"
#define TABLE_ROWS "</tr></thead>\n<tbody>\n"
#define TABLE_END  "</tbody></table></div>\n"
#define HEAD(name) "<th scope=\"col\">" name "</th>"

/* How each part begins and ends, and how its list shows the data of an event. */
static const struct {
	const char *id, *title, *open, *close, *data, *end_data;
} form[PARTS] = {
    [PEOPLE] = {"people", "People and endpoint",
	TABLE("People") HEAD("Name") HEAD("Account") HEAD("Part") HEAD("Addresses") HEAD("Computer")
	    HEAD("Time in session") TABLE_ROWS,
	TABLE_END, NULL, NULL},
    [FILES] = {"files", "Files", "<ol class=\"files\">\n", "</ol>\n", "<span class=\"file\">",
	"</span> "},
    [SHELL] = {"commands", "Commands", "<ol class=\"shell\">\n", "</ol>\n", "<code>", "</code>"},
    [CHAT] = {"chat", "Chat", "<ol class=\"chat\">\n", "</ol>\n", "<div class=\"said\">", "</div>"},
    [SYSINFO] = {"system", "System information", "", "", NULL, NULL},
    [EVENTS] = {"events", "All events", "<ol class=\"events\">\n", "</ol>\n", NULL, NULL},
};

/* Kinds of events: class, names, and the part that lists them besides the timeline. */
enum kind { OTHER, A_CHAT, A_SHELL, A_FILE, A_WINDOW, A_CHANGE, A_CREDENTIAL, A_NOTE, KINDS };
static const struct {
	char class;
	const char *one, *many, *box; /* at the top; in the filter */
	enum part part;
} kinds[KINDS] = {
    [OTHER] = {'o', NULL, NULL, NULL, EVENTS},
    [A_CHAT] = {'c', "chat message", "chat messages", "chat", CHAT},
    [A_SHELL] = {'s', NULL, NULL, "commands", SHELL},
    [A_FILE] = {'f', "file event", "file events", "files", FILES},
    [A_WINDOW] = {'w', NULL, NULL, "windows and clicks", EVENTS},
    [A_CHANGE] = {'r', "change of the system", "changes of the system", "changes of the system",
	EVENTS},
    [A_CREDENTIAL] = {'k', "use of a credential", "uses of credentials", "credentials", EVENTS},
    [A_NOTE] = {'o', NULL, NULL, NULL, EVENTS},
};
static const struct {
	const char *type; /* what it begins with */
	enum kind kind;
} types[] = {
    {"Chat Message", A_CHAT},
    {"Remote Shell", A_SHELL},
    {"Command Shell", A_SHELL},
    {"File", A_FILE},
    {"Directory", A_FILE},
    {"Session Foreground Window", A_WINDOW},
    {"Session Mouse", A_WINDOW},
    {"Session Window", A_WINDOW},
    {"Registry", A_CHANGE},
    {"Special Action", A_CHANGE},
    {"Credential", A_CREDENTIAL},
    {"Session Note", A_NOTE},
};

/* Data of events that the top of the page shows as well. */
static const struct {
	const char *name;
	int kind; /* -1: of any event */
	const char *fact;
} notable[] = {
    {"request_reason", -1, "Reason given"},
    {"approver_name", -1, "Approved by"},
    {"approver_comments", -1, "Approver’s comment"},
    {"credential_name", -1, "Credential used"},
    {"failure_reason", -1, "Why it failed"},
    {"body", A_NOTE, "Note"},
};

static const struct {
	int column;
	enum text text;
} session_text[] = {
    {SESSION_TYPE, T_TYPE},
    {SESSION_DURATION, T_DURATION},
    {SESSION_EXTERNAL_KEY, T_KEY},
    {SESSION_PUBLIC_SITE_NAME, T_PUBLIC_SITE},
    {SESSION_LSEQ, T_LSEQ},
    {SESSION_JUMP_GROUP_NAME, T_GROUP},
    {SESSION_JUMPOINT_NAME, T_JUMPOINT},
    {SESSION_START_TIME, T_START},
    {SESSION_END_TIME, T_END},
};

/* Names that the top of the page lists, each once, with how often it came. */
enum { DOWNLOADED, UPLOADED, PROGRAMS, TALLIES };
static const struct {
	const char *type; /* of the events; NULL: all of the kind */
	enum kind kind;
	const char *data, *title;
} tallies[TALLIES] = {
    [DOWNLOADED] = {"File Download", A_FILE, "filename", "Downloaded"},
    [UPLOADED] = {"File Upload", A_FILE, "filename", "Uploaded"},
    [PROGRAMS] = {NULL, A_WINDOW, "exeName", "Programs"},
};

struct tally {
	int names, more;
	struct {
		struct buf text;
		uint64_t n;
	} name[TALLIED];
};

struct event {
	int open, dl, body;
	int tally; /* TALLIES: none */
	enum kind kind;
	int from_user;
	int64_t seq;
	char clock[9], span[24];
};

struct page {
	struct held part[PARTS];
	uint64_t n[PARTS], of_kind[KINDS];
	struct event event;
	int64_t began; /* the first event; INT64_MIN: none yet */
	char day[11];
	struct tally tally[TALLIES];
	int ended;
	int user_rank, endpoint_rank; /* the highest is shown at the top */
	char prefix[24];	      /* of ids on the page */
	struct buf scratch;
	struct summary sum;
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

void
page_free(struct page *p)
{
	int i;

	for (i = 0; i < PARTS; i++)
		held_close(&p->part[i]);
	for (i = 0; i < TEXTS; i++)
		buf_free(&p->sum.text[i]);
	for (i = 0; i < TALLIES * TALLIED; i++)
		buf_free(&p->tally[i / TALLIED].name[i % TALLIED].text);
	buf_free(&p->scratch);
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
	int i;

	p->prefix[0] = '\0';
	if (nth > 1)
		snprintf(p->prefix, sizeof(p->prefix), "s%llu-", (unsigned long long)nth);
	for (i = 0; i < PARTS; i++)
		held_reset(&p->part[i]);
	for (i = 0; i < TEXTS; i++)
		buf_trim(&p->sum.text[i], WORK);
	memset(p->sum.number, 0, sizeof(p->sum.number));
	memset(p->n, 0, sizeof(p->n));
	memset(p->of_kind, 0, sizeof(p->of_kind));
	memset(&p->event, 0, sizeof(p->event));
	p->began = INT64_MIN;
	p->day[0] = '\0';
	p->ended = 0;
	for (i = 0; i < TALLIES; i++)
		p->tally[i].names = p->tally[i].more = 0;
	p->user_rank = p->endpoint_rank = -1;
}

static int
is(struct rec_value v, const char *text)
{
	return v.n == strlen(text) && (v.n == 0 || memcmp(v.p, text, v.n) == 0);
}

static struct rec_value
value(const struct buf *b)
{
	struct rec_value v = {b->p, b->n};

	return v;
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

static struct rec_value
either(struct rec_value a, struct rec_value b)
{
	return a.n > 0 ? a : b;
}

/* Where to add to a part. */
static struct buf *
tail(struct page *p, enum part part)
{
	held_check(&p->part[part]);
	return &p->part[part].mem;
}

/* A value, in pieces; a long one is folded. */
static void
add_value(struct page *p, enum part part, struct rec_value v)
{
	int is_long = v.n > LONG_VALUE && part != SHELL && part != FILES;
	size_t piece;

	if (is_long) {
		buf_adds(tail(p, part), "<details><summary>");
		html_text(tail(p, part), v.p, utf8_floor(v.p, 100));
		buf_printf(tail(p, part), " … (%zu bytes)</summary>", v.n);
	}
	for (; v.n > 0; v.p += piece, v.n -= piece) {
		piece = v.n > WORK ? utf8_floor(v.p, WORK) : v.n;
		html_text(tail(p, part), v.p, piece);
	}
	if (is_long)
		buf_adds(tail(p, part), "</details>");
}

/* Isolate a name: its direction of writing must not change the text around it. */
static void
add_name(struct buf *b, struct rec_value v, const char *class, const char *before)
{
	if (v.n == 0)
		return;
	buf_adds(b, before);
	buf_adds(b, class != NULL ? "<bdi class=\"" : "<bdi");
	buf_adds(b, class != NULL ? class : "");
	buf_adds(b, class != NULL ? "\">" : ">");
	v = shorter(v);
	html_text(b, v.p, v.n);
	buf_adds(b, "</bdi>");
}

/* The begin of a list's next item. */
static struct buf *
next_item(struct page *p, enum part part)
{
	struct buf *b = tail(p, part);

	if (p->n[part] == 0)
		buf_adds(b, form[part].open);
	else if (p->n[part] % FOLD == 0) {
		buf_adds(b, form[part].close);
		if (p->n[part] > FOLD)
			buf_adds(b, "</details>\n");
		buf_printf(b,
		    "<details class=\"fold\"><summary>From number %llu on: %s, %s</summary>\n",
		    (unsigned long long)p->n[part] + 1, p->event.clock, p->event.span);
		buf_adds(b, form[part].open);
	}
	p->n[part]++;
	return b;
}

/* The id of the open event in the page. */
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
add_moment(struct page *p, struct buf *b)
{
	buf_adds(b, "<a href=\"#");
	add_id(p, b);
	buf_adds(b, "\">");
	buf_adds(b, p->event.clock);
	buf_adds(b, "</a> ");
}

static void
add_fact(struct page *p, const char *name, struct rec_value v, int of_event)
{
	struct buf *b = tail(p, FACT);

	if (v.n == 0 || p->n[FACT]++ >= FACTS)
		return;
	buf_printf(b, "<dt>%s</dt><dd>", name);
	if (of_event)
		add_moment(p, b);
	add_value(p, FACT, v);
	buf_adds(b, "</dd>\n");
}

static void
close_event(struct page *p)
{
	struct event *e = &p->event;

	if (!e->open)
		return;
	e->open = 0;
	buf_adds(tail(p, EVENTS), e->dl ? "</dl></li>\n" : "</li>\n");
	if (kinds[e->kind].part != EVENTS)
		buf_adds(tail(p, kinds[e->kind].part), "</li>\n");
}

/* Returns 1 if the event is of another day than the one before. */
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
	if (p->began == INT64_MIN)
		p->began = t;
	buf_reset(b);
	html_span(b, t - p->began);
	memcpy(e->span, buf_text(b), b->n + 1); /* at most 16 digits and signs */
	if (memcmp(p->day, v.p, 10) == 0)
		return 0;
	memcpy(p->day, v.p, 10);
	return 1;
}

/* An event in its section, up to its data. */
static void
section_item(struct page *p, const struct rec_value *v, const char *user)
{
	enum kind kind = p->event.kind;
	int is_line = is(v[EVENT_TYPE], "Remote Shell Event");
	struct buf *b = next_item(p, kinds[kind].part);
	struct rec_value type = shorter(v[EVENT_TYPE]);

	buf_printf(b, "<li class=\"%s\">",
	    kind == A_FILE	   ? "moved" :
		kind == A_CHAT	   ? (p->event.from_user ? "us" : "them") :
		!is_line	   ? "start" :
		p->event.from_user ? "in" :
				     "out");
	if (is_line && !p->event.from_user)
		return;
	add_moment(p, b);
	if (is_line)
		return;
	if (kind != A_CHAT) {
		buf_adds(b, "<b>");
		html_text(b, type.p, type.n);
		buf_adds(b, "</b> ");
	}
	add_name(b, v[EVENT_PERFORMED_BY], user, "");
	add_name(b, v[EVENT_DESTINATION], "to", v[EVENT_PERFORMED_BY].n > 0 ? " → " : "→ ");
	buf_addc(b, ' ');
}

static void
event_row(struct page *p, const struct rec_value *v)
{
	struct event *e = &p->event;
	struct rec_value type = shorter(v[EVENT_TYPE]);
	const char *user;
	struct buf *b;
	int new_day;
	size_t i;

	close_event(p);
	e->open = 1;
	e->dl = e->body = 0;
	e->seq = -1;
	if (v[EVENT_SEQ].p != NULL)
		(void)num_parse(v[EVENT_SEQ].p, v[EVENT_SEQ].n, &e->seq);
	e->kind = OTHER;
	for (i = 0; e->kind == OTHER && i < sizeof(types) / sizeof(types[0]); i++)
		if (type.n >= strlen(types[i].type) &&
		    memcmp(type.p, types[i].type, strlen(types[i].type)) == 0)
			e->kind = types[i].kind;
	for (e->tally = 0; e->tally < TALLIES; e->tally++)
		if (tallies[e->tally].kind == e->kind &&
		    (tallies[e->tally].type == NULL || is(type, tallies[e->tally].type)))
			break;
	p->of_kind[e->kind]++;
	p->sum.number[N_EVENTS]++;
	p->ended |= is(type, "Session End");
	e->from_user = is(v[EVENT_PERFORMED_BY_TYPE], "representative") ||
	    is(v[EVENT_PERFORMED_BY_TYPE], "user");
	user = e->from_user ? "user" : "other";
	new_day = set_time(p, v[EVENT_EVENT_TIME]);

	b = next_item(p, EVENTS);
	if (new_day)
		buf_printf(b, "<li class=\"day\">%s</li>\n", p->day);
	/* Without printf: this is the most frequent text of all. */
	buf_adds(b, "<li id=\"");
	add_id(p, b);
	buf_adds(b, "\" class=\"");
	buf_addc(b, kinds[e->kind].class);
	if (e->clock[0] != '-') {
		buf_adds(b, "\"><time datetime=\"");
		buf_adds(b, p->day);
		buf_addc(b, 'T');
		buf_adds(b, e->clock);
		buf_adds(b, "Z\">");
		buf_adds(b, e->clock);
		buf_adds(b, "</time><i>");
	} else
		buf_adds(b, "\"><span>no time</span><i>");
	buf_adds(b, e->span);
	buf_adds(b, "</i> <b>");
	html_text(b, type.p, type.n);
	buf_adds(b, "</b> ");
	add_name(b, v[EVENT_PERFORMED_BY], user, "");
	add_name(b, v[EVENT_DESTINATION], "to", " → ");
	if (kinds[e->kind].part != EVENTS)
		section_item(p, v, user);
}

static void
count(struct tally *t, struct rec_value v)
{
	int i;

	for (i = 0; i < t->names; i++)
		if (t->name[i].text.n == v.n && memcmp(t->name[i].text.p, v.p, v.n) == 0)
			break;
	if (v.n == 0)
		return;
	if (i == TALLIED) {
		t->more = 1;
		return;
	}
	if (i == t->names) {
		t->names++;
		t->name[i].n = 0;
		keep(&t->name[i].text, v);
	}
	t->name[i].n++;
}

/* A value of an event's data in its section.  The name is shown for files only. */
static void
section_data(struct page *p, struct rec_value name, struct rec_value v, int is_size)
{
	enum part part = kinds[p->event.kind].part;
	struct buf *b = tail(p, part);

	if (v.n == 0 ||
	    (part != FILES && !is(name, "body") && !(part == SHELL && is(name, "text"))))
		return;
	if (part == FILES && !is(name, "filename") && !is_size) {
		name = shorter(name);
		buf_adds(b, "<small>");
		html_text(b, name.p, name.n);
		buf_adds(b, "</small> ");
	}
	if (is_size) {
		buf_adds(b, "<span class=\"size\">");
		html_size(b, v.p, v.n);
		buf_adds(b, "</span> ");
		return;
	}
	buf_adds(b, form[part].data);
	add_value(p, part, v);
	buf_adds(b, form[part].end_data);
	p->sum.number[N_CHATS] += part == CHAT;
	p->sum.number[N_FILES] += part == FILES && is(name, "filename");
	p->sum.number[N_COMMANDS] += part == SHELL && p->event.from_user;
}

static void
data_row(struct page *p, const struct rec_value *r)
{
	struct event *e = &p->event;
	struct rec_value name = r[DATA_NAME], v = r[DATA_VALUE];
	int is_size = is(name, "filesize") && v.n < NUM_SIZE;
	struct buf *b = tail(p, EVENTS);
	size_t i;

	/* body has the same text, decoded. */
	if (is(name, "encoded_body") && e->body)
		return;
	e->body |= is(name, "body");
	buf_adds(b, e->dl++ ? "<dt>" : "<dl><dt>");
	html_text(b, name.p, shorter(name).n);
	buf_adds(b, "</dt><dd>");
	if (is_size)
		html_size(b, v.p, v.n);
	else
		add_value(p, EVENTS, v);
	buf_adds(b, "</dd>");
	if (kinds[e->kind].part != EVENTS)
		section_data(p, name, v, is_size);
	for (i = 0; i < sizeof(notable) / sizeof(notable[0]); i++)
		if ((notable[i].kind == -1 || notable[i].kind == (int)e->kind) &&
		    is(name, notable[i].name))
			add_fact(p, notable[i].fact, v, 1);
	if (e->tally < TALLIES && is(name, tallies[e->tally].data))
		count(&p->tally[e->tally], shorter(v));
}

/* The end of this text if it is at p; else NULL. */
static const char *
behind(const char *p, const char *end, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(end - p) >= n && memcmp(p, text, n) == 0 ? p + n : NULL;
}

/* The names or the texts of a row's <field name="...">...</field>, as cells.  Returns
 * where the fields end. */
static const char *
add_fields(struct page *p, const char *at, const char *end, int names)
{
	const char *name, *name_end, *text, *text_end;
	struct buf *b;

	while (at != NULL && (name = behind(at, end, "<field name=\"")) != NULL &&
	    (name_end = memchr(name, '"', (size_t)(end - name))) != NULL &&
	    (text = behind(name_end, end, "\">")) != NULL &&
	    (text_end = memchr(text, '<', (size_t)(end - text))) != NULL) {
		b = tail(p, SYSINFO);
		buf_adds(b, names ? "<th scope=\"col\">" : "<td>");
		if (names)
			html_escaped(b, name, (size_t)(name_end - name));
		else
			html_escaped(b, text, (size_t)(text_end - text));
		buf_adds(b, names ? "</th>" : "</td>");
		at = behind(text_end, end, "</field>");
	}
	return at;
}

/* A category of system information: a table with the heads of its first row. */
static void
sysinfo_row(struct page *p, const struct rec_value *r)
{
	struct rec_value v = r[SYSINFO_INFORMATION], category = shorter(r[SYSINFO_CATEGORY]);
	const char *at = v.n > 0 ? v.p : NULL, *end = v.p + v.n;
	struct buf *b = tail(p, SYSINFO);
	int rows = 0;

	p->n[SYSINFO]++;
	buf_adds(b, "<details><summary>");
	html_text(b, category.p, category.n);
	buf_printf(b, ", %s</summary>\n", p->event.clock);
	for (; at != NULL && (at = behind(at, end, "<row>")) != NULL;
	     at = at != NULL ? behind(at, end, "</row>") : NULL) {
		if (behind(at, end, "<field") == NULL)
			continue;
		if (rows++ == 0) {
			buf_adds(b, TABLE("Table"));
			(void)add_fields(p, at, end, 1);
			buf_adds(b, TABLE_ROWS);
		}
		buf_adds(b, "<tr>");
		at = add_fields(p, at, end, 0);
		buf_adds(b, "</tr>\n");
	}
	buf_adds(b, rows > 0 ? TABLE_END "</details>\n" : "<p>Nothing.</p></details>\n");
}

static void
add_person(
    struct page *p, const char *part, const struct rec_value cell[6], struct rec_value seconds)
{
	struct buf *b = next_item(p, PEOPLE);
	uint64_t s;
	int i;

	buf_adds(b, "<tr><th scope=\"row\">");
	add_name(b, cell[0], NULL, "");
	buf_adds(b, "</th><td>");
	add_name(b, cell[1], NULL, "");
	buf_printf(b, "</td><td>%s", part);
	for (i = 2; i < 6; i += 2) {
		buf_adds(b, "</td><td>");
		add_name(b, cell[i], NULL, "");
		add_name(b, cell[i + 1], NULL, cell[i].n > 0 ? "<br>" : "");
	}
	buf_adds(b, "</td><td>");
	if (seconds.p != NULL && num_parse_count(seconds.p, seconds.n, INT64_MAX, &s) == 0)
		html_span(b, (int64_t)s);
	buf_adds(b, "</td></tr>\n");
}

/* For the index: the other people, each once. */
static void
add_people(struct page *p, struct rec_value v)
{
	struct buf *b = &p->sum.text[T_PEOPLE];

	v = shorter(v);
	if (v.n == 0 || b->n > SHORT || memmem(buf_text(b), b->n, v.p, v.n) != NULL ||
	    (v.n == p->sum.text[T_WHO].n && memcmp(v.p, p->sum.text[T_WHO].p, v.n) == 0))
		return;
	buf_adds(b, b->n > 0 ? ", " : "");
	buf_add(b, v.p, v.n);
}

static void
user_row(struct page *p, const struct rec_value *v)
{
	int primary = is(v[USER_IS_PRIMARY], "1"), owner = is(v[USER_IS_OWNER], "1");
	const struct rec_value cell[6] = {either(v[USER_DISPLAY_NAME], v[USER_PUBLIC_DISPLAY_NAME]),
	    v[USER_USER_NAME], v[USER_PUBLIC_IP], v[USER_PRIVATE_IP], v[USER_HOST_NAME],
	    v[USER_OPERATING_SYSTEM]};
	struct buf *text = p->sum.text;

	add_person(p,
	    primary			 ? "primary" :
		owner			 ? "owner" :
		is(v[USER_INVITED], "1") ? "invited" :
					   "participant",
	    cell, v[USER_DURATION]);
	if (primary * 2 + owner <= p->user_rank) {
		add_people(p, either(cell[0], cell[1]));
		return;
	}
	p->user_rank = primary * 2 + owner;
	keep(&p->scratch, value(&text[T_WHO]));
	keep(&text[T_WHO], either(cell[0], cell[1]));
	add_people(p, value(&p->scratch));
	keep(&text[T_ACCOUNT], cell[1]);
	keep(&text[T_COMPUTER], v[USER_HOST_NAME]);
	keep(&text[T_ADDRESS], v[USER_PUBLIC_IP]);
}

static void
customer_row(struct page *p, const struct rec_value *v)
{
	static const struct rec_value none;
	const struct rec_value cell[6] = {either(v[CUSTOMER_DISPLAY_NAME], v[CUSTOMER_HOST_NAME]),
	    v[CUSTOMER_USER_NAME], v[CUSTOMER_PUBLIC_IP], v[CUSTOMER_PRIVATE_IP],
	    v[CUSTOMER_HOST_NAME], v[CUSTOMER_OPERATING_SYSTEM]};
	struct buf *text = p->sum.text;

	add_person(p, "endpoint or customer", cell, none);
	add_fact(p, "Company", v[CUSTOMER_COMPANY_NAME], 0);
	if (p->endpoint_rank == 0)
		return;
	p->endpoint_rank = 0;
	keep(&text[T_ENDPOINT], either(cell[0], cell[1]));
	keep(&text[T_ENDPOINT_ACCOUNT], cell[1]);
	keep(&text[T_ENDPOINT_COMPUTER], v[CUSTOMER_HOST_NAME]);
	keep(&text[T_ENDPOINT_ADDRESS], v[CUSTOMER_PRIVATE_IP]);
	keep(&text[T_ISSUE], either(v[CUSTOMER_ISSUE_DESCRIPTION], v[CUSTOMER_ISSUE]));
}

static void
attribute_row(struct page *p, const struct rec_value *v)
{
	struct rec_value name =
	    shorter(either(v[CUSTOM_ATTRIBUTE_DISPLAY_NAME], v[CUSTOM_ATTRIBUTE_CODE_NAME]));

	buf_reset(&p->scratch);
	html_text(&p->scratch, name.p, name.n);
	add_fact(p, buf_text(&p->scratch), v[CUSTOM_ATTRIBUTE_VALUE], 0);
}

static void
team_row(struct page *p, struct rec_value name)
{
	struct buf *b = &p->sum.text[T_TEAM];

	if (name.n == 0 || b->n > SHORT)
		return;
	buf_adds(b, b->n > 0 ? ", " : "");
	buf_add(b, name.p, shorter(name).n);
}

static void
session_row(struct page *p, const struct rec_value *v)
{
	size_t i;

	for (i = 0; i < sizeof(session_text) / sizeof(session_text[0]); i++)
		keep(&p->sum.text[session_text[i].text], v[session_text[i].column]);
	/* Streams of 1.0 have no column over. */
	p->sum.number[N_OVER] = v[SESSION_OVER].p != NULL ?
	    is(v[SESSION_OVER], "1") :
	    p->ended || v[SESSION_END_TIME].p != NULL;
}

static void
recording_row(struct page *p, const struct rec_value *v)
{
	struct buf *b = &p->sum.text[T_EXPECTED];
	struct rec_value kind = v[RECORDING_KIND], instance = v[RECORDING_INSTANCE];
	int64_t n;

	if (b->n > WORK || !(is(kind, "recording") || is(kind, "shell") || is(kind, "screen")) ||
	    (instance.n > 0 && num_parse(instance.p, instance.n, &n) == -1))
		return;
	buf_printf(b, "%s\"%.*s %.*s\"", b->n > 0 ? "," : "[", (int)kind.n, kind.p, (int)instance.n,
	    instance.n > 0 ? instance.p : "");
}

void
page_row(struct page *p, struct rec_reader *r)
{
	const struct rec_value *v = r->value;
	int64_t seq;

	if ((r->table == TABLE_SESSION_EVENT_DATA || r->table == TABLE_SYSTEM_INFORMATION) &&
	    (!p->event.open || v[0].p == NULL || num_parse(v[0].p, v[0].n, &seq) == -1 ||
		seq != p->event.seq)) {
		rec_reject(r, "a row of an event does not stand behind the event's own row");
		return;
	}
	if (r->table == TABLE_SESSION)
		session_row(p, v);
	else if (r->table == TABLE_USER)
		user_row(p, v);
	else if (r->table == TABLE_TEAM)
		team_row(p, v[TEAM_NAME]);
	else if (r->table == TABLE_CUSTOMER)
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

struct summary *
page_end(struct page *p, const struct rec_reader *r)
{
	struct buf *text = p->sum.text;
	int i;

	close_event(p);
	for (i = PEOPLE; i < PARTS; i++)
		if (p->n[i] > 0) {
			buf_adds(tail(p, (enum part)i), form[i].close);
			buf_adds(tail(p, (enum part)i),
			    p->n[i] > FOLD && i != SYSINFO ? "</details>\n" : "");
		}
	buf_add(&text[T_HOST], r->host.p, r->host.n);
	buf_add(&text[T_LSID], r->lsid.p, r->lsid.n);
	buf_adds(&text[T_EXPECTED], text[T_EXPECTED].n > 0 ? "]" : "[]");
	return &p->sum;
}

static void
put_part(struct page *p, enum part part, struct held *out)
{
	const char *piece;
	size_t n = WORK;
	off_t at;

	for (at = 0; (piece = held_at(&p->part[part], at, &n)) != NULL; at += (off_t)n, n = WORK)
		held_add(out, piece, n);
}

static void
put_fact(struct page *p, struct held *out, const char *name, enum text text)
{
	if (p->sum.text[text].n == 0)
		return;
	buf_printf(&out->mem, "<dt>%s</dt><dd>", name);
	add_name(&out->mem, value(&p->sum.text[text]), NULL, "");
	buf_adds(&out->mem, "</dd>\n");
}

/* Name, account, computer, address; those that are the same as the name only once. */
static void
put_person(struct buf *b, const char *who, const struct buf *name, const struct buf also[3])
{
	int i;

	if (name->n + also[0].n + also[1].n + also[2].n == 0)
		return;
	buf_printf(b, "<dt>%s</dt><dd><strong>", who);
	add_name(b, value(name), NULL, "");
	buf_adds(b, "</strong>");
	for (i = 0; i < 3; i++)
		if (!is(value(&also[i]), "Unknown") &&
		    (also[i].n != name->n || memcmp(also[i].p, name->p, name->n) != 0))
			add_name(b, value(&also[i]), NULL, " · ");
	buf_adds(b, "</dd>\n");
}

static void
put_when(struct page *p, struct buf *b)
{
	const char *start = buf_text(&p->sum.text[T_START]), *end = buf_text(&p->sum.text[T_END]);

	buf_adds(b, "<dt>When</dt><dd class=\"when\">");
	if (*start != '\0')
		html_time(b, start, strlen(start));
	else
		buf_adds(b, "start not known");
	buf_adds(b, " – ");
	if (*end != '\0' && strncmp(start, end, 10) == 0)
		buf_printf(b, "<time datetime=\"%s\">%.8s</time>", end, end + 11);
	else if (*end != '\0')
		html_time(b, end, strlen(end));
	else
		buf_adds(b, p->sum.number[N_OVER] ? "no end time" : "in progress");
	buf_adds(b, " UTC");
	add_name(b, value(&p->sum.text[T_DURATION]), NULL, " · ");
	buf_adds(b, "</dd>\n");
}

static void
put_count(struct page *p, struct buf *b, uint64_t n, const char *one, const char *many,
    enum part part, const char **before)
{
	if (n == 0 || one == NULL)
		return;
	buf_printf(b, "%s<a href=\"#%s%s\">%llu %s</a>", *before, p->prefix, form[part].id,
	    (unsigned long long)n, n == 1 ? one : many);
	*before = ", ";
}

static void
put_tally(const struct tally *t, struct buf *b, const char *title)
{
	int i;

	for (i = 0; i < t->names; i++) {
		buf_printf(b, i == 0 ? "<dt>%s</dt><dd>" : ", ", title);
		add_name(b, value(&t->name[i].text), NULL, "");
		if (t->name[i].n > 1)
			buf_printf(b, " %llu×", (unsigned long long)t->name[i].n);
	}
	if (t->names > 0)
		buf_adds(b, t->more ? " …</dd>\n" : "</dd>\n");
}

static void
put_done(struct page *p, struct buf *b)
{
	const char *before = "<dt>Done</dt><dd>";
	int i;

	put_count(p, b, (uint64_t)p->sum.number[N_COMMANDS], "command", "commands", SHELL, &before);
	for (i = 0; i < KINDS; i++)
		put_count(p, b, p->of_kind[i], kinds[i].one, kinds[i].many, kinds[i].part, &before);
	put_count(p, b, p->n[EVENTS], "event in all", "events in all", EVENTS, &before);
	buf_adds(b, p->n[EVENTS] > 0 ? "</dd>\n" : "<dt>Done</dt><dd>nothing</dd>\n");
	for (i = 0; i < TALLIES; i++)
		put_tally(&p->tally[i], b, tallies[i].title);
}

/* Boxes that hide kinds of events; the style does it, without a script. */
static void
put_filter(struct page *p, struct buf *b)
{
	int i;

	buf_adds(b, "<fieldset class=\"show\"><legend>Show</legend>\n");
	for (i = 0; i < KINDS; i++)
		if (p->of_kind[i] > 0 && kinds[i].box != NULL)
			buf_printf(b,
			    "<label><input type=\"checkbox\" class=\"%c\" checked> %s "
			    "(%llu)</label>\n",
			    kinds[i].class, kinds[i].box, (unsigned long long)p->of_kind[i]);
	buf_adds(b, "</fieldset>\n");
}

void
page_head(struct page *p, struct held *out)
{
	const struct buf *who = &p->sum.text[T_WHO], *where = &p->sum.text[T_ENDPOINT];
	struct buf *b = &p->scratch;

	buf_reset(b);
	buf_add(b, who->p, who->n);
	buf_adds(b, who->n > 0 && where->n > 0 ? " → " : "");
	buf_add(b, where->p, where->n);
	buf_adds(b, b->n == 0 ? "Session" : "");
	if (p->sum.text[T_START].n > 0)
		buf_printf(b, ", %.10s", p->sum.text[T_START].p);
	html_head(&out->mem, b->p, b->n);
}

void
page_tail(struct held *out)
{
	buf_adds(&out->mem, "</main>\n");
	html_tail(&out->mem);
	held_check(out);
}

static void
put_header(struct page *p, struct held *out)
{
	struct buf *b = &out->mem, *text = p->sum.text;

	buf_adds(b, "<header>\n<h1>");
	add_name(b, value(&text[T_WHO]), NULL, "");
	if (text[T_WHO].n > 0 && text[T_ENDPOINT].n > 0)
		buf_adds(b, " <span aria-label=\"to\" role=\"img\">→</span> ");
	add_name(b, value(&text[T_ENDPOINT]), NULL, "");
	buf_adds(b, text[T_WHO].n + text[T_ENDPOINT].n == 0 ? "Session</h1>\n" : "</h1>\n");
	if (!p->sum.number[N_OVER])
		buf_adds(b,
		    "<p class=\"mark\">In progress: this page shows the session as it was when it "
		    "was last read.</p>\n");
	else if (text[T_END].n == 0)
		buf_adds(b,
		    "<p class=\"mark\">This session has no end time: it closed abnormally.</p>\n");
	buf_adds(b, "<dl class=\"facts\">\n");
	put_person(b, "Who", &text[T_WHO], &text[T_ACCOUNT]);
	put_person(b, "Where", &text[T_ENDPOINT], &text[T_ENDPOINT_ACCOUNT]);
	put_when(p, b);
	put_fact(p, out, "External key", T_KEY);
	put_fact(p, out, "Issue", T_ISSUE);
	put_part(p, FACT, out);
	if (p->n[FACT] > FACTS)
		buf_printf(b, "<dt>More</dt><dd>%llu more are in the timeline</dd>\n",
		    (unsigned long long)(p->n[FACT] - FACTS));
	put_done(p, b);
	put_fact(p, out, "Jump group", T_GROUP);
	put_fact(p, out, "Jumpoint", T_JUMPOINT);
	put_fact(p, out, "Team", T_TEAM);
	put_fact(p, out, "Public site", T_PUBLIC_SITE);
	put_fact(p, out, "Kind", T_TYPE);
	put_fact(p, out, "Site", T_HOST);
	put_fact(p, out, "Session id", T_LSID);
	put_fact(p, out, "Session number", T_LSEQ);
	buf_adds(b, "</dl>\n</header>\n");
}

void
page_write(struct page *p, const struct buf *recordings, const char *up, struct held *out)
{
	struct buf *b = &out->mem;
	int i;

	if (up != NULL)
		buf_printf(b,
		    "<nav><a href=\"%sindex.html\">All sessions</a> <a href=\"index.html\">This "
		    "month</a></nav>\n",
		    up);
	buf_adds(b, p->prefix[0] == '\0' ? "<main>\n<article>\n" : "<article>\n");
	put_header(p, out);
	for (i = PEOPLE; i < PARTS; i++) {
		if (p->n[i] > 0) {
			buf_printf(b, "<section id=\"%s%s\">\n<h2>%s</h2>\n", p->prefix, form[i].id,
			    form[i].title);
			if (i == EVENTS)
				put_filter(p, b);
			put_part(p, (enum part)i, out);
			buf_adds(b, "</section>\n");
		}
		if (i == PEOPLE)
			buf_add(b, recordings->p, recordings->n);
	}
	buf_adds(b, "</article>\n");
	held_check(out);
}
