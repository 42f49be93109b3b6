/*
 * The indexes: see index.h.  They are made of the state alone, and say nothing
 * of the day on which they are made: the same sessions, the same bytes.
 */
#include <stdlib.h>

#include "html.h"
#include "index.h"
#include "when.h"

#define FLUSH_AT ((size_t)64 << 10)
/* Days of the chart, and how long the lists are. */
#define DAYS	   92
#define BUSIEST	   10
#define LISTED	   25
#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/* The chart, in units of its own. */
#define BAR_WIDTH    8
#define CHART_HEIGHT 120

struct out {
	struct draft *draft;
	struct buf b;
};

static void
flush(struct out *o)
{
	draft_add(o->draft, o->b.p, o->b.n);
	buf_reset(&o->b);
}

static struct rec_value
column(sqlite3_stmt *q, int i)
{
	struct rec_value v = {(const char *)sqlite3_column_text(q, i), 0};

	v.n = (size_t)sqlite3_column_bytes(q, i);
	return v;
}

static struct rec_value
text(const char *p)
{
	struct rec_value v = {p, strlen(p)};

	return v;
}

static void
put_bdi(struct buf *b, struct rec_value v)
{
	buf_adds(b, "<bdi>");
	html_value(b, v);
	buf_adds(b, "</bdi>");
}

static void
put_title(struct buf *b, const struct row *r)
{
	struct rec_value who = text(r->text[ROW_WHO]), where = text(r->text[ROW_ENDPOINT]);

	if (who.n > 0)
		put_bdi(b, who);
	if (who.n > 0 && where.n > 0)
		buf_adds(b, " → ");
	if (where.n > 0)
		put_bdi(b, where);
	if (who.n + where.n == 0)
		buf_adds(b, "Session");
}

/* What there is to see in a session, in a few words. */
static void
put_marks(struct buf *b, const struct row *r)
{
	static const struct {
		enum row_number number;
		const char *name, *names;
	} count[] = {
	    {ROW_COMMANDS, "command", "commands"},
	    {ROW_FILES, "file", "files"},
	    {ROW_CHATS, "message", "messages"},
	    {ROW_STORED, "recording", "recordings"},
	};
	const char *between = "";
	size_t i;

	if (!r->number[ROW_OVER]) {
		buf_adds(b, "<b>in progress</b>");
		between = ", ";
	}
	for (i = 0; i < sizeof(count) / sizeof(count[0]); i++) {
		int64_t n = r->number[count[i].number];

		if (n == 0)
			continue;
		buf_printf(
		    b, "%s%lld %s", between, (long long)n, n == 1 ? count[i].name : count[i].names);
		between = ", ";
	}
	if (r->number[ROW_BARE])
		buf_printf(b, "%sno recording", between);
}

static void
put_session(struct buf *b, const struct row *r)
{
	struct rec_value people = text(r->text[ROW_PEOPLE]);

	buf_printf(b, "<tr class=\"%s%s\"><td>", r->number[ROW_OVER] ? "" : "p",
	    r->number[ROW_BARE] ? "n" : "");
	if (r->text[ROW_START][0] != '\0')
		html_time(b, text(r->text[ROW_START]));
	buf_adds(b, "</td><th scope=\"row\"><a href=\"");
	html_path(b, r->text[ROW_NAME], strlen(r->text[ROW_NAME]));
	buf_adds(b, "\">");
	put_title(b, r);
	buf_adds(b, "</a>");
	/* Others who took part are found, too. */
	if (people.n > 0) {
		buf_adds(b, "<small>with ");
		html_value(b, people);
		buf_adds(b, "</small>");
	}
	buf_adds(b, "</th><td>");
	html_value(b, text(r->text[ROW_DURATION]));
	buf_adds(b, "</td><td>");
	html_value(b, text(r->text[ROW_KEY]));
	buf_adds(b, "</td><td>");
	html_value(b, text(r->text[ROW_GROUP]));
	buf_adds(b, "</td><td>");
	html_value(b, text(r->text[ROW_TYPE]));
	buf_adds(b, "</td><td>");
	put_marks(b, r);
	buf_adds(b, "</td></tr>\n");
}

