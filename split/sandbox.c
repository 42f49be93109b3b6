/* Giving up rights, by seccomp(2): see sandbox.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "sandbox.h"

/* Sanitizers make system calls of their own. */
#if defined(__SANITIZE_ADDRESS__)
#define NO_SANDBOX "built with a sanitizer"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define NO_SANDBOX "built with a sanitizer"
#endif
#endif
#if !defined(__linux__) && !defined(NO_SANDBOX)
#define NO_SANDBOX "this system has no seccomp"
#endif

#ifdef NO_SANDBOX

int
sandbox_enter(const char **why)
{
	*why = NO_SANDBOX;
	return -1;
}

#else

#include <seccomp.h>

int
sandbox_enter(const char **why)
{
	static const int allowed[] = {
		SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close),
		SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
		SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
		/* -j: its temporary files, which are open already */
		SCMP_SYS(lseek), SCMP_SYS(ftruncate),
		/* abort(3), should the C library find memory corrupted */
		SCMP_SYS(rt_sigprocmask), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(tgkill),
		SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime),
		/* what they are called on processors of 32 bits; libseccomp
		 * passes over what a processor has not */
		SCMP_SYS(_llseek), SCMP_SYS(ftruncate64), SCMP_SYS(futex_time64),
		SCMP_SYS(clock_gettime64),
	};
	static const int maps[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2)};
	static const int fcntls[] = {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)};
	scmp_filter_ctx filter;
	size_t i;
	int err;

	/* The first conversion of a time reads the zone's file. */
	tzset();
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (filter == NULL) {
		*why = "libseccomp cannot be set up";
		return -1;
	}
	err = 0;
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && err == 0; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	/* Memory, but no file, and nothing that can be run. */
	for (i = 0; i < sizeof(maps) / sizeof(maps[0]) && err == 0; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, maps[i], 2,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
		    SCMP_A4(SCMP_CMP_MASKED_EQ, 0xffffffff, 0xffffffff));
	for (i = 0; i < sizeof(fcntls) / sizeof(fcntls[0]) && err == 0; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, fcntls[i], 1,
		    SCMP_A1(SCMP_CMP_EQ, F_SETPIPE_SZ, 0));
	if (err == 0)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (err != 0) {
		*why = strerror(-err);
		return -1;
	}
	return 0;
}

#endif
