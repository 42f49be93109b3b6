/* Pages in DIRECTORY: see archive.h. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "code.h"
#include "file.h"
#include "files.h"
#include "host.h"
#include "html.h"
#include "index.h"
#include "msg.h"
#include "sha256.h"

/* praic-tohtml's own, in DIRECTORY. */
#define STATE ".praic-tohtml"
#define LOCK  ".praic-tohtml-lock"
#define PARTS ".praic-tohtml-tmp"

/* A page above this size is not kept in memory. */
#define IN_MEMORY ((size_t)256 << 10)
/* A batch holds this many descriptors open, and lets this much wait for the
 * disk. */
#define BATCH	    128
#define BATCH_BYTES ((uint64_t)16 << 20)
/* Longer keys are nobody's. */
#define MAX_KEY 4096

struct draft {
	struct archive *archive;
	struct buf memory;
	int fd; /* -1: all is in memory */
	char name[32];
	uint64_t bytes;
	struct sha256 *hash;
	struct row row; /* of a session's page */
};

struct archive {
	const char *directory;
	int dir, parts, lock;
	char *files; /* the way from DIRECTORY to praic-tofs's, or NULL */
	struct state state;
	struct draft *batch[BATCH];
	size_t waiting;
	uint64_t waiting_bytes;
	uint64_t names, written, same, older, left_out;
	struct buf section, path;
	int code;
};

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
archive_waiting(const struct archive *a)
{
	return a->waiting > 0;
}

struct state *
archive_state(struct archive *a)
{
	return &a->state;
}

struct draft *
draft_new(struct archive *a)
{
	struct draft *d = xcalloc(1, sizeof(*d));

	d->archive = a;
	d->fd = -1;
	d->hash = sha256_new();
	return d;
}

static void
draft_free(struct draft *d)
{
	if (d->fd != -1) {
		close(d->fd);
		unlinkat(d->archive->parts, d->name, 0);
	}
	sha256_free(d->hash);
	buf_free(&d->memory);
	row_free(&d->row);
	free(d);
}

