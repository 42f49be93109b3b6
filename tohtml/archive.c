/* Pages in DIRECTORY: see tohtml.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "host.h"
#include "msg.h"
#include "num.h"
#include "sha256.h"
#include "tohtml.h"

/* Files of its own in DIRECTORY. */
#define STATE ".praic-tohtml"
#define LOCK  ".praic-tohtml-lock"
#define PARTS ".praic-tohtml-tmp"

/* Pages that are synced together, and their bytes. */
#define BATCH	    128
#define BATCH_BYTES ((uint64_t)16 << 20)
/* Appliances have lsids of 32 characters. */
#define MAX_KEY 4096

/* In SQL: the path of a row's page. */
#define PATH(row) row ".host||'/'||" row ".month||'/'||" row ".name"

struct archive {
	const char *directory;
	int dir, parts, lock;
	char *files; /* the path from DIRECTORY to praic-tofs's directory, or NULL */
	struct state state;
	unsigned waiting;
	uint64_t waiting_bytes;
	uint64_t names, written, same, older, left_out;
	struct buf section;
	int code;
};

/* Pages that wait for the disk: the session's row, and the page's name in PARTS. */
static const char waiting_sql[] =
    "CREATE TEMP TABLE waiting(" STATE_COLUMNS ",tmp,UNIQUE(host,lsid))";

static int
failed(struct archive *a, int code, const char *what)
{
	msg_errno("%s/%s", a->directory, what);
	a->code = code_worse(a->code, errno == ENOSPC || errno == EDQUOT ? EX_IOERR : code);
	return -1;
}

int
archive_code(const struct archive *a)
{
	return code_worse(a->code, a->state.code);
}

