/*
 * Preloaded into a program: makes the n-th call of a kind fail, or kills the program
 * there, and simulates file systems without some calls.
 *
 *	FAULT=call:n:what	n from 1, or * for all calls; separated by commas;
 *				call:0:EIO only counts
 *	FAULT_PROGRAM=name	only in this program, not in those that it starts
 *	FAULT_COUNT=path	a file of two 64-bit numbers: calls of the first kind,
 *				and those that failed
 *	FAULT_MARK=path		a file that is empty until a fault has happened
 *	FAULT_FOLD=1		names below a directory are kept in lower case
 *
 * call is the name of a C library function, or "memory" for malloc, calloc and
 * realloc.  what is the name of an errno, "kill", or (for write) "torn": half of the
 * bytes are written, then the program is killed.
 *
 * Calls within the C library cannot be intercepted: writes of stdio fail as "fflush"
 * and "fclose".  This library opens its files at the start, because sandboxed programs
 * cannot open files later.
 */
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
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
    {"EMFILE", EMFILE}, {"ESTALE", ESTALE}, {"EOPNOTSUPP", EOPNOTSUPP}, {"EAGAIN", EAGAIN},
    {"ECONNRESET", ECONNRESET}, {"EINTR", EINTR}, {"kill", -1}, {"torn", -2}};

/* FAULT, read once, before main() may change the environment. */
static struct {
	char call[16];
	long n; /* from 1; -1: all; 0: only counted */
	int err;
	long so_far;
} fault_of[8];
static int faults, folds;
static int mark = -1;
static int64_t *counts;

/*
 * Allocations of libcrypto and libssl do not fail: some versions crash or hang
 * without memory.
 */
static struct {
	uintptr_t from, to;
} spared[32];
static int spared_n;

static int
spare(struct dl_phdr_info *info, size_t size, void *context)
{
	int i;

	(void)size;
	(void)context;
	if (strstr(info->dlpi_name, "/libcrypto.") == NULL &&
	    strstr(info->dlpi_name, "/libssl.") == NULL)
		return 0;
	for (i = 0; i < info->dlpi_phnum && spared_n < 32; i++) {
		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		spared[spared_n].from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		spared[spared_n].to = spared[spared_n].from + info->dlpi_phdr[i].p_memsz;
		spared_n++;
	}
	return 0;
}

static void __attribute__((constructor)) start(void)
{
	const char *p = getenv("FAULT"), *what, *only = getenv("FAULT_PROGRAM"), *count;
	size_t i, len;
	int fd;

	folds = getenv("FAULT_FOLD") != NULL;
	if (p == NULL || (only != NULL && strcmp(only, program_invocation_short_name) != 0))
		return;
	dl_iterate_phdr(spare, NULL);
	if ((count = getenv("FAULT_MARK")) != NULL &&
	    (mark = open(count, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) == -1)
		abort();
	if ((count = getenv("FAULT_COUNT")) != NULL) {
		fd = open(count, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1 || ftruncate(fd, 16) == -1)
			abort();
		counts = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (counts == MAP_FAILED)
			abort();
		close(fd);
	}
	for (; p != NULL && *p != '\0'; p = strchr(p, ','), p = p != NULL ? p + 1 : NULL) {
		len = strcspn(p, ":");
		what = p[len] == ':' ? strchr(p + len + 1, ':') : NULL;
		if (what == NULL || len >= sizeof(fault_of[0].call) || faults == 8)
			abort();
		for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			if (strncmp(what + 1, errors[i].name, strlen(errors[i].name)) == 0)
				break;
		if (i == sizeof(errors) / sizeof(errors[0]))
			abort();
		memcpy(fault_of[faults].call, p, len);
		fault_of[faults].n = p[len + 1] == '*' ? -1 : atol(p + len + 1);
		fault_of[faults].err = errors[i].err;
		__atomic_store_n(&faults, faults + 1, __ATOMIC_RELEASE);
	}
}

/* The fault of this call: an errno, -1, -2, or 0 for none. */
static int
fault(const char *call)
{
	int i, n = __atomic_load_n(&faults, __ATOMIC_ACQUIRE), wrong = 0;
	long number;

	for (i = 0; i < n; i++) {
		if (strcmp(fault_of[i].call, call) != 0)
			continue;
		number = __atomic_add_fetch(&fault_of[i].so_far, 1, __ATOMIC_RELAXED);
		if (i == 0 && counts != NULL)
			__atomic_add_fetch(&counts[0], 1, __ATOMIC_RELAXED);
		if (fault_of[i].n == -1 || fault_of[i].n == number)
			wrong = fault_of[i].err;
	}
	if (wrong == 0)
		return 0;
	if (counts != NULL)
		__atomic_add_fetch(&counts[1], 1, __ATOMIC_RELAXED);
	if (mark != -1)
		(void)!syscall(SYS_write, mark, "x", 1);
	if (wrong == -1)
		raise(SIGKILL);
	if (wrong > 0)
		errno = wrong;
	return wrong;
}

#define REAL(type, name, ...)             \
	static type (*real)(__VA_ARGS__); \
	if (real == NULL)                 \
	*(void **)&real = dlsym(RTLD_NEXT, name)

static const char *
folded(int dir, const char *path, char copy[4096])
{
	size_t i;

	if (!folds || dir == AT_FDCWD)
		return path;
	for (i = 0; path[i] != '\0' && i < 4095; i++)
		copy[i] = (char)tolower((unsigned char)path[i]);
	copy[i] = '\0';
	return copy;
}

/*
 * open and openat have variable arguments.  These replacements have fixed ones and
 * other names in C, which makes no difference to callers.
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

EXPORT void *
mmap(void *p, size_t n, int protection, int flags, int fd, off_t at)
{
	REAL(void *, "mmap", void *, size_t, int, int, int, off_t);
	/* Anonymous memory does not fail here. */
	return fd != -1 && fault("mmap") ? MAP_FAILED : real(p, n, protection, flags, fd, at);
}

