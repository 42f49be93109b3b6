/* DIRECTORY and what is below it: see tofs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "tofs.h"

/* Folders kept open; those not yet made durable come on top, up to a number
 * that leaves room under the usual limit of 1024 descriptors. */
#define KEEP_OPEN 32
#define MOST_OPEN 256

struct folder {
	char *path; /* relative; "" is DIRECTORY itself */
	int fd;
	int dirty;
	unsigned long used; /* when, in calls */
};

struct tree *
tree_open(const char *path, mode_t mode, int *code)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree *t;

	if (fd == -1) {
		if (errno == ENOENT)
			msg_warn("%s: there is no such directory, and it is not made here: if it "
				 "is on a share, the share may not be mounted",
			    path);
		else
			msg_errno("%s", path);
		*code = EX_CANTCREAT;
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->path = path;
	t->fd = fd;
	t->folder_mode = mode | (mode & 0444) >> 2;
	t->folder = xcalloc(1, sizeof(*t->folder));
	t->folders = 1;
	t->folder[0].path = xstrdup("");
	t->folder[0].fd = fd;
	return t;
}

static void
forget(struct tree *t, size_t i)
{
	close(t->folder[i].fd);
	free(t->folder[i].path);
	t->folder[i] = t->folder[--t->folders];
}

void
tree_close(struct tree *t)
{
	if (t == NULL)
		return;
	while (t->folders > 0)
		forget(t, t->folders - 1);
	free(t->folder);
	free(t);
}

/* Close the folder that was not used for longest.  -1 and errno. */
static int
make_room(struct tree *t)
{
	size_t i, oldest = 0;

	if (t->folders <= KEEP_OPEN)
		return 0;
	if (t->folders >= MOST_OPEN && tree_sync(t) == -1)
		return -1;
	for (i = 1; i < t->folders; i++)
		if (!t->folder[i].dirty &&
		    (oldest == 0 || t->folder[i].used < t->folder[oldest].used))
			oldest = i;
	if (oldest != 0)
		forget(t, oldest);
	return 0;
}

/*
 * The place of this folder among those open; opened, and made, if need be.  Each
 * is opened from the one that it is in, so no link is followed.  -1 and errno.
 */
static long
find(struct tree *t, const char *path, size_t n, int make)
{
	struct folder *f;
	struct stat st;
	size_t i, up;
	char *last;
	long parent;
	int fd, dir, made, flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	for (i = 0; i < t->folders; i++)
		if (strncmp(t->folder[i].path, path, n) == 0 && t->folder[i].path[n] == '\0')
			break;
	/* Another program may have removed it; then it is made anew. */
	if (i > 0 && i < t->folders && (fstat(t->folder[i].fd, &st) == -1 || st.st_nlink == 0)) {
		forget(t, i);
		i = t->folders;
	}
	if (i < t->folders) {
		t->folder[i].used = ++t->calls;
		return (long)i;
	}
	for (up = n; up > 0 && path[up - 1] != '/'; up--)
		;
	last = xstrndup(path + up, n - up);
	fd = -1;
	if (strcmp(last, "..") == 0)
		errno = EINVAL;
	else if ((parent = find(t, path, up > 0 ? up - 1 : 0, make)) != -1) {
		dir = t->folder[parent].fd;
		fd = openat(dir, last, flags);
		if (fd == -1 && errno == ENOENT && make) {
			made = mkdirat(dir, last, t->folder_mode) == 0;
			t->folder[parent].dirty |= made;
			if (made || errno == EEXIST)
				fd = openat(dir, last, flags);
		}
		/* Linux says so of a link, too, when a directory is wanted. */
		if (fd == -1 && errno == ENOTDIR)
			errno = fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				S_ISLNK(st.st_mode) ?
			    ELOOP :
			    ENOTDIR;
	}
	free(last);
	if (fd != -1 && make_room(t) == -1) {
		close(fd);
		fd = -1;
	}
	if (fd == -1)
		return -1;
	t->folder = xrealloc(t->folder, (t->folders + 1) * sizeof(*t->folder));
	f = &t->folder[t->folders];
	*f = (struct folder){xstrndup(path, n), fd, 0, ++t->calls};
	return (long)t->folders++;
}

int
tree_folder(struct tree *t, const char *name, int make, const char **last)
{
	const char *slash = strrchr(name, '/');
	long i = find(t, name, slash != NULL ? (size_t)(slash - name) : 0, make);

	*last = slash != NULL ? slash + 1 : name;
	if (i == -1)
		return -1;
	t->last = (size_t)i;
	return t->folder[i].fd;
}

void
tree_changed(struct tree *t)
{
	t->folder[t->last].dirty = 1;
}

int
tree_sync(struct tree *t)
{
	size_t i;

	for (i = 0; i < t->folders; i++) {
		if (t->folder[i].dirty && file_sync_dir(t->folder[i].fd) == -1)
			return -1;
		t->folder[i].dirty = 0;
	}
	return 0;
}

int
tree_read(struct tree *t, const char *name)
{
	const char *last;
	struct stat st;
	int dir = tree_folder(t, name, 0, &last), fd;

	if (dir == -1)
		return -1;
	/* O_NONBLOCK: opening a fifo without a writer must not block. */
	fd = openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = S_ISDIR(st.st_mode) ? EISDIR : ENXIO;
		return -1;
	}
	return fd;
}

int
tree_stat(struct tree *t, const char *name, struct stat *st)
{
	const char *last;
	int dir = tree_folder(t, name, 0, &last);

	return dir == -1 ? -1 : fstatat(dir, last, st, AT_SYMLINK_NOFOLLOW);
}

int
tree_code(int err, int otherwise)
{
	switch (err) {
	case EROFS:
		return EX_CANTCREAT;
	case EIO:
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case ESTALE:
	case ENODEV:
	case ENOTCONN:
	case ESHUTDOWN:
	case EHOSTDOWN:
	case ETIMEDOUT:
		return EX_IOERR;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EINTR:
	case EAGAIN:
		return EX_TEMPFAIL;
	default:
		return otherwise;
	}
}
