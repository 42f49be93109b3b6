/*
 * Bytes to descriptors, and files that have their final name only when they
 * are whole and on disk.
 */
#ifndef PRAIC_FILE_H
#define PRAIC_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * After a failed read or write: is it worth another try?  Waits where the
 * descriptor does not block (whoever started us may have set it so).
 */
int file_wait(int fd, short events);

/* All of it, whatever EINTR and short writes do.  0, or -1 and errno. */
int file_write(int fd, const void *, size_t);
/* Up to n bytes; less only at the end of the file.  -1 and errno. */
ssize_t file_read(int fd, void *, size_t n);

/* The last line of a file that is no longer than 4 KiB, or NULL where the file is
 * empty; to be freed. */
char *file_last_line(int fd);

/*
 * An unlinked temporary file, mode 0600, in $TMPDIR or /var/tmp: gone when
 * the descriptor is closed, whatever happens to the program.  -1 and errno.
 */
int file_scratch(void);
/* Where these are: for messages. */
const char *file_scratch_dir(void);

/* A directory and those above it, mode 0700, as far as there are none.  0, or
 * -1 and errno. */
int file_make_dirs(const char *path);

/* Make a directory's names durable.  0, or -1 and errno. */
int file_sync_dir(int dirfd);

/*
 * Give a file that is written, synced and closed its final name, and make
 * the name durable.  Both names are below dirfd and in the same directory; what
 * has that name is replaced.  0, or -1 and errno.
 */
int file_publish(int dirfd, const char *tmp, const char *name);

/*
 * Let a pipe hold more than 64 KiB, so that the stages of a pipe run side
 * by side instead of in turn.  Does nothing where that cannot be.
 */
void file_widen_pipe(int fd);

/*
 * Descriptors 0, 1 and 2 are open from here on, if need be on /dev/null, so
 * that no file of ours is taken for standard output.  Ends the program when
 * that cannot be had.  And a limit of file sizes is an error, not a signal.
 */
void file_std_fds(void);

#endif