static void
month_head(struct buf *b, const char *host, const char *month)
{
	struct buf title = {0};

	buf_printf(&title, "%s on %s", month, host);
	html_head(b, title.p, title.n);
	buf_printf(b, "<nav><a href=\"%s\">All sessions</a></nav>\n<main>\n<h1>",
	    strchr(month, '/') != NULL ? "../../../index.html" : "../../index.html");
	if (strchr(month, '/') != NULL)
		buf_printf(b, "Sessions of %.4s-%.2s", month, month + 5);
	else
		buf_adds(b, "Sessions without a start time");
	buf_adds(b, "</h1>\n<p>");
	html_value(b, text(host));
	buf_adds(b,
	    "</p>\n<form class=\"filter\" hidden>\n<label>Show those with <input type=\"search\" "
	    "autocomplete=\"off\" placeholder=\"a name, an endpoint, a key\"></label>\n"
	    "<label><input type=\"checkbox\" value=\"p\"> in progress only</label>\n"
	    "<label><input type=\"checkbox\" value=\"n\"> without a recording only</label>\n"
	    "<output></output>\n</form>\n<div class=\"wide\" role=\"region\" "
	    "aria-label=\"Sessions\" "
	    "tabindex=\"0\"><table class=\"sessions\">\n"
	    "<thead><tr><th scope=\"col\">Start (UTC)</th><th scope=\"col\">Who, where</th>"
	    "<th scope=\"col\">Duration</th><th scope=\"col\">External key</th>"
	    "<th scope=\"col\">Jump group</th><th scope=\"col\">Kind</th>"
	    "<th scope=\"col\">In it</th></tr></thead>\n<tbody>\n");
	buf_free(&title);
}

static void
make_month(struct archive *a, const char *host, const char *month)
{
	struct state *s = archive_state(a);
	struct out o = {draft_new(a), {0}};
	struct row row = {0};
	char *path = xasprintf("%s/%s/index.html", host, month);
	char *sql = xasprintf("SELECT %s FROM session WHERE host=?1 AND month=?2 "
			      "ORDER BY start DESC,lsid",
	    state_columns);
	sqlite3_stmt *q = state_prepare(s, sql);

	month_head(&o.b, host, month);
	if (q != NULL) {
		sqlite3_bind_text(q, 1, host, -1, SQLITE_STATIC);
		sqlite3_bind_text(q, 2, month, -1, SQLITE_STATIC);
	}
	while (q != NULL && state_step(s, q)) {
		row_load(&row, q, 0);
		put_session(&o.b, &row);
		row_free(&row);
		if (o.b.n > FLUSH_AT)
			flush(&o);
	}
	sqlite3_finalize(q);
	buf_adds(&o.b, "</tbody></table></div>\n</main>\n");
	html_tail(&o.b);
	flush(&o);
	draft_publish(o.draft, path);
	buf_free(&o.b);
	free(sql);
	free(path);
}

