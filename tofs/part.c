/* Files without a final name: see tofs.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "msg.h"
#include "tofs.h"

#define SUFFIX ".part"

static int
open_folder(struct parts *p)
{
	int dir = p->tree->fd, tries = 0;

	do {
		if (mkdirat(dir, TREE_PARTS, 0700) == -1 && errno != EEXIST)
			return -1;
		p->fd = openat(dir, TREE_PARTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* Another process that ends may remove it in between. */
	} while (p->fd == -1 && errno == ENOENT && ++tries < 100);
	return p->fd == -1 ? -1 : 0;
}

/* Not locked: its writer is dead. */
static void
clean_one(struct parts *p, const char *name)
{
	/* For writing: NFS gives no other file an exclusive lock. */
	int fd = openat(p->fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		msg_tell(1, "%s/" TREE_PARTS "/%s: left by a run that was killed; removed",
		    p->tree->path, name);
		unlinkat(p->fd, name, 0);
	}
	close(fd);
}

static int
clean(struct parts *p)
{
	size_t n, suffix = sizeof(SUFFIX) - 1;
	struct dirent *e;
	DIR *d;
	int fd = openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (errno = 0, (e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		if (n > suffix && strcmp(e->d_name + n - suffix, SUFFIX) == 0)
			clean_one(p, e->d_name);
	}
	n = errno != 0;
	closedir(d);
	return n ? -1 : 0;
}

struct parts *
parts_open(struct tree *t, mode_t mode, int *code)
{
	struct parts *p = xcalloc(1, sizeof(*p));

	p->tree = t;
	p->mode = mode;
	p->fd = -1;
	if (open_folder(p) == -1 || clean(p) == -1) {
		msg_errno("%s/" TREE_PARTS, t->path);
		*code = tree_code(errno, EX_CANTCREAT);
		parts_close(p);
		return NULL;
	}
	return p;
}

void
parts_close(struct parts *p)
{
	if (p == NULL)
		return;
	if (p->fd != -1)
		close(p->fd);
	/* Fails while another process has files in it, as it should. */
	unlinkat(p->tree->fd, TREE_PARTS, AT_REMOVEDIR);
	free(p);
}

static int
new_name(struct part_file *f)
{
	unsigned char r[8];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return -1;
	snprintf(f->name, sizeof(f->name), "%02x%02x%02x%02x%02x%02x%02x%02x" SUFFIX, r[0], r[1],
	    r[2], r[3], r[4], r[5], r[6], r[7]);
	return 0;
}

int
part_new(struct parts *p, struct part_file *f)
{
	struct stat st;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (new_name(f) == -1)
			return -1;
		f->fd = openat(
		    p->fd, f->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, p->mode);
		if (f->fd == -1 && errno == EEXIST)
			continue;
		if (f->fd == -1 && errno == ENOENT) {
			/* Another process that ended has removed the folder. */
			close(p->fd);
			p->fd = -1;
			f->name[0] = '\0';
			if (open_folder(p) == -1)
				return -1;
			continue;
		}
		if (f->fd == -1) {
			f->name[0] = '\0';
			return -1;
		}
		/* Between the two calls another run may have taken it for one of a killed run. */
		if (flock(f->fd, LOCK_EX) == -1 || fstat(f->fd, &st) == -1) {
			part_drop(p, f);
			return -1;
		}
		if (st.st_nlink > 0)
			return 0;
		close(f->fd);
		f->fd = -1;
	}
	f->name[0] = '\0';
	errno = EAGAIN;
	return -1;
}

int
part_link(struct parts *p, struct part_file *f, int dir, const char *name, int fd)
{
	struct stat a, b;

	if (new_name(f) == -1 || flock(fd, LOCK_SH | LOCK_NB) == -1 ||
	    linkat(dir, name, p->fd, f->name, 0) == -1) {
		f->name[0] = '\0';
		return -1;
	}
	/* It must be the very file that was opened and checked. */
	if (fstat(fd, &a) == -1 || fstatat(p->fd, f->name, &b, AT_SYMLINK_NOFOLLOW) == -1 ||
	    a.st_dev != b.st_dev || a.st_ino != b.st_ino) {
		unlinkat(p->fd, f->name, 0);
		f->name[0] = '\0';
		errno = ESTALE;
		return -1;
	}
	f->fd = fd;
	return 0;
}

int
part_close(struct part_file *f)
{
	int fd = f->fd;

	f->fd = -1;
	return fd == -1 || close(fd) == 0 || errno == EINTR ? 0 : -1;
}

void
part_drop(struct parts *p, struct part_file *f)
{
	int saved = errno;

	(void)part_close(f);
	if (f->name[0] != '\0')
		unlinkat(p->fd, f->name, 0);
	f->name[0] = '\0';
	errno = saved;
}
