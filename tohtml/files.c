/* What praic-tofs has stored: see tohtml.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "msg.h"
#include "tohtml.h"

#define LEDGER	    ".praic-ledger"
#define LEDGER_HEAD "praic-ledger\t1\n"
#define LINE_MAX_N  ((size_t)64 << 10)
enum { TIME, HOST, KIND, LSID, INSTANCE, NAME, BYTES, SHA256, CHAIN, FIELDS };

const char files_begin[] = "<!-- recordings -->\n", files_end[] = "<!-- end of recordings -->\n";

/* Undo \t \n \r \\ in a host or an lsid. */
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

/* Does the name stay below the directory? */
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

/* -1: not a line of praic-tofs, or one that a crash cut. */
static int
split(char *line, char *field[FIELDS])
{
	int i;

	for (i = 0; i < FIELDS; i++) {
		field[i] = line;
		line = strchr(line, '\t');
		if ((line == NULL) != (i == CHAIN))
			return -1;
		if (line != NULL)
			*line++ = '\0';
	}
	unescape(field[HOST]);
	unescape(field[LSID]);
	return strlen(field[CHAIN]) == 64 && is_below(field[NAME]) ? 0 : -1;
}

static void
take_line(struct state *s, char **f)
{
	if (strcmp(f[BYTES], "-") == 0)
		(void)state_step(s, state_query(s, "DELETE FROM file WHERE name=?1", 1, f[NAME]));
	else
		(void)state_step(s,
		    state_query(s,
			"INSERT OR REPLACE INTO file(name,host,lsid,kind,instance,bytes,sha256) "
			"VALUES(?1,?2,?3,?4,iif(?5='\\N','',?5),?6,?7)",
			7, f[NAME], f[HOST], f[LSID], f[KIND], f[INSTANCE], f[BYTES], f[SHA256]));
	(void)state_step(s,
	    state_query(s,
		"INSERT OR IGNORE INTO stale SELECT host,lsid FROM session "
		"WHERE host=?1 AND lsid=?2",
		2, f[HOST], f[LSID]));
}

/* Where the first new line begins: behind the last one that was read, if that is still
 * there; else at the top.  -1: it is no ledger. */
static int64_t
start(struct state *s, FILE *f)
{
	static const char head[] = LEDGER_HEAD;
	sqlite3_stmt *q = state_query(s, "SELECT at, chain FROM ledger", 0);
	char there[65], first[sizeof(head)] = "";
	int64_t at = 0;

	if (state_step(s, q)) {
		at = sqlite3_column_int64(q, 0);
		if (at < 65 || fseeko(f, (off_t)at - 65, SEEK_SET) != 0 ||
		    fread(there, 1, 65, f) != 65 || there[64] != '\n' ||
		    memcmp(there, sqlite3_column_text(q, 1), 64) != 0)
			at = 0;
		sqlite3_reset(q);
	}
	if (at > 0)
		return at;
	rewind(f);
	if (fread(first, 1, sizeof(head) - 1, f) != sizeof(head) - 1 || strcmp(first, head) != 0)
		return -1;
	(void)state_run(s, "DELETE FROM file; DELETE FROM ledger");
	return sizeof(head) - 1;
}