/* Bars of the last days up to the newest session. */
static void
put_chart(struct state *s, struct buf *b)
{
	int64_t n[DAYS] = {0}, last = 0, t, most = 1, total = 0;
	sqlite3_stmt *q = state_prepare(
	    s, "SELECT day||'T00:00:00Z',n FROM day ORDER BY day DESC LIMIT " STRING(DAYS));
	char first_day[WHEN_SIZE], last_day[WHEN_SIZE];
	int i, busiest = 0;

	while (q != NULL && state_step(s, q)) {
		struct rec_value day = column(q, 0);

		if (when_parse(day.p, day.n, &t) == -1)
			continue;
		last = last == 0 ? t / 86400 : last;
		if (last - t / 86400 >= DAYS)
			break;
		i = (int)(DAYS - 1 - (last - t / 86400));
		n[i] = sqlite3_column_int64(q, 1);
		total += n[i];
		if (n[i] > most) {
			most = n[i];
			busiest = i;
		}
	}
	sqlite3_finalize(q);
	if (total == 0)
		return;
	when_format((last - DAYS + 1) * 86400, first_day);
	when_format(last * 86400, last_day);
	buf_printf(b,
	    "<section>\n<h2>Sessions a day</h2>\n<figure>\n<svg class=\"chart\" role=\"img\" "
	    "preserveAspectRatio=\"none\" "
	    "viewBox=\"0 0 %d %d\" aria-label=\"Sessions a day from %.10s to %.10s: %lld in all, "
	    "at most %lld a day\">\n",
	    DAYS * BAR_WIDTH, CHART_HEIGHT, first_day, last_day, (long long)total, (long long)most);
	for (i = 0; i < DAYS; i++) {
		int height = (int)(n[i] * (CHART_HEIGHT - 2) / most);

		if (n[i] == 0)
			continue;
		height = height < 2 ? 2 : height;
		when_format((last - DAYS + 1 + i) * 86400, first_day);
		buf_printf(b,
		    "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"><title>%.10s: %lld</title>"
		    "</rect>\n",
		    i * BAR_WIDTH, CHART_HEIGHT - height, BAR_WIDTH - 2, height, first_day,
		    (long long)n[i]);
	}
	when_format((last - DAYS + 1) * 86400, first_day);
	buf_printf(b, "</svg>\n<figcaption><span>%.10s</span>", first_day);
	when_format((last - DAYS + 1 + busiest) * 86400, first_day);
	buf_printf(b,
	    " <span>most: %lld on %.10s</span> <span>%.10s</span></figcaption>\n"
	    "</figure>\n</section>\n",
	    (long long)most, first_day, last_day);
}

static void
put_busiest(struct state *s, struct buf *b, const char *title, const char *sql)
{
	sqlite3_stmt *q = state_prepare(s, sql);
	int64_t most = 0, n;

	buf_printf(b, "<section>\n<h2>%s</h2>\n", title);
	while (q != NULL && state_step(s, q)) {
		n = sqlite3_column_int64(q, 1);
		if (most == 0) {
			most = n;
			buf_adds(b, "<ol class=\"busy\">\n");
		}
		buf_adds(b, "<li>");
		put_bdi(b, column(q, 0));
		buf_printf(b,
		    " <span>%lld</span><svg viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" "
		    "aria-hidden=\"true\"><rect width=\"%lld\" height=\"4\"></rect></svg></li>\n",
		    (long long)n, (long long)(n * 100 / most));
	}
	sqlite3_finalize(q);
	buf_adds(b, most > 0 ? "</ol>\n</section>\n" : "<p>None.</p>\n</section>\n");
}

/* The newest sessions of some kind. */
static void
put_newest(struct state *s, struct buf *b, const char *title, const char *where, int64_t of)
{
	char *sql = xasprintf("SELECT %s FROM session %s ORDER BY start DESC,host,lsid "
			      "LIMIT " STRING(LISTED),
	    state_columns, where);
	sqlite3_stmt *q = state_prepare(s, sql);
	struct row r = {0};
	int64_t n = 0;

	buf_printf(b, "<section>\n<h2>%s</h2>\n", title);
	for (; q != NULL && state_step(s, q); n++) {
		row_load(&r, q, 0);
		buf_adds(b, n == 0 ? "<ul class=\"newest\">\n<li>" : "<li>");
		html_time(b, text(r.text[ROW_START]));
		buf_adds(b, " <a href=\"");
		html_path(b, r.text[ROW_HOST], strlen(r.text[ROW_HOST]));
		buf_printf(b, "/%s/%s\">", r.text[ROW_MONTH], r.text[ROW_NAME]);
		put_title(b, &r);
		buf_adds(b, "</a></li>\n");
		row_free(&r);
	}
	sqlite3_finalize(q);
	free(sql);
	buf_adds(b, n > 0 ? "</ul>\n" : "<p>None.</p>\n");
	if (of > n)
		buf_printf(b, "<p>The newest %lld of %lld; the months below have all.</p>\n",
		    (long long)n, (long long)of);
	buf_adds(b, "</section>\n");
}

