/*
 * Preloaded below praic-split: the n-th call of a kind fails.
 *
 *	NTH=CALL:N:ERRNO	alloc (malloc, calloc, realloc), read or write
 *	NTH=CALL:0:0		none does, and how many there were is told at the end
 *
 * Asks the system for nothing, for praic-split may not either.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static char call[8];
static long n, so_far;
static int error, ready;

static int
fails(const char *name)
{
	const char *p;

	if (!ready) {
		ready = 1;
		if ((p = getenv("NTH")) != NULL)
			sscanf(p, "%7[a-z]:%ld:%d", call, &n, &error);
	}
	if (strcmp(name, call) != 0 || ++so_far != n)
		return 0;
	errno = error;
	return 1;
}

EXPORT void *
malloc(size_t size)
{
	return fails("alloc") ? NULL : __libc_malloc(size);
}

EXPORT void *
calloc(size_t count, size_t size)
{
	return fails("alloc") ? NULL : __libc_calloc(count, size);
}

EXPORT void *
realloc(void *p, size_t size)
{
	return fails("alloc") ? NULL : __libc_realloc(p, size);
}

EXPORT ssize_t
read(int fd, void *p, size_t size)
{
	static ssize_t (*real)(int, void *, size_t);

	if (real == NULL)
		real = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	return fails("read") ? -1 : real(fd, p, size);
}

EXPORT ssize_t
write(int fd, const void *p, size_t size)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (real == NULL)
		real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	return fails("write") ? -1 : real(fd, p, size);
}

static void __attribute__((destructor))
tell(void)
{
	char text[40];
	int length = snprintf(text, sizeof(text), "calls %ld\n", so_far);

	if (n == 0 && call[0] != '\0' && write(2, text, (size_t)length) == -1)
		abort();
}
