/* COMMAND: see command.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "msg.h"

extern char **environ;

/* posix_spawn and not fork: it reports a COMMAND that cannot be run. */
static int
spawn(struct command *c, int input)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t signals;
	int err;

	/* Ignored here, and by praic's other programs for themselves. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE);
	sigaddset(&signals, SIGXFSZ);
	if ((err = posix_spawn_file_actions_init(&actions)) != 0)
		return err;
	if ((err = posix_spawnattr_init(&attr)) == 0) {
		err = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
		if (err == 0)
			err = posix_spawnattr_setsigdefault(&attr, &signals);
		if (err == 0)
			err = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
		if (err == 0)
			err = posix_spawnp(&c->pid, c->argv[0], &actions, &attr, c->argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

int
command_start(struct command *c, char *const *argv)
{
	int fd[2], err;

	c->argv = argv;
	/* Or the kernel keeps no exit status for us. */
	signal(SIGCHLD, SIG_DFL);
	if (pipe2(fd, O_CLOEXEC) == -1) {
		msg_errno("pipe to %s", argv[0]);
		return EX_OSERR;
	}
	err = spawn(c, fd[0]);
	close(fd[0]);
	c->fd = fd[1];
	if (err == 0)
		return 0;
	close(fd[1]);
	errno = err;
	msg_errno("%s", argv[0]);
	return err == EAGAIN || err == ENOMEM ? EX_OSERR : EX_USAGE;
}

/*
 * A read end of the pipe, or -1.  It is opened when all is written and not
 * kept from the start: as long as there is one, a write after COMMAND's end
 * would wait instead of failing.
 */
static int
open_read_end(const struct command *c)
{
#ifdef __linux__
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", c->fd);
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
#else
	(void)c;
	return -1;
#endif
}

static int
status_code(const struct command *c, int status)
{
	if (WIFSIGNALED(status)) {
		msg_warn("%s: ended by signal %d (%s); nothing is noted", c->argv[0],
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
		return EX_UNAVAILABLE;
	}
	if (WEXITSTATUS(status) == 0)
		return 0;
	msg_warn("%s: exit status %d; nothing is noted", c->argv[0], WEXITSTATUS(status));
	/* Codes of sysexits(3) mean the same everywhere. */
	return WEXITSTATUS(status) >= EX_USAGE && WEXITSTATUS(status) <= EX_CONFIG ?
	    WEXITSTATUS(status) :
	    EX_UNAVAILABLE;
}

int
command_wait(struct command *c, int stopped_reading)
{
	int end = open_read_end(c), status, code, unread = 0;
	pid_t pid;

	close(c->fd);
	while ((pid = waitpid(c->pid, &status, 0)) == -1 && errno == EINTR)
		;
	if (end != -1 && ioctl(end, FIONREAD, &unread) == -1)
		unread = 0;
	if (end != -1)
		close(end);
	if (pid == -1) {
		msg_errno("%s", c->argv[0]);
		return EX_OSERR;
	}
	code = status_code(c, status);
	if (code == 0 && (stopped_reading || unread > 0)) {
		msg_warn("%s: did not read all of its input; nothing is noted", c->argv[0]);
		code = EX_IOERR;
	}
	return code;
}
