/*
 * Where a named instance of SQL Server listens: its Browser is asked over UDP,
 * as [MS-SQLR] has it.  FreeTDS can do that, too, but waits 16 seconds whatever
 * it is told, and does not say what it waited for.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>

#include "code.h"
#include "mssql.h"
#include "num.h"

#define BROWSER_PORT "1434"
#define ADDRESSES    8
/* A datagram may be lost: it is sent again each second. */
#define PAUSE 1000

/* The port in "...;tcp;49172;...", or 0. */
static int
port_of(const char *p, size_t n)
{
	const char *end = p + n, *next, *word;
	uint64_t port;
	int is_tcp = 0;

	for (; p < end; p = next + 1) {
		word = p;
		next = memchr(p, ';', (size_t)(end - p));
		if (next == NULL)
			next = end;
		if (is_tcp)
			return num_parse_count(word, (size_t)(next - word), 65535, &port) == 0 ?
			    (int)port :
			    0;
		is_tcp = next - word == 3 && strncasecmp(word, "tcp", 3) == 0;
	}
	return 0;
}

/* Ask at all addresses; sockets in p, -1 where that does not work. */
static int
ask_all(const struct addrinfo *a, struct pollfd p[ADDRESSES])
{
	int n = 0;

	for (; a != NULL && n < ADDRESSES; a = a->ai_next) {
		p[n].events = POLLIN;
		p[n].fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
		if (p[n].fd != -1 && connect(p[n].fd, a->ai_addr, a->ai_addrlen) == 0)
			n++;
		else if (p[n].fd != -1)
			close(p[n].fd);
	}
	return n;
}

/* Its answer's port; 0: it has no TCP; -1: none yet. */
static int
take_answer(struct pollfd *p)
{
	char answer[4096];
	ssize_t n;

	if (p->revents == 0)
		return -1;
	n = recv(p->fd, answer, sizeof(answer), MSG_DONTWAIT);
	/* 5, the length in two bytes, text */
	return n > 3 && answer[0] == 5 ? port_of(answer + 3, (size_t)n - 3) : -1;
}

int
link_browse(struct link *l, int *port)
{
	const struct connstr *c = l->c;
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *address = NULL;
	struct pollfd p[ADDRESSES];
	char *question = xasprintf("\4%s", c->instance);
	struct timespec start, now;
	int i, n = 0, left, waited = 0;

	*port = -1;
	if (getaddrinfo(c->host, BROWSER_PORT, &hints, &address) == 0)
		n = ask_all(address, p);
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (n > 0 && *port == -1 && waited < c->timeout * 1000) {
		for (i = 0; i < n; i++)
			(void)send(p[i].fd, question, strlen(question) + 1, MSG_NOSIGNAL);
		left = c->timeout * 1000 - waited;
		if (poll(p, (nfds_t)n, left < PAUSE ? left : PAUSE) > 0)
			for (i = 0; i < n && *port == -1; i++)
				*port = take_answer(&p[i]);
		/* A refusal comes at once: do not loop busily. */
		if (*port == -1 && n > 0 && (p[0].revents & POLLERR) != 0)
			poll(NULL, 0, left < PAUSE ? left : PAUSE);
		clock_gettime(CLOCK_MONOTONIC, &now);
		waited = (int)(now.tv_sec - start.tv_sec) * 1000 +
		    (int)((now.tv_nsec - start.tv_nsec) / 1000000);
	}
	for (i = 0; i < n; i++)
		close(p[i].fd);
	if (address != NULL)
		freeaddrinfo(address);
	free(question);
	if (*port > 0)
		return 0;
	if (n == 0)
		return link_refuse(l, LINK_LOST, EX_UNAVAILABLE,
		    "logging in: no such host: check Server of the connection string");
	if (*port == 0)
		return link_refuse(l, LINK_FINAL, EX_CONFIG,
		    "logging in: instance %s does not listen on TCP: have TCP/IP enabled for it",
		    c->instance);
	return link_refuse(l, LINK_LOST, EX_UNAVAILABLE,
	    "logging in: SQL Server Browser (UDP port 1434) did not tell the port of instance %s "
	    "within %d seconds: the instance or the Browser does not run, or a firewall is "
	    "between; Server=HOST,PORT does without it",
	    c->instance, c->timeout);
}
