/* One connection to SQL Server: see mssql.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "mssql.h"

/* Longer than any statement of a load should take, besides waiting for a lock. */
#define ANSWER_TIMEOUT 600
/* SqlClient's; SQL Server takes up to 16383 on an encrypted connection, and from
 * 8061 on gets memory for each packet apart. */
#define PACKET_SIZE 8000
/* FreeTDS 1.3 sends no more at a login: TDS_MAX_LOGIN_STR_SZ. */
#define MAX_LOGIN	   128
#define MAX_RESULT_COLUMNS 64
/* Of RAISERROR, which the checks of tables use. */
#define RAISED 50000

/* The connection that db-lib's handlers are called for. */
static struct link *current;

/* Keep the first message: the others follow from it. */
static void
note(int number, int severity, const char *text)
{
	if (current == NULL || current->number != 0)
		return;
	current->number = number;
	current->severity = severity;
	buf_reset(&current->text);
	buf_adds(&current->text, text != NULL ? text : "no reason given");
}

static int
on_error(DBPROCESS *p, int severity, int number, int os_number, char *text, char *os_text)
{
	struct buf both = {0};

	(void)p;
	/* 20018 only says that the server has said something. */
	if (number != SYBESMSG) {
		buf_adds(&both,
		    number == SYBECONN	   ? "no server answers there" :
			number == SYBEUHST ? "no such host" :
			text != NULL	   ? text :
					     "");
		if (os_number != 0 && os_number != DBNOERR && os_text != NULL)
			buf_printf(&both, ": %s", os_text);
		note(number, severity, buf_text(&both));
		buf_free(&both);
	}
	/* Anything else makes a time-out wait for ever. */
	return INT_CANCEL;
}

static int
on_message(DBPROCESS *p, DBINT number, int state, int severity, char *text, char *server,
    char *procedure, int line)
{
	(void)p;
	(void)state;
	(void)server;
	(void)line;
	if (severity > 10) {
		if (current != NULL && current->number == 0)
			current->in_trigger = procedure != NULL && *procedure != '\0';
		note((int)number, severity, text);
	} else
		msg_tell(3, "the server says: %s", text);
	return 0;
}

/*
 * FreeTDS 1.3 polls for ever, and busily, once the server has closed a TLS
 * connection in good order, as it does when it stops or when the session is
 * killed; and its time-outs are for each packet.  So a timer looks at the
 * socket each second while a call lasts.  When the peer is gone, or the call
 * takes too long, it puts a descriptor in the socket's place on which poll(2)
 * finds an error: that makes FreeTDS give the connection up.
 *
 * fd is -1 during a login, whose socket FreeTDS does not tell: it is a TCP socket
 * among the descriptors that have become used since, the lowest being `first`.
 */
static struct {
	volatile sig_atomic_t fd, first, broken, ticks, gone, most, late;
} watch = {.fd = -1, .first = -1, .broken = -1};

#define LOGIN_FDS 8 /* FreeTDS has a socket and a pipe of its own; name servers may, too */

static int
is_tcp(int fd)
{
	struct sockaddr_storage own;
	socklen_t size = sizeof(own), length = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM &&
	    getsockname(fd, (struct sockaddr *)&own, &size) == 0 && own.ss_family != AF_UNIX;
}

static void
tick(int sig)
{
	int saved = errno, fd = watch.fd;
	struct pollfd p = {0};

	(void)sig;
	watch.ticks++;
	if (fd == -1) {
		for (fd = watch.first; fd < watch.first + LOGIN_FDS && !is_tcp(fd); fd++)
			;
		if (fd == watch.first + LOGIN_FDS)
			goto out;
	}
	p.fd = fd;
#ifdef POLLRDHUP
	p.events = POLLRDHUP;
#endif
	/* Not at once: its last answer may still be unread. */
	watch.gone = poll(&p, 1, 0) == 1 ? watch.gone + 1 : 0;
	if (watch.gone > 1 || watch.ticks > watch.most) {
		watch.late = watch.gone <= 1;
		dup2(watch.broken, fd);
	}
out:
	errno = saved;
}

/* Make the writing end of a pipe without a reader, and the handler. */
static int
make_watch(void)
{
	struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
	int fd[2];

	if (watch.broken != -1)
		return 0;
	if (pipe(fd) == -1 || sigaction(SIGALRM, &action, NULL) == -1) {
		msg_errno("pipe");
		return EX_OSERR;
	}
	close(fd[0]);
	watch.broken = fd[1];
	return 0;
}

