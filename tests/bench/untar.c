/*
 * For comparison with praic-tofs: unpacks a tar archive into the working directory as
 * `tar x` does, but with an fsync for each file.  Only plain files of ustar archives in
 * one folder.
 *
 *	untar <archive
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define BLOCK 512

/* Reads complete blocks from standard input; returns 0 at its end. */
static size_t
get(char *p, size_t n)
{
	size_t got = fread(p, 1, n, stdin);

	if (got != n && got != 0)
		errx(EX_DATAERR, "the archive is truncated");
	return got;
}

int
main(void)
{
	char head[BLOCK], name[257], *data = NULL;
	size_t size, room = 0;
	long files = 0;
	int fd;

	while (get(head, BLOCK) > 0 && head[0] != '\0') {
		size = strtoul(head + 124, NULL, 8);
		if (head[345] != '\0')
			snprintf(name, sizeof(name), "%.155s/%.100s", head + 345, head);
		else
			snprintf(name, sizeof(name), "%.100s", head);
		if (size + BLOCK > room && (data = realloc(data, room = size + BLOCK)) == NULL)
			err(EX_OSERR, "%zu bytes", room);
		if (get(data, (size + BLOCK - 1) / BLOCK * BLOCK) == 0 && size > 0)
			errx(EX_DATAERR, "%s: the archive is truncated", name);
		if (head[156] != '0' && head[156] != '\0')
			continue;
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd == -1 || write(fd, data, size) != (ssize_t)size || fsync(fd) == -1 ||
		    close(fd) == -1)
			err(EX_IOERR, "%s", name);
		files++;
	}
	free(data);
	fprintf(stderr, "%ld files\n", files);
	return 0;
}