EXPORT void *
mmap64(void *p, size_t n, int protection, int flags, int fd, off64_t at)
{
	return mmap(p, n, protection, flags, fd, at);
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
	struct stat st;

	REAL(int, "fsync", int);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && fault("fsync-folder"))
		return -1;
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

EXPORT int
flock(int fd, int how)
{
	REAL(int, "flock", int, int);
	return fault("flock") ? -1 : real(fd, how);
}

EXPORT int
close(int fd)
{
	REAL(int, "close", int);
	int bad = fd > 2 && fault("close"), error = errno, r = real(fd);

	/* As with close(2), the descriptor is closed nevertheless. */
	if (!bad)
		return r;
	errno = error;
	return -1;
}

EXPORT int
rename(const char *from, const char *to)
{
	REAL(int, "rename", const char *, const char *);
	return fault("rename") ? -1 : real(from, to);
}

EXPORT int
unlink(const char *name)
{
	REAL(int, "unlink", const char *);
	return fault("unlink") ? -1 : real(name);
}

/* Variable arguments, as with openat. */
EXPORT int my_open(const char *, int, mode_t) __asm__("open");
EXPORT int my_open64(const char *, int, mode_t) __asm__("open64");

EXPORT int
my_open(const char *path, int flags, mode_t mode)
{
	REAL(int, "open", const char *, int, mode_t);
	return fault("open") ? -1 : real(path, flags, mode);
}

EXPORT int
my_open64(const char *path, int flags, mode_t mode)
{
	return my_open(path, flags | O_LARGEFILE, mode);
}

EXPORT ssize_t
read(int fd, void *p, size_t n)
{
	REAL(ssize_t, "read", int, void *, size_t);
	return fault("read") ? -1 : real(fd, p, n);
}

EXPORT ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
	return pread(fd, p, n, at);
}

EXPORT ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

EXPORT int
ftruncate64(int fd, off64_t n)
{
	return ftruncate(fd, n);
}

EXPORT ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	REAL(ssize_t, "send", int, const void *, size_t, int);
	return fault("send") ? -1 : real(fd, p, n, flags);
}

EXPORT ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	REAL(ssize_t, "recv", int, void *, size_t, int);
	return fault("recv") ? -1 : real(fd, p, n, flags);
}

EXPORT pid_t
fork(void)
{
	REAL(pid_t, "fork", void);
	return fault("fork") ? -1 : real();
}

EXPORT int
pipe2(int fd[2], int flags)
{
	REAL(int, "pipe2", int *, int);
	return fault("pipe2") ? -1 : real(fd, flags);
}

EXPORT int
fflush(FILE *f)
{
	REAL(int, "fflush", FILE *);
	return f != NULL && f != stderr && fault("fflush") ? EOF : real(f);
}

EXPORT int
fclose(FILE *f)
{
	REAL(int, "fclose", FILE *);
	int bad = fault("fclose"), error = errno, r = real(f);

	if (!bad)
		return r;
	errno = error;
	return EOF;
}

/* Memory: without dlsym, which allocates itself. */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static int
no_memory(const void *caller)
{
	int i;

	for (i = 0; i < spared_n; i++)
		if ((uintptr_t)caller >= spared[i].from && (uintptr_t)caller < spared[i].to)
			return 0;
	return fault("memory");
}

EXPORT void *
malloc(size_t n)
{
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

EXPORT void *
calloc(size_t n, size_t size)
{
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

EXPORT void *
realloc(void *p, size_t n)
{
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}
