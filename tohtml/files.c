/* What praic-tofs has stored: see files.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "files.h"
#include "html.h"
#include "msg.h"
#include "num.h"

#define LEDGER	    ".praic-ledger"
#define LEDGER_HEAD "praic-ledger\t1\n"
#define LINE_MAX_N  ((size_t)64 << 10)
enum { TIME, HOST, KIND, LSID, INSTANCE, NAME, BYTES, SHA256, CHAIN, FIELDS };

const char files_begin[] = "<!-- recordings -->\n", files_end[] = "<!-- end of recordings -->\n";

struct reader {
	struct state *state;
	sqlite3_stmt *put, *remove, *stale;
	char *field[FIELDS];
	char chain[65];
	uint64_t lines;
};

/* \t \n \r \\ of a host or an lsid. */
static void
unescape(char *p)
{
	char *to = p;

	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0') {
			p++;
			*to++ = (char)(*p == 't' ? '\t' : *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p);
		} else
			*to++ = *p;
	}
	*to = '\0';
}

/* Below the directory, whatever its components are. */
static int
is_below(const char *name)
{
	const char *p = name;

	if (*name == '/' || *name == '\0')
		return 0;
	for (; p != NULL; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
			return 0;
	}
	return 1;
}

/* A line that a crash tore has not its fields, and says nothing. */
static int
split(struct reader *r, char *line)
{
	int i;

	for (i = 0; i < FIELDS; i++) {
		r->field[i] = line;
		line = strchr(line, '\t');
		if ((line == NULL) != (i == CHAIN))
			return -1;
		if (line != NULL)
			*line++ = '\0';
	}
	return strlen(r->field[CHAIN]) == 64 && is_below(r->field[NAME]) ? 0 : -1;
}

static void
take_line(struct reader *r, char *line)
{
	sqlite3_stmt *put = r->put, *stale = r->stale;
	char **f = r->field;

	if (split(r, line) == -1)
		return;
	r->lines++;
	memcpy(r->chain, f[CHAIN], sizeof(r->chain));
	unescape(f[HOST]);
	unescape(f[LSID]);
	if (strcmp(f[BYTES], "-") == 0) {
		sqlite3_bind_text(r->remove, 1, f[NAME], -1, SQLITE_STATIC);
		state_do(r->state, r->remove);
	} else {
		sqlite3_bind_text(put, 1, f[NAME], -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 2, f[HOST], -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 3, f[LSID], -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 4, f[KIND], -1, SQLITE_STATIC);
		sqlite3_bind_text(
		    put, 5, strcmp(f[INSTANCE], "\\N") == 0 ? "" : f[INSTANCE], -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 6, f[BYTES], -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 7, f[SHA256], -1, SQLITE_STATIC);
		state_do(r->state, put);
	}
	sqlite3_bind_text(stale, 1, f[HOST], -1, SQLITE_STATIC);
	sqlite3_bind_text(stale, 2, f[LSID], -1, SQLITE_STATIC);
	state_do(r->state, stale);
}

/* The lines from an offset on.  Where the first begins that is not whole. */
static int64_t
read_lines(struct reader *r, FILE *f, int64_t at)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while (r->state->code == 0 && (n = getline(&line, &cap, f)) > 0 && line[n - 1] == '\n') {
		at += n;
		line[n - 1] = '\0';
		/* Longer ones, or with NUL, are not praic-tofs's. */
		if ((size_t)n <= LINE_MAX_N && strlen(line) == (size_t)n - 1)
			take_line(r, line);
	}
	free(line);
	return at;
}

/* Is the last line that was read still where it was?  Or is it another ledger? */
static int
is_known(FILE *f, int64_t at, const char *chain)
{
	char there[65];

	return at > 65 && fseeko(f, (off_t)at - 65, SEEK_SET) == 0 &&
	    fread(there, 1, 65, f) == 65 && there[64] == '\n' && memcmp(there, chain, 64) == 0;
}