static void
set_timer(int seconds)
{
	struct itimerval t = {{seconds, 0}, {seconds, 0}};

	setitimer(ITIMER_REAL, &t, NULL);
}

/* Watch a socket, or a login (-1), which may take so many seconds. */
static void
begin_watch(int fd, int most)
{
	watch.fd = fd;
	watch.ticks = watch.gone = watch.late = 0;
	watch.most = most;
	set_timer(1);
}

void
link_begin(struct link *l)
{
	current = l;
	l->failure = LINK_WELL;
	l->number = l->severity = l->code = l->in_trigger = 0;
	buf_reset(&l->text);
	if (l->p == NULL || dbdead(l->p))
		return;
	begin_watch(dbiordesc(l->p), l->most);
}

void
link_moves(void)
{
	watch.ticks = 0;
}

void
link_end(void)
{
	set_timer(0);
}

int
link_failed(struct link *l, const char *what)
{
	const char *hint = NULL;
	struct buf text = {0};
	int dead = l->p != NULL && dbdead(l->p);

	if (watch.late) {
		l->failure = LINK_LOST;
		l->code = EX_TEMPFAIL;
		l->number = 0;
		buf_reset(&l->text);
		buf_printf(&l->text, "no answer within %d seconds", (int)watch.most);
	} else if (l->number == 0 || (dead && link_is_dblib(l->number))) {
		/* The connection may end without a message, or with one that says no more. */
		l->failure = dead ? LINK_LOST : LINK_FINAL;
		l->code = dead ? EX_TEMPFAIL : EX_SOFTWARE;
		buf_reset(&l->text);
		buf_adds(&l->text, dead ? "the connection is lost" : "it failed without a message");
	} else
		hint = link_sort(l);
	if (dead && (l->failure == LINK_DATA || l->failure == LINK_AGAIN)) {
		l->failure = LINK_LOST;
		l->code = EX_TEMPFAIL;
	}
	buf_printf(&text, "%s: %s", what, buf_text(&l->text));
	if (l->number != 0 && l->number != RAISED)
		buf_printf(&text, " (error %d)", l->number);
	if (hint != NULL)
		buf_printf(&text, ": %s", hint);
	buf_free(&l->text);
	l->text = text;
	buf_text(&l->text);
	current = NULL; /* messages from here on are of no use */
	return -1;
}

int
link_refuse(struct link *l, enum link_failure failure, int code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->failure = failure;
	l->code = code;
	l->number = 0;
	buf_reset(&l->text);
	buf_adds(&l->text, text);
	buf_text(&l->text);
	current = NULL;
	return -1;
}

/* Can it be a value in a file of lines? */
static int
is_one_line(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return 0;
	return 1;
}

/*
 * FreeTDS sends the name of its section as the server's name, by which Azure finds the server.
 */
static const char *
section_of(const struct connstr *c)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t n = strspn(c->host, plain);

	return n > 0 && c->host[n] == '\0' && n <= MAX_LOGIN ? c->host : "praic";
}

/*
 * FreeTDS takes encryption and the check of certificates from its
 * configuration file alone, and reads those of the user and the system
 * unless it is given one: so it gets an unlinked file.
 */
static int
write_conf(struct link *l, int port)
{
	const struct connstr *c = l->c;
	struct buf conf = {0};
	int bad;

	buf_printf(&conf,
	    "[%s]\n\thost = %s\n\tport = %d\n\ttds version = 7.4\n\tclient charset = UTF-8\n"
	    "\ttext size = 2147483647\n\tenable tls v1 = no\n",
	    section_of(c), c->host, port);
	buf_printf(&conf, "\tencryption = %s\n", c->encrypt ? "require" : "request");
	if (!c->trust && c->encrypt)
		buf_printf(&conf, "\tca file = %s\n\tcheck certificate hostname = yes\n",
		    l->ca_file != NULL ? l->ca_file : "system");
	bad = ftruncate(l->conf, 0) == -1 || lseek(l->conf, 0, SEEK_SET) == -1 ||
	    file_write(l->conf, conf.p, conf.n) == -1 || lseek(l->conf, 0, SEEK_SET) == -1;
	buf_free(&conf);
	return bad ? link_refuse(l, LINK_FINAL, EX_IOERR, "temporary file: %s", strerror(errno)) :
		     0;
}

