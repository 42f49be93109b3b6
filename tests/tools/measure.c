/*
 * Runs a command and writes its maximum resident memory in KiB and its user and
 * system time in milliseconds to a file, in one line.  Exits with the command's code.
 *
 *	measure FILE COMMAND [ARGUMENT]...
 */
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long
milliseconds(struct timeval t)
{
	return (long)t.tv_sec * 1000 + (long)t.tv_usec / 1000;
}

int
main(int argc, char **argv)
{
	struct rusage used;
	int status;
	pid_t pid;
	FILE *f;

	if (argc < 3)
		errx(64, "usage: measure FILE COMMAND [ARGUMENT]...");
	if ((pid = fork()) == -1)
		err(71, "fork");
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (wait4(pid, &status, 0, &used) == -1)
		err(71, "wait4");
	f = fopen(argv[1], "w");
	if (f == NULL ||
	    fprintf(f, "%ld %ld\n", used.ru_maxrss,
		milliseconds(used.ru_utime) + milliseconds(used.ru_stime)) < 0 ||
	    fclose(f) == EOF)
		err(74, "%s", argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
