/*
 * The indexes: see tohtml.h.  Queries of the state write their HTML.  They do not
 * depend on the day on which they are made: the same sessions give the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tohtml.h"

/* Days of the chart and of the busiest people and endpoints; the length of lists. */
#define DAYS   "92"
#define LISTED "25"

/* In SQL: "who → where"; ", 3 files", or nothing for 0. */
#define TITLE                                                                       \
	"iif(who||endpoint='','Session',iif(who='','','<bdi>'||h(who)||'</bdi>')||" \
	"iif(who='' OR endpoint='','',' → ')||"                                   \
	"iif(endpoint='','','<bdi>'||h(endpoint)||'</bdi>'))"
#define COUNT(column, name) \
	"iif(" column "=0,'',', '||" column "||iif(" column "=1,' " name "',' " name "s'))"

static const char month_rows[] =
    "SELECT '<tr class=\"'||iif(over,'','p')||iif(bare,'n','')||'\"><td>'||"
    "iif(start='','',t(start))||'</td><th scope=\"row\"><a href=\"'||u(name)||'\">'||" TITLE
    "||'</a>'||iif(people='','','<small>with '||h(people)||'</small>')||'</th><td>'||"
    "h(duration)||'</td><td>'||h(key)||'</td><td>'||h(grp)||'</td><td>'||h(type)||"
    "'</td><td>'||substr(iif(over,'',', <b>in progress</b>')||" COUNT("commands",
	"command") "||" COUNT("files", "file") "||" COUNT("chats", "message") "||" COUNT("stored",
	"recording") "||iif(bare,', no recording',''),3)||'</td></tr>\n' "
		     "FROM session WHERE host=?1 AND month=?2 ORDER BY start DESC,lsid";

static void
make_month(struct archive *a, struct state *s, const char *host, const char *month)
{
	char *path = xasprintf("%s/%s/index.html", host, month);
	int is_dated = strchr(month, '/') != NULL;
	struct buf *b, title = {0};
	struct draft d;
	sqlite3_stmt *q;

	draft_open(a, &d);
	b = &d.out.mem;
	buf_printf(&title, "%s on %s", month, host);
	html_head(b, title.p, title.n);
	buf_printf(b, "<nav><a href=\"%s../../index.html\">All sessions</a></nav>\n<main>\n<h1>",
	    is_dated ? "../" : "");
	if (is_dated)
		buf_printf(b, "Sessions of %.4s-%.2s", month, month + 5);
	else
		buf_adds(b, "Sessions without a start time");
	buf_adds(b, "</h1>\n<p>");
	html_text(b, host, strlen(host));
	buf_adds(b,
	    "</p>\n<form class=\"filter\" hidden>\n<label>Show those with <input type=\"search\" "
	    "autocomplete=\"off\" placeholder=\"a name, an endpoint, a key\"></label>\n"
	    "<label><input type=\"checkbox\" value=\"p\"> in progress only</label>\n"
	    "<label><input type=\"checkbox\" value=\"n\"> without a recording only</label>\n"
	    "<output></output>\n</form>\n<div class=\"wide\" role=\"region\" "
	    "aria-label=\"Sessions\" tabindex=\"0\"><table class=\"sessions\">\n"
	    "<thead><tr><th scope=\"col\">Start (UTC)</th><th scope=\"col\">Who, where</th>"
	    "<th scope=\"col\">Duration</th><th scope=\"col\">External key</th>"
	    "<th scope=\"col\">Jump group</th><th scope=\"col\">Kind</th>"
	    "<th scope=\"col\">Content</th></tr></thead>\n<tbody>\n");
	for (q = state_query(s, month_rows, 2, host, month); state_step(s, q); held_check(&d.out))
		buf_adds(b, (const char *)sqlite3_column_text(q, 0));
	buf_adds(b, "</tbody></table></div>\n");
	page_tail(&d.out);
	draft_publish(a, &d, path);
	buf_free(&title);
	free(path);
}