int
link_init(
    struct link *l, const struct connstr *c, const char *name, const char *ca_file, int timeout)
{
	memset(l, 0, sizeof(*l));
	l->c = c;
	l->name = name;
	l->timeout = timeout;
	l->most = ANSWER_TIMEOUT + timeout;
	l->ca_file = ca_file;
	l->conf = -1;
	/* These would override the file, or log the password. */
	unsetenv("TDSVER");
	unsetenv("TDSPORT");
	unsetenv("TDSHOST");
	unsetenv("TDSQUERY");
	unsetenv("TDSDUMP");
	unsetenv("TDSDUMPCONFIG");
	if (!is_one_line(c->host) || (c->instance != NULL && !is_one_line(c->instance)) ||
	    (ca_file != NULL && !is_one_line(ca_file))) {
		msg_warn("%s: a control character in the name of the server, its instance or "
			 "the CA file",
		    name);
		return EX_CONFIG;
	}
	if ((c->user != NULL && strlen(c->user) > MAX_LOGIN) ||
	    (c->password != NULL && strlen(c->password) > MAX_LOGIN)) {
		msg_warn("%s: User Id and Password may have %d bytes each: FreeTDS sends no more",
		    name, MAX_LOGIN);
		return EX_CONFIG;
	}
	if (ca_file != NULL && access(ca_file, R_OK) == -1) {
		msg_errno("%s", ca_file);
		return EX_CONFIG;
	}
	if (dbinit() == FAIL) {
		msg_warn("FreeTDS does not start");
		return EX_SOFTWARE;
	}
	dberrhandle(on_error);
	dbmsghandle(on_message);
	if ((l->conf = file_scratch()) == -1) {
		msg_errno("temporary file in $TMPDIR or /var/tmp");
		return EX_CANTCREAT;
	}
	l->conf_name = xasprintf("/dev/fd/%d", l->conf);
	if (access(l->conf_name, R_OK) == -1) { /* FreeTDS would go on, without encryption */
		msg_errno("%s: FreeTDS reads its configuration there; mount /proc", l->conf_name);
		return EX_OSERR;
	}
	dbsetifile(l->conf_name);
	return make_watch();
}

void
link_free(struct link *l)
{
	link_disconnect(l);
	if (l->conf != -1)
		close(l->conf);
	free(l->conf_name);
	buf_free(&l->text);
}

void
link_disconnect(struct link *l)
{
	if (l->p == NULL)
		return;
	current = NULL; /* messages from here on are of no use */
	dbclose(l->p);
	l->p = NULL;
}

static DBPROCESS *
log_in(const struct connstr *c)
{
	LOGINREC *login = dblogin();
	char host[64];
	DBPROCESS *p;

	if (login == NULL)
		return NULL;
	if (gethostname(host, sizeof(host)) == 0) {
		host[sizeof(host) - 1] = '\0';
		DBSETLHOST(login, host);
	}
	if (!c->integrated) { /* without a user FreeTDS asks Kerberos */
		DBSETLUSER(login, c->user);
		DBSETLPWD(login, c->password);
	}
	if (c->database != NULL)
		DBSETLDBNAME(login, c->database);
	DBSETLAPP(login, c->application != NULL ? c->application : "praic-tosql");
	DBSETLCHARSET(login, "UTF-8");
	DBSETLPACKET(login, PACKET_SIZE);
	BCP_SETL(login, TRUE);
	p = dbopen(login, section_of(c));
	dbloginfree(login);
	return p;
}

void
link_keep(void *arg, const int64_t *v, int n)
{
	memcpy(arg, v, sizeof(*v) * (size_t)(n < LINK_KEPT ? n : LINK_KEPT));
}

static int
set_options(struct link *l)
{
	/* Options that SqlClient sets and db-lib does not.  Not NOCOUNT: the counts are
	 * compared with the rows that were sent. */
	char *sql = xasprintf(
	    "SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON;\n"
	    "SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET QUOTED_IDENTIFIER ON;\n"
	    "SET XACT_ABORT ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF;\n"
	    "SET NOCOUNT OFF; SET LANGUAGE us_english; SET DATEFORMAT ymd;\n"
	    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;\n"
	    "SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT %d",
	    l->timeout * 1000);
	int bad = link_run(l, "setting options", sql, NULL, NULL, NULL);

	free(sql);
	return bad;
}

