/*
 * Preloaded into a program, this acts as an attacker in control of it.  At the first
 * read(2) of standard input it tries forbidden actions, and prints a line for each on
 * standard error: its name, and 0 or the name of an errno.  The first line is the
 * version of Landlock.
 *
 *	TAKEOVER_FILE=path	a file: read it
 *	TAKEOVER_DIR=path	a directory: make a file and a link there
 *	TAKEOVER_PORT=number	of 127.0.0.1: connect to it
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#endif

static void
tell(const char *what, long result)
{
	dprintf(2, "%s %s\n", what, result == -1 ? strerrorname_np(errno) : "0");
}

static void
take_over(void)
{
	const char *file = getenv("TAKEOVER_FILE"), *dir = getenv("TAKEOVER_DIR");
	const char *port = getenv("TAKEOVER_PORT");
	struct sockaddr_in to = {.sin_family = AF_INET};
	char *none[] = {NULL}, name[4096];

	dprintf(2, "landlock %ld\n", syscall(__NR_landlock_create_ruleset, NULL, 0, 1));
	if (file != NULL)
		tell("read", open(file, O_RDONLY));
	if (dir != NULL) {
		snprintf(name, sizeof(name), "%s/made", dir);
		tell("make", open(name, O_WRONLY | O_CREAT | O_EXCL, 0600));
		snprintf(name, sizeof(name), "%s/link", dir);
		tell("link", symlink("/etc/passwd", name));
	}
	if (port != NULL) {
		to.sin_port = htons((in_port_t)atoi(port));
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		tell("connect",
		    connect(
			socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&to, sizeof(to)));
	}
	tell("signal", kill(getppid(), 0));
	tell("run", execv("/bin/true", none));
}

ssize_t __attribute__((visibility("default"))) read(int fd, void *p, size_t n)
{
	static ssize_t (*real)(int, void *, size_t);
	static int taken;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "read");
	if (fd == 0 && !taken) {
		taken = 1;
		take_over();
	}
	return real(fd, p, n);
}