/* The days up to that of the newest session. */
static const char days[] =
    "DROP TABLE IF EXISTS temp.day; CREATE TEMP TABLE day AS "
    "SELECT substr(start,1,10) AS day,count(*) AS n FROM session "
    "WHERE start>=(SELECT date(max(start),'-" DAYS " days','+1 day') FROM session) AND start<>'' "
    "GROUP BY 1";

/* Pieces of the index of everything, each with a heading, what stands before and
 * behind the rows, and a query for more. */
static const struct {
	const char *before, *rows, *behind, *more;
} index_part[] = {
    {"", /* a bar is 8 wide, the chart 120 high */
	"SELECT '<section>\n<h2>Sessions a day</h2>\n<figure>\n<svg class=\"chart\" role=\"img\" "
	"preserveAspectRatio=\"none\" viewBox=\"0 0 '||(8*" DAYS
	")||' 120\" aria-label=\"Sessions a "
	"day from '||date(max(day),'-" DAYS " days','+1 day')||' to '||max(day)||': '||sum(n)||"
	"' in all, at most '||max(n)||' a day\">\n' FROM temp.day HAVING count(*)>0",
	"",
	"SELECT '<rect x=\"'||(8*CAST(" DAYS
	"-1-julianday(last)+julianday(day) AS INT))||'\" y=\"'||"
	"(120-high)||'\" width=\"6\" height=\"'||high||'\"><title>'||day||': '||n||"
	"'</title></rect>\n' FROM (SELECT day,n,max(2,n*118/most) AS high,last FROM temp.day,"
	"(SELECT max(n) AS most,max(day) AS last FROM temp.day)) ORDER BY day"},
    {"",
	"SELECT '</svg>\n<figcaption><span>'||date(max(day),'-" DAYS " days','+1 day')||"
	"'</span> <span>most: '||max(n)||' on '||(SELECT day FROM temp.day ORDER BY n DESC,"
	"day LIMIT 1)||'</span> <span>'||max(day)||'</span></figcaption>\n</figure>\n</section>\n' "
	"FROM temp.day HAVING count(*)>0",
	"<div class=\"two\">\n", NULL},
#define BUSIEST(what)                                                                             \
	"SELECT '<li><bdi>'||h(" what ")||'</bdi> <span>'||n||'</span>"                           \
	"<svg viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"           \
	"<rect width=\"'||(n*100/max(n) OVER ())||'\" height=\"4\"></rect></svg></li>\n' FROM ("  \
	"SELECT " what ",count(*) AS n FROM session WHERE start>=(SELECT min(day) FROM temp.day)" \
	" AND " what "<>'' GROUP BY 1 ORDER BY 2 DESC,1 LIMIT 10) ORDER BY n DESC," what
    {"<section>\n<h2>Busiest endpoints</h2>\n<ol class=\"busy\">\n", BUSIEST("endpoint"),
	"</ol>\n</section>\n", NULL},
    {"<section>\n<h2>Busiest people</h2>\n<ol class=\"busy\">\n", BUSIEST("who"),
	"</ol>\n</section>\n", NULL},
#define NEWEST(which)                                                                           \
	"SELECT '<li>'||t(start)||' <a href=\"'||u(host||'/'||month||'/'||name)||'\">'||" TITLE \
	"||'</a></li>\n' FROM session WHERE " which " ORDER BY start DESC,host,lsid LIMIT " LISTED
#define MORE(which)                                                \
	"SELECT '<li><small>The newest " LISTED                    \
	" of '||count(*)||'; the months have all.</small></li>\n'" \
	" FROM session WHERE " which " HAVING count(*)>" LISTED
    {"<section>\n<h2>In progress</h2>\n<ul class=\"newest\">\n", NEWEST("over=0"),
	"</ul>\n</section>\n", MORE("over=0")},
    {"<section>\n<h2>Over, without a recording</h2>\n<ul class=\"newest\">\n", NEWEST("bare=1"),
	"</ul>\n</section>\n</div>\n", MORE("bare=1")},
    {"<section id=\"months\">\n<h2>Months</h2>\n<div class=\"wide\" role=\"region\" "
     "aria-label=\"Months\" "
     "tabindex=\"0\"><table class=\"months\">\n<thead><tr><th scope=\"col\">Month</th>"
     "<th scope=\"col\">Site</th><th scope=\"col\">Sessions</th><th scope=\"col\">In progress"
     "</th><th scope=\"col\">Without a recording</th></tr></thead>\n<tbody>\n",
	"SELECT '<tr><th scope=\"row\"><a href=\"'||u(host||'/'||month)||'/index.html\">'||"
	"replace(month,'/','-')||'</a></th><td>'||h(host)||'</td><td>'||sessions||'</td><td>'||"
	"open||'</td><td>'||bare||'</td></tr>\n' FROM month WHERE sessions>0 "
	"ORDER BY month DESC,host",
	"</tbody></table></div>\n</section>\n", NULL},
};