/* The server broke off the login without a message: find out why. */
static void
explain(struct link *l, int port)
{
	struct buf why = {0};
	int code = EX_CONFIG;

	if (l->c->encrypt)
		link_probe(l, port, &why);
	if (why.n == 0 && l->number != SYBEFCON)
		return; /* the connection was lost, and nothing else */
	if (why.n == 0 && l->c->integrated)
		buf_adds(&why, "has Kerberos a ticket (kinit)?");
	else if (why.n == 0) {
		buf_adds(&why, "it is starting, or no SQL Server");
		code = EX_UNAVAILABLE;
	}
	link_refuse(l, LINK_FINAL, code, "logging in: the server breaks off: %s", buf_text(&why));
	l->number = SYBEFCON;
	buf_free(&why);
}

int
link_connect(struct link *l)
{
	int port = l->c->port != 0 ? l->c->port : 1433;

	link_disconnect(l);
	link_begin(l);
	if ((l->c->port == 0 && l->c->instance != NULL && link_browse(l, &port) == -1) ||
	    write_conf(l, port) == -1)
		return -1;
	link_begin(l);
	dbsetlogintime(l->c->timeout);
	watch.first = fcntl(watch.broken, F_DUPFD_CLOEXEC, 0);
	close(watch.first);
	begin_watch(-1, l->c->timeout);
	l->p = log_in(l->c);
	link_end();
	if (l->p == NULL) {
		link_failed(l, "logging in");
		if (l->failure == LINK_DATA) { /* the server is not ready for us */
			l->failure = LINK_LOST;
			l->code = EX_UNAVAILABLE;
		}
		if (l->number == SYBEFCON || l->number == SYBESEOF || l->number == SYBEREAD ||
		    l->number == SYBEWRIT)
			explain(l, port);
		return -1;
	}
	if (set_options(l) == -1) {
		link_disconnect(l);
		return -1;
	}
	return 0;
}

/* A row as numbers: every answer of the server that is read here is one. */
static int
read_row(struct link *l, int64_t *v, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		v[i] = LINK_NULL;
		if (dbdatlen(l->p, i + 1) > 0 &&
		    dbconvert(l->p, dbcoltype(l->p, i + 1), dbdata(l->p, i + 1),
			dbdatlen(l->p, i + 1), SYBINT8, (BYTE *)&v[i], 8) != 8)
			return -1;
	}
	return 0;
}

static int
read_rows(struct link *l, void (*row)(void *, const int64_t *, int), void *arg)
{
	int64_t v[MAX_RESULT_COLUMNS];
	int n = dbnumcols(l->p);
	STATUS status;

	if (row != NULL && n > MAX_RESULT_COLUMNS)
		return -1;
	while ((status = dbnextrow(l->p)) != NO_MORE_ROWS) {
		if (status == FAIL)
			return -1;
		if (row == NULL) /* of a trigger, say */
			continue;
		if (read_row(l, v, n) == -1)
			return -1;
		row(arg, v, n);
	}
	return 0;
}

static int
run(struct link *l, const char *sql, void (*row)(void *, const int64_t *, int), void *arg,
    int64_t *count)
{
	RETCODE more;

	dbfreebuf(l->p);
	if (count != NULL)
		*count = -1;
	if (dbcmd(l->p, sql) == FAIL || dbsqlexec(l->p) == FAIL)
		return -1;
	while ((more = dbresults(l->p)) == SUCCEED) {
		if (read_rows(l, row, arg) == -1)
			return -1;
		if (count != NULL)
			*count = dbcount(l->p);
	}
	/* An error behind a first result is told by the handler alone. */
	return more == NO_MORE_RESULTS && l->number == 0 ? 0 : -1;
}

int
link_run(struct link *l, const char *what, const char *sql,
    void (*row)(void *, const int64_t *, int), void *arg, int64_t *count)
{
	int bad;

	msg_tell(3, "%s: %s", what, sql);
	link_begin(l);
	bad = run(l, sql, row, arg, count);
	if (bad) {
		link_failed(l, what);
		dbcancel(l->p);
	}
	link_end();
	return bad;
}
