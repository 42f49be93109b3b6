/*
 * Preloaded below praic-tofs: makes the n-th call of one kind go wrong, or
 * kills the program there, and plays file systems that lack something.
 *
 *	FAULT=call:n:what	n from 1, or * for every one; several with commas
 *	FAULT_MARK=path		made when a fault has happened
 *	FAULT_FOLD=1		names below a directory are kept in lower case
 *
 * what is an errno by its name, "kill", or (write only) "torn": half of the
 * bytes, then killed.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const struct {
	const char *name;
	int err;
} errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS},
    {"EINVAL", EINVAL}, {"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"ENOMEM", ENOMEM},
    {"EMLINK", EMLINK}, {"EXDEV", EXDEV}, {"EACCES", EACCES}, {"ENOLCK", ENOLCK},
    {"EMFILE", EMFILE}, {"ESTALE", ESTALE}, {"EOPNOTSUPP", EOPNOTSUPP},
    {"kill", -1}, {"torn", -2}};

/* Counts of calls, by the order in which their names come up. */
static struct {
	char name[16];
	long n;
} calls[32];

static long
count(const char *call)
{
	size_t i;

	for (i = 0; i < 32; i++) {
		if (calls[i].name[0] == '\0')
			strncpy(calls[i].name, call, sizeof(calls[i].name) - 1);
		if (strcmp(calls[i].name, call) == 0)
			return ++calls[i].n;
	}
	abort();
}

/* What is to go wrong with this call: an errno, -1, -2, or 0. */
static int
fault(const char *call)
{
	const char *p = getenv("FAULT"), *what, *mark = getenv("FAULT_MARK");
	size_t len = strlen(call), i;
	long n;

	if (p == NULL)
		return 0;
	n = count(call);
	for (; p != NULL && *p != '\0'; p = strchr(p, ','), p = p != NULL ? p + 1 : NULL) {
		if (strncmp(p, call, len) != 0 || p[len] != ':')
			continue;
		what = strchr(p + len + 1, ':');
		if (what == NULL || (p[len + 1] != '*' && atol(p + len + 1) != n))
			continue;
		for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			if (strncmp(what + 1, errors[i].name, strlen(errors[i].name)) == 0)
				break;
		if (i == sizeof(errors) / sizeof(errors[0]))
			abort();
		if (mark != NULL)
			close(creat(mark, 0600));
		if (errors[i].err == -1)
			raise(SIGKILL);
		if (errors[i].err > 0)
			errno = errors[i].err;
		return errors[i].err;
	}
	return 0;
}

#define REAL(type, name, ...) \
	static type (*real)(__VA_ARGS__); \
	if (real == NULL) \
		*(void **)&real = dlsym(RTLD_NEXT, name)

static const char *
folded(int dir, const char *path, char copy[4096])
{
	size_t i;

	if (getenv("FAULT_FOLD") == NULL || dir == AT_FDCWD)
		return path;
	for (i = 0; path[i] != '\0' && i < 4095; i++)
		copy[i] = (char)tolower((unsigned char)path[i]);
	copy[i] = '\0';
	return copy;
}

/*
 * These two take what they are given: with a fixed number of arguments, under
 * another name than the headers know, for it is the same to a caller.
 */
EXPORT int my_openat(int, const char *, int, mode_t) __asm__("openat");
EXPORT long my_syscall(long, long, long, long, long, long, long) __asm__("syscall");

EXPORT int
my_openat(int dir, const char *path, int flags, mode_t mode)
{
	char copy[4096];

	REAL(int, "openat", int, const char *, int, mode_t);
	return fault("openat") ? -1 : real(dir, folded(dir, path, copy), flags, mode);
}

EXPORT int
__openat_2(int dir, const char *path, int flags)
{
	return my_openat(dir, path, flags, 0);
}

EXPORT long
my_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	char copy[4096];

	REAL(long, "syscall", long, long, long, long, long, long, long);
	if (number == SYS_openat2) {
		if (fault("openat2"))
			return -1;
		b = (long)folded((int)a, (const char *)b, copy);
	}
	return real(number, a, b, c, d, e, f);
}

EXPORT int
fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
	char copy[4096];

	REAL(int, "fstatat", int, const char *, struct stat *, int);
	return fault("fstatat") ? -1 : real(dir, folded(dir, path, copy), st, flags);
}

EXPORT int
mkdirat(int dir, const char *path, mode_t mode)
{
	char copy[4096];

	REAL(int, "mkdirat", int, const char *, mode_t);
	return fault("mkdirat") ? -1 : real(dir, folded(dir, path, copy), mode);
}

EXPORT int
unlinkat(int dir, const char *path, int flags)
{
	char copy[4096];

	REAL(int, "unlinkat", int, const char *, int);
	return fault("unlinkat") ? -1 : real(dir, folded(dir, path, copy), flags);
}

EXPORT int
renameat(int from, const char *a, int to, const char *b)
{
	char one[4096], two[4096];

	REAL(int, "renameat", int, const char *, int, const char *);
	return fault("renameat") ? -1 : real(from, folded(from, a, one), to, folded(to, b, two));
}

EXPORT int
renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	char one[4096], two[4096];

	REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
	return fault("renameat2") ? -1 :
	    real(from, folded(from, a, one), to, folded(to, b, two), flags);
}

EXPORT int
linkat(int from, const char *a, int to, const char *b, int flags)
{
	char one[4096], two[4096];

	REAL(int, "linkat", int, const char *, int, const char *, int);
	return fault("linkat") ? -1 :
	    real(from, folded(from, a, one), to, folded(to, b, two), flags);
}

EXPORT ssize_t
write(int fd, const void *p, size_t n)
{
	int f = fd == 2 ? 0 : fault("write");

	REAL(ssize_t, "write", int, const void *, size_t);
	if (f == -2) {
		(void)!real(fd, p, n / 2);
		raise(SIGKILL);
	}
	return f != 0 ? -1 : real(fd, p, n);
}

EXPORT ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
	return fault("pwrite") ? -1 : real(fd, p, n, at);
}

EXPORT ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	REAL(ssize_t, "pread", int, void *, size_t, off_t);
	return fault("pread") ? -1 : real(fd, p, n, at);
}

EXPORT ssize_t
__pread_chk(int fd, void *p, size_t n, off_t at, size_t size)
{
	(void)size;
	return pread(fd, p, n, at);
}

EXPORT int
fsync(int fd)
{
	REAL(int, "fsync", int);
	return fault("fsync") ? -1 : real(fd);
}

EXPORT int
fdatasync(int fd)
{
	REAL(int, "fdatasync", int);
	return fault("fdatasync") ? -1 : real(fd);
}

EXPORT int
ftruncate(int fd, off_t n)
{
	REAL(int, "ftruncate", int, off_t);
	return fault("ftruncate") ? -1 : real(fd, n);
}

static int locked;

EXPORT int
flock(int fd, int how)
{
	REAL(int, "flock", int, int);
	locked = 1;
	return fault("flock") ? -1 : real(fd, how);
}

/*
 * Memory: without dlsym, which itself wants some.  Counted from the first
 * lock on: before, libcrypto starts up, and OpenSSL 3.0 does not survive to
 * be without memory then.
 */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

EXPORT void *
malloc(size_t n)
{
	return locked && fault("memory") ? NULL : __libc_malloc(n);
}

EXPORT void *
calloc(size_t n, size_t size)
{
	return locked && fault("memory") ? NULL : __libc_calloc(n, size);
}

EXPORT void *
realloc(void *p, size_t n)
{
	return locked && fault("memory") ? NULL : __libc_realloc(p, n);
}