static int64_t
start(struct state *s, FILE *f)
{
	static const char head[] = LEDGER_HEAD;
	sqlite3_stmt *q = state_prepare(s, "SELECT at, chain FROM ledger");
	char first[sizeof(head)] = "";
	int64_t at = 0;

	if (q != NULL && state_step(s, q)) {
		at = sqlite3_column_int64(q, 0);
		if (!is_known(f, at, (const char *)sqlite3_column_text(q, 1)))
			at = 0;
	}
	sqlite3_finalize(q);
	if (at > 0)
		return at;
	rewind(f);
	if (fread(first, 1, sizeof(head) - 1, f) != sizeof(head) - 1 || strcmp(first, head) != 0)
		return -1;
	(void)state_run(s, "DELETE FROM file; DELETE FROM ledger");
	return sizeof(head) - 1;
}

static int
read_ledger(struct state *s, FILE *f, const char *path)
{
	struct reader r = {.state = s};
	int64_t at, from;
	char *sql;

	(void)state_run(s, "BEGIN IMMEDIATE");
	at = from = start(s, f);
	if (at == -1) {
		msg_warn("%s: this is no ledger of praic-tofs, or one of another version", path);
		s->code = EX_NOINPUT;
		return s->code;
	}
	r.put = state_prepare(s,
	    "INSERT OR REPLACE INTO file(name,host,lsid,kind,instance,bytes,"
	    "sha256) VALUES(?1,?2,?3,?4,?5,?6,?7)");
	r.remove = state_prepare(s, "DELETE FROM file WHERE name=?1");
	r.stale = state_prepare(s,
	    "INSERT OR IGNORE INTO stale SELECT host,lsid FROM session "
	    "WHERE host=?1 AND lsid=?2");
	if (s->code == 0)
		at = read_lines(&r, f, at);
	sqlite3_finalize(r.put);
	sqlite3_finalize(r.remove);
	sqlite3_finalize(r.stale);
	if (ferror(f) && s->code == 0) {
		msg_errno("%s", path);
		s->code = EX_IOERR;
	}
	msg_tell(1, "%s: %llu lines read", path, (unsigned long long)r.lines);
	/* What was torn behind the last line will be read again. */
	if (r.lines > 0) {
		sql = sqlite3_mprintf("DELETE FROM ledger; INSERT INTO ledger VALUES(%lld,%Q)",
		    (long long)at, r.chain);
		(void)state_run(s, sql);
		sqlite3_free(sql);
	}
	return state_run(s, from == at ? "ROLLBACK" : "COMMIT");
}

int
files_read(struct state *s, const char *directory)
{
	char *path = xasprintf("%s/" LEDGER, directory);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), code;
	FILE *f = fd != -1 ? fdopen(fd, "r") : NULL;

	/* praic-tofs may not have stored anything yet.  A ledger that was there
	 * before must be there now: the share may not be mounted. */
	if (fd == -1 && errno == ENOENT && access(directory, F_OK) == 0 &&
	    state_number(s, "SELECT count(*) FROM ledger") == 0) {
		msg_tell(1, "%s: praic-tofs has stored nothing here yet: no recordings are linked",
		    directory);
		code = 0;
	} else if (f == NULL) {
		msg_errno("%s: the ledger of praic-tofs", path);
		code = EX_NOINPUT;
		if (fd != -1)
			close(fd);
	} else {
		code = read_ledger(s, f, path);
		fclose(f);
	}
	free(path);
	return code;
}

static const struct {
	const char *kind, *name;
	int is_recording;
} kinds[] = {
    {"recording", "Recording of the session", 1},
    {"shell", "Recording of command shell", 1},
    {"screen", "Recording of the shown screen", 1},
    {"session", "Session as XML", 0},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t
find_kind(const char *kind, size_t n)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (strlen(kinds[i].kind) == n && memcmp(kinds[i].kind, kind, n) == 0)
			break;
	return i;
}