/* An incomplete last line is left for the next run. */
static int
read_ledger(struct state *s, FILE *f, const char *path)
{
	char *line = NULL, *field[FIELDS], chain[65] = "", *sql;
	uint64_t lines = 0;
	size_t cap = 0;
	int64_t at;
	ssize_t n;

	(void)state_run(s, "BEGIN IMMEDIATE");
	if ((at = start(s, f)) == -1) {
		msg_warn("%s: this is no ledger of praic-tofs, or one of another version", path);
		return s->code = EX_NOINPUT;
	}
	while (s->code == 0 && (n = getline(&line, &cap, f)) > 0 && line[n - 1] == '\n') {
		at += n;
		line[n - 1] = '\0';
		/* praic-tofs writes no longer lines, and no NUL. */
		if ((size_t)n > LINE_MAX_N || strlen(line) != (size_t)n - 1 ||
		    split(line, field) == -1)
			continue;
		lines++;
		memcpy(chain, field[CHAIN], sizeof(chain));
		take_line(s, field);
	}
	free(line);
	if (ferror(f) && s->code == 0) {
		msg_errno("%s", path);
		s->code = EX_IOERR;
	}
	msg_tell(1, "%s: %llu lines read", path, (unsigned long long)lines);
	if (lines == 0)
		return state_run(s, "ROLLBACK");
	sql = sqlite3_mprintf(
	    "DELETE FROM ledger; INSERT INTO ledger VALUES(%lld,%Q); COMMIT", (long long)at, chain);
	(void)state_run(s, sql);
	sqlite3_free(sql);
	return s->code;
}

int
files_read(struct state *s, const char *directory)
{
	char *path = xasprintf("%s/" LEDGER, directory);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), code;
	FILE *f = fd != -1 ? fdopen(fd, "r") : NULL;

	/* praic-tofs may have stored nothing yet.  But if there was a ledger
	 * before, the share is probably not mounted. */
	if (fd == -1 && errno == ENOENT && access(directory, F_OK) == 0 &&
	    state_number(s, state_query(s, "SELECT count(*) FROM ledger", 0)) == 0) {
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

/* ?1 host, ?2 lsid, ?3 the recordings that the appliance has, ?4 the path, or NULL. */
static const char list[] =
    "WITH kinds(kind,what,plays) AS (VALUES('recording','Recording of the session',1),"
    "('screen','Recording of the shown screen',1),('shell','Recording of command shell',1),"
    "('session','Session as XML',0)),"
    "stored AS (SELECT * FROM file WHERE host=?1 AND lsid=?2 AND ?4 IS NOT NULL),"
    "all_of(kind,instance,name,bytes,sha256) AS ("
    "SELECT kind,instance,name,bytes,sha256 FROM stored UNION ALL "
    "SELECT substr(value,1,instr(value,' ')-1),substr(value,instr(value,' ')+1),NULL,NULL,NULL "
    "FROM json_each(?3) AS e "
    "WHERE NOT EXISTS (SELECT 1 FROM stored AS s WHERE s.kind||' '||s.instance=e.value)) "
    "SELECT '<li><b>'||what||iif(instance='' OR NOT plays,'',' '||h(instance))||'</b>'||"
    "CASE WHEN name IS NOT NULL THEN "
    "iif(plays AND (name LIKE '%.mp4' OR name LIKE '%.webm'),"
    "'<video controls preload=\"none\" src=\"'||u(?4||'/'||name)||'\" aria-label=\"'||what||"
    "'\"></video>','')||'<br><a href=\"'||u(?4||'/'||name)||'\"><bdi>'||"
    "h(substr(name,length(rtrim(name,replace(name,'/','')))+1))||'</bdi></a>, '||size(bytes)||"
    "'<br><small>SHA-256 <code>'||h(sha256)||'</code></small>' "
    "WHEN ?4 IS NULL THEN ', on the appliance' ELSE ', not stored; the appliance had it' END||"
    "'</li>\n' FROM all_of JOIN kinds USING(kind) ORDER BY name IS NULL,kind,instance,name";

void
files_section(struct state *s, struct buf *b, const char *prefix, const char *host,
    const char *lsid, const char *expected, const char *path)
{
	buf_adds(b, files_begin);
	buf_printf(
	    b, "<section id=\"%srecordings\">\n<h2>Recordings</h2>\n<ul class=\"kept\">\n", prefix);
	if (state_put(s, state_query(s, list, 4, host, lsid, expected, path), b) == 0)
		buf_adds(b, "<li>None.</li>\n");
	buf_adds(b, "</ul>\n</section>\n");
	buf_adds(b, files_end);
}
