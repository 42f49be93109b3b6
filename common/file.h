/*
 * Reads and writes of descriptors, and files that get their final name only when they
 * are complete and on disk.
 */
#ifndef PRAIC_FILE_H
#define PRAIC_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * After a failed read or write: should it be tried again?  Waits if the descriptor is
 * non-blocking, as the caller of the program may have set it.
 */
int file_wait(int fd, short events);

/* Write all of it, in spite of EINTR and short writes.  0, or -1 and errno. */
int file_write(int fd, const void *, size_t);
/* Read n bytes; fewer only at the end of the file.  -1 and errno. */
ssize_t file_read(int fd, void *, size_t n);

/* The last line of a file, 4 KiB of it at most, or NULL if the file is empty; to be
 * freed. */
char *file_last_line(int fd);

/*
 * An unlinked temporary file, mode 0600, in $TMPDIR or /var/tmp, which disappears with
 * its descriptor.  -1 and errno.
 */
int file_scratch(void);
/* The directory of these files, for messages. */
const char *file_scratch_dir(void);

/* Make a directory and those above it, mode 0700, unless they exist.  0, or -1 and
 * errno. */
int file_make_dirs(const char *path);

/* Make a directory's names durable.  0, or -1 and errno. */
int file_sync_dir(int dirfd);
/* The same for the directory of a file. */
int file_sync_folder(int dirfd, const char *name);

/*
 * Give a file that is written, synced and closed its final name, and make the name
 * durable.  Both names are below dirfd and in one directory; a file with the name is
 * replaced.  0, or -1 and errno.
 */
int file_publish(int dirfd, const char *tmp, const char *name);

/* Let a pipe hold more than 64 KiB, if possible, so that the stages of a pipeline run
 * side by side instead of in turn. */
void file_widen_pipe(int fd);

/*
 * Open descriptors 0, 1 and 2 on /dev/null if they are closed, so that no file of the
 * program becomes its standard output.  Ends the program if that fails.  Also makes a
 * limit of file sizes an error instead of a signal.
 */
void file_std_fds(void);

#endif