static void
put_file(struct buf *b, sqlite3_stmt *q, size_t kind, const char *path)
{
	const char *name = (const char *)sqlite3_column_text(q, 2);
	const char *base = strrchr(name, '/'), *dot;
	struct buf url = {0};
	int plays;

	base = base != NULL ? base + 1 : name;
	dot = strrchr(base, '.');
	plays = kinds[kind].is_recording && dot != NULL &&
	    (strcmp(dot, ".mp4") == 0 || strcmp(dot, ".webm") == 0);
	html_path(&url, path, strlen(path));
	buf_addc(&url, '/');
	html_path(&url, name, strlen(name));
	buf_printf(b, "<li><b>%s", kinds[kind].name);
	if (sqlite3_column_bytes(q, 1) > 0 && kinds[kind].is_recording) {
		buf_addc(b, ' ');
		html_text(
		    b, (const char *)sqlite3_column_text(q, 1), (size_t)sqlite3_column_bytes(q, 1));
	}
	buf_adds(b, "</b>");
	if (plays)
		buf_printf(b,
		    "<video controls preload=\"none\" src=\"%s\" aria-label=\"%s\"></video>",
		    buf_text(&url), kinds[kind].name);
	buf_printf(b, "<br><a href=\"%s\"><bdi>", buf_text(&url));
	html_text(b, base, strlen(base));
	buf_adds(b, "</bdi></a>, ");
	html_bytes(b, (uint64_t)sqlite3_column_int64(q, 3));
	buf_adds(b, "<br><small>SHA-256 <code>");
	html_text(b, (const char *)sqlite3_column_text(q, 4), (size_t)sqlite3_column_bytes(q, 4));
	buf_adds(b, "</code></small></li>\n");
	buf_free(&url);
}

/* What the appliance has, and no file is there: a line of ROW_EXPECTED. */
static void
put_missing(
    struct buf *b, const char *kind, size_t kind_n, const char *instance, size_t n, int knows_files)
{
	size_t k = find_kind(kind, kind_n);

	buf_printf(b, "<li><b>%s", k < KINDS ? kinds[k].name : "Recording");
	if (n > 0)
		buf_printf(b, " %.*s", (int)n, instance);
	buf_printf(b, "</b>, %s</li>\n",
	    knows_files ? "not stored; the appliance had it" : "on the appliance");
}

static int
is_stored(struct state *s, const char *host, const char *lsid, const char *line, size_t n)
{
	sqlite3_stmt *q = state_prepare(s,
	    "SELECT 1 FROM file WHERE host=?1 AND lsid=?2 AND "
	    "kind||' '||instance=?3");
	int is = 0;

	if (q != NULL) {
		sqlite3_bind_text(q, 1, host, -1, SQLITE_STATIC);
		sqlite3_bind_text(q, 2, lsid, -1, SQLITE_STATIC);
		sqlite3_bind_text(q, 3, line, (int)n, SQLITE_STATIC);
		is = state_step(s, q);
	}
	sqlite3_finalize(q);
	return is;
}

void
files_section(struct state *s, struct buf *b, const char *prefix, const char *host,
    const char *lsid, const struct buf *expected, const char *path, int64_t *stored)
{
	const char *line = expected->p, *end = line + expected->n, *lf, *blank;
	sqlite3_stmt *q = NULL;
	size_t kind, items = 0;

	*stored = 0;
	buf_adds(b, files_begin);
	buf_printf(
	    b, "<section id=\"%srecordings\">\n<h2>Recordings</h2>\n<ul class=\"kept\">\n", prefix);
	if (path != NULL)
		q = state_prepare(s,
		    "SELECT kind,instance,name,bytes,sha256 FROM file "
		    "WHERE host=?1 AND lsid=?2 ORDER BY kind,instance,name");
	if (q != NULL) {
		sqlite3_bind_text(q, 1, host, -1, SQLITE_STATIC);
		sqlite3_bind_text(q, 2, lsid, -1, SQLITE_STATIC);
		while (state_step(s, q)) {
			kind = find_kind((const char *)sqlite3_column_text(q, 0),
			    (size_t)sqlite3_column_bytes(q, 0));
			if (kind == KINDS)
				continue;
			put_file(b, q, kind, path);
			*stored += kinds[kind].is_recording;
			items++;
		}
		sqlite3_finalize(q);
	}
	for (; line < end; line = lf + 1) {
		lf = memchr(line, '\n', (size_t)(end - line));
		blank = memchr(line, ' ', (size_t)(lf - line));
		if (path != NULL && is_stored(s, host, lsid, line, (size_t)(lf - line)))
			continue;
		put_missing(b, line, (size_t)(blank - line), blank + 1, (size_t)(lf - blank - 1),
		    path != NULL);
		items++;
	}
	if (items == 0)
		buf_adds(b, "<li>None.</li>\n");
	buf_adds(b, "</ul>\n</section>\n");
	buf_adds(b, files_end);
}
