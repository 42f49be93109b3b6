/* Which name a content gets: see tofs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "hash.h"
#include "msg.h"
#include "tofs.h"

#define HINTS 64

/*
 * For a name that many things have, the first number that may be free: all
 * below it are taken by other contents, and the ledger knows them.  Without
 * it a thousand sessions of one name would take a million looks.
 */
struct hint {
	char *name;
	uint64_t number;
};

struct place {
	struct tree *tree;
	struct index *index;
	const struct options *opt;
	struct hint hint[HINTS];
	struct buf number; /* a name with a number */
};

/* What is under a name, compared with a content. */
enum there {
	THERE_NOT,     /* nothing: it is free */
	THERE_OTHER,   /* the ledger knows that it is another */
	THERE_FOREIGN, /* another that the ledger does not know, or no file */
	THERE_SAME,    /* the same, and the ledger knows */
	THERE_FOUND    /* the same, but the ledger does not know */
};

struct place *
place_new(struct tree *t, struct index *x, const struct options *opt)
{
	struct place *p = xcalloc(1, sizeof(*p));

	p->tree = t;
	p->index = x;
	p->opt = opt;
	return p;
}

void
place_free(struct place *p)
{
	int i;

	if (p == NULL)
		return;
	for (i = 0; i < HINTS; i++)
		free(p->hint[i].name);
	buf_free(&p->number);
	free(p);
}

/* Seconds: a file's time and that of its line are not taken at the same moment. */
#define CLOCK_GRAIN 2

/* A message about a name, by errno; and is it about all of DIRECTORY? */
static int
fault(struct place *p, const char *name)
{
	if (errno == ELOOP)
		msg_warn("%s/%s: a symbolic link is in the way; links are not followed here",
		    p->tree->path, name);
	else if (errno == EXDEV)
		msg_warn("%s/%s: that folder is another file system than %s, where files are "
			 "written first",
		    p->tree->path, name, p->tree->path);
	else
		msg_errno("%s/%s", p->tree->path, name);
	/* What chmod or mount can mend is not bad data. */
	return errno == EACCES || errno == EPERM || errno == ENOENT ? EX_CANTCREAT :
								      tree_code(errno, EX_DATAERR);
}

