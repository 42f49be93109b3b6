/*
 * Enters the sandbox of praic-split, then tries an action that the sandbox forbids:
 * SIGSYS must kill it.
 *
 *	sandbox-proof open|socket|exec|fork|map|seek|signal|memory
 *
 * "memory" is allowed, and the exit code is 0.  Without a sandbox it prints the
 * reason and exits with 2 before it tries anything.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "buf.h"
#include "msg.h"
#include "sandbox.h"

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *why;
	char *none[] = {NULL};
	struct buf b = {0};
	pid_t parent = getppid();
	int got = -1;

	msg_start(argv[0]);
	if (sandbox_enter(&why) == -1) {
		msg_warn("no sandbox: %s", why);
		return 2;
	}
	if (strcmp(what, "open") == 0)
		got = open("/etc/passwd", O_RDONLY);
	else if (strcmp(what, "socket") == 0)
		got = socket(AF_UNIX, SOCK_STREAM, 0);
	else if (strcmp(what, "exec") == 0)
		got = execv("/bin/true", none);
	else if (strcmp(what, "fork") == 0)
		got = (int)fork();
	else if (strcmp(what, "map") == 0)
		got = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 0, 0) != MAP_FAILED;
	else if (strcmp(what, "seek") == 0)
		got = lseek(0, 0, SEEK_SET) != -1;
	else if (strcmp(what, "signal") == 0)
		/* A signal to another process; abort(3) uses the same call. */
		got = (int)syscall(SYS_tgkill, parent, parent, 0);
	else if (strcmp(what, "memory") == 0) {
		/* Allocate, grow, free: brk, mmap, mremap, munmap. */
		buf_reserve(&b, 100);
		buf_reserve(&b, 100 << 20);
		memset(b.p, 1, b.cap);
		buf_reserve(&b, 300 << 20);
		buf_free(&b);
		msg_warn("this is not forbidden");
		_exit(0);
	}
	msg_warn("%s: got %d", what, got);
	_exit(1);
}