int
archive_has(struct archive *a, const char *path)
{
	struct stat st;

	return fstatat(a->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

void
draft_open(struct archive *a, struct draft *d)
{
	snprintf(d->name, sizeof(d->name), "%llu", (unsigned long long)++a->names);
	d->fd = openat(a->parts, d->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->fd == -1)
		failed(a, EX_CANTCREAT, PARTS);
	held_open_output(&d->out, d->fd, a->directory);
	d->out.code = d->fd == -1 ? EX_CANTCREAT : 0;
}

/* Write the rest of it. */
static void
draft_close(struct archive *a, struct draft *d)
{
	held_flush(&d->out);
	a->code = code_worse(a->code, d->out.code);
	held_close(&d->out);
}

/* Rename a file from PARTS to its path.  The folder may have to be made. */
static int
give_name(struct archive *a, const char *name, const char *path)
{
	char *folder;
	int bad;

	if (renameat(a->parts, name, a->dir, path) == 0)
		return 0;
	folder = xasprintf("%s/%.*s", a->directory, (int)(strrchr(path, '/') - path), path);
	bad = errno != ENOENT || file_make_dirs(folder) == -1 ||
	    renameat(a->parts, name, a->dir, path) == -1;
	free(folder);
	return bad ? failed(a, EX_CANTCREAT, path) : 0;
}

/* Sync a folder and all folders above it, up to DIRECTORY. */
static int
sync_folder(struct archive *a, const char *path)
{
	char *folder = xasprintf("./%s", path), *slash = folder + strlen(folder);
	int bad = 0, fd;

	for (; slash != NULL && !bad; slash = strrchr(folder, '/')) {
		*slash = '\0';
		fd = openat(a->dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		bad = fd == -1 || file_sync_dir(fd) == -1;
		if (bad)
			failed(a, EX_IOERR, folder);
		if (fd != -1)
			close(fd);
	}
	free(folder);
	return bad ? -1 : 0;
}

void
draft_publish(struct archive *a, struct draft *d, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = xstrndup(path, slash != NULL ? (size_t)(slash - path) : 0);

	draft_close(a, d);
	if (archive_code(a) == 0 && fsync(d->fd) == -1)
		failed(a, EX_IOERR, PARTS);
	if (archive_code(a) == 0 && give_name(a, d->name, path) == 0)
		(void)sync_folder(a, folder);
	if (d->fd != -1)
		close(d->fd);
	free(folder);
}

/* Sync contents, then give names, then sync folders: safe in a crash at any moment. */
static void
publish_waiting(struct archive *a)
{
	struct state *s = &a->state;
	sqlite3_stmt *q = state_query(s, "SELECT tmp FROM waiting", 0);
	const char *path;
	int fd;

	while (a->code == 0 && state_step(s, q)) {
		fd =
		    openat(a->parts, (const char *)sqlite3_column_text(q, 0), O_RDONLY | O_CLOEXEC);
		if (fd == -1 || fsync(fd) == -1)
			failed(a, EX_IOERR, PARTS);
		if (fd != -1)
			close(fd);
	}
	q = state_query(s, "SELECT tmp," PATH("w") " FROM waiting AS w", 0);
	while (a->code == 0 && state_step(s, q))
		(void)give_name(a, (const char *)sqlite3_column_text(q, 0),
		    (const char *)sqlite3_column_text(q, 1));
	q = state_query(s, "SELECT DISTINCT host||'/'||month FROM waiting", 0);
	while (a->code == 0 && state_step(s, q))
		(void)sync_folder(a, (const char *)sqlite3_column_text(q, 0));
	/* A new start time may have moved the page to another month. */
	q = state_query(s,
	    "SELECT " PATH("s") " FROM waiting AS w JOIN session AS s USING(host,lsid) "
				"WHERE s.month<>w.month",
	    0);
	while (a->code == 0 && state_step(s, q)) {
		path = (const char *)sqlite3_column_text(q, 0);
		if (unlinkat(a->dir, path, 0) == -1 && errno != ENOENT)
			failed(a, EX_IOERR, path);
	}
}

/* Publish the waiting pages and put their rows into the state. */
static void
flush(struct archive *a)
{
	char *sql;

	if (a->waiting == 0)
		return;
	publish_waiting(a);
	if (a->code == 0) {
		sql = xasprintf(
		    "BEGIN IMMEDIATE; INSERT INTO month(host,month,dirty) "
		    "SELECT host,month,1 FROM waiting UNION SELECT s.host,s.month,1 FROM waiting "
		    "JOIN session AS s USING(host,lsid) WHERE 1 "
		    "ON CONFLICT(host,month) DO UPDATE SET dirty=1;"
		    "INSERT OR REPLACE INTO session SELECT *,over AND "
		    "iif(%d,stored=0,expected='[]') "
		    "FROM (SELECT " STATE_COLUMNS ",(SELECT count(*) FROM file AS f WHERE "
		    "f.host=w.host AND f.lsid=w.lsid AND kind IN ('recording','shell','screen')) "
		    "AS "
		    "stored FROM waiting AS w);"
		    "DELETE FROM stale WHERE (host,lsid) IN (SELECT host,lsid FROM waiting);"
		    "DELETE FROM waiting; COMMIT",
		    a->files != NULL);
		(void)state_run(&a->state, sql);
		free(sql);
	}
	a->written += a->waiting;
	a->waiting = 0;
	a->waiting_bytes = 0;
}

/* Does the page at this path hold what this file holds? */
static int
is_same(struct archive *a, int fd, const char *path)
{
	int old = openat(a->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), same;
	char one[16384], two[sizeof(one)];
	ssize_t n;

	same = old != -1 && lseek(fd, 0, SEEK_SET) == 0;
	do {
		n = same ? file_read(fd, one, sizeof(one)) : -1;
		same = n >= 0 && file_read(old, two, sizeof(two)) == n &&
		    memcmp(one, two, (size_t)n) == 0;
	} while (same && n > 0);
	if (old != -1)
		close(old);
	return same;
}

/* A draft is complete: its row stays in waiting, or goes if the page and the
 * session's row are there already. */
static void
put_draft(struct archive *a, struct draft *d, const char *host, const char *lsid)
{
	uint64_t bytes = (uint64_t)held_size(&d->out);
	struct state *s = &a->state;
	sqlite3_stmt *q;
	int same = 0;

	draft_close(a, d);
	/* A run that was killed may have published a page with new files, but not its row,
	 * which counts them. */
	q = state_query(s,
	    "SELECT " PATH(
		"session") " FROM session WHERE host=?1 AND lsid=?2 AND NOT EXISTS("
			   "SELECT " STATE_COLUMNS " FROM waiting WHERE host=?1 AND lsid=?2 EXCEPT "
			   "SELECT " STATE_COLUMNS " FROM session WHERE host=?1 AND lsid=?2) "
			   "AND NOT EXISTS(SELECT 1 FROM stale WHERE host=?1 AND lsid=?2)",
	    2, host, lsid);
	if (archive_code(a) == 0 && state_step(s, q)) {
		same = is_same(a, d->fd, (const char *)sqlite3_column_text(q, 0));
		sqlite3_reset(q);
	}
	if (d->fd != -1)
		close(d->fd);
	if (same) {
		a->same++;
		unlinkat(a->parts, d->name, 0);
		(void)state_step(s,
		    state_query(s, "DELETE FROM waiting WHERE host=?1 AND lsid=?2", 2, host, lsid));
		return;
	}
	(void)state_step(s,
	    state_query(
		s, "UPDATE waiting SET tmp=?3 WHERE host=?1 AND lsid=?2", 3, host, lsid, d->name));
	a->waiting++;
	a->waiting_bytes += bytes;
	if (a->waiting == BATCH || a->waiting_bytes >= BATCH_BYTES)
		flush(a);
}

/* An lsid of hexadecimal digits is the name; for any other one it is a hash. */
static void
set_name(struct summary *m)
{
	static const char safe[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
	const char *lsid = buf_text(&m->text[T_LSID]), *start = buf_text(&m->text[T_START]);
	struct buf *name = &m->text[T_NAME], *month = &m->text[T_MONTH];
	size_t n = m->text[T_LSID].n;
	char hex[SHA256_HEX];
	struct sha256 *h;

	buf_reset(name);
	buf_reset(month);
	if (*start != '\0')
		buf_printf(month, "%.4s/%.2s", start, start + 5);
	else
		buf_adds(month, "undated");
	if (n > 0 && n <= 64 && strspn(lsid, safe) == n && *lsid != '-' &&
	    strcmp(lsid, "index") != 0) {
		buf_printf(name, "%s.html", lsid);
		return;
	}
	h = sha256_new();
	sha256_add(h, lsid, n);
	sha256_hex(h, hex);
	sha256_free(h);
	buf_printf(name, "_%.32s.html", hex);
}

/* The path from the folder of a month to DIRECTORY. */
static const char *
up(const char *month)
{
	return strchr(month, '/') != NULL ? "../../../" : "../../";
}

static void
make_section(
    struct archive *a, const char *host, const char *lsid, const char *month, const char *expected)
{
	char *path = NULL;

	if (a->files != NULL)
		path = xasprintf("%s%s", a->files[0] == '/' ? "" : up(month), a->files);
	buf_reset(&a->section);
	files_section(&a->state, &a->section, "", host, lsid, expected, path);
	free(path);
}

/* Insert the session's row into waiting. */
static void
put_row(struct archive *a, struct summary *m)
{
	sqlite3_stmt *q = state_query(&a->state,
	    "INSERT INTO waiting(" STATE_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,"
	    "?13,?14,?15,?16,?17,?18,?19)",
	    0);
	int i;

	for (i = 0; q != NULL && i < T_COLUMNS; i++)
		sqlite3_bind_text(q, 1 + i, buf_text(&m->text[i]), -1, SQLITE_STATIC);
	for (i = 0; q != NULL && i < NUMBERS; i++)
		sqlite3_bind_int64(q, 1 + T_COLUMNS + i, m->number[i]);
	(void)state_step(&a->state, q);
}

/* The same rule as praic-tosql's: without an end time, or with fewer events. */
static int
is_older(struct archive *a, struct summary *m)
{
	char events[NUM_SIZE];

	events[num_format(m->number[N_EVENTS], events)] = '\0';
	return state_number(&a->state,
		   state_query(&a->state,
		       "SELECT iif((end<>'')=(?3<>''),events>CAST(?4 AS INT),end<>'') "
		       "FROM session WHERE host=?1 AND lsid=?2",
		       4, buf_text(&m->text[T_HOST]), buf_text(&m->text[T_LSID]),
		       buf_text(&m->text[T_END]), events)) != 0;
}

void
archive_put(struct archive *a, struct page *p, const struct rec_reader *r)
{
	struct summary *m = page_end(p, r);
	const char *host, *lsid, *month;
	char name[HOST_SIZE];
	struct draft d;

	if (host_normalise(r->host.p, r->host.n, name) == -1 || r->lsid.n > MAX_KEY) {
		msg_warn("session %.*s of %.*s left out: no site has that name, or the lsid is too "
			 "long",
		    (int)r->lsid.n, r->lsid.p, (int)r->host.n, r->host.p);
		a->left_out++;
		return;
	}
	buf_reset(&m->text[T_HOST]);
	buf_adds(&m->text[T_HOST], name);
	set_name(m);
	host = buf_text(&m->text[T_HOST]);
	lsid = buf_text(&m->text[T_LSID]);
	month = buf_text(&m->text[T_MONTH]);
	if (state_number(&a->state,
		state_query(&a->state, "SELECT 1 FROM waiting WHERE host=?1 AND lsid=?2", 2, host,
		    lsid)) != 0)
		flush(a);
	if (is_older(a, m)) {
		msg_tell(2, "%s: older than the page that is there", lsid);
		a->older++;
		return;
	}
	put_row(a, m);
	make_section(a, host, lsid, month, buf_text(&m->text[T_EXPECTED]));
	draft_open(a, &d);
	page_head(p, &d.out);
	page_write(p, &a->section, up(month), &d.out);
	page_tail(&d.out);
	put_draft(a, &d, host, lsid);
}

/* Replace the section of recordings in a page. */
static void
refresh(struct archive *a, const char *host, const char *lsid, const char *path)
{
	int fd = openat(a->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const char *begin = NULL, *end = NULL;
	char *page = MAP_FAILED;
	struct draft d;
	struct stat st;
	size_t n = 0;

	if (fd != -1 && fstat(fd, &st) == 0 && st.st_size > 0) {
		n = (size_t)st.st_size;
		page = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (page != MAP_FAILED &&
	    (begin = memmem(page, n, files_begin, strlen(files_begin))) != NULL)
		end = memmem(begin, n - (size_t)(begin - page), files_end, strlen(files_end));
	if (end != NULL) {
		end += strlen(files_end);
		(void)state_step(&a->state,
		    state_query(&a->state,
			"INSERT INTO waiting SELECT " STATE_COLUMNS ",NULL FROM session "
			"WHERE host=?1 AND lsid=?2",
			2, host, lsid));
		draft_open(a, &d);
		held_add(&d.out, page, (size_t)(begin - page));
		held_add(&d.out, a->section.p, a->section.n);
		held_add(&d.out, end, n - (size_t)(end - page));
		put_draft(a, &d, host, lsid);
	}
	if (page != MAP_FAILED)
		munmap(page, n);
	if (fd != -1)
		close(fd);
}

/* Refresh the pages of sessions that have new files. */
static void
refresh_stale(struct archive *a)
{
	struct state *s = &a->state;
	char *host = xstrdup(""), *lsid = xstrdup(""), *path;
	int any = 0;
	sqlite3_stmt *q;

	while (archive_code(a) == 0 &&
	    state_step(s,
		q = state_query(s,
		    "SELECT host,lsid,month,expected," PATH(
			"session") " FROM stale CROSS JOIN "
				   "session USING(host,lsid) WHERE (host,lsid)>(?1,?2) ORDER BY "
				   "host,lsid LIMIT 1",
		    2, host, lsid))) {
		free(host);
		free(lsid);
		host = xstrdup((const char *)sqlite3_column_text(q, 0));
		lsid = xstrdup((const char *)sqlite3_column_text(q, 1));
		path = xstrdup((const char *)sqlite3_column_text(q, 4));
		make_section(a, host, lsid, (const char *)sqlite3_column_text(q, 2),
		    (const char *)sqlite3_column_text(q, 3));
		sqlite3_reset(q);
		refresh(a, host, lsid, path);
		free(path);
		any = 1;
	}
	free(host);
	free(lsid);
	flush(a);
	if (any && archive_code(a) == 0)
		(void)state_run(s, "DELETE FROM stale");
}

/* Remove what a killed run has left. */
static int
clean_parts(struct archive *a)
{
	int fd = openat(a->parts, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (d == NULL)
		return failed(a, EX_CANTCREAT, PARTS);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && unlinkat(a->parts, e->d_name, 0) == -1)
			failed(a, EX_CANTCREAT, e->d_name);
	closedir(d);
	return a->code == 0 ? 0 : -1;
}

/* The relative path from one absolute directory to another. */
static char *
way(const char *from, const char *to)
{
	size_t i, same = 0;
	struct buf b = {0};

	for (i = 0;; i++) {
		if ((from[i] == '/' || from[i] == '\0') && (to[i] == '/' || to[i] == '\0'))
			same = i;
		if (from[i] == '\0' || from[i] != to[i])
			break;
	}
	for (i = same; from[i] != '\0'; i++)
		if (from[i] == '/' && from[i + 1] != '\0')
			buf_adds(&b, "../");
	buf_adds(&b, to[same] == '/' ? to + same + 1 : to[same] == '\0' ? "." : to + same);
	(void)buf_text(&b);
	return b.p;
}

static int
find_way(struct archive *a, const char *files)
{
	char *from = realpath(a->directory, NULL), *to = realpath(files, NULL);

	if (from == NULL || to == NULL) {
		msg_errno("%s", from == NULL ? a->directory : files);
		a->code = EX_NOINPUT;
	} else
		a->files = way(from, to);
	free(from);
	free(to);
	return a->code;
}

static int
open_parts(struct archive *a)
{
	int rc;

	a->lock = openat(a->dir, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (a->lock == -1)
		return failed(a, EX_CANTCREAT, LOCK);
	if (flock(a->lock, LOCK_EX | LOCK_NB) == -1) {
		msg_tell(1, "%s: another praic-tohtml works there: waiting", a->directory);
		do
			rc = flock(a->lock, LOCK_EX);
		while (rc == -1 && errno == EINTR);
		if (rc == -1)
			return failed(a, EX_CANTCREAT, LOCK);
	}
	if (mkdirat(a->dir, PARTS, 0700) == -1 && errno != EEXIST)
		return failed(a, EX_CANTCREAT, PARTS);
	a->parts = openat(a->dir, PARTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a->parts == -1)
		return failed(a, EX_CANTCREAT, PARTS);
	return clean_parts(a);
}

/* Without the state, the next index would lose its sessions. */
static int
open_state(struct archive *a)
{
	char *path = xasprintf("%s/" STATE, a->directory);

	if (!archive_has(a, STATE) && archive_has(a, "index.html")) {
		msg_warn(
		    "%s: it is not there, but index.html is: put it back; or remove index.html "
		    "and give all sessions again",
		    path);
		a->code = EX_CANTCREAT;
	} else
		a->code = state_open(&a->state, path);
	free(path);
	return a->code;
}

static void
archive_free(struct archive *a)
{
	state_close(&a->state);
	if (a->parts != -1) {
		close(a->parts);
		unlinkat(a->dir, PARTS, AT_REMOVEDIR);
	}
	if (a->lock != -1)
		close(a->lock);
	if (a->dir != -1)
		close(a->dir);
	free(a->files);
	buf_free(&a->section);
	free(a);
}

struct archive *
archive_open(const char *directory, const char *files, int *code)
{
	struct archive *a = xcalloc(1, sizeof(*a));

	a->directory = directory;
	a->parts = a->lock = -1;
	a->dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir == -1) {
		msg_errno("%s", directory);
		a->code = EX_CANTCREAT;
	}
	if (a->code == 0 && open_parts(a) == 0 && open_state(a) == 0 &&
	    state_run(&a->state, waiting_sql) == 0 && files != NULL && find_way(a, files) == 0)
		a->code = code_worse(a->code, files_read(&a->state, files));
	*code = archive_code(a);
	if (*code == 0)
		return a;
	archive_free(a);
	return NULL;
}

int
archive_close(struct archive *a)
{
	int code;

	flush(a);
	if (archive_code(a) == 0)
		refresh_stale(a);
	if (archive_code(a) == 0)
		index_update(a, &a->state);
	code = code_worse(archive_code(a), a->left_out > 0 ? EX_DATAERR : 0);
	msg_tell(1, "%s: %llu pages written, %llu were there already, %llu sessions were older",
	    a->directory, (unsigned long long)a->written, (unsigned long long)a->same,
	    (unsigned long long)a->older);
	archive_free(a);
	return code;
}
