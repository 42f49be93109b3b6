/*
 * DIRECTORY and what is below it.  Nothing is ever opened or made outside of
 * it: names are relative, no symbolic link is followed, and ".." is in no
 * name.  Folders are made as they are needed and kept open for a while.
 */
#ifndef TOFS_TREE_H
#define TOFS_TREE_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Where praic keeps what is its own: names that no format can give. */
#define TREE_LEDGER ".praic-ledger"
#define TREE_INDEX  ".praic-index"
#define TREE_PARTS  ".praic-tmp"

struct tree;

/* mode is that of files; folders get x where it has r.  NULL and *code after a message.  path is kept. */
struct tree *tree_open(const char *path, mode_t mode, int *code);
void tree_close(struct tree *);

int tree_fd(const struct tree *);
const char *tree_path(const struct tree *);

/*
 * A descriptor of the folder that a name is in, which the tree owns and
 * which holds until the next call; *last is the name's last component.
 * With make the folders that are missing are made.  -1 and errno.
 */
int tree_folder(struct tree *, const char *name, int make, const char **last);

/* The folder that tree_folder found last has got or lost a name. */
void tree_changed(struct tree *);

/* All that was changed is made durable.  0, or -1 and errno. */
int tree_sync(struct tree *);

/* As open(2), for reading, of a regular file; other things: -1 and ENOENT,
 * ELOOP, EISDIR or ENXIO. */
int tree_read(struct tree *, const char *name);

/* lstat(2). */
int tree_stat(struct tree *, const char *name, struct stat *);

#endif