/* Give it this name, which must be free: EEXIST otherwise. */
static int
publish(struct place *p, const struct content *c, const char *name, int replace)
{
	const char *last;
	struct stat st;
	int dir = tree_folder(p->tree, name, 1, &last);

	if (dir == -1)
		return -1;
	if (replace) {
		if (renameat(c->dir, c->part, dir, last) == -1)
			return -1;
		/* Two names of one file stay two: the part came by a link. */
		unlinkat(c->dir, c->part, 0);
		tree_changed(p->tree);
		return 0;
	}
#ifdef RENAME_NOREPLACE
	if (renameat2(c->dir, c->part, dir, last, RENAME_NOREPLACE) == 0) {
		tree_changed(p->tree);
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
#endif
	if (linkat(c->dir, c->part, dir, last, 0) == 0) {
		tree_changed(p->tree);
		return unlinkat(c->dir, c->part, 0);
	}
	if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP && errno != EMLINK)
		return -1;
	/* Neither exists here.  Other praic-tofs wait for the ledger's lock, so a name
	 * that is free now is still free a moment later. */
	if (fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	if (errno != ENOENT || renameat(c->dir, c->part, dir, last) == -1)
		return -1;
	tree_changed(p->tree);
	return 0;
}

static int
same_bytes(struct place *p, const char *name, const char *sha256)
{
	int fd = tree_read(p->tree, name), bad, saved;
	char hex[SHA256_HEX];

	if (fd == -1)
		return errno == ENOENT || errno == ELOOP || errno == EACCES ? 0 : -1;
	bad = sha256_file(fd, hex);
	saved = errno;
	close(fd);
	errno = saved;
	return bad ? -1 : strcmp(hex, sha256) == 0;
}

/* 0, or a code after a message. */
static int
look(struct place *p, const struct content *c, const char *name, enum there *there)
{
	struct found f;
	struct stat st;
	int r;

	*there = THERE_NOT;
	if (tree_stat(p->tree, name, &st) == -1)
		return errno == ENOENT ? 0 : fault(p, name);
	*there = THERE_FOREIGN;
	if (!S_ISREG(st.st_mode))
		return 0;
	r = index_name(p->index, name, &f);
	if (r == -1)
		return EX_IOERR;
	if (r == 1 && !f.removed) {
		*there = THERE_OTHER;
		if (f.bytes != c->bytes || (uint64_t)st.st_size != c->bytes ||
		    memcmp(f.sha256, c->sha256, SHA256_HEX - 1) != 0)
			return 0;
		/* Touched since its line was written: is it still that? */
		if (st.st_ctime - CLOCK_GRAIN > f.time && (r = same_bytes(p, name, c->sha256)) != 1)
			return r == 0 ? 0 : fault(p, name);
		*there = THERE_SAME;
		return 0;
	}
	if ((uint64_t)st.st_size != c->bytes)
		return 0;
	r = same_bytes(p, name, c->sha256);
	if (r == -1)
		return fault(p, name);
	if (r == 1)
		*there = THERE_FOUND;
	return 0;
}

/* Is the content there under the name with a number? */
static int
look_for_brother(struct place *p, const struct content *c, int *there)
{
	struct found f;
	struct stat st;
	int r = index_content(p->index, c->name, c->sha256, &f);

	*there = r == 1 && tree_stat(p->tree, f.name, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == c->bytes;
	return r == -1 ? EX_IOERR : 0;
}

static struct hint *
hint(struct place *p, const char *name)
{
	return &p->hint[hash_add(HASH_START, name, strlen(name)) % HINTS];
}

static int
append(struct place *p, const struct content *c, enum placed *placed, struct buf *final)
{
	struct hint *h = hint(p, c->name);
	int code, brother, all_known = 1;
	enum there there;
	uint64_t k;

	buf_reset(&p->number);
	buf_adds(&p->number, c->name);
	if (h->name == NULL || strcmp(h->name, c->name) != 0)
		h = NULL;
	for (k = 0;; k = k == 0 && h != NULL ? h->number : k + 1) {
		if (k > 0)
			name_number(&p->number, c->name, k);
	again:
		if (publish(p, c, buf_text(&p->number), 0) == 0) {
			*placed = PLACED;
			break;
		}
		if (errno != EEXIST)
			return fault(p, p->number.p);
		if ((code = look(p, c, p->number.p, &there)) != 0)
			return code;
		if (there == THERE_SAME || there == THERE_FOUND) {
			*placed = there == THERE_SAME ? PLACED_THERE : PLACED_FOUND;
			break;
		}
		if (there == THERE_NOT)
			goto again; /* it went away just now */
		if (there == THERE_FOREIGN)
			all_known = 0;
		if (k == 0) {
			if ((code = look_for_brother(p, c, &brother)) != 0)
				return code;
			if (brother) {
				*placed = PLACED_THERE;
				return 0;
			}
		}
	}
	buf_add(final, p->number.p, p->number.n);
	if (k > 0 && all_known) {
		h = hint(p, c->name);
		if (h->name == NULL || strcmp(h->name, c->name) != 0) {
			free(h->name);
			h->name = xstrdup(c->name);
		}
		h->number = k;
	}
	return 0;
}

static int
overwrite(struct place *p, const struct content *c, enum placed *placed, struct buf *final)
{
	enum there there;
	int code = look(p, c, c->name, &there);

	if (code != 0)
		return code;
	buf_adds(final, c->name);
	*placed = there == THERE_SAME ? PLACED_THERE : PLACED_FOUND;
	if (there == THERE_SAME || there == THERE_FOUND)
		return 0;
	if (publish(p, c, c->name, 1) == -1)
		return fault(p, c->name);
	*placed = PLACED;
	return 0;
}

static int
skip(struct place *p, const struct content *c, enum placed *placed, struct buf *final)
{
	enum there there;
	struct stat st;
	int code;

	buf_adds(final, c->name);
	do {
		if (publish(p, c, c->name, 0) == 0) {
			*placed = PLACED;
			return 0;
		}
		if (errno != EEXIST)
			return fault(p, c->name);
		if ((code = look(p, c, c->name, &there)) != 0)
			return code;
	} while (there == THERE_NOT); /* it went away just now */
	if (there == THERE_FOREIGN && tree_stat(p->tree, c->name, &st) == 0 &&
	    !S_ISREG(st.st_mode)) {
		msg_warn("%s/%s: in the way, and no file", p->tree->path, c->name);
		return EX_DATAERR;
	}
	*placed = there == THERE_FOUND ? PLACED_FOUND : PLACED_THERE;
	return 0;
}

int
place_put(struct place *p, const struct content *c, enum placed *placed, struct buf *final)
{
	int code;

	buf_reset(final);
	*placed = PLACED_NOT;
	code = p->opt->conflict == CONFLICT_APPEND ? append(p, c, placed, final) :
	    p->opt->conflict == CONFLICT_OVERWRITE ? overwrite(p, c, placed, final) :
						     skip(p, c, placed, final);
	buf_text(final);
	return code;
}

int
place_has(struct place *p, const struct content *c)
{
	struct found f;
	struct stat st;
	int r, same, brother;

	if (tree_stat(p->tree, c->name, &st) == -1 || !S_ISREG(st.st_mode))
		return 0;
	r = index_name(p->index, c->name, &f);
	if (r != 1 || f.removed)
		return r == -1 ? -1 : 0;
	same = f.bytes == c->bytes && (uint64_t)st.st_size == c->bytes &&
	    memcmp(f.sha256, c->sha256, SHA256_HEX - 1) == 0;
	if (same || p->opt->conflict == CONFLICT_SKIP)
		return 1;
	if (p->opt->conflict != CONFLICT_APPEND)
		return 0;
	return look_for_brother(p, c, &brother) != 0 ? -1 : brother;
}
