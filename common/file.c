/* Descriptors and files: see file.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"

/* What an unprivileged Linux process may ask for (pipe-max-size). */
#define WIDE_PIPE (1 << 20)

int
file_wait(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	if (errno == EINTR)
		return 1;
	return errno == EAGAIN && (poll(&p, 1, -1) == 1 || errno == EINTR);
}

int
file_write(int fd, const void *data, size_t n)
{
	const char *p = data;
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done == -1 && file_wait(fd, POLLOUT))
			continue;
		if (done == -1)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

ssize_t
file_read(int fd, void *data, size_t n)
{
	char *p = data;
	size_t got = 0;
	ssize_t done;

	while (got < n) {
		done = read(fd, p + got, n - got);
		if (done == -1 && file_wait(fd, POLLIN))
			continue;
		if (done == -1)
			return -1;
		if (done == 0)
			break;
		got += (size_t)done;
	}
	return (ssize_t)got;
}

char *
file_last_line(int fd)
{
	char text[4096];
	struct stat st;
	const char *line;
	ssize_t n = -1;

	if (fstat(fd, &st) == 0)
		n = pread(fd, text, sizeof(text),
		    st.st_size > (off_t)sizeof(text) ? st.st_size - (off_t)sizeof(text) : 0);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0)
		return NULL;
	line = memrchr(text, '\n', (size_t)n);
	line = line != NULL ? line + 1 : text;
	return xstrndup(line, (size_t)(text + n - line));
}

const char *
file_scratch_dir(void)
{
	const char *dir = getenv("TMPDIR");

	/* Not /tmp, which is often in memory: these files are big. */
	return dir == NULL || *dir == '\0' ? "/var/tmp" : dir;
}

int
file_scratch(void)
{
	const char *dir = file_scratch_dir();
	char *name;
	int fd;

#ifdef O_TMPFILE
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1 ||
	    (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL))
		return fd;
#endif
	name = xasprintf("%s/praic.XXXXXX", dir);
	fd = mkostemp(name, O_CLOEXEC); /* mode 0600 */
	if (fd != -1 && unlink(name) == -1) {
		close(fd);
		fd = -1;
	}
	free(name);
	return fd;
}

int
file_make_dirs(const char *path)
{
	char *part = xstrdup(path), *slash = part;
	int bad = 0;

	while (slash != NULL && !bad) {
		slash = strchr(slash + 1, '/');
		if (slash != NULL)
			*slash = '\0';
		bad = mkdir(part, 0700) == -1 && errno != EEXIST;
		if (slash != NULL)
			*slash = '/';
	}
	free(part);
	return bad ? -1 : 0;
}

int
file_sync_dir(int dirfd)
{
	/* Some network file systems cannot sync a directory. */
	if (fsync(dirfd) == -1 && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	return 0;
}

int
file_sync_folder(int dirfd, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *folder = slash != NULL ? xstrndup(name, (size_t)(slash - name)) : xstrdup(".");
	int fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int bad = fd == -1 ? -1 : file_sync_dir(fd);

	if (fd != -1)
		close(fd);
	free(folder);
	return bad;
}

int
file_publish(int dirfd, const char *tmp, const char *name)
{
	return renameat(dirfd, tmp, dirfd, name) == -1 ? -1 : file_sync_folder(dirfd, name);
}

void
file_widen_pipe(int fd)
{
#ifdef F_SETPIPE_SZ
	int saved = errno;

	/* It fails for other files, and beyond the user's limit. */
	(void)fcntl(fd, F_SETPIPE_SZ, WIDE_PIPE);
	errno = saved;
#else
	(void)fd;
#endif
}

void
file_std_fds(void)
{
	int fd;

	/* A write beyond the limit fails, as on a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	/* For reading only, so that writing to a missing standard output fails, and
	 * output is not lost in silence. */
	do {
		fd = open("/dev/null", O_RDONLY);
		if (fd == -1) {
			msg_errno("/dev/null");
			_exit(EX_OSERR);
		}
	} while (fd <= 2);
	close(fd);
}
