/*
 * Gives up rights by seccomp(2): see sandbox.h.  The filter is a table in which only the
 * process's id is set at run time, so it needs no library and no memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "sandbox.h"
#include "sanitizer.h"

#ifdef SANITIZER
#define NO_SANDBOX SANITIZER
#endif
#if !defined(__linux__) && !defined(NO_SANDBOX)
#define NO_SANDBOX "this system has no seccomp"
#endif

#ifndef NO_SANDBOX

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A filter names system calls by numbers, which differ between processors. */
#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARMEL__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#endif

#ifndef ARCH
#define NO_SANDBOX "the numbers of this processor's system calls are not known"
#endif
#endif

#ifdef NO_SANDBOX

int
sandbox_enter(const char **why)
{
	*why = NO_SANDBOX;
	return -1;
}

#else

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif
/* The kernel takes all arguments that are checked here as int: the low half counts. */
#define ARGUMENT(n)                        \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
	    (unsigned)offsetof(struct seccomp_data, args) + 8 * (n) + LOW_HALF)
#define IS(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (then), (otherwise))
#define HAS(bits, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (then), (otherwise))
#define ALLOW			   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL			   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ALLOW_CALL(name)	   IS(__NR_##name, 0, 1), ALLOW
/* Memory without a file behind it, and not executable. */
#define ALLOW_MEMORY(name)                                                     \
	IS(__NR_##name, 0, 6), ARGUMENT(2), HAS(PROT_EXEC, 3, 0), ARGUMENT(4), \
	    IS(0xffffffff, 0, 1), ALLOW, KILL
/* A signal to a thread of this process; 0 becomes its id. */
#define ALLOW_TGKILL	  IS(__NR_tgkill, 0, 4), ARGUMENT(0), IS(0, 0, 1), ALLOW, KILL
#define ALLOW_FCNTL(name) IS(__NR_##name, 0, 4), ARGUMENT(1), IS(F_SETPIPE_SZ, 0, 1), ALLOW, KILL

static struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
    IS(ARCH, 1, 0),
    KILL,
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    ALLOW_CALL(read),
    ALLOW_CALL(write),
    ALLOW_CALL(close),
    ALLOW_CALL(brk),
    ALLOW_CALL(munmap),
    ALLOW_CALL(mremap),
    ALLOW_CALL(madvise),
    ALLOW_CALL(exit),
    ALLOW_CALL(exit_group),
    ALLOW_CALL(rt_sigreturn),
/* to wait for input or output that is non-blocking */
#ifdef __NR_poll
    ALLOW_CALL(poll),
#endif
#ifdef __NR_ppoll
    ALLOW_CALL(ppoll),
#endif
#ifdef __NR_ppoll_time64
    ALLOW_CALL(ppoll_time64),
#endif
    /* abort(3), should the C library find memory corrupted */
    ALLOW_CALL(rt_sigprocmask),
    ALLOW_CALL(getpid),
    ALLOW_CALL(gettid),
    ALLOW_TGKILL,
    ALLOW_CALL(getrandom),
#ifdef __NR_futex
    ALLOW_CALL(futex),
#endif
#ifdef __NR_futex_time64
    ALLOW_CALL(futex_time64),
#endif
#ifdef __NR_clock_gettime
    ALLOW_CALL(clock_gettime),
#endif
#ifdef __NR_clock_gettime64
    ALLOW_CALL(clock_gettime64),
#endif
#ifdef __NR_mmap2
    ALLOW_MEMORY(mmap2),
#else
    ALLOW_MEMORY(mmap),
#endif
#ifdef __NR_fcntl64
    ALLOW_FCNTL(fcntl64),
#endif
    ALLOW_FCNTL(fcntl),
    KILL,
};

int
sandbox_enter(const char **why)
{
	const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	size_t i;

	for (i = 0; i < program.len; i++)
		if (filter[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && filter[i].k == __NR_tgkill)
			filter[i + 2].k = (uint32_t)getpid();
	/* The first conversion of a time reads the zone's file. */
	tzset();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		return 0;
	*why = strerror(errno);
	return -1;
}

#endif