static void
spill(struct draft *d)
{
	struct archive *a = d->archive;

	if (a->code == 0 && d->fd == -1) {
		snprintf(d->name, sizeof(d->name), "%llu", (unsigned long long)++a->names);
		d->fd = openat(
		    a->parts, d->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (d->fd == -1)
			failed(a, EX_CANTCREAT, PARTS);
	}
	if (a->code == 0 && file_write(d->fd, d->memory.p, d->memory.n) == -1)
		failed(a, EX_IOERR, PARTS);
	buf_trim(&d->memory, IN_MEMORY);
}

void
draft_add(void *draft, const char *p, size_t n)
{
	struct draft *d = draft;

	sha256_add(d->hash, p, n);
	d->bytes += n;
	buf_add(&d->memory, p, n);
	if (d->memory.n > IN_MEMORY)
		spill(d);
}

/* A folder below DIRECTORY, made as far as it is not there; its name and those
 * above it are durable. */
static int
make_folders(struct archive *a, const char *path)
{
	char *part = xstrdup(path), *slash = strchr(part, '/');
	int bad = 0, fd;

	for (; slash != NULL && !bad; slash = strchr(slash + 1, '/')) {
		char *above = NULL;

		*slash = '\0';
		if (mkdirat(a->dir, part, 0700) == 0) {
			above = strrchr(part, '/');
			if (above != NULL)
				*above = '\0';
			fd = above == NULL ?
			    a->dir :
			    openat(a->dir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			bad = fd == -1 || file_sync_dir(fd) == -1;
			if (above != NULL) {
				*above = '/';
				if (fd != -1)
					close(fd);
			}
		} else
			bad = errno != EEXIST;
		*slash = '/';
	}
	free(part);
	return bad ? -1 : 0;
}

static int
give_name(struct draft *d, const char *path)
{
	struct archive *a = d->archive;

	if (renameat(a->parts, d->name, a->dir, path) == -1 &&
	    (errno != ENOENT || make_folders(a, path) == -1 ||
		renameat(a->parts, d->name, a->dir, path) == -1))
		return failed(a, EX_CANTCREAT, path);
	close(d->fd);
	d->fd = -1;
	return 0;
}

/* The folder that a path is in is made durable. */
static int
sync_folder(struct archive *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash != NULL ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	int fd = openat(a->dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int bad = fd == -1 || file_sync_dir(fd) == -1;

	if (bad)
		failed(a, EX_IOERR, folder);
	if (fd != -1)
		close(fd);
	free(folder);
	return bad ? -1 : 0;
}

void
draft_publish(struct draft *d, const char *path)
{
	struct archive *a = d->archive;

	spill(d);
	if (a->code == 0 && fsync(d->fd) == -1)
		failed(a, EX_IOERR, PARTS);
	if (a->code == 0 && give_name(d, path) == 0)
		(void)sync_folder(a, path);
	draft_free(d);
}

int
archive_has(struct archive *a, const char *path)
{
	struct stat st;

	return fstatat(a->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static const char *
page_path(struct archive *a, const struct row *r)
{
	buf_reset(&a->path);
	buf_printf(&a->path, "%s/%s/%s", r->text[ROW_HOST], r->text[ROW_MONTH], r->text[ROW_NAME]);
	return buf_text(&a->path);
}

/* Pages whose session has moved to another month. */
static void
remove_gone(struct archive *a)
{
	sqlite3_stmt *q = state_prepare(&a->state, "SELECT path FROM gone");
	int any = 0;

	while (q != NULL && state_step(&a->state, q)) {
		any = 1;
		if (unlinkat(a->dir, (const char *)sqlite3_column_text(q, 0), 0) == -1 &&
		    errno != ENOENT)
			failed(a, EX_IOERR, (const char *)sqlite3_column_text(q, 0));
	}
	sqlite3_finalize(q);
	if (any && a->code == 0)
		(void)state_run(&a->state, "DELETE FROM gone");
}

/* In the order that a crash needs: contents, names, folders, rows. */
void
archive_flush(struct archive *a)
{
	const char *last = "";
	size_t i;

	for (i = 0; i < a->waiting && a->code == 0; i++)
		if (fsync(a->batch[i]->fd) == -1)
			failed(a, EX_IOERR, PARTS);
	for (i = 0; i < a->waiting && a->code == 0; i++)
		(void)give_name(a->batch[i], page_path(a, &a->batch[i]->row));
	for (i = 0; i < a->waiting && a->code == 0; i++) {
		const struct row *r = &a->batch[i]->row;

		/* Most of a batch are of one month. */
		if (i == 0 || strcmp(last, r->text[ROW_MONTH]) != 0 ||
		    strcmp(a->batch[i - 1]->row.text[ROW_HOST], r->text[ROW_HOST]) != 0)
			(void)sync_folder(a, page_path(a, r));
		last = r->text[ROW_MONTH];
	}
	if (a->waiting > 0 && a->code == 0) {
		(void)state_run(&a->state, "BEGIN IMMEDIATE");
		for (i = 0; i < a->waiting; i++)
			state_put(&a->state, &a->batch[i]->row);
		(void)state_run(&a->state, "COMMIT");
		a->written += a->waiting;
		remove_gone(a);
	}
	for (i = 0; i < a->waiting; i++)
		draft_free(a->batch[i]);
	a->waiting = 0;
	a->waiting_bytes = 0;
}

/* The page of a row is done: it waits for its batch, unless it is there. */
static void
put_draft(struct archive *a, struct draft *d, const struct row *old)
{
	char digest[SHA256_HEX];
	struct stat st;

	sha256_hex(d->hash, digest);
	d->row.text[ROW_DIGEST] = xstrdup(digest);
	d->row.number[ROW_BYTES] = (int64_t)d->bytes;
	if (old != NULL && strcmp(old->text[ROW_DIGEST], digest) == 0 &&
	    strcmp(old->text[ROW_MONTH], d->row.text[ROW_MONTH]) == 0 &&
	    fstatat(a->dir, page_path(a, &d->row), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (uint64_t)st.st_size == d->bytes) {
		a->same++;
		draft_free(d);
		return;
	}
	spill(d);
	if (a->code != 0) {
		draft_free(d);
		return;
	}
#ifdef SYNC_FILE_RANGE_WRITE
	/* Let the disk begin. */
	(void)sync_file_range(d->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
	a->batch[a->waiting++] = d;
	a->waiting_bytes += d->bytes;
	if (a->waiting == BATCH || a->waiting_bytes >= BATCH_BYTES)
		archive_flush(a);
}

/* Hexadecimal lsids are names as they are; others, which anybody may have
 * chosen, give way to their hash. */
static char *
page_name(const char *lsid)
{
	static const char safe[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
	size_t n = strlen(lsid);
	char hex[SHA256_HEX];
	struct sha256 *h;

	if (n > 0 && n <= 64 && strspn(lsid, safe) == n && *lsid != '-' &&
	    strcmp(lsid, "index") != 0)
		return xasprintf("%s.html", lsid);
	h = sha256_new();
	sha256_add(h, lsid, n);
	sha256_hex(h, hex);
	sha256_free(h);
	return xasprintf("_%.32s.html", hex);
}

static char *
copy(const struct buf *b)
{
	return b->n == 0 ? xstrdup("") : xstrndup(b->p, b->n);
}

static void
fill_row(struct row *r, const struct summary *s)
{
	r->text[ROW_MONTH] = s->start[0] != '\0' ? xasprintf("%.4s/%.2s", s->start, s->start + 5) :
						   xstrdup("undated");
	r->text[ROW_NAME] = page_name(r->text[ROW_LSID]);
	r->text[ROW_START] = xstrdup(s->start);
	r->text[ROW_END] = xstrdup(s->end);
	r->text[ROW_TYPE] = copy(&s->type);
	r->text[ROW_WHO] = copy(&s->who);
	r->text[ROW_PEOPLE] = copy(&s->people);
	r->text[ROW_ENDPOINT] = copy(&s->endpoint);
	r->text[ROW_KEY] = copy(&s->key);
	r->text[ROW_GROUP] = copy(&s->group);
	r->text[ROW_DURATION] = copy(&s->duration);
	r->text[ROW_EXPECTED] = copy(&s->expected);
	r->number[ROW_OVER] = s->over;
	r->number[ROW_EVENTS] = (int64_t)s->events;
	r->number[ROW_COMMANDS] = (int64_t)s->commands;
	r->number[ROW_CHATS] = (int64_t)s->chats;
	r->number[ROW_FILES] = (int64_t)s->files;
}

/* The section of a row's recordings, and what the row says of them. */
static void
make_section(struct archive *a, struct row *r)
{
	struct buf expected = {r->text[ROW_EXPECTED], strlen(r->text[ROW_EXPECTED]), 0};
	const char *up = strchr(r->text[ROW_MONTH], '/') != NULL ? "../../../" : "../../";
	char *path = NULL;

	if (a->files != NULL)
		path = xasprintf("%s%s", a->files[0] == '/' ? "" : up, a->files);
	buf_reset(&a->section);
	files_section(&a->state, &a->section, "", r->text[ROW_HOST], r->text[ROW_LSID], &expected,
	    path, &r->number[ROW_STORED]);
	r->number[ROW_BARE] =
	    r->number[ROW_OVER] && (path != NULL ? r->number[ROW_STORED] == 0 : expected.n == 0);
	free(path);
}

/* praic-tosql judges so, too: what has no end yet, or fewer events, is older. */
static int
is_older(const struct summary *s, const struct row *old)
{
	int ended = s->end[0] != '\0', had_ended = old->text[ROW_END][0] != '\0';

	if (ended != had_ended)
		return had_ended;
	return (int64_t)s->events < old->number[ROW_EVENTS];
}

static int
is_waiting(const struct archive *a, const char *host, const char *lsid)
{
	size_t i;

	for (i = 0; i < a->waiting; i++)
		if (strcmp(a->batch[i]->row.text[ROW_LSID], lsid) == 0 &&
		    strcmp(a->batch[i]->row.text[ROW_HOST], host) == 0)
			return 1;
	return 0;
}

static void
put_page(struct draft *d, struct page *p, const struct rec_reader *r)
{
	struct archive *a = d->archive;
	struct buf b = {0}, title = {0};

	page_title(p, &title);
	html_head(&b, title.p, title.n);
	draft_add(d, b.p, b.n);
	page_write(p, r, &a->section,
	    strchr(d->row.text[ROW_MONTH], '/') != NULL ? "../../../" : "../../",
	    (struct sink){draft_add, d});
	buf_reset(&b);
	buf_adds(&b, "</main>\n");
	html_tail(&b);
	draft_add(d, b.p, b.n);
	buf_free(&b);
	buf_free(&title);
}

void
archive_put(struct archive *a, struct page *p, const struct rec_reader *r)
{
	const struct summary *s = page_end(p);
	struct draft *d;
	struct row old = {0};
	char host[HOST_SIZE];
	int found;

	if (host_normalise(r->host.p, r->host.n, host) == -1 || r->lsid.n > MAX_KEY) {
		msg_warn("session %.*s of %.*s left out: no site has that name, or the lsid is too "
			 "long",
		    (int)r->lsid.n, r->lsid.p, (int)r->host.n, r->host.p);
		a->left_out++;
		return;
	}
	d = draft_new(a);
	d->row.text[ROW_HOST] = xstrdup(host);
	d->row.text[ROW_LSID] = xstrndup(r->lsid.p, r->lsid.n);
	if (is_waiting(a, host, d->row.text[ROW_LSID]))
		archive_flush(a);
	found = state_find(&a->state, host, d->row.text[ROW_LSID], &old);
	if (found && is_older(s, &old)) {
		msg_tell(2, "%s: older than the page that is there", d->row.text[ROW_LSID]);
		a->older++;
		draft_free(d);
	} else {
		fill_row(&d->row, s);
		make_section(a, &d->row);
		put_page(d, p, r);
		put_draft(a, d, found ? &old : NULL);
	}
	row_free(&old);
}

/* A page that is there gets another section of recordings. */
static void
refresh(struct archive *a, struct row *old)
{
	int fd = openat(a->dir, page_path(a, old), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const char *begin = NULL, *end = NULL;
	struct draft *d;
	struct stat st;
	char *page = MAP_FAILED;
	size_t n = 0;
	int i;

	if (fd != -1 && fstat(fd, &st) == 0 && st.st_size > 0) {
		n = (size_t)st.st_size;
		page = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (page != MAP_FAILED &&
	    (begin = memmem(page, n, files_begin, strlen(files_begin))) != NULL)
		end = memmem(begin, n - (size_t)(begin - page), files_end, strlen(files_end));
	if (end != NULL) {
		d = draft_new(a);
		for (i = 0; i < ROW_TEXTS; i++)
			if (i != ROW_DIGEST)
				d->row.text[i] = xstrdup(old->text[i]);
		memcpy(d->row.number, old->number, sizeof(old->number));
		make_section(a, &d->row);
		end += strlen(files_end);
		draft_add(d, page, (size_t)(begin - page));
		draft_add(d, a->section.p, a->section.n);
		draft_add(d, end, n - (size_t)(end - page));
		put_draft(a, d, old);
	}
	if (page != MAP_FAILED)
		munmap(page, n);
	if (fd != -1)
		close(fd);
}

/* Sessions of which praic-tofs has stored something since. */
static void
refresh_stale(struct archive *a)
{
	struct row row = {0};
	char *sql =
	    xasprintf("SELECT %s FROM stale CROSS JOIN session USING(host,lsid)", state_columns);
	sqlite3_stmt *q = state_prepare(&a->state, sql);
	int any = 0;

	/* Those that are done leave the table with their new rows. */
	while (q != NULL && a->code == 0 && state_step(&a->state, q)) {
		any = 1;
		row_load(&row, q, 0);
		refresh(a, &row);
		row_free(&row);
	}
	sqlite3_finalize(q);
	free(sql);
	archive_flush(a);
	if (any && archive_code(a) == 0)
		(void)state_run(&a->state, "DELETE FROM stale");
}

/* What a run that was killed has left. */
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

/* From one directory to another, both absolute. */
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

/* An index without the state that it was made of would lose its sessions. */
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
	buf_free(&a->path);
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
	if (a->code == 0 && open_parts(a) == 0 && open_state(a) == 0) {
		remove_gone(a);
		if (files != NULL && find_way(a, files) == 0)
			a->code = code_worse(a->code, files_read(&a->state, files));
	}
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

	archive_flush(a);
	if (archive_code(a) == 0)
		refresh_stale(a);
	if (archive_code(a) == 0)
		index_update(a);
	code = code_worse(archive_code(a), a->left_out > 0 ? EX_DATAERR : 0);
	msg_tell(1, "%s: %llu pages written, %llu were there already, %llu sessions were older",
	    a->directory, (unsigned long long)a->written, (unsigned long long)a->same,
	    (unsigned long long)a->older);
	archive_free(a);
	return code;
}