static void
put_months(struct state *s, struct buf *b)
{
	sqlite3_stmt *q = state_prepare(s,
	    "SELECT host,month,sessions,open,bare FROM month "
	    "WHERE sessions>0 ORDER BY host,month DESC");
	struct buf host = {0};
	int any = 0, i;

	while (q != NULL && state_step(s, q)) {
		struct rec_value h = column(q, 0), month = column(q, 1);

		if (!any || h.n != host.n || memcmp(h.p, host.p, h.n) != 0) {
			buf_adds(b, any ? "</tbody></table></div>\n</section>\n" : "");
			buf_adds(b, "<section>\n<h2>");
			html_value(b, h);
			buf_adds(b,
			    "</h2>\n<div class=\"wide\" role=\"region\" aria-label=\"Months\" "
			    "tabindex=\"0\"><table class=\"months\">\n<thead><tr>"
			    "<th scope=\"col\">Month</th><th scope=\"col\">Sessions</th>"
			    "<th scope=\"col\">In progress</th>"
			    "<th scope=\"col\">Without a recording</th></tr></thead>\n<tbody>\n");
			buf_reset(&host);
			buf_add(&host, h.p, h.n);
		}
		any = 1;
		buf_adds(b, "<tr><th scope=\"row\"><a href=\"");
		html_path(b, h.p, h.n);
		buf_printf(b, "/%s/index.html\">", month.p);
		for (i = 0; i < (int)month.n; i++)
			buf_addc(b, month.p[i] == '/' ? '-' : month.p[i]);
		buf_printf(b, "</a></th><td>%lld</td><td>%lld</td><td>%lld</td></tr>\n",
		    (long long)sqlite3_column_int64(q, 2), (long long)sqlite3_column_int64(q, 3),
		    (long long)sqlite3_column_int64(q, 4));
	}
	sqlite3_finalize(q);
	buf_adds(b, any ? "</tbody></table></div>\n</section>\n" : "");
	buf_free(&host);
}

static void
make_index(struct archive *a)
{
	struct state *s = archive_state(a);
	struct out o = {draft_new(a), {0}};
	int64_t n = state_number(s, "SELECT sum(sessions) FROM month");
	int64_t open = state_number(s, "SELECT sum(open) FROM month");
	int64_t bare = state_number(s, "SELECT sum(bare) FROM month");

	html_head(&o.b, "Sessions", 8);
	buf_printf(&o.b,
	    "<main>\n<h1>Sessions</h1>\n<p class=\"total\"><b>%lld</b> session%s, <b>%lld</b> in "
	    "progress, <b>%lld</b> without a recording</p>\n",
	    (long long)n, n == 1 ? "" : "s", (long long)open, (long long)bare);
	put_chart(s, &o.b);
	buf_adds(&o.b, "<div class=\"two\">\n");
	put_busiest(s, &o.b, "Busiest endpoints",
	    "SELECT name,n FROM place ORDER BY n DESC,name LIMIT " STRING(BUSIEST));
	put_busiest(s, &o.b, "Busiest people",
	    "SELECT name,n FROM person ORDER BY n DESC,name LIMIT " STRING(BUSIEST));
	put_newest(s, &o.b, "In progress", "WHERE over=0", open);
	put_newest(s, &o.b, "Over, without a recording", "WHERE bare=1", bare);
	buf_adds(&o.b, "</div>\n");
	put_months(s, &o.b);
	buf_adds(&o.b, "</main>\n");
	html_tail(&o.b);
	flush(&o);
	draft_publish(o.draft, "index.html");
	buf_free(&o.b);
}

/* What is dirty stays so until all is done: a crash begins anew. */
void
index_update(struct archive *a)
{
	struct state *s = archive_state(a);
	sqlite3_stmt *q = state_prepare(s, "SELECT host,month,dirty FROM month");
	int any = !archive_has(a, "index.html");
	char *path;

	while (q != NULL && archive_code(a) == 0 && state_step(s, q)) {
		const char *host = (const char *)sqlite3_column_text(q, 0);
		const char *month = (const char *)sqlite3_column_text(q, 1);

		path = xasprintf("%s/%s/index.html", host, month);
		if (sqlite3_column_int(q, 2) || !archive_has(a, path)) {
			make_month(a, host, month);
			any = 1;
		}
		free(path);
	}
	sqlite3_finalize(q);
	if (any && archive_code(a) == 0)
		make_index(a);
	if (any && archive_code(a) == 0)
		(void)state_run(s, "UPDATE month SET dirty=0 WHERE dirty<>0");
}
