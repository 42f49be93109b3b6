/*
 * Landlock: see confine.h.  The C library has no functions for it, and older kernel
 * headers lack some of its names, so both are declared here, as in
 * linux/Documentation/userspace-api/landlock.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "confine.h"
#include "msg.h"
#include "sanitizer.h"

#if defined(__linux__) && !defined(SANITIZER)

#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule	     445
#define __NR_landlock_restrict_self  446
#endif

/* Versions of the interface.  Before ABI_REFER it forbids all renames between
 * directories; the others add kinds of rights. */
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_TCP = 4, ABI_SCOPE = 6 };

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define EXECUTE	    (UINT64_C(1) << 0)
#define WRITE_FILE  (UINT64_C(1) << 1)
#define READ_FILE   (UINT64_C(1) << 2)
#define READ_DIR    (UINT64_C(1) << 3)
#define REMOVE_DIR  (UINT64_C(1) << 4)
#define REMOVE_FILE (UINT64_C(1) << 5)
#define MAKE_DIR    (UINT64_C(1) << 7)
#define MAKE_REG    (UINT64_C(1) << 8)
#define MAKE_ANY    (UINT64_C(0x7f) << 6) /* devices, sockets, links, ... */
#define REFER	    (UINT64_C(1) << 13)	  /* between directories */
#define TRUNCATE    (UINT64_C(1) << 14)

#define TO_READ (READ_FILE | READ_DIR)
#define TO_CHANGE \
	(TO_READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE)
#define OF_A_FILE (READ_FILE | WRITE_FILE | TRUNCATE)

#define TCP_BIND_CONNECT    UINT64_C(3)
#define SCOPE_SOCKET_SIGNAL UINT64_C(3)

struct ruleset {
	uint64_t files, tcp, scoped; /* forbidden, except by rules */
};

struct path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

struct confine {
	uint64_t files; /* the rights that the kernel knows */
	int rules;	/* a descriptor; -1: no rights are given up, and why */
	const char *why;
};

void
confine_give_up(struct confine *c, const char *why)
{
	c->why = why;
	if (c->rules != -1)
		close(c->rules);
	c->rules = -1;
}

struct confine *
confine_new(void)
{
	struct confine *c = xcalloc(1, sizeof(*c));
	struct ruleset set = {EXECUTE | MAKE_ANY | TO_CHANGE, 0, 0};
	long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	c->rules = -1;
	if (abi < ABI_REFER) {
		confine_give_up(c, abi == -1 ? strerror(errno) : "this kernel's is too old");
		return c;
	}
	if (abi < ABI_TRUNCATE)
		set.files &= ~TRUNCATE;
	if (abi >= ABI_TCP)
		set.tcp = TCP_BIND_CONNECT;
	if (abi >= ABI_SCOPE)
		set.scoped = SCOPE_SOCKET_SIGNAL;
	c->files = set.files;
	/* An older kernel accepts a longer set if the fields unknown to it are 0. */
	c->rules = (int)syscall(__NR_landlock_create_ruleset, &set, sizeof(set), 0);
	if (c->rules == -1)
		confine_give_up(c, strerror(errno));
	return c;
}

/* Opening the file would fail anyway. */
static int
is_absent(int err)
{
	return err == ENOENT || err == ENOTDIR || err == EACCES || err == ELOOP ||
	    err == ENAMETOOLONG;
}

void
confine_allow(struct confine *c, const char *path, enum confine_right right)
{
	struct path_beneath rule = {right == CONFINE_READ ? TO_READ : TO_CHANGE, -1};
	struct stat st;

	if (c->rules == -1)
		return;
	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd == -1 || fstat(rule.fd, &st) == -1) {
		if (!is_absent(errno))
			confine_give_up(c, strerror(errno));
	} else {
		rule.allowed &= c->files & (S_ISDIR(st.st_mode) ? UINT64_MAX : OF_A_FILE);
		/* EBADFD: a pipe, which needs no rule. */
		if (syscall(__NR_landlock_add_rule, c->rules, RULE_PATH_BENEATH, &rule, 0) == -1 &&
		    errno != EBADFD)
			confine_give_up(c, strerror(errno));
	}
	if (rule.fd != -1)
		close(rule.fd);
}

void
confine_enter(struct confine *c)
{
	if (c->rules != -1 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
		syscall(__NR_landlock_restrict_self, c->rules, 0) == -1))
		confine_give_up(c, strerror(errno));
	if (c->rules == -1)
		msg_tell(1, "not confined by Landlock: %s", c->why);
	else {
		msg_tell(1, "confined by Landlock to the files that were named");
		close(c->rules);
	}
	free(c);
}

#else

#ifndef SANITIZER
#define SANITIZER "this system has none"
#endif

struct confine {
	int none;
};

struct confine *
confine_new(void)
{
	return NULL;
}

void
confine_allow(struct confine *c, const char *path, enum confine_right right)
{
	(void)c;
	(void)path;
	(void)right;
}

void
confine_give_up(struct confine *c, const char *why)
{
	(void)c;
	(void)why;
}

void
confine_enter(struct confine *c)
{
	(void)c;
	msg_tell(1, "not confined by Landlock: " SANITIZER);
}

#endif

void
confine_allow_operands(struct confine *c, char *const operand[], int operands)
{
	int i;

	for (i = 0; i < operands; i++)
		if (strcmp(operand[i], "-") != 0)
			confine_allow(c, operand[i], CONFINE_READ);
}