static void
make_index(struct archive *a, struct state *s)
{
	struct draft d;
	struct buf *b;
	size_t i;

	draft_open(a, &d);
	b = &d.out.mem;
	html_head(b, "Sessions", 8);
	(void)state_run(s, days);
	(void)state_put(s,
	    state_query(s,
		"SELECT '<main>\n<h1>Sessions</h1>\n<p class=\"total\"><b>'||sessions||'</b> "
		"session'||iif(sessions=1,'','s')||', <b>'||open||'</b> in progress, "
		"<b>'||bare||'</b> without a recording · <a href=\"#months\">All months</a></p>\n' "
		"FROM (SELECT "
		"ifnull(sum(sessions),0) AS sessions,ifnull(sum(open),0) AS open,"
		"ifnull(sum(bare),0) AS bare FROM month)",
		0),
	    b);
	for (i = 0; i < sizeof(index_part) / sizeof(index_part[0]); i++) {
		int64_t n;

		buf_adds(b, index_part[i].before);
		n = state_put(s, state_query(s, index_part[i].rows, 0), b);
		if (n == 0 && index_part[i].more != NULL && *index_part[i].before != '\0')
			buf_adds(b, "<li>None.</li>\n");
		if (index_part[i].more != NULL)
			(void)state_put(s, state_query(s, index_part[i].more, 0), b);
		buf_adds(b, index_part[i].behind);
		held_check(&d.out);
	}
	page_tail(&d.out);
	draft_publish(a, &d, "index.html");
}

/* Months stay dirty until all is done: after a crash all of them are made again. */
void
index_update(struct archive *a, struct state *s)
{
	sqlite3_stmt *q;
	int any = !archive_has(a, "index.html");
	char *path;

	(void)state_run(s,
	    "UPDATE month SET (sessions,open,bare)=(SELECT count(*),ifnull(sum(over=0),0),"
	    "ifnull(sum(bare),0) FROM session AS s WHERE s.host=month.host AND "
	    "s.month=month.month) WHERE dirty");
	q = state_query(s, "SELECT host,month,dirty FROM month", 0);
	while (archive_code(a) == 0 && state_step(s, q)) {
		const char *host = (const char *)sqlite3_column_text(q, 0);
		const char *month = (const char *)sqlite3_column_text(q, 1);

		path = xasprintf("%s/%s/index.html", host, month);
		if (sqlite3_column_int(q, 2) || !archive_has(a, path)) {
			make_month(a, s, host, month);
			any = 1;
		}
		free(path);
	}
	if (any && archive_code(a) == 0)
		make_index(a, s);
	if (any && archive_code(a) == 0)
		(void)state_run(s, "UPDATE month SET dirty=0 WHERE dirty");
}
