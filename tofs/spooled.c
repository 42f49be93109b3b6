/* Recordings and backups out of the spool: see tofs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "tofs.h"
#include "when.h"

#define CHUNK ((size_t)256 * 1024)
/* More than any session has, in rows and in bytes of them. */
#define MAX_ROWS 10000
#define MAX_SIZE ((size_t)8 << 20)

static char *
copy(struct spooled_list *s, struct rec_value v)
{
	if (v.p == NULL)
		return NULL;
	s->size += v.n;
	return xstrndup(v.p, v.n);
}

static int
is_component(struct rec_value v)
{
	return v.n > 0 && memchr(v.p, '/', v.n) == NULL && memchr(v.p, '\0', v.n) == NULL &&
	    !(v.n == 1 && v.p[0] == '.') && !(v.n == 2 && v.p[0] == '.' && v.p[1] == '.');
}

/* What is wrong with a row, without looking at its file. */
static const char *
judge(struct spooled *f, const struct rec_value *v)
{
	struct rec_value kind = v[FILE_KIND], number = v[FILE_INSTANCE];
	int has_instance;

	f->kind = kind_find(kind.p != NULL ? kind.p : "", kind.n);
	f->instance = -1;
	if (f->kind == KINDS || f->kind == KIND_SESSION)
		return "its kind is none that this version knows";
	has_instance = f->kind == KIND_SHELL || f->kind == KIND_SCREEN;
	if (has_instance &&
	    (number.p == NULL || num_parse(number.p, number.n, &f->instance) == -1 ||
		f->instance < 0))
		return "it has no instance, without which it is one of many";
	if (f->kind == KIND_BACKUP &&
	    (v[FILE_FETCHED_AT].p == NULL ||
		when_parse(v[FILE_FETCHED_AT].p, v[FILE_FETCHED_AT].n, &f->instance) == -1 ||
		f->instance < 0))
		f->instance = -1;
	if (!is_component(v[FILE_NAME]))
		return "its name is no file name";
	if (!sha256_is_hex(v[FILE_SHA256].p, v[FILE_SHA256].n) || v[FILE_BYTES].p == NULL ||
	    num_parse_count(v[FILE_BYTES].p, v[FILE_BYTES].n, INT64_MAX, &f->bytes) == -1)
		return "without its length and sha256 it cannot be checked";
	memcpy(f->sha256, v[FILE_SHA256].p, SHA256_HEX - 1);
	return NULL;
}

const char *
spooled_add(struct spooled_list *s, const struct rec_value v[FILE_COLUMNS])
{
	struct spooled *f;
	struct rec_value outcome = v[FILE_OUTCOME];
	size_t i;

	if (outcome.p != NULL && !(outcome.n == 4 && memcmp(outcome.p, "came", 4) == 0))
		return NULL;
	if (s->rows == MAX_ROWS || s->size > MAX_SIZE)
		return "it names more files than a session can have";
	s->row = xrealloc(s->row, (s->rows + 1) * sizeof(*s->row));
	f = &s->row[s->rows];
	memset(f, 0, sizeof(*f));
	f->bad = judge(f, v);
	f->name = copy(s, v[FILE_NAME]);
	f->extension = copy(s, v[FILE_EXTENSION]);
	f->fetched_at = copy(s, v[FILE_FETCHED_AT]);
	/* Two of one kind and instance would have the same name. */
	for (i = 0; i < s->rows && f->bad == NULL && f->kind != KIND_BACKUP; i++)
		if (s->row[i].bad == NULL && s->row[i].kind == f->kind &&
		    s->row[i].instance == f->instance)
			f->bad = "its session has another of that kind and instance";
	s->rows++;
	return NULL;
}

void
spooled_forget(struct spooled_list *s)
{
	size_t i;

	for (i = 0; i < s->rows; i++) {
		free(s->row[i].name);
		free(s->row[i].extension);
		free(s->row[i].fetched_at);
	}
	free(s->row);
	memset(s, 0, sizeof(*s));
}

/* All of the file into the draft.  0, or -1 and errno. */
static int
copy_all(int fd, struct draft *d)
{
	char *chunk = xmalloc(CHUNK);
	ssize_t n;

	while ((n = file_read(fd, chunk, CHUNK)) > 0 && d->error == 0)
		draft_add(d, chunk, (size_t)n);
	free(chunk);
	return n == -1 ? -1 : 0;
}

/*
 * May the file be stored by a link?  Then only this user may be able to change it, and
 * its mode must be the wanted one.
 */
static int
may_share(const struct options *opt, const struct stat *st)
{
	return st->st_uid == geteuid() && (st->st_mode & 07777) == opt->mode &&
	    (st->st_mode & 022) == 0;
}

int
spooled_read(struct store *s, const struct options *opt, int spool, const struct spooled *f,
    struct draft **draft, const char **fault, const char **why)
{
	char sha256[SHA256_HEX];
	struct draft *d = NULL;
	struct stat st;
	int linked, bad, fd, code;

	*draft = NULL;
	fd = openat(spool, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		*fault = errno == ENOENT ? "missing" : "malformed";
		*why = errno == ENOENT ? "it is not in the spool" :
		    errno == ELOOP     ? "it is a link, not a file" :
					 strerror(errno);
		if ((code = tree_code(errno, 0)) != 0)
			msg_errno("%s/%s", opt->spool, f->name);
		if (fd != -1)
			close(fd);
		return code;
	}
	*fault = "changed";
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != f->bytes) {
		*why = S_ISREG(st.st_mode) ? "its length is not what its row says" :
					     "it is no regular file";
		close(fd);
		return 0;
	}
	if (may_share(opt, &st))
		d = draft_link(s, spool, f->name, fd, f->bytes, f->sha256);
	linked = d != NULL;
	if (!linked)
		d = draft_new(s);
	if (linked)
		bad = sha256_file(fd, sha256);
	else {
		bad = copy_all(fd, d);
		memcpy(sha256, draft_sha256(d), SHA256_HEX);
	}
	if (bad == -1)
		msg_errno("%s/%s", opt->spool, f->name);
	if (!linked)
		close(fd);
	if (bad == 0 &&
	    (d->error != 0 || (d->bytes == f->bytes && strcmp(sha256, f->sha256) == 0))) {
		*draft = d;
		return 0;
	}
	*why = "its sha256 is not what its row says";
	draft_free(d);
	return bad == -1 ? EX_IOERR : 0;
}
