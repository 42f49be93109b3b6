/* Filters that are run to be asked: see conf_run.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "conf_run.h"
#include "file.h"
#include "msg.h"
#include "rec.h"

#define NOT_FOUND 127

void
run_start(struct run *r, const char *program)
{
	memset(r, 0, sizeof(*r));
	r->secret_fd = -1;
	run_add(r, program);
}

void
run_add(struct run *r, const char *arg)
{
	r->arg = xrealloc(r->arg, (r->n + 2) * sizeof(*r->arg));
	r->arg[r->n++] = xstrdup(arg);
	r->arg[r->n] = NULL;
}

void
run_option(struct run *r, const char *option, const char *value)
{
	run_add(r, option);
	run_add(r, value);
}

/* An unlinked file with this in it, read from its beginning. */
static int
scratch(const void *p, size_t n)
{
	int fd = file_scratch();

	if (fd == -1 || file_write(fd, p, n) == -1 || lseek(fd, 0, SEEK_SET) == -1) {
		msg_errno("temporary file in %s (TMPDIR)", file_scratch_dir());
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

int
run_secret(struct run *r, const char *option, const char *secret)
{
	int fd = scratch(secret, strlen(secret));
	char *name;

	/* The child inherits a duplicate: the first is close-on-exec. */
	r->secret_fd = fd == -1 ? -1 : dup(fd);
	if (fd != -1)
		close(fd);
	if (r->secret_fd == -1)
		return -1;
	name = xasprintf("file:/dev/fd/%d", r->secret_fd);
	run_option(r, option, name);
	free(name);
	return 0;
}

void
run_free(struct run *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		free(r->arg[i]);
	free(r->arg);
	if (r->secret_fd != -1)
		close(r->secret_fd);
}

static void __attribute__((noreturn)) child(struct run *r, int in)
{
	if (dup2(in, STDIN_FILENO) == -1)
		_exit(EX_OSERR);
	if (r->quiet) {
		int nowhere = open("/dev/null", O_WRONLY);

		if (nowhere == -1 || dup2(nowhere, STDOUT_FILENO) == -1)
			_exit(EX_OSERR);
	}
	signal(SIGPIPE, SIG_DFL);
	execvp(r->arg[0], r->arg);
	_exit(errno == ENOENT ? NOT_FOUND : EX_OSERR);
}

int
run_end(struct run *r, const char *input, size_t n)
{
	int in = scratch(input, n), status = 0, code = EX_OSERR;
	pid_t pid = in == -1 ? -1 : fork();

	if (pid == 0)
		child(r, in);
	if (pid == -1 && in != -1)
		msg_errno("%s", r->arg[0]);
	while (pid != -1 && waitpid(pid, &status, 0) == -1)
		if (errno != EINTR) {
			msg_errno("%s", r->arg[0]);
			pid = -1;
		}
	if (pid != -1 && WIFEXITED(status)) {
		code = WEXITSTATUS(status);
		if (code == NOT_FOUND) {
			msg_warn("%s is in none of the directories of $PATH", r->arg[0]);
			r->missing = 1;
			code = EX_OSERR;
		}
	} else if (pid != -1) {
		msg_warn("%s: ended by signal %d", r->arg[0], WTERMSIG(status));
		code = EX_SOFTWARE;
	}
	if (in != -1)
		close(in);
	run_free(r);
	return code;
}

int
run_empty_stream(struct buf *out, unsigned tables)
{
	struct rec_writer *w;
	char piece[4096];
	ssize_t got = 0;
	int fd = file_scratch(), code;

	if (fd == -1) {
		msg_errno("temporary file in %s (TMPDIR)", file_scratch_dir());
		return EX_OSERR;
	}
	w = rec_new(fd, "temporary file");
	rec_head(w, tables);
	rec_end(w, 0);
	code = rec_finish(w);
	rec_free(w);
	if (code == 0 && lseek(fd, 0, SEEK_SET) == -1)
		code = EX_IOERR;
	while (code == 0 && (got = file_read(fd, piece, sizeof(piece))) > 0)
		buf_add(out, piece, (size_t)got);
	if (got == -1)
		code = EX_IOERR;
	close(fd);
	return code;
}
