/* systemd's protocol, sd_notify(3): see scheduler.h. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "msg.h"
#include "num.h"
#include "scheduler.h"

void
systemd_tell(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n;
	int fd;

	if (path == NULL || (*path != '/' && *path != '@'))
		return;
	n = strlen(path);
	if (n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = '\0'; /* an abstract address */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		msg_errno("$NOTIFY_SOCKET");
	if (fd != -1)
		close(fd);
}

int64_t
systemd_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t v;

	if (usec == NULL || num_parse_count(usec, strlen(usec), INT64_MAX, &v) == -1 ||
	    (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	v /= 2000000; /* half of what systemd allows */
	return v > 0 ? (int64_t)v : 1;
}
