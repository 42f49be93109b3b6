/* Which start of the machine this is: see boot.h. */
#include <fcntl.h>
#include <unistd.h>

#include "boot.h"
#include "file.h"

const char *
boot_id(void)
{
	static char id[64];
	ssize_t n;
	int fd;

	if (id[0] != '\0')
		return id;
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	n = fd != -1 ? file_read(fd, id, sizeof(id) - 1) : -1;
	if (fd != -1)
		close(fd);
	while (n > 0 && id[n - 1] == '\n')
		n--;
	id[n > 0 ? n : 0] = '\0';
	return id;
}
